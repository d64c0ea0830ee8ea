/* SPDX-License-Identifier: Apache-2.0 */

#include "zu-sqlite-row.h"

#define SEPARATOR 0x1f

/* The statement's columns in the order of ZuRowColumn. */
static const int columns[ZU_ROW_N_COLUMNS] = {
  [ZU_ROW_COLUMN_EVENT_ID] = ZU_SQLITE_ROW_EVENT_ID,
  [ZU_ROW_COLUMN_TRACE_ID] = ZU_SQLITE_ROW_TRACE_ID,
  [ZU_ROW_COLUMN_TASK_ID] = ZU_SQLITE_ROW_TASK_ID,
  [ZU_ROW_COLUMN_TYPE] = ZU_SQLITE_ROW_TYPE,
  [ZU_ROW_COLUMN_SOURCE] = ZU_SQLITE_ROW_SOURCE,
  [ZU_ROW_COLUMN_PARENT_ID] = ZU_SQLITE_ROW_PARENT_ID,
};

/* All but the last are what a blob is bound to. */
#define N_BOUND (ZU_ROW_N_COLUMNS - 1)

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
      const guint8 *text = sqlite3_column_blob (row, columns[i]);

      if (i > 0)
        g_byte_array_append (joined, &separator, 1);
      if (text != NULL)
        g_byte_array_append (joined, text, (guint) sqlite3_column_bytes (row, columns[i]));
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

static void
set_undecodable (GError **error, sqlite3_stmt *row, const GError *cause)
{
  const guint8 *event_id = sqlite3_column_text (row, ZU_SQLITE_ROW_EVENT_ID);

  g_set_error (error, ZU_EVENT_SINK_ERROR, ZU_EVENT_SINK_ERROR_UNDECODABLE,
               "row %" G_GINT64_FORMAT " (event %s) cannot be read: %s",
               (gint64) sqlite3_column_int64 (row, ZU_SQLITE_ROW_SEQ),
               event_id != NULL && g_utf8_validate ((const char *) event_id, -1, NULL)
                   ? (const char *) event_id
                   : "?",
               cause->message);
}

/* The event of a row; an error names the row. */
ZuEvent *
zu_sqlite_row_decode (sqlite3_stmt *row, const ZuSqliteParams *params, GError **error)
{
  g_autoptr (GError) cause = NULL;
  ZuEvent *event = decode (row, params, &cause);

  if (event == NULL)
    set_undecodable (error, row, cause);
  return event;
}

/* What is stored, and whether it is stored as something else than TYPE or null: then it compares
 * with nothing that a filter asks for. By the value, which takes no lock that the connection, used
 * by one thread at a time, has not. */
static inline ZuRowValue
read_value (sqlite3_stmt *row, int column, int type, gboolean *is_odd)
{
  sqlite3_value *value = sqlite3_column_value (row, column);
  int found = sqlite3_value_type (value);
  gconstpointer data;

  *is_odd = found != type && found != SQLITE_NULL;
  data = found == SQLITE_TEXT ? sqlite3_value_text (value) : sqlite3_value_blob (value);
  return (ZuRowValue){ data, data != NULL ? (gsize) sqlite3_value_bytes (value) : 0 };
}

static void
read_stored (ZuRow *stored, sqlite3_stmt *row)
{
  gboolean is_odd;

  stored->seq = sqlite3_column_int64 (row, ZU_SQLITE_ROW_SEQ);
  stored->odd = 0;
  for (guint i = 0; i < ZU_ROW_N_COLUMNS; i++)
    {
      stored->columns[i] = read_value (row, columns[i], SQLITE_TEXT, &is_odd);
      stored->odd |= (guint32) is_odd << i;
    }
  stored->blob = read_value (row, ZU_SQLITE_ROW_DATA, SQLITE_BLOB, &is_odd);
  stored->odd |= (guint32) (is_odd || stored->blob.data == NULL) << ZU_ROW_N_COLUMNS;
}

/* A sentence that names the columns that differ from the event inside; NULL where none does. */
char *
zu_sqlite_row_dup_mismatch (sqlite3_stmt *row, ZuEvent *event)
{
  ZuRow stored;

  read_stored (&stored, row);
  return zu_row_dup_mismatch (&stored, event);
}

static void
write_refused (const ZuRow *stored, sqlite3_stmt *row, const GError *cause, ZuRowWriter *writer)
{
  g_autoptr (GError) error = NULL;

  set_undecodable (&error, row, cause);
  zu_row_writer_add_undecodable (writer, stored, error->message);
}

/* Adds the row to a page, as it is stored. */
void
zu_sqlite_row_write (sqlite3_stmt *row, const ZuSqliteParams *params, ZuRowWriter *writer)
{
  g_autoptr (GError) cause = NULL;
  ZuRow stored;

  read_stored (&stored, row);
  if ((stored.blob.size == 0 || *(const guint8 *) stored.blob.data == 0)
      && !check_policy (row, params, &cause))
    write_refused (&stored, row, cause, writer);
  else
    zu_row_writer_add (writer, &stored);
}
