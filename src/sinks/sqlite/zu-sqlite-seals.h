/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "zu-sqlite-db.h"

G_BEGIN_DECLS

/* Where seals stand in the database. Each trace has a row in `zu_seals`, in the order in which they
 * were sealed first: traces that are at work at the same time share pages. The log's own seal is a
 * row of `sqlite_sequence`, a table that SQLite writes at every append in any case: so it costs no
 * page of its own, and stays where our tables are dropped. */
#define ZU_SQLITE_SEALS_SQL                                               \
  "CREATE TABLE IF NOT EXISTS zu_seals ("                                 \
  " id INTEGER PRIMARY KEY AUTOINCREMENT, trace_id TEXT NOT NULL UNIQUE," \
  " events INTEGER NOT NULL, last_seq INTEGER NOT NULL, head BLOB NOT NULL, mac BLOB);"

#define ZU_SQLITE_LOG_SEAL "zu_log_seal"
/* What the log says of itself in `zu_log`. */
#define ZU_SQLITE_SEALED         "sealed"
#define ZU_SQLITE_ENCRYPTED_FROM "encrypted-from"

typedef enum
{
  ZU_SQLITE_LOG_SEAL_NONE,
  ZU_SQLITE_LOG_SEAL_FOUND,
  ZU_SQLITE_LOG_SEAL_DAMAGED,
  ZU_SQLITE_LOG_SEAL_FAILED, /* with an error */
} ZuSqliteLogSeal;

ZuSqliteLogSeal zu_sqlite_seals_read_log (sqlite3 *db, ZuSealTotal *total, gint64 *id,
                                          GError **error);
gboolean zu_sqlite_seals_has_any (sqlite3 *db, gboolean *has_any, GError **error);
gboolean zu_sqlite_seals_was_sealed (sqlite3 *db);
gint64 zu_sqlite_seals_get_policy (sqlite3 *db);

ZuSealPage *zu_sqlite_seals_read_page (sqlite3 *db, gint64 after, gint64 changed_after,
                                       gint64 limit, GError **error);

G_END_DECLS
