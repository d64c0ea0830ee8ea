/* SPDX-License-Identifier: Apache-2.0 */

/* Whole folders into a sandbox and out of it. Below the folder that was named no link is followed
 * on this side and none is made, whatever a sandbox says it has; and there is an end to it. */

#include "zuctl-sandbox.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#define MAX_DEPTH   64u
#define MAX_ENTRIES 100000u

/* What one copy may do, and has done. */
typedef struct
{
  ZuSandboxBackend *backend;
  const char *id;
  guint64 bytes_left;
  guint entries_left;
} Copy;

static gboolean
fail (const char *what, const char *path, GError **error)
{
  g_set_error (error, ZUCTL_FAILURE, ZUCTL_FAILURE_ENVIRONMENT, "cannot %s %s: %s", what, path,
               g_strerror (errno));
  return FALSE;
}

static gboolean
fail_bound (const char *path, const char *bound, GError **error)
{
  g_set_error (error, ZUCTL_FAILURE, ZUCTL_FAILURE_ENVIRONMENT, "%s: %s", path, bound);
  return FALSE;
}

static void
tell_left_out (const char *path)
{
  g_autofree char *shown = g_filename_display_name (path);

  g_printerr ("zuctl: left out %s: neither a file nor a folder\n", shown);
}

static gboolean
count (Copy *self, const char *path, guint depth, GError **error)
{
  if (depth > MAX_DEPTH)
    return fail_bound (path, "folders are more than 64 deep", error);
  if (self->entries_left == 0)
    return fail_bound (path, "there are more than 100000 files and folders", error);
  self->entries_left--;
  return TRUE;
}

static char *
join (const char *folder, const char *name)
{
  return g_str_has_suffix (folder, "/") ? g_strconcat (folder, name, NULL)
                                        : g_strconcat (folder, "/", name, NULL);
}

/* A path that ends in a slash is a folder's. */
static gboolean
put_folder_itself (Copy *self, const char *inside, guint mode, GError **error)
{
  g_autofree char *path = join (inside, "");
  int null = open ("/dev/null", O_RDONLY | O_CLOEXEC);
  gboolean good = null >= 0 ? zu_sandbox_backend_put_file (self->backend, self->id, path, null,
                                                           mode, NULL, error)
                            : fail ("read", "/dev/null", error);

  if (null >= 0)
    close (null);
  return good;
}

static gboolean put_folder (Copy *self, int fd, const char *inside, guint depth, GError **error);

/* Takes the descriptor. */
static gboolean
put_opened (Copy *self, int fd, const char *inside, guint depth, GError **error)
{
  struct stat st;
  gboolean good = TRUE;

  if (fstat (fd, &st) != 0)
    good = fail ("read", inside, error);
  else if (S_ISDIR (st.st_mode))
    return put_folder (self, fd, inside, depth, error);
  else if (!S_ISREG (st.st_mode))
    tell_left_out (inside);
  else if ((guint64) st.st_size > self->bytes_left)
    good = fail_bound (inside, "the folder is larger than --max-size", error);
  else
    {
      self->bytes_left -= (guint64) st.st_size;
      good = zu_sandbox_backend_put_file (self->backend, self->id, inside, fd, st.st_mode & 0777,
                                          NULL, error);
    }
  close (fd);
  return good;
}

/* Without waiting for a pipe's other end, and never through a link. */
static gboolean
put_entry (Copy *self, int folder, const char *name, const char *inside, guint depth,
           GError **error)
{
  g_autofree char *path = join (inside, name);
  int fd;

  if (!count (self, path, depth, error))
    return FALSE;
  fd = openat (folder, name, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_NOCTTY | O_CLOEXEC);
  if (fd >= 0)
    return put_opened (self, fd, path, depth, error);
  if (errno != ELOOP && errno != ENXIO)
    return fail ("read", name, error);
  tell_left_out (path);
  return TRUE;
}

/* Takes the descriptor. */
static gboolean
put_folder (Copy *self, int fd, const char *inside, guint depth, GError **error)
{
  DIR *dir = fdopendir (fd);
  struct dirent *entry;
  struct stat st;
  gboolean good;

  if (!dir)
    {
      good = fail ("read", inside, error);
      close (fd);
      return good;
    }
  good = fstat (fd, &st) == 0 || fail ("read", inside, error);
  good = good && put_folder_itself (self, inside, (st.st_mode & 0777) | 0700, error);
  while (good && (entry = readdir (dir)))
    if (strcmp (entry->d_name, ".") != 0 && strcmp (entry->d_name, "..") != 0)
      good = put_entry (self, fd, entry->d_name, inside, depth + 1, error);
  closedir (dir);
  return good;
}

/* Whether a name from inside is one, and stays in its folder. */
static gboolean
check_name (const char *name, const char *inside, GError **error)
{
  if (*name && strcmp (name, ".") != 0 && strcmp (name, "..") != 0 && !strchr (name, '/')
      && strlen (name) <= NAME_MAX)
    return TRUE;
  return fail_bound (inside, "the sandbox lists a name that is none", error);
}

/* No file of this process's grows beyond that; writing more fails with EFBIG. */
static void
limit_size (guint64 size)
{
  struct rlimit limit;

  if (getrlimit (RLIMIT_FSIZE, &limit) != 0)
    return;
  limit.rlim_cur = MIN (size, limit.rlim_max);
  setrlimit (RLIMIT_FSIZE, &limit);
}

static gboolean
fetch (Copy *self, int fd, const char *inside, guint mode, GError **error)
{
  struct stat st;

  limit_size (self->bytes_left);
  if (!zu_sandbox_backend_get_file (self->backend, self->id, inside, fd, NULL, error))
    {
      if (fstat (fd, &st) == 0 && (guint64) st.st_size >= self->bytes_left)
        g_prefix_error (error, "the folder is larger than --max-size: ");
      return FALSE;
    }
  if (fchmod (fd, mode & 0777) != 0 || fstat (fd, &st) != 0)
    return fail ("write", inside, error);
  self->bytes_left -= MIN ((guint64) st.st_size, self->bytes_left);
  return TRUE;
}

/* There whole or not at all; a link of that name is replaced, not followed. */
static gboolean
get_file (Copy *self, int folder, const char *name, const char *inside, guint mode, GError **error)
{
  g_autofree char *fresh = g_strdup_printf (".zu-%08x%08x", g_random_int (), g_random_int ());
  int fd = openat (folder, fresh, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600);
  gboolean good;

  if (fd < 0)
    return fail ("write", name, error);
  good = fetch (self, fd, inside, mode, error);
  if (close (fd) != 0 && good)
    good = fail ("write", name, error);
  if (good && renameat (folder, fresh, folder, name) != 0)
    good = fail ("write", name, error);
  if (!good)
    unlinkat (folder, fresh, 0);
  return good;
}

static gboolean get_folder (Copy *self, int fd, const char *inside, guint depth, GError **error);

/* A folder that is there is filled; what is a link is none. */
static gboolean
get_subfolder (Copy *self, int folder, const char *name, const char *inside, guint mode,
               guint depth, GError **error)
{
  gboolean good;
  int fd;

  if (mkdirat (folder, name, (mode & 0777) | 0700) != 0 && errno != EEXIST)
    return fail ("make", name, error);
  fd = openat (folder, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
  if (fd < 0)
    return fail ("enter", name, error);
  good = get_folder (self, fd, inside, depth, error);
  close (fd);
  return good;
}

static gboolean
get_entry (Copy *self, int folder, ZuFileInfo *file, const char *inside, guint depth,
           GError **error)
{
  const char *name = zu_file_info_get_name (file);
  g_autofree char *path = NULL;
  guint mode = (guint) zu_file_info_get_mode (file);

  if (!check_name (name, inside, error))
    return FALSE;
  path = join (inside, name);
  if (!count (self, path, depth, error))
    return FALSE;
  switch (zu_file_info_get_kind (file))
    {
    case ZU_FILE_KIND_FILE:
      return get_file (self, folder, name, path, mode, error);
    case ZU_FILE_KIND_FOLDER:
      return get_subfolder (self, folder, name, path, mode, depth, error);
    default:
      tell_left_out (path);
      return TRUE;
    }
}

static gboolean
get_folder (Copy *self, int fd, const char *inside, guint depth, GError **error)
{
  g_autoptr (GPtrArray) files =
      zu_sandbox_backend_list_files (self->backend, self->id, inside, NULL, error);

  for (guint i = 0; files && i < files->len; i++)
    if (!get_entry (self, fd, files->pdata[i], inside, depth + 1, error))
      return FALSE;
  return files != NULL;
}

/* What is in the folder goes into the other, which is made unless it is there. */
gboolean
zuctl_sandbox_put_tree (ZuSandboxBackend *backend, const char *id, const char *inside,
                        const char *outside, guint64 max_size, GError **error)
{
  Copy self = { backend, id, max_size, MAX_ENTRIES };
  int fd = open (outside, O_RDONLY | O_DIRECTORY | O_CLOEXEC);

  return fd >= 0 ? put_folder (&self, fd, inside, 0, error) : fail ("read", outside, error);
}

gboolean
zuctl_sandbox_get_tree (ZuSandboxBackend *backend, const char *id, const char *inside,
                        const char *outside, guint64 max_size, GError **error)
{
  Copy self = { backend, id, max_size, MAX_ENTRIES };
  gboolean good;
  int fd;

  signal (SIGXFSZ, SIG_IGN);
  if (mkdir (outside, 0777) != 0 && errno != EEXIST)
    return fail ("make", outside, error);
  fd = open (outside, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  if (fd < 0)
    return fail ("enter", outside, error);
  good = get_folder (&self, fd, inside, 0, error);
  close (fd);
  return good;
}
