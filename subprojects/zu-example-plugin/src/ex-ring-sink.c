/* SPDX-License-Identifier: Apache-2.0 */

#include "ex-ring-sink.h"

/**
 * ExRingSink:
 *
 * Keeps the newest events in memory and forgets the oldest: a destination behind a bus, to look at
 * what goes on. It stores events as they come and links nothing. It may be used from any thread.
 */
struct _ExRingSink
{
  GObject parent_instance;

  guint capacity;
  GMutex lock;
  GQueue events;
  gint64 last_seq; /* of the newest event; the first of all has 1 */
};

enum
{
  PROP_CAPACITY = 1,
  PROP_PATH,
  N_PROPS,
};

static GParamSpec *props[N_PROPS];

static void ex_ring_sink_iface_init (ZuEventSinkInterface *iface);

G_DEFINE_FINAL_TYPE_WITH_CODE (ExRingSink, ex_ring_sink, G_TYPE_OBJECT,
                               G_IMPLEMENT_INTERFACE (ZU_TYPE_EVENT_SINK, ex_ring_sink_iface_init))

static gboolean
ex_ring_sink_get_links (ZuEventSink *sink)
{
  return FALSE;
}

static GPtrArray *
ex_ring_sink_append_many (ZuEventSink *sink, GPtrArray *events, GCancellable *cancellable,
                          GError **error)
{
  ExRingSink *self = EX_RING_SINK (sink);
  g_autoptr (GPtrArray) stored = g_ptr_array_new_with_free_func (g_object_unref);

  g_mutex_lock (&self->lock);
  for (guint i = 0; i < events->len; i++)
    {
      ZuEvent *event = g_ptr_array_index (events, i);

      g_queue_push_tail (&self->events, g_object_ref (event));
      g_ptr_array_add (stored, g_object_ref (event));
      self->last_seq++;
      if (self->events.length > self->capacity)
        g_object_unref (g_queue_pop_head (&self->events));
    }
  g_mutex_unlock (&self->lock);

  for (guint i = 0; i < stored->len; i++)
    zu_event_sink_emit_appended (sink, g_ptr_array_index (stored, i));

  return g_steal_pointer (&stored);
}

static ZuEvent *
ex_ring_sink_append (ZuEventSink *sink, ZuEvent *event, GCancellable *cancellable, GError **error)
{
  g_autoptr (GPtrArray) one = g_ptr_array_new ();
  g_autoptr (GPtrArray) stored = NULL;

  g_ptr_array_add (one, event);
  stored = ex_ring_sink_append_many (sink, one, cancellable, error);

  return stored != NULL ? g_object_ref (event) : NULL;
}

/* An error of libzu's becomes the port's own. */
static gboolean
check_filter (ZuFilter *filter, GError **error)
{
  g_autoptr (GError) refused = NULL;

  if (filter == NULL || zu_filter_check_fields (filter, NULL, &refused))
    return TRUE;

  g_set_error_literal (error, ZU_EVENT_SINK_ERROR, ZU_EVENT_SINK_ERROR_UNKNOWN_FIELD,
                       refused->message);
  return FALSE;
}

/* What is kept of what matches after a position, in order. SEQ is set to the last one's. */
static GPtrArray *
collect (ExRingSink *self, ZuFilter *filter, gint64 *seq, gint64 limit)
{
  GPtrArray *found = g_ptr_array_new_with_free_func (g_object_unref);
  gint64 after = *seq;
  gint64 at;

  g_mutex_lock (&self->lock);
  at = self->last_seq - self->events.length;
  for (GList *l = self->events.head; l != NULL && (limit < 0 || found->len < limit); l = l->next)
    if (++at > after && (filter == NULL || zu_filter_matches (filter, l->data)))
      {
        g_ptr_array_add (found, g_object_ref (l->data));
        *seq = at;
      }
  g_mutex_unlock (&self->lock);

  return found;
}

static GPtrArray *
ex_ring_sink_query (ZuEventSink *sink, ZuFilter *filter, gint64 after_seq, gint64 limit,
                    GCancellable *cancellable, GError **error)
{
  if (!check_filter (filter, error))
    return NULL;

  return collect (EX_RING_SINK (sink), filter, &after_seq, limit);
}

static ZuEventPage *
ex_ring_sink_stream (ZuEventSink *sink, ZuFilter *filter, gint64 after_seq, gint64 limit,
                     GCancellable *cancellable, GError **error)
{
  g_autoptr (GPtrArray) events = NULL;

  if (!check_filter (filter, error))
    return NULL;

  events = collect (EX_RING_SINK (sink), filter, &after_seq, limit);
  return zu_event_page_new (events, after_seq);
}

static gint64
ex_ring_sink_count (ZuEventSink *sink, ZuFilter *filter, GCancellable *cancellable, GError **error)
{
  g_autoptr (GPtrArray) events = NULL;
  gint64 seq = 0;

  if (!check_filter (filter, error))
    return -1;

  events = collect (EX_RING_SINK (sink), filter, &seq, -1);
  return events->len;
}

static void
ex_ring_sink_iface_init (ZuEventSinkInterface *iface)
{
  iface->get_links = ex_ring_sink_get_links;
  iface->append = ex_ring_sink_append;
  iface->append_many = ex_ring_sink_append_many;
  iface->query = ex_ring_sink_query;
  iface->stream = ex_ring_sink_stream;
  iface->count = ex_ring_sink_count;
}

static void
ex_ring_sink_set_property (GObject *object, guint id, const GValue *value, GParamSpec *pspec)
{
  ExRingSink *self = EX_RING_SINK (object);

  switch (id)
    {
    case PROP_CAPACITY:
      self->capacity = g_value_get_uint (value);
      break;
    case PROP_PATH:
      /* A ring is nowhere: ring: is all of its URI. */
      break;
    default:
      G_OBJECT_WARN_INVALID_PROPERTY_ID (object, id, pspec);
    }
}

static void
ex_ring_sink_finalize (GObject *object)
{
  ExRingSink *self = EX_RING_SINK (object);

  g_queue_clear_full (&self->events, g_object_unref);
  g_mutex_clear (&self->lock);

  G_OBJECT_CLASS (ex_ring_sink_parent_class)->finalize (object);
}

static void
ex_ring_sink_class_init (ExRingSinkClass *klass)
{
  GObjectClass *object_class = G_OBJECT_CLASS (klass);
  GParamFlags flags = G_PARAM_WRITABLE | G_PARAM_CONSTRUCT_ONLY | G_PARAM_STATIC_STRINGS;

  object_class->set_property = ex_ring_sink_set_property;
  object_class->finalize = ex_ring_sink_finalize;

  props[PROP_CAPACITY] =
      g_param_spec_uint ("capacity", NULL, "Most events that are kept", 1, 1000000, 1000, flags);
  props[PROP_PATH] = g_param_spec_string ("path", NULL, "Of no meaning here", NULL, flags);
  g_object_class_install_properties (object_class, N_PROPS, props);
}

static void
ex_ring_sink_init (ExRingSink *self)
{
  g_mutex_init (&self->lock);
  g_queue_init (&self->events);
}
