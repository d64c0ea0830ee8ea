/* SPDX-License-Identifier: Apache-2.0 */

#include "zu-event-bus-private.h"

#include "zu-batch-private.h"
#include "zu-destination-private.h"

/* Who publishes first stores for all who have queued up meanwhile: no thread stands between a lone
 * publisher and the sink. What is published without waiting is stored by a helper thread that lives
 * as long as there is such work. */

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
  guint64 ticket; /* how many events the destinations have been sent, this one included */
  ZuEvent *stored;
  GError *error;
} Publication;

static void
publication_free (Publication *self)
{
  g_clear_object (&self->event);
  g_clear_object (&self->cancellable);
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

/* From the main context of whoever published. */
static void
answer (gpointer data, gpointer user_data)
{
  Publication *publication = data;
  g_autoptr (GSource) source = g_idle_source_new ();

  g_source_set_priority (source, g_task_get_priority (publication->task));
  g_source_set_callback (source, answer_task, publication, (GDestroyNotify) publication_free);
  g_source_attach (source, g_task_get_context (publication->task));
}

/* Waits for the destinations, no longer than the bus has patience. */
static void
wait_for_destinations (ZuEventBus *self, guint64 ticket)
{
  gint64 patience = zu_event_bus_get_patience (self);
  gint64 deadline = g_get_monotonic_time () + patience * G_TIME_SPAN_MILLISECOND;

  for (guint i = 0; i < self->destinations->len; i++)
    zu_destination_wait (g_ptr_array_index (self->destinations, i), ticket, deadline, FALSE);
}

/* Under the lock: what is to be stored next. */
static GPtrArray *
take_batch (ZuEventBus *self)
{
  GPtrArray *batch = g_ptr_array_new ();

  while (batch->len < ZU_BATCH_MAX && !g_queue_is_empty (&self->queue))
    g_ptr_array_add (batch, g_queue_pop_head (&self->queue));
  return batch;
}

/* What was cancelled before this is not stored. */
static GPtrArray *
drop_cancelled (GPtrArray *batch)
{
  GPtrArray *live = g_ptr_array_new ();

  for (guint i = 0; i < batch->len; i++)
    {
      Publication *publication = g_ptr_array_index (batch, i);

      if (!g_cancellable_set_error_if_cancelled (publication->cancellable, &publication->error))
        g_ptr_array_add (live, publication);
    }
  return live;
}

/* By who leads: the order of sending is the canonical one. How many were sent. */
static guint
store_batch (ZuEventBus *self, GPtrArray *batch)
{
  g_autoptr (GPtrArray) live = drop_cancelled (batch);
  g_autoptr (GPtrArray) events = g_ptr_array_new ();
  g_autoptr (GPtrArray) sent = g_ptr_array_new ();
  g_autofree ZuEvent **stored = g_new0 (ZuEvent *, live->len + 1);
  g_autofree GError **errors = g_new0 (GError *, live->len + 1);

  for (guint i = 0; i < live->len; i++)
    g_ptr_array_add (events, ((Publication *) g_ptr_array_index (live, i))->event);
  if (live->len > 0)
    zu_batch_store (self->canonical, events, stored, errors);
  for (guint i = 0; i < live->len; i++)
    {
      Publication *publication = g_ptr_array_index (live, i);

      publication->stored = stored[i];
      publication->error = errors[i];
      if (stored[i] != NULL)
        g_ptr_array_add (sent, stored[i]);
    }
  for (guint i = 0; sent->len > 0 && i < self->destinations->len; i++)
    zu_destination_send (g_ptr_array_index (self->destinations, i), sent);
  return sent->len;
}

/* Under the lock, by who has stopped storing. */
static void
hand_on (ZuEventBus *self)
{
  Publication *next = g_queue_peek_head (&self->waiting);

  if (!self->leading && next != NULL)
    g_cond_signal (&next->cond);
}

/* Under the lock. Those who wait on their own stack are told and gone; the others are left. */
static GPtrArray *
finish_batch (GPtrArray *batch, guint64 ticket)
{
  GPtrArray *tasks = g_ptr_array_new ();

  for (guint i = 0; i < batch->len; i++)
    {
      Publication *publication = g_ptr_array_index (batch, i);

      publication->ticket = publication->stored != NULL ? ticket : 0;
      if (publication->task != NULL)
        g_ptr_array_add (tasks, publication);
      else
        {
          publication->done = TRUE;
          g_cond_signal (&publication->cond);
        }
    }
  return tasks;
}

/* Under the lock, which is let go meanwhile: stores one batch for all who publish. The next one may
 * be stored while this one's destinations are waited for. */
static void
store_for_all (ZuEventBus *self)
{
  g_autoptr (GPtrArray) batch = take_batch (self);
  g_autoptr (GPtrArray) tasks = NULL;
  guint64 ticket;
  guint n_sent;

  self->leading = TRUE;
  g_mutex_unlock (&self->lock);
  n_sent = store_batch (self, batch);
  g_mutex_lock (&self->lock);
  self->leading = FALSE;
  ticket = self->n_sent += n_sent;
  tasks = finish_batch (batch, ticket);
  hand_on (self);
  if (tasks->len == 0)
    return;

  g_mutex_unlock (&self->lock);
  wait_for_destinations (self, ticket);
  g_ptr_array_foreach (tasks, answer, NULL);
  g_mutex_lock (&self->lock);
}

/* Under the lock: waits for one's turn to store, or to have been stored for. */
static void
take_turn (ZuEventBus *self, Publication *publication)
{
  if (!self->leading)
    {
      store_for_all (self);
      return;
    }
  g_queue_push_tail_link (&self->waiting, &publication->waiting);
  g_cond_wait (&publication->cond, &self->lock);
  g_queue_unlink (&self->waiting, &publication->waiting);
}

static gpointer
helper_thread (gpointer data)
{
  g_autoptr (ZuEventBus) self = data;
  Publication turn = { .waiting.data = &turn };

  g_cond_init (&turn.cond);
  g_mutex_lock (&self->lock);
  while (!g_queue_is_empty (&self->queue))
    take_turn (self, &turn);
  self->has_helper = FALSE;
  hand_on (self);
  g_mutex_unlock (&self->lock);
  g_cond_clear (&turn.cond);
  return NULL;
}

static gboolean
check_canonical (ZuEventBus *self, GError **error)
{
  if (self->canonical == NULL)
    {
      g_set_error_literal (error, G_IO_ERROR, G_IO_ERROR_NOT_INITIALIZED,
                           "the bus has no canonical sink (name one when it is made)");
      return FALSE;
    }
  if (self->accept_unlinked || zu_event_sink_get_links (self->canonical))
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
 * [method@Zu.EventBus.list_failures] and [method@Zu.EventBus.list_destinations].
 *
 * Errors: the canonical sink's own, [error@Zu.EventSinkError]; [error@Gio.IOErrorEnum] CANCELLED,
 * NOT_INITIALIZED where there is no canonical sink, and NOT_SUPPORTED where it does not link and
 * [property@Zu.EventBus:accept-unlinked] is false.
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
    take_turn (self, &publication);
  hand_on (self);
  g_mutex_unlock (&self->lock);
  g_cond_clear (&publication.cond);

  wait_for_destinations (self, publication.ticket);
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
  g_set_object (&publication->cancellable, cancellable);
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
 * zu_event_bus_flush:
 * @self: a bus
 * @milliseconds: how long to wait at most
 *
 * Waits until every destination has taken, or failed to take, all that was published before.
 *
 * To be called before the process ends, since what is still queued then is not delivered; or, where
 * the bus keeps positions, only by the next one. Then the positions are on the disk, too.
 *
 * Returns: %TRUE where all is done; %FALSE where events still wait for some destination
 */
gboolean
zu_event_bus_flush (ZuEventBus *self, guint milliseconds)
{
  gint64 deadline = g_get_monotonic_time () + milliseconds * G_TIME_SPAN_MILLISECOND;
  g_autoptr (GError) error = NULL;
  gboolean done = TRUE;
  guint64 ticket;

  g_return_val_if_fail (ZU_IS_EVENT_BUS (self), FALSE);

  g_mutex_lock (&self->lock);
  ticket = self->n_sent;
  g_mutex_unlock (&self->lock);
  for (guint i = 0; i < self->destinations->len; i++)
    done &= zu_destination_wait (g_ptr_array_index (self->destinations, i), ticket, deadline, TRUE);
  if (self->positions != NULL && !zu_positions_save (self->positions, &error))
    g_message ("%s", error->message);
  return done;
}
