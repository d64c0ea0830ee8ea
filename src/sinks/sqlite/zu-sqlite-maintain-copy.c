/* SPDX-License-Identifier: Apache-2.0 */

#include "zu-sqlite-maintain.h"

#include "zu-new-file.h"
#include "zu-sqlite-session.h"

#include <errno.h>

#define PAGES_A_STEP  2048
#define LONGEST_HOLD  (200 * G_TIME_SPAN_MILLISECOND)
#define MOST_RESTARTS 2

G_DEFINE_AUTOPTR_CLEANUP_FUNC (sqlite3_backup, sqlite3_backup_finish)

/* A copy on its way. */
typedef struct
{
  const char *path;
  guint timeout;
  ZuSqliteCopied copied;
  gpointer user_data;
  GCancellable *cancellable;
  gboolean yields; /* lets writers in while a cleanly closed log is copied */
  gint64 n_events;
} Copy;

typedef enum
{
  COPY_DONE,
  COPY_CHANGED, /* it was written meanwhile: begin again */
  COPY_FAILED,
} CopyResult;

/* Nothing of it counts before it is whole, and then all of it is flushed at once. */
static sqlite3 *
open_target (const char *path, GError **error)
{
  g_autoptr (sqlite3) db = NULL;
  int result = sqlite3_open_v2 (path, &db,
                                SQLITE_OPEN_READWRITE | SQLITE_OPEN_NOMUTEX | SQLITE_OPEN_EXRESCODE
                                    | SQLITE_OPEN_NOFOLLOW,
                                NULL);

  if (result != SQLITE_OK)
    {
      zu_sqlite_set_error (error, db, result, "open the copy");
      return NULL;
    }

  return zu_sqlite_harden (db, error)
                 && zu_sqlite_exec (db,
                                    "PRAGMA locking_mode = EXCLUSIVE; PRAGMA journal_mode = MEMORY;"
                                    "PRAGMA synchronous = OFF",
                                    error)
             ? g_steal_pointer (&db)
             : NULL;
}

/* Lets go of a cleanly closed log for a moment, so that whoever waits to write it can. */
static gboolean
yield_log (Copy *self, ZuSqliteSession *session, gint64 *held_since)
{
  if (!self->yields || !session->is_immutable || !zu_sqlite_session_can_resume (session)
      || g_get_monotonic_time () - *held_since < LONGEST_HOLD)
    return TRUE;
  if (!zu_sqlite_session_pause (session) || !zu_sqlite_session_resume (session, self->timeout))
    return FALSE;

  *held_since = g_get_monotonic_time ();
  return TRUE;
}

static void
tell (Copy *self, sqlite3_backup *backup, gint64 page_size)
{
  gint64 total = sqlite3_backup_pagecount (backup);

  if (self->copied != NULL)
    self->copied ((total - sqlite3_backup_remaining (backup)) * page_size, total * page_size,
                  self->user_data);
}

static CopyResult
copy_pages (Copy *self, ZuSqliteSession *session, sqlite3 *target, GError **error)
{
  g_autoptr (sqlite3_backup) backup = sqlite3_backup_init (target, "main", session->db, "main");
  gint64 held_since = g_get_monotonic_time (), page_size = 0;
  int result = SQLITE_OK;

  if (backup == NULL)
    {
      zu_sqlite_set_error (error, target, sqlite3_errcode (target), "begin the copy");
      return COPY_FAILED;
    }
  if (!zu_sqlite_get_int64 (session->db, "PRAGMA page_size", &page_size, error))
    return COPY_FAILED;

  while (result == SQLITE_OK)
    {
      if (g_cancellable_set_error_if_cancelled (self->cancellable, error))
        return COPY_FAILED;
      if (!yield_log (self, session, &held_since))
        return COPY_CHANGED;
      result = sqlite3_backup_step (backup, PAGES_A_STEP);
      tell (self, backup, page_size);
    }
  if (result == SQLITE_DONE)
    return COPY_DONE;

  zu_sqlite_set_error (error, target, result, "copy the log");
  return COPY_FAILED;
}

/* The reading transaction holds the moment: what is appended later is not in it, and what is
 * checkpointed meanwhile does not make the copy begin again. */
static CopyResult
copy_once (Copy *self, const char *target_path, GError **error)
{
  g_autoptr (ZuSqliteSession) session = NULL;
  g_autoptr (sqlite3) target = open_target (target_path, error);
  gint64 n_rows;
  CopyResult result;

  if (target == NULL)
    return COPY_FAILED;
  session = zu_sqlite_session_open (self->path, self->timeout, error);
  if (session == NULL || !zu_sqlite_exec (session->db, "BEGIN", error)
      || !zu_sqlite_get_int64 (session->db, "SELECT count(*) FROM sqlite_master", &n_rows, error))
    return COPY_FAILED;

  result = copy_pages (self, session, target, error);
  if (result == COPY_DONE && !zu_sqlite_session_pause (session))
    result = COPY_CHANGED;
  if (result == COPY_DONE
      && !zu_sqlite_get_int64 (target, "SELECT count(*) FROM events", &self->n_events, error))
    result = COPY_FAILED;
  return result;
}

static CopyResult
copy (Copy *self, const char *target_path, GError **error)
{
  CopyResult result = COPY_CHANGED;

  for (guint i = 0; result == COPY_CHANGED && i <= MOST_RESTARTS; i++)
    {
      self->yields = i < MOST_RESTARTS;
      result = copy_once (self, target_path, error);
    }
  if (result == COPY_CHANGED)
    g_set_error (error, ZU_EVENT_SINK_ERROR, ZU_EVENT_SINK_ERROR_BUSY,
                 "%s: another program that does not keep to the lock file writes the log (copy it "
                 "again)",
                 self->path);
  return result;
}

/* The copy is as a cleanly closed log is: one file. */
ZuCopyFigures *
zu_sqlite_copy (const char *path, const char *target, guint timeout, ZuSqliteCopied copied,
                gpointer user_data, GCancellable *cancellable, GError **error)
{
  Copy self = { path, timeout, copied, user_data, cancellable, TRUE, 0 };
  g_autoptr (ZuNewFile) file = NULL;
  ZuSqliteIdentity identity;
  struct stat info;

  if (stat (path, &info) != 0)
    {
      g_set_error (error, ZU_EVENT_SINK_ERROR, ZU_EVENT_SINK_ERROR_MISSING,
                   "%s: the log cannot be opened: %s", path, g_strerror (errno));
      return NULL;
    }

  file = zu_new_file_create (target, info.st_mode & 0666, error);
  if (file == NULL || copy (&self, zu_new_file_get_working_path (file), error) != COPY_DONE)
    return NULL;
  zu_sqlite_identity_read (&identity, zu_new_file_get_working_path (file));
  return zu_new_file_publish (file, error)
             ? zu_copy_figures_new (self.n_events, (gint64) identity.size)
             : NULL;
}
