/* SPDX-License-Identifier: Apache-2.0 */

#include "zu-nft-target.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/nsfs.h>
#include <sched.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <unistd.h>

#define PREFIX   "zu_"
#define N_DIGITS 16

void
zu_nft_target_clear (ZuNftTarget *self)
{
  g_clear_pointer (&self->table, g_free);
  g_clear_pointer (&self->path, g_free);
  if (self->fd >= 0)
    close (self->fd);
  self->fd = -1;
}

static gboolean
refuse (GError **error, const char *target, const char *why)
{
  g_set_error (error, ZU_EGRESS_ENFORCEMENT_ERROR, ZU_EGRESS_ENFORCEMENT_ERROR_INVALID_POLICY,
               "cannot enforce egress in '%s': %s", target, why);
  return FALSE;
}

static char *
make_path (const char *target)
{
  guint64 pid;

  if (g_ascii_string_to_unsigned (target, 10, 1, G_MAXINT, &pid, NULL))
    return g_strdup_printf ("/proc/%" G_GUINT64_FORMAT "/ns/net", pid);
  return g_strdup (target);
}

static gboolean
is_our_own (const struct stat *status)
{
  struct stat own;

  return stat ("/proc/self/ns/net", &own) == 0 && own.st_ino == status->st_ino
         && own.st_dev == status->st_dev;
}

static gboolean
open_namespace (ZuNftTarget *self, struct stat *status)
{
  self->fd = open (self->path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
  if (self->fd < 0)
    return FALSE;
  if (fstat (self->fd, status) == 0 && ioctl (self->fd, NS_GET_NSTYPE) == CLONE_NEWNET)
    return TRUE;
  close (self->fd);
  self->fd = -1;
  errno = EINVAL;
  return FALSE;
}

/* The table's name follows from what is in it, so that applying it twice is applying it once. */
static char *
make_table (const char *const *lines)
{
  g_autofree char *text = g_strjoinv ("\n", (char **) lines);
  g_autofree char *digest = g_compute_checksum_for_string (G_CHECKSUM_SHA256, text, -1);

  return g_strdup_printf (PREFIX "%.*s", N_DIGITS, digest);
}

/* TARGET is the path of a network namespace, or the id of a process that is in it. Our own would
 * cut this machine off. */
gboolean
zu_nft_target_open (ZuNftTarget *self, const char *target, const char *const *lines, GError **error)
{
  struct stat status;

  self->path = make_path (target);
  self->fd = -1;
  if (!g_path_is_absolute (self->path))
    return refuse (error, target, "it must be a network namespace's path or a process's id");
  if (!open_namespace (self, &status))
    return refuse (error, target,
                   errno == EINVAL ? "it is no network namespace" : g_strerror (errno));
  if (is_our_own (&status))
    return refuse (error, target, "it is the network of this process itself");
  self->inode = status.st_ino;
  self->table = make_table (lines);
  return TRUE;
}

static gboolean
is_table (const char *text)
{
  gsize length = strlen (PREFIX);

  return g_str_has_prefix (text, PREFIX) && strspn (text + length, "0123456789abcdef") == N_DIGITS
         && text[length + N_DIGITS] == '\0';
}

/* The descriptor is -1 where the namespace is gone, and its tables with it. */
gboolean
zu_nft_target_open_id (ZuNftTarget *self, const char *id, GError **error)
{
  g_auto (GStrv) parts = g_strsplit (id, "@", 3);
  struct stat status;

  self->fd = -1;
  if (g_strv_length (parts) != 3 || !is_table (parts[0]) || !g_path_is_absolute (parts[2])
      || !g_ascii_string_to_unsigned (parts[1], 10, 1, G_MAXUINT64, &self->inode, NULL))
    return refuse (error, id, "it is no enforcement of nftables");
  self->table = g_strdup (parts[0]);
  self->path = g_strdup (parts[2]);
  if (open_namespace (self, &status))
    {
      if (status.st_ino == self->inode)
        return TRUE;
      close (self->fd);
      self->fd = -1;
      return TRUE;
    }
  return errno == ENOENT || errno == EINVAL || errno == ESRCH
         || refuse (error, id, g_strerror (errno));
}

char *
zu_nft_target_make_id (const ZuNftTarget *self)
{
  return g_strdup_printf ("%s@%" G_GUINT64_FORMAT "@%s", self->table, self->inode, self->path);
}
