/* SPDX-License-Identifier: Apache-2.0 */

/* A whole log, verified by several threads: what is found, and in which order, is what one finds
 * who reads row after row, however many threads there are and however the log comes in pages. */

#include <string.h>
#include <zu/zu.h>

#define N_TRACES    7
#define N_ROWS      600
#define XOR_VERSION 7

/* A sink whose rows are in memory, where they can be damaged. */

typedef struct
{
  char *columns[ZU_ROW_N_COLUMNS]; /* NULL for null */
  GByteArray *blob;
} Row;

#define TEST_TYPE_SINK (test_sink_get_type ())
G_DECLARE_FINAL_TYPE (TestSink, test_sink, TEST, SINK, GObject)

struct _TestSink
{
  GObject parent_instance;

  GPtrArray *rows; /* of Row; NULL stands for a row that is gone */
  ZuCodecSet *codecs;
  gboolean has_no_rows; /* offers `audit` only */
  guint page_rows;
  gint64 fails_after;   /* 0 for never */
  gint64 garbles_after; /* likewise */
};

static void test_sink_init_sink (ZuEventSinkInterface *iface);
static void test_sink_init_audit (ZuEventAuditInterface *iface);

G_DEFINE_FINAL_TYPE_WITH_CODE (TestSink, test_sink, G_TYPE_OBJECT,
                               G_IMPLEMENT_INTERFACE (ZU_TYPE_EVENT_SINK, test_sink_init_sink)
                                   G_IMPLEMENT_INTERFACE (ZU_TYPE_EVENT_AUDIT,
                                                          test_sink_init_audit))

/* A codec that the sink alone has; it refuses what ends with a bang. */

#define TEST_TYPE_CODEC (test_codec_get_type ())
G_DECLARE_FINAL_TYPE (TestCodec, test_codec, TEST, CODEC, GObject)

struct _TestCodec
{
  GObject parent_instance;
};

static void test_codec_init_codec (ZuPayloadCodecInterface *iface);

G_DEFINE_FINAL_TYPE_WITH_CODE (TestCodec, test_codec, G_TYPE_OBJECT,
                               G_IMPLEMENT_INTERFACE (ZU_TYPE_PAYLOAD_CODEC, test_codec_init_codec))

static guint
test_codec_get_version (ZuPayloadCodec *codec)
{
  return XOR_VERSION;
}

static GBytes *
test_codec_decode (ZuPayloadCodec *codec, GBytes *body, GBytes *associated_data,
                   GCancellable *cancellable, GError **error)
{
  gsize size;
  guint8 *copy = g_bytes_unref_to_data (g_bytes_ref (body), &size);

  for (gsize i = 0; i < size; i++)
    copy[i] ^= 0x5a;
  if (size > 0 && copy[size - 1] == '!')
    {
      g_free (copy);
      g_set_error_literal (error, ZU_PAYLOAD_CODEC_ERROR, ZU_PAYLOAD_CODEC_ERROR_UNDECODABLE,
                           "it ends with a bang");
      return NULL;
    }
  return g_bytes_new_take (copy, size);
}

static void
test_codec_init_codec (ZuPayloadCodecInterface *iface)
{
  iface->get_version = test_codec_get_version;
  iface->decode = test_codec_decode;
}

static void
test_codec_class_init (TestCodecClass *klass)
{
}

static void
test_codec_init (TestCodec *self)
{
}

static void
row_free (gpointer data)
{
  Row *row = data;

  for (guint i = 0; i < ZU_ROW_N_COLUMNS; i++)
    g_free (row->columns[i]);
  g_byte_array_unref (row->blob);
  g_free (row);
}

static void
test_sink_finalize (GObject *object)
{
  TestSink *self = TEST_SINK (object);

  g_ptr_array_unref (self->rows);
  g_object_unref (self->codecs);

  G_OBJECT_CLASS (test_sink_parent_class)->finalize (object);
}

static void
test_sink_class_init (TestSinkClass *klass)
{
  G_OBJECT_CLASS (klass)->finalize = test_sink_finalize;
}

static void
test_sink_init (TestSink *self)
{
  self->rows = g_ptr_array_new_with_free_func (row_free);
  self->codecs = zu_codec_set_new ();
  self->page_rows = 16;
}

static void
write_row (ZuRowWriter *writer, gint64 seq, const Row *row)
{
  ZuRow stored = { .seq = seq };

  for (guint i = 0; i < ZU_ROW_N_COLUMNS; i++)
    if (row->columns[i] != NULL)
      stored.columns[i] = (ZuRowValue){ row->columns[i], strlen (row->columns[i]) };
  stored.blob = (ZuRowValue){ row->blob->data, row->blob->len };
  zu_row_writer_add (writer, &stored);
}

/* The page behind AFTER; its rows' places are numbers from 1 on. */
static GBytes *
make_page (TestSink *self, gint64 after, gint64 limit, gint64 *next_seq, GError **error)
{
  g_autoptr (ZuRowWriter) writer = zu_row_writer_new (0);
  gint64 most = MIN (limit, self->page_rows);

  *next_seq = after;
  if (self->fails_after > 0 && after >= self->fails_after)
    {
      g_set_error_literal (error, ZU_EVENT_AUDIT_ERROR, ZU_EVENT_AUDIT_ERROR_BUSY, "no more");
      return NULL;
    }
  for (guint i = (guint) after; i < self->rows->len && most > 0; i++)
    {
      const Row *row = g_ptr_array_index (self->rows, i);

      *next_seq = i + 1;
      if (row == NULL)
        continue;
      write_row (writer, i + 1, row);
      most--;
    }
  if (self->garbles_after > 0 && after >= self->garbles_after)
    return g_bytes_new ("garbage", 7);
  return zu_row_writer_end (writer);
}

static ZuAuditRows *
test_sink_rows (ZuEventAudit *audit, ZuFilter *filter, gint64 after_seq, gint64 limit,
                GCancellable *cancellable, GError **error)
{
  TestSink *self = TEST_SINK (audit);
  gint64 next_seq;
  g_autoptr (GBytes) page = NULL;

  if (self->has_no_rows)
    {
      g_set_error_literal (error, G_IO_ERROR, G_IO_ERROR_NOT_SUPPORTED, "not offered");
      return NULL;
    }
  page = make_page (self, after_seq, limit, &next_seq, error);
  return page != NULL ? zu_audit_rows_new (page, next_seq) : NULL;
}

static GBytes *
test_sink_reveal (ZuEventAudit *audit, GBytes *rows, GCancellable *cancellable, GError **error)
{
  return zu_rows_reveal (rows, TEST_SINK (audit)->codecs, error);
}

static ZuAuditPage *
test_sink_audit (ZuEventAudit *audit, ZuFilter *filter, gint64 after_seq, gint64 limit,
                 GCancellable *cancellable, GError **error)
{
  TestSink *self = TEST_SINK (audit);
  gint64 next_seq;
  g_autoptr (GBytes) page = make_page (self, after_seq, limit, &next_seq, error);

  return page != NULL ? zu_rows_audit (page, self->codecs, next_seq, error) : NULL;
}

static void
test_sink_init_audit (ZuEventAuditInterface *iface)
{
  iface->rows = test_sink_rows;
  iface->reveal = test_sink_reveal;
  iface->audit = test_sink_audit;
}

static void
test_sink_init_sink (ZuEventSinkInterface *iface)
{
}

/* What is in the log, and what is done to it. */

static void
add_event (TestSink *self, ZuEvent *event)
{
  static const ZuEventField fields[] = { ZU_EVENT_FIELD_EVENT_ID, ZU_EVENT_FIELD_TRACE_ID,
                                         ZU_EVENT_FIELD_TASK_ID,  ZU_EVENT_FIELD_TYPE,
                                         ZU_EVENT_FIELD_SOURCE,   ZU_EVENT_FIELD_PARENT_ID };
  Row *row = g_new0 (Row, 1);
  gsize length;
  const char *text = zu_event_get_text (event, &length);

  for (guint i = 0; i < G_N_ELEMENTS (fields); i++)
    row->columns[i] = g_strdup (zu_event_get_field (event, fields[i], NULL));
  row->blob = g_byte_array_new ();
  g_byte_array_append (row->blob, (const guint8 *) "", 1);
  g_byte_array_append (row->blob, (const guint8 *) text, (guint) length);
  g_ptr_array_add (self->rows, row);
}

static TestSink *
make_log (GRand *random, guint n, ZuSecret *key)
{
  static const char *const payloads[] = { "{}", "{\"b\":1,\"a\":[0.5,\"é\"]}",
                                          "{\"text\":\"a \\\"quoted\\\" one\\n\"}",
                                          "{\"\\u0001\":1}", "{\"e\":1e-7}" };
  TestSink *self = g_object_new (TEST_TYPE_SINK, NULL);
  char *ids[N_TRACES];
  ZuEvent *last[N_TRACES] = { NULL };

  for (guint i = 0; i < N_TRACES; i++)
    ids[i] = g_uuid_string_random ();
  for (guint i = 0; i < n; i++)
    {
      guint trace = (guint) g_rand_int_range (random, 0, N_TRACES);
      const char *text = payloads[g_rand_int_range (random, 0, (gint32) G_N_ELEMENTS (payloads))];
      g_autoptr (ZuJson) payload = zu_json_parse (text, -1, NULL);
      g_autoptr (ZuEvent) event =
          zu_event_new (ids[trace], ids[0], NULL, "data.x", "me", payload, NULL);
      g_autoptr (ZuEvent) linked =
          zu_event_link (event, last[trace] == NULL ? NULL : zu_event_get_hash (last[trace]), key);

      add_event (self, linked);
      g_set_object (&last[trace], linked);
    }
  for (guint i = 0; i < N_TRACES; i++)
    {
      g_clear_object (&last[i]);
      g_free (ids[i]);
    }
  return self;
}

static Row *
random_row (TestSink *self, GRand *random)
{
  return g_ptr_array_index (self->rows, g_rand_int_range (random, 0, (gint32) self->rows->len));
}

static void
swap_rows (TestSink *self, GRand *random)
{
  guint i = (guint) g_rand_int_range (random, 0, (gint32) self->rows->len - 1);
  gpointer first = self->rows->pdata[i];

  self->rows->pdata[i] = self->rows->pdata[i + 1];
  self->rows->pdata[i + 1] = first;
}

static void
encode_row (Row *row)
{
  if (row->blob->len == 0 || row->blob->data[0] == XOR_VERSION)
    return;
  row->blob->data[0] = XOR_VERSION;
  for (guint i = 1; i < row->blob->len; i++)
    row->blob->data[i] ^= 0x5a;
}

static void
damage (TestSink *self, GRand *random)
{
  Row *row = random_row (self, random);
  guint column = (guint) g_rand_int_range (random, 0, ZU_ROW_N_COLUMNS);

  switch (g_rand_int_range (random, 0, 7))
    {
    case 0: /* any byte of the blob */
      row->blob->data[g_rand_int_range (random, 0, (gint32) row->blob->len)] =
          (guint8) g_rand_int (random);
      break;
    case 1:
      g_free (row->columns[column]);
      row->columns[column] = g_rand_boolean (random) ? NULL : g_strdup ("other \xff");
      break;
    case 2:
      swap_rows (self, random);
      break;
    case 3:
      g_byte_array_set_size (row->blob, (guint) g_rand_int_range (random, 1, 40));
      break;
    case 4: /* rows that are missing */
      g_ptr_array_remove_index (self->rows,
                                (guint) g_rand_int_range (random, 0, (gint32) self->rows->len));
      break;
    case 5: /* no version that anybody knows */
      row->blob->data[0] = 9;
      break;
    default:
      encode_row (row);
      break;
    }
}

static char *
dup_list (GPtrArray *violations)
{
  GString *list = g_string_new (NULL);

  for (guint i = 0; i < violations->len; i++)
    {
      ZuViolation *violation = g_ptr_array_index (violations, i);

      g_string_append_printf (list, "%s %s %s\n",
                              zu_violation_kind_to_string (zu_violation_get_kind (violation)),
                              zu_violation_get_subject (violation),
                              zu_violation_get_text (violation));
    }
  return g_string_free (list, FALSE);
}

/* Row after row: each is a page of its own, audited, and its event added. */
static char *
dup_expected (TestSink *self, ZuSecret *key)
{
  g_autoptr (ZuChainVerifier) verifier = zu_chain_verifier_new (key);

  for (guint i = 0; i < self->rows->len; i++)
    {
      gint64 next_seq;
      g_autoptr (GBytes) rows = make_page (self, i, 1, &next_seq, NULL);
      g_autoptr (ZuAuditPage) page = zu_rows_audit (rows, self->codecs, next_seq, NULL);
      GPtrArray *findings = zu_audit_page_get_findings (page);
      GPtrArray *events = zu_audit_page_get_events (page);

      for (guint j = 0; j < findings->len; j++)
        {
          ZuAuditFinding *finding = g_ptr_array_index (findings, j);
          g_autoptr (ZuViolation) violation =
              zu_violation_new (zu_audit_finding_get_kind (finding) == ZU_FINDING_KIND_UNDECODABLE
                                    ? ZU_VIOLATION_KIND_UNDECODABLE
                                    : ZU_VIOLATION_KIND_INDEX_MISMATCH,
                                zu_audit_finding_get_subject (finding),
                                zu_audit_finding_get_text (finding));

          g_assert_cmpint (zu_audit_finding_get_seq (finding), ==, i + 1);
          zu_chain_verifier_add_violation (verifier, violation);
        }
      for (guint j = 0; j < events->len; j++)
        zu_chain_verifier_add (verifier, g_ptr_array_index (events, j));
    }
  zu_chain_verifier_end (verifier);
  return dup_list (zu_chain_verifier_get_violations (verifier));
}

static char *
dup_found (TestSink *self, ZuSecret *key, guint n_threads)
{
  g_autoptr (ZuChainVerifier) verifier = zu_chain_verifier_new (key);
  g_autoptr (GError) error = NULL;

  g_assert_true (
      zu_chain_verifier_add_log (verifier, ZU_EVENT_SINK (self), NULL, n_threads, NULL, &error));
  g_assert_no_error (error);
  zu_chain_verifier_end (verifier);
  return dup_list (zu_chain_verifier_get_violations (verifier));
}

static void
add_codec (TestSink *self)
{
  g_autoptr (ZuPayloadCodec) codec = g_object_new (TEST_TYPE_CODEC, NULL);

  g_assert_true (zu_codec_set_add (self->codecs, codec, NULL));
}

static void
test_damaged (void)
{
  g_autoptr (GRand) random = g_rand_new_with_seed (33);
  g_autoptr (GError) error = NULL;
  g_autoptr (ZuSecret) key = zu_secret_new_random (32, &error);
  gsize total = 0;

  g_assert_no_error (error);
  for (guint round = 0; round < 24; round++)
    {
      ZuSecret *used = round % 3 == 0 ? key : NULL;
      g_autoptr (TestSink) sink = make_log (random, N_ROWS, used);
      g_autofree char *expected = NULL;

      add_codec (sink);
      for (guint i = 0; i < round * 2; i++)
        damage (sink, random);
      expected = dup_expected (sink, used);
      g_assert_true ((*expected == '\0') == (round == 0));
      total += strlen (expected);
      for (guint n_threads = 1; n_threads <= 8; n_threads++)
        {
          g_autofree char *found = NULL;

          sink->page_rows = (guint) g_rand_int_range (random, 1, 60);
          found = dup_found (sink, used, n_threads);
          g_assert_cmpstr (found, ==, expected);
        }
    }
  g_assert_cmpuint (total, >, 10000);
}

/* All rows encoded; the sink reveals them, and says which it cannot. */
static void
test_encoded (void)
{
  g_autoptr (GRand) random = g_rand_new_with_seed (34);
  g_autoptr (TestSink) sink = make_log (random, 200, NULL);
  g_autofree char *found = NULL;
  g_autofree char *bare = NULL;
  Row *row = g_ptr_array_index (sink->rows, 199);

  for (guint i = 0; i < sink->rows->len; i++)
    encode_row (g_ptr_array_index (sink->rows, i));
  g_byte_array_append (row->blob, (const guint8[]){ '!' ^ 0x5a }, 1);

  bare = dup_found (sink, NULL, 3);
  g_assert_nonnull (strstr (bare, "no codec is set up for payload version 7"));
  add_codec (sink);
  found = dup_found (sink, NULL, 3);
  g_assert_true (g_str_has_prefix (found, "undecodable "));
  g_assert_true (g_str_has_suffix (found, "cannot be read: it ends with a bang\n"));
  g_assert_null (strstr (found, "prev_hash"));
}

/* A sink that offers less is read in another way. */
static void
test_offers (void)
{
  g_autoptr (GRand) random = g_rand_new_with_seed (35);
  g_autoptr (TestSink) sink = make_log (random, 300, NULL);
  g_autofree char *rows = NULL;
  g_autofree char *audited = NULL;
  Row *row = g_ptr_array_index (sink->rows, 150);

  g_free (row->columns[ZU_ROW_COLUMN_TYPE]);
  row->columns[ZU_ROW_COLUMN_TYPE] = g_strdup ("data.y");
  rows = dup_found (sink, NULL, 2);
  sink->has_no_rows = TRUE;
  audited = dup_found (sink, NULL, 2);
  g_assert_true (g_str_has_prefix (rows, "index_mismatch "));
  g_assert_cmpstr (audited, ==, rows);
}

/* What was read before the error counts; the error is told, however many threads there are. */
static void
test_error (void)
{
  g_autoptr (GRand) random = g_rand_new_with_seed (36);

  for (guint n_threads = 1; n_threads <= 4; n_threads++)
    for (guint is_garbled = 0; is_garbled < 2; is_garbled++)
      {
        g_autoptr (TestSink) sink = make_log (random, 100, NULL);
        g_autoptr (ZuChainVerifier) verifier = zu_chain_verifier_new (NULL);
        g_autoptr (GError) error = NULL;

        sink->page_rows = 10;
        *(is_garbled ? &sink->garbles_after : &sink->fails_after) = 50;
        g_assert_false (zu_chain_verifier_add_log (verifier, ZU_EVENT_SINK (sink), NULL, n_threads,
                                                   NULL, &error));
        if (is_garbled)
          g_assert_error (error, ZU_EVENT_AUDIT_ERROR, ZU_EVENT_AUDIT_ERROR_MALFORMED);
        else
          g_assert_error (error, ZU_EVENT_AUDIT_ERROR, ZU_EVENT_AUDIT_ERROR_BUSY);
        g_assert_cmpuint (zu_chain_verifier_get_n_events (verifier), ==, 50);
      }
}

static void
cancel (ZuChainVerifier *verifier, guint64 n_events, GCancellable *cancellable)
{
  if (n_events >= 40)
    g_cancellable_cancel (cancellable);
}

static void
test_cancelled (void)
{
  g_autoptr (GRand) random = g_rand_new_with_seed (37);
  g_autoptr (TestSink) sink = make_log (random, N_ROWS, NULL);
  g_autoptr (ZuChainVerifier) verifier = zu_chain_verifier_new (NULL);
  g_autoptr (GCancellable) cancellable = g_cancellable_new ();
  g_autoptr (GError) error = NULL;

  sink->page_rows = 1;
  g_signal_connect (verifier, "progress", G_CALLBACK (cancel), cancellable);
  g_assert_false (
      zu_chain_verifier_add_log (verifier, ZU_EVENT_SINK (sink), NULL, 2, cancellable, &error));
  g_assert_error (error, G_IO_ERROR, G_IO_ERROR_CANCELLED);
  g_assert_cmpuint (zu_chain_verifier_get_n_events (verifier), >=, 40);
  g_assert_cmpuint (zu_chain_verifier_get_n_events (verifier), <, 60);
}

typedef struct
{
  GThread *thread;
  guint n_violations;
  guint64 n_events;
} Heard;

static void
on_violation (ZuChainVerifier *verifier, ZuViolation *violation, Heard *heard)
{
  g_assert_true (g_thread_self () == heard->thread);
  heard->n_violations++;
}

static void
on_progress (ZuChainVerifier *verifier, guint64 n_events, Heard *heard)
{
  g_assert_true (g_thread_self () == heard->thread);
  g_assert_cmpuint (n_events, >=, heard->n_events);
  heard->n_events = n_events;
}

/* Every row is wrong: all are told, few are kept. */
static void
test_flood (void)
{
  g_autoptr (GRand) random = g_rand_new_with_seed (38);
  g_autoptr (TestSink) sink = make_log (random, N_ROWS, NULL);
  g_autoptr (ZuChainVerifier) verifier = zu_chain_verifier_new (NULL);
  Heard heard = { g_thread_self (), 0, 0 };

  for (guint i = 0; i < N_ROWS; i++)
    {
      Row *row = g_ptr_array_index (sink->rows, i);

      g_clear_pointer (&row->columns[ZU_ROW_COLUMN_SOURCE], g_free);
    }
  zu_chain_verifier_set_most_kept (verifier, 10);
  g_signal_connect (verifier, "violation", G_CALLBACK (on_violation), &heard);
  g_signal_connect (verifier, "progress", G_CALLBACK (on_progress), &heard);
  g_assert_true (zu_chain_verifier_add_log (verifier, ZU_EVENT_SINK (sink), NULL, 4, NULL, NULL));
  g_assert_cmpuint (heard.n_violations, ==, N_ROWS);
  g_assert_cmpuint (heard.n_events, ==, N_ROWS);
  g_assert_cmpuint (zu_chain_verifier_get_n_violations (verifier), ==, N_ROWS);
  g_assert_cmpuint (zu_chain_verifier_get_violations (verifier)->len, ==, 10);
}

/* What is found of each trace, for who compares it. */
static void
test_traces (void)
{
  g_autoptr (GRand) random = g_rand_new_with_seed (39);
  g_autoptr (GError) error = NULL;
  g_autoptr (ZuSecret) key = zu_secret_new_random (32, &error);
  g_autoptr (TestSink) sink = make_log (random, N_ROWS, key);
  g_autoptr (ZuChainVerifier) verifier = zu_chain_verifier_new (NULL);
  guint64 total = 0;
  gint64 last = 0;

  g_assert_no_error (error);
  g_assert_true (zu_chain_verifier_add_log (verifier, ZU_EVENT_SINK (sink), NULL, 0, NULL, NULL));
  g_assert_cmpuint (zu_chain_verifier_get_n_traces (verifier), ==, N_TRACES);
  g_assert_cmpuint (zu_chain_verifier_get_n_signed (verifier), ==, N_ROWS);
  for (guint i = 0; i < N_TRACES; i++)
    {
      guint64 n_events;
      gint64 last_seq;
      const char *head = zu_chain_verifier_get_trace (verifier, i, &n_events, &last_seq);
      const Row *row = g_ptr_array_index (sink->rows, (guint) last_seq - 1);
      g_autoptr (ZuEvent) event = zu_event_new_from_stored_text ((const char *) row->blob->data + 1,
                                                                 row->blob->len - 1, NULL);

      g_assert_cmpstr (zu_event_get_hash (event), ==, head);
      g_assert_cmpstr (zu_event_get_trace_id (event), ==,
                       zu_chain_verifier_get_trace_id (verifier, i));
      total += n_events;
      last = MAX (last, last_seq);
    }
  g_assert_cmpuint (total, ==, N_ROWS);
  g_assert_cmpint (last, ==, N_ROWS);
}

static ZuSealPage *
make_seal (TestSink *sink, guint n_events, guint last)
{
  const Row *row = g_ptr_array_index (sink->rows, last);
  g_autoptr (ZuEvent) event =
      zu_event_new_from_stored_text ((const char *) row->blob->data + 1, row->blob->len - 1, NULL);
  g_autoptr (ZuTraceSeal) seal =
      g_object_new (ZU_TYPE_TRACE_SEAL, "trace-id", zu_event_get_trace_id (event), "events",
                    (gint64) n_events, "last-seq", (gint64) last + 1, "head",
                    zu_event_get_hash (event), NULL);
  g_autoptr (GPtrArray) seals = g_ptr_array_new_with_free_func (g_object_unref);

  g_ptr_array_add (seals, g_object_ref (seal));
  return g_object_new (ZU_TYPE_SEAL_PAGE, "seals", seals, "was-sealed", TRUE, "next", (gint64) 1,
                       NULL);
}

/* How many events there are up to the last row, of the trace of that row. */
static guint
count_trace (TestSink *sink, guint last)
{
  const char *id = ((Row *) g_ptr_array_index (sink->rows, last))->columns[ZU_ROW_COLUMN_TRACE_ID];
  guint n = 0;

  for (guint i = 0; i <= last; i++)
    n += g_str_equal (((Row *) g_ptr_array_index (sink->rows, i))->columns[ZU_ROW_COLUMN_TRACE_ID],
                      id);
  return n;
}

/* The seal of a trace whose end is there, was cut off, or cannot be read. */
static void
test_seals (void)
{
  for (guint what = 0; what < 3; what++)
    {
      g_autoptr (GRand) random = g_rand_new_with_seed (40);
      g_autoptr (TestSink) sink = make_log (random, 100, NULL);
      g_autoptr (ZuSealPage) page = make_seal (sink, count_trace (sink, 99), 99);
      g_autoptr (ZuSealVerifier) seals = zu_seal_verifier_new (NULL, FALSE);
      g_autoptr (ZuChainVerifier) verifier = zu_chain_verifier_new (NULL);
      g_autofree char *found = NULL;

      if (what == 1)
        g_ptr_array_set_size (sink->rows, 99);
      else if (what == 2)
        ((Row *) g_ptr_array_index (sink->rows, 99))->blob->data[5] = 0;
      zu_seal_verifier_add_page (seals, page);
      zu_chain_verifier_set_seals (verifier, seals);
      g_assert_true (
          zu_chain_verifier_add_log (verifier, ZU_EVENT_SINK (sink), NULL, 2, NULL, NULL));
      zu_chain_verifier_end (verifier);
      found = dup_list (zu_chain_verifier_get_violations (verifier));
      g_assert_true ((strstr (found, "tail_truncated") != NULL) == (what == 1));
      g_assert_true ((strstr (found, "undecodable") != NULL) == (what == 2));
      /* The log's own seal is not there in any case. */
      g_assert_nonnull (strstr (found, "seal_missing"));
    }
}

/* What cannot be a page is refused; a page goes through what reads it as it came. */
static void
test_pages (void)
{
  g_autoptr (GRand) random = g_rand_new_with_seed (41);
  g_autoptr (TestSink) sink = make_log (random, 3, NULL);
  gint64 next_seq;
  g_autoptr (GBytes) page = make_page (sink, 0, 10, &next_seq, NULL);
  g_autoptr (GBytes) revealed = zu_rows_reveal (page, sink->codecs, NULL);
  gsize size;
  const guint8 *data = g_bytes_get_data (page, &size);

  g_assert_true (g_bytes_equal (page, revealed));
  for (gsize i = 0; i < size; i++)
    {
      g_autoptr (GBytes) cut = g_bytes_new (data, i);
      g_autoptr (GError) error = NULL;

      g_assert_null (zu_rows_reveal (cut, sink->codecs, &error));
      g_assert_error (error, ZU_EVENT_AUDIT_ERROR, ZU_EVENT_AUDIT_ERROR_MALFORMED);
    }
}

/* A row that has nothing beside its event, and what the sink found itself. */
static void
test_own_findings (void)
{
  g_autoptr (GRand) random = g_rand_new_with_seed (42);
  g_autoptr (TestSink) sink = make_log (random, 1, NULL);
  const Row *row = g_ptr_array_index (sink->rows, 0);
  g_autoptr (ZuRowWriter) writer = zu_row_writer_new (100);
  g_autoptr (GBytes) page = NULL;
  g_autoptr (ZuAuditPage) audit = NULL;
  ZuAuditFinding *finding;

  zu_row_writer_add_finding (writer, 1, ZU_FINDING_KIND_UNDECODABLE, "-", "line 1 is no event");
  zu_row_writer_add_text (writer, 2, (const char *) row->blob->data + 1, row->blob->len - 1);
  zu_row_writer_add_finding (writer, 2, ZU_FINDING_KIND_INDEX_MISMATCH, "x", "é");
  g_assert_cmpuint (zu_row_writer_get_size (writer), >, row->blob->len);
  page = zu_row_writer_end (writer);
  audit = zu_rows_audit (page, sink->codecs, 2, NULL);
  g_assert_cmpuint (zu_audit_page_get_events (audit)->len, ==, 1);
  g_assert_cmpuint (zu_audit_page_get_findings (audit)->len, ==, 2);
  finding = g_ptr_array_index (zu_audit_page_get_findings (audit), 0);
  g_assert_cmpstr (zu_audit_finding_get_text (finding), ==, "line 1 is no event");
  g_assert_cmpint (zu_audit_finding_get_kind (finding), ==, ZU_FINDING_KIND_UNDECODABLE);
  finding = g_ptr_array_index (zu_audit_page_get_findings (audit), 1);
  g_assert_cmpstr (zu_audit_finding_get_subject (finding), ==, "x");
  g_assert_cmpint (zu_audit_finding_get_kind (finding), ==, ZU_FINDING_KIND_INDEX_MISMATCH);
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/log/damaged", test_damaged);
  g_test_add_func ("/log/encoded", test_encoded);
  g_test_add_func ("/log/offers", test_offers);
  g_test_add_func ("/log/error", test_error);
  g_test_add_func ("/log/cancelled", test_cancelled);
  g_test_add_func ("/log/flood", test_flood);
  g_test_add_func ("/log/traces", test_traces);
  g_test_add_func ("/log/seals", test_seals);
  g_test_add_func ("/log/pages", test_pages);
  g_test_add_func ("/log/own-findings", test_own_findings);
  return g_test_run ();
}
