/* SPDX-License-Identifier: Apache-2.0 */

#include "zu-memory-sink.h"

#include "zu-linker.h"
#include "zu-sink-options.h"

/**
 * ZuMemorySink:
 *
 * A log that lasts as long as the object: for tests, and for what is to be looked at once.
 *
 * It links, knows repeated events and filters like the durable sinks, and grows up to a bound where
 * it is given one. It may be used from any thread.
 */
struct _ZuMemorySink
{
  GObject parent_instance;

  ZuSinkOptions options;
  guint64 max_events; /* 0 for no bound, as below */
  guint64 max_bytes;

  GMutex lock;
  ZuLinker *linker;
  GPtrArray *events; /* the sequence number of an event is its index and 1 */
  guint64 n_bytes;
};

enum
{
  PROP_MAX_EVENTS = ZU_SINK_N_PROPS,
  PROP_MAX_BYTES,
};

static void zu_memory_sink_iface_init (ZuEventSinkInterface *iface);
static void zu_memory_sink_initable_init (GInitableIface *iface);

G_DEFINE_FINAL_TYPE_WITH_CODE (ZuMemorySink, zu_memory_sink, G_TYPE_OBJECT,
                               G_IMPLEMENT_INTERFACE (ZU_TYPE_EVENT_SINK, zu_memory_sink_iface_init)
                                   G_IMPLEMENT_INTERFACE (G_TYPE_INITABLE,
                                                          zu_memory_sink_initable_init))

static gsize
count_bytes (ZuEvent *event)
{
  gsize length;

  zu_event_get_text (event, &length);
  return length;
}

static gboolean
check_room (ZuMemorySink *self, ZuEvent *event, GError **error)
{
  gboolean has_too_many = self->max_events > 0 && self->events->len >= self->max_events;

  if (!has_too_many
      && (self->max_bytes == 0 || self->n_bytes + count_bytes (event) <= self->max_bytes))
    return TRUE;

  g_set_error (error, ZU_EVENT_SINK_ERROR, ZU_EVENT_SINK_ERROR_FULL,
               "the log in memory is full at %u events and %" G_GUINT64_FORMAT
               " bytes; nothing was stored (raise %s, or use a log on disk)",
               self->events->len, self->n_bytes, has_too_many ? "max-events" : "max-bytes");
  return FALSE;
}

/* Takes back what was stored since there were so many. */
static void
roll_back (ZuMemorySink *self, guint n_events)
{
  zu_linker_roll_back (self->linker);
  for (guint i = n_events; i < self->events->len; i++)
    self->n_bytes -= count_bytes (g_ptr_array_index (self->events, i));
  g_ptr_array_set_size (self->events, (int) n_events);
}

/* The stored event: a new one, or the one that is there already. Called with the lock held. */
static ZuEvent *
store (ZuMemorySink *self, ZuEvent *event, GError **error)
{
  g_autoptr (ZuEvent) linked = NULL;
  ZuEvent *stored;
  guint64 place;

  if (zu_linker_find (self->linker, event, &place))
    {
      stored = g_ptr_array_index (self->events, place);
      return zu_sink_check_repeat (event, stored, error) ? g_object_ref (stored) : NULL;
    }

  linked = zu_linker_link (self->linker, event, error);
  if (linked == NULL || !check_room (self, linked, error))
    return NULL;

  zu_linker_note (self->linker, linked, self->events->len);
  g_ptr_array_add (self->events, g_object_ref (linked));
  self->n_bytes += count_bytes (linked);
  return g_steal_pointer (&linked);
}

static GPtrArray *
store_many (ZuMemorySink *self, GPtrArray *events, guint *first_new, GError **error)
{
  g_autoptr (GPtrArray) stored = g_ptr_array_new_full (events->len, g_object_unref);
  g_autoptr (GMutexLocker) locker = g_mutex_locker_new (&self->lock);

  *first_new = self->events->len;
  for (guint i = 0; i < events->len; i++)
    {
      ZuEvent *one = store (self, g_ptr_array_index (events, i), error);

      if (one == NULL)
        {
          zu_sink_prefix_index (error, i, events->len);
          roll_back (self, *first_new);
          return NULL;
        }
      g_ptr_array_add (stored, one);
    }

  zu_linker_commit (self->linker);
  return g_steal_pointer (&stored);
}

static ZuEvent *
dup_event (ZuMemorySink *self, guint place)
{
  g_autoptr (GMutexLocker) locker = g_mutex_locker_new (&self->lock);

  return place < self->events->len ? g_object_ref (g_ptr_array_index (self->events, place)) : NULL;
}

static void
emit_from (ZuMemorySink *self, GPtrArray *stored, guint first_new)
{
  for (guint i = 0; i < stored->len; i++)
    {
      g_autoptr (ZuEvent) event = dup_event (self, first_new);

      /* A repeated event was not stored, so nobody is told. */
      if (event != g_ptr_array_index (stored, i))
        continue;
      zu_event_sink_emit_appended (ZU_EVENT_SINK (self), event);
      first_new++;
    }
}

static GPtrArray *
zu_memory_sink_append_many (ZuEventSink *sink, GPtrArray *events, GCancellable *cancellable,
                            GError **error)
{
  ZuMemorySink *self = ZU_MEMORY_SINK (sink);
  g_autoptr (GPtrArray) stored = NULL;
  guint first_new;

  if (g_cancellable_set_error_if_cancelled (cancellable, error))
    return NULL;

  stored = store_many (self, events, &first_new, error);
  if (stored != NULL)
    emit_from (self, stored, first_new);
  return g_steal_pointer (&stored);
}

static ZuEvent *
zu_memory_sink_append (ZuEventSink *sink, ZuEvent *event, GCancellable *cancellable, GError **error)
{
  ZuMemorySink *self = ZU_MEMORY_SINK (sink);
  ZuEvent *stored;
  guint before;
  gboolean is_new;

  if (g_cancellable_set_error_if_cancelled (cancellable, error))
    return NULL;

  g_mutex_lock (&self->lock);
  before = self->events->len;
  stored = store (self, event, error);
  is_new = self->events->len > before;
  zu_linker_commit (self->linker);
  g_mutex_unlock (&self->lock);

  if (is_new)
    zu_event_sink_emit_appended (sink, stored);
  return stored;
}

/* Adds what passes from *SEQ on, and leaves *SEQ behind the last event that was looked at. */
static GPtrArray *
collect (ZuMemorySink *self, ZuFilter *filter, gint64 *seq, gint64 limit)
{
  g_autoptr (GPtrArray) found = g_ptr_array_new_with_free_func (g_object_unref);
  g_autoptr (GMutexLocker) locker = g_mutex_locker_new (&self->lock);

  for (gint64 i = MAX (*seq, 0); i < self->events->len; i++)
    {
      ZuEvent *event = g_ptr_array_index (self->events, i);

      if (limit >= 0 && found->len >= limit)
        break;
      if (filter != NULL && !zu_filter_matches (filter, event))
        continue;
      g_ptr_array_add (found, g_object_ref (event));
      *seq = i + 1;
    }

  return g_steal_pointer (&found);
}

static GPtrArray *
zu_memory_sink_query (ZuEventSink *sink, ZuFilter *filter, gint64 after_seq, gint64 limit,
                      GCancellable *cancellable, GError **error)
{
  ZuMemorySink *self = ZU_MEMORY_SINK (sink);

  if (!zu_sink_options_check_filter (&self->options, filter, error))
    return NULL;

  return collect (self, filter, &after_seq, limit);
}

static ZuEventPage *
zu_memory_sink_stream (ZuEventSink *sink, ZuFilter *filter, gint64 after_seq, gint64 limit,
                       GCancellable *cancellable, GError **error)
{
  ZuMemorySink *self = ZU_MEMORY_SINK (sink);
  g_autoptr (GPtrArray) events = NULL;

  if (!zu_sink_options_check_filter (&self->options, filter, error))
    return NULL;

  events = collect (self, filter, &after_seq, MAX (limit, 1));
  return g_object_new (ZU_TYPE_EVENT_PAGE, "events", events, "next-seq", after_seq, NULL);
}

static gint64
zu_memory_sink_count (ZuEventSink *sink, ZuFilter *filter, GCancellable *cancellable,
                      GError **error)
{
  ZuMemorySink *self = ZU_MEMORY_SINK (sink);
  g_autoptr (GMutexLocker) locker = NULL;
  gint64 n = 0;

  if (!zu_sink_options_check_filter (&self->options, filter, error))
    return 0;

  locker = g_mutex_locker_new (&self->lock);
  for (guint i = 0; i < self->events->len; i++)
    n += filter == NULL || zu_filter_matches (filter, g_ptr_array_index (self->events, i));
  return n;
}

static void
zu_memory_sink_iface_init (ZuEventSinkInterface *iface)
{
  iface->append = zu_memory_sink_append;
  iface->append_many = zu_memory_sink_append_many;
  iface->query = zu_memory_sink_query;
  iface->stream = zu_memory_sink_stream;
  iface->count = zu_memory_sink_count;
}

static gboolean
zu_memory_sink_initable_real_init (GInitable *initable, GCancellable *cancellable, GError **error)
{
  ZuMemorySink *self = ZU_MEMORY_SINK (initable);

  if (!zu_sink_options_check (&self->options, error))
    return FALSE;

  self->linker = zu_linker_new (self->options.role, self->options.sign_key);
  return TRUE;
}

static void
zu_memory_sink_initable_init (GInitableIface *iface)
{
  iface->init = zu_memory_sink_initable_real_init;
}

static void
zu_memory_sink_set_property (GObject *object, guint id, const GValue *value, GParamSpec *pspec)
{
  ZuMemorySink *self = ZU_MEMORY_SINK (object);

  switch (id)
    {
    case PROP_MAX_EVENTS:
      self->max_events = g_value_get_uint64 (value);
      break;
    case PROP_MAX_BYTES:
      self->max_bytes = g_value_get_uint64 (value);
      break;
    default:
      if (!zu_sink_options_set (&self->options, id, value))
        G_OBJECT_WARN_INVALID_PROPERTY_ID (object, id, pspec);
    }
}

static void
zu_memory_sink_finalize (GObject *object)
{
  ZuMemorySink *self = ZU_MEMORY_SINK (object);

  zu_sink_options_clear (&self->options);
  g_clear_pointer (&self->linker, zu_linker_free);
  g_ptr_array_unref (self->events);
  g_mutex_clear (&self->lock);

  G_OBJECT_CLASS (zu_memory_sink_parent_class)->finalize (object);
}

static void
zu_memory_sink_class_init (ZuMemorySinkClass *klass)
{
  GObjectClass *object_class = G_OBJECT_CLASS (klass);
  GParamFlags flags = G_PARAM_WRITABLE | G_PARAM_CONSTRUCT_ONLY | G_PARAM_STATIC_STRINGS;

  object_class->set_property = zu_memory_sink_set_property;
  object_class->finalize = zu_memory_sink_finalize;

  zu_sink_options_install (object_class);
  /**
   * ZuMemorySink:max-events:
   *
   * How many events are taken; what comes then is refused as `full`. 0 for any number.
   */
  g_object_class_install_property (object_class, PROP_MAX_EVENTS,
                                   g_param_spec_uint64 ("max-events", NULL, NULL, 0, G_MAXUINT, 0,
                                                        flags));
  /**
   * ZuMemorySink:max-bytes:
   *
   * How many bytes their texts may have in all; what comes then is refused as `full`. 0 for any
   * number.
   */
  g_object_class_install_property (object_class, PROP_MAX_BYTES,
                                   g_param_spec_uint64 ("max-bytes", NULL, NULL, 0, G_MAXINT64, 0,
                                                        flags));
}

static void
zu_memory_sink_init (ZuMemorySink *self)
{
  g_mutex_init (&self->lock);
  self->events = g_ptr_array_new_with_free_func (g_object_unref);
}
