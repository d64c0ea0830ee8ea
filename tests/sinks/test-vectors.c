/* SPDX-License-Identifier: Apache-2.0 */

/* The recorded logs of another implementation, read as it reads them. */

#include "../event/vectors-support.h"
#include "sinks-support.h"

#include <string.h>

static char *
copy_log (SinkFixture *fixture, const char *folder, const char *file)
{
  g_autofree char *from = g_build_filename (folder, file, NULL);
  g_autofree char *to = fixture_path (fixture, file);
  g_autofree char *data = NULL;
  g_autoptr (GError) error = NULL;
  gsize length;

  data = vectors_read (from, &length);
  g_file_set_contents (to, data, (gssize) length, &error);
  g_assert_no_error (error);
  return g_steal_pointer (&to);
}

static GStrv
dup_fields (ZuJson *log)
{
  g_autoptr (ZuJson) fields = zu_json_dup_member (log, "registered_fields");
  g_autoptr (GStrvBuilder) builder = g_strv_builder_new ();

  for (gsize i = 0; i < zu_json_get_size (fields); i++)
    {
      g_autoptr (ZuJson) field = zu_json_dup_element (fields, i);

      g_strv_builder_add (builder, zu_json_get_string (field, NULL));
    }
  return g_strv_builder_end (builder);
}

static gint64
get_number (ZuJson *row, const char *name, gint64 otherwise)
{
  g_autoptr (ZuJson) value = zu_json_dup_member (row, name);
  gint64 number;

  return value != NULL && zu_json_get_int64 (value, &number) ? number : otherwise;
}

static void
assert_ids (GPtrArray *events, ZuJson *wanted)
{
  g_assert_cmpuint (events->len, ==, zu_json_get_size (wanted));
  for (guint i = 0; i < events->len; i++)
    {
      g_autoptr (ZuJson) id = zu_json_dup_element (wanted, i);

      g_assert_cmpstr (zu_event_get_event_id (g_ptr_array_index (events, i)), ==,
                       zu_json_get_string (id, NULL));
    }
}

/* The ids of a whole reading, page by page. */
static void
assert_stream (ZuEventSink *sink, ZuFilter *filter, ZuJson *wanted)
{
  g_autoptr (GPtrArray) all = g_ptr_array_new_with_free_func (g_object_unref);
  g_autoptr (GError) error = NULL;
  gint64 seq = 0;
  guint n;

  do
    {
      g_autoptr (ZuEventPage) page = zu_event_sink_stream (sink, filter, seq, 3, NULL, &error);
      GPtrArray *events;

      g_assert_no_error (error);
      events = zu_event_page_get_events (page);
      n = events->len;
      for (guint i = 0; i < n; i++)
        g_ptr_array_add (all, g_object_ref (g_ptr_array_index (events, i)));
      seq = zu_event_page_get_next_seq (page);
    }
  while (n > 0);
  assert_ids (all, wanted);
}

static void
check_query (ZuEventSink *sink, ZuJson *query, gboolean is_passed_over)
{
  g_autoptr (ZuJson) json = zu_json_dup_member (query, "filter");
  g_autoptr (ZuJson) ids = zu_json_dup_member (query, "ids");
  g_autoptr (ZuJson) stream_ids = zu_json_dup_member (query, "stream_ids");
  g_autoptr (GError) error = NULL;
  g_autoptr (ZuFilter) filter = zu_filter_new_from_json (json, &error);
  gint64 limit = get_number (query, "limit", -1), after = get_number (query, "after_seq", 0);
  gint64 count = get_number (query, "count", -1);
  g_autoptr (GPtrArray) events = NULL;

  g_assert_no_error (error);
  events = zu_event_sink_query (sink, filter, after, limit, NULL, &error);
  if (ids != NULL)
    {
      g_assert_no_error (error);
      assert_ids (events, ids);
    }
  else if (is_passed_over)
    g_assert_no_error (error);
  else
    g_assert_nonnull (error);
  g_clear_error (&error);

  if (count >= 0)
    g_assert_cmpint (zu_event_sink_count (sink, filter, NULL, &error), ==, count);
  g_assert_no_error (error);
  if (stream_ids != NULL)
    assert_stream (sink, filter, stream_ids);
}

static void
check_queries (ZuEventSink *sink, ZuJson *log, gboolean is_passed_over)
{
  g_autoptr (ZuJson) queries = zu_json_dup_member (log, "queries");

  for (gsize i = 0; i < zu_json_get_size (queries); i++)
    {
      g_autoptr (ZuJson) query = zu_json_dup_element (queries, i);

      check_query (sink, query, is_passed_over);
    }
}

/* Each row by itself. */
static void
check_rows (ZuEventSink *sink, ZuJson *log)
{
  g_autoptr (ZuJson) rows = zu_json_dup_member (log, "row_by_row");

  for (gsize i = 0; rows != NULL && i < zu_json_get_size (rows); i++)
    {
      g_autoptr (ZuJson) row = zu_json_dup_element (rows, i);
      g_autoptr (GError) error = NULL;
      gint64 seq = get_number (row, "seq", 0);
      g_autoptr (GPtrArray) events = zu_event_sink_query (sink, NULL, seq - 1, 1, NULL, &error);
      ZuEvent *event;

      if (row_text (row, "event_id") == NULL)
        {
          g_assert_error (error, ZU_EVENT_SINK_ERROR, ZU_EVENT_SINK_ERROR_UNDECODABLE);
          continue;
        }
      g_assert_no_error (error);
      event = g_ptr_array_index (events, 0);
      g_assert_cmpstr (zu_event_get_event_id (event), ==, row_text (row, "event_id"));
      g_assert_cmpstr (zu_event_get_event_type (event), ==, row_text (row, "type"));
      g_assert_cmpstr (zu_event_get_source (event), ==, row_text (row, "source"));
      g_assert_cmpstr (zu_event_get_hash (event), ==, row_text (row, "hash"));
    }
}

static guint
count_encrypted (ZuJson *log, guint *version)
{
  g_autoptr (ZuJson) rows = zu_json_dup_member (log, "rows");
  g_autoptr (ZuJson) versions = zu_json_dup_member (rows, "blob_versions");

  for (gsize i = 0; i < zu_json_get_size (versions); i++)
    {
      g_autoptr (ZuJson) number = zu_json_dup_element (versions, i);
      gint64 n;

      *version = (guint) g_ascii_strtoull (zu_json_get_member_name (versions, i, NULL), NULL, 10);
      if ((*version == 1 || *version == 2) && zu_json_get_int64 (number, &n))
        return (guint) n;
    }
  return 0;
}

/* Without the codec, each such row names its version, and all that can be known is. */
static void
check_without_codec (ZuEventSink *sink, guint n_encrypted, guint version)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (ZuAuditPage) page =
      zu_event_audit_audit (ZU_EVENT_AUDIT (sink), NULL, 0, 1000, NULL, &error);
  g_autofree char *wanted = g_strdup_printf ("payload version %u ", version);
  GPtrArray *findings;
  guint n = 0;

  g_assert_no_error (error);
  findings = zu_audit_page_get_findings (page);
  for (guint i = 0; i < findings->len; i++)
    if (strstr (zu_audit_finding_get_text (g_ptr_array_index (findings, i)), wanted) != NULL)
      n++;
  g_assert_cmpuint (n, ==, n_encrypted);
  g_assert_cmpint (zu_event_sink_count (sink, NULL, NULL, &error), ==, 12);
  g_assert_no_error (error);
}

static void
test_sqlite (SinkFixture *fixture, gconstpointer data)
{
  g_autoptr (ZuJson) manifest = vectors_read_json ("sqlite/manifest.json");
  g_autoptr (ZuJson) logs = zu_json_dup_member (manifest, "databases");

  g_assert_cmpuint (zu_json_get_size (logs), >, 10);
  for (gsize i = 0; i < zu_json_get_size (logs); i++)
    {
      g_autoptr (ZuJson) log = zu_json_dup_element (logs, i);
      g_autofree char *path = copy_log (fixture, "sqlite", row_text (log, "file"));
      g_autofree char *uri = g_strconcat ("sqlite:", path, NULL);
      g_auto (GStrv) fields = dup_fields (log);
      g_autoptr (GHashTable) before = snapshot (fixture->folder);
      g_autoptr (ZuEventSink) sink = open_indexed (uri, (const char *const *) fields);
      guint version, n_encrypted = count_encrypted (log, &version);

      if (n_encrypted > 0)
        check_without_codec (sink, n_encrypted, version);
      else
        {
          check_rows (sink, log);
          check_queries (sink, log, FALSE);
        }
      g_clear_object (&sink);
      assert_snapshot_same (before, fixture->folder);
    }
}

/* The same questions after the log was opened for writing, which completes the side index. */
static void
test_sqlite_indexed (SinkFixture *fixture, gconstpointer data)
{
  const char *fields[] = { "grant_id", "peer", NULL };
  g_autofree char *path = copy_log (fixture, "sqlite", "ctx.db");
  g_autofree char *uri = g_strconcat ("sqlite:", path, NULL);
  g_autoptr (ZuEventSink) sink = open_indexed (uri, fields);
  g_autoptr (GError) error = NULL;
  g_autoptr (ZuFilter) grant = filter_of ("grant_id", "g1");
  g_autoptr (ZuEvent) event =
      make_event_with (TRACE_A, "data.x", "{\"ctx\":{\"grant_id\":\"g1\",\"peer\":null}}");
  g_autoptr (ZuEvent) stored = append_ok (sink, event);
  g_autoptr (GPtrArray) found = query_ok (sink, grant);

  g_assert_cmpuint (found->len, ==, 4);
  g_assert_cmpint (zu_event_sink_count (sink, grant, NULL, &error), ==, 4);
  g_assert_cmpint (zu_event_sink_count (sink, NULL, NULL, &error), ==, 13);
  g_assert_no_error (error);
}

static void
test_jsonl (SinkFixture *fixture, gconstpointer data)
{
  g_autoptr (ZuJson) manifest = vectors_read_json ("jsonl/manifest.json");
  g_autoptr (ZuJson) logs = zu_json_dup_member (manifest, "logs");

  g_assert_cmpuint (zu_json_get_size (logs), >, 5);
  for (gsize i = 0; i < zu_json_get_size (logs); i++)
    {
      g_autoptr (ZuJson) log = zu_json_dup_element (logs, i);
      const char *file = row_text (log, "file");
      gboolean is_missing = strcmp (file, "missing.jsonl") == 0;
      /* Others stop at a torn line; this sink passes over it. */
      gboolean is_torn = strcmp (file, "torn-last-line.jsonl") == 0;
      g_autofree char *path =
          is_missing ? fixture_path (fixture, file) : copy_log (fixture, "jsonl", file);
      g_autofree char *uri = g_strconcat ("jsonl:", path, NULL);
      g_auto (GStrv) fields = dup_fields (log);
      g_autoptr (GHashTable) before = snapshot (fixture->folder);
      g_autoptr (ZuEventSink) sink = open_indexed (uri, (const char *const *) fields);

      check_queries (sink, log, is_torn);
      g_clear_object (&sink);
      assert_snapshot_same (before, fixture->folder);
    }
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  g_test_add ("/sinks/vectors/sqlite", SinkFixture, "sqlite", sink_set_up, test_sqlite,
              sink_tear_down);
  g_test_add ("/sinks/vectors/sqlite-indexed", SinkFixture, "sqlite", sink_set_up,
              test_sqlite_indexed, sink_tear_down);
  g_test_add ("/sinks/vectors/jsonl", SinkFixture, "jsonl", sink_set_up, test_jsonl,
              sink_tear_down);
  return g_test_run ();
}
