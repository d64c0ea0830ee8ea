/* SPDX-License-Identifier: Apache-2.0 */

/* What only the jsonl sink does. */

#include "sinks-support.h"

#include <glib/gstdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static char *
read_log (SinkFixture *fixture, const char *name)
{
  g_autofree char *path = fixture_path (fixture, name);
  char *text = NULL;

  g_assert_true (g_file_get_contents (path, &text, NULL, NULL));
  return text;
}

/* In place: the file stays the same one. */
static void
write_log (SinkFixture *fixture, const char *text)
{
  g_autofree char *path = fixture_path (fixture, "log");

  g_assert_true (g_file_set_contents_full (path, text, -1, G_FILE_SET_CONTENTS_NONE, 0600, NULL));
}

static char *
line_of (int n)
{
  g_autoptr (ZuEvent) event = make_event (TRACE_A, n), linked = zu_event_link (event, NULL, NULL);

  return g_strdup (zu_event_get_text (linked, NULL));
}

static void
test_torn (SinkFixture *fixture, gconstpointer kind)
{
  g_autoptr (ZuEventSink) sink = fixture_open (fixture, NULL);
  g_autofree char *whole = NULL, *torn = NULL, *log = NULL;

  append_some (sink, TRACE_A, 2);
  whole = read_log (fixture, "log");
  torn = g_strconcat (whole, "{\"event_id\":\"46623b3b-63", NULL);
  write_log (fixture, torn);
  assert_intact (sink, 2);

  append_some (sink, TRACE_A, 1);
  assert_intact (sink, 3);
  log = read_log (fixture, "log.torn");
  g_assert_cmpstr (log, ==, "{\"event_id\":\"46623b3b-63\n");
}

/* A last line that merely lacks its end is an event. */
static void
test_unended (SinkFixture *fixture, gconstpointer kind)
{
  g_autofree char *line = line_of (1), *torn = fixture_path (fixture, "log.torn");
  g_autoptr (ZuEventSink) sink = fixture_open (fixture, NULL);

  write_log (fixture, line);
  assert_intact (sink, 1);
  append_some (sink, TRACE_A, 1);
  assert_intact (sink, 2);
  g_assert_false (g_file_test (torn, G_FILE_TEST_EXISTS));
}

static void
assert_finding (ZuAuditPage *page, guint index, gint64 line, const char *words)
{
  ZuAuditFinding *finding = g_ptr_array_index (zu_audit_page_get_findings (page), index);

  g_assert_cmpint (zu_audit_finding_get_seq (finding), ==, line);
  g_assert_nonnull (strstr (zu_audit_finding_get_text (finding), words));
}

/* Lines end in three ways; blank ones do not count, bad ones are named by number. */
static void
test_lines (SinkFixture *fixture, gconstpointer kind)
{
  g_autofree char *a = line_of (1), *b = line_of (2), *c = line_of (3), *d = line_of (4);
  g_autofree char *log =
      g_strconcat (a, "\r\n\r\n", b, "\rgarbage\n  \n", c, "\n{}\n\xff\n", d, "\n{\"torn", NULL);
  g_autoptr (ZuEventSink) sink = fixture_open (fixture, NULL);
  g_autoptr (ZuAuditPage) page = NULL;
  g_autoptr (GPtrArray) later = NULL;
  g_autoptr (GError) error = NULL;

  write_log (fixture, log);
  assert_count (sink, 4);
  page = zu_event_audit_audit (ZU_EVENT_AUDIT (sink), NULL, 0, 100, NULL, &error);
  g_assert_no_error (error);
  g_assert_cmpuint (zu_audit_page_get_events (page)->len, ==, 4);
  g_assert_cmpuint (zu_audit_page_get_findings (page)->len, ==, 4);
  g_assert_cmpint (zu_audit_page_get_next_seq (page), ==, 4);
  assert_finding (page, 0, 4, "line 4 is no event");
  assert_finding (page, 1, 7, "line 7 is no event");
  assert_finding (page, 2, 8, "line 8 is no event");
  assert_finding (page, 3, 10, "line 10 is torn");

  later = zu_event_sink_query (sink, NULL, 2, 1, NULL, &error);
  g_assert_no_error (error);
  g_assert_cmpuint (later->len, ==, 1);
  {
    g_autoptr (ZuEvent) third = g_object_ref (g_ptr_array_index (later, 0));
    g_autofree char *id = g_strdup (zu_event_get_event_id (third));

    g_assert_nonnull (strstr (c, id));
  }
}

static ZuAuditPage *
audit_from (ZuEventSink *sink, gint64 after, gint64 limit)
{
  g_autoptr (GError) error = NULL;
  ZuAuditPage *page =
      zu_event_audit_audit (ZU_EVENT_AUDIT (sink), NULL, after, limit, NULL, &error);

  g_assert_no_error (error);
  return page;
}

/* Page by page each bad line is named once, and to everybody who begins. */
static void
test_audit_pages (SinkFixture *fixture, gconstpointer kind)
{
  g_autofree char *a = line_of (1), *b = line_of (2), *c = line_of (3);
  g_autofree char *log =
      g_strconcat ("bad\n", a, "\nbad\nbad\n", b, "\n", c, "\nbad\n{\"torn", NULL);
  g_autoptr (ZuEventSink) sink = fixture_open (fixture, NULL);
  g_autoptr (ZuAuditPage) middle = NULL;

  write_log (fixture, log);
  for (guint i = 0; i < 3; i++)
    {
      g_autoptr (GString) lines = g_string_new (NULL);
      gint64 after = 0;

      for (guint k = 0; k < 5; k++)
        {
          g_autoptr (ZuAuditPage) page = audit_from (sink, after, 1 + i);
          GPtrArray *findings = zu_audit_page_get_findings (page);

          after = zu_audit_page_get_next_seq (page);
          for (guint n = 0; n < findings->len; n++)
            g_string_append_printf (
                lines, "%d ", (int) zu_audit_finding_get_seq (g_ptr_array_index (findings, n)));
        }
      g_assert_cmpint (after, ==, 3);
      g_assert_cmpstr (lines->str, ==, "1 3 4 7 8 ");
    }

  /* The page of whoever begins in the middle has what stands behind the event before it. */
  middle = audit_from (sink, 1, 1);
  g_assert_cmpuint (zu_audit_page_get_findings (middle)->len, ==, 2);
  assert_finding (middle, 0, 3, "line 3 is no event");
}

/* A line longer than a reader's buffer. */
static void
test_long_line (SinkFixture *fixture, gconstpointer kind)
{
  g_autoptr (ZuEventSink) sink = fixture_open (fixture, NULL);
  g_autofree char *x = g_strnfill (3 * 1024 * 1024, 'x');
  g_autofree char *payload = g_strdup_printf ("{\"x\":\"%s\"}", x);
  g_autoptr (ZuEvent) event = make_event_with (TRACE_A, "data.long", payload);
  g_autoptr (ZuEvent) stored = NULL, again = NULL;

  append_some (sink, TRACE_A, 2);
  stored = append_ok (sink, event);
  append_some (sink, TRACE_A, 2);
  again = append_ok (sink, event);
  g_assert_cmpstr (zu_event_get_hash (again), ==, zu_event_get_hash (stored));
  assert_intact (sink, 5);
}

static void
test_rotated (SinkFixture *fixture, gconstpointer kind)
{
  g_autoptr (ZuEventSink) sink = fixture_open (fixture, NULL),
                          reader = fixture_open (fixture, NULL);
  g_autofree char *path = fixture_path (fixture, "log"), *old = fixture_path (fixture, "old");
  g_autofree char *old_uri = g_strconcat ("jsonl:", old, NULL);
  g_autoptr (ZuEventSink) archive = NULL;
  g_autoptr (GError) error = NULL;

  append_some (sink, TRACE_A, 3);
  assert_intact (reader, 3);
  g_assert_cmpint (g_rename (path, old), ==, 0);
  assert_count (reader, 0);
  append_some (sink, TRACE_A, 2);
  assert_intact (sink, 2);
  assert_intact (reader, 2);

  archive = zu_open_sink (old_uri, &error);
  g_assert_no_error (error);
  assert_intact (archive, 3);
}

static void
test_deleted (SinkFixture *fixture, gconstpointer kind)
{
  g_autoptr (ZuEventSink) sink = fixture_open (fixture, NULL), again = NULL;
  g_autofree char *path = fixture_path (fixture, "log");
  g_autoptr (ZuEvent) event = make_event (TRACE_A, 1), stored = NULL;
  g_autoptr (GError) error = NULL;

  append_some (sink, TRACE_A, 3);
  g_assert_cmpint (g_unlink (path), ==, 0);
  stored = zu_event_sink_append (sink, event, NULL, &error);
  g_assert_null (stored);
  g_assert_error (error, ZU_EVENT_SINK_ERROR, ZU_EVENT_SINK_ERROR_POISONED);

  again = fixture_open (fixture, NULL);
  append_some (again, TRACE_A, 1);
  assert_intact (again, 1);
}

/* Cut shorter by somebody: what was learnt of the file is forgotten. */
static void
test_shortened (SinkFixture *fixture, gconstpointer kind)
{
  g_autoptr (ZuEventSink) sink = fixture_open (fixture, NULL);
  g_autofree char *path = fixture_path (fixture, "log"), *before = NULL;

  append_some (sink, TRACE_A, 2);
  before = read_log (fixture, "log");
  append_some (sink, TRACE_A, 2);
  assert_intact (sink, 4);
  g_assert_cmpint (truncate (path, (off_t) strlen (before)), ==, 0);
  assert_count (sink, 2);
  append_some (sink, TRACE_A, 1);
  assert_intact (sink, 3);
}

static void
test_raw (SinkFixture *fixture, gconstpointer kind)
{
  g_autoptr (ZuEventSink) sink = fixture_open (fixture, "?raw=1");
  g_autoptr (ZuEvent) event = make_event (TRACE_A, 1), s1 = NULL, s2 = NULL;

  g_assert_false (zu_event_sink_get_links (sink));
  s1 = append_ok (sink, event);
  s2 = append_ok (sink, event);
  g_assert_false (zu_event_is_linked (s1));
  assert_count (sink, 2);
}

static void
test_flush_policies (SinkFixture *fixture, gconstpointer kind)
{
  g_autoptr (ZuEventSink) never = fixture_open (fixture, "?fsync=never"),
                          interval = fixture_open (fixture, "?fsync=interval&fsync-interval=5");
  g_autofree char *bad = fixture_uri (fixture, "?fsync=sometimes");
  g_autoptr (GError) error = NULL;

  append_some (never, TRACE_A, 2);
  append_some (interval, TRACE_A, 2);
  g_usleep (20000);
  append_some (interval, TRACE_A, 2);
  assert_intact (never, 6);
  g_assert_null (zu_open_sink (bad, &error));
  g_assert_nonnull (error);
}

/* The index of places answers as a reading from the start does. */
static void
test_marks (SinkFixture *fixture, gconstpointer kind)
{
  g_autoptr (ZuEventSink) sink = fixture_open (fixture, "?fsync=never");
  g_autoptr (ZuFilter) odd = filter_of ("type", "data.odd");
  g_autoptr (GPtrArray) all = NULL;
  g_autoptr (GError) error = NULL;

  append_some (sink, TRACE_A, 5000);
  all = query_ok (sink, odd);
  for (int i = 0; i < 200; i++)
    {
      gint64 after = g_test_rand_int_range (0, 2600);
      g_autoptr (GPtrArray) some = zu_event_sink_query (sink, odd, after, 3, NULL, &error);

      g_assert_no_error (error);
      g_assert_cmpuint (some->len, ==, CLAMP (2500 - after, 0, 3));
      for (guint k = 0; k < some->len; k++)
        g_assert_cmpstr (zu_event_get_event_id (g_ptr_array_index (some, k)), ==,
                         zu_event_get_event_id (g_ptr_array_index (all, (guint) after + k)));
    }
  assert_count (sink, 5000);
  append_some (sink, TRACE_A, 1);
  assert_count (sink, 5001);
}

static void
test_no_file (SinkFixture *fixture, gconstpointer kind)
{
  g_autofree char *folder_uri = g_strconcat ("jsonl:", fixture->folder, NULL);
  g_autofree char *nowhere_uri = g_strdup_printf ("jsonl:%s/no/log", fixture->folder);
  g_autoptr (GError) error = NULL;
  g_autoptr (ZuEventSink) folder = zu_open_sink (folder_uri, &error);
  g_autoptr (ZuEventSink) nowhere = zu_open_sink (nowhere_uri, NULL);
  g_autoptr (ZuEvent) event = make_event (TRACE_A, 1);

  g_assert_no_error (error);
  g_assert_null (zu_event_sink_append (folder, event, NULL, &error));
  g_assert_nonnull (error);
  g_clear_error (&error);
  g_assert_null (zu_event_sink_query (folder, NULL, 0, -1, NULL, &error));
  g_assert_error (error, ZU_EVENT_SINK_ERROR, ZU_EVENT_SINK_ERROR_FOREIGN);
  g_clear_error (&error);

  assert_count (nowhere, 0);
  g_assert_null (zu_event_sink_append (nowhere, event, NULL, &error));
  g_assert_error (error, ZU_EVENT_SINK_ERROR, ZU_EVENT_SINK_ERROR_MISSING);
}

static const struct
{
  const char *name;
  void (*func) (SinkFixture *, gconstpointer);
} tests[] = {
  { "torn", test_torn },
  { "unended", test_unended },
  { "lines", test_lines },
  { "audit-pages", test_audit_pages },
  { "long-line", test_long_line },
  { "rotated", test_rotated },
  { "deleted", test_deleted },
  { "shortened", test_shortened },
  { "raw", test_raw },
  { "flush-policies", test_flush_policies },
  { "marks", test_marks },
  { "no-file", test_no_file },
};

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  for (guint i = 0; i < G_N_ELEMENTS (tests); i++)
    {
      g_autofree char *path = g_strdup_printf ("/sinks/jsonl/%s", tests[i].name);

      g_test_add (path, SinkFixture, "jsonl", sink_set_up, tests[i].func, sink_tear_down);
    }
  return g_test_run ();
}
