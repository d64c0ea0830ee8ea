/* SPDX-License-Identifier: Apache-2.0 */

#include "zu-sqlite-ahead.h"

#include "zu-sqlite-file.h"

#include <string.h>

#define NAME  "zu-ahead"
#define BLOCK (128 * 1024)

/* SQLite reads a page a system call, which for a whole log is a sixth of what verifying it takes.
 * Here a page that stands shortly behind the last one brings those behind it along. What is asked
 * for here and there, as by an index, is read as it is asked for.
 *
 * A block is kept as long as the file is open, so it is only for a database that is read as
 * immutable: under our lock, by a connection that is closed where the file is found changed. SQLite
 * keeps pages of such a one in just the same way. */
typedef struct
{
  ZuSqliteFile file;
  guint8 *block;
  sqlite3_int64 start; /* of the block in the file */
  gsize size;
  sqlite3_int64 end_of_last; /* read without a block */
} AheadFile;

static sqlite3_vfs own_vfs;

static int
ahead_close (sqlite3_file *file)
{
  AheadFile *self = (AheadFile *) file;

  g_clear_pointer (&self->block, g_free);
  return self->file.real->pMethods->xClose (self->file.real);
}

static inline gboolean
is_shortly_behind (sqlite3_int64 offset, sqlite3_int64 end)
{
  return offset >= end && offset - end < BLOCK;
}

static inline gboolean
is_in_block (AheadFile *self, int size, sqlite3_int64 offset)
{
  return offset >= self->start && offset - self->start <= (sqlite3_int64) self->size - size;
}

/* Whether the block now begins at @offset. */
static gboolean
read_block (AheadFile *self, sqlite3_int64 offset)
{
  sqlite3_file *real = self->file.real;
  sqlite3_int64 end;

  self->size = 0;
  if (real->pMethods->xFileSize (real, &end) != SQLITE_OK || end <= offset)
    return FALSE;
  if (self->block == NULL)
    self->block = g_malloc (BLOCK);
  if (real->pMethods->xRead (real, self->block, (int) MIN (end - offset, BLOCK), offset)
      != SQLITE_OK)
    return FALSE;

  self->start = offset;
  self->size = (gsize) MIN (end - offset, BLOCK);
  return TRUE;
}

/* Where a block is not to be had, the page itself is asked for: it alone tells what is wrong. */
static int
ahead_read (sqlite3_file *file, void *out, int size, sqlite3_int64 offset)
{
  AheadFile *self = (AheadFile *) file;
  gboolean goes_on = is_shortly_behind (offset, self->start + (sqlite3_int64) self->size)
                     || is_shortly_behind (offset, self->end_of_last);

  if (is_in_block (self, size, offset)
      || (goes_on && read_block (self, offset) && is_in_block (self, size, offset)))
    {
      memcpy (out, self->block + (offset - self->start), (gsize) size);
      return SQLITE_OK;
    }

  self->end_of_last = offset + size;
  return self->file.real->pMethods->xRead (self->file.real, out, size, offset);
}

/* Version 1: neither shared memory nor mapping, which an immutable database does not use. */
static const sqlite3_io_methods ahead_methods = {
  .iVersion = 1,
  .xClose = ahead_close,
  .xRead = ahead_read,
  .xWrite = zu_sqlite_file_write,
  .xTruncate = zu_sqlite_file_truncate,
  .xSync = zu_sqlite_file_sync,
  .xFileSize = zu_sqlite_file_get_size,
  .xLock = zu_sqlite_file_lock,
  .xUnlock = zu_sqlite_file_unlock,
  .xCheckReservedLock = zu_sqlite_file_check_lock,
  .xFileControl = zu_sqlite_file_control,
  .xSectorSize = zu_sqlite_file_get_sector_size,
  .xDeviceCharacteristics = zu_sqlite_file_get_characteristics,
};

static int
open_file (sqlite3_vfs *vfs, const char *name, sqlite3_file *file, int flags, int *out_flags)
{
  if ((flags & SQLITE_OPEN_MAIN_DB) == 0 || (flags & SQLITE_OPEN_READONLY) == 0)
    return zu_sqlite_file_open_plain (file, name, flags, out_flags);
  return zu_sqlite_file_open (file, sizeof (AheadFile), &ahead_methods, name, flags, out_flags);
}

/* Registers it once; %NULL, which is SQLite's own, where that cannot be done. */
const char *
zu_sqlite_ahead_get_name (void)
{
  static gsize is_ready;

  if (g_once_init_enter (&is_ready))
    g_once_init_leave (&is_ready,
                       zu_sqlite_file_register (&own_vfs, NAME, sizeof (AheadFile), open_file) ? 2
                                                                                               : 1);
  return is_ready == 2 ? NAME : NULL;
}
