/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "zu-sqlite-connection.h"
#include "zu-sqlite-indexer.h"
#include "zu-sqlite-lock.h"
#include "zu-sqlite-sealer.h"
#include "zu-sqlite-writer.h"
#include "zu-space-watch.h"

G_BEGIN_DECLS

typedef enum
{
  STMT_BEGIN,
  STMT_COMMIT,
  STMT_ROLLBACK,
  STMT_SAVE,
  STMT_ROLL_BACK_SAVED,
  STMT_RELEASE,
  STMT_VERSION,
  STMT_LAST,
  STMT_NEXT,
  STMT_FIND,
  STMT_INSERT,
  N_STMTS,
} Stmt;

struct _ZuSqliteWriter
{
  char *path;
  pid_t process;
  ZuSqliteLock *lock;
  sqlite3 *db;
  sqlite3_stmt *stmts[N_STMTS];
  ZuSqliteIdentity identity;
  ZuSqliteWal wal;
  ZuSqliteTrouble trouble;
  ZuSqliteIndexer indexer;
  ZuSqliteSealer *sealer;

  gint64 version;   /* as SQLite counts what other connections commit */
  GByteArray *blob; /* used again for every row */
  GPtrArray *fresh; /* stored in this transaction */
  gint64 last_seq;  /* the same; 0 for none */
  int wal_pages;
  gboolean has_warned;
  ZuSpaceWatch space;
};

gboolean zu_sqlite_writer_read_number (ZuSqliteWriter *self, Stmt stmt, gint64 *value);

G_END_DECLS
