/* SPDX-License-Identifier: Apache-2.0 */

#include "zu-sqlite-index.h"

#include "zu-sqlite-schema.h"

#define PREFIX "index:"

gboolean
zu_sqlite_index_get_end (sqlite3 *db, const char *field, gint64 *end, GError **error)
{
  g_autofree char *name = g_strconcat (PREFIX, field, NULL);

  return zu_sqlite_log_get (db, name, end, error);
}

/* Up to which row the side index answers for all of these fields. No such mark, or no table for
 * marks in a log that another implementation wrote: up to none. */
gint64
zu_sqlite_index_get_common_end (sqlite3 *db, ZuFilter *ctx)
{
  gint64 end = G_MAXINT64;

  for (guint i = 0; ctx != NULL && i < zu_filter_get_size (ctx); i++)
    {
      gint64 one;

      if (!zu_sqlite_index_get_end (db, zu_filter_get_field (ctx, i), &one, NULL))
        one = 0;
      end = MIN (end, one);
    }

  return end;
}

/* The fields that whoever appends keeps the index of. */
GStrv
zu_sqlite_index_dup_fields (sqlite3 *db, GError **error)
{
  g_autoptr (sqlite3_stmt) stmt = zu_sqlite_prepare (
      db, "SELECT substr(name, 7) FROM zu_log WHERE substr(name, 1, 6) = '" PREFIX "'", error);
  g_autoptr (GStrvBuilder) fields = g_strv_builder_new ();
  int result;

  if (stmt == NULL)
    return NULL;

  while ((result = sqlite3_step (stmt)) == SQLITE_ROW)
    if (sqlite3_column_text (stmt, 0) != NULL)
      g_strv_builder_add (fields, (const char *) sqlite3_column_text (stmt, 0));
  if (result == SQLITE_DONE)
    return g_strv_builder_end (fields);

  zu_sqlite_set_error (error, db, result, "read the registered fields");
  return NULL;
}

gboolean
zu_sqlite_index_set_end (sqlite3 *db, const char *field, gint64 end, GError **error)
{
  g_autofree char *name = g_strconcat (PREFIX, field, NULL);

  return zu_sqlite_log_set (db, name, end, error);
}

sqlite3_stmt *
zu_sqlite_index_prepare (sqlite3 *db, GError **error)
{
  return zu_sqlite_prepare (db, "INSERT OR REPLACE INTO event_index VALUES (?1, ?2, ?3)", error);
}

/* A result of SQLite's; an event without the field has no entry. */
int
zu_sqlite_index_add (sqlite3_stmt *insert, ZuEvent *event, const char *field)
{
  g_autofree char *value = zu_event_dup_ctx_value (event, field);
  g_autoptr (ZuSqliteUse) use = NULL;

  if (value == NULL)
    return SQLITE_DONE;

  use = insert;
  zu_sqlite_bind_text (insert, 1, zu_event_get_event_id (event), -1);
  zu_sqlite_bind_text (insert, 2, field, -1);
  zu_sqlite_bind_text (insert, 3, value, -1);
  return sqlite3_step (insert);
}

/* A row that cannot be decoded has no entry; whoever filters is told of it when he reads it. */
static int
add_row (sqlite3_stmt *row, sqlite3_stmt *insert, const char *field, const ZuSqliteParams *params)
{
  g_autoptr (ZuEvent) event = zu_sqlite_row_decode (row, params, NULL);

  return event != NULL ? zu_sqlite_index_add (insert, event, field) : SQLITE_DONE;
}

/* Completes the index of one field, behind row @start and up to row @end. In a transaction. */
gboolean
zu_sqlite_index_fill (sqlite3 *db, const char *field, const ZuSqliteParams *params, gint64 start,
                      gint64 end, GError **error)
{
  g_autoptr (sqlite3_stmt) rows = NULL, insert = NULL;
  int result = SQLITE_DONE;

  rows = zu_sqlite_prepare (db,
                            "SELECT " ZU_SQLITE_ROW_COLUMNS
                            " FROM events e WHERE e.seq > ?1 AND e.seq <= ?2 ORDER BY e.seq",
                            error);
  if (rows == NULL || (insert = zu_sqlite_index_prepare (db, error)) == NULL)
    return FALSE;

  sqlite3_bind_int64 (rows, 1, start);
  sqlite3_bind_int64 (rows, 2, end);
  while (result == SQLITE_DONE && (result = sqlite3_step (rows)) == SQLITE_ROW)
    result = add_row (rows, insert, field, params);
  if (result != SQLITE_DONE)
    zu_sqlite_set_error (error, db, result, "complete the index of a field");
  return result == SQLITE_DONE;
}
