/* SPDX-License-Identifier: Apache-2.0 */

#include "zu-host-backend.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

static void zu_host_backend_iface_init (ZuSandboxBackendInterface *iface);

G_DEFINE_FINAL_TYPE_WITH_CODE (ZuHostBackend, zu_host_backend, G_TYPE_OBJECT,
                               G_IMPLEMENT_INTERFACE (ZU_TYPE_SANDBOX_BACKEND,
                                                      zu_host_backend_iface_init))

static ZuSandbox *
zu_host_backend_launch (ZuSandboxBackend *backend, ZuLaunchSpec *spec, ZuOwnership *owner,
                        GCancellable *cancellable, GError **error)
{
  ZuHostBackend *self = ZU_HOST_BACKEND (backend);
  g_autoptr (GPtrArray) limits = g_ptr_array_new_with_free_func (g_object_unref);

  if (self->fails_launch)
    {
      g_set_error_literal (error, ZU_SANDBOX_BACKEND_ERROR, ZU_SANDBOX_BACKEND_ERROR_UNAVAILABLE,
                           "nothing can be launched here");
      return NULL;
    }

  self->n_launched++;
  g_ptr_array_add (limits, g_object_new (ZU_TYPE_LIMIT, "name", "pids", "value", (gint64) 256,
                                         "enforced-by", "nobody", NULL));
  return g_object_new (ZU_TYPE_SANDBOX, "id", "host-1", "backend", "host", "image-id", "none",
                       "limits", limits, NULL);
}

static void
set_up_child (gpointer data)
{
  setpgid (0, 0);
}

static int
get_spawn_code (const GError *why)
{
  if (g_error_matches (why, G_SPAWN_ERROR, G_SPAWN_ERROR_NOENT))
    return ZU_SANDBOX_BACKEND_ERROR_COMMAND_NOT_FOUND;
  if (g_error_matches (why, G_SPAWN_ERROR, G_SPAWN_ERROR_ACCES))
    return ZU_SANDBOX_BACKEND_ERROR_COMMAND_NOT_EXECUTABLE;
  return ZU_SANDBOX_BACKEND_ERROR_START_FAILED;
}

static gboolean
on_deadline (gpointer data)
{
  ZuHostBackend *self = data;

  self->was_timed_out = TRUE;
  kill (-self->pid, SIGKILL);
  return G_SOURCE_REMOVE;
}

static gpointer
run_deadline (gpointer data)
{
  ZuHostBackend *self = data;

  g_usleep (200 * 1000);
  on_deadline (self);
  return NULL;
}

/* -1 in the port is /dev/null, in GLib it is the parent's own. */
static int
dup_or_null (int fd)
{
  return fd >= 0 ? fcntl (fd, F_DUPFD_CLOEXEC, 3) : open ("/dev/null", O_RDWR | O_CLOEXEC);
}

static gboolean
spawn (ZuHostBackend *self, ZuProcessSpec *process, const int fds[3], GError **error)
{
  GSpawnFlags flags = G_SPAWN_SEARCH_PATH | G_SPAWN_DO_NOT_REAP_CHILD;

  return g_spawn_async_with_pipes_and_fds (NULL, zu_process_spec_get_argv (process), NULL, flags,
                                           set_up_child, NULL, fds[0], fds[1], fds[2], NULL, NULL,
                                           0, &self->pid, NULL, NULL, NULL, error);
}

static char *
zu_host_backend_spawn (ZuSandboxBackend *backend, const char *id, ZuProcessSpec *process,
                       int stdin_fd, int stdout_fd, int stderr_fd, GCancellable *cancellable,
                       GError **error)
{
  ZuHostBackend *self = ZU_HOST_BACKEND (backend);
  const int fds[] = { dup_or_null (stdin_fd), dup_or_null (stdout_fd), dup_or_null (stderr_fd) };
  g_autoptr (GError) why = NULL;
  gboolean is_spawned = spawn (self, process, fds, &why);

  for (int i = 0; i < 3; i++)
    close (fds[i]);
  if (!is_spawned)
    {
      g_set_error_literal (error, ZU_SANDBOX_BACKEND_ERROR, get_spawn_code (why), why->message);
      return NULL;
    }
  if (zu_process_spec_get_timeout_ms (process) > 0)
    g_thread_unref (g_thread_new ("deadline", run_deadline, self));
  return g_strdup ("1");
}

static ZuExitStatus *
zu_host_backend_wait (ZuSandboxBackend *backend, const char *id, const char *process_id,
                      GCancellable *cancellable, GError **error)
{
  ZuHostBackend *self = ZU_HOST_BACKEND (backend);
  int status;

  while (waitpid (self->pid, &status, 0) < 0)
    g_assert_cmpint (errno, ==, EINTR);
  return g_object_new (ZU_TYPE_EXIT_STATUS, "exit-status",
                       WIFEXITED (status) ? WEXITSTATUS (status) : -1, "signal",
                       WIFSIGNALED (status) ? WTERMSIG (status) : 0, "timed-out",
                       self->was_timed_out, NULL);
}

static gboolean
zu_host_backend_kill (ZuSandboxBackend *backend, const char *id, const char *process_id, int number,
                      GCancellable *cancellable, GError **error)
{
  kill (-ZU_HOST_BACKEND (backend)->pid, number);
  return TRUE;
}

static gboolean
zu_host_backend_destroy (ZuSandboxBackend *backend, const char *id, GCancellable *cancellable,
                         GError **error)
{
  ZuHostBackend *self = ZU_HOST_BACKEND (backend);

  self->n_destroyed++;
  if (self->pid > 0)
    kill (-self->pid, SIGKILL);
  if (!self->fails_destroy)
    return TRUE;
  g_set_error_literal (error, ZU_SANDBOX_BACKEND_ERROR, ZU_SANDBOX_BACKEND_ERROR_NOT_FOUND,
                       "it is stuck");
  return FALSE;
}

static void
zu_host_backend_iface_init (ZuSandboxBackendInterface *iface)
{
  iface->launch = zu_host_backend_launch;
  iface->spawn = zu_host_backend_spawn;
  iface->wait = zu_host_backend_wait;
  iface->kill = zu_host_backend_kill;
  iface->destroy = zu_host_backend_destroy;
}

static void
zu_host_backend_class_init (ZuHostBackendClass *klass)
{
}

static void
zu_host_backend_init (ZuHostBackend *self)
{
}

ZuHostBackend *
zu_host_backend_new (void)
{
  return g_object_new (ZU_TYPE_HOST_BACKEND, NULL);
}
