/* SPDX-License-Identifier: Apache-2.0 */

/* What root mounts, handed to an unprivileged uid: the sources are cloned from their descriptors
 * into a mount namespace of the sandbox's own, where they are reachable whatever the folders above
 * them allow, and mapped so that their owner there is that uid. Nothing on the host changes. */

#include "zu-keeper.h"
#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#ifndef SYS_mount_setattr
#define SYS_mount_setattr 442
#endif
#ifndef MOUNT_ATTR_IDMAP
#define MOUNT_ATTR_IDMAP 0x00100000
#endif

struct attributes /* struct mount_attr, which not every libc has */
{
  uint64_t set;
  uint64_t clear;
  uint64_t propagation;
  uint64_t user_namespace;
};

static int
write_map (pid_t pid, const char *name, unsigned on_disk, unsigned here)
{
  char path[64], line[64];
  int length = snprintf (line, sizeof line, "%u %u 1", on_disk, here), fd, good;

  snprintf (path, sizeof path, "/proc/%d/%s", (int) pid, name);
  fd = open (path, O_WRONLY | O_CLOEXEC);
  good = fd >= 0 && write (fd, line, (size_t) length) == length;
  if (fd >= 0)
    close (fd);
  return good;
}

/* A user namespace exists as long as somebody is in it or holds it open: a child makes it and waits
 * to be killed. The namespace, or -1. */
static int
make_mapping (const struct stat *owner, uid_t uid, gid_t gid)
{
  int ready[2], fd = -1;
  char path[64], byte = 0;
  pid_t pid;

  if (pipe2 (ready, O_CLOEXEC) != 0)
    return -1;
  if ((pid = fork ()) == 0)
    {
      byte = unshare (CLONE_NEWUSER) == 0;
      if (write (ready[1], &byte, 1) == 1)
        pause ();
      _exit (0);
    }
  close (ready[1]);
  if (pid > 0 && read (ready[0], &byte, 1) == 1 && byte
      && write_map (pid, "uid_map", owner->st_uid, uid)
      && write_map (pid, "gid_map", owner->st_gid, gid))
    {
      snprintf (path, sizeof path, "/proc/%d/ns/user", (int) pid);
      fd = open (path, O_RDONLY | O_CLOEXEC);
    }
  close (ready[0]);
  if (pid > 0)
    {
      kill (pid, SIGKILL);
      waitpid (pid, NULL, 0);
    }
  return fd;
}

/* Whether the tree now belongs to @uid as far as the sandbox sees. */
static int
map_owner (int tree, const struct stat *owner, uid_t uid, gid_t gid)
{
  int mapping = make_mapping (owner, uid, gid), good;
  struct attributes attributes = { .set = MOUNT_ATTR_IDMAP };

  if (mapping < 0)
    return 0;
  attributes.user_namespace = (uint64_t) mapping;
  good = syscall (SYS_mount_setattr, tree, "", AT_EMPTY_PATH | AT_RECURSIVE, &attributes,
                  sizeof attributes)
         == 0;
  close (mapping);
  return good;
}

/* Without a mapping, the mode's last three bits are what a stranger has. */
static int
is_open_to_others (const struct stat *st)
{
  mode_t wanted = S_ISDIR (st->st_mode) ? S_IROTH | S_IXOTH : S_IROTH;

  return (st->st_mode & wanted) == wanted;
}

/* A tree of mounts that is nowhere yet. Cloning works only in the namespace that the source is in.
 */
static int
clone_source (int source, const struct stat *st, uid_t uid, gid_t gid)
{
  int tree =
      open_tree (source, "", OPEN_TREE_CLONE | OPEN_TREE_CLOEXEC | AT_EMPTY_PATH | AT_RECURSIVE);

  if (tree < 0)
    keeper_child_fail ("cannot clone what is to be mounted", errno);
  if (!map_owner (tree, st, uid, gid) && !is_open_to_others (st))
    keeper_child_fail ("the sandbox's user may not read what is to be mounted, and this file "
                       "system cannot be mapped to it",
                       EACCES);
  return tree;
}

static void
attach (int tree, const struct stat *st, unsigned index)
{
  char path[64];
  int made;

  snprintf (path, sizeof path, ZU_KEEPER_STAGE "/%u", index);
  made = S_ISDIR (st->st_mode) ? mkdir (path, 0755)
                               : open (path, O_CREAT | O_EXCL | O_WRONLY | O_CLOEXEC, 0644);
  if (made < 0 || move_mount (tree, "", AT_FDCWD, path, MOVE_MOUNT_F_EMPTY_PATH) != 0)
    keeper_child_fail ("cannot mount", errno);
  close (tree);
}

void
keeper_stage_mounts (const int *mounts, unsigned n_mounts, uid_t uid, gid_t gid)
{
  struct stat st[ZU_KEEPER_MAX_MOUNTS];
  int trees[ZU_KEEPER_MAX_MOUNTS];

  for (unsigned i = 0; i < n_mounts; i++)
    {
      if (fstat (mounts[i], &st[i]) != 0)
        keeper_child_fail ("cannot look at what is to be mounted", errno);
      trees[i] = clone_source (mounts[i], &st[i], uid, gid);
    }
  if (unshare (CLONE_NEWNS) != 0 || mount (NULL, "/", NULL, MS_REC | MS_SLAVE, NULL) != 0)
    keeper_child_fail ("cannot make a mount namespace", errno);
  if (mount ("zu", ZU_KEEPER_STAGE, "tmpfs", MS_NOSUID | MS_NODEV, "mode=0755,size=1m") != 0)
    keeper_child_fail ("cannot mount a tmpfs", errno);
  for (unsigned i = 0; i < n_mounts; i++)
    attach (trees[i], &st[i], i);
}
