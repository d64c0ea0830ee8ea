/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include <gio/gio.h>

G_BEGIN_DECLS

#pragma GCC visibility push(hidden)

/* Positions as the file has them: a JSON object a line, with `destination`, `seq` and `event_id`.
 */
typedef struct
{
  gint64 seq;
  char *event_id; /* of the last event up to there; NULL where that is not known */
} ZuPosition;

GHashTable *zu_positions_table_new (void);
void zu_positions_table_set (GHashTable *table, const char *destination, gint64 seq,
                             const char *event_id);
gboolean zu_positions_table_read (GHashTable *table, const char *text, gsize length);
char *zu_positions_table_write (GHashTable *table);

#pragma GCC visibility pop

G_END_DECLS
