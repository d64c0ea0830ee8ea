/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "zu-sqlite-row.h"
#include "zu-sqlite-trouble.h"

G_BEGIN_DECLS

/* A trace as whoever appends to it must know it. */
typedef struct
{
  char *trace_id;
  char head[2 * ZU_SEAL_SIZE + 1]; /* empty before the first event */

  /* What its seal is to say; ahead of the stored one while @is_changed. */
  guint64 n_events;
  gint64 last_seq;
  gboolean is_changed;

  gint64 id;        /* of the stored seal's row; 0 for none yet */
  guint64 n_sealed; /* by that */
  guint8 element[ZU_SEAL_SIZE];
} ZuSqliteTrace;

ZuSqliteTrace *zu_sqlite_trace_new (const char *trace_id);
void zu_sqlite_trace_free (ZuSqliteTrace *self);
void zu_sqlite_trace_set_head (ZuSqliteTrace *self, ZuEvent *event);
ZuSeal zu_sqlite_trace_get_seal (const ZuSqliteTrace *self);

/* What reads one from the log. */
typedef struct
{
  ZuSqliteTrouble *trouble;
  sqlite3_stmt *seal;
  sqlite3_stmt *last;
  sqlite3_stmt *rows;
} ZuSqliteTraceReader;

gboolean zu_sqlite_trace_reader_open (ZuSqliteTraceReader *self, GError **error);
void zu_sqlite_trace_reader_close (ZuSqliteTraceReader *self);
gboolean zu_sqlite_trace_reader_read_head (ZuSqliteTraceReader *self, const ZuSqliteParams *params,
                                           ZuSqliteTrace *trace, GError **error);
gboolean zu_sqlite_trace_reader_read (ZuSqliteTraceReader *self, const ZuSqliteParams *params,
                                      ZuSecret *key, ZuSqliteTrace *trace, GError **error);

G_DEFINE_AUTOPTR_CLEANUP_FUNC (ZuSqliteTrace, zu_sqlite_trace_free)

G_END_DECLS
