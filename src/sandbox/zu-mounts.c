/* SPDX-License-Identifier: Apache-2.0 */

/* What of the host may appear in a sandbox, and where. Paths are judged after every link in them
 * has been followed, and the descriptor that was judged is the one that is mounted. */

#include "zu-mounts.h"
#include "zu-bound-sockets.h"
#include "zu-socket.h"
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

/* As many as the keeper takes, and an image. */
#define MAX_MOUNTS 64

#define REFUSED ZU_SANDBOX_BACKEND_ERROR, ZU_SANDBOX_BACKEND_ERROR_INVALID_SPEC

void
zu_mount_free (ZuMount *self)
{
  g_free (self->source);
  g_free (self->destination);
  zu_clear_fd (&self->fd);
  g_free (self);
}

/* Whether @path is @folder or somewhere in it; both absolute and without detours. */
gboolean
zu_path_is_beneath (const char *path, const char *folder)
{
  gsize length = strlen (folder);

  if (length == 1)
    return TRUE;
  return strncmp (path, folder, length) == 0 && (path[length] == '/' || path[length] == '\0');
}

static gboolean
is_plain_path (const char *path)
{
  g_autofree char *canonical = NULL;

  if (!g_path_is_absolute (path) || strlen (path) >= PATH_MAX)
    return FALSE;
  canonical = g_canonicalize_filename (path, "/");
  return strcmp (path, canonical) == 0;
}

static const char *
find_folder (const char *path, const char *const *folders)
{
  for (; *folders; folders++)
    if (zu_path_is_beneath (path, *folders))
      return *folders;
  return NULL;
}

/* A sandbox that can write to its keeper's socket, or read what runs the host, is none. */
gboolean
zu_mount_check_source (const char *real_path, const char *state_root, GError **error)
{
  static const char *const closed[] = { "/proc", "/sys", "/dev", "/run", "/etc", "/boot", NULL };
  const char *folder = find_folder (real_path, closed);

  if (strcmp (real_path, "/") == 0)
    g_set_error_literal (error, REFUSED, "the host's / is not mounted into a sandbox");
  else if (folder)
    g_set_error (error, REFUSED, "'%s' is not mounted into a sandbox: nothing of %s is", real_path,
                 folder);
  else if (zu_path_is_beneath (real_path, state_root) || zu_path_is_beneath (state_root, real_path))
    g_set_error (error, REFUSED,
                 "'%s' is not mounted into a sandbox: the sandboxes' own state is in it",
                 real_path);
  else
    return TRUE;
  return FALSE;
}

gboolean
zu_mount_check_destination (const char *destination, GError **error)
{
  static const char *const closed[] = { "/proc", "/sys", "/dev", "/.zu", "/etc", NULL };
  const char *folder = find_folder (destination, closed);

  if (!is_plain_path (destination))
    g_set_error (error, REFUSED,
                 "mount destination '%s' is not an absolute path without . and .. and //",
                 destination);
  else if (strcmp (destination, "/") == 0)
    g_set_error_literal (error, REFUSED, "nothing is mounted on the sandbox's /");
  else if (folder)
    g_set_error (error, REFUSED, "nothing is mounted beneath %s, as '%s' is", folder, destination);
  else
    return TRUE;
  return FALSE;
}

gboolean
zu_mount_check_workdir (const char *workdir, GError **error)
{
  static const char *const closed[] = { "/proc", "/sys", "/dev", "/.zu", NULL };

  if (is_plain_path (workdir) && strcmp (workdir, "/") == 0)
    return TRUE;
  if (is_plain_path (workdir) && !find_folder (workdir, closed))
    return TRUE;
  g_set_error (error, REFUSED,
               "working directory '%s' is not an absolute path outside of /proc, /sys and /dev",
               workdir);
  return FALSE;
}

/* Where the sandbox writes, a link of its making would decide where a mount point is made. */
gboolean
zu_mount_check_order (GPtrArray *mounts, GError **error)
{
  for (guint i = 0; i < mounts->len; i++)
    for (guint k = 0; k < mounts->len; k++)
      {
        ZuMount *inner = mounts->pdata[i], *outer = mounts->pdata[k];

        if (i == k || !zu_path_is_beneath (inner->destination, outer->destination))
          continue;
        if (!outer->writable && strcmp (inner->destination, outer->destination) != 0)
          continue;
        g_set_error (error, REFUSED, "mount destination '%s' is beneath '%s', which is %s",
                     inner->destination, outer->destination,
                     outer->writable ? "writable" : "mounted on already");
        return FALSE;
      }
  return TRUE;
}

static char *
dup_real_path (int fd)
{
  g_autofree char *link = g_strdup_printf ("/proc/self/fd/%d", fd);

  return g_file_read_link (link, NULL);
}

/* Opened without a right to read: what is looked at and what is mounted are the same thing. */
static gboolean
open_source (ZuMount *self, const char *path, const char *state_root, GError **error)
{
  struct stat st;

  self->fd = open (path, O_PATH | O_CLOEXEC);
  if (self->fd < 0 || fstat (self->fd, &st) != 0 || !(self->source = dup_real_path (self->fd)))
    {
      g_set_error (error, REFUSED, "cannot mount '%s': %s", path, g_strerror (errno));
      return FALSE;
    }
  if (!S_ISDIR (st.st_mode) && !S_ISREG (st.st_mode))
    {
      g_set_error (error, REFUSED, "cannot mount '%s': it is neither a folder nor a file", path);
      return FALSE;
    }
  self->is_folder = S_ISDIR (st.st_mode);
  if (!zu_mount_check_source (self->source, state_root, error))
    return FALSE;
  if (faccessat (AT_FDCWD, self->source, self->is_folder ? R_OK | X_OK : R_OK, AT_EACCESS) == 0)
    return TRUE;
  g_set_error (error, REFUSED, "cannot mount '%s': %s", path, g_strerror (errno));
  return FALSE;
}

/* Whoever can reach a daemon's socket can have the daemon act for it; that it is mounted read-only
 * keeps nobody from connecting. */
static gboolean
check_sockets (const ZuMount *self, GError **error)
{
  g_autofree char *table = NULL, *found = NULL;

  if (!self->is_folder)
    return TRUE;
  if (!g_file_get_contents ("/proc/net/unix", &table, NULL, error))
    {
      g_prefix_error (error, "cannot tell whether '%s' holds sockets: ", self->source);
      return FALSE;
    }
  found = zu_bound_sockets_find (table, self->source);
  if (!found)
    return TRUE;
  g_set_error (
      error, REFUSED,
      "'%s' is not mounted into a sandbox: a process has the socket '%s' in it (mount what "
      "is needed of that folder, without the socket)",
      self->source, found);
  return FALSE;
}

static gboolean
read_mode (ZuJson *volume, const char *path, gboolean *writable, GError **error)
{
  g_autoptr (ZuJson) mode = zu_json_dup_member (volume, "mode");
  const char *text = mode && zu_json_get_kind (mode) == ZU_JSON_KIND_STRING
                         ? zu_json_get_string (mode, NULL)
                         : NULL;

  *writable = g_strcmp0 (text, "rw") == 0;
  if (!mode || *writable || g_strcmp0 (text, "ro") == 0)
    return TRUE;
  g_set_error (error, REFUSED, "volume '%s': mode is \"ro\" or \"rw\"", path);
  return FALSE;
}

static gboolean
check_volume (ZuJson *volume, const char *path, GError **error)
{
  if (!g_path_is_absolute (path))
    {
      g_set_error (error, REFUSED, "volume '%s' is not an absolute path of the host", path);
      return FALSE;
    }
  if (zu_json_get_kind (volume) != ZU_JSON_KIND_OBJECT)
    {
      g_set_error (error, REFUSED, "volume '%s' is not an object with bind and mode", path);
      return FALSE;
    }
  for (gsize i = 0; i < zu_json_get_size (volume); i++)
    {
      const char *key = zu_json_get_member_name (volume, i, NULL);

      if (strcmp (key, "bind") == 0 || strcmp (key, "mode") == 0)
        continue;
      g_set_error (error, REFUSED, "volume '%s': unknown key '%s'", path, key);
      return FALSE;
    }
  return TRUE;
}

static ZuMount *
mount_new (const char *path, ZuJson *volume, const char *state_root, GError **error)
{
  g_autoptr (ZuMount) self = g_new0 (ZuMount, 1);
  g_autoptr (ZuJson) bind = NULL;

  self->fd = -1;
  if (!check_volume (volume, path, error) || !read_mode (volume, path, &self->writable, error))
    return NULL;
  bind = zu_json_dup_member (volume, "bind");
  if (!bind || zu_json_get_kind (bind) != ZU_JSON_KIND_STRING)
    {
      g_set_error (error, REFUSED, "volume '%s' has no \"bind\", its path in the sandbox", path);
      return NULL;
    }
  self->destination = g_strdup (zu_json_get_string (bind, NULL));
  if (!zu_mount_check_destination (self->destination, error)
      || !open_source (self, path, state_root, error) || !check_sockets (self, error))
    return NULL;
  return g_steal_pointer (&self);
}

static int
by_destination (gconstpointer a, gconstpointer b)
{
  return strcmp ((*(ZuMount *const *) a)->destination, (*(ZuMount *const *) b)->destination);
}

/**
 * zu_mounts_new_from_volumes: (skip)
 * @volumes: (nullable): `{"/host/path": {"bind": "/path", "mode": "ro"}}`; ro where mode is absent
 * @state_root: the folder of sandboxes, which is never mounted
 * @error: ZU_SANDBOX_BACKEND_ERROR_INVALID_SPEC with what is refused and why
 *
 * Returns: (transfer full) (element-type ZuMount): the mounts, outer destinations first
 */
GPtrArray *
zu_mounts_new_from_volumes (ZuJson *volumes, const char *state_root, GError **error)
{
  g_autoptr (GPtrArray) mounts = g_ptr_array_new_with_free_func ((GDestroyNotify) zu_mount_free);

  if (!volumes || zu_json_get_kind (volumes) == ZU_JSON_KIND_NULL)
    return g_steal_pointer (&mounts);
  if (zu_json_get_kind (volumes) != ZU_JSON_KIND_OBJECT)
    {
      g_set_error_literal (error, REFUSED, "volumes is not an object of host paths");
      return NULL;
    }
  if (zu_json_get_size (volumes) > MAX_MOUNTS)
    {
      g_set_error (error, REFUSED, "more than %d volumes", MAX_MOUNTS);
      return NULL;
    }
  for (gsize i = 0; i < zu_json_get_size (volumes); i++)
    {
      g_autoptr (ZuJson) volume = zu_json_dup_element (volumes, i);
      ZuMount *mount =
          mount_new (zu_json_get_member_name (volumes, i, NULL), volume, state_root, error);

      if (!mount)
        return NULL;
      g_ptr_array_add (mounts, mount);
    }
  g_ptr_array_sort (mounts, by_destination);
  return zu_mount_check_order (mounts, error) ? g_steal_pointer (&mounts) : NULL;
}
