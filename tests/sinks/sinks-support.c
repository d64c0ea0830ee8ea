/* SPDX-License-Identifier: Apache-2.0 */

#include "sinks-support.h"

#include <glib/gstdio.h>
#include <string.h>
#include <sys/stat.h>

static void
remove_folder (const char *path)
{
  g_autoptr (GDir) dir = g_dir_open (path, 0, NULL);
  const char *name;

  while (dir != NULL && (name = g_dir_read_name (dir)) != NULL)
    {
      g_autofree char *child = g_build_filename (path, name, NULL);

      if (g_file_test (child, G_FILE_TEST_IS_DIR) && !g_file_test (child, G_FILE_TEST_IS_SYMLINK))
        remove_folder (child);
      else
        g_unlink (child);
    }
  g_rmdir (path);
}

void
sink_set_up (SinkFixture *fixture, gconstpointer kind)
{
  g_autoptr (GError) error = NULL;

  fixture->folder = g_dir_make_tmp ("zu-sink-XXXXXX", &error);
  g_assert_no_error (error);
  fixture->kind = kind;
}

void
sink_tear_down (SinkFixture *fixture, gconstpointer kind)
{
  remove_folder (fixture->folder);
  g_free (fixture->folder);
}

char *
fixture_path (SinkFixture *fixture, const char *name)
{
  return g_build_filename (fixture->folder, name, NULL);
}

char *
fixture_uri (SinkFixture *fixture, const char *options)
{
  if (strcmp (fixture->kind, "memory") == 0)
    return g_strconcat ("memory:", options, NULL);
  return g_strdup_printf ("%s:%s/log%s", fixture->kind, fixture->folder,
                          options != NULL ? options : "");
}

static ZuEventSink *
open_with (const char *uri, const char *name, const GValue *value)
{
  g_autoptr (GError) error = NULL;
  const char *names[] = { name };
  ZuEventSink *sink =
      zu_open_sink_with_properties (uri, name != NULL ? 1 : 0, names, value, &error);

  g_assert_no_error (error);
  g_assert_nonnull (sink);
  return sink;
}

ZuEventSink *
fixture_open (SinkFixture *fixture, const char *options)
{
  g_autofree char *uri = fixture_uri (fixture, options);

  return open_with (uri, NULL, NULL);
}

ZuEventSink *
open_indexed (const char *uri, const char *const *fields)
{
  g_auto (GValue) value = G_VALUE_INIT;

  g_value_init (&value, G_TYPE_STRV);
  g_value_set_boxed (&value, fields);
  return open_with (uri, "index-fields", &value);
}

ZuEventSink *
open_signing (const char *uri, ZuSecret *key)
{
  g_auto (GValue) value = G_VALUE_INIT;

  g_value_init (&value, ZU_TYPE_SECRET);
  g_value_set_boxed (&value, key);
  return open_with (uri, "sign-key", &value);
}

ZuEvent *
make_event_with (const char *trace_id, const char *type, const char *payload)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (ZuJson) json = zu_json_parse (payload, -1, &error);
  ZuEvent *event;

  g_assert_no_error (error);
  event = zu_event_new (trace_id, TASK, NULL, type, "test", json, &error);
  g_assert_no_error (error);
  return event;
}

ZuEvent *
make_event (const char *trace_id, int n)
{
  g_autofree char *payload =
      g_strdup_printf ("{\"n\":%d,\"ctx\":{\"grant_id\":\"g%d\"}}", n, n % 3);

  return make_event_with (trace_id, n % 2 == 0 ? "data.even" : "data.odd", payload);
}

/* The same event, not linked, with another payload. */
ZuEvent *
change_payload (ZuEvent *event, const char *payload)
{
  g_autofree char *text = g_strdup_printf (
      "{\"event_id\":\"%s\",\"trace_id\":\"%s\",\"task_id\":\"%s\",\"parent_id\":null,"
      "\"type\":\"%s\",\"ts\":\"%s\",\"source\":\"%s\",\"payload\":%s,\"schema_version\":1}",
      zu_event_get_event_id (event), zu_event_get_trace_id (event), zu_event_get_task_id (event),
      zu_event_get_event_type (event), zu_event_get_ts (event), zu_event_get_source (event),
      payload);
  g_autoptr (GError) error = NULL;
  ZuEvent *changed = zu_event_new_from_json (text, -1, &error);

  g_assert_no_error (error);
  return changed;
}

ZuEvent *
append_ok (ZuEventSink *sink, ZuEvent *event)
{
  g_autoptr (GError) error = NULL;
  ZuEvent *stored = zu_event_sink_append (sink, event, NULL, &error);

  g_assert_no_error (error);
  g_assert_nonnull (stored);
  return stored;
}

void
append_some (ZuEventSink *sink, const char *trace_id, int n)
{
  for (int i = 0; i < n; i++)
    {
      g_autoptr (ZuEvent) event = make_event (trace_id, i);
      g_autoptr (ZuEvent) stored = append_ok (sink, event);

      g_assert_true (zu_event_is_linked (stored) || !zu_event_sink_get_links (sink));
    }
}

GPtrArray *
query_ok (ZuEventSink *sink, ZuFilter *filter)
{
  g_autoptr (GError) error = NULL;
  GPtrArray *events = zu_event_sink_query (sink, filter, 0, -1, NULL, &error);

  g_assert_no_error (error);
  return events;
}

void
assert_count (ZuEventSink *sink, gint64 count)
{
  g_autoptr (GError) error = NULL;

  g_assert_cmpint (zu_event_sink_count (sink, NULL, NULL, &error), ==, count);
  g_assert_no_error (error);
}

void
assert_intact (ZuEventSink *sink, guint n_events)
{
  g_autoptr (GPtrArray) events = query_ok (sink, NULL);
  g_autoptr (ZuChainVerifier) verifier = zu_chain_verifier_new (NULL);

  g_assert_cmpuint (events->len, ==, n_events);
  for (guint i = 0; i < events->len; i++)
    zu_chain_verifier_add (verifier, g_ptr_array_index (events, i));
  g_assert_cmpuint (zu_chain_verifier_get_violations (verifier)->len, ==, 0);
}

ZuFilter *
filter_of (const char *field, const char *value)
{
  ZuFilter *filter = zu_filter_new ();

  zu_filter_add (filter, field, value);
  return filter;
}

static GString *caught;
static GMutex caught_lock;

static GLogWriterOutput
catch_one (GLogLevelFlags level, const GLogField *fields, gsize n, gpointer data)
{
  g_autofree char *text = g_log_writer_format_fields (level, fields, n, FALSE);
  g_autoptr (GMutexLocker) locker = g_mutex_locker_new (&caught_lock);

  if (level <= G_LOG_LEVEL_MESSAGE)
    g_string_append_printf (caught, "%s\n", text);
  return G_LOG_WRITER_HANDLED;
}

/* From now on what is logged is kept for the test; called once in a program. */
void
catch_log (void)
{
  caught = g_string_new (NULL);
  g_log_set_writer_func (catch_one, NULL, NULL);
}

/* What was logged since this was last asked. */
char *
take_log (void)
{
  g_autoptr (GMutexLocker) locker = g_mutex_locker_new (&caught_lock);
  char *text = g_strdup (caught->str);

  g_string_set_size (caught, 0);
  return text;
}

char *
run_output (const char *const *argv)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (GSubprocess) process =
      g_subprocess_newv (argv, G_SUBPROCESS_FLAGS_STDOUT_PIPE, &error);
  char *output = NULL;

  g_assert_no_error (error);
  g_subprocess_communicate_utf8 (process, NULL, NULL, &output, NULL, &error);
  g_assert_no_error (error);
  if (!g_subprocess_get_successful (process))
    g_error ("%s failed: %s", argv[0], output);
  return output;
}

void
run_ok (const char *const *argv)
{
  g_autofree char *output = run_output (argv);

  g_assert_nonnull (output);
}

/* Another process that appends; it prints the id of each event once it is acknowledged. */
GSubprocess *
start_appender_of (const char *uri, const char *trace_id, int n, const char *how)
{
  g_autofree char *number = g_strdup_printf ("%d", n);
  const char *argv[] = { g_getenv ("ZU_SINK_APPENDER"), uri, trace_id, number, how, NULL };
  g_autoptr (GError) error = NULL;
  GSubprocess *process = g_subprocess_newv (argv, G_SUBPROCESS_FLAGS_STDOUT_PIPE, &error);

  g_assert_no_error (error);
  return process;
}

GSubprocess *
start_appender (const char *uri, const char *trace_id, int n, gboolean is_async)
{
  return start_appender_of (uri, trace_id, n, is_async ? "async" : NULL);
}

/* The ids that appenders have printed. */
GHashTable *
collect_acknowledged (const char *output)
{
  g_auto (GStrv) lines = g_strsplit (output, "\n", -1);
  GHashTable *ids = g_hash_table_new_full (g_str_hash, g_str_equal, g_free, NULL);

  for (gsize i = 0; lines[i] != NULL; i++)
    if (strlen (lines[i]) == 36)
      g_hash_table_add (ids, g_strdup (lines[i]));
  return ids;
}

/* Names and states of the files in a folder. */
GHashTable *
snapshot (const char *folder)
{
  GHashTable *files = g_hash_table_new_full (g_str_hash, g_str_equal, g_free, g_free);
  g_autoptr (GDir) dir = g_dir_open (folder, 0, NULL);
  const char *name;

  while ((name = g_dir_read_name (dir)) != NULL)
    {
      g_autofree char *path = g_build_filename (folder, name, NULL);
      g_autofree char *content = NULL;
      gsize length;

      g_assert_true (g_file_get_contents (path, &content, &length, NULL));
      g_hash_table_insert (files, g_strdup (name),
                           g_compute_checksum_for_data (G_CHECKSUM_SHA256, (const guchar *) content,
                                                        length));
    }
  return files;
}

void
assert_snapshot_same (GHashTable *before, const char *folder)
{
  g_autoptr (GHashTable) now = snapshot (folder);
  GHashTableIter iter;
  gpointer name, sum;

  g_hash_table_iter_init (&iter, now);
  while (g_hash_table_iter_next (&iter, &name, &sum))
    g_assert_cmpstr (g_hash_table_lookup (before, name), ==, sum);
  g_assert_cmpuint (g_hash_table_size (now), ==, g_hash_table_size (before));
}
