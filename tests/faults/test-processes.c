/* SPDX-License-Identifier: Apache-2.0 */

/* Several users of one log: processes, forked children, programs that open its files for their own
 * ends, clocks that step back. */

#include "log-support.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#define N_CHILDREN 12
#define N_EACH     150
#define HOUR       3600

static gint64 clock_offset; /* seconds */

/* In place of the C library's: what everything in this process takes for the time of day. */
__attribute__ ((visibility ("default"))) int
clock_gettime (clockid_t id, struct timespec *now)
{
  int result = (int) syscall (SYS_clock_gettime, id, now);

  if (id == CLOCK_REALTIME)
    now->tv_sec += clock_offset;
  return result;
}

__attribute__ ((visibility ("default"))) int
gettimeofday (struct timeval *restrict now, void *restrict zone)
{
  int result = (int) syscall (SYS_gettimeofday, now, zone);

  now->tv_sec += clock_offset;
  return result;
}

static char *
dup_uri (SinkFixture *fixture)
{
  return fixture_uri (fixture, strcmp (fixture->kind, "jsonl") == 0 ? "?fsync=never" : NULL);
}

static void
finish (GSubprocess *process)
{
  g_autoptr (GError) error = NULL;
  g_autofree char *output = NULL;

  g_subprocess_communicate_utf8 (process, NULL, NULL, &output, NULL, &error);
  g_assert_no_error (error);
  g_assert_true (g_subprocess_get_successful (process));
}

/* Whoever closes any descriptor of a file drops all the locks that POSIX gave his process on it. */
static void
touch_files (SinkFixture *fixture)
{
  static const char *const names[] = { "log", "log.lock", "log-wal", "log-shm" };

  for (guint i = 0; i < G_N_ELEMENTS (names); i++)
    {
      g_autofree char *path = fixture_path (fixture, names[i]);
      int fd = open (path, O_RDWR | O_CLOEXEC);

      if (fd >= 0)
        close (fd);
    }
}

static void
test_closed_descriptors (SinkFixture *fixture, gconstpointer kind)
{
  g_autofree char *uri = dup_uri (fixture);
  g_autoptr (ZuEventSink) sink = fixture_open (fixture, NULL);
  guint n = 0;

  for (guint i = 0; i < 8; i++, n += 4)
    {
      g_autoptr (GSubprocess) other = NULL;

      append_some (sink, TRACE_A, 2);
      touch_files (fixture);
      other = start_appender (uri, TRACE_A, 1, FALSE);
      finish (other);
      append_some (sink, TRACE_A, 1);
    }
  g_clear_object (&sink);
  sink = fixture_open (fixture, NULL);
  assert_intact (sink, n);
}

/* The time of day steps back: what is stored keeps its order and its own times, and what is read by
 * files' times is read all the same. */
static void
test_clock_back (SinkFixture *fixture, gconstpointer kind)
{
  g_autofree char *uri = dup_uri (fixture);
  g_autoptr (ZuEventSink) sink = fixture_open (fixture, NULL),
                          reader = fixture_open (fixture, NULL);
  g_autoptr (GSubprocess) other = NULL;
  g_autoptr (GPtrArray) events = NULL;
  g_autoptr (GError) error = NULL;
  g_autoptr (ZuEvent) early = NULL, late = make_event (TRACE_A, 1), stored = append_ok (sink, late);

  clock_offset = -HOUR;
  early = make_event (TRACE_A, 2);
  g_assert_cmpstr (zu_event_get_ts (early), <, zu_event_get_ts (late));
  g_clear_object (&stored);
  stored = append_ok (sink, early);
  g_assert_cmpstr (zu_event_get_prev_hash (stored), !=, NULL);
  g_clear_object (&sink);
  assert_intact (reader, 2);
  other = start_appender (uri, TRACE_A, 3, FALSE);
  finish (other);

  assert_intact (reader, 5);
  events = query_ok (reader, NULL);
  g_assert_cmpstr (zu_event_get_ts (g_ptr_array_index (events, 0)), ==, zu_event_get_ts (late));
  g_assert_cmpstr (zu_event_get_ts (g_ptr_array_index (events, 1)), ==, zu_event_get_ts (early));
  clock_offset = 0;
}

/* A child that was forked while the log is open, and closes it. */
static void
drop_in_child (ZuEventSink *sink)
{
  pid_t child = fork ();
  int status;

  if (child == 0)
    {
      g_object_unref (sink);
      _exit (0);
    }
  g_assert_cmpint (child, >, 0);
  g_assert_cmpint (waitpid (child, &status, 0), ==, child);
  g_assert_cmpint (status, ==, 0);
}

/* Whatever a child closes, the parent's lock stays: two processes still make one chain. */
static void
fork_often (const char *kind)
{
  SinkFixture fixture;
  g_autofree char *uri = NULL;
  g_autoptr (ZuEventSink) sink = NULL;
  g_autoptr (GSubprocess) other = NULL;

  sink_set_up (&fixture, kind);
  uri = dup_uri (&fixture);
  sink = fixture_open (&fixture, NULL);
  append_some (sink, TRACE_A, 1);
  other = start_appender (uri, TRACE_A, N_EACH, FALSE);
  for (guint i = 0; i < N_CHILDREN; i++)
    {
      append_some (sink, TRACE_A, 5);
      drop_in_child (sink);
    }
  finish (other);
  assert_intact (sink, 1 + N_EACH + 5 * N_CHILDREN);
  g_clear_object (&sink);
  sink_tear_down (&fixture, kind);
}

static void
test_forked (gconstpointer kind)
{
  if (g_test_subprocess ())
    {
      fork_often (kind);
      return;
    }
  g_test_trap_subprocess (NULL, 60 * G_USEC_PER_SEC, G_TEST_SUBPROCESS_INHERIT_STDERR);
  g_test_trap_assert_passed ();
}

static void
note_answer (GObject *source, GAsyncResult *result, gpointer user_data)
{
  *(GAsyncResult **) user_data = g_object_ref (result);
}

/* Cancelled at any moment: the answer says what became of it, and the same event once more is
 * answered with what is stored. */
static void
test_cancelled (SinkFixture *fixture, gconstpointer kind)
{
  g_autoptr (ZuEventSink) sink = fixture_open (fixture, NULL);
  guint n_stored = 0;

  for (guint i = 0; i < N_EACH; i++)
    {
      g_autoptr (GCancellable) cancellable = g_cancellable_new ();
      g_autoptr (GAsyncResult) result = NULL;
      g_autoptr (GError) error = NULL;
      g_autoptr (ZuEvent) event = make_event (TRACE_A, (int) i), stored = NULL, again = NULL;
      g_autoptr (ZuFilter) filter = filter_of ("event_id", zu_event_get_event_id (event));

      zu_event_sink_append_async (sink, event, cancellable, note_answer, &result);
      g_usleep (g_random_int () % 60);
      g_cancellable_cancel (cancellable);
      while (result == NULL)
        g_main_context_iteration (NULL, TRUE);
      stored = zu_event_sink_append_finish (sink, result, &error);
      n_stored += stored != NULL;
      g_assert_true (stored != NULL || g_error_matches (error, G_IO_ERROR, G_IO_ERROR_CANCELLED));
      if (stored != NULL)
        g_assert_cmpint (zu_event_sink_count (sink, filter, NULL, NULL), ==, 1);

      again = append_ok (sink, event);
      g_assert_cmpint (zu_event_sink_count (sink, filter, NULL, NULL), ==, 1);
    }
  g_test_message ("%u of %u were stored before they were cancelled", n_stored, N_EACH);
  assert_intact (sink, N_EACH);
}

static const struct
{
  const char *name;
  void (*func) (SinkFixture *, gconstpointer);
} tests[] = {
  { "closed-descriptors", test_closed_descriptors },
  { "clock-back", test_clock_back },
  { "cancelled", test_cancelled },
};

int
main (int argc, char **argv)
{
  static const char *const kinds[] = { "sqlite", "jsonl" };

  g_test_init (&argc, &argv, NULL);
  silence_messages ();
  g_test_add_data_func ("/faults/processes/sqlite/forked", "sqlite", test_forked);
  g_test_add_data_func ("/faults/processes/jsonl/forked", "jsonl", test_forked);
  for (guint k = 0; k < G_N_ELEMENTS (kinds); k++)
    for (guint i = 0; i < G_N_ELEMENTS (tests); i++)
      {
        g_autofree char *path =
            g_strdup_printf ("/faults/processes/%s/%s", kinds[k], tests[i].name);

        g_test_add (path, SinkFixture, kinds[k], sink_set_up, tests[i].func, sink_tear_down);
      }
  return g_test_run ();
}
