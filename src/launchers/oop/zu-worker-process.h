/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include <gio/gio.h>

G_BEGIN_DECLS

/* A worker as its launcher sees it: the process, and the ends of its two sockets. */
typedef struct _ZuWorkerProcess ZuWorkerProcess;

/* What is to be started. The descriptors stay the caller's; -1 where there is none. */
typedef struct
{
  const char *program;
  const char *plugin;
  const char *user;
  const char *options;
  int secret_fd;
  guint timeout_ms;
} ZuWorkerStart;

ZuWorkerProcess *zu_worker_process_start (const ZuWorkerStart *start, GCancellable *cancellable,
                                          GError **error);
ZuWorkerProcess *zu_worker_process_ref (ZuWorkerProcess *self);
void zu_worker_process_unref (ZuWorkerProcess *self);

int zu_worker_process_steal_fd (ZuWorkerProcess *self);
GPid zu_worker_process_get_pid (ZuWorkerProcess *self);
const char *zu_worker_process_get_measurement (ZuWorkerProcess *self);
gboolean zu_worker_process_has_ended (ZuWorkerProcess *self);
void zu_worker_process_stop (ZuWorkerProcess *self);

G_DEFINE_AUTOPTR_CLEANUP_FUNC (ZuWorkerProcess, zu_worker_process_unref)

G_END_DECLS
