/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "zu-state.h"

G_BEGIN_DECLS

ZuJson *zu_label_new (ZuSandbox *sandbox, ZuOwnership *owner, const char *const *cgroups,
                      GError **error);
ZuSandbox *zu_label_read_sandbox (ZuState *state, GError **error);
char *zu_label_dup_text (ZuJson *label, const char *name);

gboolean zu_ownership_check (ZuOwnership *owner, GError **error);
gboolean zu_ownership_wants_event (ZuOwnership *owner);
gboolean zu_ownership_open_process (ZuOwnership *owner, int *fd, GError **error);

G_END_DECLS
