/* SPDX-License-Identifier: Apache-2.0 */

#include "zu-use-file.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

/* A line a key: its fingerprint, a blank, the uses that were reserved so far. Lines are of one
 * length, so that one is changed in its place by one write. */
#define FINGERPRINT_SIZE 64
#define DIGITS           20
#define RECORD_SIZE      (FINGERPRINT_SIZE + 1 + DIGITS + 1)
#define MAX_RECORDS      4096

typedef struct
{
  int fd;
  const char *path;
} UseFile;

static void
use_file_clear (UseFile *self)
{
  if (self->fd >= 0)
    close (self->fd);
}

G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC (UseFile, use_file_clear)

static gboolean
fail_errno (const char *path, const char *what, GError **error)
{
  int code = errno;

  g_set_error (error, G_IO_ERROR, (int) g_io_error_from_errno (code),
               "cannot %s the file of key uses '%s': %s", what, path, g_strerror (code));
  return FALSE;
}

static gboolean
fail_damaged (const char *path, GError **error)
{
  g_set_error (error, G_IO_ERROR, G_IO_ERROR_INVALID_DATA,
               "the file of key uses '%s' is damaged (restore it; or make new keys current, and "
               "remove it)",
               path);
  return FALSE;
}

static gboolean
open_use_file (UseFile *self, int flags, GError **error)
{
  struct stat st;

  self->fd = open (self->path, O_RDWR | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK | flags, 0600);
  if (self->fd < 0)
    return fail_errno (self->path, "open", error);
  if (fstat (self->fd, &st) != 0)
    return fail_errno (self->path, "read", error);
  if (!S_ISREG (st.st_mode) || st.st_size > MAX_RECORDS * RECORD_SIZE)
    return fail_damaged (self->path, error);
  return TRUE;
}

static gboolean
sync_folder (const char *path, GError **error)
{
  g_autofree char *folder = g_path_get_dirname (path);
  int fd = open (folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  gboolean synced = fd >= 0 && fsync (fd) == 0;

  if (!synced)
    fail_errno (path, "keep", error);
  if (fd >= 0)
    close (fd);
  return synced;
}

/* Later the file has to be there: one that vanished would start to count anew. */
gboolean
zu_use_file_create (const char *path, GError **error)
{
  g_auto (UseFile) file = { -1, path };

  return open_use_file (&file, O_CREAT, error) && sync_folder (path, error);
}

/* Between processes and between the codecs of one; freed when the descriptor is closed. */
static gboolean
lock_use_file (UseFile *self, GError **error)
{
  struct flock whole = { .l_type = F_WRLCK, .l_whence = SEEK_SET };
  int code;

  do
    code = fcntl (self->fd, F_OFD_SETLKW, &whole);
  while (code != 0 && errno == EINTR);
  return code == 0 || fail_errno (self->path, "lock", error);
}

/* The place of the key's record, or where one is to be appended. */
static gboolean
find_record (UseFile *self, const char *fingerprint, goffset *place, guint64 *uses, GError **error)
{
  char record[RECORD_SIZE + 1] = "";
  gssize n;

  *uses = 0;
  for (*place = 0; (n = pread (self->fd, record, RECORD_SIZE, *place)) > 0; *place += n)
    {
      if (n != RECORD_SIZE || record[FINGERPRINT_SIZE] != ' ' || record[RECORD_SIZE - 1] != '\n')
        return fail_damaged (self->path, error);
      if (memcmp (record, fingerprint, FINGERPRINT_SIZE) != 0)
        continue;

      record[RECORD_SIZE - 1] = '\0';
      return g_ascii_string_to_unsigned (record + FINGERPRINT_SIZE + 1, 10, 0, G_MAXINT64, uses,
                                         NULL)
             || fail_damaged (self->path, error);
    }
  return n == 0 || fail_errno (self->path, "read", error);
}

static gboolean
write_record (UseFile *self, const char *fingerprint, goffset place, guint64 uses, GError **error)
{
  char record[RECORD_SIZE + 1];

  g_snprintf (record, sizeof record, "%s %0*" G_GUINT64_FORMAT "\n", fingerprint, DIGITS, uses);
  if (pwrite (self->fd, record, RECORD_SIZE, place) != RECORD_SIZE || fdatasync (self->fd) != 0)
    return fail_errno (self->path, "write", error);
  return TRUE;
}

/* Sets @n uses aside, on the disk before it returns: the uses from @first on. */
gboolean
zu_use_file_reserve (const char *path, const char *fingerprint, guint64 n, guint64 *first,
                     GError **error)
{
  g_auto (UseFile) file = { -1, path };
  goffset place;

  g_return_val_if_fail (strlen (fingerprint) == FINGERPRINT_SIZE, FALSE);

  return open_use_file (&file, 0, error) && lock_use_file (&file, error)
         && find_record (&file, fingerprint, &place, first, error)
         && write_record (&file, fingerprint, place, *first + n, error);
}
