/* SPDX-License-Identifier: Apache-2.0 */

/* What is made of rows: their events, or the words for what is wrong with them. */

#include "zu-rows-private.h"

#define SEPARATOR 0x1f

/* All columns but this one are what a blob is bound to. */
#define N_BOUND ZU_ROW_COLUMN_PARENT_ID

static const struct
{
  const char *name;
  ZuEventField field;
} columns[ZU_ROW_N_COLUMNS] = {
  [ZU_ROW_COLUMN_EVENT_ID] = { "event_id", ZU_EVENT_FIELD_EVENT_ID },
  [ZU_ROW_COLUMN_TRACE_ID] = { "trace_id", ZU_EVENT_FIELD_TRACE_ID },
  [ZU_ROW_COLUMN_TASK_ID] = { "task_id", ZU_EVENT_FIELD_TASK_ID },
  [ZU_ROW_COLUMN_TYPE] = { "type", ZU_EVENT_FIELD_TYPE },
  [ZU_ROW_COLUMN_SOURCE] = { "source", ZU_EVENT_FIELD_SOURCE },
  [ZU_ROW_COLUMN_PARENT_ID] = { "parent_id", ZU_EVENT_FIELD_PARENT_ID },
};

/* The row's event id as it may be shown; NULL where it is not there, or no text. */
static char *
dup_event_id (const ZuRow *row)
{
  const ZuRowValue *id = &row->columns[ZU_ROW_COLUMN_EVENT_ID];
  g_autofree char *text = id->size > 0 ? g_strndup (id->data, id->size) : NULL;

  return text != NULL && *text != '\0' && g_utf8_validate (text, -1, NULL) ? g_steal_pointer (&text)
                                                                           : NULL;
}

/* What a finding about the row is about. */
char *
zu_row_dup_subject (const ZuRow *row)
{
  char *id = dup_event_id (row);

  return id != NULL ? id : g_strdup ("-");
}

char *
zu_row_dup_unreadable (const ZuRow *row, const char *why)
{
  g_autofree char *id = dup_event_id (row);

  return g_strdup_printf ("row %" G_GINT64_FORMAT " (event %s) cannot be read: %s", row->seq,
                          id != NULL ? id : "?", why);
}

static inline gboolean
is_same (const ZuRowValue *a, const ZuRowValue *b)
{
  if (a->data == NULL || b->data == NULL)
    return a->data == b->data;
  return a->size == b->size && zu_json_is_same (a->data, b->data, a->size);
}

static void
add_name (GString **names, const char *name)
{
  if (*names == NULL)
    *names = g_string_new (name);
  else
    g_string_append_printf (*names, ", %s", name);
}

/* A sentence that names the columns that differ from the event INSIDE, the blob's among them where
 * it is stored as no blob; NULL where none does. */
char *
zu_row_dup_difference (const ZuRow *row, const ZuRowValue inside[ZU_ROW_N_COLUMNS])
{
  g_autoptr (GString) names = NULL;

  for (guint i = 0; i < ZU_ROW_N_COLUMNS; i++)
    if (G_UNLIKELY (!is_same (&row->columns[i], &inside[i]) || (row->odd >> i & 1)))
      add_name (&names, columns[i].name);
  if (G_UNLIKELY (row->odd >> ZU_ROW_N_COLUMNS & 1))
    add_name (&names, "data");

  if (G_LIKELY (names == NULL))
    return NULL;
  return g_strdup_printf ("row %" G_GINT64_FORMAT ": %s differs from the event inside (%.*s)",
                          row->seq, names->str, (int) inside[ZU_ROW_COLUMN_EVENT_ID].size,
                          (const char *) inside[ZU_ROW_COLUMN_EVENT_ID].data);
}

/**
 * zu_row_dup_mismatch: (skip)
 * @row: a row of a table
 * @event: the event inside
 *
 * Compares what a row says of its event, and what a filter therefore goes by, with the event.
 *
 * Returns: (transfer full) (nullable): a sentence that names the columns that differ; %NULL where
 *   none does
 */
char *
zu_row_dup_mismatch (const ZuRow *row, ZuEvent *event)
{
  ZuRowValue inside[ZU_ROW_N_COLUMNS];

  g_return_val_if_fail (row != NULL, NULL);
  g_return_val_if_fail (ZU_IS_EVENT (event), NULL);

  for (guint i = 0; i < ZU_ROW_N_COLUMNS; i++)
    inside[i].data = zu_event_get_field (event, columns[i].field, &inside[i].size);
  return zu_row_dup_difference (row, inside);
}

/* As zu_codec_dup_associated_data() has it, but of the columns: a row whose columns were changed
 * does not decrypt. */
static GBytes *
dup_associated_data (const ZuRow *row)
{
  const guint8 separator = SEPARATOR;
  g_autoptr (GByteArray) joined = g_byte_array_new ();

  for (guint i = 0; i < N_BOUND; i++)
    {
      const ZuRowValue *value = &row->columns[i];

      if (i > 0)
        g_byte_array_append (joined, &separator, 1);
      if (value->size > 0)
        g_byte_array_append (joined, value->data, (guint) value->size);
    }
  return g_byte_array_free_to_bytes (g_steal_pointer (&joined));
}

static GBytes *
decode (const ZuRow *row, ZuCodecSet *codecs, GError **error)
{
  g_autoptr (GBytes) blob = g_bytes_new_static (row->blob.data, row->blob.size);
  g_autoptr (GBytes) associated_data = dup_associated_data (row);

  return zu_codec_set_decode (codecs, blob, associated_data, error);
}

/* The columns stay, so that it is known whose row it was. */
static void
add_unreadable (ZuRowWriter *writer, const ZuRow *row, const GError *why)
{
  g_autofree char *text = zu_row_dup_unreadable (row, why->message);

  zu_row_writer_add_undecodable (writer, row, text);
}

static void
reveal_row (ZuRowWriter *writer, const ZuRow *row, ZuCodecSet *codecs)
{
  g_autoptr (GError) why = NULL;
  g_autoptr (GBytes) text = decode (row, codecs, &why);
  g_autoptr (GByteArray) blob = g_byte_array_new ();
  ZuRow plain = *row;

  if (text == NULL)
    {
      add_unreadable (writer, row, why);
      return;
    }
  g_byte_array_append (blob, (const guint8 *) "", 1); /* version 0 */
  g_byte_array_append (blob, g_bytes_get_data (text, NULL), (guint) g_bytes_get_size (text));
  plain.blob = (ZuRowValue){ blob->data, blob->len };
  zu_row_writer_add_entry (writer, ZU_ROW_TABLE, &plain);
}

/**
 * zu_rows_reveal:
 * @rows: a page of rows, as a sink gave it
 * @codecs: the sink's codecs
 * @error: return location for an error
 *
 * Decodes the blobs of a page: what a sink answers `reveal` of [iface@Zu.EventAudit] with. A row
 * that cannot be decoded gives way to what is wrong with it. May be called from any thread.
 *
 * Returns: (transfer full): the same rows with blobs of version 0; on failure %NULL with
 *   %ZU_EVENT_AUDIT_ERROR_MALFORMED
 */
GBytes *
zu_rows_reveal (GBytes *rows, ZuCodecSet *codecs, GError **error)
{
  g_autoptr (ZuRowWriter) writer = NULL;
  ZuRowReader reader;
  ZuRowKind kind;
  ZuRow row;

  g_return_val_if_fail (rows != NULL, NULL);
  g_return_val_if_fail (ZU_IS_CODEC_SET (codecs), NULL);

  if (!zu_row_reader_init (&reader, rows, error))
    return NULL;
  writer = zu_row_writer_new (g_bytes_get_size (rows));
  for (;;)
    {
      if (!zu_row_reader_next (&reader, &kind, &row, error))
        return NULL;
      if (kind == 0)
        return zu_row_writer_end (writer);
      if (kind == ZU_ROW_TABLE && zu_row_is_encoded (&row))
        reveal_row (writer, &row, codecs);
      else
        zu_row_writer_add_entry (writer, kind, &row);
    }
}

typedef struct
{
  GPtrArray *events;
  GPtrArray *findings;
} Audit;

static void
add_finding (Audit *self, const ZuRow *row, ZuFindingKind kind, const char *text)
{
  g_autofree char *subject = zu_row_dup_subject (row);

  g_ptr_array_add (self->findings, zu_audit_finding_new (row->seq, kind, subject, text));
}

static void
compare (Audit *self, const ZuRow *row, ZuEvent *event)
{
  g_autofree char *text = zu_row_dup_mismatch (row, event);

  if (text != NULL)
    add_finding (self, row, ZU_FINDING_KIND_INDEX_MISMATCH, text);
}

static void
audit_row (Audit *self, ZuRowKind kind, const ZuRow *row)
{
  g_autoptr (GError) why = NULL;
  g_autoptr (ZuEvent) event = NULL;
  g_autofree char *text = NULL;

  if (kind == ZU_ROW_MISMATCH || kind == ZU_ROW_UNDECODABLE)
    {
      add_finding (self, row,
                   kind == ZU_ROW_MISMATCH ? ZU_FINDING_KIND_INDEX_MISMATCH
                                           : ZU_FINDING_KIND_UNDECODABLE,
                   row->blob.data);
      return;
    }
  event =
      zu_event_new_from_stored_text ((const char *) row->blob.data + 1, row->blob.size - 1, &why);
  if (event == NULL)
    {
      text = zu_row_dup_unreadable (row, why->message);
      add_finding (self, row, ZU_FINDING_KIND_UNDECODABLE, text);
      return;
    }
  if (kind == ZU_ROW_TABLE)
    compare (self, row, event);
  g_ptr_array_add (self->events, g_steal_pointer (&event));
}

/**
 * zu_rows_audit:
 * @rows: a page of rows
 * @codecs: the sink's codecs
 * @next_seq: where the next page goes on
 * @error: return location for an error
 *
 * Reads a page of rows as an auditor does: what a sink that gives rows answers `audit` of
 * [iface@Zu.EventAudit] with.
 *
 * Returns: (transfer full): the events, and what is wrong; on failure %NULL with
 *   %ZU_EVENT_AUDIT_ERROR_MALFORMED
 */
ZuAuditPage *
zu_rows_audit (GBytes *rows, ZuCodecSet *codecs, gint64 next_seq, GError **error)
{
  g_autoptr (GBytes) plain = zu_rows_reveal (rows, codecs, error);
  g_autoptr (GPtrArray) events = g_ptr_array_new_with_free_func (g_object_unref);
  g_autoptr (GPtrArray) findings = g_ptr_array_new_with_free_func (g_object_unref);
  Audit audit = { events, findings };
  ZuRowReader reader;
  ZuRowKind kind;
  ZuRow row;

  if (plain == NULL || !zu_row_reader_init (&reader, plain, error))
    return NULL;
  for (;;)
    {
      if (!zu_row_reader_next (&reader, &kind, &row, error))
        return NULL;
      if (kind == 0)
        return zu_audit_page_new (events, findings, next_seq);
      audit_row (&audit, kind, &row);
    }
}
