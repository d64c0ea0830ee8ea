/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include <zu/zu.h>

G_BEGIN_DECLS

typedef struct
{
  char *id;
  char *path;
  int fd;    /* the folder */
  int label; /* its label, locked by whoever keeps the sandbox alive */
} ZuState;

char *zu_state_dup_root (GError **error);
gboolean zu_state_is_id (const char *id);

ZuState *zu_state_create (const char *root, GError **error);
gboolean zu_state_write_label (ZuState *self, ZuJson *label, GError **error);
ZuState *zu_state_open (const char *root, const char *id, GError **error);
ZuJson *zu_state_read_label (ZuState *self, GError **error);
gboolean zu_state_is_live (ZuState *self);
void zu_state_remove (ZuState *self);
GPtrArray *zu_state_list (const char *root, GError **error);
void zu_state_free (ZuState *self);

G_DEFINE_AUTOPTR_CLEANUP_FUNC (ZuState, zu_state_free)

G_END_DECLS
