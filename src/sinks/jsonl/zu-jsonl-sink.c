/* SPDX-License-Identifier: Apache-2.0 */

#include "zu-jsonl-sink.h"

#include "zu-jsonl-file.h"
#include "zu-jsonl-lines.h"
#include "zu-jsonl-reader.h"
#include "zu-linker.h"
#include "zu-sink-options.h"

#include <string.h>

#define FLUSH_INTERVAL 1000
#define LINE_ROOM      160 /* for the links that a line may get, and its end */

/**
 * ZuJsonlSink:
 *
 * A log of lines, one event a line.
 *
 * As the canonical store it links: under the lock on the file it reads what others have appended,
 * and so knows each trace's head and each stored id. With [property@Zu.JsonlSink:raw] it stores
 * what it is given, as a destination behind a bus does.
 *
 * A line is written in one piece under the lock. What a crash left of a line is cut off by the next
 * append and kept beside the log as `NAME.torn`; a bad line is passed over by readers and named by
 * `audit`. A file that was renamed is left to whoever renamed it, and a new one begun.
 *
 * The sink may be used from any thread. It must not be used in a forked child.
 */
struct _ZuJsonlSink
{
  GObject parent_instance;

  ZuSinkOptions options;
  char *path;
  char *fsync;
  gboolean raw;
  guint interval;

  ZuJsonlReader *reader;
  GMutex lock;
  ZuJsonlFile *file;
  ZuLinker *linker; /* %NULL where raw */
  gint64 linked_to; /* what the linker has seen of the file */
  gint64 n_lines;
  guint generation;
};

enum
{
  PROP_RAW = ZU_FILE_SINK_N_PROPS,
  PROP_FSYNC,
  PROP_FSYNC_INTERVAL,
};

static void zu_jsonl_sink_iface_init (ZuEventSinkInterface *iface);
static void zu_jsonl_sink_audit_init (ZuEventAuditInterface *iface);
static void zu_jsonl_sink_initable_init (GInitableIface *iface);

G_DEFINE_FINAL_TYPE_WITH_CODE (ZuJsonlSink, zu_jsonl_sink, G_TYPE_OBJECT,
                               G_IMPLEMENT_INTERFACE (ZU_TYPE_EVENT_SINK, zu_jsonl_sink_iface_init)
                                   G_IMPLEMENT_INTERFACE (ZU_TYPE_EVENT_AUDIT,
                                                          zu_jsonl_sink_audit_init)
                                       G_IMPLEMENT_INTERFACE (G_TYPE_INITABLE,
                                                              zu_jsonl_sink_initable_init))

static gboolean
zu_jsonl_sink_get_links (ZuEventSink *sink)
{
  return !ZU_JSONL_SINK (sink)->raw;
}

static void
learn_line (ZuJsonlSink *self, const ZuJsonlLine *line)
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
catch_up (ZuJsonlSink *self, GError **error)
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

  g_propagate_error (error, g_steal_pointer (&local_error));
  return FALSE;
}

/* A batch on its way into the file. */
typedef struct
{
  GString *text;
  GPtrArray *stored;
  GPtrArray *fresh; /* those of them that are new */
} Batch;

static gsize
guess_size (ZuEvent **events, guint n_events)
{
  gsize size = 0;

  for (guint i = 0; i < n_events; i++)
    {
      gsize length;

      zu_event_get_text (events[i], &length);
      size += length + LINE_ROOM;
    }
  return size;
}

static void
batch_init (Batch *self, ZuEvent **events, guint n_events)
{
  self->text = g_string_sized_new (guess_size (events, n_events));
  self->stored = g_ptr_array_new_full (n_events, g_object_unref);
  self->fresh = g_ptr_array_new_full (n_events, g_object_unref);
}

static void
batch_clear (Batch *self)
{
  g_string_free (self->text, TRUE);
  g_clear_pointer (&self->stored, g_ptr_array_unref);
  g_ptr_array_unref (self->fresh);
}

G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC (Batch, batch_clear)

/* A line of the batch that is not in the file yet. */
static ZuEvent *
read_pending (Batch *batch, gsize offset, GError **error)
{
  const char *start = batch->text->str + offset;
  const char *end = memchr (start, '\n', batch->text->len - offset);

  return zu_event_new_from_stored_text (start, (gsize) (end - start), error);
}

static ZuEvent *
read_stored (ZuJsonlSink *self, Batch *batch, gint64 place, GError **error)
{
  g_autoptr (ZuJsonlLines) lines = NULL;
  g_autoptr (ZuEvent) event = NULL;
  gint64 end = zu_jsonl_file_get_end (self->file);
  ZuJsonlLine line;

  if (place >= end)
    return read_pending (batch, (gsize) (place - end), error);

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
add_line (ZuJsonlSink *self, Batch *batch, ZuEvent *event)
{
  gint64 place = zu_jsonl_file_get_end (self->file) + (gint64) batch->text->len;
  gsize length;
  const char *text = zu_event_get_text (event, &length);

  g_string_append_len (batch->text, text, (gssize) length);
  g_string_append_c (batch->text, '\n');
  g_ptr_array_add (batch->fresh, g_object_ref (event));
  if (self->linker != NULL)
    zu_linker_note (self->linker, event, (guint64) place);
}

/* The event as it is to be stored, or as it is already. */
static ZuEvent *
prepare (ZuJsonlSink *self, Batch *batch, ZuEvent *event, GError **error)
{
  g_autoptr (ZuEvent) stored = NULL;
  guint64 place;

  if (self->linker == NULL)
    {
      add_line (self, batch, event);
      return g_object_ref (event);
    }
  if (zu_linker_find (self->linker, event, &place))
    {
      stored = read_stored (self, batch, (gint64) place, error);
      return stored != NULL && zu_sink_check_repeat (event, stored, error)
                 ? g_steal_pointer (&stored)
                 : NULL;
    }

  stored = zu_linker_link (self->linker, event, error);
  if (stored != NULL)
    add_line (self, batch, stored);
  return g_steal_pointer (&stored);
}

/* With the file begun: prepares all and writes them in one piece. */
static gboolean
store (ZuJsonlSink *self, Batch *batch, ZuEvent **events, guint n_events, GError **error)
{
  if (!catch_up (self, error))
    return FALSE;

  for (guint i = 0; i < n_events; i++)
    {
      ZuEvent *one = prepare (self, batch, events[i], error);

      if (one == NULL)
        {
          if (n_events > 1)
            zu_sink_prefix_index (error, i, n_events);
          return FALSE;
        }
      g_ptr_array_add (batch->stored, one);
    }

  return batch->text->len == 0
         || zu_jsonl_file_write (self->file, batch->text->str, batch->text->len, error);
}

static void
settle (ZuJsonlSink *self, Batch *batch, gboolean is_stored)
{
  if (self->linker == NULL)
    return;
  if (!is_stored)
    {
      zu_linker_roll_back (self->linker);
      return;
    }

  zu_linker_commit (self->linker);
  self->linked_to = zu_jsonl_file_get_end (self->file);
  self->n_lines += batch->fresh->len;
}

static gboolean
append (ZuJsonlSink *self, Batch *batch, ZuEvent **events, guint n_events,
        GCancellable *cancellable, GError **error)
{
  g_autoptr (GMutexLocker) locker = g_mutex_locker_new (&self->lock);
  gboolean is_stored;

  if (g_cancellable_set_error_if_cancelled (cancellable, error)
      || !zu_jsonl_file_begin (self->file, self->options.busy_timeout, error))
    return FALSE;

  is_stored = store (self, batch, events, n_events, error);
  settle (self, batch, is_stored);
  /* Where the first error stands already, ending only gives the lock back. */
  return zu_jsonl_file_end (self->file, is_stored ? error : NULL) && is_stored;
}

static void
announce (ZuJsonlSink *self, Batch *batch)
{
  if (!g_signal_has_handler_pending (self, g_signal_lookup ("appended", ZU_TYPE_EVENT_SINK), 0,
                                     FALSE))
    return;

  for (guint i = 0; i < batch->fresh->len; i++)
    zu_event_sink_emit_appended (ZU_EVENT_SINK (self), g_ptr_array_index (batch->fresh, i));
}

static ZuEvent *
zu_jsonl_sink_append (ZuEventSink *sink, ZuEvent *event, GCancellable *cancellable, GError **error)
{
  ZuJsonlSink *self = ZU_JSONL_SINK (sink);
  g_auto (Batch) batch;

  batch_init (&batch, &event, 1);
  if (!append (self, &batch, &event, 1, cancellable, error))
    return NULL;

  announce (self, &batch);
  return g_object_ref (g_ptr_array_index (batch.stored, 0));
}

static GPtrArray *
zu_jsonl_sink_append_many (ZuEventSink *sink, GPtrArray *events, GCancellable *cancellable,
                           GError **error)
{
  ZuJsonlSink *self = ZU_JSONL_SINK (sink);
  g_auto (Batch) batch;

  batch_init (&batch, (ZuEvent **) events->pdata, events->len);
  if (!append (self, &batch, (ZuEvent **) events->pdata, events->len, cancellable, error))
    return NULL;

  announce (self, &batch);
  return g_steal_pointer (&batch.stored);
}

static GPtrArray *
zu_jsonl_sink_query (ZuEventSink *sink, ZuFilter *filter, gint64 after_seq, gint64 limit,
                     GCancellable *cancellable, GError **error)
{
  ZuJsonlSink *self = ZU_JSONL_SINK (sink);
  g_autoptr (GPtrArray) events = g_ptr_array_new_with_free_func (g_object_unref);
  ZuJsonlRead read = { filter, MAX (after_seq, 0), MAX (limit, -1), cancellable };
  ZuJsonlGathered gathered = { events, NULL, 0 };

  if (!zu_sink_options_check_filter (&self->options, filter, error)
      || !zu_jsonl_reader_read (self->reader, &read, &gathered, error))
    return NULL;

  return g_steal_pointer (&events);
}

static ZuEventPage *
zu_jsonl_sink_stream (ZuEventSink *sink, ZuFilter *filter, gint64 after_seq, gint64 limit,
                      GCancellable *cancellable, GError **error)
{
  ZuJsonlSink *self = ZU_JSONL_SINK (sink);
  g_autoptr (GPtrArray) events = g_ptr_array_new_with_free_func (g_object_unref);
  ZuJsonlRead read = { filter, MAX (after_seq, 0), MAX (limit, 1), cancellable };
  ZuJsonlGathered gathered = { events, NULL, 0 };

  if (!zu_sink_options_check_filter (&self->options, filter, error)
      || !zu_jsonl_reader_read (self->reader, &read, &gathered, error))
    return NULL;

  return zu_event_page_new (events, read.after + (gint64) events->len);
}

static gint64
zu_jsonl_sink_count (ZuEventSink *sink, ZuFilter *filter, GCancellable *cancellable, GError **error)
{
  ZuJsonlSink *self = ZU_JSONL_SINK (sink);
  ZuJsonlRead read = { filter, G_MAXINT64, -1, cancellable };
  ZuJsonlGathered gathered = { NULL, NULL, 0 };

  if (!zu_sink_options_check_filter (&self->options, filter, error)
      || !zu_jsonl_reader_read (self->reader, &read, &gathered, error))
    return 0;

  return gathered.n_passed;
}

static void
zu_jsonl_sink_iface_init (ZuEventSinkInterface *iface)
{
  iface->get_links = zu_jsonl_sink_get_links;
  iface->append = zu_jsonl_sink_append;
  iface->append_many = zu_jsonl_sink_append_many;
  iface->query = zu_jsonl_sink_query;
  iface->stream = zu_jsonl_sink_stream;
  iface->count = zu_jsonl_sink_count;
}

static ZuAuditPage *
zu_jsonl_sink_audit (ZuEventAudit *audit, ZuFilter *filter, gint64 after_seq, gint64 limit,
                     GCancellable *cancellable, GError **error)
{
  ZuJsonlSink *self = ZU_JSONL_SINK (audit);
  g_autoptr (GPtrArray) events = g_ptr_array_new_with_free_func (g_object_unref);
  g_autoptr (GPtrArray) findings = g_ptr_array_new_with_free_func (g_object_unref);
  ZuJsonlRead read = { filter, MAX (after_seq, 0), MAX (limit, 1), cancellable };
  ZuJsonlGathered gathered = { events, findings, 0 };

  if (!zu_sink_options_check_filter (&self->options, filter, error)
      || !zu_jsonl_reader_read (self->reader, &read, &gathered, error))
    return NULL;

  return zu_audit_page_new (events, findings, read.after + (gint64) events->len);
}

static void
zu_jsonl_sink_audit_init (ZuEventAuditInterface *iface)
{
  iface->audit = zu_jsonl_sink_audit;
}

static gboolean
zu_jsonl_sink_initable_real_init (GInitable *initable, GCancellable *cancellable, GError **error)
{
  ZuJsonlSink *self = ZU_JSONL_SINK (initable);
  ZuJsonlFlushPolicy policy;

  if (self->options.path == NULL || *self->options.path == '\0')
    {
      g_set_error_literal (error, G_IO_ERROR, G_IO_ERROR_INVALID_ARGUMENT,
                           "a jsonl sink needs the path of its log (as in jsonl:PATH)");
      return FALSE;
    }
  if (!zu_sink_options_check (&self->options, error)
      || !zu_jsonl_flush_policy_parse (self->fsync, &policy, error))
    return FALSE;

  self->path = g_canonicalize_filename (self->options.path, NULL);
  self->file = zu_jsonl_file_new (self->path, policy, self->interval);
  self->reader = zu_jsonl_reader_new (self->path);
  if (!self->raw)
    self->linker = zu_linker_new (self->options.role, self->options.sign_key);
  return TRUE;
}

static void
zu_jsonl_sink_initable_init (GInitableIface *iface)
{
  iface->init = zu_jsonl_sink_initable_real_init;
}

static void
zu_jsonl_sink_set_property (GObject *object, guint id, const GValue *value, GParamSpec *pspec)
{
  ZuJsonlSink *self = ZU_JSONL_SINK (object);

  switch (id)
    {
    case PROP_RAW:
      self->raw = g_value_get_boolean (value);
      break;
    case PROP_FSYNC:
      self->fsync = g_value_dup_string (value);
      break;
    case PROP_FSYNC_INTERVAL:
      self->interval = g_value_get_uint (value);
      break;
    default:
      if (!zu_sink_options_set (&self->options, id, value))
        G_OBJECT_WARN_INVALID_PROPERTY_ID (object, id, pspec);
    }
}

static void
zu_jsonl_sink_get_property (GObject *object, guint id, GValue *value, GParamSpec *pspec)
{
  ZuJsonlSink *self = ZU_JSONL_SINK (object);

  if (id == ZU_SINK_PROP_PATH)
    g_value_set_string (value, self->path);
  else
    G_OBJECT_WARN_INVALID_PROPERTY_ID (object, id, pspec);
}

static void
zu_jsonl_sink_finalize (GObject *object)
{
  ZuJsonlSink *self = ZU_JSONL_SINK (object);

  g_clear_pointer (&self->file, zu_jsonl_file_free);
  g_clear_pointer (&self->reader, zu_jsonl_reader_free);
  g_clear_pointer (&self->linker, zu_linker_free);
  zu_sink_options_clear (&self->options);
  g_free (self->path);
  g_free (self->fsync);
  g_mutex_clear (&self->lock);

  G_OBJECT_CLASS (zu_jsonl_sink_parent_class)->finalize (object);
}

static void
zu_jsonl_sink_class_init (ZuJsonlSinkClass *klass)
{
  GObjectClass *object_class = G_OBJECT_CLASS (klass);
  GParamFlags flags = G_PARAM_WRITABLE | G_PARAM_CONSTRUCT_ONLY | G_PARAM_STATIC_STRINGS;

  object_class->set_property = zu_jsonl_sink_set_property;
  object_class->get_property = zu_jsonl_sink_get_property;
  object_class->finalize = zu_jsonl_sink_finalize;

  zu_sink_options_install_for_file (object_class);
  /**
   * ZuJsonlSink:raw:
   *
   * Whether events are stored as they come: nothing is linked, checked or recognised.
   */
  g_object_class_install_property (object_class, PROP_RAW,
                                   g_param_spec_boolean ("raw", NULL, NULL, FALSE, flags));
  /**
   * ZuJsonlSink:fsync:
   *
   * When a line reaches the disk: `always` before its append is answered, `interval` a while later,
   * `never` when the system thinks fit.
   */
  g_object_class_install_property (object_class, PROP_FSYNC,
                                   g_param_spec_string ("fsync", NULL, NULL, "always", flags));
  /**
   * ZuJsonlSink:fsync-interval:
   *
   * After how many milliseconds at most lines are flushed, where `fsync` is `interval`.
   */
  g_object_class_install_property (object_class, PROP_FSYNC_INTERVAL,
                                   g_param_spec_uint ("fsync-interval", NULL, NULL, 1, G_MAXINT,
                                                      FLUSH_INTERVAL, flags));
}

static void
zu_jsonl_sink_init (ZuJsonlSink *self)
{
  g_mutex_init (&self->lock);
}
