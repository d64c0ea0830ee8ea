/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "zu-sqlite-db.h"
#include "zu-sqlite-lock.h"

G_BEGIN_DECLS

/* What has gone wrong with a log that is being written: with the present transaction, which then
 * cannot be committed any more, or for good. */
typedef struct
{
  const char *path;
  sqlite3 *db;
  ZuSqliteLock *lock;
  GError *failure; /* of this transaction */
  GError *poison;  /* for good */
} ZuSqliteTrouble;

void zu_sqlite_trouble_clear (ZuSqliteTrouble *self);
void zu_sqlite_trouble_poison (ZuSqliteTrouble *self, const char *why);
void zu_sqlite_trouble_poison_disk (ZuSqliteTrouble *self, const char *why);
gboolean zu_sqlite_trouble_fail (ZuSqliteTrouble *self, int result, const char *what);
gboolean zu_sqlite_trouble_tell (ZuSqliteTrouble *self, GError **error);
gboolean zu_sqlite_trouble_run (ZuSqliteTrouble *self, sqlite3_stmt *stmt, const char *what);

G_END_DECLS
