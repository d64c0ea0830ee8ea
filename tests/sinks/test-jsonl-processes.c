/* SPDX-License-Identifier: Apache-2.0 */

/* Several processes on one log of lines: while it is rotated, while they are killed, while it is
 * read. The output of each goes into a file, which its end does not lose. */

#include "sinks-support.h"

#include <glib/gstdio.h>
#include <signal.h>
#include <string.h>
#include <sys/stat.h>

#define MOST_APPENDERS 3

typedef struct
{
  GSubprocess *process;
  char *output;
} Appender;

static Appender
start (SinkFixture *fixture, const char *name, const char *trace_id, int n, const char *how)
{
  g_autoptr (GSubprocessLauncher) launcher = g_subprocess_launcher_new (G_SUBPROCESS_FLAGS_NONE);
  g_autofree char *uri = fixture_uri (fixture, "?fsync=never&busy-timeout=60000");
  g_autofree char *number = g_strdup_printf ("%d", n);
  const char *argv[] = { g_getenv ("ZU_SINK_APPENDER"), uri, trace_id, number, how, NULL };
  g_autoptr (GError) error = NULL;
  Appender appender = { .output = fixture_path (fixture, name) };

  g_subprocess_launcher_set_stdout_file_path (launcher, appender.output);
  appender.process = g_subprocess_launcher_spawnv (launcher, argv, &error);
  g_assert_no_error (error);
  return appender;
}

/* Waits for its end, and adds what was acknowledged to it. */
static void
finish (Appender *self, GHashTable *acknowledged, gboolean is_killed)
{
  g_autofree char *text = NULL;
  g_autoptr (GHashTable) ids = NULL;
  g_autoptr (GError) error = NULL;
  GHashTableIter iter;
  gpointer id;

  g_subprocess_wait (self->process, NULL, &error);
  g_assert_no_error (error);
  g_assert_true (is_killed || g_subprocess_get_successful (self->process));
  g_assert_true (g_file_get_contents (self->output, &text, NULL, NULL));
  ids = collect_acknowledged (text);
  g_hash_table_iter_init (&iter, ids);
  while (g_hash_table_iter_next (&iter, &id, NULL))
    g_assert_true (g_hash_table_add (acknowledged, g_strdup (id)));
  g_clear_object (&self->process);
  g_clear_pointer (&self->output, g_free);
}

/* One file of the log: every line an event, each trace a chain of its own, no event twice. What was
 * acknowledged and is there is taken out of @missing. */
static guint
check_file (SinkFixture *fixture, const char *name, GHashTable *missing)
{
  g_autofree char *path = fixture_path (fixture, name);
  g_autofree char *uri = g_strconcat ("jsonl:", path, NULL);
  g_autoptr (ZuEventSink) sink = zu_open_sink (uri, NULL);
  g_autoptr (GHashTable) seen = g_hash_table_new (g_str_hash, g_str_equal);
  g_autoptr (ZuAuditPage) page = NULL;
  g_autoptr (GError) error = NULL;
  GPtrArray *events;

  page = zu_event_audit_audit (ZU_EVENT_AUDIT (sink), NULL, 0, G_MAXINT, NULL, &error);
  g_assert_no_error (error);
  g_assert_cmpuint (zu_audit_page_get_findings (page)->len, ==, 0);
  events = zu_audit_page_get_events (page);
  for (guint i = 0; i < events->len; i++)
    {
      const char *id = zu_event_get_event_id (g_ptr_array_index (events, i));

      g_assert_true (g_hash_table_add (seen, (gpointer) id));
      g_hash_table_remove (missing, id);
    }
  assert_intact (sink, events->len);
  return events->len;
}

/* Three processes, two of them on one trace, and the log is renamed under them again and again. */
static void
test_rotated (SinkFixture *fixture, gconstpointer kind)
{
  g_autofree char *path = fixture_path (fixture, "log");
  g_autoptr (GHashTable) acknowledged =
      g_hash_table_new_full (g_str_hash, g_str_equal, g_free, NULL);
  Appender appenders[MOST_APPENDERS] = { start (fixture, "a", TRACE_A, 2000, NULL),
                                         start (fixture, "b", TRACE_A, 2000, NULL),
                                         start (fixture, "c", TRACE_B, 2000, NULL) };
  guint n_stored = 0, n_files = 0;

  for (guint i = 0; i < 12; i++)
    {
      g_autofree char *old = g_strdup_printf ("%s.%u", path, n_files);

      g_usleep (10000);
      if (g_rename (path, old) == 0)
        n_files++;
    }
  for (guint i = 0; i < MOST_APPENDERS; i++)
    finish (&appenders[i], acknowledged, FALSE);

  g_assert_cmpuint (g_hash_table_size (acknowledged), ==, 6000);
  for (guint i = 0; i < n_files; i++)
    {
      g_autofree char *name = g_strdup_printf ("log.%u", i);

      n_stored += check_file (fixture, name, acknowledged);
    }
  if (g_file_test (path, G_FILE_TEST_EXISTS))
    n_stored += check_file (fixture, "log", acknowledged);
  g_assert_cmpuint (n_stored, ==, 6000);
  g_assert_cmpuint (g_hash_table_size (acknowledged), ==, 0);
}

static gint64
read_page (ZuEventSink *reader, gint64 next)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (ZuEventPage) page = zu_event_sink_stream (reader, NULL, next, 50, NULL, &error);

  g_assert_no_error (error);
  return zu_event_page_get_next_seq (page);
}

static gboolean
has_acknowledged (const Appender *self)
{
  struct stat info;

  return stat (self->output, &info) == 0 && info.st_size > 0;
}

/* One process is killed in the middle of large lines, the other goes on, somebody reads. */
static void
test_killed (SinkFixture *fixture, gconstpointer kind)
{
  g_autoptr (GHashTable) acknowledged =
      g_hash_table_new_full (g_str_hash, g_str_equal, g_free, NULL);
  g_autoptr (ZuEventSink) reader = fixture_open (fixture, NULL);
  Appender steady = start (fixture, "steady", TRACE_B, 10000, NULL);
  gint64 next = 0;

  for (guint i = 0; i < 10; i++)
    {
      g_autofree char *name = g_strdup_printf ("killed-%u", i);
      Appender appender = start (fixture, name, TRACE_A, 400, "large");
      gint64 until;

      while (!has_acknowledged (&appender))
        next = read_page (reader, next);
      until = g_get_monotonic_time () + g_random_int_range (0, 20000);
      while (g_get_monotonic_time () < until)
        next = read_page (reader, next);
      g_subprocess_send_signal (appender.process, SIGKILL);
      finish (&appender, acknowledged, TRUE);
    }
  g_test_message ("%u large lines were acknowledged, %" G_GINT64_FORMAT " read",
                  g_hash_table_size (acknowledged), next);
  g_assert_cmpuint (g_hash_table_size (acknowledged), >=, 10);
  finish (&steady, acknowledged, FALSE);

  {
    g_autoptr (ZuEventSink) sink = fixture_open (fixture, NULL);

    append_some (sink, TRACE_A, 1); /* whatever the last one left is cut off now */
  }
  check_file (fixture, "log", acknowledged);
  g_assert_cmpuint (g_hash_table_size (acknowledged), ==, 0);
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  catch_log ();
  g_test_add ("/sinks/jsonl/processes/rotated", SinkFixture, "jsonl", sink_set_up, test_rotated,
              sink_tear_down);
  g_test_add ("/sinks/jsonl/processes/killed", SinkFixture, "jsonl", sink_set_up, test_killed,
              sink_tear_down);
  return g_test_run ();
}
