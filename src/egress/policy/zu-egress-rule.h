/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include <glib.h>

G_BEGIN_DECLS

gboolean zu_egress_is_address (const char *text);
gboolean zu_egress_is_name (const char *text);
gboolean zu_egress_check_rule (const char *rule, char **why);

G_END_DECLS
