/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include <glib.h>

G_BEGIN_DECLS

/* The control groups of one sandbox, as far as this process may make any. */
typedef struct
{
  GPtrArray *paths; /* of char *, ends in NULL: the folders to remove afterwards */
  GArray *fds;      /* of int: their cgroup.procs, in the same order */
  gboolean holds_memory;
  gboolean holds_pids;
} ZuCgroup;

ZuCgroup *zu_cgroup_create (const char *id, gint64 memory, gint64 pids);
void zu_cgroup_remove (ZuCgroup *self);
void zu_cgroup_remove_path (const char *path);
void zu_cgroup_free (ZuCgroup *self);

G_DEFINE_AUTOPTR_CLEANUP_FUNC (ZuCgroup, zu_cgroup_free)

G_END_DECLS
