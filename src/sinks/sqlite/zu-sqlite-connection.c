/* SPDX-License-Identifier: Apache-2.0 */

#include "zu-sqlite-connection.h"

#include "zu-sqlite-ahead.h"
#include "zu-sqlite-schema.h"
#include "zu-sqlite-vfs.h"

/* Checkpoints are made by the writer itself, so that a failed one is noticed. The log that was
 * written ahead is cut back when it has grown past 64 MiB. */
static const char *const pragmas =
    "PRAGMA synchronous = FULL; PRAGMA wal_autocheckpoint = 0;"
    "PRAGMA journal_size_limit = 67108864; PRAGMA cache_size = -65536;"
    "PRAGMA temp_store = MEMORY; PRAGMA locking_mode = NORMAL;";

gboolean
zu_sqlite_identity_read (ZuSqliteIdentity *self, const char *path)
{
  struct stat info;

  if (stat (path, &info) != 0)
    return FALSE;

  self->device = info.st_dev;
  self->inode = info.st_ino;
  self->size = info.st_size;
  self->changed = info.st_mtim.tv_sec * G_GINT64_CONSTANT (1000000000) + info.st_mtim.tv_nsec;
  return TRUE;
}

gboolean
zu_sqlite_identity_is_same_file (const ZuSqliteIdentity *self, const ZuSqliteIdentity *other)
{
  return self->device == other->device && self->inode == other->inode;
}

gboolean
zu_sqlite_identity_is_unchanged (const ZuSqliteIdentity *self, const ZuSqliteIdentity *other)
{
  return zu_sqlite_identity_is_same_file (self, other) && self->size == other->size
         && self->changed == other->changed;
}

/* Whether a later change must show in the time of change, which the kernel counts in coarse steps.
 */
gboolean
zu_sqlite_identity_is_settled (const ZuSqliteIdentity *self)
{
  return g_get_real_time () * 1000 - self->changed > G_GINT64_CONSTANT (200000000);
}

/* Whether there are files beside the database that belong to it: then it is in use, or was not
 * closed cleanly. */
gboolean
zu_sqlite_has_leftovers (const char *path)
{
  static const char *const suffixes[] = { "-wal", "-journal" };

  for (guint i = 0; i < G_N_ELEMENTS (suffixes); i++)
    {
      g_autofree char *name = g_strconcat (path, suffixes[i], NULL);
      struct stat info;

      if (stat (name, &info) == 0)
        return TRUE;
    }

  return FALSE;
}

void
zu_sqlite_wal_read (ZuSqliteWal *self, const char *path)
{
  g_autofree char *name = g_strconcat (path, "-wal", NULL);
  struct stat info;

  *self = (ZuSqliteWal){ 0 };
  if (stat (name, &info) == 0)
    *self = (ZuSqliteWal){ info.st_dev, info.st_ino };
}

gboolean
zu_sqlite_wal_is_in_place (const ZuSqliteWal *self, const char *path)
{
  ZuSqliteWal now;

  if (self->inode == 0)
    return TRUE;

  zu_sqlite_wal_read (&now, path);
  return now.inode == self->inode && now.device == self->device;
}

/* What stands in a removed one is in the database already, or was overtaken there. */
void
zu_sqlite_leave_wal (sqlite3 *db)
{
  sqlite3_db_config (db, SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, 1, NULL);
}

static int
set_up (sqlite3 *db, GError **error)
{
  g_autoptr (sqlite3_stmt) journal = NULL;
  int result = sqlite3_exec (db, pragmas, NULL, NULL, NULL);

  if (result == SQLITE_OK)
    result = sqlite3_prepare_v2 (db, "PRAGMA journal_mode = WAL", -1, &journal, NULL);
  if (result == SQLITE_OK)
    result = sqlite3_step (journal);
  if (result != SQLITE_ROW)
    {
      zu_sqlite_set_error (error, db, result, "open the log for writing");
      return result;
    }
  if (g_strcmp0 ((const char *) sqlite3_column_text (journal, 0), "wal") == 0)
    return SQLITE_OK;

  g_set_error_literal (error, ZU_EVENT_SINK_ERROR, ZU_EVENT_SINK_ERROR_READ_ONLY,
                       "cannot open the log for writing: its file system has no write-ahead log "
                       "(put the log on a local disk)");
  return SQLITE_CANTOPEN;
}

/* Opens, and where needed makes, the log to write to it; with the lock held. Gives a result of
 * SQLite's, so that a busy database can be told from a hopeless one. */
int
zu_sqlite_connection_open (const char *path, sqlite3 **db, GError **error)
{
  g_autoptr (sqlite3) opened = NULL;
  g_autoptr (GError) local_error = NULL;
  int result = sqlite3_open_v2 (path, &opened,
                                SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE | SQLITE_OPEN_NOMUTEX
                                    | SQLITE_OPEN_EXRESCODE | SQLITE_OPEN_NOFOLLOW,
                                zu_sqlite_vfs_get_name ());

  if (result != SQLITE_OK)
    {
      zu_sqlite_set_error (error, opened, result, "open the log for writing");
      return result;
    }

  sqlite3_busy_timeout (opened, 0);
  if (!zu_sqlite_harden (opened, error))
    return SQLITE_ERROR;
  result = set_up (opened, error);
  if (result != SQLITE_OK)
    return result;

  if (!zu_sqlite_schema_make (opened, &local_error))
    {
      gboolean is_busy =
          g_error_matches (local_error, ZU_EVENT_SINK_ERROR, ZU_EVENT_SINK_ERROR_BUSY);

      g_propagate_error (error, g_steal_pointer (&local_error));
      return is_busy ? SQLITE_BUSY : SQLITE_ERROR;
    }

  *db = g_steal_pointer (&opened);
  return SQLITE_OK;
}

/* Opens a log only to read it. An immutable one is read without SQLite's own files and locks; the
 * caller holds the lock, and sees that it does not change. */
sqlite3 *
zu_sqlite_connection_open_to_read (const char *path, gboolean is_immutable, guint timeout,
                                   GError **error)
{
  g_autofree char *escaped = g_uri_escape_string (path, "/", FALSE);
  g_autofree char *uri =
      g_strdup_printf ("file:%s?mode=ro%s", escaped, is_immutable ? "&immutable=1" : "");
  g_autoptr (sqlite3) db = NULL;
  int result = sqlite3_open_v2 (uri, &db,
                                SQLITE_OPEN_READONLY | SQLITE_OPEN_NOMUTEX | SQLITE_OPEN_EXRESCODE
                                    | SQLITE_OPEN_URI,
                                is_immutable ? zu_sqlite_ahead_get_name () : NULL);

  if (result != SQLITE_OK)
    {
      zu_sqlite_set_error (error, db, result, "open the log");
      return NULL;
    }

  sqlite3_busy_timeout (db, (int) MIN (timeout, G_MAXINT));
  sqlite3_db_config (db, SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, 1, NULL);
  if (!zu_sqlite_harden (db, error) || !zu_sqlite_exec (db, "PRAGMA query_only = 1", error)
      || !zu_sqlite_schema_check (db, error))
    return NULL;

  return g_steal_pointer (&db);
}
