/* SPDX-License-Identifier: Apache-2.0 */

#include "zu-new-file.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <unistd.h>

#define MOST_TRIES 16

struct _ZuNewFile
{
  char *path;
  char *working_path;
  int fd;
};

static gboolean
fail (const char *path, const char *what, int reason, GError **error)
{
  ZuEventMaintenanceError code = ZU_EVENT_MAINTENANCE_ERROR_READ_ONLY;
  const char *advice = "see that this user may write the folder";

  if (reason == EEXIST)
    {
      code = ZU_EVENT_MAINTENANCE_ERROR_EXISTS;
      advice = "nothing is overwritten; name another file";
    }
  else if (reason == ENOENT || reason == ENOTDIR)
    {
      code = ZU_EVENT_MAINTENANCE_ERROR_MISSING;
      advice = "make the folder that it is to lie in";
    }
  else if (reason == ENOSPC || reason == EDQUOT)
    {
      code = ZU_EVENT_MAINTENANCE_ERROR_FULL;
      advice = "free some space";
    }

  g_set_error (error, ZU_EVENT_MAINTENANCE_ERROR, code, "cannot %s %s: %s (%s)", what, path,
               g_strerror (reason), advice);
  return FALSE;
}

/* @mode: of the file, less what the process masks. What is at @path already is refused at once. */
ZuNewFile *
zu_new_file_create (const char *path, guint mode, GError **error)
{
  g_autoptr (ZuNewFile) self = g_new0 (ZuNewFile, 1);

  self->fd = -1;
  self->path = g_strdup (path);
  if (faccessat (AT_FDCWD, path, F_OK, AT_SYMLINK_NOFOLLOW) == 0)
    {
      fail (path, "make", EEXIST, error);
      return NULL;
    }

  for (guint i = 0; self->fd < 0 && i < MOST_TRIES; i++)
    {
      g_free (self->working_path);
      self->working_path = g_strdup_printf ("%s.%08x.partial", path, g_random_int ());
      self->fd = open (self->working_path, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW,
                       (mode_t) mode);
      if (self->fd < 0 && errno != EEXIST)
        break;
    }
  if (self->fd >= 0)
    return g_steal_pointer (&self);

  fail (path, "make", errno, error);
  g_clear_pointer (&self->working_path, g_free);
  return NULL;
}

void
zu_new_file_free (ZuNewFile *self)
{
  if (self->working_path != NULL)
    unlink (self->working_path);
  if (self->fd >= 0)
    close (self->fd);
  g_free (self->working_path);
  g_free (self->path);
  g_free (self);
}

int
zu_new_file_get_fd (ZuNewFile *self)
{
  return self->fd;
}

/* Under which whoever fills it finds it. */
const char *
zu_new_file_get_working_path (ZuNewFile *self)
{
  return self->working_path;
}

static gboolean
sync_folder (const char *path)
{
  g_autofree char *folder = g_path_get_dirname (path);
  int fd = open (folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  gboolean is_synced = fd >= 0 && fsync (fd) == 0;
  int reason = errno;

  if (fd >= 0)
    close (fd);
  errno = reason;
  return is_synced;
}

/* Flushes the file and gives it its name; a name that is taken meanwhile is refused. Where the file
 * system has no hard links, renaming refuses that as well. */
gboolean
zu_new_file_publish (ZuNewFile *self, GError **error)
{
  if (fsync (self->fd) != 0)
    return fail (self->path, "write", errno, error);

  if (link (self->working_path, self->path) == 0)
    unlink (self->working_path);
  else if (errno == EEXIST
           || renameat2 (AT_FDCWD, self->working_path, AT_FDCWD, self->path, RENAME_NOREPLACE) != 0)
    return fail (self->path, "make", errno, error);

  g_clear_pointer (&self->working_path, g_free);
  return sync_folder (self->path) || fail (self->path, "keep", errno, error);
}
