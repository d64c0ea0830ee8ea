/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "zu-internal-network.h"

G_BEGIN_DECLS

#define ZU_INTERNAL_TABLE_PREFIX "zu_net_"

/* The one table that closes a network's gateway, by the name of its bridge. */
char *zu_internal_rules_make_table_name (const char *network);
GStrv zu_internal_rules_new (const ZuInternalNetwork *network, ZuEgressPolicy *policy,
                             GError **error);
GStrv zu_internal_rules_list (int netns, const char *table, const char *const *lines,
                              GError **error);
gboolean zu_internal_rules_put (int netns, const char *table, const char *const *lines,
                                GError **error);
gboolean zu_internal_rules_delete (int netns, const char *table, GError **error);
GStrv zu_internal_rules_list_tables (int netns, GError **error);

G_END_DECLS
