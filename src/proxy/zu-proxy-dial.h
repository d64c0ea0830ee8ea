/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "zu-address.h"
#include "zu-proxy-watch.h"

G_BEGIN_DECLS

#define ZU_PROXY_DIAL_MAX 16

/* FD is connected to ADDRESS and in the loop already, or -1 where no address answers. */
typedef void (*ZuProxyDialled) (int fd, const ZuAddress *address, gpointer data);

/* Connects to the first of several addresses that answers (RFC 8305). */
typedef struct _ZuProxyDial ZuProxyDial;

ZuProxyDial *zu_proxy_dial_new (int epoll, const ZuAddress *addresses, guint n_addresses,
                                guint16 port, ZuProxyDialled func, gpointer data);
void zu_proxy_dial_start (ZuProxyDial *self, gint64 now);
void zu_proxy_dial_tick (ZuProxyDial *self, gint64 now);
void zu_proxy_dial_stop (ZuProxyDial *self);
void zu_proxy_dial_free (ZuProxyDial *self);

G_END_DECLS
