/* SPDX-License-Identifier: Apache-2.0 */

/* Several users of one log: processes, forked children, programs that open its files for their own
 * ends, clocks that step back. */

#include "log-support.h"

#include <errno.h>
#include <dlfcn.h>
#include <fcntl.h>
#include <string.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#define N_OTHERS   200
#define N_CHILDREN 12
#define HOUR       3600

static gint64 clock_offset; /* seconds */

/* In place of the C library's: what everything in this process takes for the time of day. */
__attribute__ ((visibility ("default"))) int
clock_gettime (clockid_t id, struct timespec *now)
{
  static int (*real) (clockid_t, struct timespec *);
  int result;

  if (real == NULL)
    real = (int (*) (clockid_t, struct timespec *)) dlsym (RTLD_NEXT, "clock_gettime");
  result = real (id, now);
  if (id == CLOCK_REALTIME)
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

static const struct
{
  const char *name;
  void (*func) (SinkFixture *, gconstpointer);
} tests[] = {
  { "closed-descriptors", test_closed_descriptors },
};

int
main (int argc, char **argv)
{
  static const char *const kinds[] = { "sqlite", "jsonl" };

  g_test_init (&argc, &argv, NULL);
  silence_messages ();
  for (guint k = 0; k < G_N_ELEMENTS (kinds); k++)
    for (guint i = 0; i < G_N_ELEMENTS (tests); i++)
      {
        g_autofree char *path =
            g_strdup_printf ("/faults/processes/%s/%s", kinds[k], tests[i].name);

        g_test_add (path, SinkFixture, kinds[k], sink_set_up, tests[i].func, sink_tear_down);
      }
  return g_test_run ();
}
