/* SPDX-License-Identifier: Apache-2.0 */

/* A root file system instead of the host's /usr. bubblewrap makes mount points by name and follows
 * links on its way, so a link in the image would decide what is made where: whatever is mounted
 * beneath what comes from the image is looked for there first, and no link is followed. */

#include "zu-bwrap-image.h"
#include "zu-mounts.h"
#include "zu-socket.h"
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/openat2.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#define REFUSED ZU_SANDBOX_BACKEND_ERROR, ZU_SANDBOX_BACKEND_ERROR_INVALID_SPEC
#define MISSING ZU_SANDBOX_BACKEND_ERROR, ZU_SANDBOX_BACKEND_ERROR_IMAGE_MISSING

/* Each is a mount of its own. */
#define MAX_NAMES 256

void
zu_bwrap_image_free (ZuBwrapImage *self)
{
  g_clear_pointer (&self->view, zu_bwrap_view_free);
  zu_clear_fd (&self->fd);
  g_free (self->path);
  g_free (self);
}

/* What every sandbox has of its own is not taken from an image. */
static gboolean
is_own_name (const char *name)
{
  static const char *const own[] = { ".", "..", ".zu", "dev", "proc", "run", "sys", "tmp", NULL };

  return g_strv_contains (own, name);
}

static gboolean
add_link (ZuBwrapView *view, int folder, const char *name, GError **error)
{
  char target[PATH_MAX];
  gssize n = readlinkat (folder, name, target, sizeof target);

  if (n > 0 && n < (gssize) sizeof target)
    {
      g_ptr_array_add (view->names, g_strconcat ("/", name, NULL));
      g_ptr_array_add (view->links, g_strndup (target, (gsize) n));
      return TRUE;
    }
  g_set_error (error, REFUSED, "the link '%s' at the image's root cannot be read", name);
  return FALSE;
}

/* Devices, sockets and pipes are left out. */
static gboolean
add_name (ZuBwrapView *view, int folder, const char *name, GError **error)
{
  struct stat st;

  if (is_own_name (name))
    return TRUE;
  if (view->names->len >= MAX_NAMES || !g_utf8_validate (name, -1, NULL)
      || fstatat (folder, name, &st, AT_SYMLINK_NOFOLLOW) != 0)
    {
      g_set_error (error, REFUSED,
                   "the image's root holds more than %d names, or one that is not UTF-8",
                   MAX_NAMES);
      return FALSE;
    }
  if (S_ISLNK (st.st_mode))
    return add_link (view, folder, name, error);
  if (S_ISDIR (st.st_mode) || S_ISREG (st.st_mode))
    {
      g_ptr_array_add (view->names, g_strconcat ("/", name, NULL));
      g_ptr_array_add (view->links, NULL);
    }
  return TRUE;
}

static gboolean
read_names (ZuBwrapImage *self, GError **error)
{
  int folder = openat (self->fd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  DIR *dir = folder >= 0 ? fdopendir (folder) : NULL;
  gboolean good = TRUE;
  struct dirent *entry;

  if (!dir)
    {
      g_set_error (error, REFUSED, "cannot read the image '%s': %s", self->path,
                   g_strerror (errno));
      zu_clear_fd (&folder);
      return FALSE;
    }
  while (good && (entry = readdir (dir)))
    good = add_name (self->view, folder, entry->d_name, error);
  closedir (dir);
  return good;
}

static gboolean
open_folder (ZuBwrapImage *self, const char *path, GError **error)
{
  g_autofree char *link = NULL;
  struct stat st;

  self->fd = open (path, O_PATH | O_CLOEXEC);
  link = g_strdup_printf ("/proc/self/fd/%d", self->fd);
  if (self->fd < 0 || fstat (self->fd, &st) != 0 || !(self->path = g_file_read_link (link, NULL)))
    g_set_error (error, MISSING, "there is no image '%s' here: %s", path, g_strerror (errno));
  else if (!S_ISDIR (st.st_mode))
    g_set_error (error, MISSING,
                 "the image '%s' is not a folder: bubblewrap takes a root file system, and unpacks "
                 "no archive (docker export a container of it, and unpack that with tar -x)",
                 path);
  else
    return TRUE;
  return FALSE;
}

/**
 * zu_bwrap_image_open: (skip)
 * @path: a folder
 * @state_root: the folder of sandboxes, which is in no image
 * @error: ZU_SANDBOX_BACKEND_ERROR_IMAGE_MISSING where there is none,
 *   ZU_SANDBOX_BACKEND_ERROR_INVALID_SPEC where it is not to be shown
 *
 * Returns: (transfer full): the image, and what at its root is to be shown
 */
ZuBwrapImage *
zu_bwrap_image_open (const char *path, const char *state_root, GError **error)
{
  g_autoptr (ZuBwrapImage) self = g_new0 (ZuBwrapImage, 1);

  self->fd = -1;
  if (!strchr (path, '/'))
    {
      g_set_error (error, MISSING,
                   "there is no image '%s' here: bubblewrap takes the path of a root file system's "
                   "folder, or shows the host's /usr (leave image out)",
                   path);
      return NULL;
    }
  if (!open_folder (self, path, error) || !zu_mount_check_source (self->path, state_root, error))
    return NULL;
  self->view = zu_bwrap_view_new_empty ();
  return read_names (self, error) ? g_steal_pointer (&self) : NULL;
}

/* -1 where nothing is there without following a link. */
static int
open_plain (const ZuBwrapImage *self, const char *path)
{
  struct open_how how = { .flags = O_PATH | O_CLOEXEC,
                          .resolve = RESOLVE_BENEATH | RESOLVE_NO_SYMLINKS };

  return (int) syscall (SYS_openat2, self->fd, path + strspn (path, "/"), &how, sizeof how);
}

/* Whether the image itself has a folder or a file there, without any link on the way. */
gboolean
zu_bwrap_image_has (const ZuBwrapImage *self, const char *path)
{
  ZU_AUTO_FD int fd = zu_bwrap_view_has (self->view, path) ? open_plain (self, path) : -1;

  return fd >= 0;
}

static gboolean
check_place (const ZuBwrapImage *self, const char *path, gboolean is_folder, GError **error)
{
  ZU_AUTO_FD int fd = -1;
  struct stat st;

  if (!zu_bwrap_view_has (self->view, path))
    return TRUE;
  fd = open_plain (self, path);
  if (fd >= 0 && fstat (fd, &st) == 0 && (is_folder ? S_ISDIR (st.st_mode) : S_ISREG (st.st_mode)))
    return TRUE;
  g_set_error (error, REFUSED,
               "'%s' is not a %s of the image that is reached without a link, and an image is not "
               "written to: nothing can be mounted there",
               path, is_folder ? "folder" : "file");
  return FALSE;
}

/**
 * zu_bwrap_image_check: (skip)
 * @self: an image
 * @plan: what is to be mounted over it
 * @workdir: the working directory
 * @owns_workdir: whether a tmpfs is made for it
 * @error: ZU_SANDBOX_BACKEND_ERROR_INVALID_SPEC, naming the place
 *
 * Returns: whether everything that is mounted over the image has a place there
 */
gboolean
zu_bwrap_image_check (const ZuBwrapImage *self, const ZuLaunchPlan *plan, const char *workdir,
                      gboolean owns_workdir, GError **error)
{
  for (guint i = 0; i < plan->mounts->len; i++)
    {
      const ZuMount *mount = plan->mounts->pdata[i];

      if (!check_place (self, mount->destination, mount->is_folder, error))
        return FALSE;
    }
  return (!plan->ca_cert || check_place (self, plan->ca_mount, FALSE, error))
         && (!owns_workdir || check_place (self, workdir, TRUE, error));
}
