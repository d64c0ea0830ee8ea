/* SPDX-License-Identifier: Apache-2.0 */

/* What a durable sink must survive: other processes, sudden ends, a full disk. */

#include "sinks-support.h"

#include <errno.h>
#include <glib/gstdio.h>
#include <sched.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/wait.h>
#include <unistd.h>

static void
assert_all_there (ZuEventSink *sink, GHashTable *ids)
{
  g_autoptr (GPtrArray) events = query_ok (sink, NULL);

  for (guint i = 0; i < events->len; i++)
    g_hash_table_remove (ids, zu_event_get_event_id (g_ptr_array_index (events, i)));
  g_assert_cmpuint (g_hash_table_size (ids), ==, 0);
}

static void
wait_for (GSubprocess *process)
{
  g_autoptr (GError) error = NULL;
  g_autofree char *output = NULL;

  g_subprocess_communicate_utf8 (process, NULL, NULL, &output, NULL, &error);
  g_assert_no_error (error);
  g_assert_true (g_subprocess_get_successful (process));
}

static void
test_processes (SinkFixture *fixture, gconstpointer kind)
{
  g_autofree char *uri = fixture_uri (fixture, NULL);
  g_autoptr (GSubprocess) one = start_appender (uri, TRACE_A, 300, FALSE);
  g_autoptr (GSubprocess) two = start_appender (uri, TRACE_A, 300, TRUE);
  g_autoptr (ZuEventSink) sink = fixture_open (fixture, NULL);

  append_some (sink, TRACE_A, 100);
  wait_for (one);
  wait_for (two);
  assert_intact (sink, 700);
}

static gpointer
append_in_thread (gpointer data)
{
  append_some (data, TRACE_A, 60);
  return NULL;
}

/* Sinks that come by their log in different ways. */
static void
test_sinks_of_one_process (SinkFixture *fixture, gconstpointer kind)
{
  g_autofree char *folder = fixture_path (fixture, "same");
  g_autofree char *other = g_strdup_printf ("%s:%s/same/../log", fixture->kind, fixture->folder);
  g_autofree char *linked = g_strdup_printf ("%s:%s/same/log", fixture->kind, fixture->folder);
  g_autoptr (GError) error = NULL;
  ZuEventSink *sinks[3] = { fixture_open (fixture, NULL) };
  GThread *threads[3];

  g_assert_cmpint (symlink (".", folder), ==, 0);
  sinks[1] = zu_open_sink (linked, &error);
  g_assert_no_error (error);
  sinks[2] = zu_open_sink (other, &error);
  g_assert_no_error (error);

  for (guint i = 0; i < 3; i++)
    threads[i] = g_thread_new ("append", append_in_thread, sinks[i]);
  for (guint i = 0; i < 3; i++)
    g_thread_join (threads[i]);
  assert_intact (sinks[0], 180);
  for (guint i = 0; i < 3; i++)
    g_clear_object (&sinks[i]);
}

static void
test_killed (SinkFixture *fixture, gconstpointer kind)
{
  g_autofree char *uri = fixture_uri (fixture, NULL);
  guint n_acknowledged = 0;

  for (int i = 0; i < 8; i++)
    {
      g_autoptr (GSubprocess) process = start_appender (uri, TRACE_A, 1000000, i % 2 == 0);
      g_autoptr (GHashTable) acknowledged = NULL;
      g_autofree char *output = NULL;
      g_autoptr (ZuEventSink) sink = fixture_open (fixture, NULL);
      g_autoptr (GPtrArray) after = NULL, violations = NULL;
      g_autoptr (GError) error = NULL;

      g_usleep (100000 + (gulong) g_random_int_range (0, 150000));
      g_subprocess_send_signal (process, SIGKILL);
      g_subprocess_communicate_utf8 (process, NULL, NULL, &output, NULL, &error);
      g_assert_no_error (error);

      acknowledged = collect_acknowledged (output);
      n_acknowledged += g_hash_table_size (acknowledged);
      assert_all_there (sink, acknowledged);
      append_some (sink, TRACE_A, 3);
      after = query_ok (sink, NULL);
      violations = zu_verify_chain (after, NULL);
      g_assert_cmpuint (violations->len, ==, 0);
    }
  g_test_message ("%u events were acknowledged", n_acknowledged);
  g_assert_cmpuint (n_acknowledged, >, 100);
}

/* In a process and mount namespace of its own: a disk of one mebibyte. */
static void
fill_the_disk (const char *kind)
{
  SinkFixture fixture;
  g_autoptr (ZuEventSink) sink = NULL;
  g_autoptr (GError) error = NULL;
  g_autofree char *said = NULL, *filler = NULL, *payload = g_strnfill (4000, 'x');
  g_autofree char *json = g_strdup_printf ("{\"x\":\"%s\"}", payload);
  gint64 n_stored = 0;

  sink_set_up (&fixture, kind);
  if (unshare (CLONE_NEWNS) != 0 || mount ("none", "/", NULL, MS_REC | MS_PRIVATE, NULL) != 0
      || mount ("tmpfs", fixture.folder, "tmpfs", 0, "size=1m") != 0)
    {
      sink_tear_down (&fixture, kind);
      exit (77);
    }

  filler = fixture_path (&fixture, "filler");
  g_assert_true (g_file_set_contents (filler, json, -1, NULL));
  g_assert_cmpint (truncate (filler, 0), ==, 0);
  {
    g_autofree char *zeros = g_malloc0 (400 * 1024);

    g_assert_true (g_file_set_contents (filler, zeros, 400 * 1024, NULL));
  }

  sink = fixture_open (&fixture, NULL);
  while (error == NULL)
    {
      g_autoptr (ZuEvent) event = make_event_with (TRACE_A, "data.x", json);
      g_autoptr (ZuEvent) stored = zu_event_sink_append (sink, event, NULL, &error);

      n_stored += stored != NULL;
      g_assert_cmpint (n_stored, <, 1000);
    }
  g_assert_error (error, ZU_EVENT_SINK_ERROR, ZU_EVENT_SINK_ERROR_FULL);
  g_assert_cmpint (n_stored, >, 3);
  said = take_log ();
  g_assert_nonnull (strstr (said, " are left on its disk"));
  assert_intact (sink, (guint) n_stored);

  /* A batch that does not fit leaves nothing behind. */
  {
    g_autoptr (GPtrArray) batch = g_ptr_array_new_with_free_func (g_object_unref);

    for (int i = 0; i < 500; i++)
      g_ptr_array_add (batch, make_event_with (TRACE_A, "data.x", json));
    g_clear_error (&error);
    g_assert_null (zu_event_sink_append_many (sink, batch, NULL, &error));
    g_assert_error (error, ZU_EVENT_SINK_ERROR, ZU_EVENT_SINK_ERROR_FULL);
  }
  assert_intact (sink, (guint) n_stored);

  g_assert_cmpint (g_unlink (filler), ==, 0);
  append_some (sink, TRACE_A, 3);
  assert_intact (sink, (guint) n_stored + 3);
  g_clear_object (&sink);
  sink = fixture_open (&fixture, NULL);
  assert_intact (sink, (guint) n_stored + 3);
  g_clear_object (&sink);
  g_assert_cmpint (umount2 (fixture.folder, MNT_DETACH), ==, 0);
  sink_tear_down (&fixture, kind);
}

static void
test_full (gconstpointer kind)
{
  if (g_test_subprocess ())
    {
      fill_the_disk (kind);
      return;
    }
  if (geteuid () != 0)
    {
      g_test_skip ("only root can mount a small disk");
      return;
    }

  g_test_trap_subprocess (NULL, 60 * G_USEC_PER_SEC, G_TEST_SUBPROCESS_INHERIT_STDERR);
  if (g_test_trap_has_passed ())
    return;
  g_test_trap_assert_stdout ("*");
  g_test_fail ();
}

/* A forked child leaves the parent's log alone. */
static void
fork_and_append (const char *kind)
{
  SinkFixture fixture;
  g_autoptr (ZuEventSink) sink = NULL;
  pid_t child;

  sink_set_up (&fixture, kind);
  sink = fixture_open (&fixture, NULL);
  append_some (sink, TRACE_A, 2);
  assert_count (sink, 2);

  child = fork ();
  if (child == 0)
    {
      g_autoptr (ZuEvent) event = make_event (TRACE_A, 9);
      g_autoptr (GError) error = NULL;
      g_autoptr (ZuEvent) stored = zu_event_sink_append (sink, event, NULL, &error);
      gboolean is_refused =
          stored == NULL
          && g_error_matches (error, ZU_EVENT_SINK_ERROR, ZU_EVENT_SINK_ERROR_POISONED);

      /* A connection of the parent's cannot be read through either. */
      g_clear_error (&error);
      if (strcmp (kind, "sqlite") == 0)
        {
          zu_event_sink_count (sink, NULL, NULL, &error);
          is_refused &= g_error_matches (error, ZU_EVENT_SINK_ERROR, ZU_EVENT_SINK_ERROR_POISONED);
          if (!is_refused)
            g_printerr ("%s\n", error != NULL ? error->message : "it was counted");
        }
      g_clear_object (&sink);
      _exit (is_refused ? 0 : 1);
    }
  else
    {
      int status;

      g_assert_cmpint (waitpid (child, &status, 0), ==, child);
      g_assert_cmpint (status, ==, 0);
      append_some (sink, TRACE_A, 2);
      assert_intact (sink, 4);
    }
  g_clear_object (&sink);
  sink_tear_down (&fixture, kind);
}

static void
test_forked (gconstpointer kind)
{
  if (g_test_subprocess ())
    {
      fork_and_append (kind);
      return;
    }

  g_test_trap_subprocess (NULL, 30 * G_USEC_PER_SEC, G_TEST_SUBPROCESS_INHERIT_STDERR);
  g_test_trap_assert_passed ();
}

int
main (int argc, char **argv)
{
  static const char *const kinds[] = { "jsonl", "sqlite" };

  g_test_init (&argc, &argv, NULL);
  catch_log ();
  for (guint k = 0; k < G_N_ELEMENTS (kinds); k++)
    {
      g_autofree char *processes = g_strdup_printf ("/sinks/%s/processes", kinds[k]);
      g_autofree char *sinks = g_strdup_printf ("/sinks/%s/sinks-of-one-process", kinds[k]);
      g_autofree char *killed = g_strdup_printf ("/sinks/%s/killed", kinds[k]);
      g_autofree char *full = g_strdup_printf ("/sinks/%s/full", kinds[k]);
      g_autofree char *forked = g_strdup_printf ("/sinks/%s/forked", kinds[k]);

      g_test_add (processes, SinkFixture, kinds[k], sink_set_up, test_processes, sink_tear_down);
      g_test_add (sinks, SinkFixture, kinds[k], sink_set_up, test_sinks_of_one_process,
                  sink_tear_down);
      g_test_add (killed, SinkFixture, kinds[k], sink_set_up, test_killed, sink_tear_down);
      g_test_add_data_func (full, kinds[k], test_full);
      g_test_add_data_func (forked, kinds[k], test_forked);
    }
  return g_test_run ();
}
