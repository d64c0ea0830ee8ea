/* SPDX-License-Identifier: Apache-2.0 */

#include "zu-jsonl-writer.h"

#include "zu-jsonl-lines.h"
#include "zu-linker.h"

#include <string.h>

#define FIRST_ROOM 4096
#define MOST_ROOM  (1024 * 1024) /* what of a large batch stays allocated */

/* All but the path is used between begin and end of the file alone. */
struct _ZuJsonlWriter
{
  char *path;
  ZuJsonlFile *file;
  GString *text;    /* lines on their way into the file */
  guint n_fresh;    /* how many they are */
  ZuLinker *linker; /* NULL where events are stored as they come */
  gint64 linked_to; /* what the linker has seen of the file */
  gint64 n_lines;
  guint generation;
};

ZuJsonlWriter *
zu_jsonl_writer_new (const char *path, const ZuJsonlFileOptions *options)
{
  ZuJsonlWriter *self = g_new0 (ZuJsonlWriter, 1);

  self->path = g_strdup (path);
  self->file = zu_jsonl_file_new (path, options);
  self->text = g_string_sized_new (FIRST_ROOM);
  return self;
}

void
zu_jsonl_writer_free (ZuJsonlWriter *self)
{
  zu_jsonl_file_free (self->file);
  g_clear_pointer (&self->linker, zu_linker_free);
  g_string_free (self->text, TRUE);
  g_free (self->path);
  g_free (self);
}

/* Before the first append: events are to be linked and repeated ones to be known. */
void
zu_jsonl_writer_set_linking (ZuJsonlWriter *self, ZuSinkRole role, ZuSecret *sign_key)
{
  self->linker = zu_linker_new (role, sign_key);
}

static void
learn_line (ZuJsonlWriter *self, const ZuJsonlLine *line)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (ZuEvent) event = NULL;

  self->n_lines = line->number;
  self->linked_to = line->end;
  if (zu_jsonl_line_is_blank (line))
    return;

  event = zu_jsonl_line_read (line, &error);
  if (event != NULL)
    zu_linker_note (self->linker, event, (guint64) line->start);
  else
    g_info ("%s: line %" G_GINT64_FORMAT " is no event, and is passed over: %s", self->path,
            line->number, error->message);
  zu_linker_commit (self->linker);
}

/* Reads what others have appended since, or all of a file that is not known yet. */
static gboolean
catch_up (ZuJsonlWriter *self, GError **error)
{
  g_autoptr (ZuJsonlLines) lines = NULL;
  g_autoptr (GError) local_error = NULL;
  ZuJsonlLine line;

  if (self->linker == NULL)
    return TRUE;
  if (self->generation != zu_jsonl_file_get_generation (self->file))
    {
      zu_linker_clear (self->linker);
      self->linked_to = self->n_lines = 0;
      self->generation = zu_jsonl_file_get_generation (self->file);
    }
  if (self->linked_to == zu_jsonl_file_get_end (self->file))
    return TRUE;

  lines = zu_jsonl_lines_new (zu_jsonl_file_get_fd (self->file), self->linked_to, self->n_lines);
  while (zu_jsonl_lines_next (lines, &line, &local_error))
    learn_line (self, &line);
  if (local_error == NULL)
    return TRUE;

  g_propagate_prefixed_error (error, g_steal_pointer (&local_error), "%s: ", self->path);
  return FALSE;
}

/* A line that is not in the file yet. */
static ZuEvent *
read_pending (ZuJsonlWriter *self, gsize offset, GError **error)
{
  const char *start = self->text->str + offset;
  const char *end = memchr (start, '\n', self->text->len - offset);

  return zu_event_new_from_stored_text (start, (gsize) (end - start), error);
}

static ZuEvent *
read_stored (ZuJsonlWriter *self, gint64 place, GError **error)
{
  g_autoptr (ZuJsonlLines) lines = NULL;
  g_autoptr (ZuEvent) event = NULL;
  gint64 end = zu_jsonl_file_get_end (self->file);
  ZuJsonlLine line;

  if (place >= end)
    return read_pending (self, (gsize) (place - end), error);

  lines = zu_jsonl_lines_new (zu_jsonl_file_get_fd (self->file), place, 0);
  if (zu_jsonl_lines_next (lines, &line, NULL))
    event = zu_jsonl_line_read (&line, NULL);
  if (event == NULL)
    g_set_error (error, ZU_EVENT_SINK_ERROR, ZU_EVENT_SINK_ERROR_UNDECODABLE,
                 "%s: a stored event was changed while the log was open (open it again and verify "
                 "it)",
                 self->path);
  return g_steal_pointer (&event);
}

static void
add_line (ZuJsonlWriter *self, ZuEvent *event)
{
  gint64 place = zu_jsonl_file_get_end (self->file) + (gint64) self->text->len;
  gsize length;
  const char *text = zu_event_get_text (event, &length);

  g_string_append_len (self->text, text, (gssize) length);
  g_string_append_c (self->text, '\n');
  self->n_fresh++;
  if (self->linker != NULL)
    zu_linker_note (self->linker, event, (guint64) place);
}

/* The event as it is stored already; %NULL where it is not, or with an error. */
static ZuEvent *
find_stored (ZuJsonlWriter *self, ZuEvent *event, GError **error)
{
  g_autoptr (ZuEvent) stored = NULL;
  guint64 place;

  if (self->linker == NULL || !zu_linker_find (self->linker, event, &place))
    return NULL;

  stored = read_stored (self, (gint64) place, error);
  return stored != NULL && zu_sink_check_repeat (event, stored, error) ? g_steal_pointer (&stored)
                                                                       : NULL;
}

/* The event as it is to be stored, or as it is already. */
static ZuEvent *
prepare (ZuJsonlWriter *self, ZuEvent *event, gboolean *is_fresh, GError **error)
{
  g_autoptr (GError) local_error = NULL;
  ZuEvent *stored = find_stored (self, event, &local_error);

  *is_fresh = FALSE;
  if (stored != NULL)
    return stored;
  if (local_error != NULL)
    {
      g_propagate_error (error, g_steal_pointer (&local_error));
      return NULL;
    }

  stored =
      self->linker != NULL ? zu_linker_link (self->linker, event, error) : g_object_ref (event);
  *is_fresh = stored != NULL;
  if (stored != NULL)
    add_line (self, stored);
  return stored;
}

/* With the file begun: prepares all and writes them in one piece. */
static gboolean
store (ZuJsonlWriter *self, ZuJsonlAppend *append, GError **error)
{
  if (!catch_up (self, error))
    return FALSE;

  for (guint i = 0; i < append->n_events; i++)
    {
      append->stored[i] = prepare (self, append->events[i], &append->is_fresh[i], error);
      if (append->stored[i] != NULL)
        continue;

      if (append->n_events > 1)
        zu_sink_prefix_index (error, i, append->n_events);
      return FALSE;
    }

  return self->text->len == 0
         || zu_jsonl_file_write (self->file, self->text->str, self->text->len, error);
}

static void
settle (ZuJsonlWriter *self, gboolean is_stored)
{
  if (self->linker != NULL && is_stored)
    {
      zu_linker_commit (self->linker);
      self->linked_to = zu_jsonl_file_get_end (self->file);
      self->n_lines += self->n_fresh;
    }
  else if (self->linker != NULL)
    zu_linker_roll_back (self->linker);

  self->n_fresh = 0;
  if (self->text->allocated_len > MOST_ROOM)
    {
      g_string_free (self->text, TRUE);
      self->text = g_string_sized_new (FIRST_ROOM);
    }
  g_string_truncate (self->text, 0);
}

/* What is cancelled before it is begun is not stored; after that the answer is what became of it.
 */
gboolean
zu_jsonl_writer_append (ZuJsonlWriter *self, ZuJsonlAppend *append, GCancellable *cancellable,
                        GError **error)
{
  gboolean is_stored;

  if (g_cancellable_set_error_if_cancelled (cancellable, error)
      || !zu_jsonl_file_begin (self->file, cancellable, error))
    return FALSE;

  is_stored = store (self, append, error);
  settle (self, is_stored);
  /* Where the first error stands already, ending only gives the lock back. */
  is_stored = zu_jsonl_file_end (self->file, is_stored ? error : NULL) && is_stored;
  for (guint i = 0; !is_stored && i < append->n_events; i++)
    g_clear_object (&append->stored[i]);
  return is_stored;
}
