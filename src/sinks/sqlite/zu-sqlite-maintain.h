/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "zu-sqlite-row.h"

G_BEGIN_DECLS

/* The upkeep of one log. What it changes it changes as another process would: under the lock file,
 * on a connection of its own, so that whoever appends here goes on and notices. Used from any
 * thread, by one at a time. */
typedef struct _ZuSqliteMaintainer ZuSqliteMaintainer;

ZuSqliteMaintainer *zu_sqlite_maintainer_new (const char *path, const ZuSqliteParams *params);
void zu_sqlite_maintainer_free (ZuSqliteMaintainer *self);

/* A transaction; where beginning fails, nothing is held, and where ending does, nothing is. */
gboolean zu_sqlite_maintainer_begin (ZuSqliteMaintainer *self, gboolean makes_log, GError **error);
gboolean zu_sqlite_maintainer_commit (ZuSqliteMaintainer *self, GError **error);
void zu_sqlite_maintainer_roll_back (ZuSqliteMaintainer *self);
void zu_sqlite_maintainer_forget_old_pages (ZuSqliteMaintainer *self);

sqlite3 *zu_sqlite_maintainer_get_db (ZuSqliteMaintainer *self);
const ZuSqliteParams *zu_sqlite_maintainer_get_params (ZuSqliteMaintainer *self);

gboolean zu_sqlite_maintainer_prepare (ZuSqliteMaintainer *self, GError **error);
ZuRekeyPage *zu_sqlite_maintainer_rekey (ZuSqliteMaintainer *self, gint64 after, gint64 limit,
                                         GError **error);
ZuReindexPage *zu_sqlite_maintainer_reindex (ZuSqliteMaintainer *self, const char *const *fields,
                                             gint64 limit, GError **error);

/* These only read. */
ZuLogFigures *zu_sqlite_stat (const char *path, const ZuSqliteParams *params,
                              GCancellable *cancellable, GError **error);
GStrv zu_sqlite_check (const char *path, const ZuSqliteParams *params, GCancellable *cancellable,
                       GError **error);

typedef void (*ZuSqliteCopied) (gint64 done, gint64 total, gpointer user_data);

ZuCopyFigures *zu_sqlite_copy (const char *path, const char *target, guint timeout,
                               ZuSqliteCopied copied, gpointer user_data, GCancellable *cancellable,
                               GError **error);

G_DEFINE_AUTOPTR_CLEANUP_FUNC (ZuSqliteMaintainer, zu_sqlite_maintainer_free)

G_END_DECLS
