/* SPDX-License-Identifier: Apache-2.0 */

/* A page of a log as one block of bytes: no object, and no allocation, a row. Its entries follow
 * one another, each a multiple of eight bytes long, numbers in little-endian order:
 *
 *     size      4   of the whole entry
 *     kind      4
 *     seq       8
 *     lengths   7*4 of the columns and the blob, all bits set for null
 *     odd       4   bits: what is stored as another type
 *     values        one after the other; a terminator behind the blob; zeros up to the size
 *
 * and behind the last one stand END zeros, so that text may be read a little past its end. */

#include "zu-rows-private.h"

#include "../event/zu-event-private.h"
#include "../event/zu-uuid-private.h"

#define N_VALUES (ZU_ROW_N_COLUMNS + 1)
#define HEADER   48
#define END      32
#define IS_NULL  G_MAXUINT32
#define MOST     G_MAXINT32

G_STATIC_ASSERT (END >= ZU_JSON_PADDING);
G_STATIC_ASSERT (HEADER == 4 + 4 + 8 + N_VALUES * 4 + 4);

/**
 * ZuRowColumn:
 * @ZU_ROW_COLUMN_EVENT_ID: `event_id`
 * @ZU_ROW_COLUMN_TRACE_ID: `trace_id`
 * @ZU_ROW_COLUMN_TASK_ID: `task_id`
 * @ZU_ROW_COLUMN_TYPE: `type`
 * @ZU_ROW_COLUMN_SOURCE: `source`
 * @ZU_ROW_COLUMN_PARENT_ID: `parent_id`
 *
 * What a row says of its event beside the blob. All but the last are what a blob is bound to.
 */

/**
 * ZuRowWriter: (skip)
 *
 * Writes a page of rows, which is what a sink answers `rows` of [iface@Zu.EventAudit] with.
 */

/**
 * zu_row_writer_new: (skip)
 * @room: how many bytes the page will probably have
 *
 * Begins a page.
 *
 * Returns: (transfer full): a writer
 */
ZuRowWriter *
zu_row_writer_new (gsize room)
{
  ZuRowWriter *self = g_new0 (ZuRowWriter, 1);

  zu_buffer_grow (&self->buffer, room + END);
  return self;
}

/**
 * zu_row_writer_free: (skip)
 * @self: a writer
 *
 * Ends a writer, and the page if it was not taken.
 */
void
zu_row_writer_free (ZuRowWriter *self)
{
  zu_buffer_clear (&self->buffer);
  g_free (self);
}

static inline char *
write_number (char *out, guint32 value)
{
  value = GUINT32_TO_LE (value);
  memcpy (out, &value, sizeof value);
  return out + sizeof value;
}

static inline char *
write_length (char *out, const ZuRowValue *value)
{
  return write_number (out, value->data == NULL ? IS_NULL : (guint32) value->size);
}

static inline char *
write_value (char *out, const ZuRowValue *value)
{
  /* Most are ids: of a size that is known, they are copied without a call. */
  if (value->size == ZU_UUID_LENGTH)
    memcpy (out, value->data, ZU_UUID_LENGTH);
  else if (value->size > 0)
    memcpy (out, value->data, value->size);
  return out + value->size;
}

/* Of a finding, the blob is the text. */
void
zu_row_writer_add_entry (ZuRowWriter *self, ZuRowKind kind, const ZuRow *row)
{
  gsize size = HEADER + row->blob.size + 1;
  guint64 seq = GUINT64_TO_LE ((guint64) row->seq);
  char *start, *out;

  for (guint i = 0; i < ZU_ROW_N_COLUMNS; i++)
    size += row->columns[i].size;
  size = (size + 7) & ~(gsize) 7;
  g_return_if_fail (size <= MOST);

  start = zu_buffer_reserve (&self->buffer, size);
  out = write_number (write_number (start, (guint32) size), kind);
  memcpy (out, &seq, sizeof seq);
  out += sizeof seq;
  for (guint i = 0; i < ZU_ROW_N_COLUMNS; i++)
    out = write_length (out, &row->columns[i]);
  out = write_number (write_length (out, &row->blob), row->odd);

  memset (start + size - 8, 0, 8); /* the terminator, and what fills it up */
  for (guint i = 0; i < ZU_ROW_N_COLUMNS; i++)
    out = write_value (out, &row->columns[i]);
  write_value (out, &row->blob);
  self->buffer.length += size;
}

/**
 * zu_row_writer_add: (skip)
 * @self: a writer
 * @row: a row of a table
 *
 * Adds a row as it is stored.
 */
void
zu_row_writer_add (ZuRowWriter *self, const ZuRow *row)
{
  g_return_if_fail (self != NULL);
  g_return_if_fail (row != NULL);

  zu_row_writer_add_entry (self, ZU_ROW_TABLE, row);
}

/**
 * zu_row_writer_add_undecodable: (skip)
 * @self: a writer
 * @row: a row of a table that the sink itself refuses to read
 * @text: why, in words that begin with the row
 *
 * Adds what is wrong in place of a row, whose columns stay.
 */
void
zu_row_writer_add_undecodable (ZuRowWriter *self, const ZuRow *row, const char *text)
{
  ZuRow finding;

  g_return_if_fail (self != NULL);
  g_return_if_fail (row != NULL);
  g_return_if_fail (text != NULL);

  finding = *row;
  finding.blob = (ZuRowValue){ text, strlen (text) };
  zu_row_writer_add_entry (self, ZU_ROW_UNDECODABLE, &finding);
}

/**
 * zu_row_writer_add_text: (skip)
 * @self: a writer
 * @seq: its place in the log
 * @text: (array length=length): an event's text
 * @length: its length in bytes
 *
 * Adds an event of a log that has nothing beside its text.
 */
void
zu_row_writer_add_text (ZuRowWriter *self, gint64 seq, const char *text, gsize length)
{
  ZuRow row = { .seq = seq };
  g_autofree char *blob = NULL;

  g_return_if_fail (self != NULL);
  g_return_if_fail (text != NULL);

  blob = g_malloc (length + 1);
  blob[0] = 0;
  memcpy (blob + 1, text, length);
  row.blob = (ZuRowValue){ blob, length + 1 };
  zu_row_writer_add_entry (self, ZU_ROW_TEXT, &row);
}

/**
 * zu_row_writer_add_finding: (skip)
 * @self: a writer
 * @seq: where it stands in the log
 * @kind: what is wrong
 * @subject: the event's id as far as it is known, else a dash
 * @text: what is wrong, in words
 *
 * Adds something wrong that the sink itself found, in place of a row or beside one.
 */
void
zu_row_writer_add_finding (ZuRowWriter *self, gint64 seq, ZuFindingKind kind, const char *subject,
                           const char *text)
{
  ZuRow row = { .seq = seq };

  g_return_if_fail (self != NULL);
  g_return_if_fail (subject != NULL);
  g_return_if_fail (text != NULL);

  row.columns[ZU_ROW_COLUMN_EVENT_ID] = (ZuRowValue){ subject, strlen (subject) };
  row.blob = (ZuRowValue){ text, strlen (text) };
  zu_row_writer_add_entry (
      self, kind == ZU_FINDING_KIND_INDEX_MISMATCH ? ZU_ROW_MISMATCH : ZU_ROW_UNDECODABLE, &row);
}

/**
 * zu_row_writer_get_size: (skip)
 * @self: a writer
 *
 * Tells how large the page is, for whoever ends it at a size.
 *
 * Returns: its size in bytes
 */
gsize
zu_row_writer_get_size (ZuRowWriter *self)
{
  g_return_val_if_fail (self != NULL, 0);

  return self->buffer.length;
}

/**
 * zu_row_writer_end: (skip)
 * @self: a writer, which is empty afterwards
 *
 * Ends the page.
 *
 * Returns: (transfer full): the page
 */
GBytes *
zu_row_writer_end (ZuRowWriter *self)
{
  gsize size;

  g_return_val_if_fail (self != NULL, NULL);

  memset (zu_buffer_reserve (&self->buffer, END), 0, END);
  size = self->buffer.length + END;
  return g_bytes_new_take (zu_buffer_steal (&self->buffer), size);
}

static gboolean
refuse (const char *what, GError **error)
{
  g_set_error (error, ZU_EVENT_AUDIT_ERROR, ZU_EVENT_AUDIT_ERROR_MALFORMED, "a page of rows %s",
               what);
  return FALSE;
}

/* Begins to read a page, which must outlive what is read of it. */
gboolean
zu_row_reader_init (ZuRowReader *self, GBytes *rows, GError **error)
{
  static const guint8 zeros[END];
  gsize size;
  const guint8 *data = g_bytes_get_data (rows, &size);

  if (size < END || memcmp (data + size - END, zeros, END) != 0)
    return refuse ("has no end", error);
  self->p = data;
  self->end = data + size - END;
  return TRUE;
}

static inline guint32
read_number (const guint8 *p)
{
  guint32 value;

  memcpy (&value, p, sizeof value);
  return GUINT32_FROM_LE (value);
}

static gboolean
read_values (ZuRow *row, const guint8 *lengths, const guint8 *p, gsize room)
{
  for (guint i = 0; i < N_VALUES; i++)
    {
      ZuRowValue *value = i < ZU_ROW_N_COLUMNS ? &row->columns[i] : &row->blob;
      guint32 length = read_number (lengths + 4 * i);

      if (length == IS_NULL)
        {
          *value = (ZuRowValue){ NULL, 0 };
          continue;
        }
      if (length >= room) /* one is left for the terminator */
        return FALSE;
      *value = (ZuRowValue){ p, length };
      p += length;
      room -= length;
    }
  return *p == 0;
}

static gboolean
is_text (const ZuRowValue *value)
{
  return value->data != NULL && g_utf8_validate (value->data, (gssize) value->size, NULL);
}

/* Whether the row has what its kind promises. */
static inline gboolean
is_sound (ZuRowKind kind, const ZuRow *row)
{
  if (G_LIKELY (kind == ZU_ROW_TABLE))
    return TRUE;
  if (kind == ZU_ROW_TEXT)
    return !zu_row_is_encoded (row);
  return is_text (&row->blob);
}

/* The next row; @kind is 0 where there is none. */
gboolean
zu_row_reader_next (ZuRowReader *self, ZuRowKind *kind, ZuRow *row, GError **error)
{
  gsize left = (gsize) (self->end - self->p);
  guint32 size, number;
  guint64 seq;

  *kind = 0;
  if (left == 0)
    return TRUE;
  if (left < HEADER + 8)
    return refuse ("ends inside of one", error);
  size = read_number (self->p);
  number = read_number (self->p + 4);
  memcpy (&seq, self->p + 8, sizeof seq);
  if (size < HEADER + 8 || size > left || size % 8 != 0 || number < ZU_ROW_TABLE
      || number > ZU_ROW_UNDECODABLE)
    return refuse ("has one that is none", error);
  if (!read_values (row, self->p + 16, self->p + HEADER, size - HEADER))
    return refuse ("has one that is longer than its room", error);

  if (!is_sound ((ZuRowKind) number, row))
    return refuse ("has one without what belongs to it", error);

  row->seq = (gint64) GUINT64_FROM_LE (seq);
  row->odd = read_number (self->p + HEADER - 4) & ((1U << N_VALUES) - 1);
  *kind = (ZuRowKind) number;
  self->p += size;
  return TRUE;
}
