/* SPDX-License-Identifier: Apache-2.0 */

#include "zu-call.h"

/**
 * ZuCall:
 *
 * One call of a port's verb that an implementation answers in its own time.
 *
 * An implementation that overrides a verb's `_begin` function is handed a call. It answers once,
 * from any thread, with one of the `return` functions; the first answer wins and later ones are
 * dropped. A call that loses its last reference unanswered answers with %G_IO_ERROR_FAILED, so
 * that no caller waits for ever.
 */

/* Outlives the call where somebody still waits for the answer. */
typedef struct
{
  gatomicrefcount refs;
  GType type;
  gboolean nullable;
  GTask *task;           /* of an asynchronous caller */
  GMainContext *context; /* of a caller who waits */
  int answered;
  GValue value;
  GError *error;
} ZuCallState;

struct _ZuCall
{
  GObject parent_instance;
  ZuCallState *state;
  GCancellable *cancellable;
};

G_DEFINE_FINAL_TYPE (ZuCall, zu_call, G_TYPE_OBJECT)

enum
{
  CALL_OPEN,
  CALL_ANSWERING,
  CALL_ANSWERED,
};

typedef struct
{
  GType type;
  ZuCallInvoke invoke;
  GValue *in;
  guint n_in;
} ZuCallJob;

static void
zu_call_state_unref (ZuCallState *state)
{
  if (!g_atomic_ref_count_dec (&state->refs))
    return;

  if (G_IS_VALUE (&state->value))
    g_value_unset (&state->value);
  g_clear_error (&state->error);
  g_clear_object (&state->task);
  g_clear_pointer (&state->context, g_main_context_unref);
  g_free (state);
}

G_DEFINE_AUTOPTR_CLEANUP_FUNC (ZuCallState, zu_call_state_unref)

static void
free_value (gpointer data)
{
  g_value_unset (data);
  g_free (data);
}

static void
job_free (gpointer data)
{
  ZuCallJob *job = data;

  for (guint i = 0; i < job->n_in; i++)
    g_value_unset (&job->in[i]);
  g_free (job->in);
  g_free (job);
}

static void
return_to_task (GTask *task, GValue *value, GError *error)
{
  GValue *copy;

  if (error != NULL)
    {
      g_task_return_error (task, error);
      return;
    }

  copy = g_new0 (GValue, 1);
  if (G_IS_VALUE (value))
    {
      g_value_init (copy, G_VALUE_TYPE (value));
      g_value_copy (value, copy);
    }
  else
    g_value_init (copy, G_TYPE_BOOLEAN);
  g_task_return_pointer (task, copy, free_value);
}

/* Takes the error. The first to come answers; for all others the error is dropped. */
static void
answer (ZuCallState *state, const GValue *value, GError *error)
{
  if (!g_atomic_int_compare_and_exchange (&state->answered, CALL_OPEN, CALL_ANSWERING))
    {
      g_clear_error (&error);
      return;
    }

  if (error == NULL && value != NULL
      && !g_value_type_compatible (G_VALUE_TYPE (value), state->type))
    error =
        g_error_new (G_IO_ERROR, G_IO_ERROR_FAILED, "the implementation answered with %s, not %s",
                     G_VALUE_TYPE_NAME (value), g_type_name (state->type));

  if (error == NULL && value != NULL)
    {
      g_value_init (&state->value, state->type);
      g_value_copy (value, &state->value);
      zu_call_check_answer (&state->value, state->nullable, "the implementation", &error);
    }

  state->error = error;
  g_atomic_int_set (&state->answered, CALL_ANSWERED);

  if (state->task != NULL)
    return_to_task (state->task, &state->value, g_steal_pointer (&state->error));
  else
    g_main_context_wakeup (state->context);
}

static void
zu_call_dispose (GObject *object)
{
  ZuCall *self = ZU_CALL (object);

  if (self->state != NULL && g_atomic_int_get (&self->state->answered) == CALL_OPEN)
    answer (self->state, NULL,
            g_error_new_literal (G_IO_ERROR, G_IO_ERROR_FAILED,
                                 "the implementation dropped the call without an answer"));
  g_clear_pointer (&self->state, zu_call_state_unref);
  g_clear_object (&self->cancellable);

  G_OBJECT_CLASS (zu_call_parent_class)->dispose (object);
}

static void
zu_call_class_init (ZuCallClass *klass)
{
  G_OBJECT_CLASS (klass)->dispose = zu_call_dispose;
}

static void
zu_call_init (ZuCall *self)
{
}

static ZuCall *
call_new (GType type, gboolean nullable, GTask *task, GMainContext *context,
          GCancellable *cancellable)
{
  ZuCall *self = g_object_new (ZU_TYPE_CALL, NULL);

  self->state = g_new0 (ZuCallState, 1);
  g_atomic_ref_count_init (&self->state->refs);
  self->state->type = type;
  self->state->nullable = nullable;
  self->state->task = task != NULL ? g_object_ref (task) : NULL;
  self->state->context = context != NULL ? g_main_context_ref (context) : NULL;
  g_set_object (&self->cancellable, cancellable);
  return self;
}

/**
 * zu_call_get_cancellable:
 * @self: a call
 *
 * Returns: (transfer none) (nullable): what the caller cancels the call with
 */
GCancellable *
zu_call_get_cancellable (ZuCall *self)
{
  g_return_val_if_fail (ZU_IS_CALL (self), NULL);

  return self->cancellable;
}

/**
 * zu_call_return_value:
 * @self: a call
 * @value: the answer, of the type that the verb gives
 *
 * Answers the call; a value of another type becomes %G_IO_ERROR_FAILED for the caller.
 */
void
zu_call_return_value (ZuCall *self, const GValue *value)
{
  g_return_if_fail (ZU_IS_CALL (self));
  g_return_if_fail (G_IS_VALUE (value));

  answer (self->state, value, NULL);
}

/**
 * zu_call_return_nothing:
 * @self: a call
 *
 * Answers a verb that gives nothing with "done", and one whose result may be null with null.
 */
void
zu_call_return_nothing (ZuCall *self)
{
  g_auto (GValue) value = G_VALUE_INIT;

  g_return_if_fail (ZU_IS_CALL (self));

  g_value_init (&value, self->state->type);
  if (self->state->type == G_TYPE_BOOLEAN)
    g_value_set_boolean (&value, TRUE);
  answer (self->state, &value, NULL);
}

/**
 * zu_call_return_boolean:
 * @self: a call
 * @value: the answer
 *
 * Answers a verb that gives a boolean.
 */
void
zu_call_return_boolean (ZuCall *self, gboolean value)
{
  g_auto (GValue) holder = G_VALUE_INIT;

  g_return_if_fail (ZU_IS_CALL (self));

  g_value_init (&holder, G_TYPE_BOOLEAN);
  g_value_set_boolean (&holder, value);
  answer (self->state, &holder, NULL);
}

/**
 * zu_call_return_int64:
 * @self: a call
 * @value: the answer
 *
 * Answers a verb that gives a 64-bit number.
 */
void
zu_call_return_int64 (ZuCall *self, gint64 value)
{
  g_auto (GValue) holder = G_VALUE_INIT;

  g_return_if_fail (ZU_IS_CALL (self));

  g_value_init (&holder, G_TYPE_INT64);
  g_value_set_int64 (&holder, value);
  answer (self->state, &holder, NULL);
}

/**
 * zu_call_return_string:
 * @self: a call
 * @value: (nullable): the answer
 *
 * Answers a verb that gives text.
 */
void
zu_call_return_string (ZuCall *self, const char *value)
{
  g_auto (GValue) holder = G_VALUE_INIT;

  g_return_if_fail (ZU_IS_CALL (self));

  g_value_init (&holder, G_TYPE_STRING);
  g_value_set_string (&holder, value);
  answer (self->state, &holder, NULL);
}

/**
 * zu_call_return_object:
 * @self: a call
 * @value: (nullable) (transfer none): the answer
 *
 * Answers a verb that gives an object: a record, an event, a port.
 */
void
zu_call_return_object (ZuCall *self, GObject *value)
{
  g_auto (GValue) holder = G_VALUE_INIT;

  g_return_if_fail (ZU_IS_CALL (self));

  if (value == NULL)
    {
      g_value_init (&holder, self->state->type);
      answer (self->state, &holder, NULL);
      return;
    }

  g_value_init (&holder, G_OBJECT_TYPE (value));
  g_value_set_object (&holder, value);
  answer (self->state, &holder, NULL);
}

/**
 * zu_call_return_objects:
 * @self: a call
 * @value: (element-type GObject) (transfer none): the answer
 *
 * Answers a verb that gives an array of objects.
 */
void
zu_call_return_objects (ZuCall *self, GPtrArray *value)
{
  g_auto (GValue) holder = G_VALUE_INIT;
  g_autoptr (GPtrArray) copy = NULL;

  g_return_if_fail (ZU_IS_CALL (self));
  g_return_if_fail (value != NULL);

  /* A copy that owns its elements, whatever the caller's array does. */
  copy = g_ptr_array_new_full (value->len, g_object_unref);
  for (guint i = 0; i < value->len; i++)
    g_ptr_array_add (copy, g_object_ref (g_ptr_array_index (value, i)));

  g_value_init (&holder, G_TYPE_PTR_ARRAY);
  g_value_set_boxed (&holder, copy);
  answer (self->state, &holder, NULL);
}

/**
 * zu_call_return_error:
 * @self: a call
 * @error: why it was not done
 *
 * Answers the call with an error, in the port's own domain where it has a code for it.
 */
void
zu_call_return_error (ZuCall *self, const GError *error)
{
  g_return_if_fail (ZU_IS_CALL (self));
  g_return_if_fail (error != NULL);

  answer (self->state, NULL, g_error_copy (error));
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
  ZuCall *call = call_new (G_VALUE_TYPE (out), nullable, NULL, context, cancellable);

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

  call = call_new (type, nullable, task, NULL, cancellable);
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
  return_to_task (task, &out, error);
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
  free_value (value);
  return TRUE;
}

/**
 * zu_call_check_implemented: (skip)
 * @is_implemented: whether the implementation has the verb in any form
 * @object: the implementation
 * @verb: the verb
 * @error: return location for an error, or %NULL
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
