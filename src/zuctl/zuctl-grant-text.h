/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include <zu/zu.h>

G_BEGIN_DECLS

void zuctl_grant_print_list (GPtrArray *grants, gboolean is_json);
void zuctl_grant_print_outcome (ZuUseOutcome *outcome, gboolean is_json);

G_END_DECLS
