/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "zu-address.h"

G_BEGIN_DECLS

/* Looks names up in a thread of its own, each in a bounded time. */
typedef struct _ZuProxyResolver ZuProxyResolver;
typedef struct _ZuProxyLookup ZuProxyLookup;

/* ADDRESSES is NULL where the name has none; HAS_TIMED_OUT where no answer came. */
typedef void (*ZuProxyResolved) (const ZuAddress *addresses, guint n_addresses,
                                 gboolean has_timed_out, gpointer data);

ZuProxyResolver *zu_proxy_resolver_new (guint timeout_ms, GError **error);
void zu_proxy_resolver_free (ZuProxyResolver *self);
int zu_proxy_resolver_get_fd (ZuProxyResolver *self);
void zu_proxy_resolver_dispatch (ZuProxyResolver *self);

ZuProxyLookup *zu_proxy_resolver_look_up (ZuProxyResolver *self, const char *name,
                                          ZuProxyResolved func, gpointer data);
void zu_proxy_lookup_abandon (ZuProxyLookup *self);

G_END_DECLS
