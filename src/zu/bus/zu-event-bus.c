/* SPDX-License-Identifier: Apache-2.0 */

#include "zu-event-bus.h"

#include "zu-destination-private.h"

#define MAX_BATCH        256
#define MAX_FAILURES     1024
#define DEFAULT_PATIENCE 1000

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
 * Functions may be called from any thread. Events that are published at the same time are committed
 * together where the sink can do that.
 */

struct _ZuEventBus
{
  GObject parent_instance;

  ZuEventSink *canonical;
  GPtrArray *destinations;
  guint patience;

  GMutex lock;
  GQueue queue; /* of Publication */
  GQueue waiting;
  gboolean leading;
  gboolean has_helper;
  GQueue failures;
  guint64 n_failures;
};

/* An event on its way. One with a task belongs to the bus; the others lie on their caller's stack.
 */
typedef struct
{
  ZuEvent *event;
  GTask *task;
  GCancellable *cancellable;
  GCond cond;
  GList waiting;
  gboolean done;
  ZuEvent *stored;
  GError *error;
} Publication;

G_DEFINE_FINAL_TYPE (ZuEventBus, zu_event_bus, G_TYPE_OBJECT)

enum
{
  PROP_CANONICAL = 1,
  PROP_PATIENCE,
  N_PROPS
};

static GParamSpec *props[N_PROPS];
static guint destination_failed_signal;

static void
zu_event_bus_get_property (GObject *object, guint id, GValue *value, GParamSpec *pspec)
{
  ZuEventBus *self = ZU_EVENT_BUS (object);

  if (id == PROP_CANONICAL)
    g_value_set_object (value, self->canonical);
  else
    g_value_set_uint (value, self->patience);
}

static void
zu_event_bus_set_property (GObject *object, guint id, const GValue *value, GParamSpec *pspec)
{
  ZuEventBus *self = ZU_EVENT_BUS (object);

  if (id == PROP_CANONICAL)
    self->canonical = g_value_dup_object (value);
  else
    zu_event_bus_set_patience (self, g_value_get_uint (value));
}

static void
zu_event_bus_finalize (GObject *object)
{
  ZuEventBus *self = ZU_EVENT_BUS (object);

  g_clear_pointer (&self->destinations, g_ptr_array_unref);
  g_clear_object (&self->canonical);
  g_queue_clear_full (&self->failures, g_object_unref);
  g_mutex_clear (&self->lock);
  G_OBJECT_CLASS (zu_event_bus_parent_class)->finalize (object);
}

static void
zu_event_bus_class_init (ZuEventBusClass *klass)
{
  GObjectClass *object_class = G_OBJECT_CLASS (klass);

  object_class->get_property = zu_event_bus_get_property;
  object_class->set_property = zu_event_bus_set_property;
  object_class->finalize = zu_event_bus_finalize;

  /**
   * ZuEventBus:canonical:
   *
   * The sink whose order and links count.
   */
  props[PROP_CANONICAL] =
      g_param_spec_object ("canonical", NULL, NULL, ZU_TYPE_EVENT_SINK,
                           G_PARAM_READWRITE | G_PARAM_CONSTRUCT_ONLY | G_PARAM_STATIC_STRINGS);
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

  /**
   * ZuEventBus::destination-failed:
   * @self: the bus
   * @destination: who did not take an event
   * @event: the event
   * @error: why
   *
   * After a destination has refused an event, from that destination's thread.
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
  ZuEventBus *self;

  g_return_val_if_fail (ZU_IS_EVENT_SINK (canonical), NULL);

  self = g_object_new (ZU_TYPE_EVENT_BUS, "canonical", canonical, NULL);
  for (guint i = 0; destinations != NULL && i < destinations->len; i++)
    {
      GWeakRef *ref = g_new0 (GWeakRef, 1);

      g_weak_ref_init (ref, self);
      g_ptr_array_add (self->destinations, zu_destination_new (g_ptr_array_index (destinations, i),
                                                               on_failed, ref, weak_ref_free));
    }
  return self;
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

  return self->patience;
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

  if (self->patience == milliseconds)
    return;
  self->patience = milliseconds;
  g_object_notify_by_pspec (G_OBJECT (self), props[PROP_PATIENCE]);
}

static void
publication_free (Publication *self)
{
  g_clear_object (&self->event);
  g_clear_object (&self->stored);
  g_clear_error (&self->error);
  g_clear_object (&self->task);
  g_free (self);
}

static gboolean
answer_task (gpointer data)
{
  Publication *publication = data;

  if (publication->error != NULL)
    g_task_return_error (publication->task, g_steal_pointer (&publication->error));
  else
    g_task_return_pointer (publication->task, g_steal_pointer (&publication->stored),
                           g_object_unref);
  return G_SOURCE_REMOVE;
}

/* Under the lock. A task is answered from its own main context. */
static void
finish (Publication *publication)
{
  g_autoptr (GSource) source = NULL;

  publication->done = TRUE;
  if (publication->task == NULL)
    {
      g_cond_signal (&publication->cond);
      return;
    }
  source = g_idle_source_new ();
  g_source_set_priority (source, g_task_get_priority (publication->task));
  g_source_set_callback (source, answer_task, publication, (GDestroyNotify) publication_free);
  g_source_attach (source, g_task_get_context (publication->task));
}

/* Under the lock: what is to be stored next. One that was cancelled before that is not stored. */
static GPtrArray *
take_batch (ZuEventBus *self)
{
  GPtrArray *batch = g_ptr_array_new ();

  while (batch->len < MAX_BATCH && !g_queue_is_empty (&self->queue))
    {
      Publication *publication = g_queue_pop_head (&self->queue);

      if (g_cancellable_set_error_if_cancelled (publication->cancellable, &publication->error))
        finish (publication);
      else
        g_ptr_array_add (batch, publication);
    }
  return batch;
}

static void
deliver (ZuEventBus *self, GPtrArray *stored)
{
  gint64 deadline = g_get_monotonic_time () + self->patience * G_TIME_SPAN_MILLISECOND;

  if (stored->len == 0)
    return;
  for (guint i = 0; i < self->destinations->len; i++)
    zu_destination_send (g_ptr_array_index (self->destinations, i), stored);
  for (guint i = 0; i < self->destinations->len; i++)
    zu_destination_wait (g_ptr_array_index (self->destinations, i), deadline);
}

static void
store_batch (ZuEventBus *self, GPtrArray *batch)
{
  g_autoptr (GPtrArray) events = g_ptr_array_new ();
  g_autoptr (GPtrArray) stored = g_ptr_array_new ();
  g_autofree ZuEvent **answers = g_new0 (ZuEvent *, batch->len);
  g_autofree GError **errors = g_new0 (GError *, batch->len);

  for (guint i = 0; i < batch->len; i++)
    g_ptr_array_add (events, ((Publication *) g_ptr_array_index (batch, i))->event);
  zu_destination_store (self->canonical, events, answers, errors);
  for (guint i = 0; i < batch->len; i++)
    {
      Publication *publication = g_ptr_array_index (batch, i);

      publication->stored = answers[i];
      publication->error = errors[i];
      if (answers[i] != NULL)
        g_ptr_array_add (stored, answers[i]);
    }
  deliver (self, stored);
}

/* Under the lock, which is let go meanwhile: stores one batch for all who publish. */
static void
store_for_all (ZuEventBus *self)
{
  g_autoptr (GPtrArray) batch = take_batch (self);

  self->leading = TRUE;
  g_mutex_unlock (&self->lock);
  if (batch->len > 0)
    store_batch (self, batch);
  g_mutex_lock (&self->lock);
  self->leading = FALSE;
  for (guint i = 0; i < batch->len; i++)
    finish (g_ptr_array_index (batch, i));
}

/* Under the lock, by who has stopped storing. */
static void
hand_on (ZuEventBus *self)
{
  Publication *next = g_queue_peek_head (&self->waiting);

  if (!self->leading && next != NULL)
    g_cond_signal (&next->cond);
}

static gpointer
helper_thread (gpointer data)
{
  g_autoptr (ZuEventBus) self = data;
  Publication turn = { .waiting.data = &turn };

  g_cond_init (&turn.cond);
  g_mutex_lock (&self->lock);
  while (!g_queue_is_empty (&self->queue))
    {
      if (!self->leading)
        {
          store_for_all (self);
          continue;
        }
      g_queue_push_tail_link (&self->waiting, &turn.waiting);
      g_cond_wait (&turn.cond, &self->lock);
      g_queue_unlink (&self->waiting, &turn.waiting);
    }
  self->has_helper = FALSE;
  hand_on (self);
  g_mutex_unlock (&self->lock);
  g_cond_clear (&turn.cond);
  return NULL;
}

static gboolean
check_canonical (ZuEventBus *self, GError **error)
{
  if (zu_event_sink_get_links (self->canonical))
    return TRUE;
  g_set_error (error, G_IO_ERROR, G_IO_ERROR_NOT_SUPPORTED,
               "%s does not link events, so it cannot be canonical (put a linker before it)",
               G_OBJECT_TYPE_NAME (self->canonical));
  return FALSE;
}

/**
 * zu_event_bus_publish:
 * @self: a bus
 * @event: the event
 * @cancellable: (nullable): cancels it as long as it has not been handed to the canonical sink
 * @error: return location for an error
 *
 * Stores an event in the canonical sink and hands it on to the destinations.
 *
 * Where this fails no destination has the event. That a destination has failed is no error: see
 * [method@Zu.EventBus.list_failures].
 *
 * Errors: the canonical sink's own, [error@Zu.EventSinkError]; [error@Gio.IOErrorEnum] CANCELLED,
 * and NOT_SUPPORTED where the canonical sink does not link.
 *
 * Returns: (transfer full): the event as stored
 */
ZuEvent *
zu_event_bus_publish (ZuEventBus *self, ZuEvent *event, GCancellable *cancellable, GError **error)
{
  Publication publication = { .event = event,
                              .cancellable = cancellable,
                              .waiting.data = &publication };

  g_return_val_if_fail (ZU_IS_EVENT_BUS (self), NULL);
  g_return_val_if_fail (ZU_IS_EVENT (event), NULL);

  if (!check_canonical (self, error))
    return NULL;

  g_cond_init (&publication.cond);
  g_mutex_lock (&self->lock);
  g_queue_push_tail (&self->queue, &publication);
  while (!publication.done)
    {
      if (!self->leading)
        {
          store_for_all (self);
          continue;
        }
      g_queue_push_tail_link (&self->waiting, &publication.waiting);
      g_cond_wait (&publication.cond, &self->lock);
      g_queue_unlink (&self->waiting, &publication.waiting);
    }
  hand_on (self);
  g_mutex_unlock (&self->lock);
  g_cond_clear (&publication.cond);

  if (publication.error != NULL)
    g_propagate_error (error, publication.error);
  return publication.stored;
}

/**
 * zu_event_bus_publish_async:
 * @self: a bus
 * @event: the event
 * @cancellable: (nullable): cancels it as long as it has not been handed to the canonical sink
 * @callback: (scope async): called when it is stored
 * @user_data: data of @callback
 *
 * Stores an event without waiting for it, as [method@Zu.EventBus.publish] does.
 *
 * Events published one after the other from one thread are stored in that order.
 */
void
zu_event_bus_publish_async (ZuEventBus *self, ZuEvent *event, GCancellable *cancellable,
                            GAsyncReadyCallback callback, gpointer user_data)
{
  g_autoptr (GTask) task = NULL;
  Publication *publication;
  GError *error = NULL;

  g_return_if_fail (ZU_IS_EVENT_BUS (self));
  g_return_if_fail (ZU_IS_EVENT (event));

  task = g_task_new (self, cancellable, callback, user_data);
  g_task_set_source_tag (task, zu_event_bus_publish_async);
  /* The answer says what became of the event, whatever was cancelled meanwhile. */
  g_task_set_check_cancellable (task, FALSE);
  if (!check_canonical (self, &error))
    {
      g_task_return_error (task, error);
      return;
    }

  publication = g_new0 (Publication, 1);
  publication->event = g_object_ref (event);
  publication->cancellable = cancellable;
  publication->task = g_steal_pointer (&task);
  g_mutex_lock (&self->lock);
  g_queue_push_tail (&self->queue, publication);
  if (!self->has_helper)
    {
      self->has_helper = TRUE;
      g_thread_unref (g_thread_new ("zu-event-bus", helper_thread, g_object_ref (self)));
    }
  g_mutex_unlock (&self->lock);
}

/**
 * zu_event_bus_publish_finish:
 * @self: a bus
 * @result: what the callback was given
 * @error: return location for an error
 *
 * Gives the result of [method@Zu.EventBus.publish_async].
 *
 * Errors: as of [method@Zu.EventBus.publish].
 *
 * Returns: (transfer full): the event as stored
 */
ZuEvent *
zu_event_bus_publish_finish (ZuEventBus *self, GAsyncResult *result, GError **error)
{
  g_return_val_if_fail (ZU_IS_EVENT_BUS (self), NULL);
  g_return_val_if_fail (g_task_is_valid (result, self), NULL);

  return g_task_propagate_pointer (G_TASK (result), error);
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
