/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "zu-sandboxes.h"

G_BEGIN_DECLS

/* The set of sandboxes of a backend; a new reference, or NULL with an error. */
typedef ZuSandboxes *(*ZuSandboxesFunc) (ZuSandboxBackend *backend, GError **error);

void zu_sandboxes_implement (ZuSandboxBackendInterface *iface, const char *name,
                             ZuSandboxesFunc func);

G_END_DECLS
