/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include <zu/zu.h>

G_BEGIN_DECLS

/* Values that one step of a scenario has bound to a name for later ones. */
GHashTable *conform_bindings_new (void);

ZuJson *conform_fill_in (ZuJson *value, GHashTable *bindings, GError **error);
gboolean conform_match (ZuJson *expected, ZuJson *actual, GHashTable *bindings, GError **error);

G_END_DECLS
