/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include <gio/gio.h>

G_BEGIN_DECLS

/* A worker as its launcher sees it: the process, and the ends of its two sockets. */
typedef struct _ZuWorkerProcess ZuWorkerProcess;

/* Called once the process of a worker that served has ended, in a thread of its own, with what
 * waitid() tells of it. */
typedef void (*ZuWorkerEnded) (ZuWorkerProcess *process, int code, int status, gpointer data);

/* What is to be started. The descriptors stay the caller's; -1 where there is none. */
typedef struct
{
  const char *program;
  const char *plugin;
  const char *user;
  const char *options;
  gboolean network;
  gboolean isolate;
  int secret_fd;
  guint timeout_ms;
  ZuWorkerEnded on_ended;
  gpointer data;
  GDestroyNotify free_data;
} ZuWorkerStart;

ZuWorkerProcess *zu_worker_process_start (const ZuWorkerStart *start, GCancellable *cancellable,
                                          GError **error);
ZuWorkerProcess *zu_worker_process_ref (ZuWorkerProcess *self);
void zu_worker_process_unref (ZuWorkerProcess *self);

int zu_worker_process_steal_fd (ZuWorkerProcess *self);
GPid zu_worker_process_get_pid (ZuWorkerProcess *self);
const char *zu_worker_process_get_measurement (ZuWorkerProcess *self);
const char *zu_worker_process_get_module_measurement (ZuWorkerProcess *self);
void zu_worker_process_watch (ZuWorkerProcess *self);
void zu_worker_process_stop (ZuWorkerProcess *self);

G_DEFINE_AUTOPTR_CLEANUP_FUNC (ZuWorkerProcess, zu_worker_process_unref)

G_END_DECLS
