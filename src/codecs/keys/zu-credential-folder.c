/* SPDX-License-Identifier: Apache-2.0 */

#include "zu-credential-folder.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/xattr.h>
#include <unistd.h>

#define ACL_NAME    "system.posix_acl_access"
#define ACL_VERSION 2
#define ACL_MAX     64

/* The tags of the kernel's own ACL format; see linux/posix_acl.h. */
enum
{
  TAG_USER_OBJ = 0x01,
  TAG_USER = 0x02,
  TAG_MASK = 0x10,
};

typedef struct
{
  guint16 tag;
  guint16 perm;
  guint32 id;
} AclEntry;

typedef struct
{
  guint32 version;
  AclEntry entries[ACL_MAX];
} Acl;

static gboolean
refuse (const char *name, const char *why, GError **error)
{
  g_set_error (error, G_IO_ERROR, G_IO_ERROR_PERMISSION_DENIED, "%s %s", name, why);
  return FALSE;
}

static gboolean
is_ours (guint32 uid)
{
  return uid == 0 || uid == geteuid ();
}

static gboolean
is_private_entry (const AclEntry *entry)
{
  guint16 tag = GUINT16_FROM_LE (entry->tag);

  return entry->perm == 0 || tag == TAG_USER_OBJ || tag == TAG_MASK
         || (tag == TAG_USER && is_ours (GUINT32_FROM_LE (entry->id)));
}

/* systemd gives a service its credential by an entry for the service's user in the file's ACL; the
 * mode's group bits then show the ACL's mask, and only the entries tell who may read. */
static gboolean
has_private_acl (int fd)
{
  Acl acl;
  gssize size = fgetxattr (fd, ACL_NAME, &acl, sizeof acl);
  gsize n;

  if (size < (gssize) sizeof acl.version || GUINT32_FROM_LE (acl.version) != ACL_VERSION)
    return FALSE;
  n = ((gsize) size - sizeof acl.version) / sizeof (AclEntry);
  for (gsize i = 0; i < n; i++)
    if (!is_private_entry (&acl.entries[i]))
      return FALSE;
  return TRUE;
}

static gboolean
check_folder (int fd, const char *path, GError **error)
{
  g_autofree char *name = g_strdup_printf ("the credentials folder '%s'", path);
  struct stat st;

  if (fstat (fd, &st) != 0)
    return refuse (name, g_strerror (errno), error);
  if (!is_ours (st.st_uid))
    return refuse (name, "belongs to another user", error);
  if ((st.st_mode & (S_IWGRP | S_IWOTH)) != 0)
    return refuse (name, "can be changed by others (take their write permission away)", error);
  return TRUE;
}

int
zu_credential_folder_open (const char *path, GError **error)
{
  int fd = open (path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);

  if (fd < 0)
    {
      int code = errno;

      g_set_error (error, G_IO_ERROR, (int) g_io_error_from_errno (code),
                   "cannot open the credentials folder '%s': %s", path, g_strerror (code));
      return -1;
    }
  if (check_folder (fd, path, error))
    return fd;
  close (fd);
  return -1;
}

static gboolean
check_file (int fd, const char *file, GError **error)
{
  g_autofree char *name = g_strdup_printf ("the credential '%s'", file);
  struct stat st;

  if (fstat (fd, &st) != 0)
    return refuse (name, g_strerror (errno), error);
  if (!S_ISREG (st.st_mode))
    return refuse (name, "is no regular file", error);
  if (!is_ours (st.st_uid))
    return refuse (name, "belongs to another user", error);
  if ((st.st_mode & (S_IWGRP | S_IXGRP | S_IRWXO)) != 0
      || ((st.st_mode & S_IRGRP) != 0 && !has_private_acl (fd)))
    return refuse (name, "can be read or changed by others (give it mode 0400)", error);
  return TRUE;
}

/* Without following a link, and without waiting for the other end of a pipe. */
int
zu_credential_folder_open_file (int folder, const char *name, GError **error)
{
  int fd = openat (folder, name, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_NOCTTY | O_CLOEXEC);

  if (fd < 0)
    {
      int code = errno;

      g_set_error (error, G_IO_ERROR, (int) g_io_error_from_errno (code),
                   "cannot open the credential '%s': %s", name,
                   code == ELOOP ? "it is a symbolic link" : g_strerror (code));
      return -1;
    }
  if (check_file (fd, name, error))
    return fd;
  close (fd);
  return -1;
}
