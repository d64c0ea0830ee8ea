/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "zu-registry.h"

G_BEGIN_DECLS

#pragma GCC visibility push(hidden)

char *zu_registry_dup_uri_form (ZuRegistry *self, const char *kind, const char *port,
                                const char *name);

#pragma GCC visibility pop

G_END_DECLS
