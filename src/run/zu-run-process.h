/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include <zu/zu.h>

G_BEGIN_DECLS

/* One process in a sandbox, with pipes between it and three descriptors of the caller's. */
typedef struct _ZuRunProcess ZuRunProcess;

ZuRunProcess *zu_run_process_start (ZuSandboxBackend *backend, const char *sandbox_id,
                                    ZuProcessSpec *spec, const int fds[3], GMainContext *context,
                                    GError **error);
void zu_run_process_free (ZuRunProcess *self);

ZuExitStatus *zu_run_process_wait (ZuRunProcess *self, GCancellable *cancellable, GError **error);
gboolean zu_run_process_was_cancelled (ZuRunProcess *self);
void zu_run_process_drain (ZuRunProcess *self, GCancellable *cancellable);

guint64 zu_run_process_get_stdout_bytes (ZuRunProcess *self);
guint64 zu_run_process_get_stderr_bytes (ZuRunProcess *self);
gboolean zu_run_process_is_truncated (ZuRunProcess *self);
int zu_run_process_get_output_errno (ZuRunProcess *self);

G_DEFINE_AUTOPTR_CLEANUP_FUNC (ZuRunProcess, zu_run_process_free)

G_END_DECLS
