/* SPDX-License-Identifier: Apache-2.0 */

#include "zu-jsonl-reader.h"

#include "zu-jsonl-lines.h"
#include "zu-jsonl-marks.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#define MARK_EVERY   1024
#define CANCEL_EVERY 256

struct _ZuJsonlReader
{
  char *path;
  ZuJsonlMarks *marks;
};

/* Where a reading stands. */
typedef struct
{
  ZuJsonlReader *reader;
  const ZuJsonlRead *read;
  ZuJsonlGathered *gathered;
  char *key;
  guint generation;
  gint64 n_given;
  ZuJsonlMark mark;
} Position;

static void
position_clear (Position *self)
{
  g_free (self->key);
}

G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC (Position, position_clear)

ZuJsonlReader *
zu_jsonl_reader_new (const char *path)
{
  ZuJsonlReader *self = g_new0 (ZuJsonlReader, 1);

  self->path = g_strdup (path);
  self->marks = zu_jsonl_marks_new ();
  return self;
}

void
zu_jsonl_reader_free (ZuJsonlReader *self)
{
  zu_jsonl_marks_free (self->marks);
  g_free (self->path);
  g_free (self);
}

/* -1 without an error where there is no file. */
static int
open_file (ZuJsonlReader *self, GError **error)
{
  int fd = open (self->path, O_RDONLY | O_CLOEXEC | O_NOCTTY | O_NONBLOCK);
  struct stat info;

  if (fd < 0 && errno == ENOENT)
    return -1;
  if (fd < 0)
    {
      g_set_error (error, ZU_EVENT_SINK_ERROR, ZU_EVENT_SINK_ERROR_MISSING,
                   "%s: the log cannot be opened: %s", self->path, g_strerror (errno));
      return -1;
    }
  if (fstat (fd, &info) == 0 && S_ISREG (info.st_mode))
    return fd;

  close (fd);
  g_set_error (error, ZU_EVENT_SINK_ERROR, ZU_EVENT_SINK_ERROR_FOREIGN,
               "%s is no regular file (name another one)", self->path);
  return -1;
}

static char *
dup_key (ZuFilter *filter)
{
  g_autoptr (ZuJson) json = NULL;

  if (filter == NULL || zu_filter_get_size (filter) == 0)
    return g_strdup ("");

  json = zu_filter_to_json (filter);
  return zu_json_to_string (json);
}

static void
add_finding (Position *self, const ZuJsonlLine *line, const char *why)
{
  g_autofree char *text = NULL;

  if (self->gathered->findings == NULL)
    return;

  if (line->is_ended)
    text = g_strdup_printf ("line %" G_GINT64_FORMAT " is no event: %s", line->number, why);
  else
    text = g_strdup_printf ("line %" G_GINT64_FORMAT " is torn: it has no end, and is no event",
                            line->number);
  g_ptr_array_add (self->gathered->findings,
                   g_object_new (ZU_TYPE_AUDIT_FINDING, "seq", line->number, "kind",
                                 ZU_FINDING_KIND_UNDECODABLE, "subject", "-", "text", text, NULL));
}

static void
take_event (Position *self, ZuEvent *event)
{
  if (self->read->filter != NULL && !zu_filter_matches (self->read->filter, event))
    return;

  self->gathered->n_passed++;
  if (self->gathered->n_passed <= self->read->after)
    return;
  if (self->gathered->events != NULL)
    g_ptr_array_add (self->gathered->events, g_object_ref (event));
  self->n_given++;
}

static void
take_line (Position *self, const ZuJsonlLine *line)
{
  g_autoptr (ZuEvent) event = NULL;
  g_autoptr (GError) why = NULL;

  if (!zu_jsonl_line_is_blank (line))
    {
      event = zu_jsonl_line_read (line, &why);
      if (event != NULL)
        take_event (self, event);
      else
        add_finding (self, line, why->message);
    }

  /* A line without an end may yet get one, so nobody goes on behind it. */
  if (line->is_ended)
    self->mark = (ZuJsonlMark){ self->gathered->n_passed, line->number, line->end };
}

static void
leave_mark (Position *self)
{
  zu_jsonl_marks_add (self->reader->marks, self->generation, self->key, &self->mark);
}

static gboolean
read_lines (Position *self, int fd, GError **error)
{
  g_autoptr (ZuJsonlLines) lines = zu_jsonl_lines_new (fd, self->mark.place, self->mark.n_lines);
  g_autoptr (GError) local_error = NULL;
  ZuJsonlLine line;

  while (self->n_given != self->read->limit)
    {
      if (!zu_jsonl_lines_next (lines, &line, &local_error))
        break;
      take_line (self, &line);
      if (line.number % MARK_EVERY == 0)
        leave_mark (self);
      if (line.number % CANCEL_EVERY == 0
          && g_cancellable_set_error_if_cancelled (self->read->cancellable, error))
        return FALSE;
    }

  if (local_error != NULL)
    {
      g_propagate_prefixed_error (error, g_steal_pointer (&local_error),
                                  "%s: ", self->reader->path);
      return FALSE;
    }
  leave_mark (self);
  return TRUE;
}

/* Reads on from the nearest mark. */
gboolean
zu_jsonl_reader_read (ZuJsonlReader *self, const ZuJsonlRead *read, ZuJsonlGathered *gathered,
                      GError **error)
{
  g_auto (Position) position = { .reader = self, .read = read, .gathered = gathered };
  g_autoptr (GError) local_error = NULL;
  gboolean is_read;
  int fd = open_file (self, &local_error);

  gathered->n_passed = 0;
  if (local_error != NULL)
    {
      g_propagate_error (error, g_steal_pointer (&local_error));
      return FALSE;
    }
  if (fd < 0)
    return TRUE;

  position.key = dup_key (read->filter);
  position.generation = zu_jsonl_marks_check_file (self->marks, fd);
  position.mark = zu_jsonl_marks_find (self->marks, position.key, read->after);
  gathered->n_passed = position.mark.n_passed;
  is_read = read_lines (&position, fd, error);
  close (fd);
  return is_read;
}
