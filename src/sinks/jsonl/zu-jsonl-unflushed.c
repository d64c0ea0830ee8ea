/* SPDX-License-Identifier: Apache-2.0 */

#include "zu-jsonl-unflushed.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

#define STEP       (64 * 1024)
#define MOST_NOTES 4096 /* bytes of them that are read */

static char *
dup_note_path (const char *path)
{
  return g_strconcat (path, ".unflushed", NULL);
}

/* A line a note: several processes may have failed. */
void
zu_jsonl_unflushed_note (const char *path, gint64 from)
{
  g_autofree char *name = dup_note_path (path);
  g_autofree char *text = g_strdup_printf ("%" G_GINT64_FORMAT "\n", from);
  int fd = open (name, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC | O_NOFOLLOW | O_NOCTTY, 0644);

  if (fd < 0 || write (fd, text, strlen (text)) != (gssize) strlen (text))
    g_warning ("%s: what a failed flush may have lost cannot be noted in %s: %s (verify the log "
               "after the next start of the system)",
               path, name, g_strerror (errno));
  if (fd >= 0)
    close (fd);
}

/* From where on; what cannot be read means from the start. */
static gint64
read_notes (int fd, gint64 size)
{
  g_autofree char *text = g_malloc0 (MOST_NOTES + 1);
  gssize n = pread (fd, text, MOST_NOTES, 0);
  g_auto (GStrv) lines = g_strsplit (text, "\n", -1);
  gint64 from = size;

  if (n <= 0 || n == MOST_NOTES)
    return 0;
  for (gsize i = 0; lines[i] != NULL; i++)
    {
      guint64 one = 0;

      if (*lines[i] != '\0')
        g_ascii_string_to_unsigned (lines[i], 10, 0, G_MAXINT64, &one, NULL);
      if (*lines[i] != '\0')
        from = MIN (from, (gint64) one);
    }
  return from;
}

static gboolean
write_again (int fd, gint64 place, gint64 size)
{
  g_autofree char *buffer = g_malloc (STEP);

  while (place < size)
    {
      gssize n = pread (fd, buffer, (gsize) MIN (size - place, STEP), place);

      if (n <= 0 || pwrite (fd, buffer, (gsize) n, place) != n)
        return FALSE;
      place += n;
    }

  return fdatasync (fd) == 0;
}

/* A descriptor that appends writes at the end whatever place it is told. */
static gboolean
write_in_place (int fd, gint64 from, gint64 size)
{
  int flags = fcntl (fd, F_GETFL);
  gboolean is_done = flags >= 0 && fcntl (fd, F_SETFL, flags & ~O_APPEND) == 0;

  is_done = is_done && write_again (fd, from, size);
  return fcntl (fd, F_SETFL, flags) == 0 && is_done;
}

/* Called with the lock held, before anything is acknowledged: the same bytes in the same places. */
gboolean
zu_jsonl_unflushed_rewrite (const char *path, int fd, gint64 size, GError **error)
{
  g_autofree char *name = dup_note_path (path);
  int note = open (name, O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NOCTTY | O_NONBLOCK);
  gboolean is_done;

  if (note < 0 && errno == ENOENT)
    return TRUE;

  is_done = write_in_place (fd, note >= 0 ? read_notes (note, size) : 0, size);
  if (note >= 0)
    close (note);
  if (is_done && unlink (name) == 0)
    return TRUE;

  g_set_error (error, ZU_EVENT_SINK_ERROR, ZU_EVENT_SINK_ERROR_POISONED,
               "%s: an earlier flush failed, and what it may have lost cannot be written again: %s "
               "(see to the disk, and open the log again)",
               path, g_strerror (errno));
  return FALSE;
}
