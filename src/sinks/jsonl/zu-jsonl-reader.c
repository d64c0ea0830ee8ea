/* SPDX-License-Identifier: Apache-2.0 */

#include "zu-jsonl-reader.h"

#include "zu-jsonl-follow.h"
#include "zu-jsonl-lines.h"

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
  ZuJsonlFollow *follow;
};

/* Where a reading stands. */
typedef struct
{
  ZuJsonlReader *reader;
  const ZuJsonlRead *read;
  ZuJsonlGathered *gathered;
  const char *key;        /* of the filter */
  const char *follow_key; /* of the filter and the verb */
  guint generation;       /* of the marks; 0 where none are left */
  gint64 after;
  gint64 n_given;
  gboolean is_settled; /* nobody was writing when it was looked at last */
  gboolean is_torn;
  ZuJsonlPlace place;
  ZuJsonlPlace start; /* where the reading began; without the descriptor */
} Position;

ZuJsonlReader *
zu_jsonl_reader_new (const char *path)
{
  ZuJsonlReader *self = g_new0 (ZuJsonlReader, 1);

  self->path = g_strdup (path);
  self->marks = zu_jsonl_marks_new ();
  self->follow = zu_jsonl_follow_new ();
  return self;
}

void
zu_jsonl_reader_free (ZuJsonlReader *self)
{
  zu_jsonl_marks_free (self->marks);
  zu_jsonl_follow_free (self->follow);
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

/* Of a filter. */
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

  /* What stands before the page is not of it, and what a page has told the next one does not. */
  if (self->gathered->findings == NULL || self->gathered->n_passed < self->after
      || line->number <= self->place.told)
    return;

  self->place.told = line->number;
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
  if (self->gathered->n_passed <= self->after)
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
      self->is_torn = event == NULL && !line->is_ended && self->gathered->findings != NULL;
      if (event != NULL)
        take_event (self, event);
      else if (line->is_ended || self->is_settled)
        add_finding (self, line, why->message);
    }

  /* A line without an end may yet get one, so nobody goes on behind it. */
  if (line->is_ended)
    self->place.mark = (ZuJsonlMark){ self->gathered->n_passed, line->number, line->end, 0 };
}

static void
leave_mark (Position *self)
{
  zu_jsonl_mark_sample (&self->place.mark, self->place.fd);
  if (self->generation > 0)
    zu_jsonl_marks_add (self->reader->marks, self->generation, self->key, &self->place.mark);
}

static gboolean
read_to_end (Position *self, GError **error)
{
  ZuJsonlMark *mark = &self->place.mark;
  g_autoptr (ZuJsonlLines) lines = zu_jsonl_lines_new (self->place.fd, mark->place, mark->n_lines);
  g_autoptr (GError) local_error = NULL;
  ZuJsonlLine line;

  self->gathered->n_passed = mark->n_passed;
  self->is_torn = FALSE;
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

  if (local_error == NULL)
    return TRUE;
  g_propagate_prefixed_error (error, g_steal_pointer (&local_error), "%s: ", self->reader->path);
  return FALSE;
}

/* Reads on from where the position is. A last line that is no event may be one that is just being
 * written; what it is once nobody writes counts. */
static gboolean
read_lines (Position *self, GError **error)
{
  if (!read_to_end (self, error))
    return FALSE;
  if (self->is_torn && !self->is_settled)
    {
      zu_jsonl_place_settle (&self->place);
      self->is_settled = TRUE;
      if (!read_to_end (self, error))
        return FALSE;
    }

  leave_mark (self);
  self->gathered->next = self->after + self->n_given;
  return TRUE;
}

static gboolean
is_same_file (int a, int b)
{
  struct stat x, y;

  return fstat (a, &x) == 0 && fstat (b, &y) == 0 && x.st_ino == y.st_ino && x.st_dev == y.st_dev;
}

/* What the last page left unread of a file that does not bear the name any longer; whether that was
 * something, or more may come: then the file under the name has to wait. */
static gboolean
read_rest (Position *self, gboolean is_replaced, gboolean *has_to_wait, GError **error)
{
  gboolean is_complete = zu_jsonl_place_settle (&self->place);

  self->is_settled = TRUE;
  if (!read_lines (self, error))
    return FALSE;

  *has_to_wait = self->n_given > 0 || !is_complete || !is_replaced;
  return TRUE;
}

/* The file under the name, from the nearest mark; or, where it was written anew since the last
 * page, from its start. */
static gboolean
read_named (Position *self, int *fd, GError **error)
{
  ZuJsonlReader *reader = self->reader;
  /* The bad lines behind an event are of the page that begins there, so that one begins before
   * them. */
  gint64 after = self->gathered->findings != NULL ? self->after - 1 : self->after;

  self->place.fd = *fd;
  *fd = -1;
  self->generation = zu_jsonl_marks_check_file (reader->marks, self->place.fd);
  self->place.mark = zu_jsonl_marks_find (reader->marks, self->place.fd, self->key, after);
  return read_lines (self, error);
}

/* Reads on behind the page that was read last. */
static gboolean
read_on (Position *self, int *fd, GError **error)
{
  gboolean is_named = *fd >= 0 && is_same_file (*fd, self->place.fd);
  gboolean has_to_wait = FALSE;
  /* Nobody knows whether an auditor at the start has been there before: he gets it all. */
  gboolean is_first_audit = self->after == 0 && self->gathered->findings != NULL;

  if (is_named && !is_first_audit && zu_jsonl_mark_holds (&self->place.mark, self->place.fd))
    {
      self->generation = zu_jsonl_marks_check_file (self->reader->marks, self->place.fd);
      return read_lines (self, error);
    }
  if (!is_named && !read_rest (self, *fd >= 0, &has_to_wait, error))
    return FALSE;
  if (has_to_wait)
    return TRUE;

  zu_jsonl_place_clear (&self->place);
  self->place.told = 0;
  self->is_settled = FALSE;
  self->after = 0;
  return read_named (self, fd, error);
}

static gboolean
read_from (Position *self, int *fd, GError **error)
{
  if (self->read->follows)
    self->place = zu_jsonl_follow_take (self->reader->follow, self->follow_key, self->after);
  self->start = (ZuJsonlPlace){ -1, self->place.mark, self->place.told };
  if (self->place.fd >= 0)
    return read_on (self, fd, error);

  self->gathered->next = self->after;
  return *fd < 0 || read_named (self, fd, error);
}

gboolean
zu_jsonl_reader_read (ZuJsonlReader *self, const ZuJsonlRead *read, ZuJsonlGathered *gathered,
                      GError **error)
{
  g_autofree char *key = dup_key (read->filter);
  g_autofree char *follow_key = g_strconcat (gathered->findings != NULL ? "audit" : "", key, NULL);
  Position position = { .reader = self,
                        .read = read,
                        .gathered = gathered,
                        .key = key,
                        .follow_key = follow_key,
                        .after = read->after,
                        .place = { .fd = -1 } };
  g_autoptr (GError) local_error = NULL;
  gboolean is_read;
  int fd = open_file (self, &local_error);

  gathered->n_passed = 0;
  if (local_error != NULL)
    {
      g_propagate_error (error, g_steal_pointer (&local_error));
      return FALSE;
    }

  is_read = read_from (&position, &fd, error);
  /* Who did not get his page asks for it again. */
  if (!is_read)
    {
      position.place.mark = position.start.mark;
      position.place.told = position.start.told;
    }
  if (read->follows && position.place.fd >= 0)
    zu_jsonl_follow_leave (self->follow, follow_key, &position.place);
  zu_jsonl_place_clear (&position.place);
  if (fd >= 0)
    close (fd);
  return is_read;
}
