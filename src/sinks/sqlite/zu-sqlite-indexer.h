/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "zu-sqlite-row.h"
#include "zu-sqlite-trouble.h"

G_BEGIN_DECLS

/* Keeps the side index of the registered fields of payload.ctx while events are stored. */
typedef struct
{
  ZuSqliteTrouble *trouble;
  sqlite3_stmt *insert;
  GPtrArray *fields; /* of payload.ctx, whose index is kept */
  gint64 done_to;    /* the row that this index is complete to */
  gint64 mark;       /* the same, as it stands in the log */
} ZuSqliteIndexer;

void zu_sqlite_indexer_init (ZuSqliteIndexer *self, ZuSqliteTrouble *trouble);
void zu_sqlite_indexer_clear (ZuSqliteIndexer *self);
gboolean zu_sqlite_indexer_open (ZuSqliteIndexer *self, GError **error);
void zu_sqlite_indexer_close (ZuSqliteIndexer *self);

gboolean zu_sqlite_indexer_load (ZuSqliteIndexer *self);
gboolean zu_sqlite_indexer_is_needed (ZuSqliteIndexer *self, const ZuSqliteParams *params);
gboolean zu_sqlite_indexer_complete (ZuSqliteIndexer *self, const ZuSqliteParams *params,
                                     gint64 end);
gboolean zu_sqlite_indexer_add (ZuSqliteIndexer *self, ZuEvent *event, gint64 seq);
void zu_sqlite_indexer_mark (ZuSqliteIndexer *self, gint64 least);

G_END_DECLS
