/* SPDX-License-Identifier: Apache-2.0 */

#include "zu-sqlite-schema.h"

#include "zu-sqlite-seals.h"

/* Of the tables beside the ones that other implementations know. */
#define FORMAT 1

static const char *const base_sql =
    "CREATE TABLE IF NOT EXISTS events ("
    " seq INTEGER PRIMARY KEY AUTOINCREMENT, event_id TEXT NOT NULL UNIQUE,"
    " trace_id TEXT NOT NULL, task_id TEXT NOT NULL, parent_id TEXT, type TEXT NOT NULL,"
    " source TEXT NOT NULL, data BLOB NOT NULL);"
    "CREATE INDEX IF NOT EXISTS idx_events_task ON events(task_id);"
    "CREATE INDEX IF NOT EXISTS idx_events_trace ON events(trace_id);"
    "CREATE INDEX IF NOT EXISTS idx_events_type ON events(type);"
    "CREATE TABLE IF NOT EXISTS event_index (event_id TEXT NOT NULL, field TEXT NOT NULL,"
    " value TEXT, PRIMARY KEY (event_id, field));"
    "CREATE INDEX IF NOT EXISTS idx_event_index_fv ON event_index(field, value);"
    "CREATE TABLE IF NOT EXISTS zu_log (name TEXT PRIMARY KEY, value) WITHOUT "
    "ROWID;" ZU_SQLITE_SEALS_SQL
    "INSERT OR IGNORE INTO zu_log VALUES ('format', " G_STRINGIFY (FORMAT) ");";

/* Types too: they decide what a stored text compares with. */
#define COLUMNS_OF(table)                                                                 \
  "(SELECT group_concat(name || ' ' || upper(type) || iif(\"notnull\", ' NOT NULL', ''))" \
  " FROM pragma_table_info('" table "'))"

static const char *const columns_sql = "SELECT " COLUMNS_OF (
    "events") " = 'seq INTEGER,event_id TEXT NOT NULL,trace_id TEXT NOT NULL,"
              "task_id TEXT NOT NULL,parent_id TEXT,type TEXT NOT NULL,source TEXT NOT NULL,data "
              "BLOB NOT NULL'"
              " AND coalesce(" COLUMNS_OF (
                  "event_index") ", '') IN"
                                 " ('', 'event_id TEXT NOT NULL,field TEXT NOT NULL,value TEXT')";

/* Cannot be prepared where ids need not be unique. */
static const char *const unique_sql =
    "INSERT INTO events (event_id) VALUES ('') ON CONFLICT(event_id) DO NOTHING";

/* Everything that base_sql makes, by name. */
static const char *const complete_sql =
    "SELECT count(*) = 8 FROM sqlite_master WHERE (type, name) IN (VALUES"
    " ('table', 'events'), ('table', 'event_index'), ('table', 'zu_log'),"
    " ('table', 'zu_seals'),"
    " ('index', 'idx_events_task'), ('index', 'idx_events_trace'), ('index', 'idx_events_type'),"
    " ('index', 'idx_event_index_fv'))";

static gboolean
refuse (GError **error, ZuEventSinkError code, const char *why)
{
  g_set_error_literal (error, ZU_EVENT_SINK_ERROR, code, why);
  return FALSE;
}

static gboolean
check_format (sqlite3 *db, GError **error)
{
  gint64 has_table, format = FORMAT;

  if (!zu_sqlite_get_int64 (db,
                            "SELECT count(*) FROM sqlite_master WHERE type = 'table'"
                            " AND name = 'zu_log'",
                            &has_table, error)
      || (has_table && !zu_sqlite_log_get (db, "format", &format, error)))
    return FALSE;
  if (format >= 1 && format <= FORMAT)
    return TRUE;
  if (format < 1)
    return refuse (error, ZU_EVENT_SINK_ERROR_FOREIGN,
                   "the table 'zu_log' of this database does not say which format the log has "
                   "(restore a backup)");

  g_set_error (error, ZU_EVENT_SINK_ERROR, ZU_EVENT_SINK_ERROR_FOREIGN,
               "this log has format %" G_GINT64_FORMAT " of a newer version; this one knows %d "
               "(use the newer version)",
               format, FORMAT);
  return FALSE;
}

/* Whether a database is a log; one without any table is missing. */
gboolean
zu_sqlite_schema_check (sqlite3 *db, GError **error)
{
  gint64 n_tables, n_events, is_ours;

  if (!zu_sqlite_get_int64 (db, "SELECT count(*) FROM sqlite_master", &n_tables, error)
      || !zu_sqlite_get_int64 (
          db, "SELECT count(*) FROM sqlite_master WHERE type = 'table' AND name = 'events'",
          &n_events, error))
    return FALSE;
  if (n_tables == 0)
    return refuse (error, ZU_EVENT_SINK_ERROR_MISSING,
                   "there is an empty database, and no log in it yet");
  if (n_events == 0)
    return refuse (error, ZU_EVENT_SINK_ERROR_FOREIGN,
                   "this database holds something else than an event log (name another file)");
  if (!zu_sqlite_get_int64 (db, columns_sql, &is_ours, error))
    return FALSE;
  if (!is_ours)
    return refuse (error, ZU_EVENT_SINK_ERROR_FOREIGN,
                   "the tables of this database have other columns than those of an event log "
                   "(name another file)");

  return check_format (db, error);
}

static gboolean
check_unique (sqlite3 *db, GError **error)
{
  g_autoptr (sqlite3_stmt) stmt = zu_sqlite_prepare (db, unique_sql, NULL);

  return stmt != NULL
         || refuse (error, ZU_EVENT_SINK_ERROR_FOREIGN,
                    "the table 'events' of this database would take an event twice (name another "
                    "file)");
}

/* Makes what is not there, and changes nothing where all is. Called with the lock held. */
gboolean
zu_sqlite_schema_make (sqlite3 *db, GError **error)
{
  g_autoptr (GError) local_error = NULL;
  gint64 is_complete;

  if (zu_sqlite_schema_check (db, &local_error))
    {
      if (!zu_sqlite_get_int64 (db, complete_sql, &is_complete, error))
        return FALSE;
      if (is_complete)
        return check_unique (db, error);
    }
  else if (!g_error_matches (local_error, ZU_EVENT_SINK_ERROR, ZU_EVENT_SINK_ERROR_MISSING))
    {
      g_propagate_error (error, g_steal_pointer (&local_error));
      return FALSE;
    }

  if (!zu_sqlite_exec (db, "BEGIN IMMEDIATE", error))
    return FALSE;
  if (zu_sqlite_exec (db, base_sql, error) && check_unique (db, error)
      && zu_sqlite_exec (db, "COMMIT", error))
    return TRUE;

  sqlite3_exec (db, "ROLLBACK", NULL, NULL, NULL);
  return FALSE;
}

/* A number that the log keeps about itself; 0 where it keeps none of that name. */
gboolean
zu_sqlite_log_get (sqlite3 *db, const char *name, gint64 *value, GError **error)
{
  g_autoptr (sqlite3_stmt) stmt =
      zu_sqlite_prepare (db, "SELECT value FROM zu_log WHERE name = ?1", error);
  int result;

  *value = 0;
  if (stmt == NULL)
    return FALSE;

  zu_sqlite_bind_text (stmt, 1, name, -1);
  result = sqlite3_step (stmt);
  if (result == SQLITE_ROW)
    *value = sqlite3_column_int64 (stmt, 0);
  else if (result != SQLITE_DONE)
    zu_sqlite_set_error (error, db, result, "read what the log says of itself");
  return result == SQLITE_ROW || result == SQLITE_DONE;
}

gboolean
zu_sqlite_log_set (sqlite3 *db, const char *name, gint64 value, GError **error)
{
  g_autoptr (sqlite3_stmt) stmt = zu_sqlite_prepare (
      db,
      "INSERT INTO zu_log VALUES (?1, ?2) ON CONFLICT(name) DO UPDATE SET value = excluded.value",
      error);
  int result;

  if (stmt == NULL)
    return FALSE;

  zu_sqlite_bind_text (stmt, 1, name, -1);
  sqlite3_bind_int64 (stmt, 2, value);
  result = sqlite3_step (stmt);
  if (result != SQLITE_DONE)
    zu_sqlite_set_error (error, db, result, "write what the log says of itself");
  return result == SQLITE_DONE;
}
