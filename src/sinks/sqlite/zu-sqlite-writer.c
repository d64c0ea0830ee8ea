/* SPDX-License-Identifier: Apache-2.0 */

#include "zu-sqlite-writer-private.h"

#include "zu-sqlite-rewrite.h"

#include <errno.h>
#include <unistd.h>

#define CHECKPOINT_PAGES 4096
#define INDEX_MARK_ROWS  4096
#define CLOSE_WAIT       (5 * G_TIME_SPAN_SECOND)
#define NO_VERSION       (-1)

static const char *const stmt_sql[N_STMTS] = {
  [STMT_BEGIN] = "BEGIN IMMEDIATE",
  [STMT_COMMIT] = "COMMIT",
  [STMT_ROLLBACK] = "ROLLBACK",
  [STMT_SAVE] = "SAVEPOINT many",
  [STMT_ROLL_BACK_SAVED] = "ROLLBACK TO many",
  [STMT_RELEASE] = "RELEASE many",
  [STMT_VERSION] = "PRAGMA data_version",
  [STMT_LAST] = "SELECT max(seq) FROM events",
  [STMT_NEXT] = "SELECT ifnull((SELECT seq FROM sqlite_sequence WHERE name = 'events'), 0) + 1",
  [STMT_FIND] = "SELECT " ZU_SQLITE_ROW_COLUMNS " FROM events e WHERE e.event_id = ?1",
  [STMT_INSERT] = "INSERT INTO events (event_id, trace_id, task_id, parent_id, type, source, data)"
                  " VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7)",
};

ZuSqliteWriter *
zu_sqlite_writer_new (const char *path)
{
  ZuSqliteWriter *self = g_new0 (ZuSqliteWriter, 1);

  self->path = g_strdup (path);
  self->process = getpid ();
  self->version = NO_VERSION;
  self->trouble.path = self->path;
  zu_sqlite_indexer_init (&self->indexer, &self->trouble);
  self->sealer = zu_sqlite_sealer_new (&self->trouble);
  self->blob = g_byte_array_new ();
  self->fresh = g_ptr_array_new_with_free_func (g_object_unref);
  return self;
}

gboolean
zu_sqlite_writer_is_poisoned (ZuSqliteWriter *self)
{
  return self->trouble.poison != NULL;
}

static int
count_pages (gpointer data, sqlite3 *db, const char *name, int n_pages)
{
  ZuSqliteWriter *self = data;

  self->wal_pages = n_pages;
  return SQLITE_OK;
}

static gboolean
prepare_all (ZuSqliteWriter *self, GError **error)
{
  self->trouble.db = self->db;
  for (guint i = 0; i < N_STMTS; i++)
    {
      self->stmts[i] = zu_sqlite_prepare (self->db, stmt_sql[i], error);
      if (self->stmts[i] == NULL)
        return FALSE;
    }

  return zu_sqlite_indexer_open (&self->indexer, error)
         && zu_sqlite_sealer_open (self->sealer, error);
}

static void
close_all (ZuSqliteWriter *self)
{
  for (guint i = 0; i < N_STMTS; i++)
    g_clear_pointer (&self->stmts[i], sqlite3_finalize);
  zu_sqlite_indexer_close (&self->indexer);
  zu_sqlite_sealer_close (self->sealer);
  g_clear_pointer (&self->db, sqlite3_close);
  self->trouble.db = NULL;
}

/* What an earlier failed flush may have left undone. */
static int
settle_doubt (ZuSqliteWriter *self, GError **error)
{
  if (!zu_sqlite_lock_has_doubt (self->lock))
    return SQLITE_OK;
  if (!zu_sqlite_rewrite (self->db, self->path, error))
    return g_error_matches (*error, ZU_EVENT_SINK_ERROR, ZU_EVENT_SINK_ERROR_BUSY) ? SQLITE_BUSY
                                                                                   : SQLITE_IOERR;

  zu_sqlite_lock_set_doubt (self->lock, FALSE);
  return SQLITE_OK;
}

static void
open_failed (ZuSqliteWriter *self, GError *reason, GError **error)
{
  g_autoptr (GError) owned = reason;

  close_all (self);
  if (g_error_matches (reason, ZU_EVENT_SINK_ERROR, ZU_EVENT_SINK_ERROR_POISONED))
    {
      zu_sqlite_trouble_poison_disk (&self->trouble, reason->message);
      g_propagate_error (error, g_error_copy (self->trouble.poison));
      return;
    }
  if (reason == NULL)
    g_set_error (&owned, ZU_EVENT_SINK_ERROR, ZU_EVENT_SINK_ERROR_MISSING,
                 "the log was removed while it was being opened");
  g_propagate_prefixed_error (error, g_steal_pointer (&owned), "%s: ", self->path);
}

static ZuSqliteBegin
open_database (ZuSqliteWriter *self, GError **error)
{
  g_autoptr (GError) local_error = NULL;
  int result = zu_sqlite_connection_open (self->path, &self->db, &local_error);

  if (result == SQLITE_OK)
    result = settle_doubt (self, &local_error);
  if ((result & 0xff) == SQLITE_BUSY)
    {
      g_clear_pointer (&self->db, sqlite3_close);
      return ZU_SQLITE_BEGIN_BUSY;
    }

  if (result == SQLITE_OK && prepare_all (self, &local_error)
      && zu_sqlite_identity_read (&self->identity, self->path))
    {
      zu_sqlite_wal_read (&self->wal, self->path);
      sqlite3_wal_hook (self->db, count_pages, self);
      return ZU_SQLITE_BEGIN_DONE;
    }

  open_failed (self, g_steal_pointer (&local_error), error);
  return ZU_SQLITE_BEGIN_FAILED;
}

/* What is acknowledged must be found under the log's name. */
static gboolean
check_in_place (ZuSqliteWriter *self)
{
  ZuSqliteIdentity now;

  if (zu_sqlite_identity_read (&now, self->path)
      && zu_sqlite_identity_is_same_file (&now, &self->identity))
    return TRUE;

  zu_sqlite_trouble_poison (&self->trouble, "the log was removed or replaced while it was open");
  return FALSE;
}

gboolean
zu_sqlite_writer_read_number (ZuSqliteWriter *self, Stmt stmt, gint64 *value)
{
  g_autoptr (ZuSqliteUse) use = self->stmts[stmt];
  int result = sqlite3_step (use);

  if (result != SQLITE_ROW)
    return zu_sqlite_trouble_fail (&self->trouble, result, "read the log");

  *value = sqlite3_column_int64 (use, 0);
  return TRUE;
}

static void
warn_of_others (ZuSqliteWriter *self)
{
  if (!self->has_warned)
    g_message ("%s: another program that does not keep to the lock file writes this log while it "
               "is open here; SQLite before 3.51.3 may damage a log that two write at once",
               self->path);
  self->has_warned = TRUE;
}

/* Inside the transaction: forgets what was remembered where somebody else has written. */
static gboolean
check_version (ZuSqliteWriter *self)
{
  gboolean is_first = self->version == NO_VERSION;
  gint64 version;

  if (!zu_sqlite_writer_read_number (self, STMT_VERSION, &version))
    return FALSE;
  if (version == self->version)
    return TRUE;

  zu_sqlite_sealer_forget (self->sealer);
  if (zu_sqlite_lock_swap_owner (self->lock) && !is_first)
    warn_of_others (self);
  self->version = version;
  return zu_sqlite_indexer_load (&self->indexer);
}

static ZuSqliteBegin
begin_failed (ZuSqliteWriter *self, GError **error)
{
  const ZuSqliteTrouble *trouble = &self->trouble;

  g_propagate_error (error,
                     g_error_copy (trouble->poison != NULL ? trouble->poison : trouble->failure));
  if (self->db != NULL && !sqlite3_get_autocommit (self->db))
    sqlite3_exec (self->db, "ROLLBACK", NULL, NULL, NULL);
  g_clear_error (&self->trouble.failure);
  zu_sqlite_sealer_forget (self->sealer);
  self->version = NO_VERSION;
  zu_sqlite_writer_give_up (self);
  return ZU_SQLITE_BEGIN_FAILED;
}

/* With the lock held, between two transactions: nothing is written to a log ahead that nobody else
 * will ever read. */
static void
drop_removed_wal (ZuSqliteWriter *self)
{
  if (self->db == NULL || zu_sqlite_wal_is_in_place (&self->wal, self->path))
    return;

  g_message ("%s: something in this process opened and closed the log, and with that dropped "
             "SQLite's locks on it; it is opened again",
             self->path);
  zu_sqlite_leave_wal (self->db);
  close_all (self);
  zu_sqlite_sealer_forget (self->sealer);
  self->indexer.done_to = 0;
  self->version = NO_VERSION;
}

static ZuSqliteBegin
lock_and_open (ZuSqliteWriter *self, GError **error)
{
  if (self->lock == NULL)
    self->lock = self->trouble.lock = zu_sqlite_lock_new_for_writing (self->path, error);
  if (self->lock == NULL)
    return ZU_SQLITE_BEGIN_FAILED;
  if (!zu_sqlite_lock_try (self->lock, ZU_SQLITE_LOCK_EXCLUSIVE))
    return ZU_SQLITE_BEGIN_BUSY;
  if (zu_sqlite_lock_is_gone (self->lock))
    {
      self->trouble.lock = NULL;
      g_clear_pointer (&self->lock, zu_sqlite_lock_free);
      return ZU_SQLITE_BEGIN_BUSY;
    }

  if (self->db != NULL && !check_in_place (self))
    return begin_failed (self, error);
  drop_removed_wal (self);
  return self->db == NULL ? open_database (self, error) : ZU_SQLITE_BEGIN_DONE;
}

/* Begins a transaction, or says that somebody else is at it; then ask again, or give up. */
ZuSqliteBegin
zu_sqlite_writer_try_begin (ZuSqliteWriter *self, GError **error)
{
  ZuSqliteBegin begin;
  int result;

  if (self->process != getpid ())
    zu_sqlite_trouble_poison (&self->trouble, "the log was opened before this process was forked");
  if (self->trouble.poison != NULL)
    return begin_failed (self, error);

  begin = lock_and_open (self, error);
  if (begin == ZU_SQLITE_BEGIN_FAILED)
    zu_sqlite_writer_give_up (self);
  if (begin != ZU_SQLITE_BEGIN_DONE)
    return begin;

  result = sqlite3_step (self->stmts[STMT_BEGIN]);
  sqlite3_reset (self->stmts[STMT_BEGIN]);
  if ((result & 0xff) == SQLITE_BUSY)
    return ZU_SQLITE_BEGIN_BUSY;

  self->last_seq = 0;
  if (result != SQLITE_DONE)
    zu_sqlite_trouble_fail (&self->trouble, result, "begin to write");
  return self->trouble.failure == NULL && check_version (self) ? ZU_SQLITE_BEGIN_DONE
                                                               : begin_failed (self, error);
}

/* Before it is asked for again. */
void
zu_sqlite_writer_pause (ZuSqliteWriter *self, guint *attempts)
{
  if (self->lock != NULL)
    zu_sqlite_lock_pause (self->lock, attempts);
  else
    zu_sqlite_pause (attempts);
}

/* Leaves the queue for the lock. */
void
zu_sqlite_writer_give_up (ZuSqliteWriter *self)
{
  if (self->lock != NULL && self->process == getpid ())
    zu_sqlite_lock_release (self->lock);
}

static void
roll_back (ZuSqliteWriter *self)
{
  /* Some errors have ended the transaction already. */
  if (!sqlite3_get_autocommit (self->db))
    sqlite3_step (self->stmts[STMT_ROLLBACK]);
  for (guint i = 0; i < N_STMTS; i++)
    sqlite3_reset (self->stmts[i]);

  zu_sqlite_sealer_forget (self->sealer);
  g_ptr_array_set_size (self->fresh, 0);
  self->indexer.done_to = 0;
  self->version = NO_VERSION;
}

/* Ends the transaction. Where this fails, nothing of it is stored. The lock is still held. */
gboolean
zu_sqlite_writer_commit (ZuSqliteWriter *self, GError **error)
{
  ZuSqliteTrouble *trouble = &self->trouble;

  zu_sqlite_indexer_mark (&self->indexer, INDEX_MARK_ROWS);
  if (zu_sqlite_sealer_seal (self->sealer)
      && zu_sqlite_trouble_run (trouble, self->stmts[STMT_COMMIT], "commit"))
    return TRUE;

  roll_back (self);
  zu_sqlite_trouble_tell (trouble, error);
  g_clear_error (&trouble->failure);
  return FALSE;
}

/* Whether less than @limit bytes are left on the log's disk; looked at once a second. */
gboolean
zu_sqlite_writer_look_at_space (ZuSqliteWriter *self, guint64 limit)
{
  self->space.limit = limit;
  if (self->lock == NULL || self->process != getpid ())
    return self->space.is_low;
  return zu_space_watch_look (&self->space, self->path, zu_sqlite_lock_get_fd (self->lock));
}

/* What the last transaction stored. */
GPtrArray *
zu_sqlite_writer_take_fresh (ZuSqliteWriter *self)
{
  GPtrArray *fresh = g_steal_pointer (&self->fresh);

  self->fresh = g_ptr_array_new_with_free_func (g_object_unref);
  return fresh;
}

gboolean
zu_sqlite_writer_is_checkpoint_due (ZuSqliteWriter *self)
{
  return self->wal_pages >= CHECKPOINT_PAGES && self->trouble.poison == NULL;
}

/* Copies what was written ahead into the database. A failed flush is as final here as in a commit,
 * which is why SQLite's own checkpoints, whose errors it drops, are off. */
void
zu_sqlite_writer_checkpoint (ZuSqliteWriter *self)
{
  int n_pages, n_copied;
  int result =
      sqlite3_wal_checkpoint_v2 (self->db, NULL, SQLITE_CHECKPOINT_PASSIVE, &n_pages, &n_copied);

  if (zu_sqlite_is_io_error (result) && sqlite3_system_errno (self->db) != ENOSPC)
    zu_sqlite_trouble_poison_disk (&self->trouble,
                                   "copying the write-ahead log into the database failed");
  self->wal_pages = 0;
}

static void
close_database (ZuSqliteWriter *self)
{
  gboolean is_held = zu_sqlite_lock_wait (self->lock, ZU_SQLITE_LOCK_EXCLUSIVE,
                                          g_get_monotonic_time () + CLOSE_WAIT);
  gboolean is_ours = zu_sqlite_wal_is_in_place (&self->wal, self->path);

  if (is_held && is_ours && self->trouble.poison == NULL)
    zu_sqlite_indexer_mark (&self->indexer, 1);
  /* A log that others hold, or whose writes fail, is left as it is for the next who opens it. */
  if (!is_held || !is_ours || self->trouble.poison != NULL)
    zu_sqlite_leave_wal (self->db);

  close_all (self);
}

void
zu_sqlite_writer_free (ZuSqliteWriter *self)
{
  /* In a forked child the connection and the lock are the parent's: touched, they would break. */
  if (self->process == getpid ())
    {
      if (self->db != NULL)
        close_database (self);
      g_clear_pointer (&self->lock, zu_sqlite_lock_free);
    }

  zu_sqlite_sealer_free (self->sealer);
  zu_sqlite_indexer_clear (&self->indexer);
  zu_sqlite_trouble_clear (&self->trouble);
  g_byte_array_unref (self->blob);
  g_ptr_array_unref (self->fresh);
  g_free (self->path);
  g_free (self);
}
