/* SPDX-License-Identifier: Apache-2.0 */

#include "zu-jsonl-sink.h"

#include "zu-jsonl-maintain.h"
#include "zu-jsonl-reader.h"
#include "zu-jsonl-writer.h"
#include "zu-sink-options.h"

#define FLUSH_INTERVAL 1000

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
  ZuJsonlWriter *writer;
  guint appended_signal;
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

G_DEFINE_FINAL_TYPE_WITH_CODE (
    ZuJsonlSink, zu_jsonl_sink, G_TYPE_OBJECT,
    G_IMPLEMENT_INTERFACE (ZU_TYPE_EVENT_SINK, zu_jsonl_sink_iface_init)
        G_IMPLEMENT_INTERFACE (ZU_TYPE_EVENT_AUDIT, zu_jsonl_sink_audit_init)
            G_IMPLEMENT_INTERFACE (ZU_TYPE_EVENT_MAINTENANCE, zu_jsonl_sink_maintenance_init)
                G_IMPLEMENT_INTERFACE (G_TYPE_INITABLE, zu_jsonl_sink_initable_init))

static gboolean
zu_jsonl_sink_get_links (ZuEventSink *sink)
{
  return !ZU_JSONL_SINK (sink)->raw;
}

static void
announce (ZuJsonlSink *self, const ZuJsonlAppend *append)
{
  if (!g_signal_has_handler_pending (self, self->appended_signal, 0, FALSE))
    return;

  for (guint i = 0; i < append->n_events; i++)
    if (append->is_fresh[i])
      zu_event_sink_emit_appended (ZU_EVENT_SINK (self), append->stored[i]);
}

static ZuEvent *
zu_jsonl_sink_append (ZuEventSink *sink, ZuEvent *event, GCancellable *cancellable, GError **error)
{
  ZuJsonlSink *self = ZU_JSONL_SINK (sink);
  ZuEvent *stored = NULL;
  gboolean is_fresh;
  ZuJsonlAppend append = { &event, 1, &stored, &is_fresh };

  if (zu_jsonl_writer_append (self->writer, &append, cancellable, error))
    announce (self, &append);
  return stored;
}

static GPtrArray *
zu_jsonl_sink_append_many (ZuEventSink *sink, GPtrArray *events, GCancellable *cancellable,
                           GError **error)
{
  ZuJsonlSink *self = ZU_JSONL_SINK (sink);
  g_autoptr (GPtrArray) stored = g_ptr_array_new_full (events->len, g_object_unref);
  g_autofree gboolean *is_fresh = g_new (gboolean, events->len);
  ZuJsonlAppend append = { .events = (ZuEvent **) events->pdata,
                           .n_events = events->len,
                           .is_fresh = is_fresh };

  g_ptr_array_set_size (stored, (int) events->len);
  append.stored = (ZuEvent **) stored->pdata;
  if (!zu_jsonl_writer_append (self->writer, &append, cancellable, error))
    {
      g_ptr_array_set_free_func (stored, NULL);
      return NULL;
    }

  announce (self, &append);
  return g_steal_pointer (&stored);
}

static GPtrArray *
zu_jsonl_sink_query (ZuEventSink *sink, ZuFilter *filter, gint64 after_seq, gint64 limit,
                     GCancellable *cancellable, GError **error)
{
  ZuJsonlSink *self = ZU_JSONL_SINK (sink);
  g_autoptr (GPtrArray) events = g_ptr_array_new_with_free_func (g_object_unref);
  ZuJsonlRead read = { filter, MAX (after_seq, 0), MAX (limit, -1), FALSE, cancellable };
  ZuJsonlGathered gathered = { .events = events };

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
  ZuJsonlRead read = { filter, MAX (after_seq, 0), MAX (limit, 1), TRUE, cancellable };
  ZuJsonlGathered gathered = { .events = events };

  if (!zu_sink_options_check_filter (&self->options, filter, error)
      || !zu_jsonl_reader_read (self->reader, &read, &gathered, error))
    return NULL;

  return zu_event_page_new (events, gathered.next);
}

static gint64
zu_jsonl_sink_count (ZuEventSink *sink, ZuFilter *filter, GCancellable *cancellable, GError **error)
{
  ZuJsonlSink *self = ZU_JSONL_SINK (sink);
  ZuJsonlRead read = { filter, G_MAXINT64, -1, FALSE, cancellable };
  ZuJsonlGathered gathered = { NULL };

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
  ZuJsonlRead read = { filter, MAX (after_seq, 0), MAX (limit, 1), TRUE, cancellable };
  ZuJsonlGathered gathered = { .events = events, .findings = findings };

  if (!zu_sink_options_check_filter (&self->options, filter, error)
      || !zu_jsonl_reader_read (self->reader, &read, &gathered, error))
    return NULL;

  return zu_audit_page_new (events, findings, gathered.next);
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
  ZuJsonlFileOptions file_options;

  if (self->options.path == NULL || *self->options.path == '\0')
    {
      g_set_error_literal (error, G_IO_ERROR, G_IO_ERROR_INVALID_ARGUMENT,
                           "a jsonl sink needs the path of its log (as in jsonl:PATH)");
      return FALSE;
    }
  if (!zu_sink_options_check (&self->options, error)
      || !zu_jsonl_flush_policy_parse (self->fsync, &policy, error))
    return FALSE;

  file_options = (ZuJsonlFileOptions){ policy, self->interval, self->options.busy_timeout,
                                       self->options.space_warning };
  self->path = g_canonicalize_filename (self->options.path, NULL);
  self->reader = zu_jsonl_reader_new (self->path);
  self->writer = zu_jsonl_writer_new (self->path, &file_options);
  if (!self->raw)
    zu_jsonl_writer_set_linking (self->writer, self->options.role, self->options.sign_key);
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

  g_clear_pointer (&self->writer, zu_jsonl_writer_free);
  g_clear_pointer (&self->reader, zu_jsonl_reader_free);
  zu_sink_options_clear (&self->options);
  g_free (self->path);
  g_free (self->fsync);

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
  self->appended_signal = g_signal_lookup ("appended", ZU_TYPE_EVENT_SINK);
}
