/* SPDX-License-Identifier: Apache-2.0 */

#include "zu-jsonl-file.h"

#include "zu-file-lock.h"
#include "zu-jsonl-tail.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <unistd.h>

#define UNKNOWN (-1)

/* Behind all data, so that the file itself can be locked. */
#define LOCK_START (G_MAXINT64 - 2)

struct _ZuJsonlFile
{
  char *path;
  pid_t process; /* a forked child would share the lock with its parent */
  ZuJsonlFlushPolicy policy;
  guint interval; /* milliseconds */

  ZuFileLock *lock; /* and the descriptor */
  struct stat info;
  gint64 end;
  guint generation; /* counts the files that were opened, and those that were cut */
  gboolean is_written;
  ZuJsonlFlusher *flusher;
  GError *poison;
};

ZuJsonlFile *
zu_jsonl_file_new (const char *path, ZuJsonlFlushPolicy policy, guint interval)
{
  ZuJsonlFile *self = g_new0 (ZuJsonlFile, 1);

  self->path = g_strdup (path);
  self->process = getpid ();
  self->policy = policy;
  self->interval = interval;
  self->end = UNKNOWN;
  return self;
}

static void
close_file (ZuJsonlFile *self)
{
  /* The flusher's thread is not in a forked child. */
  if (self->process == getpid ())
    g_clear_pointer (&self->flusher, zu_jsonl_flusher_free);
  g_clear_pointer (&self->lock, zu_file_lock_free);
  self->end = UNKNOWN;
}

void
zu_jsonl_file_free (ZuJsonlFile *self)
{
  close_file (self);
  g_clear_error (&self->poison);
  g_free (self->path);
  g_free (self);
}

int
zu_jsonl_file_get_fd (ZuJsonlFile *self)
{
  return zu_file_lock_get_fd (self->lock);
}

/* Where the next line begins. */
gint64
zu_jsonl_file_get_end (ZuJsonlFile *self)
{
  return self->end;
}

/* What was learnt of a file of an earlier generation does not hold for this one. */
guint
zu_jsonl_file_get_generation (ZuJsonlFile *self)
{
  return self->generation;
}

static gboolean
poison (ZuJsonlFile *self, const char *why, GError **error)
{
  if (self->poison == NULL)
    self->poison = g_error_new (ZU_EVENT_SINK_ERROR, ZU_EVENT_SINK_ERROR_POISONED,
                                "%s: %s; nothing is taken any more (open the log again and verify "
                                "it)",
                                self->path, why);
  g_propagate_error (error, g_error_copy (self->poison));
  return FALSE;
}

static gboolean
fail (ZuJsonlFile *self, ZuEventSinkError code, const char *what, const char *advice,
      GError **error)
{
  g_set_error (error, ZU_EVENT_SINK_ERROR, code, "%s: cannot %s: %s (%s)", self->path, what,
               g_strerror (errno), advice);
  return FALSE;
}

static gboolean
fail_to_open (ZuJsonlFile *self, GError **error)
{
  switch (errno)
    {
    case ENOENT:
    case ENOTDIR:
      return fail (self, ZU_EVENT_SINK_ERROR_MISSING, "open the log",
                   "make the folder that it is to lie in", error);
    case ENOSPC:
    case EDQUOT:
      return fail (self, ZU_EVENT_SINK_ERROR_FULL, "open the log", "free some space", error);
    default:
      return fail (self, ZU_EVENT_SINK_ERROR_READ_ONLY, "open the log",
                   "see that this user may write it", error);
    }
}

/* A new file is only there for good once its folder is on the disk. */
static gboolean
flush_folder (ZuJsonlFile *self, GError **error)
{
  g_autofree char *folder = g_path_get_dirname (self->path);
  int fd = open (folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  gboolean is_flushed = fd >= 0 && fsync (fd) == 0;

  if (fd >= 0)
    close (fd);
  return is_flushed || poison (self, "flushing the folder to the disk failed", error);
}

static gboolean
open_file (ZuJsonlFile *self, GError **error)
{
  int flags = O_RDWR | O_APPEND | O_CLOEXEC | O_NOCTTY | O_NONBLOCK;
  gboolean is_new = FALSE;
  int fd = open (self->path, flags);

  if (fd < 0 && errno == ENOENT)
    {
      fd = open (self->path, flags | O_CREAT, 0644);
      is_new = TRUE;
    }
  if (fd < 0)
    return fail_to_open (self, error);

  self->lock = zu_file_lock_new (fd, LOCK_START);
  self->generation++;
  if (fstat (fd, &self->info) != 0 || !S_ISREG (self->info.st_mode))
    {
      close_file (self);
      g_set_error (error, ZU_EVENT_SINK_ERROR, ZU_EVENT_SINK_ERROR_FOREIGN,
                   "%s is no regular file (name another one)", self->path);
      return FALSE;
    }
  return !is_new || self->policy == ZU_JSONL_FLUSH_NEVER || flush_folder (self, error);
}

/* What bears the name now. The time of change is not asked for: the kernel would have to give the
 * next write one of its own, which doubles what a write costs. */
static gboolean
read_place (ZuJsonlFile *self, struct stat *now)
{
  struct statx place;

  if (statx (AT_FDCWD, self->path, AT_STATX_SYNC_AS_STAT, STATX_INO | STATX_SIZE, &place) != 0)
    return FALSE;

  now->st_ino = place.stx_ino;
  now->st_dev = makedev (place.stx_dev_major, place.stx_dev_minor);
  now->st_size = (off_t) place.stx_size;
  return TRUE;
}

/* With the lock held: whether the open file still bears the name. It may have been moved away, and
 * another be there; a file that is gone altogether took acknowledged events with it. */
static gboolean
check_in_place (ZuJsonlFile *self, gboolean *is_moved, GError **error)
{
  struct stat now;

  *is_moved = FALSE;
  if (read_place (self, &now) && now.st_ino == self->info.st_ino && now.st_dev == self->info.st_dev)
    {
      self->info.st_size = now.st_size;
      return TRUE;
    }
  if (fstat (zu_file_lock_get_fd (self->lock), &now) == 0 && now.st_nlink == 0 && self->end > 0)
    return poison (self, "the log was deleted while it was open", error);

  *is_moved = TRUE;
  return TRUE;
}

static gboolean
lock_file (ZuJsonlFile *self, gint64 deadline, guint timeout, GError **error)
{
  if (zu_file_lock_wait (self->lock, ZU_FILE_LOCK_EXCLUSIVE, deadline, NULL))
    return TRUE;

  g_set_error (error, ZU_EVENT_SINK_ERROR, ZU_EVENT_SINK_ERROR_BUSY,
               "%s: the log could not be had for %u ms; nothing was stored (another program holds "
               "it; try again when it has finished)",
               self->path, timeout);
  return FALSE;
}

static gboolean
look_at_end (ZuJsonlFile *self, GError **error)
{
  if (self->info.st_size == self->end)
    return TRUE;
  if (!zu_jsonl_tail_repair (zu_file_lock_get_fd (self->lock), self->path, self->info.st_size,
                             error))
    return FALSE;
  if (fstat (zu_file_lock_get_fd (self->lock), &self->info) != 0)
    return fail (self, ZU_EVENT_SINK_ERROR_READ_ONLY, "look at the log",
                 "see that this user may read it", error);

  if (self->info.st_size < self->end)
    self->generation++;
  self->end = self->info.st_size;
  return TRUE;
}

/* Opens, where needed, the file that bears the name now, and locks it. */
gboolean
zu_jsonl_file_begin (ZuJsonlFile *self, guint timeout, GError **error)
{
  gint64 deadline = g_get_monotonic_time () + timeout * (gint64) G_TIME_SPAN_MILLISECOND;
  gboolean is_moved = TRUE;

  if (self->process != getpid ())
    return poison (self, "the log was opened before this process was forked", error);
  if (self->poison != NULL
      || (self->flusher != NULL && zu_jsonl_flusher_has_failed (self->flusher)))
    return poison (self, "flushing it to the disk failed", error);

  while (is_moved)
    {
      if (self->lock == NULL && !open_file (self, error))
        return FALSE;
      if (!lock_file (self, deadline, timeout, error))
        return FALSE;
      if (!check_in_place (self, &is_moved, error))
        {
          zu_file_lock_release (self->lock);
          return FALSE;
        }
      if (is_moved)
        close_file (self);
    }

  self->is_written = FALSE;
  if (look_at_end (self, error))
    return TRUE;
  zu_file_lock_release (self->lock);
  return FALSE;
}

/* Whole lines, in one write; where it does not fit, nothing of it stays. */
gboolean
zu_jsonl_file_write (ZuJsonlFile *self, const char *text, gsize length, GError **error)
{
  gssize n;
  int reason;

  do
    n = write (zu_file_lock_get_fd (self->lock), text, length);
  while (n < 0 && errno == EINTR);
  if (n == (gssize) length)
    {
      self->end += n;
      self->is_written = TRUE;
      return TRUE;
    }

  /* A write that ends early says why only when it is asked again. */
  if (n >= 0
      && !zu_jsonl_write_all (zu_file_lock_get_fd (self->lock), text + n, length - (gsize) n))
    n = -1;
  reason = errno;
  if (n >= 0)
    {
      self->end += (gssize) length;
      self->is_written = TRUE;
      return TRUE;
    }
  if (ftruncate (zu_file_lock_get_fd (self->lock), self->end) != 0)
    return poison (self, "a line that was written in part cannot be taken back", error);

  errno = reason;
  if (reason == ENOSPC || reason == EDQUOT || reason == EFBIG)
    return fail (self, ZU_EVENT_SINK_ERROR_FULL, "append",
                 "nothing was stored; free some space and append again", error);
  return poison (self, g_strerror (reason), error);
}

/* Gives the lock back, and flushes what was written as the policy says. */
gboolean
zu_jsonl_file_end (ZuJsonlFile *self, GError **error)
{
  zu_file_lock_release (self->lock);
  if (!self->is_written || self->policy == ZU_JSONL_FLUSH_NEVER)
    return TRUE;
  if (self->policy == ZU_JSONL_FLUSH_ALWAYS)
    return fdatasync (zu_file_lock_get_fd (self->lock)) == 0
           || poison (self, "flushing it to the disk failed", error);

  if (self->flusher == NULL)
    self->flusher = zu_jsonl_flusher_new (zu_file_lock_get_fd (self->lock),
                                          self->interval * (gint64) G_TIME_SPAN_MILLISECOND);
  zu_jsonl_flusher_note_write (self->flusher);
  return TRUE;
}
