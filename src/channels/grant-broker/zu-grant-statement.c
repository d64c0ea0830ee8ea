/* SPDX-License-Identifier: Apache-2.0 */

#include "zu-grant-statement.h"

void
zu_grant_set_error (GError **error, sqlite3 *db)
{
  int code = sqlite3_errcode (db) & 0xff;

  g_set_error (error, G_IO_ERROR,
               code == SQLITE_BUSY   ? G_IO_ERROR_BUSY
               : code == SQLITE_FULL ? G_IO_ERROR_NO_SPACE
                                     : G_IO_ERROR_FAILED,
               "%s%s", sqlite3_errmsg (db),
               code == SQLITE_BUSY ? " (another broker holds it)" : "");
}

gboolean
zu_grant_refuse_file (GError **error)
{
  g_set_error_literal (error, G_IO_ERROR, G_IO_ERROR_INVALID_DATA,
                       "this is no store of grants, or it is damaged");
  return FALSE;
}

gboolean
zu_grant_execute (sqlite3 *db, const char *sql, GError **error)
{
  if (sqlite3_exec (db, sql, NULL, NULL, NULL) == SQLITE_OK)
    return TRUE;
  zu_grant_set_error (error, db);
  return FALSE;
}

ZuGrantStatement *
zu_grant_prepare_values (sqlite3 *db, GError **error, const char *sql, const ZuGrantValue *values,
                         gsize n_values)
{
  g_autoptr (ZuGrantStatement) statement = NULL;
  int result = sqlite3_prepare_v2 (db, sql, -1, &statement, NULL);

  for (gsize i = 0; i < n_values && result == SQLITE_OK; i++)
    result = values[i].text != NULL
                 ? sqlite3_bind_text (statement, (int) i + 1, values[i].text, -1, SQLITE_TRANSIENT)
                 : sqlite3_bind_int64 (statement, (int) i + 1, values[i].number);
  if (result == SQLITE_OK)
    return g_steal_pointer (&statement);
  zu_grant_set_error (error, db);
  return NULL;
}

gboolean
zu_grant_step (ZuGrantStatement *self, gboolean *found, GError **error)
{
  int result = sqlite3_step (self);

  *found = result == SQLITE_ROW;
  if (result == SQLITE_ROW || result == SQLITE_DONE)
    return TRUE;
  zu_grant_set_error (error, sqlite3_db_handle (self));
  return FALSE;
}

gboolean
zu_grant_run_values (sqlite3 *db, GError **error, const char *sql, const ZuGrantValue *values,
                     gsize n_values)
{
  g_autoptr (ZuGrantStatement) statement =
      zu_grant_prepare_values (db, error, sql, values, n_values);
  gboolean found;

  return statement != NULL && zu_grant_step (statement, &found, error);
}

gboolean
zu_grant_query_int (sqlite3 *db, const char *sql, gint64 *number, GError **error)
{
  g_autoptr (ZuGrantStatement) statement = zu_grant_prepare_values (db, error, sql, NULL, 0);
  gboolean found = FALSE;

  if (statement == NULL || !zu_grant_step (statement, &found, error))
    return FALSE;
  *number = found ? zu_grant_column_int (statement, 0) : 0;
  return TRUE;
}

/* NULL where the value is. */
const char *
zu_grant_column_text (ZuGrantStatement *self, int column)
{
  return (const char *) sqlite3_column_text (self, column);
}

gint64
zu_grant_column_int (ZuGrantStatement *self, int column)
{
  return sqlite3_column_int64 (self, column);
}
