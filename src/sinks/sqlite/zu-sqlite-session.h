/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "zu-sqlite-connection.h"
#include "zu-sqlite-lock.h"

G_BEGIN_DECLS

/* One connection for reading, and what makes it safe to use for a while. */
typedef struct
{
  char *path;
  sqlite3 *db;
  gboolean is_immutable;
  ZuSqliteIdentity identity;
  ZuSqliteWal wal;    /* where it is not immutable */
  ZuSqliteLock *lock; /* held while an immutable log is read */
  sqlite3_stmt *stmt; /* the last one, for the next page */
  char *sql;
  sqlite3_stmt *policy;
  gpointer user; /* the thread that used it last; only compared */
} ZuSqliteSession;

ZuSqliteSession *zu_sqlite_session_open (const char *path, guint timeout, GError **error);
void zu_sqlite_session_free (ZuSqliteSession *self);

gboolean zu_sqlite_session_resume (ZuSqliteSession *self, guint timeout);
gboolean zu_sqlite_session_pause (ZuSqliteSession *self);
gboolean zu_sqlite_session_can_resume (ZuSqliteSession *self);
sqlite3_stmt *zu_sqlite_session_prepare (ZuSqliteSession *self, const char *sql, GError **error);

gint64 zu_sqlite_session_get_policy (ZuSqliteSession *self);

G_DEFINE_AUTOPTR_CLEANUP_FUNC (ZuSqliteSession, zu_sqlite_session_free)

G_END_DECLS
