/* SPDX-License-Identifier: Apache-2.0 */

#include "zu-sqlite-vfs.h"

#include "zu-sqlite-file.h"

#include <string.h>

#define NAME "zu-wal"
/* SQLite writes less than 128 KiB at once to a file. */
#define ROOM (120 * 1024)

/* What SQLite writes ahead is one page after the other, each behind 24 bytes of its own: two system
 * calls a page, and none of them whole pages of the file. Here they gather, and go to the file in
 * one piece before anything else is done with it. SQLite flushes the file to the disk before it
 * tells anybody of a commit (`synchronous=FULL`), so a commit that can be seen was written; and a
 * write that fails does so in that flush, where it is as final. */
typedef struct
{
  ZuSqliteFile file;
  guint8 *gathered;
  gsize size;
  sqlite3_int64 start; /* where it belongs in the file */
} WalFile;

static sqlite3_vfs own_vfs;

static int
flush (WalFile *self)
{
  gsize size = self->size;

  self->size = 0;
  return size == 0 ? SQLITE_OK
                   : self->file.real->pMethods->xWrite (self->file.real, self->gathered, (int) size,
                                                        self->start);
}

static int
wal_close (sqlite3_file *file)
{
  WalFile *self = (WalFile *) file;
  int result = flush (self);
  int closed = self->file.real->pMethods->xClose (self->file.real);

  g_clear_pointer (&self->gathered, g_free);
  return result != SQLITE_OK ? result : closed;
}

static int
wal_read (sqlite3_file *file, void *out, int size, sqlite3_int64 offset)
{
  WalFile *self = (WalFile *) file;
  int result = flush (self);

  return result != SQLITE_OK
             ? result
             : self->file.real->pMethods->xRead (self->file.real, out, size, offset);
}

static int
wal_write (sqlite3_file *file, const void *bytes, int size, sqlite3_int64 offset)
{
  WalFile *self = (WalFile *) file;
  gboolean goes_on = self->size > 0 && offset == self->start + (sqlite3_int64) self->size;
  int result = SQLITE_OK;

  if (!goes_on || self->size + (gsize) size > ROOM)
    result = flush (self);
  if (result != SQLITE_OK)
    return result;
  if (size > ROOM)
    return self->file.real->pMethods->xWrite (self->file.real, bytes, size, offset);

  if (self->gathered == NULL)
    self->gathered = g_malloc (ROOM);
  if (self->size == 0)
    self->start = offset;
  memcpy (self->gathered + self->size, bytes, (gsize) size);
  self->size += (gsize) size;
  return SQLITE_OK;
}

static int
wal_truncate (sqlite3_file *file, sqlite3_int64 size)
{
  WalFile *self = (WalFile *) file;
  int result = flush (self);

  return result != SQLITE_OK ? result
                             : self->file.real->pMethods->xTruncate (self->file.real, size);
}

static int
wal_sync (sqlite3_file *file, int flags)
{
  WalFile *self = (WalFile *) file;
  int result = flush (self);

  return result != SQLITE_OK ? result : self->file.real->pMethods->xSync (self->file.real, flags);
}

static int
wal_get_size (sqlite3_file *file, sqlite3_int64 *size)
{
  WalFile *self = (WalFile *) file;
  int result = flush (self);

  return result != SQLITE_OK ? result
                             : self->file.real->pMethods->xFileSize (self->file.real, size);
}

static int
wal_control (sqlite3_file *file, int op, void *argument)
{
  WalFile *self = (WalFile *) file;
  int result = flush (self);

  return result != SQLITE_OK
             ? result
             : self->file.real->pMethods->xFileControl (self->file.real, op, argument);
}

static const sqlite3_io_methods wal_methods = {
  .iVersion = 1,
  .xClose = wal_close,
  .xRead = wal_read,
  .xWrite = wal_write,
  .xTruncate = wal_truncate,
  .xSync = wal_sync,
  .xFileSize = wal_get_size,
  .xLock = zu_sqlite_file_lock,
  .xUnlock = zu_sqlite_file_unlock,
  .xCheckReservedLock = zu_sqlite_file_check_lock,
  .xFileControl = wal_control,
  .xSectorSize = zu_sqlite_file_get_sector_size,
  .xDeviceCharacteristics = zu_sqlite_file_get_characteristics,
};

static int
open_file (sqlite3_vfs *vfs, const char *name, sqlite3_file *file, int flags, int *out_flags)
{
  if ((flags & SQLITE_OPEN_WAL) == 0)
    return zu_sqlite_file_open_plain (file, name, flags, out_flags);
  return zu_sqlite_file_open (file, sizeof (WalFile), &wal_methods, name, flags, out_flags);
}

/* Registers it once; %NULL, which is SQLite's own, where that cannot be done. */
const char *
zu_sqlite_vfs_get_name (void)
{
  static gsize is_ready;

  if (g_once_init_enter (&is_ready))
    g_once_init_leave (&is_ready,
                       zu_sqlite_file_register (&own_vfs, NAME, sizeof (WalFile), open_file) ? 2
                                                                                             : 1);
  return is_ready == 2 ? NAME : NULL;
}
