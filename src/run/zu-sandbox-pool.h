/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include <zu/zu.h>

G_BEGIN_DECLS

#define ZU_TYPE_SANDBOX_POOL (zu_sandbox_pool_get_type ())
G_DECLARE_FINAL_TYPE (ZuSandboxPool, zu_sandbox_pool, ZU, SANDBOX_POOL, GObject)

ZuSandboxPool *zu_sandbox_pool_new (ZuSandboxBackend *backend, ZuLaunchSpec *spec, guint size);

ZuSandbox *zu_sandbox_pool_claim (ZuSandboxPool *self, GCancellable *cancellable, GError **error);
gboolean zu_sandbox_pool_wait_ready (ZuSandboxPool *self, GCancellable *cancellable,
                                     GError **error);
guint zu_sandbox_pool_get_n_ready (ZuSandboxPool *self);
void zu_sandbox_pool_close (ZuSandboxPool *self);

G_END_DECLS
