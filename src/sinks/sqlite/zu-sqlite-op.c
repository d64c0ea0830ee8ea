/* SPDX-License-Identifier: Apache-2.0 */

#include "zu-sqlite-op.h"

struct _ZuSqliteWaiter
{
  gatomicrefcount refs;
  GMutex lock;
  GCond cond;
};

static void
waiter_unref (gpointer data)
{
  ZuSqliteWaiter *self = data;

  if (!g_atomic_ref_count_dec (&self->refs))
    return;

  g_mutex_clear (&self->lock);
  g_cond_clear (&self->cond);
  g_free (self);
}

static GPrivate own_waiter = G_PRIVATE_INIT (waiter_unref);

static ZuSqliteWaiter *
waiter_get (void)
{
  ZuSqliteWaiter *self = g_private_get (&own_waiter);

  if (self == NULL)
    {
      self = g_new0 (ZuSqliteWaiter, 1);
      g_atomic_ref_count_init (&self->refs);
      g_mutex_init (&self->lock);
      g_cond_init (&self->cond);
      g_private_set (&own_waiter, self);
    }

  g_atomic_ref_count_inc (&self->refs);
  return self;
}

static gsize
count_bytes (ZuEvent *event, GPtrArray *events)
{
  gsize length, sum = 0;

  if (event != NULL)
    zu_event_get_text (event, &sum);
  for (guint i = 0; events != NULL && i < events->len; i++)
    {
      zu_event_get_text (g_ptr_array_index (events, i), &length);
      sum += length;
    }

  return sum;
}

static void
fill (ZuSqliteOp *self, const ZuSqliteParams *params, ZuEvent *event, GPtrArray *events)
{
  self->params = params;
  self->event = event != NULL ? g_object_ref (event) : NULL;
  self->events = events != NULL ? g_ptr_array_ref (events) : NULL;
  self->deadline =
      g_get_monotonic_time () + params->busy_timeout * (gint64) G_TIME_SPAN_MILLISECOND;
  self->n_bytes = count_bytes (event, events);
}

/* For a thread that waits. */
void
zu_sqlite_op_init (ZuSqliteOp *self, const ZuSqliteParams *params, ZuEvent *event,
                   GPtrArray *events, GCancellable *cancellable)
{
  *self = (ZuSqliteOp){ .cancellable = cancellable, .waiter = waiter_get () };
  fill (self, params, event, events);
}

/* For a call; it frees itself when it is finished. The call keeps the sink, and so its params. */
ZuSqliteOp *
zu_sqlite_op_new_for_call (const ZuSqliteParams *params, ZuEvent *event, GPtrArray *events,
                           ZuCall *call)
{
  ZuSqliteOp *self = g_new0 (ZuSqliteOp, 1);

  self->call = g_object_ref (call);
  self->cancellable = zu_call_get_cancellable (call);
  fill (self, params, event, events);
  return self;
}

static void
drop_answer (ZuSqliteOp *self)
{
  g_clear_object (&self->stored);
  g_clear_pointer (&self->stored_many, g_ptr_array_unref);
  g_clear_error (&self->error);
}

void
zu_sqlite_op_clear (ZuSqliteOp *self)
{
  drop_answer (self);
  g_clear_object (&self->event);
  g_clear_pointer (&self->events, g_ptr_array_unref);
  g_clear_pointer (&self->waiter, waiter_unref);
  g_clear_object (&self->call);
}

guint
zu_sqlite_op_get_n_events (ZuSqliteOp *self)
{
  return self->events != NULL ? self->events->len : 1;
}

/* Whether it need not be tried any more, @now being a monotonic time; then it has its error. What
 * is cancelled before it was begun is not stored; after that the answer is what became of it. */
gboolean
zu_sqlite_op_is_out (ZuSqliteOp *self, gint64 now)
{
  if (g_cancellable_set_error_if_cancelled (self->cancellable, &self->error))
    return TRUE;
  if (now < self->deadline)
    return FALSE;

  g_set_error (&self->error, ZU_EVENT_SINK_ERROR, ZU_EVENT_SINK_ERROR_BUSY,
               "the log could not be had for %u ms; nothing was stored (another program holds it; "
               "try again when it has finished)",
               self->params->busy_timeout);
  return TRUE;
}

void
zu_sqlite_op_perform (ZuSqliteOp *self, ZuSqliteWriter *writer)
{
  if (self->events != NULL)
    self->stored_many =
        zu_sqlite_writer_append_many (writer, self->params, self->events, &self->error);
  else
    self->stored = zu_sqlite_writer_append (writer, self->params, self->event, &self->error);
}

/* Nothing of its transaction was stored, whatever was found out before. */
void
zu_sqlite_op_refuse (ZuSqliteOp *self, const GError *error)
{
  drop_answer (self);
  self->error = g_error_copy (error);
}

static void
answer_call (ZuSqliteOp *self)
{
  if (self->error != NULL)
    zu_call_return_error (self->call, self->error);
  else if (self->stored_many != NULL)
    zu_call_return_objects (self->call, self->stored_many);
  else
    zu_call_return_object (self->call, G_OBJECT (self->stored));

  zu_sqlite_op_clear (self);
  g_free (self);
}

/* Gives the answer; after this the operation is gone. */
void
zu_sqlite_op_finish (ZuSqliteOp *self)
{
  ZuSqliteWaiter *waiter = self->waiter;

  if (self->call != NULL)
    {
      answer_call (self);
      return;
    }

  g_atomic_ref_count_inc (&waiter->refs);
  g_mutex_lock (&waiter->lock);
  self->is_done = TRUE;
  if (self->is_asleep)
    g_cond_signal (&waiter->cond);
  g_mutex_unlock (&waiter->lock);
  waiter_unref (waiter);
}

void
zu_sqlite_op_wake_to_lead (ZuSqliteOp *self)
{
  ZuSqliteWaiter *waiter = self->waiter;

  g_mutex_lock (&waiter->lock);
  self->leads = TRUE;
  if (self->is_asleep)
    g_cond_signal (&waiter->cond);
  g_mutex_unlock (&waiter->lock);
}

/* Sleeps until there is an answer, or until it is this thread's turn to lead: then %FALSE. */
gboolean
zu_sqlite_op_wait (ZuSqliteOp *self)
{
  gboolean is_done;

  g_mutex_lock (&self->waiter->lock);
  while (!self->is_done && !self->leads)
    {
      self->is_asleep = TRUE;
      g_cond_wait (&self->waiter->cond, &self->waiter->lock);
      self->is_asleep = FALSE;
    }
  is_done = self->is_done;
  self->leads = FALSE;
  g_mutex_unlock (&self->waiter->lock);
  return is_done;
}
