/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "zu-bwrap-argv.h"

G_BEGIN_DECLS

/* A root file system in a folder. */
typedef struct
{
  int fd;     /* of the folder; only a path */
  char *path; /* the real one */
  ZuBwrapView *view;
} ZuBwrapImage;

ZuBwrapImage *zu_bwrap_image_open (const char *path, const char *state_root, GError **error);
gboolean zu_bwrap_image_check (const ZuBwrapImage *self, const ZuLaunchPlan *plan,
                               const char *workdir, gboolean owns_workdir, GError **error);
gboolean zu_bwrap_image_has (const ZuBwrapImage *self, const char *path);
void zu_bwrap_image_free (ZuBwrapImage *self);
G_DEFINE_AUTOPTR_CLEANUP_FUNC (ZuBwrapImage, zu_bwrap_image_free)

G_END_DECLS
