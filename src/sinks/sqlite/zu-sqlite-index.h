/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "zu-sqlite-row.h"

G_BEGIN_DECLS

/* The side index: the text of registered fields of payload.ctx. Beside it the log keeps, for each
 * field, the row that the index is complete to. */
gint64 zu_sqlite_index_get_common_end (sqlite3 *db, ZuFilter *ctx);
gboolean zu_sqlite_index_get_end (sqlite3 *db, const char *field, gint64 *end, GError **error);
GStrv zu_sqlite_index_dup_fields (sqlite3 *db, GError **error);
gboolean zu_sqlite_index_set_end (sqlite3 *db, const char *field, gint64 end, GError **error);

sqlite3_stmt *zu_sqlite_index_prepare (sqlite3 *db, GError **error);
int zu_sqlite_index_add (sqlite3_stmt *insert, ZuEvent *event, const char *field);
gboolean zu_sqlite_index_fill (sqlite3 *db, const char *field, const ZuSqliteParams *params,
                               gint64 start, gint64 end, GError **error);

G_END_DECLS
