/* SPDX-License-Identifier: Apache-2.0 */

#include "zu-jsonl-tail.h"

#include "zu-jsonl-lines.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>

#define STEP (64 * 1024)

/* A write past the limit would end this process with a signal (SIGXFSZ). */
static gboolean
is_too_large (int fd, gsize length)
{
  off_t end = lseek (fd, 0, SEEK_END);
  struct rlimit limit;

  return end >= 0 && getrlimit (RLIMIT_FSIZE, &limit) == 0 && limit.rlim_cur != RLIM_INFINITY
         && (rlim_t) end + length > limit.rlim_cur;
}

static gboolean
write_all (int fd, const char *text, gsize length)
{
  if (is_too_large (fd, length))
    {
      errno = EFBIG;
      return FALSE;
    }

  while (length > 0)
    {
      gssize n = write (fd, text, length);

      if (n < 0 && errno == EINTR)
        continue;
      if (n <= 0)
        return FALSE;
      text += n;
      length -= (gsize) n;
    }

  return TRUE;
}

static gboolean
fail (const char *path, const char *what, GError **error)
{
  gboolean is_full = errno == ENOSPC || errno == EDQUOT || errno == EFBIG;

  g_set_error (error, ZU_EVENT_SINK_ERROR,
               is_full ? ZU_EVENT_SINK_ERROR_FULL : ZU_EVENT_SINK_ERROR_READ_ONLY,
               "%s: cannot %s: %s", path, what, g_strerror (errno));
  return FALSE;
}

static gboolean
is_line_end (char c)
{
  return c == '\n' || c == '\r';
}

/* Where the last line begins; -1 where the file cannot be read. */
static gint64
find_start (int fd, gint64 size)
{
  g_autofree char *buffer = g_malloc (STEP);
  gint64 place = size;

  while (place > 0)
    {
      gsize n = (gsize) MIN (place, STEP);

      if (pread (fd, buffer, n, place - (gint64) n) != (gssize) n)
        return -1;
      for (gsize i = n; i > 0; i--)
        if (is_line_end (buffer[i - 1]))
          return place - (gint64) n + (gint64) i;
      place -= (gint64) n;
    }

  return 0;
}

static gboolean
is_whole (int fd, gint64 start)
{
  g_autoptr (ZuJsonlLines) lines = zu_jsonl_lines_new (fd, start, 0);
  g_autoptr (ZuEvent) event = NULL;
  ZuJsonlLine line;

  if (!zu_jsonl_lines_next (lines, &line, NULL))
    return FALSE;

  event = zu_jsonl_line_read (&line, NULL);
  return event != NULL || zu_jsonl_line_is_blank (&line);
}

static gboolean
copy (int from, int to, gint64 start, gint64 end)
{
  g_autofree char *buffer = g_malloc (STEP);

  while (start < end)
    {
      gssize n = pread (from, buffer, (gsize) MIN (end - start, STEP), start);

      if (n <= 0 || !write_all (to, buffer, (gsize) n))
        return FALSE;
      start += n;
    }

  return write_all (to, "\n", 1) && fsync (to) == 0;
}

/* What was never acknowledged is cut off, and kept for whoever wants to look at it. */
static gboolean
cut_off (int fd, const char *path, gint64 start, gint64 size, GError **error)
{
  g_autofree char *torn = g_strconcat (path, ".torn", NULL);
  int to = open (torn, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC | O_NOFOLLOW, 0644);
  gboolean is_copied = to >= 0 && copy (fd, to, start, size);

  if (!is_copied)
    fail (torn, "keep a torn line", error);
  if (to >= 0)
    close (to);
  if (!is_copied)
    return FALSE;
  if (ftruncate (fd, start) != 0 || fdatasync (fd) != 0)
    return fail (path, "cut a torn line off", error);

  g_message ("%s: its last line was torn (%" G_GINT64_FORMAT " bytes); it was cut off and is kept "
             "in %s",
             path, size - start, torn);
  return TRUE;
}

gboolean
zu_jsonl_tail_repair (int fd, const char *path, gint64 size, GError **error)
{
  gint64 start;
  char last;

  if (size == 0)
    return TRUE;
  if (pread (fd, &last, 1, size - 1) != 1)
    return fail (path, "read the end of the log", error);
  if (is_line_end (last))
    return TRUE;

  start = find_start (fd, size);
  if (start < 0)
    return fail (path, "read the end of the log", error);
  if (!is_whole (fd, start))
    return cut_off (fd, path, start, size, error);

  return write_all (fd, "\n", 1) || fail (path, "end the last line", error);
}
