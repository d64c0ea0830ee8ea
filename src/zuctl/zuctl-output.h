/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include <zu/zu.h>

G_BEGIN_DECLS

typedef enum
{
  ZUCTL_STYLE_PLAIN,
  ZUCTL_STYLE_TITLE,
  ZUCTL_STYLE_GOOD,
  ZUCTL_STYLE_BAD,
} ZuctlStyle;

void zuctl_print (const char *format, ...) G_GNUC_PRINTF (1, 2);
void zuctl_print_bytes (const char *data, gsize length);
void zuctl_print_json (ZuJson *json);
gboolean zuctl_flush (GError **error);

void zuctl_set_style (ZuctlStyle style);
guint zuctl_get_terminal_width (void);

/* An object of texts: names and values in turn, NULL ends; a value of NULL is null. */
ZuJson *zuctl_new_json (const char *name, ...) G_GNUC_NULL_TERMINATED;

G_END_DECLS
