/* SPDX-License-Identifier: Apache-2.0 */

#include "zu-positions-private.h"

#include "../event/zu-json.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

/* What a position that was not saved costs is that some events are delivered once more; so it is
 * saved now and then, not with each. */
#define SAVE_INTERVAL G_TIME_SPAN_SECOND
#define MOST_BYTES    (4 * 1024 * 1024)

typedef struct
{
  gint64 seq;
  char *event_id; /* of the last event up to there */
} Position;

struct _ZuPositions
{
  gatomicrefcount refs;
  char *path;

  GMutex lock;
  GHashTable *table; /* destination to Position */
  int lock_fd;       /* -1 while another bus owns the file */
  gboolean is_dirty;
  gint64 saved; /* monotonic */
};

static void
position_free (gpointer data)
{
  Position *position = data;

  g_free (position->event_id);
  g_free (position);
}

ZuPositions *
zu_positions_new (const char *path)
{
  ZuPositions *self = g_new0 (ZuPositions, 1);

  g_atomic_ref_count_init (&self->refs);
  self->path = g_canonicalize_filename (path, NULL);
  self->table = g_hash_table_new_full (g_str_hash, g_str_equal, g_free, position_free);
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

static gboolean
read_line (GHashTable *table, const char *line, gssize length)
{
  g_autoptr (ZuJson) json = zu_json_parse (line, length, NULL);
  g_autoptr (ZuJson) name = NULL, seq = NULL, event_id = NULL;
  Position *position;
  gint64 number;

  if (json == NULL || zu_json_get_kind (json) != ZU_JSON_KIND_OBJECT)
    return FALSE;

  name = zu_json_dup_member (json, "destination");
  seq = zu_json_dup_member (json, "seq");
  event_id = zu_json_dup_member (json, "event_id");
  if (name == NULL || zu_json_get_kind (name) != ZU_JSON_KIND_STRING || seq == NULL
      || zu_json_get_kind (seq) != ZU_JSON_KIND_INTEGER || !zu_json_get_int64 (seq, &number)
      || number < 0)
    return FALSE;

  position = g_new0 (Position, 1);
  position->seq = number;
  if (event_id != NULL && zu_json_get_kind (event_id) == ZU_JSON_KIND_STRING)
    position->event_id = g_strdup (zu_json_get_string (event_id, NULL));
  g_hash_table_insert (table, g_strdup (zu_json_get_string (name, NULL)), position);
  return TRUE;
}

static gboolean
read_text (ZuPositions *self, const char *text, gsize length, GError **error)
{
  const char *end = text + length;

  for (const char *line = text, *next; line < end; line = next)
    {
      const char *newline = memchr (line, '\n', (gsize) (end - line));

      next = newline != NULL ? newline + 1 : end;
      if (newline != NULL && read_line (self->table, line, newline - line))
        continue;
      g_set_error (error, G_IO_ERROR, G_IO_ERROR_INVALID_DATA,
                   "the file of positions %s is damaged (remove it, and everything is delivered "
                   "once more)",
                   self->path);
      return FALSE;
    }

  return TRUE;
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
    return read_text (self, text, length, error);
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
  Position *position = g_hash_table_lookup (self->table, destination);

  *event_id = position != NULL ? g_strdup (position->event_id) : NULL;
  return position != NULL ? position->seq : 0;
}

void
zu_positions_set (ZuPositions *self, const char *destination, gint64 seq, const char *event_id)
{
  g_autoptr (GMutexLocker) locker = g_mutex_locker_new (&self->lock);
  Position *position = g_new0 (Position, 1);

  position->seq = seq;
  position->event_id = g_strdup (event_id);
  g_hash_table_insert (self->table, g_strdup (destination), position);
  self->is_dirty = TRUE;
}

/* When it should be saved, in monotonic time; -1 where there is nothing to save. */
gint64
zu_positions_get_due (ZuPositions *self)
{
  g_autoptr (GMutexLocker) locker = g_mutex_locker_new (&self->lock);

  return self->is_dirty ? self->saved + SAVE_INTERVAL : -1;
}

static void
add_line (GString *text, const char *destination, const Position *position)
{
  g_autoptr (ZuJsonBuilder) builder = zu_json_builder_new ();
  g_autoptr (ZuJson) json = NULL;
  g_autofree char *line = NULL;

  zu_json_builder_begin_object (builder);
  zu_json_builder_set_member (builder, "destination");
  zu_json_builder_add_string (builder, destination);
  zu_json_builder_set_member (builder, "seq");
  zu_json_builder_add_int64 (builder, position->seq);
  zu_json_builder_set_member (builder, "event_id");
  if (position->event_id != NULL)
    zu_json_builder_add_string (builder, position->event_id);
  else
    zu_json_builder_add_null (builder);
  zu_json_builder_end_object (builder);
  json = zu_json_builder_end (builder, NULL);
  line = zu_json_to_string (json);
  g_string_append_printf (text, "%s\n", line);
}

static char *
dup_text (ZuPositions *self)
{
  g_autoptr (GString) text = g_string_new (NULL);
  GHashTableIter iter;
  gpointer destination, position;

  g_hash_table_iter_init (&iter, self->table);
  while (g_hash_table_iter_next (&iter, &destination, &position))
    add_line (text, destination, position);
  return g_string_free (g_steal_pointer (&text), FALSE);
}

/* Replaces the file by a new one that is on the disk: whoever reads it finds one or the other. */
gboolean
zu_positions_save (ZuPositions *self, GError **error)
{
  g_autoptr (GMutexLocker) locker = g_mutex_locker_new (&self->lock);
  g_autofree char *text = NULL;

  if (!self->is_dirty || self->lock_fd < 0)
    return TRUE;

  text = dup_text (self);
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
