/* SPDX-License-Identifier: Apache-2.0 */

/* Closed logs, which are read many pages at a time. */

#include "sinks-support.h"

#include <glib/gstdio.h>
#include <string.h>
#include <unistd.h>

#define N_EVENTS 1500 /* of half a kilobyte: several blocks, and indexes between them */

static void
append_large (ZuEventSink *sink, int first, int n)
{
  g_autoptr (GPtrArray) events = g_ptr_array_new_with_free_func (g_object_unref);
  g_autoptr (GPtrArray) stored = NULL;
  g_autoptr (GError) error = NULL;

  for (int i = first; i < first + n; i++)
    {
      g_autofree char *filling = g_strnfill (300 + (gsize) (i * 37 % 200), (char) ('a' + i % 26));
      g_autofree char *payload = g_strdup_printf ("{\"n\":%d,\"x\":\"%s\"}", i, filling);

      g_ptr_array_add (events,
                       make_event_with (i % 3 == 0 ? TRACE_A : TRACE_B, "data.large", payload));
    }
  stored = zu_event_sink_append_many (sink, events, NULL, &error);
  g_assert_no_error (error);
}

static ZuEventSink *
fill_and_close (SinkFixture *fixture)
{
  ZuEventSink *sink = fixture_open (fixture, NULL);

  append_large (sink, 0, N_EVENTS);
  g_object_unref (sink);
  g_usleep (300000); /* a file that was changed just now is not kept open */
  return fixture_open (fixture, NULL);
}

static int
get_number (ZuEvent *event)
{
  g_autofree char *payload = NULL;
  gsize length;
  const char *text = zu_event_get_payload_text (event, &length);
  int n = -1;

  payload = g_strndup (text, length);
  g_assert_cmpint (sscanf (payload, "{\"n\":%d", &n), ==, 1);
  return n;
}

static void
assert_in_order (GPtrArray *events, int n)
{
  g_assert_cmpuint (events->len, ==, n);
  for (int i = 0; i < n; i++)
    g_assert_cmpint (get_number (g_ptr_array_index (events, i)), ==, i);
}

/* From the start to the end, and here and there, by the same connection. */
static void
test_whole (SinkFixture *fixture, gconstpointer kind)
{
  g_autoptr (ZuEventSink) sink = fill_and_close (fixture);
  g_autoptr (GPtrArray) all = query_ok (sink, NULL);

  assert_in_order (all, N_EVENTS);
  assert_intact (sink, N_EVENTS);
  for (int i = 0; i < N_EVENTS; i += 97)
    {
      int at = i * 7 % N_EVENTS;
      const char *id = zu_event_get_event_id (g_ptr_array_index (all, at));
      g_autoptr (ZuFilter) filter = filter_of ("event_id", id);
      g_autoptr (GPtrArray) found = query_ok (sink, filter);

      g_assert_cmpuint (found->len, ==, 1);
      g_assert_cmpint (get_number (g_ptr_array_index (found, 0)), ==, at);
    }
}

static ZuEventPage *
read_page (ZuEventSink *sink, gint64 after)
{
  g_autoptr (GError) error = NULL;
  ZuEventPage *page = zu_event_sink_stream (sink, NULL, after, 100, NULL, &error);

  g_assert_no_error (error);
  return page;
}

/* What was read ahead is not taken for what stands there once somebody has written. */
static void
test_changed_between_pages (SinkFixture *fixture, gconstpointer kind)
{
  g_autoptr (ZuEventSink) sink = fill_and_close (fixture);
  g_autoptr (GPtrArray) all = NULL;
  gint64 after = 0;

  for (int i = 0; i < 3; i++)
    {
      g_autoptr (ZuEventPage) page = read_page (sink, after);

      after = zu_event_page_get_next_seq (page);
    }
  {
    g_autofree char *uri = fixture_uri (fixture, NULL);
    g_autoptr (GSubprocess) other = start_appender (uri, TRACE_A, 200, FALSE);
    g_autoptr (GError) error = NULL;
    g_autofree char *output = NULL;

    g_subprocess_communicate_utf8 (other, NULL, NULL, &output, NULL, &error);
    g_assert_no_error (error);
    g_assert_true (g_subprocess_get_successful (other));
  }

  for (;;)
    {
      g_autoptr (ZuEventPage) page = read_page (sink, after);

      if (zu_event_page_get_events (page)->len == 0)
        break;
      after = zu_event_page_get_next_seq (page);
    }
  g_assert_cmpint (after, ==, N_EVENTS + 200);
  all = query_ok (sink, NULL);
  g_assert_cmpuint (all->len, ==, N_EVENTS + 200);
  assert_intact (sink, N_EVENTS + 200);
}

/* A database whose end is gone, in the middle of a page, is an error and no end of the log. */
static void
test_cut_off (SinkFixture *fixture, gconstpointer kind)
{
  g_autofree char *path = fixture_path (fixture, "log");
  g_autoptr (ZuEventSink) sink = fill_and_close (fixture);
  g_autoptr (GPtrArray) found = NULL;
  g_autoptr (GError) error = NULL;
  GStatBuf info;

  g_assert_cmpint (g_stat (path, &info), ==, 0);
  g_assert_cmpint (truncate (path, info.st_size / 2 + 1000), ==, 0);
  found = zu_event_sink_query (sink, NULL, 0, -1, NULL, &error);
  g_assert_null (found);
  g_assert_nonnull (error);
}

/* How many times this process has asked the kernel to read. */
static guint64
count_reads (void)
{
  g_autofree char *text = NULL;
  g_autoptr (GError) error = NULL;
  const char *line;

  g_file_get_contents ("/proc/self/io", &text, NULL, &error);
  g_assert_no_error (error);
  line = strstr (text, "syscr:");
  g_assert_nonnull (line);
  return g_ascii_strtoull (line + strlen ("syscr:"), NULL, 10);
}

/* A whole log takes far fewer calls than it has pages. */
static void
test_calls (SinkFixture *fixture, gconstpointer kind)
{
  g_autofree char *path = fixture_path (fixture, "log");
  g_autoptr (ZuEventSink) sink = fill_and_close (fixture);
  g_autoptr (GPtrArray) all = NULL;
  guint64 before = count_reads ();
  GStatBuf info;

  all = query_ok (sink, NULL);
  g_assert_cmpuint (all->len, ==, N_EVENTS);
  g_assert_cmpint (g_stat (path, &info), ==, 0);
  g_assert_cmpuint (info.st_size / 4096, >, 200);
  g_assert_cmpuint (count_reads () - before, <, 120);
}

int
main (int argc, char **argv)
{
  static const struct
  {
    const char *name;
    void (*func) (SinkFixture *, gconstpointer);
  } tests[] = {
    { "whole", test_whole },
    { "changed-between-pages", test_changed_between_pages },
    { "cut-off", test_cut_off },
    { "calls", test_calls },
  };

  g_test_init (&argc, &argv, NULL);
  for (guint i = 0; i < G_N_ELEMENTS (tests); i++)
    {
      g_autofree char *path = g_strdup_printf ("/sinks/sqlite/ahead/%s", tests[i].name);

      g_test_add (path, SinkFixture, "sqlite", sink_set_up, tests[i].func, sink_tear_down);
    }
  return g_test_run ();
}
