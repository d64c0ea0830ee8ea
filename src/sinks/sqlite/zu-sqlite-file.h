/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "zu-sqlite-db.h"

G_BEGIN_DECLS

/* A file of SQLite's with something of ours before it: what begins so can use the methods below,
 * which hand on to the real file. That lies in the same memory, behind what is ours. */
typedef struct
{
  sqlite3_file base;
  sqlite3_file *real;
} ZuSqliteFile;

typedef int (*ZuSqliteOpenFunc) (sqlite3_vfs *vfs, const char *name, sqlite3_file *file, int flags,
                                 int *out_flags);

gboolean zu_sqlite_file_register (sqlite3_vfs *vfs, const char *name, gsize size,
                                  ZuSqliteOpenFunc open_file);
int zu_sqlite_file_open (sqlite3_file *file, gsize size, const sqlite3_io_methods *methods,
                         const char *name, int flags, int *out_flags);
int zu_sqlite_file_open_plain (sqlite3_file *file, const char *name, int flags, int *out_flags);

int zu_sqlite_file_write (sqlite3_file *file, const void *bytes, int size, sqlite3_int64 offset);
int zu_sqlite_file_truncate (sqlite3_file *file, sqlite3_int64 size);
int zu_sqlite_file_sync (sqlite3_file *file, int flags);
int zu_sqlite_file_get_size (sqlite3_file *file, sqlite3_int64 *size);
int zu_sqlite_file_lock (sqlite3_file *file, int level);
int zu_sqlite_file_unlock (sqlite3_file *file, int level);
int zu_sqlite_file_check_lock (sqlite3_file *file, int *is_locked);
int zu_sqlite_file_control (sqlite3_file *file, int op, void *argument);
int zu_sqlite_file_get_sector_size (sqlite3_file *file);
int zu_sqlite_file_get_characteristics (sqlite3_file *file);

G_END_DECLS
