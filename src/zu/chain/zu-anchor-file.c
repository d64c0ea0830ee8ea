/* SPDX-License-Identifier: Apache-2.0 */

/* An anchor's file: read whole, written at its end only. */

#include "zu-anchor-private.h"

#include <errno.h>
#include <fcntl.h>
#include <glib/gstdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static const char *
get_text (ZuJson *record, const char *name)
{
  g_autoptr (ZuJson) value = zu_json_dup_member (record, name);
  gsize length = 0;
  const char *text = value == NULL ? NULL : zu_json_get_string (value, &length);

  return text != NULL && strlen (text) == length ? text : NULL;
}

static gboolean
get_seq (ZuJson *record, gint64 *seq)
{
  g_autoptr (ZuJson) value = zu_json_dup_member (record, "seq");

  return value != NULL && zu_json_get_int64 (value, seq) && *seq >= 0;
}

static gboolean
add_line (ZuAnchor *self, const char *line, gsize length, GError **error)
{
  g_autoptr (ZuJson) record = zu_json_parse (line, (gssize) length, error);
  const char *trace_id, *head;
  gint64 seq;

  if (record == NULL)
    return FALSE;
  trace_id = get_text (record, "trace_id");
  head = get_text (record, "head");
  if (trace_id == NULL || head == NULL || !get_seq (record, &seq))
    {
      g_set_error_literal (error, ZU_ANCHOR_ERROR, ZU_ANCHOR_ERROR_MALFORMED,
                           "not an object of trace_id, seq and head");
      return FALSE;
    }
  zu_anchor_add (self, trace_id, (guint64) seq, head);
  return TRUE;
}

static gboolean
is_blank (const char *line, const char *end)
{
  while (line < end && g_ascii_isspace (*line))
    line++;
  return line == end;
}

/**
 * zu_anchor_new_from_text:
 * @text: (array length=length) (element-type guint8): what an anchor file holds
 * @length: its length in bytes, or -1 if it is terminated
 * @error: return location for an error
 *
 * Reads records, one a line; blank lines do not count.
 *
 * A line that cannot be read is an error, also the last one: what is missing from an anchor must
 * not go unnoticed.
 *
 * Returns: (transfer full): the anchor; on failure %NULL with %ZU_ANCHOR_ERROR_MALFORMED and a
 *   message that tells the line
 */
ZuAnchor *
zu_anchor_new_from_text (const char *text, gssize length, GError **error)
{
  g_autoptr (ZuAnchor) self = zu_anchor_new ();
  g_autoptr (GError) local_error = NULL;
  const char *end;
  guint number = 1;

  g_return_val_if_fail (text != NULL || length == 0, NULL);

  end = text + (length < 0 ? strlen (text) : (gsize) length);
  for (const char *line = text, *stop; line < end; line = stop + 1, number++)
    {
      stop = memchr (line, '\n', (gsize) (end - line));
      if (stop == NULL)
        stop = end;
      if (is_blank (line, stop) || add_line (self, line, (gsize) (stop - line), &local_error))
        continue;
      g_set_error (error, ZU_ANCHOR_ERROR, ZU_ANCHOR_ERROR_MALFORMED,
                   "line %u of the anchor cannot be read: %s", number, local_error->message);
      return NULL;
    }
  return g_steal_pointer (&self);
}

/**
 * zu_anchor_new_from_file:
 * @file: an anchor file
 * @error: return location for an error
 *
 * Reads an anchor file.
 *
 * Returns: (transfer full): the anchor; on failure %NULL with %ZU_ANCHOR_ERROR_MALFORMED, or an
 *   error of the domain %G_IO_ERROR
 */
ZuAnchor *
zu_anchor_new_from_file (GFile *file, GError **error)
{
  g_autofree char *text = NULL;
  gsize length;

  g_return_val_if_fail (G_IS_FILE (file), NULL);

  if (!g_file_load_contents (file, NULL, &text, &length, NULL, error))
    return NULL;
  return zu_anchor_new_from_text (text, (gssize) length, error);
}

/**
 * zu_anchor_to_text:
 * @self: an anchor
 *
 * Writes the records as a file holds them.
 *
 * Returns: (transfer full): a line a record
 */
char *
zu_anchor_to_text (ZuAnchor *self)
{
  g_autoptr (GString) text = g_string_new (NULL);

  g_return_val_if_fail (ZU_IS_ANCHOR (self), NULL);

  for (guint i = 0; i < zu_anchor_get_size (self); i++)
    {
      const ZuAnchorRecord *record = zu_anchor_peek (self, i);
      g_autoptr (ZuJsonBuilder) builder = zu_json_builder_new ();
      g_autoptr (ZuJson) json = NULL;
      g_autoptr (GError) error = NULL;
      g_autofree char *line = NULL;

      zu_json_builder_begin_object (builder);
      zu_json_builder_set_member (builder, "trace_id");
      zu_json_builder_add_string (builder, record->trace_id);
      zu_json_builder_set_member (builder, "seq");
      zu_json_builder_add_int64 (builder, (gint64) record->seq);
      zu_json_builder_set_member (builder, "head");
      zu_json_builder_add_string (builder, record->head);
      zu_json_builder_end_object (builder);
      json = zu_json_builder_end (builder, &error);
      if (json == NULL)
        {
          g_critical ("an anchor's record cannot be written: %s", error->message);
          continue;
        }
      line = zu_json_to_string (json);
      g_string_append_printf (text, "%s\n", line);
    }
  return g_string_free (g_steal_pointer (&text), FALSE);
}

static gboolean
fail (const char *path, const char *what, GError **error)
{
  int code = errno;

  g_set_error (error, G_IO_ERROR, g_io_error_from_errno (code), "cannot %s the anchor %s: %s", what,
               path, g_strerror (code));
  return FALSE;
}

/* Two that append at once wait for each other. The lock goes with the descriptor. */
static gboolean
lock (int fd)
{
  struct flock range = { .l_type = F_WRLCK, .l_whence = SEEK_SET };
  int result;

  do
    result = fcntl (fd, F_OFD_SETLKW, &range);
  while (result < 0 && errno == EINTR);
  return result == 0;
}

static gboolean
write_all (int fd, const char *data, gsize size)
{
  while (size > 0)
    {
      gssize n = write (fd, data, size);

      if (n < 0 && errno == EINTR)
        continue;
      if (n < 0)
        return FALSE;
      data += n;
      size -= (gsize) n;
    }
  return fsync (fd) == 0;
}

/* A file that is new lasts only once its folder was written. */
static gboolean
sync_folder (const char *path)
{
  g_autofree char *folder = g_path_get_dirname (path);
  int fd = open (folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  gboolean done;
  int code;

  if (fd < 0)
    return FALSE;
  done = fsync (fd) == 0;
  code = errno;
  close (fd);
  errno = code;
  return done;
}

static gboolean
append (int fd, const char *path, const char *text, GError **error)
{
  struct stat info;
  char last = '\n';

  if (!lock (fd) || fstat (fd, &info) < 0)
    return fail (path, "open", error);
  if (info.st_size > 0 && pread (fd, &last, 1, info.st_size - 1) != 1)
    return fail (path, "read", error);
  if (last != '\n')
    {
      g_set_error (error, ZU_ANCHOR_ERROR, ZU_ANCHOR_ERROR_MALFORMED,
                   "the last line of the anchor %s is cut off: remove it first", path);
      return FALSE;
    }
  if (!write_all (fd, text, strlen (text)))
    {
      fail (path, "write", error);
      /* Half a line must not stay; if it does after all, the next one to append sees it. */
      if (ftruncate (fd, info.st_size) < 0)
        g_debug ("the anchor %s keeps half a record", path);
      return FALSE;
    }
  return info.st_size > 0 || sync_folder (path) || fail (path, "write", error);
}

/**
 * zu_anchor_append_to_file:
 * @self: an anchor
 * @file: an anchor file on this machine; made where it does not exist
 * @error: return location for an error
 *
 * Adds all records to the end of a file, and returns once they are on the disk.
 *
 * Returns: whether they were; if not, %ZU_ANCHOR_ERROR_MALFORMED where the file's last line is cut
 *   off, or an error of the domain %G_IO_ERROR
 */
gboolean
zu_anchor_append_to_file (ZuAnchor *self, GFile *file, GError **error)
{
  g_autofree char *path = NULL;
  g_autofree char *text = NULL;
  gboolean done;
  int fd;

  g_return_val_if_fail (ZU_IS_ANCHOR (self), FALSE);
  g_return_val_if_fail (G_IS_FILE (file), FALSE);

  path = g_file_get_path (file);
  if (path == NULL)
    {
      g_set_error_literal (error, G_IO_ERROR, G_IO_ERROR_NOT_SUPPORTED,
                           "an anchor file must be on this machine");
      return FALSE;
    }
  text = zu_anchor_to_text (self);
  fd = open (path, O_RDWR | O_APPEND | O_CREAT | O_CLOEXEC | O_NOCTTY, 0644);
  if (fd < 0)
    return fail (path, "open", error);
  done = append (fd, path, text, error);
  if (close (fd) < 0 && done)
    return fail (path, "write", error);
  return done;
}
