/* SPDX-License-Identifier: Apache-2.0 */

#include "zu-sqlite-rewrite.h"

#include <errno.h>
#include <fcntl.h>
#include <unistd.h>

#define STEP (64 * 1024)

static gboolean
write_again (int fd)
{
  g_autofree char *buffer = g_malloc (STEP);
  off_t place = 0;
  gssize n;

  while ((n = pread (fd, buffer, STEP, place)) > 0)
    {
      if (pwrite (fd, buffer, (gsize) n, place) != n)
        return FALSE;
      place += n;
    }

  return n == 0 && fdatasync (fd) == 0;
}

/* After a failed flush the kernel takes what it could not write for written, and no later flush
 * brings it to the disk: a commit behind it would be acknowledged, and lost with the power. So what
 * was written ahead is written once more, the same bytes in the same places, while SQLite's own
 * lock keeps other writers away. The database needs no such thing: a copy whose flush failed is
 * made again. */
gboolean
zu_sqlite_rewrite (sqlite3 *db, const char *path, GError **error)
{
  g_autofree char *wal = g_strconcat (path, "-wal", NULL);
  gboolean is_done;
  int fd;

  if (!zu_sqlite_exec (db, "BEGIN IMMEDIATE", error))
    return FALSE;

  fd = open (wal, O_RDWR | O_CLOEXEC | O_NOFOLLOW);
  is_done = fd >= 0 ? write_again (fd) : errno == ENOENT;
  if (!is_done)
    g_set_error (error, ZU_EVENT_SINK_ERROR, ZU_EVENT_SINK_ERROR_POISONED,
                 "an earlier flush failed, and %s cannot be written again: %s (see to the disk, "
                 "and open the log again)",
                 wal, g_strerror (errno));
  if (fd >= 0)
    close (fd);
  sqlite3_exec (db, "ROLLBACK", NULL, NULL, NULL);
  return is_done;
}
