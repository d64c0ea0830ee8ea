/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include <zu/zu.h>

G_BEGIN_DECLS

/* Tells a backend that watches owners who owns the sandboxes it launches from now on; a descriptor
 * to close once they are launched, -1 where the backend does not watch. */
int zu_run_owner_claim (ZuSandboxBackend *backend, const char *trace_id, const char *task_id,
                        GError **error);

G_END_DECLS
