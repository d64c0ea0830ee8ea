/* SPDX-License-Identifier: Apache-2.0 */

#include "zu-positions-private.h"
#include "zu-positions-text-private.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

/* What a position that was not saved costs is that some events are delivered once more; so it is
 * saved now and then, not with each. */
#define SAVE_INTERVAL G_TIME_SPAN_SECOND
#define MOST_BYTES    (4 * 1024 * 1024)

struct _ZuPositions
{
  gatomicrefcount refs;
  char *path;

  GMutex lock;
  GHashTable *table; /* destination to ZuPosition */
  int lock_fd;       /* -1 while another bus owns the file */
  gboolean is_dirty;
  gint64 saved; /* monotonic */
};

ZuPositions *
zu_positions_new (const char *path)
{
  ZuPositions *self = g_new0 (ZuPositions, 1);

  g_atomic_ref_count_init (&self->refs);
  self->path = g_canonicalize_filename (path, NULL);
  self->table = zu_positions_table_new ();
  self->lock_fd = -1;
  g_mutex_init (&self->lock);
  return self;
}

ZuPositions *
zu_positions_ref (ZuPositions *self)
{
  g_atomic_ref_count_inc (&self->refs);
  return self;
}

/* The last one lets go of the file. */
void
zu_positions_unref (ZuPositions *self)
{
  if (!g_atomic_ref_count_dec (&self->refs))
    return;

  if (self->lock_fd >= 0)
    close (self->lock_fd);
  g_hash_table_unref (self->table);
  g_mutex_clear (&self->lock);
  g_free (self->path);
  g_free (self);
}

static gboolean
fail (ZuPositions *self, const char *what, GError **error)
{
  int reason = errno;

  g_set_error (error, G_IO_ERROR, (int) g_io_error_from_errno (reason),
               "cannot %s the file of positions %s: %s", what, self->path, g_strerror (reason));
  return FALSE;
}

/* A lock of the open file, so that it ends with the process, however that ends. */
static ZuPositionsState
take_lock (ZuPositions *self, GError **error)
{
  g_autofree char *path = g_strconcat (self->path, ".lock", NULL);
  struct flock whole = { .l_type = F_WRLCK, .l_whence = SEEK_SET };
  int fd = open (path, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW | O_NOCTTY, 0600);

  if (fd >= 0 && fcntl (fd, F_OFD_SETLK, &whole) == 0)
    {
      self->lock_fd = fd;
      return ZU_POSITIONS_OWNED;
    }
  if (fd >= 0 && (errno == EAGAIN || errno == EACCES))
    {
      close (fd);
      return ZU_POSITIONS_TAKEN;
    }

  fail (self, "lock", error);
  if (fd >= 0)
    close (fd);
  return ZU_POSITIONS_FAILED;
}

/* What is read is as old as whoever owned the file saved it last. */
static gboolean
load (ZuPositions *self, GError **error)
{
  g_autofree char *text = NULL;
  g_autoptr (GError) why = NULL;
  struct stat info;
  gsize length;

  g_hash_table_remove_all (self->table);
  if (stat (self->path, &info) == 0 && info.st_size > MOST_BYTES)
    {
      errno = EFBIG;
      return fail (self, "read", error);
    }
  if (g_file_get_contents (self->path, &text, &length, &why))
    {
      if (zu_positions_table_read (self->table, text, length))
        return TRUE;
      g_set_error (error, G_IO_ERROR, G_IO_ERROR_INVALID_DATA,
                   "the file of positions %s is damaged (remove it, and everything is delivered "
                   "once more)",
                   self->path);
      return FALSE;
    }
  if (g_error_matches (why, G_FILE_ERROR, G_FILE_ERROR_NOENT))
    return TRUE;

  g_propagate_error (error, g_steal_pointer (&why));
  return FALSE;
}

/* Tries to own the file; once it is owned it stays so. */
ZuPositionsState
zu_positions_own (ZuPositions *self, GError **error)
{
  g_autoptr (GMutexLocker) locker = g_mutex_locker_new (&self->lock);
  ZuPositionsState state;

  if (self->lock_fd >= 0)
    return ZU_POSITIONS_OWNED;
  state = take_lock (self, error);
  if (state != ZU_POSITIONS_OWNED || load (self, error))
    return state;

  close (self->lock_fd);
  self->lock_fd = -1;
  return ZU_POSITIONS_FAILED;
}

/* 0 where the destination is new: it gets the log from its beginning. */
gint64
zu_positions_get (ZuPositions *self, const char *destination, char **event_id)
{
  g_autoptr (GMutexLocker) locker = g_mutex_locker_new (&self->lock);
  ZuPosition *position = g_hash_table_lookup (self->table, destination);

  *event_id = position != NULL ? g_strdup (position->event_id) : NULL;
  return position != NULL ? position->seq : 0;
}

void
zu_positions_set (ZuPositions *self, const char *destination, gint64 seq, const char *event_id)
{
  g_autoptr (GMutexLocker) locker = g_mutex_locker_new (&self->lock);

  zu_positions_table_set (self->table, destination, seq, event_id);
  self->is_dirty = TRUE;
}

/* When it should be saved, in monotonic time; -1 where there is nothing to save. */
gint64
zu_positions_get_due (ZuPositions *self)
{
  g_autoptr (GMutexLocker) locker = g_mutex_locker_new (&self->lock);

  return self->is_dirty ? self->saved + SAVE_INTERVAL : -1;
}

/* Replaces the file by a new one that is on the disk: whoever reads it finds one or the other. */
gboolean
zu_positions_save (ZuPositions *self, GError **error)
{
  g_autoptr (GMutexLocker) locker = g_mutex_locker_new (&self->lock);
  g_autofree char *text = NULL;

  if (!self->is_dirty || self->lock_fd < 0)
    return TRUE;

  text = zu_positions_table_write (self->table);
  self->saved = g_get_monotonic_time ();
  if (!g_file_set_contents_full (self->path, text, -1,
                                 G_FILE_SET_CONTENTS_CONSISTENT | G_FILE_SET_CONTENTS_DURABLE, 0600,
                                 error))
    {
      g_prefix_error (error, "cannot keep the positions of destinations: ");
      return FALSE;
    }
  self->is_dirty = FALSE;
  return TRUE;
}
