/* SPDX-License-Identifier: Apache-2.0 */

#include "zu-hosted-worker.h"

#include <signal.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#define RESTART_WINDOW G_TIME_SPAN_HOUR
#define FIRST_PAUSE    (100 * G_TIME_SPAN_MILLISECOND)
#define LONGEST_PAUSE  (30 * G_TIME_SPAN_SECOND)

/* A call finds the process that serves now. When that ends by itself, its calls in flight fail, and
 * where the spec allows it another one is started: after a pause that doubles with each attempt,
 * and only so often in an hour. */
struct _ZuHostedWorker
{
  GObject parent_instance;

  ZuWorkerStart start;
  ZuWorkerSpec *spec; /* holds the texts of start */
  char *program;
  char *plugin;
  char *options;

  GMutex lock;
  GCond changed;
  ZuWorkerProcess *process;
  ZuRpcClient *client; /* NULL while nothing serves */
  gint64 *attempts;    /* when it was started again, the oldest one to be overwritten */
  guint next_attempt;
  guint restarts;
  char *reason;
  gboolean stopping;
  gboolean ended;
};

static void zu_hosted_worker_remote_init (ZuRemoteInterface *iface);

G_DEFINE_DYNAMIC_TYPE_EXTENDED (ZuHostedWorker, zu_hosted_worker, G_TYPE_OBJECT, G_TYPE_FLAG_FINAL,
                                G_IMPLEMENT_INTERFACE_DYNAMIC (ZU_TYPE_REMOTE,
                                                               zu_hosted_worker_remote_init))

static ZuRpcClient *
dup_client (ZuHostedWorker *self, GError **error)
{
  ZuRpcClient *client = NULL;

  g_mutex_lock (&self->lock);
  if (self->client != NULL)
    client = g_object_ref (self->client);
  else
    g_set_error (error, G_IO_ERROR, G_IO_ERROR_CONNECTION_CLOSED, "the worker has ended%s%s%s",
                 self->reason != NULL ? ": " : "", self->reason != NULL ? self->reason : "",
                 self->ended ? "" : " (it is being started again)");
  g_mutex_unlock (&self->lock);
  return client;
}

static ZuJson *
zu_hosted_worker_call (ZuRemote *remote, const char *method, ZuJson *args,
                       GCancellable *cancellable, GError **error)
{
  g_autoptr (ZuRpcClient) client = dup_client (ZU_HOSTED_WORKER (remote), error);

  if (client == NULL)
    return NULL;
  return zu_remote_call (ZU_REMOTE (client), method, args, cancellable, error);
}

/* The result is the client's own, so that a call passes through no second task. */
static void
zu_hosted_worker_call_async (ZuRemote *remote, const char *method, ZuJson *args,
                             GCancellable *cancellable, GAsyncReadyCallback callback,
                             gpointer user_data)
{
  GError *error = NULL;
  g_autoptr (ZuRpcClient) client = dup_client (ZU_HOSTED_WORKER (remote), &error);

  if (client == NULL)
    g_task_report_error (remote, callback, user_data, zu_hosted_worker_call_async, error);
  else
    zu_remote_call_async (ZU_REMOTE (client), method, args, cancellable, callback, user_data);
}

static ZuJson *
zu_hosted_worker_call_finish (ZuRemote *remote, GAsyncResult *result, GError **error)
{
  g_autoptr (GObject) source = g_async_result_get_source_object (result);

  if (source == G_OBJECT (remote))
    return g_task_propagate_pointer (G_TASK (result), error);
  return zu_remote_call_finish (ZU_REMOTE (source), result, error);
}

static void
zu_hosted_worker_remote_init (ZuRemoteInterface *iface)
{
  iface->call = zu_hosted_worker_call;
  iface->call_async = zu_hosted_worker_call_async;
  iface->call_finish = zu_hosted_worker_call_finish;
}

static char *
describe_end (int code, int status)
{
  if (code == CLD_EXITED)
    return g_strdup_printf ("its process exited with status %d", status);
  return g_strdup_printf ("its process was ended by signal %d (%s)", status, g_strsignal (status));
}

/* The moment of the next start, or 0 where there were too many. Under the lock. */
static gint64
plan_restart (ZuHostedWorker *self)
{
  guint most = zu_worker_spec_get_max_restarts (self->spec);
  gint64 now = g_get_monotonic_time ();
  gint64 pause = FIRST_PAUSE;

  if (most == 0 || self->stopping)
    return 0;
  if (self->attempts[self->next_attempt] != 0
      && now - self->attempts[self->next_attempt] < RESTART_WINDOW)
    return 0;
  for (guint i = 0; i < most && pause < LONGEST_PAUSE; i++)
    if (self->attempts[i] != 0 && now - self->attempts[i] < RESTART_WINDOW)
      pause *= 2;
  self->attempts[self->next_attempt] = now;
  self->next_attempt = (self->next_attempt + 1) % most;
  return now + MIN (pause, LONGEST_PAUSE);
}

/* Under the lock. */
static gboolean
pause_until (ZuHostedWorker *self, gint64 moment)
{
  while (!self->stopping && g_cond_wait_until (&self->changed, &self->lock, moment))
    ;
  return !self->stopping;
}

static void on_process_ended (ZuWorkerProcess *process, int code, int status, gpointer data);

static ZuWorkerProcess *
start_process (ZuHostedWorker *self, GCancellable *cancellable, GError **error)
{
  ZuWorkerStart start = self->start;

  start.on_ended = on_process_ended;
  start.data = g_object_ref (self);
  start.free_data = g_object_unref;
  /* Whatever read it before has moved the position. */
  if (start.secret_fd >= 0)
    lseek (start.secret_fd, 0, SEEK_SET);
  return zu_worker_process_start (&start, cancellable, error);
}

/* Under the lock. */
static void
take_process (ZuHostedWorker *self, ZuWorkerProcess *process)
{
  g_clear_pointer (&self->process, zu_worker_process_unref);
  self->process = process;
  self->client = zu_rpc_client_new_for_fd (zu_worker_process_steal_fd (process));
  zu_worker_process_watch (process);
}

static void
note_reason (ZuHostedWorker *self, char *reason)
{
  g_free (self->reason);
  self->reason = reason;
}

/* Under the lock, which is let go of meanwhile. */
static void
start_again (ZuHostedWorker *self)
{
  gint64 moment;

  while ((moment = plan_restart (self)) != 0 && pause_until (self, moment))
    {
      g_autoptr (GError) error = NULL;
      ZuWorkerProcess *process;

      g_mutex_unlock (&self->lock);
      process = start_process (self, NULL, &error);
      g_mutex_lock (&self->lock);
      if (process != NULL)
        {
          take_process (self, process);
          self->restarts++;
          return;
        }
      note_reason (self, g_strdup (error->message));
    }
  self->ended = TRUE;
}

/* In the thread that waited for the process. One that never served has no say. */
static void
on_process_ended (ZuWorkerProcess *process, int code, int status, gpointer data)
{
  ZuHostedWorker *self = data;

  g_mutex_lock (&self->lock);
  if (process == self->process)
    {
      zu_rpc_client_close (self->client);
      g_clear_object (&self->client);
      note_reason (self, describe_end (code, status));
      start_again (self);
      g_cond_broadcast (&self->changed);
    }
  g_mutex_unlock (&self->lock);
}

gboolean
zu_hosted_worker_start (ZuHostedWorker *self, GCancellable *cancellable, GError **error)
{
  ZuWorkerProcess *process = start_process (self, cancellable, error);

  if (process == NULL)
    return FALSE;
  g_mutex_lock (&self->lock);
  take_process (self, process);
  g_mutex_unlock (&self->lock);
  return TRUE;
}

ZuWorker *
zu_hosted_worker_describe (ZuHostedWorker *self, const char *id)
{
  ZuWorker *worker;

  g_mutex_lock (&self->lock);
  worker = g_object_new (ZU_TYPE_WORKER, "id", id, "pid",
                         (gint64) zu_worker_process_get_pid (self->process), "measurement",
                         zu_worker_process_get_measurement (self->process), "module-measurement",
                         zu_worker_process_get_module_measurement (self->process), NULL);
  g_mutex_unlock (&self->lock);
  return worker;
}

ZuWorkerStatus *
zu_hosted_worker_get_status (ZuHostedWorker *self)
{
  ZuWorkerStatus *status;
  gboolean running;

  g_mutex_lock (&self->lock);
  running = self->client != NULL;
  status = g_object_new (ZU_TYPE_WORKER_STATUS, "running", running, "pid",
                         running ? (gint64) zu_worker_process_get_pid (self->process) : 0,
                         "restarts", self->restarts, "reason", self->reason, NULL);
  g_mutex_unlock (&self->lock);
  return status;
}

gboolean
zu_hosted_worker_has_ended (ZuHostedWorker *self)
{
  gboolean ended;

  g_mutex_lock (&self->lock);
  ended = self->ended;
  g_mutex_unlock (&self->lock);
  return ended;
}

/* Waits until its process is gone. */
void
zu_hosted_worker_stop (ZuHostedWorker *self)
{
  g_autoptr (ZuWorkerProcess) process = NULL;

  g_mutex_lock (&self->lock);
  self->stopping = TRUE;
  g_cond_broadcast (&self->changed);
  while (self->client == NULL && !self->ended && self->process != NULL)
    g_cond_wait (&self->changed, &self->lock);
  if (self->client != NULL)
    zu_rpc_client_close (self->client);
  if (self->process != NULL)
    process = zu_worker_process_ref (self->process);
  g_mutex_unlock (&self->lock);
  if (process != NULL)
    zu_worker_process_stop (process);
}

static void
zu_hosted_worker_finalize (GObject *object)
{
  ZuHostedWorker *self = ZU_HOSTED_WORKER (object);

  g_clear_object (&self->client);
  g_clear_pointer (&self->process, zu_worker_process_unref);
  if (self->start.secret_fd >= 0)
    close (self->start.secret_fd);
  g_object_unref (self->spec);
  g_free (self->program);
  g_free (self->plugin);
  g_free (self->options);
  g_free (self->attempts);
  g_free (self->reason);
  g_mutex_clear (&self->lock);
  g_cond_clear (&self->changed);
  G_OBJECT_CLASS (zu_hosted_worker_parent_class)->finalize (object);
}

static void
zu_hosted_worker_class_init (ZuHostedWorkerClass *klass)
{
  G_OBJECT_CLASS (klass)->finalize = zu_hosted_worker_finalize;
}

static void
zu_hosted_worker_class_finalize (ZuHostedWorkerClass *klass)
{
}

static void
zu_hosted_worker_init (ZuHostedWorker *self)
{
  g_mutex_init (&self->lock);
  g_cond_init (&self->changed);
}

/* SECRET_FD becomes the worker's; -1 for none. */
ZuHostedWorker *
zu_hosted_worker_new (ZuWorkerSpec *spec, const char *program, int secret_fd, guint timeout_ms)
{
  ZuHostedWorker *self = g_object_new (ZU_TYPE_HOSTED_WORKER, NULL);
  ZuJson *options = zu_worker_spec_get_options (spec);

  self->spec = g_object_ref (spec);
  self->program = g_strdup (program);
  self->plugin =
      g_strconcat (zu_worker_spec_get_kind (spec), "/", zu_worker_spec_get_name (spec), NULL);
  self->options = options != NULL ? zu_json_to_string (options) : NULL;
  self->attempts = g_new0 (gint64, MAX (zu_worker_spec_get_max_restarts (spec), 1));
  self->start = (ZuWorkerStart){ .program = self->program,
                                 .plugin = self->plugin,
                                 .user = zu_worker_spec_get_user (spec),
                                 .options = self->options,
                                 .network = zu_worker_spec_get_network (spec),
                                 .isolate = zu_worker_spec_get_isolate (spec),
                                 .secret_fd = secret_fd,
                                 .timeout_ms = timeout_ms };
  return self;
}

void
zu_hosted_worker_register (GTypeModule *module)
{
  zu_hosted_worker_register_type (module);
}
