/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include <zu/zu.h>

G_BEGIN_DECLS

/* The chains of one table, as text of nft(8), a rule a line, spelled as they are listed. */
GStrv zu_nft_rules_new (ZuEgressPolicy *policy, GError **error);
char *zu_nft_rules_make_table (const char *table, const char *const *lines);
GStrv zu_nft_rules_read_back (const char *const *lines, const char *listing);

G_END_DECLS
