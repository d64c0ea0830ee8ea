/* SPDX-License-Identifier: Apache-2.0 */

#include "zu-sqlite-row.h"

#define SEPARATOR 0x1f

static const struct
{
  const char *name;
  int column;
  ZuEventField field;
} columns[] = {
  { "event_id", ZU_SQLITE_ROW_EVENT_ID, ZU_EVENT_FIELD_EVENT_ID },
  { "trace_id", ZU_SQLITE_ROW_TRACE_ID, ZU_EVENT_FIELD_TRACE_ID },
  { "task_id", ZU_SQLITE_ROW_TASK_ID, ZU_EVENT_FIELD_TASK_ID },
  { "type", ZU_SQLITE_ROW_TYPE, ZU_EVENT_FIELD_TYPE },
  { "source", ZU_SQLITE_ROW_SOURCE, ZU_EVENT_FIELD_SOURCE },
  { "parent_id", ZU_SQLITE_ROW_PARENT_ID, ZU_EVENT_FIELD_PARENT_ID },
};

/* All but the last are what a blob is bound to. */
#define N_BOUND (G_N_ELEMENTS (columns) - 1)

/* As zu_codec_dup_associated_data() has it, but of the columns: a row whose columns were changed
 * does not decrypt. */
static GBytes *
dup_associated_data (sqlite3_stmt *row)
{
  const guint8 separator = SEPARATOR;
  g_autoptr (GByteArray) joined = g_byte_array_new ();

  for (guint i = 0; i < N_BOUND; i++)
    {
      /* Not as text: that would make one of whatever is stored, and its type could not be told. */
      const guint8 *text = sqlite3_column_blob (row, columns[i].column);

      if (i > 0)
        g_byte_array_append (joined, &separator, 1);
      if (text != NULL)
        g_byte_array_append (joined, text, (guint) sqlite3_column_bytes (row, columns[i].column));
    }

  return g_byte_array_free_to_bytes (g_steal_pointer (&joined));
}

/* Of two rows from which on a plaintext one is refused, the one that refuses more; 0 is none. */
gint64
zu_sqlite_stricter (gint64 a, gint64 b)
{
  if (a <= 0 || b <= 0)
    return MAX (MAX (a, b), 0);
  return MIN (a, b);
}

/* The log says so. What was learned once holds for as long as the sink lives. */
void
zu_sqlite_params_learn (const ZuSqliteParams *params, gint64 encrypted_from)
{
  gint64 known;

  if (params->learned == NULL || encrypted_from <= 0)
    return;

  known = __atomic_load_n (params->learned, __ATOMIC_RELAXED);
  if (zu_sqlite_stricter (known, encrypted_from) != known)
    __atomic_store_n (params->learned, encrypted_from, __ATOMIC_RELAXED);
}

static gboolean
check_policy (sqlite3_stmt *row, const ZuSqliteParams *params, GError **error)
{
  gint64 from = params->encrypted_from;

  if (params->learned != NULL)
    from = zu_sqlite_stricter (from, __atomic_load_n (params->learned, __ATOMIC_RELAXED));
  if (from == 0 || sqlite3_column_int64 (row, ZU_SQLITE_ROW_SEQ) < from)
    return TRUE;

  g_set_error (error, ZU_EVENT_SINK_ERROR, ZU_EVENT_SINK_ERROR_PLAINTEXT,
               "it is in plain text, and from row %" G_GINT64_FORMAT " on only encrypted ones are "
               "taken",
               from);
  return FALSE;
}

static ZuEvent *
decode (sqlite3_stmt *row, const ZuSqliteParams *params, GError **error)
{
  const guint8 *blob = sqlite3_column_blob (row, ZU_SQLITE_ROW_DATA);
  gsize size = (gsize) sqlite3_column_bytes (row, ZU_SQLITE_ROW_DATA);
  g_autoptr (GBytes) associated_data = NULL;

  if (size > 0 && blob[0] != 0)
    associated_data = dup_associated_data (row);
  else if (!check_policy (row, params, error))
    return NULL;
  return zu_codec_set_decode_event (params->codecs, blob, size, associated_data, error);
}

/* The event of a row; an error names the row. */
ZuEvent *
zu_sqlite_row_decode (sqlite3_stmt *row, const ZuSqliteParams *params, GError **error)
{
  g_autoptr (GError) cause = NULL;
  ZuEvent *event = decode (row, params, &cause);
  const guint8 *event_id;

  if (event != NULL)
    return event;

  event_id = sqlite3_column_text (row, ZU_SQLITE_ROW_EVENT_ID);
  g_set_error (error, ZU_EVENT_SINK_ERROR, ZU_EVENT_SINK_ERROR_UNDECODABLE,
               "row %" G_GINT64_FORMAT " (event %s) cannot be read: %s",
               (gint64) sqlite3_column_int64 (row, ZU_SQLITE_ROW_SEQ),
               event_id != NULL && g_utf8_validate ((const char *) event_id, -1, NULL)
                   ? (const char *) event_id
                   : "?",
               cause->message);
  return NULL;
}

/* A text that is stored as anything else compares with no text that a filter asks for. */
static gboolean
is_same (sqlite3_stmt *row, int column, const char *text, gsize length)
{
  const char *stored;

  if (sqlite3_column_type (row, column) != (text != NULL ? SQLITE_TEXT : SQLITE_NULL))
    return FALSE;
  if (text == NULL)
    return TRUE;

  stored = (const char *) sqlite3_column_text (row, column);
  return (gsize) sqlite3_column_bytes (row, column) == length && memcmp (stored, text, length) == 0;
}

static void
add_name (GString **names, const char *name)
{
  if (*names == NULL)
    *names = g_string_new (name);
  else
    g_string_append_printf (*names, ", %s", name);
}

/* The names of the columns that differ from the event inside; NULL where none does. */
char *
zu_sqlite_row_dup_mismatch (sqlite3_stmt *row, ZuEvent *event)
{
  g_autoptr (GString) names = NULL;

  for (guint i = 0; i < G_N_ELEMENTS (columns); i++)
    {
      gsize length;
      const char *text = zu_event_get_field (event, columns[i].field, &length);

      if (!is_same (row, columns[i].column, text, length))
        add_name (&names, columns[i].name);
    }
  if (sqlite3_column_type (row, ZU_SQLITE_ROW_DATA) != SQLITE_BLOB)
    add_name (&names, "data");

  return names != NULL ? g_string_free (g_steal_pointer (&names), FALSE) : NULL;
}
