/* SPDX-License-Identifier: Apache-2.0 */

#include "zu-sqlite-lock.h"

#include "zu-file-lock.h"

#include <errno.h>
#include <unistd.h>

/* The file's bytes: whose mark it is, then the mark of a failed flush. */
#define OWNER_SIZE 16
#define DOUBT      OWNER_SIZE

#define FIRST_PAUSE   50 /* microseconds */
#define LONGEST_PAUSE 10000

struct _ZuSqliteLock
{
  ZuFileLock *file;
  char owner[OWNER_SIZE + 1];
};

static ZuSqliteLock *
lock_new (ZuFileLock *file)
{
  ZuSqliteLock *self;

  if (file == NULL)
    return NULL;

  self = g_new0 (ZuSqliteLock, 1);
  self->file = file;
  g_snprintf (self->owner, sizeof self->owner, "%08x%08x", g_random_int (), g_random_int ());
  return self;
}

ZuSqliteLock *
zu_sqlite_lock_new_for_writing (const char *log_path, GError **error)
{
  return lock_new (zu_file_lock_new_beside (log_path, error));
}

/* NULL where there is no lock file, or none that this user may read: then nobody who uses it has
 * written the log. */
ZuSqliteLock *
zu_sqlite_lock_new_for_reading (const char *log_path)
{
  return lock_new (zu_file_lock_new_beside_for_reading (log_path));
}

void
zu_sqlite_lock_free (ZuSqliteLock *self)
{
  zu_file_lock_free (self->file);
  g_free (self);
}

static ZuFileLockMode
get_mode (ZuSqliteLockMode mode)
{
  return mode == ZU_SQLITE_LOCK_EXCLUSIVE ? ZU_FILE_LOCK_EXCLUSIVE : ZU_FILE_LOCK_SHARED;
}

gboolean
zu_sqlite_lock_try (ZuSqliteLock *self, ZuSqliteLockMode mode)
{
  return zu_file_lock_try (self->file, get_mode (mode));
}

/* @deadline is a monotonic time. */
gboolean
zu_sqlite_lock_wait (ZuSqliteLock *self, ZuSqliteLockMode mode, gint64 deadline)
{
  return zu_file_lock_wait (self->file, get_mode (mode), deadline, NULL);
}

/* Gives up what is held, the place in the queue too. */
void
zu_sqlite_lock_release (ZuSqliteLock *self)
{
  zu_file_lock_release (self->file);
}

gboolean
zu_sqlite_lock_is_gone (ZuSqliteLock *self)
{
  return zu_file_lock_is_gone (self->file);
}

/* Sleeps before it is asked for again; a thread of this process that gives it up ends that. */
void
zu_sqlite_lock_pause (ZuSqliteLock *self, guint *attempts)
{
  zu_file_lock_pause (self->file, attempts);
}

/* Sleeps, longer each time: short waits end soon, long ones cost little. */
void
zu_sqlite_pause (guint *attempts)
{
  g_usleep (MIN ((gulong) FIRST_PAUSE << MIN (*attempts, 16), LONGEST_PAUSE));
  (*attempts)++;
}

/* Leaves our mark in the file, and tells whether it was there already: then no other process that
 * keeps to the lock has written since. Called with the lock held. */
gboolean
zu_sqlite_lock_swap_owner (ZuSqliteLock *self)
{
  int fd = zu_file_lock_get_fd (self->file);
  char found[OWNER_SIZE + 1] = { 0 };

  if (pread (fd, found, OWNER_SIZE, 0) == OWNER_SIZE && strcmp (found, self->owner) == 0)
    return TRUE;

  /* Where this fails, nothing is lost but a warning later. */
  if (pwrite (fd, self->owner, OWNER_SIZE, 0) != OWNER_SIZE)
    g_debug ("cannot leave a mark in the lock file: %s", g_strerror (errno));
  return FALSE;
}

/* A flush failed, and the kernel takes for written what is not on the disk. This mark is lost with
 * the power, and so is what makes it needed. Called with the lock held. */
void
zu_sqlite_lock_set_doubt (ZuSqliteLock *self, gboolean has_doubt)
{
  char mark = has_doubt ? '!' : ' ';

  if (pwrite (zu_file_lock_get_fd (self->file), &mark, 1, DOUBT) != 1)
    g_debug ("cannot note in the lock file what a flush did: %s", g_strerror (errno));
}

gboolean
zu_sqlite_lock_has_doubt (ZuSqliteLock *self)
{
  char mark = ' ';

  return pread (zu_file_lock_get_fd (self->file), &mark, 1, DOUBT) == 1 && mark == '!';
}

int
zu_sqlite_lock_get_fd (ZuSqliteLock *self)
{
  return zu_file_lock_get_fd (self->file);
}
