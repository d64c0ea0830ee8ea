/* SPDX-License-Identifier: Apache-2.0 */

#include "zu-destination-private.h"

#include "zu-batch-private.h"

/* What one that has stopped taking events may keep in memory. */
#define MAX_QUEUED_EVENTS 16384
#define MAX_QUEUED_BYTES  (64 * 1024 * 1024)

/**
 * ZuDestination:
 *
 * One destination of a bus, and how it fares.
 *
 * A destination has a thread that stores events in the canonical order: from a queue in memory, or,
 * where the bus keeps positions, from the canonical log itself. Its figures may be read from any
 * thread; that they change is not notified.
 */

G_DEFINE_FINAL_TYPE (ZuDestination, zu_destination, G_TYPE_OBJECT)

enum
{
  PROP_SINK = 1,
  PROP_NAME,
  PROP_N_DELIVERED,
  PROP_N_FAILED,
  PROP_N_QUEUED,
  PROP_LAST_EVENT_ID,
  PROP_LAST_ERROR,
  N_PROPS
};

static GParamSpec *props[N_PROPS];

static void
zu_destination_get_property (GObject *object, guint id, GValue *value, GParamSpec *pspec)
{
  ZuDestination *self = ZU_DESTINATION (object);

  switch (id)
    {
    case PROP_SINK:
      g_value_set_object (value, self->sink);
      break;
    case PROP_NAME:
      g_value_set_string (value, self->name);
      break;
    case PROP_N_DELIVERED:
      g_value_set_uint64 (value, zu_destination_get_n_delivered (self));
      break;
    case PROP_N_FAILED:
      g_value_set_uint64 (value, zu_destination_get_n_failed (self));
      break;
    case PROP_N_QUEUED:
      g_value_set_uint (value, zu_destination_get_n_queued (self));
      break;
    case PROP_LAST_EVENT_ID:
      g_value_take_string (value, zu_destination_dup_last_event_id (self));
      break;
    case PROP_LAST_ERROR:
      g_value_take_boxed (value, zu_destination_dup_last_error (self));
      break;
    default:
      G_OBJECT_WARN_INVALID_PROPERTY_ID (object, id, pspec);
    }
}

static void
zu_destination_finalize (GObject *object)
{
  ZuDestination *self = ZU_DESTINATION (object);

  g_queue_clear_full (&self->queue, g_object_unref);
  if (self->destroy != NULL)
    self->destroy (self->user_data);
  g_clear_pointer (&self->thread, g_thread_unref);
  g_clear_object (&self->sink);
  g_clear_object (&self->canonical);
  g_clear_pointer (&self->positions, zu_positions_unref);
  g_free (self->name);
  g_free (self->last_event_id);
  g_clear_error (&self->last_error);
  g_mutex_clear (&self->lock);
  g_cond_clear (&self->work_cond);
  g_cond_clear (&self->done_cond);
  G_OBJECT_CLASS (zu_destination_parent_class)->finalize (object);
}

static void
zu_destination_class_init (ZuDestinationClass *klass)
{
  const GParamFlags flags = G_PARAM_READABLE | G_PARAM_STATIC_STRINGS;
  GObjectClass *object_class = G_OBJECT_CLASS (klass);

  object_class->get_property = zu_destination_get_property;
  object_class->finalize = zu_destination_finalize;

  /**
   * ZuDestination:sink:
   *
   * Who stores the events.
   */
  props[PROP_SINK] = g_param_spec_object ("sink", NULL, NULL, ZU_TYPE_EVENT_SINK, flags);
  /**
   * ZuDestination:name:
   *
   * As the bus was told, else the sink's type and its place among the destinations, as in
   * `ZuJsonlSink[0]`.
   */
  props[PROP_NAME] = g_param_spec_string ("name", NULL, NULL, NULL, flags);
  /**
   * ZuDestination:n-delivered:
   *
   * How many events it has taken.
   */
  props[PROP_N_DELIVERED] =
      g_param_spec_uint64 ("n-delivered", NULL, NULL, 0, G_MAXUINT64, 0, flags);
  /**
   * ZuDestination:n-failed:
   *
   * How many events it has not taken, and will not be offered again.
   */
  props[PROP_N_FAILED] = g_param_spec_uint64 ("n-failed", NULL, NULL, 0, G_MAXUINT64, 0, flags);
  /**
   * ZuDestination:n-queued:
   *
   * How many events wait for it; where the bus keeps positions, of those that were published since
   * it was made.
   */
  props[PROP_N_QUEUED] = g_param_spec_uint ("n-queued", NULL, NULL, 0, G_MAXUINT, 0, flags);
  /**
   * ZuDestination:last-event-id:
   *
   * The id of the last event that it has taken.
   */
  props[PROP_LAST_EVENT_ID] = g_param_spec_string ("last-event-id", NULL, NULL, NULL, flags);
  /**
   * ZuDestination:last-error:
   *
   * Why it did not take an event, the last time.
   */
  props[PROP_LAST_ERROR] = g_param_spec_boxed ("last-error", NULL, NULL, G_TYPE_ERROR, flags);
  g_object_class_install_properties (object_class, N_PROPS, props);
}

static void
zu_destination_init (ZuDestination *self)
{
  g_mutex_init (&self->lock);
  g_cond_init (&self->work_cond);
  g_cond_init (&self->done_cond);
  g_queue_init (&self->queue);
}

static gsize
get_size (ZuEvent *event)
{
  gsize size;

  zu_event_get_text (event, &size);
  return size;
}

/* Under the lock. */
static void
note (ZuDestination *self, ZuEvent *event, const GError *error)
{
  self->n_done++;
  if (error == NULL)
    {
      self->n_delivered++;
      g_free (self->last_event_id);
      self->last_event_id = g_strdup (zu_event_get_event_id (event));
      return;
    }
  self->n_failed++;
  g_clear_error (&self->last_error);
  self->last_error = g_error_copy (error);
}

/* Failures are told before the event counts as done, so that who waits for it finds them told. */
static void
store_batch (ZuDestination *self, GPtrArray *events)
{
  g_autofree ZuEvent **stored = g_new0 (ZuEvent *, events->len);
  g_autofree GError **errors = g_new0 (GError *, events->len);

  zu_batch_store (self->sink, events, stored, errors);
  for (guint i = 0; i < events->len; i++)
    if (errors[i] != NULL)
      self->failed (self->sink, g_ptr_array_index (events, i), errors[i], self->user_data);

  g_mutex_lock (&self->lock);
  for (guint i = 0; i < events->len; i++)
    {
      note (self, g_ptr_array_index (events, i), errors[i]);
      g_clear_error (&errors[i]);
      g_clear_object (&stored[i]);
    }
  if (self->n_done == self->n_sent)
    self->lags = FALSE;
  g_cond_broadcast (&self->done_cond);
  g_mutex_unlock (&self->lock);
}

/* Under the lock. */
static GPtrArray *
take_batch (ZuDestination *self)
{
  GPtrArray *batch = g_ptr_array_new_with_free_func (g_object_unref);

  while (batch->len < ZU_BATCH_MAX && !g_queue_is_empty (&self->queue))
    {
      ZuEvent *event = g_queue_pop_head (&self->queue);

      self->queued_bytes -= get_size (event);
      g_ptr_array_add (batch, event);
    }
  return batch;
}

static gpointer
run (gpointer data)
{
  g_autoptr (ZuDestination) self = data;

  g_mutex_lock (&self->lock);
  while (!self->stopped || !g_queue_is_empty (&self->queue))
    {
      g_autoptr (GPtrArray) batch = take_batch (self);

      if (batch->len == 0)
        {
          g_cond_wait (&self->work_cond, &self->lock);
          continue;
        }
      g_mutex_unlock (&self->lock);
      store_batch (self, batch);
      g_mutex_lock (&self->lock);
    }
  g_mutex_unlock (&self->lock);
  return NULL;
}

ZuDestination *
zu_destination_new (ZuEventSink *sink, const char *name, ZuEventSink *canonical,
                    ZuPositions *positions, ZuDestinationFailed failed, gpointer user_data,
                    GDestroyNotify destroy)
{
  ZuDestination *self = g_object_new (ZU_TYPE_DESTINATION, NULL);

  self->sink = g_object_ref (sink);
  self->name = g_strdup (name);
  self->failed = failed;
  self->user_data = user_data;
  self->destroy = destroy;
  g_set_object (&self->canonical, canonical);
  self->positions = positions != NULL ? zu_positions_ref (positions) : NULL;
  /* The thread begins by taking the lock, and so finds itself in self->thread. */
  g_mutex_lock (&self->lock);
  self->thread = g_thread_new ("zu-destination", canonical != NULL ? zu_destination_follow : run,
                               g_object_ref (self));
  g_mutex_unlock (&self->lock);
  return self;
}

/* Lets go of it. What is queued is still stored, and nobody waits for that; one that reads the log
 * stops, and goes on the next time. */
void
zu_destination_stop (ZuDestination *self)
{
  g_mutex_lock (&self->lock);
  self->stopped = TRUE;
  g_cond_signal (&self->work_cond);
  g_mutex_unlock (&self->lock);
  g_object_unref (self);
}

/* Under the lock. An event that alone is larger than the room has it to itself. */
static gboolean
enqueue (ZuDestination *self, ZuEvent *event)
{
  gsize size = get_size (event);

  self->n_sent++;
  if (self->queue.length >= MAX_QUEUED_EVENTS
      || (self->queued_bytes > 0 && self->queued_bytes + size > MAX_QUEUED_BYTES))
    return FALSE;
  self->queued_bytes += size;
  g_queue_push_tail (&self->queue, g_object_ref (event));
  return TRUE;
}

/* They stand in the log: nothing to keep. */
static void
wake (ZuDestination *self, guint n_events)
{
  g_mutex_lock (&self->lock);
  self->n_sent += n_events;
  g_cond_signal (&self->work_cond);
  g_mutex_unlock (&self->lock);
}

/* Queues events. One that has stopped taking them loses what no longer fits, and says so. */
void
zu_destination_send (ZuDestination *self, GPtrArray *events)
{
  g_autoptr (GPtrArray) dropped = g_ptr_array_new ();
  g_autoptr (GError) full = NULL;

  if (self->canonical != NULL)
    {
      wake (self, events->len);
      return;
    }
  g_mutex_lock (&self->lock);
  for (guint i = 0; i < events->len; i++)
    if (!enqueue (self, g_ptr_array_index (events, i)))
      {
        if (full == NULL)
          full = g_error_new (ZU_EVENT_SINK_ERROR, ZU_EVENT_SINK_ERROR_BUSY,
                              "%s does not keep up: %u events wait for it already", self->name,
                              self->queue.length);
        note (self, g_ptr_array_index (events, i), full);
        g_ptr_array_add (dropped, g_ptr_array_index (events, i));
      }
  g_cond_signal (&self->work_cond);
  g_mutex_unlock (&self->lock);

  for (guint i = 0; i < dropped->len; i++)
    self->failed (self->sink, g_ptr_array_index (dropped, i), full, self->user_data);
}

/* Waits until the first TICKET events are done. Unless PATIENTLY, one that has been waited for in
 * vain is not waited for again before it has caught up. Its own thread, where handlers of failures
 * run, never waits for itself. */
gboolean
zu_destination_wait (ZuDestination *self, guint64 ticket, gint64 deadline, gboolean patiently)
{
  gboolean done;

  if (self->thread == g_thread_self ())
    return FALSE;
  g_mutex_lock (&self->lock);
  while (self->n_done < ticket && (patiently || !self->lags))
    if (!g_cond_wait_until (&self->done_cond, &self->lock, deadline))
      {
        self->lags = self->n_done < ticket;
        break;
      }
  done = self->n_done >= ticket;
  g_mutex_unlock (&self->lock);
  return done;
}

/**
 * zu_destination_get_sink:
 * @self: a destination
 *
 * Tells who stores the events.
 *
 * Returns: (transfer none): the sink
 */
ZuEventSink *
zu_destination_get_sink (ZuDestination *self)
{
  g_return_val_if_fail (ZU_IS_DESTINATION (self), NULL);

  return self->sink;
}

/**
 * zu_destination_get_name:
 * @self: a destination
 *
 * Names the destination.
 *
 * Returns: (transfer none): the name
 */
const char *
zu_destination_get_name (ZuDestination *self)
{
  g_return_val_if_fail (ZU_IS_DESTINATION (self), NULL);

  return self->name;
}

/**
 * zu_destination_get_n_delivered:
 * @self: a destination
 *
 * Counts the events that it has taken.
 *
 * Returns: how many
 */
guint64
zu_destination_get_n_delivered (ZuDestination *self)
{
  guint64 n;

  g_return_val_if_fail (ZU_IS_DESTINATION (self), 0);

  g_mutex_lock (&self->lock);
  n = self->n_delivered;
  g_mutex_unlock (&self->lock);
  return n;
}

/**
 * zu_destination_get_n_failed:
 * @self: a destination
 *
 * Counts the events that it has not taken, and will not be offered again.
 *
 * Returns: how many
 */
guint64
zu_destination_get_n_failed (ZuDestination *self)
{
  guint64 n;

  g_return_val_if_fail (ZU_IS_DESTINATION (self), 0);

  g_mutex_lock (&self->lock);
  n = self->n_failed;
  g_mutex_unlock (&self->lock);
  return n;
}

/**
 * zu_destination_get_n_queued:
 * @self: a destination
 *
 * Counts the events that wait for it.
 *
 * Returns: how many
 */
guint
zu_destination_get_n_queued (ZuDestination *self)
{
  guint n;

  g_return_val_if_fail (ZU_IS_DESTINATION (self), 0);

  g_mutex_lock (&self->lock);
  n = self->canonical != NULL ? (guint) MIN (self->n_sent - self->n_done, G_MAXUINT)
                              : self->queue.length;
  g_mutex_unlock (&self->lock);
  return n;
}

/**
 * zu_destination_dup_last_event_id:
 * @self: a destination
 *
 * Tells which event it has taken last.
 *
 * Returns: (transfer full) (nullable): the event's id; %NULL where it has taken none
 */
char *
zu_destination_dup_last_event_id (ZuDestination *self)
{
  char *id;

  g_return_val_if_fail (ZU_IS_DESTINATION (self), NULL);

  g_mutex_lock (&self->lock);
  id = g_strdup (self->last_event_id);
  g_mutex_unlock (&self->lock);
  return id;
}

/**
 * zu_destination_dup_last_error:
 * @self: a destination
 *
 * Tells why it did not take an event, the last time.
 *
 * Returns: (transfer full) (nullable): the error; %NULL where there was none
 */
GError *
zu_destination_dup_last_error (ZuDestination *self)
{
  GError *error;

  g_return_val_if_fail (ZU_IS_DESTINATION (self), NULL);

  g_mutex_lock (&self->lock);
  error = self->last_error != NULL ? g_error_copy (self->last_error) : NULL;
  g_mutex_unlock (&self->lock);
  return error;
}
