/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "zu-sqlite-db.h"

G_BEGIN_DECLS

/* SQLite's own way to the disk, but for a database that is read from its start to its end and does
 * not change meanwhile: many pages come in one system call. */
const char *zu_sqlite_ahead_get_name (void);

G_END_DECLS
