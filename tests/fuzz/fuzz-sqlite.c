/* SPDX-License-Identifier: Apache-2.0 */

/* A database from anybody, read, audited, looked after and appended to as a log. The input is the
 * database, or, where it does not begin as one does, a list of edits to a good one (the corpus'
 * file `log`): four bytes each, what to do, a page, a place in it, a value. What is answered as
 * stored is there. */

#include "fuzz.h"

#include <fcntl.h>
#include <glib/gstdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <zu/zu.h>

#define MAGIC      "SQLite format 3"
#define EDIT       4
#define MOST_EDITS 64
#define MOST_PAGES 64
#define PAGE_SIZE  512
#define TRACE      "0b1c2d3e-0000-4000-8000-000000000001"

typedef struct
{
  char *folder;
  char *path;
  char *uri;
  guint8 *good;
  gsize good_size;
} Place;

static Place place;

static const char *const suffixes[] = { "", "-wal", "-shm", "-journal", ".lock" };

static void
remove_files (void)
{
  for (guint i = 0; i < G_N_ELEMENTS (suffixes); i++)
    {
      g_autofree char *path = g_strconcat (place.path, suffixes[i], NULL);

      g_unlink (path);
    }
}

static void
leave (void)
{
  remove_files ();
  g_rmdir (place.folder);
}

static GLogWriterOutput
drop_messages (GLogLevelFlags level, const GLogField *fields, gsize n_fields, gpointer data)
{
  return (level & G_LOG_LEVEL_MESSAGE) != 0 ? G_LOG_WRITER_HANDLED
                                            : g_log_writer_default (level, fields, n_fields, data);
}

/* In memory where there is such a folder: no flush is waited for. */
static void
prepare (void)
{
  const char *parent = access ("/dev/shm", W_OK) == 0 ? "/dev/shm" : g_get_tmp_dir ();

  if (place.folder != NULL)
    return;

  place.folder = g_build_filename (parent, "zu-fuzz-XXXXXX", NULL);
  g_assert_nonnull (g_mkdtemp (place.folder));
  place.path = g_build_filename (place.folder, "log", NULL);
  place.uri = g_strconcat ("sqlite:", place.path, "?busy-timeout=50", NULL);
  g_assert_true (g_file_get_contents (GOOD_LOG, (char **) &place.good, &place.good_size, NULL));
  g_log_set_writer_func (drop_messages, NULL, NULL);
  atexit (leave);
}

static void
fill (guint8 *page, gsize start, guint8 value)
{
  memset (page + start, value, MIN ((gsize) 16, PAGE_SIZE - start));
}

static void
edit (guint8 *bytes, gsize n_pages, const guint8 *words)
{
  guint8 *page = bytes + (words[1] % n_pages) * PAGE_SIZE;
  guint8 *other = bytes + (words[3] % n_pages) * PAGE_SIZE;
  gsize at = (gsize) words[2] + (words[0] & 0x80 ? 256 : 0);

  switch (words[0] % 7)
    {
    case 0:
      page[at] = words[3];
      break;
    case 1:
      page[at] ^= (guint8) (1 << words[3] % 8);
      break;
    case 2:
      memmove (page, other, PAGE_SIZE);
      break;
    case 3:
      /* What a page's header says, where it has one. */
      page[(page == bytes ? 100 : 0) + words[2] % 12] = words[3];
      break;
    case 4:
      fill (page, at, words[3]);
      break;
    case 5:
      memmove (page + at, other, MIN ((gsize) 32, PAGE_SIZE - at));
      break;
    default:
      /* Of the file's own header. */
      bytes[16 + words[2] % 84] = words[3];
    }
}

static void
write_log (const uint8_t *data, size_t size)
{
  g_autofree guint8 *bytes = NULL;
  gboolean is_raw = size >= sizeof MAGIC && memcmp (data, MAGIC, sizeof MAGIC) == 0;
  gsize length = is_raw ? size : place.good_size;
  int fd = open (place.path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);

  bytes = g_memdup2 (is_raw ? data : place.good, length);
  for (gsize i = 0; !is_raw && i + EDIT <= size && i / EDIT < MOST_EDITS; i += EDIT)
    edit (bytes, length / PAGE_SIZE, data + i);
  g_assert_cmpint (fd, >=, 0);
  g_assert_cmpint (write (fd, bytes, length), ==, length);
  close (fd);
}

static ZuEventSink *
open_log (void)
{
  static const char *const fields[] = { "grant_id", NULL };
  const char *names[] = { "index-fields" };
  g_auto (GValue) value = G_VALUE_INIT;
  g_autoptr (GError) error = NULL;
  ZuEventSink *sink;

  g_value_init (&value, G_TYPE_STRV);
  g_value_set_static_boxed (&value, fields);
  sink = zu_open_sink_with_properties (place.uri, 1, names, &value, &error);
  g_assert_no_error (error);
  return sink;
}

/* Pages go on, and end. */
static void
audit (ZuEventSink *sink)
{
  gint64 after = 0;

  for (guint i = 0; i < MOST_PAGES; i++)
    {
      g_autoptr (ZuAuditPage) page =
          zu_event_audit_audit (ZU_EVENT_AUDIT (sink), NULL, after, 4, NULL, NULL);

      if (page == NULL || zu_audit_page_get_next_seq (page) == after)
        return;
      g_assert_cmpint (zu_audit_page_get_next_seq (page), >, after);
      after = zu_audit_page_get_next_seq (page);
    }
}

static void
read_with (ZuEventSink *sink, const char *field, const char *value)
{
  g_autoptr (ZuFilter) filter = zu_filter_new ();
  g_autoptr (GPtrArray) events = NULL;
  g_autoptr (ZuEventPage) page = NULL;
  g_autoptr (GError) error = NULL;

  zu_filter_add (filter, field, value);
  events = zu_event_sink_query (sink, filter, 0, 8, NULL, &error);
  g_assert_true ((events != NULL) != (error != NULL));
  page = zu_event_sink_stream (sink, filter, 2, 2, NULL, NULL);
  zu_event_sink_count (sink, filter, NULL, NULL);
}

static void
look_after (ZuEventSink *sink)
{
  g_autoptr (ZuSealPage) seals = zu_event_audit_seals (ZU_EVENT_AUDIT (sink), 0, 0, 64, NULL, NULL);
  g_autoptr (ZuLogFigures) figures =
      zu_event_maintenance_stat (ZU_EVENT_MAINTENANCE (sink), NULL, NULL);
  g_auto (GStrv) problems = zu_event_maintenance_check (ZU_EVENT_MAINTENANCE (sink), NULL, NULL);
}

static ZuEvent *
append (ZuEventSink *sink)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (ZuJson) payload = zu_json_parse ("{\"ctx\":{\"grant_id\":\"g\"}}", -1, NULL);
  g_autoptr (ZuEvent) event = zu_event_new (TRACE, TRACE, NULL, "data.x", "fuzz", payload, &error);
  ZuEvent *stored;

  g_assert_no_error (error);
  stored = zu_event_sink_append (sink, event, NULL, &error);
  g_assert_true ((stored != NULL) != (error != NULL));
  return stored;
}

/* What was stored is there once, unless the log cannot be read to its end. An index that lies does
 * not count. */
static void
find (ZuEventSink *sink, ZuEvent *stored)
{
  g_autoptr (GPtrArray) events = zu_event_sink_query (sink, NULL, 0, -1, NULL, NULL);
  guint n = 0;

  for (guint i = 0; events != NULL && i < events->len; i++)
    n += g_str_equal (zu_event_get_event_id (g_ptr_array_index (events, i)),
                      zu_event_get_event_id (stored));
  g_assert_true (events == NULL || n == 1);
}

int
LLVMFuzzerTestOneInput (const uint8_t *data, size_t size)
{
  g_autoptr (ZuEventSink) sink = NULL;
  g_autoptr (ZuEvent) stored = NULL;

  prepare ();
  remove_files ();
  write_log (data, size);
  sink = open_log ();
  audit (sink);
  read_with (sink, "trace_id", TRACE);
  read_with (sink, "source", "test");
  read_with (sink, "grant_id", "g1");
  look_after (sink);
  stored = append (sink);
  if (stored != NULL)
    find (sink, stored);
  return 0;
}
