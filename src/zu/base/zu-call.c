/* SPDX-License-Identifier: Apache-2.0 */

#include "zu-call-private.h"

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

G_DEFINE_FINAL_TYPE (ZuCall, zu_call, G_TYPE_OBJECT)

void
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

void
zu_call_free_value (gpointer data)
{
  g_value_unset (data);
  g_free (data);
}

void
zu_call_return_to_task (GTask *task, GValue *value, GError *error)
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
  g_task_return_pointer (task, copy, zu_call_free_value);
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
    zu_call_return_to_task (state->task, &state->value, g_steal_pointer (&state->error));
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

ZuCall *
zu_call_new (GType type, gboolean nullable, GTask *task, GMainContext *context,
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
 * Gives what the caller cancels the call with.
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
