/* SPDX-License-Identifier: Apache-2.0 */

#include "zu-sqlite-file.h"

#include <string.h>

static sqlite3_vfs *real_vfs;

static inline sqlite3_file *
get_real (sqlite3_file *file)
{
  return ((ZuSqliteFile *) file)->real;
}

static inline gsize
get_offset (gsize size)
{
  return (size + 15) & ~(gsize) 15;
}

/* Once for each; @size is that of the largest file of ours. All but opening is the real one's. */
gboolean
zu_sqlite_file_register (sqlite3_vfs *vfs, const char *name, gsize size, ZuSqliteOpenFunc open_file)
{
  sqlite3_vfs *real = sqlite3_vfs_find (NULL);

  if (real == NULL)
    return FALSE;

  g_atomic_pointer_set (&real_vfs, real);
  *vfs = *real;
  vfs->pNext = NULL;
  vfs->zName = name;
  vfs->szOsFile = (int) get_offset (size) + real->szOsFile;
  vfs->xOpen = open_file;
  return sqlite3_vfs_register (vfs, FALSE) == SQLITE_OK;
}

/* As one of ours, which begins zeroed. */
int
zu_sqlite_file_open (sqlite3_file *file, gsize size, const sqlite3_io_methods *methods,
                     const char *name, int flags, int *out_flags)
{
  ZuSqliteFile *self = (ZuSqliteFile *) file;
  int result;

  memset (file, 0, size);
  self->real = (sqlite3_file *) ((char *) file + get_offset (size));
  result = real_vfs->xOpen (real_vfs, name, self->real, flags, out_flags);
  if (self->real->pMethods != NULL)
    self->base.pMethods = methods;
  return result;
}

int
zu_sqlite_file_open_plain (sqlite3_file *file, const char *name, int flags, int *out_flags)
{
  return real_vfs->xOpen (real_vfs, name, file, flags, out_flags);
}

int
zu_sqlite_file_write (sqlite3_file *file, const void *bytes, int size, sqlite3_int64 offset)
{
  return get_real (file)->pMethods->xWrite (get_real (file), bytes, size, offset);
}

int
zu_sqlite_file_truncate (sqlite3_file *file, sqlite3_int64 size)
{
  return get_real (file)->pMethods->xTruncate (get_real (file), size);
}

int
zu_sqlite_file_sync (sqlite3_file *file, int flags)
{
  return get_real (file)->pMethods->xSync (get_real (file), flags);
}

int
zu_sqlite_file_get_size (sqlite3_file *file, sqlite3_int64 *size)
{
  return get_real (file)->pMethods->xFileSize (get_real (file), size);
}

int
zu_sqlite_file_lock (sqlite3_file *file, int level)
{
  return get_real (file)->pMethods->xLock (get_real (file), level);
}

int
zu_sqlite_file_unlock (sqlite3_file *file, int level)
{
  return get_real (file)->pMethods->xUnlock (get_real (file), level);
}

int
zu_sqlite_file_check_lock (sqlite3_file *file, int *is_locked)
{
  return get_real (file)->pMethods->xCheckReservedLock (get_real (file), is_locked);
}

int
zu_sqlite_file_control (sqlite3_file *file, int op, void *argument)
{
  return get_real (file)->pMethods->xFileControl (get_real (file), op, argument);
}

int
zu_sqlite_file_get_sector_size (sqlite3_file *file)
{
  return get_real (file)->pMethods->xSectorSize (get_real (file));
}

int
zu_sqlite_file_get_characteristics (sqlite3_file *file)
{
  return get_real (file)->pMethods->xDeviceCharacteristics (get_real (file));
}
