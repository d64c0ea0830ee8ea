/* SPDX-License-Identifier: Apache-2.0 */

/* What logs in files share: a lock between open files, threads and processes, and the warning
 * before a disk is full. */

#include "sinks-support.h"
#include "zu-file-lock.h"
#include "zu-space-watch.h"

#include <fcntl.h>
#include <glib/gstdio.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#define LONG_ENOUGH (20 * G_TIME_SPAN_SECOND)

static ZuFileLock *
open_lock (SinkFixture *fixture)
{
  g_autofree char *path = fixture_path (fixture, "log");
  g_autoptr (GError) error = NULL;
  ZuFileLock *lock = zu_file_lock_new_beside (path, &error);

  g_assert_no_error (error);
  return lock;
}

static gboolean
wait_for (ZuFileLock *lock, ZuFileLockMode mode, gint64 span)
{
  return zu_file_lock_wait (lock, mode, g_get_monotonic_time () + span, NULL);
}

static void
test_modes (SinkFixture *fixture, gconstpointer kind)
{
  g_autoptr (ZuFileLock) a = open_lock (fixture), b = open_lock (fixture), c = open_lock (fixture);

  g_assert_true (zu_file_lock_try (a, ZU_FILE_LOCK_SHARED));
  g_assert_true (zu_file_lock_try (b, ZU_FILE_LOCK_SHARED));
  g_assert_false (zu_file_lock_try (c, ZU_FILE_LOCK_EXCLUSIVE));
  zu_file_lock_release (a);
  g_assert_false (zu_file_lock_try (c, ZU_FILE_LOCK_EXCLUSIVE));
  zu_file_lock_release (b);
  g_assert_true (zu_file_lock_try (c, ZU_FILE_LOCK_EXCLUSIVE));
  g_assert_true (zu_file_lock_is_held (c));
  g_assert_false (zu_file_lock_try (a, ZU_FILE_LOCK_SHARED));
  g_assert_false (zu_file_lock_try (b, ZU_FILE_LOCK_EXCLUSIVE));
  zu_file_lock_release (c);
  g_assert_true (zu_file_lock_try (a, ZU_FILE_LOCK_SHARED));
}

/* Who comes while somebody waits, waits behind him. */
static void
test_queue (SinkFixture *fixture, gconstpointer kind)
{
  g_autoptr (ZuFileLock) holder = open_lock (fixture), first = open_lock (fixture),
                         second = open_lock (fixture);

  g_assert_true (zu_file_lock_try (holder, ZU_FILE_LOCK_EXCLUSIVE));
  g_assert_false (zu_file_lock_try (first, ZU_FILE_LOCK_EXCLUSIVE));
  zu_file_lock_release (holder);
  g_assert_false (zu_file_lock_try (second, ZU_FILE_LOCK_EXCLUSIVE));
  g_assert_false (zu_file_lock_try (holder, ZU_FILE_LOCK_EXCLUSIVE));
  g_assert_true (zu_file_lock_try (first, ZU_FILE_LOCK_EXCLUSIVE));
}

/* A wait that ends without the lock leaves nobody standing in the queue. */
static void
test_bounded (SinkFixture *fixture, gconstpointer kind)
{
  g_autoptr (ZuFileLock) holder = open_lock (fixture), waiter = open_lock (fixture);
  g_autoptr (GCancellable) cancellable = g_cancellable_new ();
  gint64 start = g_get_monotonic_time ();

  g_assert_true (zu_file_lock_try (holder, ZU_FILE_LOCK_EXCLUSIVE));
  g_assert_false (wait_for (waiter, ZU_FILE_LOCK_SHARED, 30 * G_TIME_SPAN_MILLISECOND));
  g_assert_cmpint (g_get_monotonic_time () - start, >=, 30 * G_TIME_SPAN_MILLISECOND);
  g_cancellable_cancel (cancellable);
  g_assert_false (zu_file_lock_wait (waiter, ZU_FILE_LOCK_EXCLUSIVE, G_MAXINT64, cancellable));
  g_assert_false (zu_file_lock_is_held (waiter));

  zu_file_lock_release (holder);
  g_assert_true (zu_file_lock_try (holder, ZU_FILE_LOCK_EXCLUSIVE));
}

/* Closing another descriptor of the file would drop a lock of the old kind. */
static void
test_other_descriptor (SinkFixture *fixture, gconstpointer kind)
{
  g_autoptr (ZuFileLock) holder = open_lock (fixture), other = open_lock (fixture);
  g_autofree char *path = fixture_path (fixture, "log.lock");
  int fd;

  g_assert_true (zu_file_lock_try (holder, ZU_FILE_LOCK_EXCLUSIVE));
  fd = open (path, O_RDWR | O_CLOEXEC);
  g_assert_cmpint (fd, >=, 0);
  close (fd);
  g_assert_false (zu_file_lock_try (other, ZU_FILE_LOCK_EXCLUSIVE));
}

typedef struct
{
  SinkFixture *fixture;
  guint *n;
} Counting;

static gpointer
count_up (gpointer data)
{
  Counting *counting = data;
  g_autoptr (ZuFileLock) lock = open_lock (counting->fixture);

  for (guint i = 0; i < 500; i++)
    {
      guint n;

      g_assert_true (wait_for (lock, ZU_FILE_LOCK_EXCLUSIVE, LONG_ENOUGH));
      n = *counting->n;
      g_thread_yield ();
      *counting->n = n + 1;
      zu_file_lock_release (lock);
    }
  return NULL;
}

static void
test_threads (SinkFixture *fixture, gconstpointer kind)
{
  guint n = 0;
  Counting counting = { fixture, &n };
  GThread *threads[4];

  for (guint i = 0; i < G_N_ELEMENTS (threads); i++)
    threads[i] = g_thread_new ("count", count_up, &counting);
  for (guint i = 0; i < G_N_ELEMENTS (threads); i++)
    g_thread_join (threads[i]);
  g_assert_cmpuint (n, ==, 500 * G_N_ELEMENTS (threads));
}

typedef struct
{
  ZuFileLock *lock;
  int has_had_it;
} Patient;

static gpointer
wait_in_thread (gpointer data)
{
  Patient *patient = data;

  g_assert_true (wait_for (patient->lock, ZU_FILE_LOCK_EXCLUSIVE, LONG_ENOUGH));
  g_atomic_int_set (&patient->has_had_it, TRUE);
  zu_file_lock_release (patient->lock);
  return NULL;
}

/* One who takes it again and again does not keep another from it. */
static void
test_greedy (SinkFixture *fixture, gconstpointer kind)
{
  g_autoptr (ZuFileLock) greedy = open_lock (fixture), lock = open_lock (fixture);
  Patient patient = { lock, FALSE };
  GThread *thread;

  g_assert_true (zu_file_lock_try (greedy, ZU_FILE_LOCK_EXCLUSIVE));
  thread = g_thread_new ("wait", wait_in_thread, &patient);
  while (!g_atomic_int_get (&patient.has_had_it))
    {
      zu_file_lock_release (greedy);
      g_assert_true (wait_for (greedy, ZU_FILE_LOCK_EXCLUSIVE, LONG_ENOUGH));
    }
  g_thread_join (thread);
}

/* Another process that holds the lock until it is killed. */
static pid_t
start_holder (SinkFixture *fixture)
{
  int fds[2];
  char ready;
  pid_t child;

  g_assert_cmpint (pipe (fds), ==, 0);
  child = fork ();
  if (child == 0)
    {
      ZuFileLock *lock = open_lock (fixture);

      if (zu_file_lock_try (lock, ZU_FILE_LOCK_EXCLUSIVE) && write (fds[1], "x", 1) == 1)
        for (;;)
          pause ();
      _exit (1);
    }

  close (fds[1]);
  g_assert_cmpint (read (fds[0], &ready, 1), ==, 1);
  close (fds[0]);
  return child;
}

static void
test_process (SinkFixture *fixture, gconstpointer kind)
{
  pid_t child = start_holder (fixture);
  g_autoptr (ZuFileLock) lock = open_lock (fixture);
  int status;

  g_assert_false (wait_for (lock, ZU_FILE_LOCK_EXCLUSIVE, 20 * G_TIME_SPAN_MILLISECOND));
  g_assert_cmpint (kill (child, SIGKILL), ==, 0);
  g_assert_cmpint (waitpid (child, &status, 0), ==, child);
  g_assert_true (wait_for (lock, ZU_FILE_LOCK_EXCLUSIVE, LONG_ENOUGH));
}

/* A child that does not go on to another program has none of its parent's locks. */
static void
test_forked (SinkFixture *fixture, gconstpointer kind)
{
  ZuFileLock *held = open_lock (fixture);
  g_autoptr (ZuFileLock) other = open_lock (fixture);
  int fds[2], status;
  pid_t child;
  char answer;

  g_assert_true (zu_file_lock_try (held, ZU_FILE_LOCK_EXCLUSIVE));
  g_assert_cmpint (pipe (fds), ==, 0);
  child = fork ();
  if (child == 0)
    {
      answer = zu_file_lock_is_forked (held) ? 'y' : 'n';
      zu_file_lock_free (held);
      if (write (fds[1], &answer, 1) == 1)
        for (;;)
          pause ();
      _exit (1);
    }

  g_assert_cmpint (read (fds[0], &answer, 1), ==, 1);
  g_assert_cmpint (answer, ==, 'y');
  g_assert_false (zu_file_lock_is_forked (held));
  g_assert_false (zu_file_lock_try (other, ZU_FILE_LOCK_EXCLUSIVE));
  close (zu_file_lock_get_fd (held)); /* as the end of this process would, with the child alive */
  g_assert_true (wait_for (other, ZU_FILE_LOCK_EXCLUSIVE, LONG_ENOUGH));

  g_assert_cmpint (kill (child, SIGKILL), ==, 0);
  g_assert_cmpint (waitpid (child, &status, 0), ==, child);
  close (fds[0]);
  close (fds[1]);
  zu_file_lock_release (other);
  g_assert_cmpint (open ("/dev/null", O_RDONLY | O_CLOEXEC), ==, zu_file_lock_get_fd (held));
  zu_file_lock_free (held);
}

static void
test_gone (SinkFixture *fixture, gconstpointer kind)
{
  g_autoptr (ZuFileLock) lock = open_lock (fixture), reading = NULL;
  g_autofree char *log = fixture_path (fixture, "log"), *side = fixture_path (fixture, "log.lock");
  g_autofree char *nowhere = fixture_path (fixture, "no/log");
  g_autoptr (GError) error = NULL;

  reading = zu_file_lock_new_beside_for_reading (log);
  g_assert_true (zu_file_lock_try (reading, ZU_FILE_LOCK_SHARED));
  g_assert_false (zu_file_lock_is_gone (lock));
  g_assert_cmpint (g_unlink (side), ==, 0);
  g_assert_true (zu_file_lock_is_gone (lock));
  g_assert_null (zu_file_lock_new_beside_for_reading (log));
  g_assert_null (zu_file_lock_new_beside (nowhere, &error));
  g_assert_error (error, ZU_EVENT_SINK_ERROR, ZU_EVENT_SINK_ERROR_MISSING);
}

/* Said once, and again only after there was room meanwhile. */
static void
test_space (SinkFixture *fixture, gconstpointer kind)
{
  ZuSpaceWatch watch = { .limit = 1 };
  int fd = open (fixture->folder, O_RDONLY | O_CLOEXEC);

  g_assert_cmpint (fd, >=, 0);
  g_assert_false (zu_space_watch_look (&watch, "the log", fd));
  watch.limit = G_MAXINT64; /* it is not time yet to look again */
  g_assert_false (zu_space_watch_look (&watch, "the log", fd));

  for (guint i = 0; i < 2; i++)
    {
      g_autofree char *said = NULL, *again = NULL;

      watch.next = 0;
      g_assert_true (zu_space_watch_look (&watch, "the log", fd));
      said = take_log ();
      g_assert_nonnull (strstr (said, "the log: only "));
      watch.next = 0;
      g_assert_true (zu_space_watch_look (&watch, "the log", fd));
      again = take_log ();
      g_assert_cmpstr (again, ==, "");

      watch.limit = 1;
      watch.next = 0;
      g_assert_false (zu_space_watch_look (&watch, "the log", fd));
      watch.limit = G_MAXINT64;
    }

  watch = (ZuSpaceWatch){ .limit = 0 };
  g_assert_false (zu_space_watch_look (&watch, "the log", fd));
  close (fd);
}

static const struct
{
  const char *name;
  void (*func) (SinkFixture *, gconstpointer);
} tests[] = {
  { "lock/modes", test_modes },     { "lock/queue", test_queue },
  { "lock/bounded", test_bounded }, { "lock/other-descriptor", test_other_descriptor },
  { "lock/threads", test_threads }, { "lock/greedy", test_greedy },
  { "lock/process", test_process }, { "lock/forked", test_forked },
  { "lock/gone", test_gone },       { "space", test_space },
};

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  catch_log ();
  for (guint i = 0; i < G_N_ELEMENTS (tests); i++)
    {
      g_autofree char *path = g_strdup_printf ("/sinks/common/%s", tests[i].name);

      g_test_add (path, SinkFixture, NULL, sink_set_up, tests[i].func, sink_tear_down);
    }
  return g_test_run ();
}
