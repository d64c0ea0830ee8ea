/* SPDX-License-Identifier: Apache-2.0 */

#include <zu/zu.h>

/* Calls that an implementation answers in its own time, or badly, or not at all. */

typedef enum
{
  ANSWER_NOW,
  ANSWER_FROM_THREAD,
  ANSWER_TWICE,
  ANSWER_NULL,
  ANSWER_WRONG_TYPE,
  ANSWER_ERROR,
  ANSWER_IN_CONTEXT,
  ANSWER_AFTER_CANCEL,
  DROP,
} Manner;

static Manner manner;
static ZuCall *kept;

static gpointer
answer_from_thread (gpointer data)
{
  g_autoptr (ZuCall) call = data;

  g_usleep (2000);
  zu_call_return_string (call, "later");
  return NULL;
}

static gboolean
answer_in_context (gpointer data)
{
  zu_call_return_string (data, "in context");
  return G_SOURCE_REMOVE;
}

static void
answer_cancelled (GCancellable *cancellable, gpointer data)
{
  g_autoptr (GError) error = NULL;

  g_cancellable_set_error_if_cancelled (cancellable, &error);
  zu_call_return_error (data, error);
}

static void
begin (GObject *object, const GValue *in, ZuCall *call)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (GSource) source = NULL;

  switch (manner)
    {
    case ANSWER_NOW:
      zu_call_return_string (call, g_value_get_string (&in[0]));
      break;
    case ANSWER_FROM_THREAD:
      g_thread_unref (g_thread_new ("answer", answer_from_thread, g_object_ref (call)));
      break;
    case ANSWER_TWICE:
      zu_call_return_string (call, "first");
      zu_call_return_string (call, "second");
      zu_call_return_nothing (call);
      break;
    case ANSWER_NULL:
      zu_call_return_nothing (call);
      break;
    case ANSWER_WRONG_TYPE:
      zu_call_return_int64 (call, 5);
      break;
    case ANSWER_ERROR:
      error = g_error_new_literal (G_IO_ERROR, G_IO_ERROR_BUSY, "later");
      zu_call_return_error (call, error);
      zu_call_return_string (call, "too late");
      break;
    case ANSWER_IN_CONTEXT:
      source = g_timeout_source_new (2);
      g_source_set_callback (source, answer_in_context, g_object_ref (call), g_object_unref);
      g_source_attach (source, g_main_context_get_thread_default ());
      break;
    case ANSWER_AFTER_CANCEL:
      g_object_set_data_full (G_OBJECT (zu_call_get_cancellable (call)), "call",
                              g_object_ref (call), g_object_unref);
      g_signal_connect (zu_call_get_cancellable (call), "cancelled", G_CALLBACK (answer_cancelled),
                        call);
      break;
    case DROP:
    default:
      break;
    }
}

static char *
run (Manner how, gboolean nullable, GCancellable *cancellable, GError **error)
{
  g_autoptr (GObject) object = g_object_new (G_TYPE_OBJECT, NULL);
  g_auto (GValue) in = G_VALUE_INIT;
  g_auto (GValue) out = G_VALUE_INIT;

  manner = how;
  g_value_init (&in, G_TYPE_STRING);
  g_value_set_static_string (&in, "now");
  g_value_init (&out, G_TYPE_STRING);
  if (!zu_call_run (object, begin, &in, &out, nullable, cancellable, error))
    return NULL;

  return g_value_dup_string (&out);
}

static void
keep_result (GObject *source, GAsyncResult *result, gpointer data)
{
  g_assert_null (*(GAsyncResult **) data);
  *(GAsyncResult **) data = g_object_ref (result);
}

static char *
run_async (Manner how, gboolean nullable, GCancellable *cancellable, GError **error)
{
  g_autoptr (GObject) object = g_object_new (G_TYPE_OBJECT, NULL);
  g_autoptr (GAsyncResult) result = NULL;
  g_auto (GValue) in = G_VALUE_INIT;
  g_auto (GValue) out = G_VALUE_INIT;

  manner = how;
  g_value_init (&in, G_TYPE_STRING);
  g_value_set_static_string (&in, "now");
  g_value_init (&out, G_TYPE_STRING);
  zu_call_start (object, begin, &in, G_TYPE_STRING, nullable, run_async, cancellable, keep_result,
                 &result);
  if (how == ANSWER_AFTER_CANCEL)
    g_cancellable_cancel (cancellable);
  while (result == NULL)
    g_main_context_iteration (NULL, TRUE);
  if (!zu_call_finish (object, result, run_async, &out, error))
    return NULL;

  return g_value_dup_string (&out);
}

static void
check_both (Manner how, gboolean nullable, const char *wanted)
{
  g_autoptr (GError) error = NULL;
  g_autofree char *one = run (how, nullable, NULL, &error);
  g_autofree char *two = run_async (how, nullable, NULL, &error);

  g_assert_no_error (error);
  g_assert_cmpstr (one, ==, wanted);
  g_assert_cmpstr (two, ==, wanted);
}

static void
check_both_fail (Manner how, int code)
{
  g_autoptr (GError) one = NULL;
  g_autoptr (GError) two = NULL;

  g_assert_null (run (how, FALSE, NULL, &one));
  g_assert_error (one, G_IO_ERROR, code);
  g_assert_null (run_async (how, FALSE, NULL, &two));
  g_assert_error (two, G_IO_ERROR, code);
}

static void
test_answered (void)
{
  check_both (ANSWER_NOW, FALSE, "now");
  check_both (ANSWER_FROM_THREAD, FALSE, "later");
  check_both (ANSWER_TWICE, FALSE, "first");
  check_both (ANSWER_NULL, TRUE, NULL);
  check_both (ANSWER_IN_CONTEXT, FALSE, "in context");
}

static void
test_answered_badly (void)
{
  check_both_fail (ANSWER_NULL, G_IO_ERROR_FAILED);
  check_both_fail (ANSWER_WRONG_TYPE, G_IO_ERROR_FAILED);
  check_both_fail (ANSWER_ERROR, G_IO_ERROR_BUSY);
  check_both_fail (DROP, G_IO_ERROR_FAILED);
}

static void
test_cancelled_before (void)
{
  g_autoptr (GCancellable) cancellable = g_cancellable_new ();
  g_autoptr (GError) one = NULL;
  g_autoptr (GError) two = NULL;

  g_cancellable_cancel (cancellable);
  g_assert_null (run (ANSWER_NOW, FALSE, cancellable, &one));
  g_assert_error (one, G_IO_ERROR, G_IO_ERROR_CANCELLED);
  g_assert_null (run_async (ANSWER_NOW, FALSE, cancellable, &two));
  g_assert_error (two, G_IO_ERROR, G_IO_ERROR_CANCELLED);
}

static gpointer
cancel_soon (gpointer cancellable)
{
  g_usleep (5000);
  g_cancellable_cancel (cancellable);
  return NULL;
}

static void
test_cancelled_during (void)
{
  g_autoptr (GCancellable) cancellable = g_cancellable_new ();
  g_autoptr (GCancellable) other = g_cancellable_new ();
  g_autoptr (GError) one = NULL;
  g_autoptr (GError) two = NULL;
  GThread *thread = g_thread_new ("cancel", cancel_soon, cancellable);

  g_assert_null (run (ANSWER_AFTER_CANCEL, FALSE, cancellable, &one));
  g_assert_error (one, G_IO_ERROR, G_IO_ERROR_CANCELLED);
  g_thread_join (thread);
  g_object_set_data (G_OBJECT (cancellable), "call", NULL);

  g_assert_null (run_async (ANSWER_AFTER_CANCEL, FALSE, other, &two));
  g_assert_error (two, G_IO_ERROR, G_IO_ERROR_CANCELLED);
  g_object_set_data (G_OBJECT (other), "call", NULL);
}

/* What was done stays done: an answer after the cancellation is the answer. */
static void
keep_call (GObject *object, const GValue *in, ZuCall *call)
{
  kept = g_object_ref (call);
}

static void
test_done_in_spite_of_cancel (void)
{
  g_autoptr (GObject) object = g_object_new (G_TYPE_OBJECT, NULL);
  g_autoptr (GCancellable) cancellable = g_cancellable_new ();
  g_autoptr (GAsyncResult) result = NULL;
  g_autoptr (GError) error = NULL;
  g_auto (GValue) out = G_VALUE_INIT;

  zu_call_start (object, keep_call, NULL, G_TYPE_INT64, FALSE, keep_call, cancellable, keep_result,
                 &result);
  g_cancellable_cancel (cancellable);
  zu_call_return_int64 (kept, 42);
  g_clear_object (&kept);
  while (result == NULL)
    g_main_context_iteration (NULL, TRUE);

  g_value_init (&out, G_TYPE_INT64);
  g_assert_true (zu_call_finish (object, result, keep_call, &out, &error));
  g_assert_no_error (error);
  g_assert_cmpint (g_value_get_int64 (&out), ==, 42);
}

typedef struct
{
  int running;
  int most;
  int done;
} Load;

static gboolean
work (GObject *object, const GValue *in, GValue *out, GCancellable *cancellable, GError **error)
{
  Load *load = g_object_get_data (object, "load");
  int now = g_atomic_int_add (&load->running, 1) + 1;
  int most;

  do
    most = g_atomic_int_get (&load->most);
  while (now > most && !g_atomic_int_compare_and_exchange (&load->most, most, now));

  g_usleep (2000);
  g_atomic_int_add (&load->running, -1);
  g_value_set_int64 (out, g_value_get_int64 (&in[0]));
  return TRUE;
}

static void
count_done (GObject *source, GAsyncResult *result, gpointer data)
{
  Load *load = data;
  g_auto (GValue) out = G_VALUE_INIT;

  g_value_init (&out, G_TYPE_INT64);
  g_assert_true (zu_call_finish (source, result, work, &out, NULL));
  load->done++;
}

/* Most of 3 threads, of the object's own; the order of the calls is the order of their start. */
static void
test_threads (void)
{
  g_autoptr (GObject) object = g_object_new (G_TYPE_OBJECT, NULL);
  Load load = { 0 };

  g_object_set_data (object, "load", &load);
  for (int i = 0; i < 30; i++)
    {
      GValue *in = g_new0 (GValue, 1);

      g_value_init (in, G_TYPE_INT64);
      g_value_set_int64 (in, i);
      zu_call_start_in_thread (object, 3, work, in, 1, G_TYPE_INT64, work, NULL, count_done, &load);
    }
  while (load.done < 30)
    g_main_context_iteration (NULL, TRUE);

  g_assert_cmpint (load.most, <=, 3);
  g_assert_cmpint (load.most, >, 1);
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/call/answered", test_answered);
  g_test_add_func ("/call/answered-badly", test_answered_badly);
  g_test_add_func ("/call/cancelled-before", test_cancelled_before);
  g_test_add_func ("/call/cancelled-during", test_cancelled_during);
  g_test_add_func ("/call/done-in-spite-of-cancel", test_done_in_spite_of_cancel);
  g_test_add_func ("/call/threads", test_threads);

  return g_test_run ();
}
