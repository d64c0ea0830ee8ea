/* SPDX-License-Identifier: Apache-2.0 */

/* Any file as a log of lines: all ways to read it agree, and it can be appended to, which loses
 * nothing of it but a torn last line, kept beside it. */

#include "fuzz.h"

#include <glib/gstdio.h>
#include <stdlib.h>
#include <string.h>
#include <zu/zu.h>

#define EVENT                                                                               \
  "{\"event_id\":\"6f9619ff-8b86-4011-b42d-00c04fc964ff\","                                 \
  "\"trace_id\":\"0b1c2d3e-0000-4000-8000-000000000001\","                                  \
  "\"task_id\":\"0b1c2d3e-0000-4000-8000-0000000000aa\",\"parent_id\":null,"                \
  "\"type\":\"data.x\",\"ts\":\"2024-03-05T06:07:08Z\",\"source\":\"fuzz\",\"payload\":{}," \
  "\"schema_version\":1}"

#define PAGE 3

static const char *get_folder (void);

static char *
get_path (const char *suffix)
{
  return g_strconcat (get_folder (), "/log", suffix, NULL);
}

/* That a line was torn is said thousands of times. */
static GLogWriterOutput
drop_message (GLogLevelFlags level, const GLogField *fields, gsize n, gpointer data)
{
  return level >= G_LOG_LEVEL_MESSAGE ? G_LOG_WRITER_HANDLED
                                      : g_log_writer_default (level, fields, n, data);
}

static void
remove_folder (void)
{
  g_autofree char *path = get_path (NULL), *torn = get_path (".torn");

  g_unlink (path);
  g_unlink (torn);
  g_rmdir (get_folder ());
}

/* In memory where there is a place for it: nothing here is about the disk. */
static const char *
get_folder (void)
{
  static char *folder;

  if (g_once_init_enter (&folder))
    {
      gboolean has_memory = g_file_test ("/dev/shm", G_FILE_TEST_IS_DIR);
      char *made =
          g_strdup_printf ("%s/zu-fuzz-XXXXXX", has_memory ? "/dev/shm" : g_get_tmp_dir ());

      g_assert_nonnull (g_mkdtemp (made));
      g_log_set_writer_func (drop_message, NULL, NULL);
      atexit (remove_folder);
      g_once_init_leave (&folder, made);
    }
  return folder;
}

static ZuEventSink *
open_log (const char *options)
{
  g_autofree char *path = get_path (options);
  g_autofree char *uri = g_strconcat ("jsonl:", path, NULL);
  g_autoptr (GError) error = NULL;
  ZuEventSink *sink = zu_open_sink (uri, &error);

  g_assert_no_error (error);
  return sink;
}

static void
assert_same (GPtrArray *some, GPtrArray *all, guint start)
{
  g_assert_cmpuint (start + some->len, <=, all->len);
  for (guint i = 0; i < some->len; i++)
    g_assert_cmpstr (zu_event_get_text (g_ptr_array_index (some, i), NULL), ==,
                     zu_event_get_text (g_ptr_array_index (all, start + i), NULL));
}

static GPtrArray *
query (ZuEventSink *sink, gint64 after, gint64 limit)
{
  g_autoptr (GError) error = NULL;
  GPtrArray *events = zu_event_sink_query (sink, NULL, after, limit, NULL, &error);

  g_assert_no_error (error);
  return events;
}

static void
check_stream (ZuEventSink *sink, GPtrArray *all)
{
  gint64 next = 0;
  guint n;

  do
    {
      g_autoptr (GError) error = NULL;
      g_autoptr (ZuEventPage) page = zu_event_sink_stream (sink, NULL, next, PAGE, NULL, &error);

      g_assert_no_error (error);
      n = zu_event_page_get_events (page)->len;
      assert_same (zu_event_page_get_events (page), all, (guint) next);
      g_assert_cmpint (zu_event_page_get_next_seq (page), ==, next + n);
      next += n;
    }
  while (n > 0);
  g_assert_cmpint (next, ==, all->len);
}

/* Each bad line is named once, in order. */
static void
check_audit (ZuEventSink *sink, GPtrArray *all)
{
  gint64 next = 0, told = 0, before;

  do
    {
      g_autoptr (GError) error = NULL;
      g_autoptr (ZuAuditPage) page =
          zu_event_audit_audit (ZU_EVENT_AUDIT (sink), NULL, next, PAGE, NULL, &error);
      GPtrArray *findings;

      g_assert_no_error (error);
      assert_same (zu_audit_page_get_events (page), all, (guint) next);
      findings = zu_audit_page_get_findings (page);
      for (guint i = 0; i < findings->len; i++)
        {
          gint64 line = zu_audit_finding_get_seq (g_ptr_array_index (findings, i));

          g_assert_true (line > told);
          told = line;
        }
      before = next;
      next = zu_audit_page_get_next_seq (page);
    }
  while (next > before);
  g_assert_cmpint (next, ==, all->len);
}

static GPtrArray *
check_readers (void)
{
  g_autoptr (ZuEventSink) sink = open_log (NULL);
  g_autoptr (GError) error = NULL;
  GPtrArray *all = query (sink, 0, -1);

  g_assert_cmpint (zu_event_sink_count (sink, NULL, NULL, &error), ==, all->len);
  g_assert_no_error (error);
  check_stream (sink, all);
  check_audit (sink, all);
  for (guint i = 0; i <= all->len; i += 1 + all->len / 4)
    {
      g_autoptr (GPtrArray) some = query (sink, i, 2);

      assert_same (some, all, i);
      g_assert_cmpuint (some->len, ==, MIN (2, all->len - i));
    }
  return all;
}

/* What is there now begins with what was there; a torn line is beside it. */
static void
check_bytes (const uint8_t *data, size_t size)
{
  g_autofree char *path = get_path (NULL), *torn_path = get_path (".torn");
  g_autofree char *log = NULL, *torn = NULL;
  gsize length, torn_length = 0;

  g_assert_true (g_file_get_contents (path, &log, &length, NULL));
  if (g_file_get_contents (torn_path, &torn, &torn_length, NULL))
    torn_length--;
  g_assert_cmpuint (torn_length, <=, size);
  g_assert_cmpuint (length, >=, size - torn_length);
  g_assert_true (size == torn_length || memcmp (log, data, size - torn_length) == 0);
  g_assert_true (torn_length == 0 || memcmp (torn, data + size - torn_length, torn_length) == 0);
}

static gboolean
append (const char *options)
{
  g_autoptr (ZuEventSink) sink = open_log (options);
  g_autoptr (ZuEvent) event = zu_event_new_from_json (EVENT, -1, NULL);
  g_autoptr (GError) error = NULL;
  g_autoptr (ZuEvent) stored = zu_event_sink_append (sink, event, NULL, &error);

  g_assert_true (stored != NULL
                 || g_error_matches (error, ZU_EVENT_SINK_ERROR, ZU_EVENT_SINK_ERROR_CONFLICT));
  return stored != NULL;
}

static void
check_append (const uint8_t *data, size_t size, GPtrArray *before, const char *options)
{
  gboolean is_stored = append (options);
  g_autoptr (GPtrArray) after = check_readers ();

  check_bytes (data, size);
  assert_same (before, after, 0);
  if (is_stored)
    g_assert_cmpuint (after->len - before->len, <=, 1);
  else
    g_assert_cmpuint (after->len, ==, before->len);
  /* A second time it is there already. */
  if (is_stored && strstr (options, "raw") == NULL)
    {
      g_autoptr (GPtrArray) again = NULL;

      g_assert_true (append (options));
      again = check_readers ();
      g_assert_cmpuint (again->len, ==, after->len);
    }
}

static void
lay_down (const uint8_t *data, size_t size)
{
  g_autofree char *path = get_path (NULL), *torn = get_path (".torn");
  g_autoptr (GError) error = NULL;

  g_unlink (path); /* setting the contents alone would leave what is longer */
  g_unlink (torn);
  g_file_set_contents_full (path, (const char *) data, (gssize) size, G_FILE_SET_CONTENTS_NONE,
                            0600, &error);
  g_assert_no_error (error);
}

int
LLVMFuzzerTestOneInput (const uint8_t *data, size_t size)
{
  const char *ways[] = { "?fsync=never&space-warning=0", "?fsync=never&raw=true&space-warning=0" };
  g_autoptr (GPtrArray) before = NULL;

  lay_down (data, size);
  before = check_readers ();
  check_append (data, size, before, ways[size % 2]);
  return 0;
}
