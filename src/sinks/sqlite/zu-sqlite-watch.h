/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "zu-sqlite-db.h"

#include <gio/gio.h>

G_BEGIN_DECLS

/* Over a connection while it reads: it stops when the reading is cancelled, and in a damaged
 * database whose pages lead in a circle, which could be read for ever. */
typedef struct
{
  sqlite3 *db;
  GCancellable *cancellable;
  gint64 steps_left;
} ZuSqliteWatch;

void zu_sqlite_watch_begin (ZuSqliteWatch *self, sqlite3 *db, const char *path,
                            GCancellable *cancellable);
void zu_sqlite_watch_end (ZuSqliteWatch *self);
void zu_sqlite_watch_set_error (ZuSqliteWatch *self, int result, const char *what, GError **error);

G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC (ZuSqliteWatch, zu_sqlite_watch_end)

G_END_DECLS
