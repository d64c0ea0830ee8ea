/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "zu-sqlite-db.h"

#include <sys/stat.h>

G_BEGIN_DECLS

/* Which file a path means, and in what state. */
typedef struct
{
  dev_t device;
  ino_t inode;
  gint64 size;
  gint64 changed; /* nanoseconds of real time */
} ZuSqliteIdentity;

gboolean zu_sqlite_identity_read (ZuSqliteIdentity *self, const char *path);
gboolean zu_sqlite_identity_is_same_file (const ZuSqliteIdentity *self,
                                          const ZuSqliteIdentity *other);
gboolean zu_sqlite_identity_is_unchanged (const ZuSqliteIdentity *self,
                                          const ZuSqliteIdentity *other);
gboolean zu_sqlite_identity_is_settled (const ZuSqliteIdentity *self);
gboolean zu_sqlite_has_leftovers (const char *path);

/* Which log written ahead a connection goes by. SQLite's own locks vanish when the process closes
 * any descriptor of the log; then another process may take itself for the last, and remove it. */
typedef struct
{
  dev_t device;
  ino_t inode; /* 0 for none */
} ZuSqliteWal;

void zu_sqlite_wal_read (ZuSqliteWal *self, const char *path);
gboolean zu_sqlite_wal_is_in_place (const ZuSqliteWal *self, const char *path);
void zu_sqlite_leave_wal (sqlite3 *db);

int zu_sqlite_connection_open (const char *path, sqlite3 **db, GError **error);
sqlite3 *zu_sqlite_connection_open_to_read (const char *path, gboolean is_immutable, guint timeout,
                                            GError **error);

G_END_DECLS
