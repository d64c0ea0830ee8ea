/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "zu-sqlite-db.h"
#include "zu-sink-link.h"

G_BEGIN_DECLS

/* The columns of a statement that gives rows, in the order in which they are stored. */
#define ZU_SQLITE_ROW_COLUMNS \
  "e.seq, e.event_id, e.trace_id, e.task_id, e.parent_id, e.type, e.source, e.data"

enum
{
  ZU_SQLITE_ROW_SEQ,
  ZU_SQLITE_ROW_EVENT_ID,
  ZU_SQLITE_ROW_TRACE_ID,
  ZU_SQLITE_ROW_TASK_ID,
  ZU_SQLITE_ROW_PARENT_ID,
  ZU_SQLITE_ROW_TYPE,
  ZU_SQLITE_ROW_SOURCE,
  ZU_SQLITE_ROW_DATA,
};

/* What a sink brings to every row it reads or writes. */
typedef struct
{
  ZuCodecSet *codecs;
  ZuSecret *sign_key;
  ZuSinkRole role;
  GStrv index_fields;
  guint busy_timeout;    /* milliseconds */
  guint64 space_warning; /* bytes; 0 for none */
  gint64 encrypted_from; /* the row from which on a plaintext one is refused; 0 for none */
  gint64 *learned;       /* the same, as the log says; NULL where nobody asks it */
} ZuSqliteParams;

gint64 zu_sqlite_stricter (gint64 a, gint64 b);
void zu_sqlite_params_learn (const ZuSqliteParams *params, gint64 encrypted_from);

ZuEvent *zu_sqlite_row_decode (sqlite3_stmt *row, const ZuSqliteParams *params, GError **error);
char *zu_sqlite_row_dup_mismatch (sqlite3_stmt *row, ZuEvent *event);
void zu_sqlite_row_write (sqlite3_stmt *row, const ZuSqliteParams *params, ZuRowWriter *writer);

G_END_DECLS
