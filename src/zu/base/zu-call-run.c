/* SPDX-License-Identifier: Apache-2.0 */

#include "zu-call-private.h"

/* How generated verbs call an implementation: at once, in its own time, or in one of its threads.
 */

typedef struct
{
  GType type;
  ZuCallInvoke invoke;
  GValue *in;
  guint n_in;
} ZuCallJob;

static void
job_free (gpointer data)
{
  ZuCallJob *job = data;

  for (guint i = 0; i < job->n_in; i++)
    g_value_unset (&job->in[i]);
  g_free (job->in);
  g_free (job);
}

/**
 * zu_call_run: (skip)
 * @object: the implementation
 * @begin: its `_begin` function, unpacked
 * @in: the arguments
 * @out: an initialised value, set to the answer
 * @nullable: whether null is an answer
 * @cancellable: (nullable): a #GCancellable
 * @error: return location for an error, or %NULL
 *
 * Calls an implementation that answers later, and waits. The implementation sees a private main
 * context as its thread's default; it must use that or answer from another thread.
 *
 * Returns: whether there was an answer
 */
gboolean
zu_call_run (GObject *object, ZuCallBegin begin, const GValue *in, GValue *out, gboolean nullable,
             GCancellable *cancellable, GError **error)
{
  g_autoptr (GMainContext) context = g_main_context_new ();
  g_autoptr (ZuCallState) state = NULL;
  ZuCall *call;

  if (g_cancellable_set_error_if_cancelled (cancellable, error))
    return FALSE;

  call = zu_call_new (G_VALUE_TYPE (out), nullable, NULL, context, cancellable);
  state = call->state;
  g_atomic_ref_count_inc (&state->refs);

  g_main_context_push_thread_default (context);
  begin (object, in, call);
  g_object_unref (call);
  while (g_atomic_int_get (&state->answered) != CALL_ANSWERED)
    g_main_context_iteration (context, TRUE);
  g_main_context_pop_thread_default (context);

  if (state->error != NULL)
    {
      g_propagate_error (error, g_steal_pointer (&state->error));
      return FALSE;
    }

  g_value_copy (&state->value, out);
  return TRUE;
}

/**
 * zu_call_start: (skip)
 * @object: the implementation
 * @begin: its `_begin` function, unpacked
 * @in: the arguments
 * @type: the type of the answer
 * @nullable: whether null is an answer
 * @tag: the source tag
 * @cancellable: (nullable): a #GCancellable
 * @callback: called with the result
 * @user_data: for @callback
 *
 * Calls an implementation that answers later.
 */
void
zu_call_start (GObject *object, ZuCallBegin begin, const GValue *in, GType type, gboolean nullable,
               gpointer tag, GCancellable *cancellable, GAsyncReadyCallback callback,
               gpointer user_data)
{
  g_autoptr (GTask) task = g_task_new (object, cancellable, callback, user_data);
  g_autoptr (ZuCall) call = NULL;

  g_task_set_source_tag (task, tag);
  /* The implementation knows whether it was done; GLib must not turn "done" into "cancelled". */
  g_task_set_check_cancellable (task, FALSE);
  if (g_task_return_error_if_cancelled (task))
    return;

  call = zu_call_new (type, nullable, task, NULL, cancellable);
  begin (object, in, call);
}

static void
run_job (gpointer data, gpointer user_data)
{
  g_autoptr (GTask) task = data;
  ZuCallJob *job = g_task_get_task_data (task);
  GError *error = NULL;
  g_auto (GValue) out = G_VALUE_INIT;

  if (g_cancellable_set_error_if_cancelled (g_task_get_cancellable (task), &error))
    {
      g_task_return_error (task, error);
      return;
    }

  g_value_init (&out, job->type);
  job->invoke (g_task_get_source_object (task), job->in, &out, g_task_get_cancellable (task),
               &error);
  zu_call_return_to_task (task, &out, error);
}

static void
pool_free (gpointer data)
{
  g_thread_pool_free (data, FALSE, FALSE);
}

/* The object's own threads: ten blocking calls would exhaust the pool that GTask shares. */
static GThreadPool *
get_pool (GObject *object, guint concurrency)
{
  static GMutex lock;
  GQuark quark = g_quark_from_static_string ("zu-call-pool");
  g_autoptr (GMutexLocker) locker = g_mutex_locker_new (&lock);
  GThreadPool *pool = g_object_get_qdata (object, quark);

  if (pool == NULL)
    {
      pool = g_thread_pool_new (run_job, NULL, (int) concurrency, FALSE, NULL);
      g_object_set_qdata_full (object, quark, pool, pool_free);
    }
  else if (g_thread_pool_get_max_threads (pool) < (int) concurrency)
    g_thread_pool_set_max_threads (pool, (int) concurrency, NULL);

  return pool;
}

/**
 * zu_call_start_in_thread: (skip)
 * @object: the implementation
 * @concurrency: most threads of @object at once
 * @invoke: the verb, unpacked
 * @in: (transfer full) (array length=n_in): the arguments
 * @n_in: how many
 * @type: the type of the answer
 * @tag: the source tag
 * @cancellable: (nullable): a #GCancellable
 * @callback: called with the result
 * @user_data: for @callback
 *
 * Runs a synchronous implementation in one of the object's own threads.
 */
void
zu_call_start_in_thread (GObject *object, guint concurrency, ZuCallInvoke invoke, GValue *in,
                         guint n_in, GType type, gpointer tag, GCancellable *cancellable,
                         GAsyncReadyCallback callback, gpointer user_data)
{
  GTask *task = g_task_new (object, cancellable, callback, user_data);
  ZuCallJob *job = g_new0 (ZuCallJob, 1);

  job->type = type;
  job->invoke = invoke;
  job->in = in;
  job->n_in = n_in;
  g_task_set_source_tag (task, tag);
  g_task_set_check_cancellable (task, FALSE);
  g_task_set_task_data (task, job, job_free);
  g_thread_pool_push (get_pool (object, concurrency), task, NULL);
}

/**
 * zu_call_finish: (skip)
 * @object: the implementation
 * @result: the result
 * @tag: the source tag
 * @out: an initialised value, set to the answer
 * @error: return location for an error, or %NULL
 *
 * Tells whether there was an answer.
 *
 * Returns: whether there was an answer
 */
gboolean
zu_call_finish (GObject *object, GAsyncResult *result, gpointer tag, GValue *out, GError **error)
{
  GValue *value;

  g_return_val_if_fail (g_task_is_valid (result, object), FALSE);
  g_return_val_if_fail (g_async_result_is_tagged (result, tag), FALSE);

  value = g_task_propagate_pointer (G_TASK (result), error);
  if (value == NULL)
    return FALSE;

  g_value_copy (value, out);
  zu_call_free_value (value);
  return TRUE;
}

/**
 * zu_call_check_implemented: (skip)
 * @is_implemented: whether the implementation has the verb in any form
 * @object: the implementation
 * @verb: the verb
 * @error: return location for an error, or %NULL
 *
 * Gives @is_implemented.
 *
 * Returns: @is_implemented; otherwise @error is %G_IO_ERROR_NOT_SUPPORTED
 */
gboolean
zu_call_check_implemented (gboolean is_implemented, GObject *object, const char *verb,
                           GError **error)
{
  if (!is_implemented)
    g_set_error (error, G_IO_ERROR, G_IO_ERROR_NOT_SUPPORTED, "%s does not implement %s",
                 G_OBJECT_TYPE_NAME (object), verb);

  return is_implemented;
}

/**
 * zu_call_check_sync: (skip)
 * @is_answered: whether the implementation gave something that may be an answer
 * @verb: the verb, for the message
 * @given: (transfer full) (nullable): the error that the implementation gave
 * @error: return location for an error, or %NULL
 *
 * Passes the implementation's error on, and makes one where it gave nothing at all.
 *
 * Returns: whether the answer stands
 */
gboolean
zu_call_check_sync (gboolean is_answered, const char *verb, GError *given, GError **error)
{
  if (given != NULL)
    {
      g_propagate_error (error, given);
      return FALSE;
    }
  if (!is_answered)
    g_set_error (error, G_IO_ERROR, G_IO_ERROR_FAILED, "%s gave neither an answer nor an error",
                 verb);

  return is_answered;
}

/**
 * zu_call_check_answer: (skip)
 * @out: what an implementation gave without an error
 * @nullable: whether null is an answer
 * @verb: who answered, for the message
 * @error: return location for an error, or %NULL
 *
 * Turns "nothing, and no error" into an error: a Python exception that nobody caught looks so.
 *
 * Returns: whether @out is an answer
 */
gboolean
zu_call_check_answer (const GValue *out, gboolean nullable, const char *verb, GError **error)
{
  if (nullable || !g_value_fits_pointer (out) || g_value_peek_pointer (out) != NULL)
    return TRUE;

  g_set_error (error, G_IO_ERROR, G_IO_ERROR_FAILED, "%s gave neither an answer nor an error",
               verb);
  return FALSE;
}
