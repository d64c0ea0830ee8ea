/* SPDX-License-Identifier: Apache-2.0 */

/* Reading on in a log of lines: page by page, over rotations, beside those who write. */

#include "sinks-support.h"

#include <glib/gstdio.h>
#include <string.h>
#include <unistd.h>

typedef struct
{
  ZuEventSink *sink;
  ZuFilter *filter;
  gint64 next;
} Follower;

/* What has come since: its numbers, each with a space behind it. */
static char *
read_on (Follower *self, gint64 limit)
{
  g_autoptr (GString) numbers = g_string_new (NULL);
  guint n;

  do
    {
      g_autoptr (GError) error = NULL;
      g_autoptr (ZuEventPage) page =
          zu_event_sink_stream (self->sink, self->filter, self->next, limit, NULL, &error);
      GPtrArray *events;

      g_assert_no_error (error);
      events = zu_event_page_get_events (page);
      n = events->len;
      self->next = zu_event_page_get_next_seq (page);
      for (guint i = 0; i < n; i++)
        {
          g_autoptr (ZuJson) payload = zu_event_dup_payload (g_ptr_array_index (events, i));
          g_autoptr (ZuJson) number = zu_json_dup_member (payload, "n");
          g_autofree char *text = zu_json_to_string (number);

          g_string_append_printf (numbers, "%s ", text);
        }
    }
  while (n > 0);
  return g_strdup (numbers->str);
}

static void
assert_next (Follower *self, const char *numbers)
{
  g_autofree char *found = read_on (self, 2);

  g_assert_cmpstr (found, ==, numbers);
}

static void
append_numbers (ZuEventSink *sink, int first, int last)
{
  for (int i = first; i <= last; i++)
    {
      g_autoptr (ZuEvent) event = make_event (TRACE_A, i), stored = append_ok (sink, event);

      g_assert_nonnull (stored);
    }
}

static void
rotate (SinkFixture *fixture, const char *to)
{
  g_autofree char *path = fixture_path (fixture, "log"), *old = fixture_path (fixture, to);

  g_assert_cmpint (g_rename (path, old), ==, 0);
}

static void
test_rotated (SinkFixture *fixture, gconstpointer kind)
{
  g_autoptr (ZuEventSink) writer = fixture_open (fixture, NULL),
                          reader = fixture_open (fixture, NULL);
  g_autoptr (ZuFilter) odd = filter_of ("type", "data.odd");
  Follower all = { reader, NULL, 0 }, some = { reader, odd, 0 };

  assert_next (&all, "");
  append_numbers (writer, 1, 3);
  assert_next (&all, "1 2 3 ");
  assert_next (&some, "1 3 ");

  /* What came before the renaming and was not read yet is not lost. */
  append_numbers (writer, 4, 5);
  rotate (fixture, "log.1");
  assert_next (&all, "4 5 ");
  append_numbers (writer, 6, 7);
  assert_next (&all, "6 7 ");
  assert_next (&some, "5 7 ");
  append_numbers (writer, 8, 8);
  assert_next (&all, "8 ");

  /* Twice in between: the file in the middle is nobody's any more. */
  rotate (fixture, "log.2");
  append_numbers (writer, 9, 9);
  assert_next (&all, "9 ");
  assert_next (&some, "9 ");
}

/* A writer that has not noticed yet still writes into the renamed file. */
static void
test_late_writer (SinkFixture *fixture, gconstpointer kind)
{
  g_autoptr (ZuEventSink) reader = fixture_open (fixture, NULL);
  g_autofree char *path = fixture_path (fixture, "log");
  g_autoptr (ZuEvent) late = make_event (TRACE_B, 2);
  g_autofree char *line = g_strconcat (zu_event_get_text (late, NULL), "\n", NULL);
  g_autoptr (ZuEventSink) writer = fixture_open (fixture, NULL);
  Follower all = { reader, NULL, 0 };
  FILE *file;

  append_numbers (writer, 1, 1);
  assert_next (&all, "1 ");
  file = fopen (path, "a");
  g_assert_nonnull (file);
  rotate (fixture, "log.1");
  assert_next (&all, "");
  g_assert_cmpint (fputs (line, file), >=, 0);
  g_assert_cmpint (fclose (file), ==, 0);
  append_numbers (writer, 3, 3);
  assert_next (&all, "2 3 ");
}

static void
test_deleted (SinkFixture *fixture, gconstpointer kind)
{
  g_autoptr (ZuEventSink) writer = fixture_open (fixture, NULL),
                          reader = fixture_open (fixture, NULL), other = NULL;
  g_autofree char *path = fixture_path (fixture, "log");
  Follower all = { reader, NULL, 0 };

  append_numbers (writer, 1, 3);
  assert_next (&all, "1 2 3 ");
  append_numbers (writer, 4, 4);
  g_assert_cmpint (g_unlink (path), ==, 0);
  assert_next (&all, "4 ");
  assert_next (&all, "");
  other = fixture_open (fixture, NULL);
  append_numbers (other, 5, 6);
  assert_next (&all, "5 6 ");
}

/* Cut to nothing, as some rotate: what comes then is read from the start. */
static void
test_cut (SinkFixture *fixture, gconstpointer kind)
{
  g_autoptr (ZuEventSink) writer = fixture_open (fixture, NULL),
                          reader = fixture_open (fixture, NULL);
  g_autofree char *path = fixture_path (fixture, "log");
  Follower all = { reader, NULL, 0 };

  append_numbers (writer, 1, 3);
  assert_next (&all, "1 2 3 ");
  g_assert_cmpint (truncate (path, 0), ==, 0);
  append_numbers (writer, 4, 5);
  assert_next (&all, "4 5 ");

  /* Even where it has grown beyond the old place meanwhile. */
  g_assert_cmpint (truncate (path, 0), ==, 0);
  append_numbers (writer, 6, 9);
  assert_next (&all, "6 7 8 9 ");
}

/* A file written anew under the same name, even the same inode, is not read at old places. */
static void
test_written_anew (SinkFixture *fixture, gconstpointer kind)
{
  g_autoptr (ZuEventSink) reader = fixture_open (fixture, NULL);
  g_autofree char *path = fixture_path (fixture, "log");

  for (int i = 0; i < 3; i++)
    {
      g_autoptr (ZuEventSink) writer = fixture_open (fixture, NULL);
      g_autoptr (GPtrArray) events = NULL;
      g_autoptr (GError) error = NULL;

      append_numbers (writer, 100 * i, 100 * i + 5 + i);
      events = zu_event_sink_query (reader, NULL, 5, -1, NULL, &error);
      g_assert_no_error (error);
      g_assert_cmpuint (events->len, ==, 1 + i);
      assert_count (reader, 6 + i);
      g_assert_cmpint (g_unlink (path), ==, 0);
    }
}

/* The whole log is read while another process writes, page by page: each event once, in order. */
static void
test_beside_writer (SinkFixture *fixture, gconstpointer kind)
{
  g_autofree char *uri = fixture_uri (fixture, "?fsync=never");
  g_autoptr (GSubprocess) process = start_appender (uri, TRACE_A, 1500, FALSE);
  g_autoptr (ZuEventSink) reader = fixture_open (fixture, NULL);
  g_autofree char *output = NULL;
  g_autoptr (GError) error = NULL;
  gboolean is_in_new_file = TRUE;
  gint64 next = 0, end = g_get_monotonic_time () + 60 * G_TIME_SPAN_SECOND;
  guint n_found = 0, n_rotations = 0;

  while (n_found < 1500 && g_get_monotonic_time () < end)
    {
      g_autoptr (ZuAuditPage) page =
          zu_event_audit_audit (ZU_EVENT_AUDIT (reader), NULL, next, 100, NULL, &error);
      GPtrArray *events;

      g_assert_no_error (error);
      events = zu_audit_page_get_events (page);
      g_assert_cmpuint (zu_audit_page_get_findings (page)->len, ==, 0);
      for (guint i = 0; i < events->len; i++, n_found++)
        {
          g_autoptr (ZuJson) payload = zu_event_dup_payload (g_ptr_array_index (events, i));
          g_autoptr (ZuJson) number = zu_json_dup_member (payload, "n");
          gint64 n;

          g_assert_true (zu_json_get_int64 (number, &n));
          g_assert_cmpint (n, ==, 1500 - n_found);
        }
      is_in_new_file |= zu_audit_page_get_next_seq (page) < next;
      next = zu_audit_page_get_next_seq (page);
      if (is_in_new_file && events->len > 0 && n_found > 200 * n_rotations + 100)
        {
          g_autofree char *old = g_strdup_printf ("log.%u", ++n_rotations);

          rotate (fixture, old);
          is_in_new_file = FALSE;
        }
    }
  g_assert_cmpuint (n_found, ==, 1500);
  /* More than one only where the writer has not been much faster. */
  g_assert_cmpuint (n_rotations, >=, 1);
  g_subprocess_communicate_utf8 (process, NULL, NULL, &output, NULL, &error);
  g_assert_no_error (error);
  g_assert_true (g_subprocess_get_successful (process));
}

static const struct
{
  const char *name;
  void (*func) (SinkFixture *, gconstpointer);
} tests[] = {
  { "rotated", test_rotated },           { "late-writer", test_late_writer },
  { "deleted", test_deleted },           { "cut", test_cut },
  { "written-anew", test_written_anew }, { "beside-writer", test_beside_writer },
};

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  for (guint i = 0; i < G_N_ELEMENTS (tests); i++)
    {
      g_autofree char *path = g_strdup_printf ("/sinks/jsonl/follow/%s", tests[i].name);

      g_test_add (path, SinkFixture, "jsonl", sink_set_up, tests[i].func, sink_tear_down);
    }
  return g_test_run ();
}
