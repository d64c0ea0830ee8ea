/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include <zu/event/zu-event.h>

/* The recorded cases of the formats: the folder that $ZU_VECTORS names, where it exists, else the
 * copy in tests/data. A file or value that is missing fails the test. */

typedef void (*VectorFunc) (ZuJson *row, gpointer user_data);

char *vectors_read (const char *name, gsize *length);
ZuJson *vectors_read_json (const char *name);
guint vectors_foreach_line (const char *name, VectorFunc func, gpointer user_data);

ZuJson *row_member (ZuJson *row, const char *name);
const char *row_text (ZuJson *row, const char *name);
GBytes *row_hex (ZuJson *row, const char *name);
ZuSecret *row_secret (ZuJson *row, const char *name);
