/* SPDX-License-Identifier: Apache-2.0 */

#include "zu-jsonl-lines.h"

#include <errno.h>
#include <string.h>
#include <unistd.h>

#define CHUNK       (256 * 1024)
#define FIRST_CHUNK (16 * 1024) /* a page is often all that is wanted */

struct _ZuJsonlLines
{
  int fd;
  char *buffer;
  gsize capacity;
  gsize start, end; /* what of the buffer is not given out yet */
  gint64 place;     /* of @start in the file */
  gint64 number;
  gboolean is_at_end;
  gboolean skips_newline; /* the line before ended with CR */
};

/* @start is the beginning of a line. */
ZuJsonlLines *
zu_jsonl_lines_new (int fd, gint64 start, gint64 n_lines_before)
{
  ZuJsonlLines *self = g_new0 (ZuJsonlLines, 1);

  self->fd = fd;
  self->place = start;
  self->number = n_lines_before;
  self->capacity = FIRST_CHUNK / 2; /* doubled by the first reading */
  self->buffer = g_malloc (self->capacity);
  return self;
}

void
zu_jsonl_lines_free (ZuJsonlLines *self)
{
  g_free (self->buffer);
  g_free (self);
}

/* Reads on behind what is there; the buffer grows where a line is longer than it. */
static gboolean
read_more (ZuJsonlLines *self, GError **error)
{
  gsize used = self->end - self->start;
  gssize n;

  if (self->start > 0)
    memmove (self->buffer, self->buffer + self->start, used);
  self->start = 0;
  self->end = used;
  if (self->capacity < CHUNK || self->capacity - used < CHUNK / 2)
    {
      self->capacity *= 2;
      self->buffer = g_realloc (self->buffer, self->capacity);
    }

  do
    n = pread (self->fd, self->buffer + used, self->capacity - used, self->place + (gint64) used);
  while (n < 0 && errno == EINTR);
  if (n < 0)
    {
      g_set_error (error, G_IO_ERROR, g_io_error_from_errno (errno), "cannot read the log: %s",
                   g_strerror (errno));
      return FALSE;
    }

  self->end += (gsize) n;
  self->is_at_end = n == 0;
  return TRUE;
}

static char *
find_end (char *text, gsize length)
{
  char *newline = memchr (text, '\n', length);
  char *carriage = memchr (text, '\r', newline != NULL ? (gsize) (newline - text) : length);

  return carriage != NULL ? carriage : newline;
}

static void
give_out (ZuJsonlLines *self, gsize n)
{
  self->start += n;
  self->place += (gint64) n;
}

/* The LF of a CRLF whose CR has ended the line before. */
static gboolean
skip_newline (ZuJsonlLines *self, GError **error)
{
  if (!self->skips_newline)
    return TRUE;
  if (self->start == self->end && !read_more (self, error))
    return FALSE;

  if (self->start < self->end && self->buffer[self->start] == '\n')
    give_out (self, 1);
  self->skips_newline = FALSE;
  return TRUE;
}

/* Drops a line that is too long, a buffer at a time. */
static gboolean
skip_long (ZuJsonlLines *self, char **end, GError **error)
{
  while (*end == NULL && !self->is_at_end)
    {
      give_out (self, self->end - self->start);
      if (!read_more (self, error))
        return FALSE;
      *end = find_end (self->buffer + self->start, self->end - self->start);
    }

  return TRUE;
}

/* Whether there is a line; where there is none, and no error, the file ends here. */
gboolean
zu_jsonl_lines_next (ZuJsonlLines *self, ZuJsonlLine *line, GError **error)
{
  gsize searched = 0, length;
  char *end = NULL;

  if (!skip_newline (self, error))
    return FALSE;

  *line = (ZuJsonlLine){ .start = self->place };
  for (;;)
    {
      end = find_end (self->buffer + self->start + searched, self->end - self->start - searched);
      if (end != NULL || self->is_at_end || self->end - self->start > ZU_JSONL_LONGEST_LINE)
        break;
      searched = self->end - self->start;
      if (!read_more (self, error))
        return FALSE;
    }
  if (end == NULL && self->start == self->end)
    {
      self->is_at_end = FALSE;
      return FALSE;
    }

  length = end != NULL ? (gsize) (end - self->buffer) - self->start : self->end - self->start;
  if (length <= ZU_JSONL_LONGEST_LINE)
    line->text = self->buffer + self->start;
  else if (!skip_long (self, &end, error))
    return FALSE;
  else
    length = end != NULL ? (gsize) (end - self->buffer) - self->start : self->end - self->start;

  line->length = line->text != NULL ? length : MAX (length, 1);
  line->number = ++self->number;
  line->is_ended = end != NULL;
  self->skips_newline = end != NULL && *end == '\r';
  give_out (self, length + (end != NULL ? 1 : 0));
  line->end = self->place;
  return TRUE;
}

gboolean
zu_jsonl_line_is_blank (const ZuJsonlLine *line)
{
  for (gsize i = 0; i < line->length; i++)
    if (line->text == NULL || !g_ascii_isspace (line->text[i]))
      return FALSE;

  return TRUE;
}

ZuEvent *
zu_jsonl_line_read (const ZuJsonlLine *line, GError **error)
{
  if (line->text != NULL)
    return zu_event_new_from_stored_text (line->text, line->length, error);

  g_set_error (error, ZU_EVENT_ERROR, ZU_EVENT_ERROR_UNDECODABLE, "it is longer than %d MiB",
               ZU_JSONL_LONGEST_LINE / 1024 / 1024);
  return NULL;
}
