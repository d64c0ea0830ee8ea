/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include <glib.h>

G_BEGIN_DECLS

char *zuctl_dup_printable (const char *text);
char *zuctl_dup_excerpt (const char *text, gssize length, guint columns);
guint zuctl_get_columns (const char *text);

G_END_DECLS
