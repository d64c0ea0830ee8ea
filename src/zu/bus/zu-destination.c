/* SPDX-License-Identifier: Apache-2.0 */

#include "zu-destination-private.h"

#include <gio/gio.h>

#define MAX_QUEUED 16384 /* what a destination that has stopped taking events may keep in memory \
                          */
#define MAX_BATCH 256

struct _ZuDestination
{
  gatomicrefcount ref_count;
  ZuEventSink *sink;
  ZuDestinationFailed failed;
  gpointer user_data;
  GDestroyNotify destroy;

  GMutex lock;
  GCond work_cond;
  GCond idle_cond;
  GQueue queue;
  gboolean busy;
  gboolean lags; /* was waited for in vain, and has not caught up since */
  gboolean stopped;
};

static void
destination_unref (ZuDestination *self)
{
  if (!g_atomic_ref_count_dec (&self->ref_count))
    return;
  g_queue_clear_full (&self->queue, g_object_unref);
  self->destroy (self->user_data);
  g_object_unref (self->sink);
  g_mutex_clear (&self->lock);
  g_cond_clear (&self->work_cond);
  g_cond_clear (&self->idle_cond);
  g_free (self);
}

/* Stores events one after the other; each has its own answer in STORED or ERRORS. */
static void
store_each (ZuEventSink *sink, GPtrArray *events, ZuEvent **stored, GError **errors)
{
  for (guint i = 0; i < events->len; i++)
    stored[i] = zu_event_sink_append (sink, g_ptr_array_index (events, i), NULL, &errors[i]);
}

/* Stores events in order, together where the sink can do that. When they are refused as a whole,
 * each is stored alone, so that one bad event is no other's fault. */
void
zu_destination_store (ZuEventSink *sink, GPtrArray *events, ZuEvent **stored, GError **errors)
{
  g_autoptr (GPtrArray) all = NULL;

  if (events->len > 1)
    all = zu_event_sink_append_many (sink, events, NULL, NULL);
  if (all == NULL || all->len != events->len)
    store_each (sink, events, stored, errors);
  else
    for (guint i = 0; i < all->len; i++)
      stored[i] = g_object_ref (g_ptr_array_index (all, i));
}

static void
store_batch (ZuDestination *self, GPtrArray *events)
{
  g_autofree ZuEvent **stored = g_new0 (ZuEvent *, events->len);
  g_autofree GError **errors = g_new0 (GError *, events->len);

  zu_destination_store (self->sink, events, stored, errors);
  for (guint i = 0; i < events->len; i++)
    {
      if (errors[i] != NULL)
        self->failed (self->sink, g_ptr_array_index (events, i), errors[i], self->user_data);
      g_clear_error (&errors[i]);
      g_clear_object (&stored[i]);
    }
}

/* Under the lock. */
static GPtrArray *
take_batch (ZuDestination *self)
{
  GPtrArray *batch = g_ptr_array_new_with_free_func (g_object_unref);

  while (batch->len < MAX_BATCH && !g_queue_is_empty (&self->queue))
    g_ptr_array_add (batch, g_queue_pop_head (&self->queue));
  return batch;
}

static gpointer
run (gpointer data)
{
  ZuDestination *self = data;

  g_mutex_lock (&self->lock);
  while (!self->stopped || !g_queue_is_empty (&self->queue))
    {
      g_autoptr (GPtrArray) batch = take_batch (self);

      if (batch->len == 0)
        {
          self->busy = self->lags = FALSE;
          g_cond_broadcast (&self->idle_cond);
          g_cond_wait (&self->work_cond, &self->lock);
          continue;
        }
      g_mutex_unlock (&self->lock);
      store_batch (self, batch);
      g_mutex_lock (&self->lock);
    }
  self->busy = FALSE;
  g_cond_broadcast (&self->idle_cond);
  g_mutex_unlock (&self->lock);
  destination_unref (self);
  return NULL;
}

ZuDestination *
zu_destination_new (ZuEventSink *sink, ZuDestinationFailed failed, gpointer user_data,
                    GDestroyNotify destroy)
{
  ZuDestination *self = g_new0 (ZuDestination, 1);

  g_atomic_ref_count_init (&self->ref_count);
  self->sink = g_object_ref (sink);
  self->failed = failed;
  self->user_data = user_data;
  self->destroy = destroy;
  g_mutex_init (&self->lock);
  g_cond_init (&self->work_cond);
  g_cond_init (&self->idle_cond);
  g_queue_init (&self->queue);

  g_atomic_ref_count_inc (&self->ref_count);
  g_thread_unref (g_thread_new ("zu-destination", run, self));
  return self;
}

/* Lets go of it. What is queued is still stored; nobody waits for that. */
void
zu_destination_stop (ZuDestination *self)
{
  g_mutex_lock (&self->lock);
  self->stopped = TRUE;
  g_cond_signal (&self->work_cond);
  g_mutex_unlock (&self->lock);
  destination_unref (self);
}

/* Queues events. One that has stopped taking them loses what no longer fits, and says so. */
void
zu_destination_send (ZuDestination *self, GPtrArray *events)
{
  g_autoptr (GError) full = NULL;
  guint i;

  g_mutex_lock (&self->lock);
  for (i = 0; i < events->len && self->queue.length < MAX_QUEUED; i++)
    g_queue_push_tail (&self->queue, g_object_ref (g_ptr_array_index (events, i)));
  self->busy = TRUE;
  g_cond_signal (&self->work_cond);
  g_mutex_unlock (&self->lock);

  if (i < events->len)
    full = g_error_new (ZU_EVENT_SINK_ERROR, ZU_EVENT_SINK_ERROR_BUSY,
                        "%d events wait for this destination already", MAX_QUEUED);
  for (; i < events->len; i++)
    self->failed (self->sink, g_ptr_array_index (events, i), full, self->user_data);
}

/* Waits until all is stored; one that has been waited for in vain is not waited for again before it
 * has caught up. */
void
zu_destination_wait (ZuDestination *self, gint64 deadline)
{
  g_mutex_lock (&self->lock);
  while (self->busy && !self->lags)
    if (!g_cond_wait_until (&self->idle_cond, &self->lock, deadline))
      self->lags = self->busy;
  g_mutex_unlock (&self->lock);
}
