/* SPDX-License-Identifier: Apache-2.0 */

#include "zu-sqlite-audit.h"

/* A page is held by each thread that verifies, and should stay in its processor's cache. */
#define PAGE_SIZE (256 * 1024)
#define PAGE_ROOM (PAGE_SIZE + 16 * 1024)

typedef struct
{
  const ZuSqliteParams *params;
  ZuRowWriter *writer;
  gint64 seq;
} Audit;

/* A row that cannot be read passes where its columns do. */
static gboolean
passes (sqlite3_stmt *row, ZuFilter *ctx, const ZuSqliteParams *params)
{
  g_autoptr (ZuEvent) event = NULL;

  if (ctx == NULL)
    return TRUE;
  event = zu_sqlite_row_decode (row, params, NULL);
  return event == NULL || zu_filter_matches (ctx, event);
}

static ZuSqliteRowResult
write_row (sqlite3_stmt *row, ZuFilter *ctx, gpointer data, GError **error)
{
  Audit *self = data;

  if (zu_row_writer_get_size (self->writer) >= PAGE_SIZE)
    return ZU_SQLITE_ROW_STOP;
  if (!passes (row, ctx, self->params))
    return ZU_SQLITE_ROW_SKIPPED;

  zu_sqlite_row_write (row, self->params, self->writer);
  self->seq = sqlite3_column_int64 (row, ZU_SQLITE_ROW_SEQ);
  return ZU_SQLITE_ROW_GIVEN;
}

/* A page of rows as they are stored. */
GBytes *
zu_sqlite_audit_rows (ZuSqliteReaders *readers, const ZuSqliteRead *read, gint64 *next_seq,
                      GError **error)
{
  g_autoptr (ZuRowWriter) writer = zu_row_writer_new (PAGE_ROOM);
  Audit audit = { read->params, writer, read->after };

  if (!zu_sqlite_readers_read (readers, read, write_row, &audit, error))
    return NULL;

  *next_seq = audit.seq;
  return zu_row_writer_end (writer);
}
