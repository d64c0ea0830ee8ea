/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "zu-worker-process.h"

#include <zu/zu.h>

G_BEGIN_DECLS

/* One worker of a launcher, through however many processes it takes. */
#define ZU_TYPE_HOSTED_WORKER (zu_hosted_worker_get_type ())
G_DECLARE_FINAL_TYPE (ZuHostedWorker, zu_hosted_worker, ZU, HOSTED_WORKER, GObject)

ZuHostedWorker *zu_hosted_worker_new (ZuWorkerSpec *spec, const char *program, int secret_fd,
                                      guint timeout_ms);
gboolean zu_hosted_worker_start (ZuHostedWorker *self, GCancellable *cancellable, GError **error);
ZuWorker *zu_hosted_worker_describe (ZuHostedWorker *self, const char *id);
ZuWorkerStatus *zu_hosted_worker_get_status (ZuHostedWorker *self);
gboolean zu_hosted_worker_has_ended (ZuHostedWorker *self);
void zu_hosted_worker_stop (ZuHostedWorker *self);

void zu_hosted_worker_register (GTypeModule *module);

G_END_DECLS
