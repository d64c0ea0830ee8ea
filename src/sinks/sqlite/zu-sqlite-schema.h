/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "zu-sqlite-db.h"

G_BEGIN_DECLS

gboolean zu_sqlite_schema_make (sqlite3 *db, GError **error);
gboolean zu_sqlite_schema_check (sqlite3 *db, GError **error);

gboolean zu_sqlite_log_get (sqlite3 *db, const char *name, gint64 *value, GError **error);
gboolean zu_sqlite_log_set (sqlite3 *db, const char *name, gint64 value, GError **error);

G_END_DECLS
