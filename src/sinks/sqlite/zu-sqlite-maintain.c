/* SPDX-License-Identifier: Apache-2.0 */

#include "zu-sqlite-maintain.h"

#include "zu-sqlite-connection.h"
#include "zu-sqlite-lock.h"
#include "zu-sqlite-rewrite.h"

#include <errno.h>
#include <unistd.h>

#define CHECKPOINT_PAGES 4096
#define CLOSE_WAIT       (5 * G_TIME_SPAN_SECOND)

struct _ZuSqliteMaintainer
{
  char *path;
  const ZuSqliteParams *params; /* of the sink, which outlives this */
  pid_t process;

  GMutex lock; /* from begin to the end */
  ZuSqliteLock *file_lock;
  sqlite3 *db;
  ZuSqliteIdentity identity;
  ZuSqliteWal wal;
  int wal_pages;
  char *poison;
};

ZuSqliteMaintainer *
zu_sqlite_maintainer_new (const char *path, const ZuSqliteParams *params)
{
  ZuSqliteMaintainer *self = g_new0 (ZuSqliteMaintainer, 1);

  self->path = g_strdup (path);
  self->params = params;
  self->process = getpid ();
  g_mutex_init (&self->lock);
  return self;
}

static gint64
get_deadline (ZuSqliteMaintainer *self)
{
  return g_get_monotonic_time () + self->params->busy_timeout * (gint64) G_TIME_SPAN_MILLISECOND;
}

static void
close_database (ZuSqliteMaintainer *self)
{
  gboolean is_held = zu_sqlite_lock_wait (self->file_lock, ZU_SQLITE_LOCK_EXCLUSIVE,
                                          g_get_monotonic_time () + CLOSE_WAIT);

  /* As the writer does: nothing is checkpointed without the lock, or after a failed write. */
  if (!is_held || self->poison != NULL || !zu_sqlite_wal_is_in_place (&self->wal, self->path))
    zu_sqlite_leave_wal (self->db);
  g_clear_pointer (&self->db, sqlite3_close);
  zu_sqlite_lock_release (self->file_lock);
}

void
zu_sqlite_maintainer_free (ZuSqliteMaintainer *self)
{
  /* In a forked child the connection and the lock are the parent's. */
  if (self->process == getpid ())
    {
      if (self->db != NULL)
        close_database (self);
      g_clear_pointer (&self->file_lock, zu_sqlite_lock_free);
    }

  g_mutex_clear (&self->lock);
  g_free (self->poison);
  g_free (self->path);
  g_free (self);
}

sqlite3 *
zu_sqlite_maintainer_get_db (ZuSqliteMaintainer *self)
{
  return self->db;
}

const ZuSqliteParams *
zu_sqlite_maintainer_get_params (ZuSqliteMaintainer *self)
{
  return self->params;
}

static int
count_pages (gpointer data, sqlite3 *db, const char *name, int n_pages)
{
  ((ZuSqliteMaintainer *) data)->wal_pages = n_pages;
  return SQLITE_OK;
}

static gboolean
set_busy (ZuSqliteMaintainer *self, GError **error)
{
  g_set_error (error, ZU_EVENT_SINK_ERROR, ZU_EVENT_SINK_ERROR_BUSY,
               "the log could not be had for %u ms (another program holds it; try again when it "
               "has finished)",
               self->params->busy_timeout);
  return FALSE;
}

/* Somebody may have removed the lock file meanwhile; then others lock another one. */
static gboolean
take_lock (ZuSqliteMaintainer *self, gint64 deadline, GError **error)
{
  for (;;)
    {
      if (self->file_lock == NULL)
        self->file_lock = zu_sqlite_lock_new_for_writing (self->path, error);
      if (self->file_lock == NULL)
        return FALSE;
      if (!zu_sqlite_lock_wait (self->file_lock, ZU_SQLITE_LOCK_EXCLUSIVE, deadline))
        return set_busy (self, error);
      if (!zu_sqlite_lock_is_gone (self->file_lock))
        return TRUE;
      g_clear_pointer (&self->file_lock, zu_sqlite_lock_free);
    }
}

static gboolean
check_usable (ZuSqliteMaintainer *self, gboolean makes_log, GError **error)
{
  ZuSqliteIdentity now;

  if (self->process != getpid () || self->poison != NULL)
    {
      g_set_error (error, ZU_EVENT_SINK_ERROR, ZU_EVENT_SINK_ERROR_POISONED, "%s: %s", self->path,
                   self->poison != NULL ? self->poison
                                        : "the log was opened before this process was forked");
      return FALSE;
    }
  if (makes_log || zu_sqlite_identity_read (&now, self->path))
    return TRUE;

  g_set_error (error, ZU_EVENT_SINK_ERROR,
               errno == ENOENT || errno == ENOTDIR ? ZU_EVENT_SINK_ERROR_MISSING
                                                   : ZU_EVENT_SINK_ERROR_READ_ONLY,
               "%s: the log cannot be opened: %s", self->path, g_strerror (errno));
  return FALSE;
}

/* Rows that are rewritten, and index entries that are removed, are overwritten with zeros: what was
 * plain is to be gone from the file. */
static gboolean
open_database (ZuSqliteMaintainer *self, gint64 deadline, GError **error)
{
  guint attempts = 0;

  for (;;)
    {
      g_autoptr (GError) local_error = NULL;
      int result = zu_sqlite_connection_open (self->path, &self->db, &local_error);

      if (result == SQLITE_OK)
        break;
      if ((result & 0xff) == SQLITE_BUSY && g_get_monotonic_time () < deadline)
        {
          zu_sqlite_pause (&attempts);
          continue;
        }
      if ((result & 0xff) == SQLITE_BUSY)
        return set_busy (self, error);
      g_propagate_prefixed_error (error, g_steal_pointer (&local_error), "%s: ", self->path);
      return FALSE;
    }

  sqlite3_wal_hook (self->db, count_pages, self);
  zu_sqlite_wal_read (&self->wal, self->path);
  return zu_sqlite_identity_read (&self->identity, self->path)
         && zu_sqlite_exec (self->db, "PRAGMA secure_delete = ON", error);
}

/* A log that was replaced since the last page is opened anew. */
static void
drop_replaced (ZuSqliteMaintainer *self)
{
  ZuSqliteIdentity now;

  if (self->db == NULL
      || (zu_sqlite_identity_read (&now, self->path)
          && zu_sqlite_identity_is_same_file (&now, &self->identity)
          && zu_sqlite_wal_is_in_place (&self->wal, self->path)))
    return;

  zu_sqlite_leave_wal (self->db);
  g_clear_pointer (&self->db, sqlite3_close);
}

/* Somebody's flush failed, and he could not see to it himself. */
static gboolean
settle_doubt (ZuSqliteMaintainer *self, GError **error)
{
  if (!zu_sqlite_lock_has_doubt (self->file_lock))
    return TRUE;
  if (!zu_sqlite_rewrite (self->db, self->path, error))
    return FALSE;

  zu_sqlite_lock_set_doubt (self->file_lock, FALSE);
  return TRUE;
}

static gboolean
begin_transaction (ZuSqliteMaintainer *self, gint64 deadline, GError **error)
{
  guint attempts = 0;
  int result;

  while ((result = sqlite3_exec (self->db, "BEGIN IMMEDIATE", NULL, NULL, NULL)) != SQLITE_OK)
    {
      if ((result & 0xff) != SQLITE_BUSY)
        {
          zu_sqlite_set_error (error, self->db, result, "begin to write");
          return FALSE;
        }
      if (g_get_monotonic_time () >= deadline)
        return set_busy (self, error);
      zu_sqlite_pause (&attempts);
    }

  /* Whoever appends here finds the mark of somebody who keeps to the lock. */
  zu_sqlite_lock_swap_owner (self->file_lock);
  return TRUE;
}

gboolean
zu_sqlite_maintainer_begin (ZuSqliteMaintainer *self, gboolean makes_log, GError **error)
{
  gint64 deadline = get_deadline (self);

  g_mutex_lock (&self->lock);
  if (check_usable (self, makes_log, error) && take_lock (self, deadline, error))
    {
      drop_replaced (self);
      if ((self->db != NULL || open_database (self, deadline, error)) && settle_doubt (self, error)
          && begin_transaction (self, deadline, error))
        return TRUE;
      zu_sqlite_lock_release (self->file_lock);
    }

  g_mutex_unlock (&self->lock);
  return FALSE;
}

static void
end (ZuSqliteMaintainer *self)
{
  zu_sqlite_lock_release (self->file_lock);
  g_mutex_unlock (&self->lock);
}

/* After a failed write no later success would mean anything. */
static void
poison_if_lost (ZuSqliteMaintainer *self, int result)
{
  int reason = sqlite3_system_errno (self->db);

  if (!zu_sqlite_is_io_error (result) || reason == ENOSPC || reason == EDQUOT
      || self->poison != NULL)
    return;

  self->poison = g_strdup_printf ("a write failed: %s (open the log again and verify it)",
                                  sqlite3_errmsg (self->db));
  if ((result & 0xff) == SQLITE_IOERR)
    zu_sqlite_lock_set_doubt (self->file_lock, TRUE);
}

void
zu_sqlite_maintainer_roll_back (ZuSqliteMaintainer *self)
{
  poison_if_lost (self, sqlite3_extended_errcode (self->db));
  if (!sqlite3_get_autocommit (self->db))
    sqlite3_exec (self->db, "ROLLBACK", NULL, NULL, NULL);
  end (self);
}

gboolean
zu_sqlite_maintainer_commit (ZuSqliteMaintainer *self, GError **error)
{
  int result = sqlite3_exec (self->db, "COMMIT", NULL, NULL, NULL);

  if (result != SQLITE_OK)
    {
      poison_if_lost (self, result);
      zu_sqlite_set_error (error, self->db, result, "commit");
      zu_sqlite_maintainer_roll_back (self);
      return FALSE;
    }
  if (self->wal_pages >= CHECKPOINT_PAGES)
    {
      poison_if_lost (self, sqlite3_wal_checkpoint_v2 (self->db, NULL, SQLITE_CHECKPOINT_PASSIVE,
                                                       NULL, NULL));
      self->wal_pages = 0;
    }

  end (self);
  return TRUE;
}

/* What was written ahead is copied and cut off, so that no older page is left in it. Where somebody
 * reads just now, it is done when the log is closed. */
void
zu_sqlite_maintainer_forget_old_pages (ZuSqliteMaintainer *self)
{
  g_mutex_lock (&self->lock);
  if (self->db != NULL && self->poison == NULL && take_lock (self, get_deadline (self), NULL))
    {
      poison_if_lost (self, sqlite3_wal_checkpoint_v2 (self->db, NULL, SQLITE_CHECKPOINT_TRUNCATE,
                                                       NULL, NULL));
      zu_sqlite_lock_release (self->file_lock);
    }
  g_mutex_unlock (&self->lock);
}

/* Opening it makes what is missing. */
gboolean
zu_sqlite_maintainer_prepare (ZuSqliteMaintainer *self, GError **error)
{
  if (!zu_sqlite_maintainer_begin (self, TRUE, error))
    return FALSE;

  zu_sqlite_maintainer_roll_back (self);
  return TRUE;
}
