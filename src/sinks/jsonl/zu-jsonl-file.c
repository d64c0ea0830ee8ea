/* SPDX-License-Identifier: Apache-2.0 */

#include "zu-jsonl-file.h"

#include "zu-file-lock.h"
#include "zu-jsonl-minder.h"
#include "zu-jsonl-tail.h"
#include "zu-jsonl-unflushed.h"
#include "zu-space-watch.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <unistd.h>

#define UNKNOWN (-1)

/* A lock is kept from one append to the next where they come faster than this, and for no longer:
 * then others get their turn, and the name is looked at again. What an append costs is the line. */
#define KEEP G_TIME_SPAN_MILLISECOND

#define MOST_MOVES 16

struct _ZuJsonlFile
{
  char *path;
  guint n_forks; /* a forked child would share the file with its parent */
  ZuJsonlFileOptions options;
  ZuSpaceWatch space;

  GMutex lock;
  ZuFileLock *file_lock; /* NULL where no file is open; else it has the descriptor */
  dev_t device;
  ino_t inode;
  gint64 end;
  guint64 largest;   /* how large this process may make a file */
  guint generation;  /* counts the files that were opened, and those that were cut */
  gint64 began;      /* the append that is under way; all times are monotonic */
  gint64 ended;      /* the one before it */
  gint64 kept_until; /* 0 where the file's lock is not kept */
  gboolean is_written;
  gboolean is_known; /* whether what an earlier flush lost has been looked after */
  GError *poison;

  ZuJsonlFlush *flush;
  guint64 to_flush; /* the last write that waits for the minder */
  gint64 flush_at;  /* 0 where none does */
  ZuJsonlMinder *minder;
};

static gint64 mind (gpointer data, gint64 now);

ZuJsonlFile *
zu_jsonl_file_new (const char *path, const ZuJsonlFileOptions *options)
{
  ZuJsonlFile *self = g_new0 (ZuJsonlFile, 1);

  self->path = g_strdup (path);
  self->n_forks = zu_file_lock_count_forks ();
  self->options = *options;
  self->space.limit = options->space_warning;
  self->end = UNKNOWN;
  self->flush = zu_jsonl_flush_new (path);
  self->minder = zu_jsonl_minder_new (mind, self);
  g_mutex_init (&self->lock);
  return self;
}

static void
close_file (ZuJsonlFile *self)
{
  if (self->file_lock == NULL)
    return;

  zu_jsonl_flush_end_file (self->flush);
  g_clear_pointer (&self->file_lock, zu_file_lock_free);
  self->kept_until = 0;
  self->end = UNKNOWN;
}

void
zu_jsonl_file_free (ZuJsonlFile *self)
{
  /* In a forked child there is no minder, and whoever held a lock at that moment holds it for ever;
   * of the parent's only memory is left. */
  if (self->n_forks == zu_file_lock_count_forks ())
    {
      zu_jsonl_minder_free (self->minder);
      close_file (self);
      zu_jsonl_flush_free (self->flush);
      g_mutex_clear (&self->lock);
    }

  g_clear_error (&self->poison);
  g_free (self->path);
  g_free (self);
}

int
zu_jsonl_file_get_fd (ZuJsonlFile *self)
{
  return zu_file_lock_get_fd (self->file_lock);
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

static GError *
poison_new (ZuJsonlFile *self, const char *why)
{
  return g_error_new (ZU_EVENT_SINK_ERROR, ZU_EVENT_SINK_ERROR_POISONED,
                      "%s: %s; nothing is taken any more (open the log again and verify it)",
                      self->path, why);
}

static gboolean
poison (ZuJsonlFile *self, const char *why, GError **error)
{
  if (self->poison == NULL)
    self->poison = poison_new (self, why);
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
  struct stat info;
  int fd = open (self->path, flags);

  if (fd < 0 && errno == ENOENT)
    {
      fd = open (self->path, flags | O_CREAT, 0644);
      is_new = TRUE;
    }
  if (fd < 0)
    return fail_to_open (self, error);
  if (fstat (fd, &info) != 0 || !S_ISREG (info.st_mode))
    {
      close (fd);
      g_set_error (error, ZU_EVENT_SINK_ERROR, ZU_EVENT_SINK_ERROR_FOREIGN,
                   "%s is no regular file (name another one)", self->path);
      return FALSE;
    }

  self->file_lock = zu_file_lock_new (fd, ZU_JSONL_LOCK_START);
  self->device = info.st_dev;
  self->inode = info.st_ino;
  self->generation++;
  self->is_known = FALSE;
  zu_jsonl_flush_begin_file (self->flush, fd, info.st_size);
  return !is_new || self->options.policy == ZU_JSONL_FLUSH_NEVER || flush_folder (self, error);
}

static gboolean
look (int at, const char *path, guint mask, struct statx *place)
{
  return statx (at, path, AT_EMPTY_PATH | AT_STATX_SYNC_AS_STAT, mask, place) == 0;
}

/* The time of change is not asked for: the kernel would have to give the next write one of its own,
 * which doubles what a write costs. */
static gboolean
look_at_file (ZuJsonlFile *self, struct statx *place)
{
  return look (zu_jsonl_file_get_fd (self), "", STATX_NLINK | STATX_SIZE, place);
}

static gboolean
bears_name (ZuJsonlFile *self)
{
  struct statx place;

  return look (AT_FDCWD, self->path, STATX_INO, &place) && place.stx_ino == self->inode
         && makedev (place.stx_dev_major, place.stx_dev_minor) == self->device;
}

/* With the lock held: sees to it that the file ends with a whole line. */
static gboolean
look_at_end (ZuJsonlFile *self, const struct statx *place, GError **error)
{
  gint64 size = (gint64) place->stx_size;
  struct statx now;

  if (size == self->end)
    return TRUE;
  if (!zu_jsonl_tail_repair (zu_jsonl_file_get_fd (self), self->path, size, error))
    return FALSE;
  if (!look_at_file (self, &now))
    return fail (self, ZU_EVENT_SINK_ERROR_READ_ONLY, "look at the log",
                 "see that this user may read it", error);

  if (!self->is_known && self->options.policy != ZU_JSONL_FLUSH_NEVER
      && !zu_jsonl_unflushed_rewrite (self->path, zu_jsonl_file_get_fd (self),
                                      (gint64) now.stx_size, error))
    return FALSE;

  self->is_known = TRUE;
  if ((gint64) now.stx_size < self->end)
    self->generation++;
  self->end = (gint64) now.stx_size;
  return TRUE;
}

/* A file that is gone took acknowledged events with it. */
static gboolean
check_there (ZuJsonlFile *self, const struct statx *place, GError **error)
{
  return place->stx_nlink > 0 || self->end <= 0
         || poison (self, "the log was deleted while it was open", error);
}

static gboolean
look_again (ZuJsonlFile *self, GError **error)
{
  struct statx place;

  if (!look_at_file (self, &place))
    return fail (self, ZU_EVENT_SINK_ERROR_READ_ONLY, "look at the log",
                 "see that this user may read it", error);

  return check_there (self, &place, error) && look_at_end (self, &place, error);
}

static gboolean
lock_file (ZuJsonlFile *self, gint64 deadline, GCancellable *cancellable, GError **error)
{
  if (zu_file_lock_wait (self->file_lock, ZU_FILE_LOCK_EXCLUSIVE, deadline, cancellable))
    return TRUE;
  if (g_cancellable_set_error_if_cancelled (cancellable, error))
    return FALSE;

  g_set_error (error, ZU_EVENT_SINK_ERROR, ZU_EVENT_SINK_ERROR_BUSY,
               "%s: the log could not be had for %u ms; nothing was stored (another program holds "
               "it; try again when it has finished)",
               self->path, self->options.busy_timeout);
  return FALSE;
}

static guint64
get_largest (void)
{
  struct rlimit limit;

  return getrlimit (RLIMIT_FSIZE, &limit) == 0 && limit.rlim_cur != RLIM_INFINITY ? limit.rlim_cur
                                                                                  : G_MAXINT64;
}

static gboolean
give_up (ZuJsonlFile *self)
{
  zu_file_lock_release (self->file_lock);
  self->kept_until = 0;
  return FALSE;
}

/* Locks the file that bears the name now, opened where needed; it may have been moved away, and
 * another be there. */
static gboolean
take_named_file (ZuJsonlFile *self, gint64 deadline, GCancellable *cancellable, GError **error)
{
  for (guint i = 0; i < MOST_MOVES; i++)
    {
      struct statx place;

      if (self->file_lock == NULL && !open_file (self, error))
        return FALSE;
      if (!lock_file (self, deadline, cancellable, error))
        return FALSE;
      if (bears_name (self))
        return TRUE;
      if (look_at_file (self, &place) && !check_there (self, &place, error))
        return give_up (self);
      close_file (self);
    }

  g_set_error (error, ZU_EVENT_SINK_ERROR, ZU_EVENT_SINK_ERROR_BUSY,
               "%s: another file bears the name each time it is looked at; nothing was stored (see "
               "who renames it)",
               self->path);
  return FALSE;
}

static gboolean
take_file (ZuJsonlFile *self, GCancellable *cancellable, GError **error)
{
  gint64 timeout = self->options.busy_timeout * (gint64) G_TIME_SPAN_MILLISECOND;

  if (!take_named_file (self, self->began + timeout, cancellable, error))
    return FALSE;

  self->largest = get_largest ();
  zu_space_watch_look (&self->space, self->path, zu_jsonl_file_get_fd (self));
  return TRUE;
}

static gboolean
check_usable (ZuJsonlFile *self, GError **error)
{
  return (self->poison == NULL && !zu_jsonl_flush_has_failed (self->flush))
         || poison (self, "flushing it to the disk failed", error);
}

static gboolean
begin (ZuJsonlFile *self, GCancellable *cancellable, GError **error)
{
  if (!check_usable (self, error))
    return FALSE;

  self->is_written = FALSE;
  self->began = g_get_monotonic_time ();
  if (self->began >= self->kept_until)
    {
      if (self->kept_until > 0)
        give_up (self);
      if (!take_file (self, cancellable, error))
        return FALSE;
    }
  return look_again (self, error) || give_up (self);
}

/* Where it gives %FALSE, there is nothing to end. */
gboolean
zu_jsonl_file_begin (ZuJsonlFile *self, GCancellable *cancellable, GError **error)
{
  if (self->n_forks != zu_file_lock_count_forks ())
    {
      g_propagate_error (error,
                         poison_new (self, "the log was opened before this process was forked"));
      return FALSE;
    }

  g_mutex_lock (&self->lock);
  if (begin (self, cancellable, error))
    return TRUE;

  g_mutex_unlock (&self->lock);
  return FALSE;
}

/* What was written in part is taken back, as long as nobody who keeps to no lock has written behind
 * it. */
static gboolean
take_back (ZuJsonlFile *self, gint64 n)
{
  struct statx place;

  return look_at_file (self, &place) && (gint64) place.stx_size <= self->end + n
         && ftruncate (zu_jsonl_file_get_fd (self), (off_t) self->end) == 0;
}

static gboolean
fail_to_write (ZuJsonlFile *self, gint64 n_written, GError **error)
{
  int reason = errno;

  if (!take_back (self, n_written))
    {
      self->end = UNKNOWN;
      return poison (self, "a line that was written in part cannot be taken back", error);
    }

  errno = reason;
  switch (reason)
    {
    case ENOSPC:
    case EDQUOT:
      return fail (self, ZU_EVENT_SINK_ERROR_FULL, "append",
                   "nothing was stored; free some space and append again", error);
    case EFBIG:
      return fail (self, ZU_EVENT_SINK_ERROR_FULL, "append",
                   "nothing was stored; rename the log, and a new one is begun", error);
    default:
      return poison (self, g_strerror (reason), error);
    }
}

/* A write past the limit would end this process with a signal (SIGXFSZ). */
static gboolean
check_largest (ZuJsonlFile *self, gsize length, GError **error)
{
  if ((guint64) self->end + length <= self->largest)
    return TRUE;

  g_set_error (error, ZU_EVENT_SINK_ERROR, ZU_EVENT_SINK_ERROR_FULL,
               "%s: this process may make no file larger than %" G_GUINT64_FORMAT
               " bytes; nothing was stored (rename the log, or raise RLIMIT_FSIZE)",
               self->path, self->largest);
  return FALSE;
}

/* Whole lines, in one write; where it does not fit, nothing of it stays. */
gboolean
zu_jsonl_file_write (ZuJsonlFile *self, const char *text, gsize length, GError **error)
{
  int fd = zu_jsonl_file_get_fd (self);
  gsize n_written = 0;

  if (!check_largest (self, length, error))
    return FALSE;

  /* A write that ends early says why only when it is asked again. */
  while (n_written < length)
    {
      gssize n = write (fd, text + n_written, length - n_written);

      if (n < 0 && errno == EINTR)
        continue;
      if (n < 0)
        return fail_to_write (self, (gint64) n_written, error);
      n_written += (gsize) n;
    }

  self->end += (gint64) length;
  self->is_written = TRUE;
  return TRUE;
}

/* Where calls come faster than a lock is worth giving back it is kept, and the minder gives it back
 * where the next call stays away. While a flush is waited for, others may write. */
static void
keep_or_release (ZuJsonlFile *self)
{
  gint64 pause = self->began - self->ended;

  self->ended = g_get_monotonic_time ();
  if (self->options.policy == ZU_JSONL_FLUSH_ALWAYS || pause > KEEP)
    give_up (self);
  else if (self->kept_until == 0)
    {
      self->kept_until = self->ended + KEEP;
      zu_jsonl_minder_wake_at (self->minder, self->kept_until + KEEP);
    }
}

static gboolean
flush_now (ZuJsonlFile *self, guint64 ticket, GError **error)
{
  if (zu_jsonl_flush_wait (self->flush, ticket))
    return TRUE;

  g_propagate_error (error, poison_new (self, "flushing it to the disk failed"));
  return FALSE;
}

static void
flush_later (ZuJsonlFile *self, guint64 ticket)
{
  self->to_flush = ticket;
  if (self->flush_at > 0)
    return;

  self->flush_at = self->ended + self->options.interval * (gint64) G_TIME_SPAN_MILLISECOND;
  zu_jsonl_minder_wake_at (self->minder, self->flush_at);
}

/* Lets the others have the file, and flushes what was written as the policy says. */
gboolean
zu_jsonl_file_end (ZuJsonlFile *self, GError **error)
{
  ZuJsonlFlushPolicy policy = self->is_written ? self->options.policy : ZU_JSONL_FLUSH_NEVER;
  guint64 ticket =
      policy != ZU_JSONL_FLUSH_NEVER ? zu_jsonl_flush_note_write (self->flush, self->end) : 0;

  keep_or_release (self);
  if (policy == ZU_JSONL_FLUSH_INTERVAL)
    flush_later (self, ticket);
  g_mutex_unlock (&self->lock);

  return policy != ZU_JSONL_FLUSH_ALWAYS || flush_now (self, ticket, error);
}

/* What the minder does: gives the lock back, and flushes. */
static gint64
mind (gpointer data, gint64 now)
{
  ZuJsonlFile *self = data;
  guint64 ticket = 0;
  gint64 next = ZU_JSONL_MINDER_IDLE;

  g_mutex_lock (&self->lock);
  if (self->flush_at > 0 && now >= self->flush_at)
    {
      ticket = self->to_flush;
      self->flush_at = 0;
    }
  else if (self->flush_at > 0)
    next = self->flush_at;
  if (self->kept_until > 0 && now >= self->kept_until)
    give_up (self);
  else if (self->kept_until > 0)
    next = MIN (next, self->kept_until + KEEP);
  g_mutex_unlock (&self->lock);

  if (ticket > 0)
    zu_jsonl_flush_wait (self->flush, ticket);
  return next;
}
