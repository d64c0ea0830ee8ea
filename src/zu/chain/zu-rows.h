/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "../codec/zu-codec-set.h"
#include "../ports/zu-event-audit.h"

G_BEGIN_DECLS

/**
 * ZU_ROW_N_COLUMNS:
 *
 * How many columns a row has beside its blob.
 */
#define ZU_ROW_N_COLUMNS 6

/* The columns of a row, in their order. */
typedef enum
{
  ZU_ROW_COLUMN_EVENT_ID,
  ZU_ROW_COLUMN_TRACE_ID,
  ZU_ROW_COLUMN_TASK_ID,
  ZU_ROW_COLUMN_TYPE,
  ZU_ROW_COLUMN_SOURCE,
  ZU_ROW_COLUMN_PARENT_ID,
} ZuRowColumn;

typedef struct _ZuRowValue ZuRowValue;
typedef struct _ZuRow ZuRow;
typedef struct _ZuRowWriter ZuRowWriter;

/**
 * ZuRowValue: (skip)
 * @data: (nullable): the bytes; %NULL for null
 * @size: how many
 *
 * A value of a row, which belongs to whoever fills it in.
 */
struct _ZuRowValue
{
  gconstpointer data;
  gsize size;
};

/**
 * ZuRow: (skip)
 * @seq: its place in the log
 * @columns: what stands beside the blob, by [enum@Zu.RowColumn]
 * @blob: the payload blob, version byte and body
 * @odd: a bit for each column, by [enum@Zu.RowColumn], and one behind them for the blob: set where
 *   it is stored as another type than it should be, so that it differs whatever it holds
 *
 * A row as it is stored.
 */
struct _ZuRow
{
  gint64 seq;
  ZuRowValue columns[ZU_ROW_N_COLUMNS];
  ZuRowValue blob;
  guint32 odd;
};

/* A page of rows in one block of bytes. */
ZuRowWriter *zu_row_writer_new (gsize room);
void zu_row_writer_free (ZuRowWriter *self);
void zu_row_writer_add (ZuRowWriter *self, const ZuRow *row);
void zu_row_writer_add_undecodable (ZuRowWriter *self, const ZuRow *row, const char *text);
void zu_row_writer_add_text (ZuRowWriter *self, gint64 seq, const char *text, gsize length);
void zu_row_writer_add_finding (ZuRowWriter *self, gint64 seq, ZuFindingKind kind,
                                const char *subject, const char *text);
gsize zu_row_writer_get_size (ZuRowWriter *self);
GBytes *zu_row_writer_end (ZuRowWriter *self);

char *zu_row_dup_mismatch (const ZuRow *row, ZuEvent *event);

/* What a sink that gives rows makes of them with its codecs. */
GBytes *zu_rows_reveal (GBytes *rows, ZuCodecSet *codecs, GError **error);
ZuAuditPage *zu_rows_audit (GBytes *rows, ZuCodecSet *codecs, gint64 next_seq, GError **error);

G_DEFINE_AUTOPTR_CLEANUP_FUNC (ZuRowWriter, zu_row_writer_free)

G_END_DECLS
