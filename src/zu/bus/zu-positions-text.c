/* SPDX-License-Identifier: Apache-2.0 */

#include "zu-positions-text-private.h"

#include "../event/zu-json.h"

#include <string.h>

static void
position_free (gpointer data)
{
  ZuPosition *position = data;

  g_free (position->event_id);
  g_free (position);
}

GHashTable *
zu_positions_table_new (void)
{
  return g_hash_table_new_full (g_str_hash, g_str_equal, g_free, position_free);
}

void
zu_positions_table_set (GHashTable *table, const char *destination, gint64 seq,
                        const char *event_id)
{
  ZuPosition *position = g_new0 (ZuPosition, 1);

  position->seq = seq;
  position->event_id = g_strdup (event_id);
  g_hash_table_insert (table, g_strdup (destination), position);
}

/* NULL where there is none, and where a zero would end it early. */
static const char *
get_text (ZuJson *value)
{
  gsize length;
  const char *text;

  if (value == NULL || zu_json_get_kind (value) != ZU_JSON_KIND_STRING)
    return NULL;
  text = zu_json_get_string (value, &length);
  return strlen (text) == length ? text : NULL;
}

static gboolean
read_line (GHashTable *table, const char *line, gssize length)
{
  g_autoptr (ZuJson) json = zu_json_parse (line, length, NULL);
  g_autoptr (ZuJson) name = NULL, seq = NULL, event_id = NULL;
  gint64 number;

  if (json == NULL || zu_json_get_kind (json) != ZU_JSON_KIND_OBJECT)
    return FALSE;

  name = zu_json_dup_member (json, "destination");
  seq = zu_json_dup_member (json, "seq");
  event_id = zu_json_dup_member (json, "event_id");
  if (get_text (name) == NULL || seq == NULL || zu_json_get_kind (seq) != ZU_JSON_KIND_INTEGER
      || !zu_json_get_int64 (seq, &number) || number < 0)
    return FALSE;

  zu_positions_table_set (table, get_text (name), number, get_text (event_id));
  return TRUE;
}

/* FALSE at the first line that is none, or that has no end. */
gboolean
zu_positions_table_read (GHashTable *table, const char *text, gsize length)
{
  const char *end = text + length;

  for (const char *line = text, *newline; line < end; line = newline + 1)
    {
      newline = memchr (line, '\n', (gsize) (end - line));
      if (newline == NULL || !read_line (table, line, newline - line))
        return FALSE;
    }
  return TRUE;
}

static void
add_line (GString *text, const char *destination, const ZuPosition *position)
{
  g_autoptr (ZuJsonBuilder) builder = zu_json_builder_new ();
  g_autoptr (ZuJson) json = NULL;
  g_autofree char *line = NULL;

  zu_json_builder_begin_object (builder);
  zu_json_builder_set_member (builder, "destination");
  zu_json_builder_add_string (builder, destination);
  zu_json_builder_set_member (builder, "seq");
  zu_json_builder_add_int64 (builder, position->seq);
  zu_json_builder_set_member (builder, "event_id");
  if (position->event_id != NULL)
    zu_json_builder_add_string (builder, position->event_id);
  else
    zu_json_builder_add_null (builder);
  zu_json_builder_end_object (builder);
  json = zu_json_builder_end (builder, NULL);
  line = zu_json_to_string (json);
  g_string_append_printf (text, "%s\n", line);
}

char *
zu_positions_table_write (GHashTable *table)
{
  g_autoptr (GString) text = g_string_new (NULL);
  GHashTableIter iter;
  gpointer destination, position;

  g_hash_table_iter_init (&iter, table);
  while (g_hash_table_iter_next (&iter, &destination, &position))
    add_line (text, destination, position);
  return g_string_free (g_steal_pointer (&text), FALSE);
}
