/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "zu-sqlite-db.h"

G_BEGIN_DECLS

gboolean zu_sqlite_rewrite (sqlite3 *db, const char *path, GError **error);

G_END_DECLS
