/* SPDX-License-Identifier: Apache-2.0 */

#include "zu-event-bus-private.h"

#include "zu-destination-private.h"

#define MAX_FAILURES     1024
#define DEFAULT_PATIENCE 250

/**
 * ZuEventBus:
 *
 * Stores each event in a canonical sink, and only then hands it on to other destinations.
 *
 * The canonical sink links an event into its trace's chain and commits it; what it refuses goes
 * nowhere. The linked event then goes to every destination, in the canonical order. Each
 * destination has a thread of its own: one that fails, or is slow, is recorded and holds nobody
 * back for longer than `patience`.
 *
 * Without [property@Zu.EventBus:positions-file] events are handed on in memory, once: what a
 * destination does not take, or what still waits when the process ends, it does not get. With it
 * each destination reads the canonical log from where it was left, across restarts: it gets every
 * event at least once, in order, however long it was down. After a sudden end some come twice,
 * which a sink that was opened as a copy answers with the stored event.
 *
 * Functions may be called from any thread. Events that are published at the same time are committed
 * together where the sink can do that.
 */

G_DEFINE_FINAL_TYPE (ZuEventBus, zu_event_bus, G_TYPE_OBJECT)

enum
{
  PROP_CANONICAL = 1,
  PROP_DESTINATIONS,
  PROP_NAMES,
  PROP_POSITIONS_FILE,
  PROP_ACCEPT_UNLINKED,
  PROP_PATIENCE,
  N_PROPS
};

static GParamSpec *props[N_PROPS];
static guint destination_failed_signal;

/* Keeps the latest failures. */
static void
on_failed (ZuEventSink *sink, ZuEvent *event, const GError *error, gpointer user_data)
{
  g_autoptr (ZuEventBus) self = g_weak_ref_get (user_data);

  if (self == NULL)
    return;
  g_mutex_lock (&self->lock);
  self->n_failures++;
  g_queue_push_tail (&self->failures, g_object_new (ZU_TYPE_DELIVERY_FAILURE, "destination", sink,
                                                    "event", event, "error", error, NULL));
  if (self->failures.length > MAX_FAILURES)
    g_object_unref (g_queue_pop_head (&self->failures));
  g_mutex_unlock (&self->lock);
  g_signal_emit (self, destination_failed_signal, 0, sink, event, error);
}

static void
weak_ref_free (gpointer ref)
{
  g_weak_ref_clear (ref);
  g_free (ref);
}

static char *
dup_name (ZuEventBus *self, guint index)
{
  guint n_names = self->names != NULL ? g_strv_length (self->names) : 0;

  return index < n_names
             ? g_strdup (self->names[index])
             : g_strdup_printf ("%s[%u]",
                                G_OBJECT_TYPE_NAME (g_ptr_array_index (self->sinks, index)), index);
}

static void
add_destinations (ZuEventBus *self)
{
  for (guint i = 0; self->sinks != NULL && i < self->sinks->len; i++)
    {
      GWeakRef *ref = g_new0 (GWeakRef, 1);
      g_autofree char *name = dup_name (self, i);

      g_weak_ref_init (ref, self);
      g_ptr_array_add (self->destinations,
                       zu_destination_new (g_ptr_array_index (self->sinks, i), name,
                                           self->positions != NULL ? self->canonical : NULL,
                                           self->positions, on_failed, ref, weak_ref_free));
    }
}

/* Only now is it known how they are to be made. */
static void
zu_event_bus_constructed (GObject *object)
{
  ZuEventBus *self = ZU_EVENT_BUS (object);

  if (self->positions_file != NULL && self->canonical != NULL)
    self->positions = zu_positions_new (self->positions_file);
  add_destinations (self);
  g_clear_pointer (&self->sinks, g_ptr_array_unref);
  G_OBJECT_CLASS (zu_event_bus_parent_class)->constructed (object);
}

static GPtrArray *
dup_sinks (ZuEventBus *self)
{
  GPtrArray *sinks = g_ptr_array_new_with_free_func (g_object_unref);

  for (guint i = 0; i < self->destinations->len; i++)
    g_ptr_array_add (sinks, g_object_ref (zu_destination_get_sink (
                                g_ptr_array_index (self->destinations, i))));
  return sinks;
}

static void
zu_event_bus_get_property (GObject *object, guint id, GValue *value, GParamSpec *pspec)
{
  ZuEventBus *self = ZU_EVENT_BUS (object);

  switch (id)
    {
    case PROP_CANONICAL:
      g_value_set_object (value, self->canonical);
      break;
    case PROP_DESTINATIONS:
      g_value_take_boxed (value, dup_sinks (self));
      break;
    case PROP_NAMES:
      g_value_set_boxed (value, self->names);
      break;
    case PROP_POSITIONS_FILE:
      g_value_set_string (value, self->positions_file);
      break;
    case PROP_ACCEPT_UNLINKED:
      g_value_set_boolean (value, self->accept_unlinked);
      break;
    case PROP_PATIENCE:
      g_value_set_uint (value, zu_event_bus_get_patience (self));
      break;
    default:
      G_OBJECT_WARN_INVALID_PROPERTY_ID (object, id, pspec);
    }
}

static void
zu_event_bus_set_property (GObject *object, guint id, const GValue *value, GParamSpec *pspec)
{
  ZuEventBus *self = ZU_EVENT_BUS (object);

  switch (id)
    {
    case PROP_CANONICAL:
      self->canonical = g_value_dup_object (value);
      break;
    case PROP_DESTINATIONS:
      self->sinks = g_value_dup_boxed (value);
      break;
    case PROP_NAMES:
      self->names = g_value_dup_boxed (value);
      break;
    case PROP_POSITIONS_FILE:
      self->positions_file = g_value_dup_string (value);
      break;
    case PROP_ACCEPT_UNLINKED:
      self->accept_unlinked = g_value_get_boolean (value);
      break;
    case PROP_PATIENCE:
      zu_event_bus_set_patience (self, g_value_get_uint (value));
      break;
    default:
      G_OBJECT_WARN_INVALID_PROPERTY_ID (object, id, pspec);
    }
}

static void
zu_event_bus_finalize (GObject *object)
{
  ZuEventBus *self = ZU_EVENT_BUS (object);

  g_clear_pointer (&self->destinations, g_ptr_array_unref);
  g_clear_object (&self->canonical);
  g_clear_pointer (&self->positions, zu_positions_unref);
  g_strfreev (self->names);
  g_free (self->positions_file);
  g_queue_clear_full (&self->failures, g_object_unref);
  g_mutex_clear (&self->lock);
  G_OBJECT_CLASS (zu_event_bus_parent_class)->finalize (object);
}

static void
install_properties (GObjectClass *object_class)
{
  const GParamFlags once = G_PARAM_READWRITE | G_PARAM_CONSTRUCT_ONLY | G_PARAM_STATIC_STRINGS;

  /**
   * ZuEventBus:canonical:
   *
   * The sink whose order and links count.
   */
  props[PROP_CANONICAL] = g_param_spec_object ("canonical", NULL, NULL, ZU_TYPE_EVENT_SINK, once);
  /**
   * ZuEventBus:destinations: (type GLib.PtrArray(Zu.EventSink))
   *
   * Who else gets the events, each an [iface@Zu.EventSink]. How they fare is in
   * [method@Zu.EventBus.list_destinations].
   */
  props[PROP_DESTINATIONS] =
      g_param_spec_boxed ("destinations", NULL, NULL, G_TYPE_PTR_ARRAY, once);
  /**
   * ZuEventBus:names:
   *
   * What the destinations are called, in their order; by these names their positions are kept. Of
   * one without a name it is its sink's type and its place, as in `ZuJsonlSink[0]`.
   */
  props[PROP_NAMES] = g_param_spec_boxed ("names", NULL, NULL, G_TYPE_STRV, once);
  /**
   * ZuEventBus:positions-file: (type filename)
   *
   * The file in which it is kept how far each destination has come: made where there is none, with
   * a lock file beside it (`NAME.lock`), and replaced at most once a second by one that is on the
   * disk. A destination that is not in it gets the log from its beginning. Of several buses with
   * the same file, in whatever processes, one delivers for all, and another takes over when it has
   * gone. %NULL is to hand events on in memory.
   */
  props[PROP_POSITIONS_FILE] = g_param_spec_string ("positions-file", NULL, NULL, NULL, once);
  /**
   * ZuEventBus:accept-unlinked:
   *
   * Whether the canonical sink may be one that does not link events. Nobody can verify what such a
   * sink stores, so this is to be asked for.
   */
  props[PROP_ACCEPT_UNLINKED] = g_param_spec_boolean ("accept-unlinked", NULL, NULL, FALSE, once);
  /**
   * ZuEventBus:patience:
   *
   * For how long publishing waits for the destinations, in milliseconds. One that is slower gets
   * the events later, and is not waited for again until it has caught up.
   */
  props[PROP_PATIENCE] = g_param_spec_uint ("patience", NULL, NULL, 0, G_MAXINT, DEFAULT_PATIENCE,
                                            G_PARAM_READWRITE | G_PARAM_CONSTRUCT
                                                | G_PARAM_EXPLICIT_NOTIFY | G_PARAM_STATIC_STRINGS);
  g_object_class_install_properties (object_class, N_PROPS, props);
}

static void
zu_event_bus_class_init (ZuEventBusClass *klass)
{
  GObjectClass *object_class = G_OBJECT_CLASS (klass);

  object_class->constructed = zu_event_bus_constructed;
  object_class->get_property = zu_event_bus_get_property;
  object_class->set_property = zu_event_bus_set_property;
  object_class->finalize = zu_event_bus_finalize;
  install_properties (object_class);

  /**
   * ZuEventBus::destination-failed:
   * @self: the bus
   * @destination: who did not take an event
   * @event: the event
   * @error: why
   *
   * After a destination has not taken an event; from the thread of that destination, or of who
   * publishes where too many events wait for it. Where the bus keeps positions the event is offered
   * again, sooner and then later, unless it contradicts what the destination holds. A handler may
   * publish, but not in answer to the failure of an event of its own.
   */
  destination_failed_signal =
      g_signal_new ("destination-failed", ZU_TYPE_EVENT_BUS, G_SIGNAL_RUN_LAST, 0, NULL, NULL, NULL,
                    G_TYPE_NONE, 3, ZU_TYPE_EVENT_SINK, ZU_TYPE_EVENT, G_TYPE_ERROR);
}

static void
zu_event_bus_init (ZuEventBus *self)
{
  g_mutex_init (&self->lock);
  g_queue_init (&self->queue);
  g_queue_init (&self->waiting);
  g_queue_init (&self->failures);
  self->destinations = g_ptr_array_new_with_free_func ((GDestroyNotify) zu_destination_stop);
}

/**
 * zu_event_bus_new:
 * @canonical: the sink whose order and links count; its `links` must be true
 * @destinations: (nullable) (element-type ZuEventSink): who else gets the events; a sink that links
 *   too is to be opened as a copy
 *
 * Makes a bus.
 *
 * Returns: (transfer full): the bus
 */
ZuEventBus *
zu_event_bus_new (ZuEventSink *canonical, GPtrArray *destinations)
{
  g_return_val_if_fail (ZU_IS_EVENT_SINK (canonical), NULL);

  return g_object_new (ZU_TYPE_EVENT_BUS, "canonical", canonical, "destinations", destinations,
                       NULL);
}

/**
 * zu_event_bus_new_full:
 * @canonical: the sink whose order and links count
 * @destinations: (nullable) (element-type ZuEventSink): who else gets the events
 * @names: (nullable) (array zero-terminated=1): what they are called, see
 *   [property@Zu.EventBus:names]
 * @positions_file: (nullable) (type filename): where it is kept how far they have come, see
 *   [property@Zu.EventBus:positions-file]; %NULL to hand events on in memory
 * @accept_unlinked: whether the canonical sink may be one that does not link events
 *
 * Makes a bus, with all that is settled when it is made.
 *
 * Returns: (transfer full): the bus
 */
ZuEventBus *
zu_event_bus_new_full (ZuEventSink *canonical, GPtrArray *destinations, const char *const *names,
                       const char *positions_file, gboolean accept_unlinked)
{
  g_return_val_if_fail (ZU_IS_EVENT_SINK (canonical), NULL);

  return g_object_new (ZU_TYPE_EVENT_BUS, "canonical", canonical, "destinations", destinations,
                       "names", names, "positions-file", positions_file, "accept-unlinked",
                       accept_unlinked, NULL);
}

/**
 * zu_event_bus_get_canonical:
 * @self: a bus
 *
 * Gives the sink whose order and links count.
 *
 * Returns: (transfer none): the sink
 */
ZuEventSink *
zu_event_bus_get_canonical (ZuEventBus *self)
{
  g_return_val_if_fail (ZU_IS_EVENT_BUS (self), NULL);

  return self->canonical;
}

/**
 * zu_event_bus_get_accept_unlinked:
 * @self: a bus
 *
 * Tells whether the canonical sink may be one that does not link events.
 *
 * Returns: %TRUE where it may
 */
gboolean
zu_event_bus_get_accept_unlinked (ZuEventBus *self)
{
  g_return_val_if_fail (ZU_IS_EVENT_BUS (self), FALSE);

  return self->accept_unlinked;
}

/**
 * zu_event_bus_get_patience:
 * @self: a bus
 *
 * Tells for how long publishing waits for the destinations.
 *
 * Returns: milliseconds
 */
guint
zu_event_bus_get_patience (ZuEventBus *self)
{
  g_return_val_if_fail (ZU_IS_EVENT_BUS (self), 0);

  return (guint) g_atomic_int_get ((gint *) &self->patience);
}

/**
 * zu_event_bus_set_patience:
 * @self: a bus
 * @milliseconds: for how long; 0 is not at all
 *
 * Sets for how long publishing waits for the destinations.
 */
void
zu_event_bus_set_patience (ZuEventBus *self, guint milliseconds)
{
  g_return_if_fail (ZU_IS_EVENT_BUS (self));
  g_return_if_fail (milliseconds <= G_MAXINT);

  if (zu_event_bus_get_patience (self) == milliseconds)
    return;
  g_atomic_int_set ((gint *) &self->patience, (gint) milliseconds);
  g_object_notify_by_pspec (G_OBJECT (self), props[PROP_PATIENCE]);
}

/**
 * zu_event_bus_list_destinations:
 * @self: a bus
 *
 * Gives the destinations, in the order in which they were named.
 *
 * Returns: (transfer container) (element-type ZuDestination): the destinations
 */
GPtrArray *
zu_event_bus_list_destinations (ZuEventBus *self)
{
  GPtrArray *list;

  g_return_val_if_fail (ZU_IS_EVENT_BUS (self), NULL);

  list = g_ptr_array_new_with_free_func (g_object_unref);
  for (guint i = 0; i < self->destinations->len; i++)
    g_ptr_array_add (list, g_object_ref (g_ptr_array_index (self->destinations, i)));
  return list;
}

/**
 * zu_event_bus_list_failures:
 * @self: a bus
 *
 * Gives the latest 1024 failures of destinations, the oldest first.
 *
 * Returns: (transfer container) (element-type ZuDeliveryFailure): the failures
 */
GPtrArray *
zu_event_bus_list_failures (ZuEventBus *self)
{
  GPtrArray *list;

  g_return_val_if_fail (ZU_IS_EVENT_BUS (self), NULL);

  list = g_ptr_array_new_with_free_func (g_object_unref);
  g_mutex_lock (&self->lock);
  for (GList *l = self->failures.head; l != NULL; l = l->next)
    g_ptr_array_add (list, g_object_ref (l->data));
  g_mutex_unlock (&self->lock);
  return list;
}

/**
 * zu_event_bus_count_failures:
 * @self: a bus
 *
 * Counts the failures of destinations since the bus was made.
 *
 * Returns: how many
 */
guint64
zu_event_bus_count_failures (ZuEventBus *self)
{
  guint64 count;

  g_return_val_if_fail (ZU_IS_EVENT_BUS (self), 0);

  g_mutex_lock (&self->lock);
  count = self->n_failures;
  g_mutex_unlock (&self->lock);
  return count;
}
