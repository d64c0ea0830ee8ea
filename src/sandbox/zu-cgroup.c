/* SPDX-License-Identifier: Apache-2.0 */

/* Groups of either version, beneath one folder named zu at the top of the hierarchy. Only root may
 * make them there; everybody else has rlimits. Whatever fails leaves that limit to others. */

#include "zu-cgroup.h"
#include "zu-socket.h"
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define ROOT "/sys/fs/cgroup"

static gboolean
write_file (const char *folder, const char *name, const char *text)
{
  g_autofree char *path = g_build_filename (folder, name, NULL);
  int fd = open (path, O_WRONLY | O_CLOEXEC);
  gboolean good;

  if (fd < 0)
    return FALSE;
  good = write (fd, text, strlen (text)) == (gssize) strlen (text);
  close (fd);
  return good;
}

static gboolean
write_number (const char *folder, const char *name, gint64 value)
{
  g_autofree char *text = g_strdup_printf ("%" G_GINT64_FORMAT, value);

  return write_file (folder, name, text);
}

/* Makes @base/zu/@id and holds its list open: of processes, or where that can be of @threads. One
 * thread that moves itself through the latter does not have to wait until the whole machine has
 * seen it, which takes milliseconds (kernel, cgroup_procs_write_start). */
static const char *
add_group (ZuCgroup *self, const char *base, const char *id, const char *threads)
{
  g_autofree char *parent = g_build_filename (base, "zu", NULL);
  g_autofree char *path = g_build_filename (parent, id, NULL);
  g_autofree char *processes = g_build_filename (path, threads ? threads : "cgroup.procs", NULL);
  int fd;

  if (access (base, W_OK) != 0 || (mkdir (parent, 0755) != 0 && errno != EEXIST))
    return NULL;
  write_file (parent, "cgroup.subtree_control", "+memory +pids");
  if (mkdir (path, 0755) != 0)
    return NULL;
  fd = open (processes, O_WRONLY | O_CLOEXEC);
  if (fd < 0)
    {
      rmdir (path);
      return NULL;
    }
  g_ptr_array_insert (self->paths, (int) self->fds->len, g_strdup (path));
  g_array_append_val (self->fds, fd);
  return self->paths->pdata[self->fds->len - 1];
}

static void
set_up_unified (ZuCgroup *self, const char *id, gint64 memory, gint64 pids)
{
  const char *path;

  write_file (ROOT, "cgroup.subtree_control", "+memory +pids");
  if (!(path = add_group (self, ROOT, id, NULL)))
    return;
  self->holds_pids = write_number (path, "pids.max", pids);
  self->holds_memory = write_number (path, "memory.max", memory);
  if (self->holds_memory)
    write_number (path, "memory.swap.max", 0);
}

static void
set_up_separate (ZuCgroup *self, const char *id, gint64 memory, gint64 pids)
{
  const char *path = add_group (self, ROOT "/pids", id, "tasks");

  self->holds_pids = path && write_number (path, "pids.max", pids);
  path = add_group (self, ROOT "/memory", id, "tasks");
  self->holds_memory = path && write_number (path, "memory.limit_in_bytes", memory);
  if (self->holds_memory)
    write_number (path, "memory.memsw.limit_in_bytes", memory);
}

/**
 * zu_cgroup_create: (skip)
 * @id: the sandbox
 * @memory: bytes
 * @pids: processes, what the sandbox itself needs included
 *
 * Returns: (transfer full): the groups, and which limits they hold
 */
ZuCgroup *
zu_cgroup_create (const char *id, gint64 memory, gint64 pids)
{
  ZuCgroup *self = g_new0 (ZuCgroup, 1);

  self->paths = g_ptr_array_new_with_free_func (g_free);
  self->fds = g_array_new (FALSE, FALSE, sizeof (int));
  g_ptr_array_add (self->paths, NULL);
  if (geteuid () != 0)
    return self;
  if (access (ROOT "/cgroup.controllers", F_OK) == 0)
    set_up_unified (self, id, memory, pids);
  else
    set_up_separate (self, id, memory, pids);
  return self;
}

/* A group whose last processes are just dying is busy for a moment; one that is gone is no error.
 */
void
zu_cgroup_remove_path (const char *path)
{
  for (guint tries = 0; tries < 200 && rmdir (path) != 0 && errno == EBUSY; tries++)
    g_usleep (5000);
}

/* For a launch that failed before a keeper could. */
void
zu_cgroup_remove (ZuCgroup *self)
{
  for (guint i = 0; i < self->fds->len; i++)
    zu_cgroup_remove_path (self->paths->pdata[i]);
}

void
zu_cgroup_free (ZuCgroup *self)
{
  zu_close_fds ((int *) self->fds->data, self->fds->len);
  g_array_unref (self->fds);
  g_ptr_array_unref (self->paths);
  g_free (self);
}
