/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include <glib.h>

G_BEGIN_DECLS

#pragma GCC visibility push(hidden)

/* Room for the normal form, `2024-03-05T06:07:08.090807+05:30`, and a terminator. */
#define ZU_TIMESTAMP_SIZE 36

gboolean zu_timestamp_is_normal (const char *text, gsize length);
gboolean zu_timestamp_read_text (const char *text, gsize length, char out[ZU_TIMESTAMP_SIZE]);
gboolean zu_timestamp_read_integer (gint64 value, char out[ZU_TIMESTAMP_SIZE]);
gboolean zu_timestamp_read_double (double value, char out[ZU_TIMESTAMP_SIZE]);
void zu_timestamp_make (char out[ZU_TIMESTAMP_SIZE]);

#pragma GCC visibility pop

G_END_DECLS
