/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "zu-sqlite-db.h"

G_BEGIN_DECLS

/* SQLite's own way to the disk, but for the log that is written ahead: two writes a page become one
 * write a commit. */
const char *zu_sqlite_vfs_get_name (void);

G_END_DECLS
