/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include <zu/zu.h>

G_BEGIN_DECLS

/* A file in the making, which gets its name only when it is whole and on the disk, and never takes
 * that of another. Freed before that, it leaves nothing. */
typedef struct _ZuNewFile ZuNewFile;

ZuNewFile *zu_new_file_create (const char *path, guint mode, GError **error);
void zu_new_file_free (ZuNewFile *self);

int zu_new_file_get_fd (ZuNewFile *self);
const char *zu_new_file_get_working_path (ZuNewFile *self);
gboolean zu_new_file_publish (ZuNewFile *self, GError **error);

G_DEFINE_AUTOPTR_CLEANUP_FUNC (ZuNewFile, zu_new_file_free)

G_END_DECLS
