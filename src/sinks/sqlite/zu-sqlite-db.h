/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include <sqlite3.h>
#include <zu/zu.h>

G_BEGIN_DECLS

G_DEFINE_AUTOPTR_CLEANUP_FUNC (sqlite3, sqlite3_close_v2)
G_DEFINE_AUTOPTR_CLEANUP_FUNC (sqlite3_stmt, sqlite3_finalize)

/* A statement that is kept: it gives its rows and its bindings back at the end of the block. */
typedef sqlite3_stmt ZuSqliteUse;

static inline void
zu_sqlite_use_end (ZuSqliteUse *stmt)
{
  sqlite3_reset (stmt);
  sqlite3_clear_bindings (stmt);
}

G_DEFINE_AUTOPTR_CLEANUP_FUNC (ZuSqliteUse, zu_sqlite_use_end)

void zu_sqlite_set_error (GError **error, sqlite3 *db, int result, const char *what);
gboolean zu_sqlite_is_io_error (int result);

gboolean zu_sqlite_harden (sqlite3 *db, GError **error);
gboolean zu_sqlite_exec (sqlite3 *db, const char *sql, GError **error);
sqlite3_stmt *zu_sqlite_prepare (sqlite3 *db, const char *sql, GError **error);
gboolean zu_sqlite_get_int64 (sqlite3 *db, const char *sql, gint64 *value, GError **error);

void zu_sqlite_bind_text (sqlite3_stmt *stmt, int index, const char *text, gssize length);

G_END_DECLS
