/* SPDX-License-Identifier: Apache-2.0 */

#include "zu-rpc-link-private.h"

#include <sys/socket.h>

/* Calls that nobody waits for: a task is answered from its own main context. */

static void
call_free (ZuRpcCall *call)
{
  if (call->cancel_source != NULL)
    g_source_destroy (call->cancel_source);
  g_clear_pointer (&call->cancel_source, g_source_unref);
  g_clear_object (&call->task);
  g_clear_pointer (&call->result, zu_json_unref);
  g_clear_error (&call->error);
  zu_rpc_link_unref (call->link);
  g_free (call);
}

static void
answer_task (ZuRpcCall *call)
{
  if (call->error != NULL)
    g_task_return_error (call->task, g_steal_pointer (&call->error));
  else
    g_task_return_pointer (call->task, g_steal_pointer (&call->result),
                           (GDestroyNotify) zu_json_unref);
  call_free (call);
}

/* One after the other from a queue, so that a callback that runs the main context again finds the
 * others there. */
static gboolean
answer_tasks (gpointer data)
{
  ZuRpcCall *call;

  while ((call = g_queue_pop_head (data)) != NULL)
    answer_task (call);
  return G_SOURCE_REMOVE;
}

/* Under the lock: hands the tasks that are finished to their main contexts, each of which is woken
 * once. A callback never runs inside somebody else's call here. */
void
zu_rpc_link_deliver_finished (ZuRpcLink *self)
{
  while (!g_queue_is_empty (&self->finished))
    {
      ZuRpcCall *first = g_queue_peek_head (&self->finished);
      GMainContext *context = g_task_get_context (first->task);
      g_autoptr (GSource) source = g_idle_source_new ();
      GQueue *batch = g_queue_new ();

      for (GList *l = self->finished.head, *next; l != NULL; l = next)
        {
          next = l->next;
          if (g_task_get_context (((ZuRpcCall *) l->data)->task) != context)
            continue;
          g_queue_unlink (&self->finished, l);
          g_queue_push_tail_link (batch, l);
        }
      g_source_set_priority (source, g_task_get_priority (first->task));
      g_source_set_can_recurse (source, TRUE);
      g_source_set_callback (source, answer_tasks, batch, (GDestroyNotify) g_queue_free);
      g_source_attach (source, context);
    }
}

static gboolean
give_task_up (GCancellable *cancellable, gpointer data)
{
  ZuRpcCall *call = data;
  ZuRpcLink *self = call->link;

  g_mutex_lock (&self->lock);
  if (!call->done)
    {
      g_hash_table_insert (self->calls, GSIZE_TO_POINTER (call->id), &zu_rpc_given_up);
      zu_rpc_link_finish_call (self, call, NULL,
                               g_error_new_literal (G_IO_ERROR, G_IO_ERROR_CANCELLED,
                                                    "the call was cancelled"));
      zu_rpc_link_deliver_finished (self);
    }
  g_mutex_unlock (&self->lock);
  return G_SOURCE_REMOVE;
}

/* Under the lock: counts a call with a task, and lets it be cancelled. */
void
zu_rpc_link_watch_task (ZuRpcLink *self, ZuRpcCall *call)
{
  self->n_tasks++;
  if (g_task_get_cancellable (call->task) == NULL)
    return;
  call->cancel_source = g_cancellable_source_new (g_task_get_cancellable (call->task));
  g_source_set_callback (call->cancel_source, G_SOURCE_FUNC (give_task_up), call, NULL);
  g_source_attach (call->cancel_source, g_task_get_context (call->task));
}

static gpointer
finish_sending (gpointer data)
{
  g_autoptr (ZuRpcLink) self = data;

  if (zu_rpc_writer_resume (&self->writer) == ZU_RPC_FLUSH_FAILED)
    shutdown (self->fd, SHUT_RDWR);
  return NULL;
}

/* Sends what is queued without waiting for the peer; what it does not take is left to a thread. */
static void
send_queued (ZuRpcLink *self)
{
  ZuRpcFlush result = zu_rpc_writer_flush (&self->writer, FALSE);

  if (result == ZU_RPC_FLUSH_STALLED)
    g_thread_unref (g_thread_new ("zu-rpc-writer", finish_sending, zu_rpc_link_ref (self)));
  else if (result == ZU_RPC_FLUSH_FAILED)
    shutdown (self->fd, SHUT_RDWR);
}

static gpointer
helper_thread (gpointer data)
{
  g_autoptr (ZuRpcLink) self = data;

  g_mutex_lock (&self->lock);
  while (self->n_tasks > 0)
    {
      if (self->reading)
        g_cond_wait (&self->helper_cond, &self->lock);
      else
        {
          zu_rpc_link_read_for_all (self, NULL);
          g_mutex_unlock (&self->lock);
          send_queued (self);
          g_mutex_lock (&self->lock);
        }
    }
  self->has_helper = FALSE;
  zu_rpc_link_hand_reading_on (self);
  g_mutex_unlock (&self->lock);
  return NULL;
}

static gboolean
send_due (gpointer data)
{
  ZuRpcLink *self = data;

  g_mutex_lock (&self->lock);
  self->flush_is_due = FALSE;
  g_mutex_unlock (&self->lock);
  send_queued (self);
  return G_SOURCE_REMOVE;
}

/* A call that is alone goes out at once. Where others are in flight, those that are made in one
 * turn of the main context go out together: after that turn, or with the next reply. */
static void
send_task (ZuRpcLink *self, GMainContext *context)
{
  g_autoptr (GSource) source = NULL;
  gboolean alone, due;

  g_mutex_lock (&self->lock);
  alone = self->n_tasks <= 1;
  due = self->flush_is_due;
  self->flush_is_due = due || !alone;
  if (!self->has_helper)
    {
      self->has_helper = TRUE;
      g_thread_unref (g_thread_new ("zu-rpc-reader", helper_thread, zu_rpc_link_ref (self)));
    }
  g_mutex_unlock (&self->lock);

  if (alone)
    send_queued (self);
  if (alone || due)
    return;
  source = g_idle_source_new ();
  g_source_set_priority (source, G_PRIORITY_DEFAULT);
  g_source_set_callback (source, send_due, zu_rpc_link_ref (self),
                         (GDestroyNotify) zu_rpc_link_unref);
  g_source_attach (source, context);
}

/* Takes over the task's reference. */
void
zu_rpc_link_call_task (ZuRpcLink *self, const char *method, ZuJson *args, GTask *task)
{
  g_autoptr (GMainContext) context = g_main_context_ref (g_task_get_context (task));
  ZuRpcCall *call = g_new0 (ZuRpcCall, 1);
  GError *error = NULL;

  call->task = task;
  call->link = zu_rpc_link_ref (self);
  if (zu_rpc_link_start_call (self, call, method, args, &error))
    send_task (self, context);
  else
    {
      g_task_return_error (task, error);
      call_free (call);
    }
}
