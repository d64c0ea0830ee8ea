/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include <zu/zu.h>

G_BEGIN_DECLS

typedef struct
{
  char *source; /* its real path */
  char *destination;
  gboolean writable;
  gboolean is_folder;
  int fd; /* the source, held open from the moment it was judged */
} ZuMount;

void zu_mount_free (ZuMount *self);
G_DEFINE_AUTOPTR_CLEANUP_FUNC (ZuMount, zu_mount_free)

gboolean zu_mount_check_source (const char *real_path, const char *state_root, GError **error);
gboolean zu_mount_check_destination (const char *destination, GError **error);
gboolean zu_mount_check_workdir (const char *workdir, GError **error);
gboolean zu_mount_check_order (GPtrArray *mounts, GError **error);
gboolean zu_path_is_beneath (const char *path, const char *folder);

GPtrArray *zu_mounts_new_from_volumes (ZuJson *volumes, const char *state_root, GError **error);

G_END_DECLS
