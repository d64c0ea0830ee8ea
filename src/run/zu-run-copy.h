/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include <gio/gio.h>

G_BEGIN_DECLS

/* Moves bytes between a pipe to a sandbox and a descriptor of the caller's, inside one context. */
typedef struct _ZuRunCopy ZuRunCopy;

ZuRunCopy *zu_run_copy_new_input (int from, int pipe_fd, GMainContext *context);
ZuRunCopy *zu_run_copy_new_output (int pipe_fd, int to, GMainContext *context);
void zu_run_copy_free (ZuRunCopy *self);

void zu_run_copy_drain (ZuRunCopy *self);
void zu_run_copy_stop (ZuRunCopy *self);
gboolean zu_run_copy_is_done (ZuRunCopy *self);
gboolean zu_run_copy_is_cut (ZuRunCopy *self);
int zu_run_copy_get_errno (ZuRunCopy *self);
guint64 zu_run_copy_get_bytes (ZuRunCopy *self);

G_DEFINE_AUTOPTR_CLEANUP_FUNC (ZuRunCopy, zu_run_copy_free)

G_END_DECLS
