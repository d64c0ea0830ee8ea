/* SPDX-License-Identifier: Apache-2.0 */

#include "zu-sqlite-db.h"

#include <errno.h>

gboolean
zu_sqlite_is_io_error (int result)
{
  int primary = result & 0xff;

  return primary == SQLITE_IOERR || primary == SQLITE_CORRUPT || primary == SQLITE_NOTADB;
}

static ZuEventSinkError
get_code (int result, int system_errno)
{
  switch (result & 0xff)
    {
    case SQLITE_FULL:
      return ZU_EVENT_SINK_ERROR_FULL;
    case SQLITE_IOERR:
      return system_errno == ENOSPC || system_errno == EDQUOT ? ZU_EVENT_SINK_ERROR_FULL
                                                              : ZU_EVENT_SINK_ERROR_POISONED;
    case SQLITE_BUSY:
    case SQLITE_LOCKED:
      return ZU_EVENT_SINK_ERROR_BUSY;
    case SQLITE_READONLY:
    case SQLITE_PERM:
    case SQLITE_AUTH:
      return ZU_EVENT_SINK_ERROR_READ_ONLY;
    case SQLITE_CANTOPEN:
      return system_errno == ENOENT ? ZU_EVENT_SINK_ERROR_MISSING : ZU_EVENT_SINK_ERROR_READ_ONLY;
    case SQLITE_CORRUPT:
      return ZU_EVENT_SINK_ERROR_UNDECODABLE;
    default:
      return ZU_EVENT_SINK_ERROR_FOREIGN;
    }
}

static const char *
get_advice (ZuEventSinkError code)
{
  switch (code)
    {
    case ZU_EVENT_SINK_ERROR_FULL:
      return "; nothing was stored (free some space and append again)";
    case ZU_EVENT_SINK_ERROR_BUSY:
      return " (another program holds the log; try again when it has finished)";
    case ZU_EVENT_SINK_ERROR_READ_ONLY:
      return " (see that this user may write the log and the folder it is in)";
    case ZU_EVENT_SINK_ERROR_FOREIGN:
      return " (this is no event log; name another file)";
    case ZU_EVENT_SINK_ERROR_UNDECODABLE:
      return " (the database is damaged; restore a backup)";
    default:
      return "";
    }
}

/* Says in the port's terms why @what was not possible. */
void
zu_sqlite_set_error (GError **error, sqlite3 *db, int result, const char *what)
{
  int system_errno = db != NULL ? sqlite3_system_errno (db) : 0;
  ZuEventSinkError code = get_code (result, system_errno);
  const char *why = db != NULL ? sqlite3_errmsg (db) : sqlite3_errstr (result);

  if ((result & 0xff) == SQLITE_INTERRUPT)
    g_set_error_literal (error, G_IO_ERROR, G_IO_ERROR_CANCELLED, "the reading was cancelled");
  else if (system_errno != 0)
    g_set_error (error, ZU_EVENT_SINK_ERROR, code, "cannot %s: %s: %s%s", what, why,
                 g_strerror (system_errno), get_advice (code));
  else
    g_set_error (error, ZU_EVENT_SINK_ERROR, code, "cannot %s: %s%s", what, why, get_advice (code));
}

/* A database file may come from anybody: nothing in its schema runs code of its own. */
gboolean
zu_sqlite_harden (sqlite3 *db, GError **error)
{
  static const struct
  {
    int option;
    int value;
  } settings[] = {
    { SQLITE_DBCONFIG_DEFENSIVE, 1 },      { SQLITE_DBCONFIG_TRUSTED_SCHEMA, 0 },
    { SQLITE_DBCONFIG_ENABLE_TRIGGER, 0 }, { SQLITE_DBCONFIG_ENABLE_VIEW, 0 },
    { SQLITE_DBCONFIG_ENABLE_FKEY, 0 },    { SQLITE_DBCONFIG_ENABLE_LOAD_EXTENSION, 0 },
  };

  for (guint i = 0; i < G_N_ELEMENTS (settings); i++)
    {
      int result = sqlite3_db_config (db, settings[i].option, settings[i].value, NULL);

      if (result != SQLITE_OK)
        {
          zu_sqlite_set_error (error, db, result, "set the database up safely");
          return FALSE;
        }
    }

  return TRUE;
}

gboolean
zu_sqlite_exec (sqlite3 *db, const char *sql, GError **error)
{
  int result = sqlite3_exec (db, sql, NULL, NULL, NULL);

  if (result != SQLITE_OK)
    zu_sqlite_set_error (error, db, result, "use the database");
  return result == SQLITE_OK;
}

sqlite3_stmt *
zu_sqlite_prepare (sqlite3 *db, const char *sql, GError **error)
{
  sqlite3_stmt *stmt = NULL;
  int result = sqlite3_prepare_v3 (db, sql, -1, SQLITE_PREPARE_PERSISTENT, &stmt, NULL);

  if (result != SQLITE_OK)
    zu_sqlite_set_error (error, db, result, "use the database");
  return stmt;
}

/* The first number that @sql gives; 0 where it gives no row. */
gboolean
zu_sqlite_get_int64 (sqlite3 *db, const char *sql, gint64 *value, GError **error)
{
  g_autoptr (sqlite3_stmt) stmt = zu_sqlite_prepare (db, sql, error);
  int result;

  *value = 0;
  if (stmt == NULL)
    return FALSE;

  result = sqlite3_step (stmt);
  if (result == SQLITE_ROW)
    *value = sqlite3_column_int64 (stmt, 0);
  else if (result != SQLITE_DONE)
    zu_sqlite_set_error (error, db, result, "use the database");
  return result == SQLITE_ROW || result == SQLITE_DONE;
}

/* The text must stay until the statement is reset. */
void
zu_sqlite_bind_text (sqlite3_stmt *stmt, int index, const char *text, gssize length)
{
  if (text == NULL)
    sqlite3_bind_null (stmt, index);
  else
    sqlite3_bind_text (stmt, index, text, (int) length, SQLITE_STATIC);
}
