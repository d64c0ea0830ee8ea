/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include <glib.h>

G_BEGIN_DECLS

typedef struct _ZuProxyWatch ZuProxyWatch;

/* A descriptor in the loop, edge-triggered: what is known of it stays true until a call says
 * otherwise. */
struct _ZuProxyWatch
{
  int fd;
  gboolean is_readable;
  gboolean is_writable;
  void (*ready) (ZuProxyWatch *self);
  gpointer owner;
};

gboolean zu_proxy_watch_add (ZuProxyWatch *self, int epoll, int fd);
gboolean zu_proxy_watch_add_input (ZuProxyWatch *self, int epoll, int fd);
void zu_proxy_watch_close (ZuProxyWatch *self);

G_END_DECLS
