/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include <glib.h>

G_BEGIN_DECLS

gboolean zuctl_config_get (const char *group, const char *key, char **value, GError **error);

G_END_DECLS
