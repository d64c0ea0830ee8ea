/* SPDX-License-Identifier: Apache-2.0 */

#include "zuctl-log.h"

#include "zuctl-log-options.h"
#include "zuctl-log-rows.h"
#include "zuctl-output.h"

#include <errno.h>
#include <string.h>
#include <unistd.h>

#define CHUNK_SIZE ((gsize) 1 << 18)
/* A line longer than this is refused rather than kept. */
#define MAX_LINE ((gsize) 256 << 20)

/* Lines of stdin on their way into a log. */
typedef struct
{
  ZuEventSink *sink;
  ZuKeyWatch *watch;  /* where keys are used */
  GByteArray *buffer; /* what was read and not split into lines yet */
  gsize scanned;      /* how much of it has no line end */
  guint64 line;       /* the number of the line that was parsed last */
  GPtrArray *events;  /* parsed, not appended yet */
  GArray *lines;      /* of guint64: theirs */
} Append;

static void
append_clear (Append *self)
{
  g_clear_object (&self->watch);
  g_clear_object (&self->sink);
  g_clear_pointer (&self->buffer, g_byte_array_unref);
  g_clear_pointer (&self->events, g_ptr_array_unref);
  g_clear_pointer (&self->lines, g_array_unref);
}

G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC (Append, append_clear)

static gboolean
acknowledge (GPtrArray *stored, GError **error)
{
  for (guint i = 0; i < stored->len; i++)
    zuctl_print_event (g_ptr_array_index (stored, i));
  return zuctl_flush (error);
}

static gboolean
append_one (Append *self, guint i, GError **error)
{
  g_autoptr (ZuEvent) stored =
      zu_event_sink_append (self->sink, g_ptr_array_index (self->events, i), NULL, error);

  if (stored == NULL)
    {
      g_prefix_error (error, "line %" G_GUINT64_FORMAT " is not stored: ",
                      g_array_index (self->lines, guint64, i));
      return FALSE;
    }
  zuctl_print_event (stored);
  return zuctl_flush (error);
}

/* One by one, so that what stands before the refused event is stored, and it is named. */
static gboolean
append_each (Append *self, GError **error)
{
  for (guint i = 0; i < self->events->len; i++)
    if (!append_one (self, i, error))
      return FALSE;
  return TRUE;
}

/* Whether a single event is at fault, not the log. */
static gboolean
is_refusal (const GError *error)
{
  return zuctl_get_failure_status (error) == ZUCTL_NO;
}

static gboolean
append_batch (Append *self, GError **error)
{
  g_autoptr (GError) why = NULL;
  g_autoptr (GPtrArray) stored = zu_event_sink_append_many (self->sink, self->events, NULL, &why);

  if (stored != NULL)
    return acknowledge (stored, error);
  if (is_refusal (why))
    return append_each (self, error);

  g_propagate_prefixed_error (error, g_steal_pointer (&why),
                              "line %" G_GUINT64_FORMAT " is not stored: ",
                              g_array_index (self->lines, guint64, 0));
  return FALSE;
}

/* Stores what was parsed so far. */
static gboolean
flush_events (Append *self, GError **error)
{
  gboolean is_stored = TRUE;

  if (self->events->len == 1)
    is_stored = append_one (self, 0, error);
  else if (self->events->len > 1)
    is_stored = append_batch (self, error);

  g_ptr_array_set_size (self->events, 0);
  g_array_set_size (self->lines, 0);
  return is_stored;
}

static gboolean
is_blank (const char *text, gsize length)
{
  for (gsize i = 0; i < length; i++)
    if (!g_ascii_isspace (text[i]))
      return FALSE;
  return TRUE;
}

static gboolean
add_line (Append *self, const char *text, gsize length, GError **error)
{
  ZuEvent *event;

  self->line++;
  if (is_blank (text, length))
    return TRUE;

  event = zu_event_new_from_json (text, length, error);
  if (event == NULL)
    {
      g_prefix_error (error, "line %" G_GUINT64_FORMAT " is refused: ", self->line);
      return FALSE;
    }
  g_ptr_array_add (self->events, event);
  g_array_append_val (self->lines, self->line);
  return TRUE;
}

static gboolean
add_lines (Append *self, GError **error)
{
  const char *start = (const char *) self->buffer->data;
  const char *from = start + self->scanned;
  const char *end = start + self->buffer->len;
  const char *line = start;

  for (const char *p; (p = memchr (from, '\n', end - from)) != NULL; from = line = p + 1)
    if (!add_line (self, line, p - line, error))
      return FALSE;

  if (line > start)
    g_byte_array_remove_range (self->buffer, 0, line - start);
  self->scanned = self->buffer->len;
  if (self->buffer->len <= MAX_LINE)
    return TRUE;

  g_set_error (error, ZUCTL_FAILURE, ZUCTL_FAILURE_INPUT,
               "line %" G_GUINT64_FORMAT " is refused: it is longer than %" G_GSIZE_FORMAT " MiB",
               self->line + 1, MAX_LINE >> 20);
  return FALSE;
}

/* Whatever is there, at least a byte; 0 at the end, -1 in case of an error. */
static gssize
read_some (Append *self, GError **error)
{
  gsize had = self->buffer->len;
  gssize n;

  g_byte_array_set_size (self->buffer, had + CHUNK_SIZE);
  do
    n = read (STDIN_FILENO, self->buffer->data + had, CHUNK_SIZE);
  while (n < 0 && errno == EINTR);

  g_byte_array_set_size (self->buffer, had + MAX (n, 0));
  if (n < 0)
    g_set_error (error, ZUCTL_FAILURE, ZUCTL_FAILURE_ENVIRONMENT, "cannot read stdin: %s",
                 g_strerror (errno));
  return n;
}

/* What was parsed is stored and acknowledged even where what comes after it is refused. */
static gboolean
store (Append *self, gboolean is_good, GError *why, GError **error)
{
  if (!flush_events (self, error))
    {
      g_clear_error (&why);
      return FALSE;
    }
  if (!is_good)
    g_propagate_error (error, why);
  return is_good;
}

static gboolean
append_stdin (Append *self, GError **error)
{
  gssize n;

  do
    {
      GError *why = NULL;
      gboolean is_good;

      n = read_some (self, error);
      if (n < 0)
        return FALSE;
      is_good = n > 0 ? add_lines (self, &why)
                      : add_line (self, (const char *) self->buffer->data, self->buffer->len, &why);
      if (!store (self, is_good, why, error))
        return FALSE;
    }
  while (n > 0);
  return TRUE;
}

/* What was stored is stored; that it could not be anchored is still a failure. */
static void
end_anchoring (ZuAnchorer *anchorer, GError **error)
{
  g_autoptr (GError) why = NULL;

  if (anchorer == NULL || zu_anchorer_stop (anchorer, &why))
    return;
  if (*error == NULL)
    g_propagate_prefixed_error (error, g_steal_pointer (&why),
                                "the events are stored, but not anchored: ");
  else
    zuctl_report (why->message);
}

static ZuAnchorer *
new_anchorer (ZuEventSink *sink, const char *path, int every)
{
  g_autoptr (GFile) file = path != NULL ? g_file_new_for_path (path) : NULL;

  return file != NULL ? zu_anchorer_new (sink, file, (guint) every, 0) : NULL;
}

static gboolean
check_anchor_options (const char *path, int every, GError **error)
{
  if (every >= 0 && (every == 0 || path != NULL))
    return TRUE;

  g_set_error_literal (error, ZUCTL_FAILURE, ZUCTL_FAILURE_USAGE,
                       every < 0 ? "--anchor-every takes a number of events, 0 or more"
                                 : "--anchor-every has no effect: it is about an anchor file "
                                   "(add --anchor)");
  return FALSE;
}

int
zuctl_log_append (const ZuctlCommand *command, GStrv words, GError **error)
{
  g_autofree char *anchor = NULL;
  int every = 0;
  const GOptionEntry entries[] = {
    { "anchor", 0, 0, G_OPTION_ARG_FILENAME, &anchor,
      "Append the heads of what was stored to this anchor file at the end", "FILE" },
    { "anchor-every", 0, 0, G_OPTION_ARG_INT, &every, "And after so many events, too", "N" },
    G_OPTION_ENTRY_NULL
  };
  g_autoptr (ZuAnchorer) anchorer = NULL;
  g_auto (ZuctlLogOptions) options = { NULL };
  g_auto (ZuctlParsed) parsed = { 0 };
  g_auto (Append) append = { NULL };

  if (!zuctl_log_parse (command, words, entries, &options, &parsed, error))
    return parsed.status;
  if (!check_anchor_options (anchor, every, error))
    return ZUCTL_ERROR;
  append.sink = zuctl_log_open_to_write (&options, parsed.rest[0], error);
  if (append.sink == NULL)
    return ZUCTL_ERROR;

  append.buffer = g_byte_array_new ();
  append.events = g_ptr_array_new_with_free_func (g_object_unref);
  append.lines = g_array_new (FALSE, FALSE, sizeof (guint64));
  if (options.codec_set != NULL)
    append.watch = zu_key_watch_new (options.codec_set, append.sink);
  anchorer = new_anchorer (append.sink, anchor, every);
  append_stdin (&append, error);
  if (append.watch != NULL)
    zu_key_watch_flush (append.watch);
  end_anchoring (anchorer, error);
  return ZUCTL_DONE;
}
