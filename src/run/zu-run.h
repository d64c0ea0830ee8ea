/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include <zu/zu.h>

G_BEGIN_DECLS

#define ZU_TYPE_RUN (zu_run_get_type ())
G_DECLARE_FINAL_TYPE (ZuRun, zu_run, ZU, RUN, GObject)

/* The exit statuses of a run that are not its command's own. */
#define ZU_RUN_EXIT_TIMED_OUT      124
#define ZU_RUN_EXIT_SET_UP         125
#define ZU_RUN_EXIT_NOT_EXECUTABLE 126
#define ZU_RUN_EXIT_NOT_FOUND      127
#define ZU_RUN_EXIT_SIGNAL         128

ZuRun *zu_run_new (ZuSandboxBackend *backend, const char *backend_name, ZuEventBus *bus,
                   const char *source);

const char *zu_run_get_trace_id (ZuRun *self);
GPtrArray *zu_run_get_needed (ZuRun *self);
int zu_run_execute (ZuRun *self, ZuLaunchSpec *spec, ZuProcessSpec *process, const int *fds,
                    GCancellable *cancellable, GError **error);

G_END_DECLS
