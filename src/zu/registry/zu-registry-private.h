/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "zu-registry.h"

G_BEGIN_DECLS

char *zu_registry_dup_uri_form (ZuRegistry *self, const char *kind, const char *port,
                                const char *name);

G_END_DECLS
