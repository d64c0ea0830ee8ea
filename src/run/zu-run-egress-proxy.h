/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "zu-run-egress.h"

G_BEGIN_DECLS

/* The process zu-egress-proxy, and the socket that it tells its decisions on. */
typedef struct _ZuRunEgressProxy ZuRunEgressProxy;

ZuRunEgressProxy *zu_run_egress_proxy_start (const ZuRunEgressPolicy *policy, int listener,
                                             GCancellable *cancellable, GError **error);
void zu_run_egress_proxy_free (ZuRunEgressProxy *self);

int zu_run_egress_proxy_get_fd (ZuRunEgressProxy *self);
gssize zu_run_egress_proxy_receive (ZuRunEgressProxy *self, char *text, gsize size);
void zu_run_egress_proxy_commit (ZuRunEgressProxy *self, guint64 id);
void zu_run_egress_proxy_end (ZuRunEgressProxy *self);
gboolean zu_run_egress_proxy_await (ZuRunEgressProxy *self);
gboolean zu_run_egress_proxy_reap (ZuRunEgressProxy *self, GError **error);

G_END_DECLS
