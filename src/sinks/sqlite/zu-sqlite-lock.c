/* SPDX-License-Identifier: Apache-2.0 */

#include "zu-sqlite-lock.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

/* Two bytes of the file are locked. Whoever wants the log takes the turn first and gives it up once
 * the log is his: so a process that writes without a pause has to queue behind one that waits. */
#define TURN 0
#define LOG  1

#define OWNER_SIZE    16
#define DOUBT         OWNER_SIZE /* where the mark of a failed flush stands */
#define FIRST_PAUSE   50         /* microseconds */
#define LONGEST_PAUSE 10000

struct _ZuSqliteLock
{
  int fd;
  gboolean has_turn;
  gboolean is_held;
  char owner[OWNER_SIZE + 1];
};

static char *
dup_lock_path (const char *log_path)
{
  return g_strconcat (log_path, ".lock", NULL);
}

static ZuSqliteLock *
lock_new (int fd)
{
  ZuSqliteLock *self = g_new0 (ZuSqliteLock, 1);

  self->fd = fd;
  g_snprintf (self->owner, sizeof self->owner, "%08x%08x", g_random_int (), g_random_int ());
  return self;
}

static void
set_open_error (const char *path, int reason, GError **error)
{
  ZuEventSinkError code = ZU_EVENT_SINK_ERROR_READ_ONLY;
  const char *advice = "see that this user may write the log and the folder it is in";

  if (reason == ENOENT || reason == ENOTDIR)
    {
      code = ZU_EVENT_SINK_ERROR_MISSING;
      advice = "make the folder that the log is to lie in";
    }
  else if (reason == ENOSPC || reason == EDQUOT)
    {
      code = ZU_EVENT_SINK_ERROR_FULL;
      advice = "free some space";
    }

  g_set_error (error, ZU_EVENT_SINK_ERROR, code, "cannot open the lock file %s: %s (%s)", path,
               g_strerror (reason), advice);
}

ZuSqliteLock *
zu_sqlite_lock_new_for_writing (const char *log_path, GError **error)
{
  g_autofree char *path = dup_lock_path (log_path);
  int fd = open (path, O_RDWR | O_CREAT | O_CLOEXEC | O_NOCTTY | O_NOFOLLOW, 0644);

  if (fd < 0)
    {
      set_open_error (path, errno, error);
      return NULL;
    }

  return lock_new (fd);
}

/* NULL where there is no lock file, or none that this user may read: then nobody who uses it has
 * written the log. */
ZuSqliteLock *
zu_sqlite_lock_new_for_reading (const char *log_path)
{
  g_autofree char *path = dup_lock_path (log_path);
  int fd = open (path, O_RDONLY | O_CLOEXEC | O_NOCTTY);

  return fd >= 0 ? lock_new (fd) : NULL;
}

void
zu_sqlite_lock_free (ZuSqliteLock *self)
{
  close (self->fd);
  g_free (self);
}

static gboolean
set_range (ZuSqliteLock *self, short type, off_t start, off_t length)
{
  struct flock range = { .l_type = type, .l_whence = SEEK_SET, .l_start = start, .l_len = length };

  return fcntl (self->fd, F_OFD_SETLK, &range) == 0;
}

gboolean
zu_sqlite_lock_try (ZuSqliteLock *self, ZuSqliteLockMode mode)
{
  short type = mode == ZU_SQLITE_LOCK_EXCLUSIVE ? F_WRLCK : F_RDLCK;

  if (!self->has_turn && !set_range (self, type, TURN, 1))
    return FALSE;
  self->has_turn = TRUE;

  if (!set_range (self, type, LOG, 1))
    return FALSE;
  self->is_held = TRUE;

  set_range (self, F_UNLCK, TURN, 1);
  self->has_turn = FALSE;
  return TRUE;
}

/* Gives up what is held, the place in the queue too. */
void
zu_sqlite_lock_release (ZuSqliteLock *self)
{
  if (self->has_turn || self->is_held)
    set_range (self, F_UNLCK, TURN, 2);
  self->has_turn = self->is_held = FALSE;
}

/* Sleeps, longer each time: short waits end soon, long ones cost little. */
void
zu_sqlite_pause (guint *attempts)
{
  g_usleep (MIN ((gulong) FIRST_PAUSE << MIN (*attempts, 16), LONGEST_PAUSE));
  (*attempts)++;
}

/* @deadline is a monotonic time. */
gboolean
zu_sqlite_lock_wait (ZuSqliteLock *self, ZuSqliteLockMode mode, gint64 deadline)
{
  guint attempts = 0;

  while (!zu_sqlite_lock_try (self, mode))
    {
      if (g_get_monotonic_time () >= deadline)
        {
          zu_sqlite_lock_release (self);
          return FALSE;
        }
      zu_sqlite_pause (&attempts);
    }

  return TRUE;
}

/* Somebody removed the file; others would lock a new one beside us. */
gboolean
zu_sqlite_lock_is_gone (ZuSqliteLock *self)
{
  struct stat info;

  return fstat (self->fd, &info) != 0 || info.st_nlink == 0;
}

/* Leaves our mark in the file, and tells whether it was there already: then no other process that
 * keeps to the lock has written since. Called with the lock held. */
gboolean
zu_sqlite_lock_swap_owner (ZuSqliteLock *self)
{
  char found[OWNER_SIZE + 1] = { 0 };

  if (pread (self->fd, found, OWNER_SIZE, 0) == OWNER_SIZE && strcmp (found, self->owner) == 0)
    return TRUE;

  /* Where this fails, nothing is lost but a warning later. */
  if (pwrite (self->fd, self->owner, OWNER_SIZE, 0) != OWNER_SIZE)
    g_debug ("cannot leave a mark in the lock file: %s", g_strerror (errno));
  return FALSE;
}

/* A flush failed, and the kernel takes for written what is not on the disk. This mark is lost with
 * the power, and so is what makes it needed. Called with the lock held. */
void
zu_sqlite_lock_set_doubt (ZuSqliteLock *self, gboolean has_doubt)
{
  char mark = has_doubt ? '!' : ' ';

  if (pwrite (self->fd, &mark, 1, DOUBT) != 1)
    g_debug ("cannot note in the lock file what a flush did: %s", g_strerror (errno));
}

gboolean
zu_sqlite_lock_has_doubt (ZuSqliteLock *self)
{
  char mark = ' ';

  return pread (self->fd, &mark, 1, DOUBT) == 1 && mark == '!';
}
