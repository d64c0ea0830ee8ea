/* SPDX-License-Identifier: Apache-2.0 */

#include "zu-sqlite-vfs.h"

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
  sqlite3_file base;
  sqlite3_file *real; /* behind this, in the same memory */
  guint8 *gathered;
  gsize size;
  sqlite3_int64 start; /* where it belongs in the file */
} WalFile;

#define REAL_OFFSET ((sizeof (WalFile) + 15) & ~(gsize) 15)

static sqlite3_vfs *real_vfs;
static sqlite3_vfs own_vfs;

static int
flush (WalFile *self)
{
  gsize size = self->size;

  self->size = 0;
  return size == 0
             ? SQLITE_OK
             : self->real->pMethods->xWrite (self->real, self->gathered, (int) size, self->start);
}

static int
wal_close (sqlite3_file *file)
{
  WalFile *self = (WalFile *) file;
  int result = flush (self);
  int closed = self->real->pMethods->xClose (self->real);

  g_clear_pointer (&self->gathered, g_free);
  return result != SQLITE_OK ? result : closed;
}

static int
wal_read (sqlite3_file *file, void *out, int size, sqlite3_int64 offset)
{
  WalFile *self = (WalFile *) file;
  int result = flush (self);

  return result != SQLITE_OK ? result : self->real->pMethods->xRead (self->real, out, size, offset);
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
    return self->real->pMethods->xWrite (self->real, bytes, size, offset);

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

  return result != SQLITE_OK ? result : self->real->pMethods->xTruncate (self->real, size);
}

static int
wal_sync (sqlite3_file *file, int flags)
{
  WalFile *self = (WalFile *) file;
  int result = flush (self);

  return result != SQLITE_OK ? result : self->real->pMethods->xSync (self->real, flags);
}

static int
wal_get_size (sqlite3_file *file, sqlite3_int64 *size)
{
  WalFile *self = (WalFile *) file;
  int result = flush (self);

  return result != SQLITE_OK ? result : self->real->pMethods->xFileSize (self->real, size);
}

static int
wal_lock (sqlite3_file *file, int level)
{
  sqlite3_file *real = ((WalFile *) file)->real;

  return real->pMethods->xLock (real, level);
}

static int
wal_unlock (sqlite3_file *file, int level)
{
  sqlite3_file *real = ((WalFile *) file)->real;

  return real->pMethods->xUnlock (real, level);
}

static int
wal_check_lock (sqlite3_file *file, int *is_locked)
{
  sqlite3_file *real = ((WalFile *) file)->real;

  return real->pMethods->xCheckReservedLock (real, is_locked);
}

static int
wal_control (sqlite3_file *file, int op, void *argument)
{
  WalFile *self = (WalFile *) file;
  int result = flush (self);

  return result != SQLITE_OK ? result
                             : self->real->pMethods->xFileControl (self->real, op, argument);
}

static int
wal_get_sector_size (sqlite3_file *file)
{
  sqlite3_file *real = ((WalFile *) file)->real;

  return real->pMethods->xSectorSize (real);
}

static int
wal_get_characteristics (sqlite3_file *file)
{
  sqlite3_file *real = ((WalFile *) file)->real;

  return real->pMethods->xDeviceCharacteristics (real);
}

static const sqlite3_io_methods wal_methods = {
  .iVersion = 1,
  .xClose = wal_close,
  .xRead = wal_read,
  .xWrite = wal_write,
  .xTruncate = wal_truncate,
  .xSync = wal_sync,
  .xFileSize = wal_get_size,
  .xLock = wal_lock,
  .xUnlock = wal_unlock,
  .xCheckReservedLock = wal_check_lock,
  .xFileControl = wal_control,
  .xSectorSize = wal_get_sector_size,
  .xDeviceCharacteristics = wal_get_characteristics,
};

static int
open_file (sqlite3_vfs *vfs, const char *name, sqlite3_file *file, int flags, int *out_flags)
{
  WalFile *self = (WalFile *) file;
  int result;

  if ((flags & SQLITE_OPEN_WAL) == 0)
    return real_vfs->xOpen (real_vfs, name, file, flags, out_flags);

  *self = (WalFile){ .real = (sqlite3_file *) ((char *) file + REAL_OFFSET) };
  result = real_vfs->xOpen (real_vfs, name, self->real, flags, out_flags);
  if (self->real->pMethods != NULL)
    self->base.pMethods = &wal_methods;
  return result;
}

/* Registers it once; %NULL, which is SQLite's own, where that cannot be done. */
const char *
zu_sqlite_vfs_get_name (void)
{
  static gsize is_ready;

  if (g_once_init_enter (&is_ready))
    {
      gsize state = 1;

      real_vfs = sqlite3_vfs_find (NULL);
      if (real_vfs != NULL)
        {
          /* All but opening is the real one's. */
          own_vfs = *real_vfs;
          own_vfs.pNext = NULL;
          own_vfs.zName = NAME;
          own_vfs.szOsFile = (int) REAL_OFFSET + real_vfs->szOsFile;
          own_vfs.xOpen = open_file;
          if (sqlite3_vfs_register (&own_vfs, FALSE) == SQLITE_OK)
            state = 2;
        }
      g_once_init_leave (&is_ready, state);
    }

  return is_ready == 2 ? NAME : NULL;
}
