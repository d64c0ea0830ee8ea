/* SPDX-License-Identifier: Apache-2.0 */

#include "zu-worker-process.h"

#include "zu-worker-control.h"

#include <zu/zu.h>

#include <errno.h>
#include <fcntl.h>
#include <glib/gstdio.h>
#include <poll.h>
#include <spawn.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#define MAX_MESSAGE 4096
#define STOP_TIME   (2 * G_TIME_SPAN_SECOND)

struct _ZuWorkerProcess
{
  gatomicrefcount ref_count;
  pid_t pid;
  int fd;
  int control_fd;
  char *measurement;
  char *module_measurement;
  ZuWorkerEnded on_ended;
  gpointer data;
  GDestroyNotify free_data;

  GMutex lock;
  GCond changed;
  gboolean ended;
  gboolean watched;
  gboolean abandoned; /* it never served */
};

/* What a worker may see of our environment. Nothing that could hold a secret, or load code. */
static const char *const passed_variables[] = {
  "LANG", "LC_ALL", "LC_CTYPE", "LC_MESSAGES", "TZ", "ZU_MODULE_DIR", "G_MESSAGES_DEBUG"
};

static void
clear_fd (int *fd)
{
  if (*fd >= 0)
    close (*fd);
  *fd = -1;
}

ZuWorkerProcess *
zu_worker_process_ref (ZuWorkerProcess *self)
{
  g_atomic_ref_count_inc (&self->ref_count);
  return self;
}

void
zu_worker_process_unref (ZuWorkerProcess *self)
{
  if (!g_atomic_ref_count_dec (&self->ref_count))
    return;
  clear_fd (&self->fd);
  clear_fd (&self->control_fd);
  g_free (self->measurement);
  g_free (self->module_measurement);
  g_mutex_clear (&self->lock);
  g_cond_clear (&self->changed);
  g_free (self);
}

static gboolean
start_failed (GError **error, const char *what, int number)
{
  g_set_error (error, ZU_PLUGIN_LAUNCHER_ERROR, ZU_PLUGIN_LAUNCHER_ERROR_START_FAILED, "%s: %s",
               what, g_strerror (number));
  return FALSE;
}

static GStrv
make_environment (void)
{
  GStrv environment = g_environ_setenv (NULL, "PATH", "/usr/bin:/bin", TRUE);

  for (gsize i = 0; i < G_N_ELEMENTS (passed_variables); i++)
    {
      const char *value = g_getenv (passed_variables[i]);

      if (value != NULL)
        environment = g_environ_setenv (environment, passed_variables[i], value, TRUE);
    }
  return environment;
}

static int
open_program (ZuWorkerProcess *self, const char *path, GError **error)
{
  g_autoptr (GError) why = NULL;
  int fd = g_open (path, O_RDONLY | O_CLOEXEC | O_NOCTTY, 0);
  int number = errno;

  if (fd < 0)
    why = g_error_new_literal (G_IO_ERROR, G_IO_ERROR_FAILED, g_strerror (number));
  else
    self->measurement = zu_measure_fd (fd, &why);
  if (self->measurement != NULL)
    return fd;
  clear_fd (&fd);
  g_set_error (error, ZU_PLUGIN_LAUNCHER_ERROR, ZU_PLUGIN_LAUNCHER_ERROR_START_FAILED,
               "cannot read the program '%s': %s", path, why->message);
  return -1;
}

static void
add_fd (GPtrArray *arguments, posix_spawn_file_actions_t *actions, const char *name, int fd)
{
  if (fd < 0)
    return;
  g_ptr_array_add (arguments, g_strdup_printf ("--%s=%d", name, fd));
  /* The same number: that clears close-on-exec in the child, and there only. */
  posix_spawn_file_actions_adddup2 (actions, fd, fd);
}

static int
options_to_fd (const char *options)
{
  int fd = memfd_create ("zu-options", MFD_CLOEXEC);
  gsize size = strlen (options);

  if (fd >= 0 && write (fd, options, size) == (gssize) size && lseek (fd, 0, SEEK_SET) == 0)
    return fd;
  clear_fd (&fd);
  return -1;
}

/* PROGRAM is the descriptor that was measured: that file is what runs, whatever has its name now.
 */
static int
spawn (ZuWorkerProcess *self, const ZuWorkerStart *start, int program, int rpc_fd, int control_fd,
       int options_fd)
{
  g_autoptr (GPtrArray) arguments = g_ptr_array_new_with_free_func (g_free);
  g_auto (GStrv) environment = make_environment ();
  g_autofree char *path = g_strdup_printf ("/proc/self/fd/%d", program);
  posix_spawn_file_actions_t actions;
  posix_spawnattr_t attributes;
  sigset_t none;
  int result;

  posix_spawn_file_actions_init (&actions);
  posix_spawn_file_actions_addopen (&actions, STDIN_FILENO, "/dev/null", O_RDONLY, 0);
  posix_spawn_file_actions_addopen (&actions, STDOUT_FILENO, "/dev/null", O_WRONLY, 0);
  g_ptr_array_add (arguments, g_strdup ("zu-worker"));
  g_ptr_array_add (arguments, g_strdup_printf ("--plugin=%s", start->plugin));
  add_fd (arguments, &actions, "fd", rpc_fd);
  add_fd (arguments, &actions, "control-fd", control_fd);
  add_fd (arguments, &actions, "options-fd", options_fd);
  add_fd (arguments, &actions, "secret-fd", start->secret_fd);
  if (start->user != NULL)
    g_ptr_array_add (arguments, g_strdup_printf ("--user=%s", start->user));
  if (start->network)
    g_ptr_array_add (arguments, g_strdup ("--network"));
  if (start->isolate)
    g_ptr_array_add (arguments, g_strdup ("--isolate"));
  g_ptr_array_add (arguments, NULL);

  sigemptyset (&none);
  posix_spawnattr_init (&attributes);
  posix_spawnattr_setsigmask (&attributes, &none);
  posix_spawnattr_setpgroup (&attributes, 0);
  posix_spawnattr_setflags (&attributes, POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETPGROUP);
  result = posix_spawn (&self->pid, path, &actions, &attributes, (char **) arguments->pdata,
                        environment);
  posix_spawnattr_destroy (&attributes);
  posix_spawn_file_actions_destroy (&actions);
  return result;
}

/* The number stays the worker's own until it is waited for, so that happens under the lock: who
 * holds that and sees that it has not ended may send it a signal. */
static gpointer
await_end (gpointer data)
{
  g_autoptr (ZuWorkerProcess) self = data;
  siginfo_t info;

  while (waitid (P_PID, (id_t) self->pid, &info, WEXITED | WNOWAIT) < 0 && errno == EINTR)
    ;
  g_mutex_lock (&self->lock);
  waitpid (self->pid, NULL, WNOHANG);
  self->ended = TRUE;
  g_cond_broadcast (&self->changed);
  while (!self->watched && !self->abandoned)
    g_cond_wait (&self->changed, &self->lock);
  g_mutex_unlock (&self->lock);
  if (self->watched)
    self->on_ended (self, info.si_code, info.si_status, self->data);
  self->free_data (self->data);
  return NULL;
}

static gboolean
start_process (ZuWorkerProcess *self, const ZuWorkerStart *start, GError **error)
{
  int rpc[2] = { -1, -1 };
  int control[2] = { -1, -1 };
  int options = -1;
  int program = open_program (self, start->program, error);
  int result = 0;

  if (program < 0)
    return FALSE;
  if (start->options != NULL && (options = options_to_fd (start->options)) < 0)
    result = errno;
  else if (socketpair (AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, rpc) != 0
           || socketpair (AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, control) != 0)
    result = errno;
  else
    result = spawn (self, start, program, rpc[1], control[1], options);

  self->fd = g_steal_fd (&rpc[0]);
  self->control_fd = g_steal_fd (&control[0]);
  clear_fd (&rpc[1]);
  clear_fd (&control[1]);
  clear_fd (&options);
  clear_fd (&program);
  if (result != 0)
    return start_failed (error, "cannot start the worker", result);
  g_thread_unref (g_thread_new ("zu-worker-end", await_end, zu_worker_process_ref (self)));
  return TRUE;
}

/* "ready" and, where there is one, a blank and the measurement of the module. */
static gboolean
is_ready (const char *message)
{
  return g_str_has_prefix (message, ZU_WORKER_READY) && g_str_has_suffix (message, "\n");
}

static char *
dup_module_measurement (const char *message)
{
  g_autofree char *rest = g_strstrip (g_strdup (message + strlen (ZU_WORKER_READY)));

  return *rest != '\0' ? g_steal_pointer (&rest) : NULL;
}

/* Waits for what the worker says, until it says no more. FALSE where the time is up. */
static gboolean
read_message (ZuWorkerProcess *self, char *message, gint64 deadline, GCancellable *cancellable,
              GError **error)
{
  struct pollfd fds[2] = { { .fd = self->control_fd, .events = POLLIN },
                           { .fd = g_cancellable_get_fd (cancellable), .events = POLLIN } };
  gsize size = 0;
  gssize n = 1;

  while (n > 0 && size < MAX_MESSAGE - 1)
    {
      gint64 left = deadline - g_get_monotonic_time ();

      if (g_cancellable_is_cancelled (cancellable) || left <= 0
          || poll (fds, 2, (int) (left / 1000) + 1) == 0)
        break;
      if (fds[0].revents == 0)
        continue;
      n = recv (self->control_fd, message + size, MAX_MESSAGE - 1 - size, 0);
      size += (gsize) MAX (n, 0);
      message[size] = '\0';
      if (is_ready (message))
        break;
    }
  if (fds[1].fd >= 0)
    g_cancellable_release_fd (cancellable);
  if (g_cancellable_set_error_if_cancelled (cancellable, error))
    return FALSE;
  if (is_ready (message) || n <= 0)
    return TRUE;
  g_set_error_literal (error, ZU_PLUGIN_LAUNCHER_ERROR, ZU_PLUGIN_LAUNCHER_ERROR_START_FAILED,
                       "the worker did not come up in time");
  return FALSE;
}

static gboolean
await_ready (ZuWorkerProcess *self, guint timeout_ms, GCancellable *cancellable, GError **error)
{
  char message[MAX_MESSAGE] = "";
  gint64 deadline = g_get_monotonic_time () + timeout_ms * G_TIME_SPAN_MILLISECOND;

  if (!read_message (self, message, deadline, cancellable, error))
    return FALSE;
  if (is_ready (message))
    {
      self->module_measurement = dup_module_measurement (message);
      return TRUE;
    }
  if (*message == '\0')
    g_strlcpy (message, "start-failed: the worker ended without a word", sizeof message);
  g_propagate_error (error, zu_port_error_from_text (zu_plugin_launcher_get_port_info (), message));
  return FALSE;
}

/* Under the lock. */
static void
kill_worker (ZuWorkerProcess *self)
{
  if (!self->ended)
    kill (self->pid, SIGKILL);
  while (!self->ended)
    g_cond_wait (&self->changed, &self->lock);
}

ZuWorkerProcess *
zu_worker_process_start (const ZuWorkerStart *start, GCancellable *cancellable, GError **error)
{
  g_autoptr (ZuWorkerProcess) self = g_new0 (ZuWorkerProcess, 1);

  g_atomic_ref_count_init (&self->ref_count);
  self->fd = self->control_fd = -1;
  g_mutex_init (&self->lock);
  g_cond_init (&self->changed);
  self->on_ended = start->on_ended;
  self->data = start->data;
  self->free_data = start->free_data;

  if (!start_process (self, start, error))
    {
      start->free_data (start->data);
      return NULL;
    }
  if (!await_ready (self, start->timeout_ms, cancellable, error))
    {
      g_mutex_lock (&self->lock);
      kill_worker (self);
      self->abandoned = TRUE;
      g_cond_broadcast (&self->changed);
      g_mutex_unlock (&self->lock);
      return NULL;
    }
  return g_steal_pointer (&self);
}

int
zu_worker_process_steal_fd (ZuWorkerProcess *self)
{
  return g_steal_fd (&self->fd);
}

GPid
zu_worker_process_get_pid (ZuWorkerProcess *self)
{
  return self->pid;
}

const char *
zu_worker_process_get_measurement (ZuWorkerProcess *self)
{
  return self->measurement;
}

const char *
zu_worker_process_get_module_measurement (ZuWorkerProcess *self)
{
  return self->module_measurement;
}

/* From now on its end is told, also where it has come already. */
void
zu_worker_process_watch (ZuWorkerProcess *self)
{
  g_mutex_lock (&self->lock);
  self->watched = TRUE;
  g_cond_broadcast (&self->changed);
  g_mutex_unlock (&self->lock);
}

/* Lets go of the worker, which ends then; kills it where it does not. Waits until it is gone. */
void
zu_worker_process_stop (ZuWorkerProcess *self)
{
  gint64 deadline = g_get_monotonic_time () + STOP_TIME;

  g_mutex_lock (&self->lock);
  shutdown (self->control_fd, SHUT_RDWR);
  while (!self->ended && g_cond_wait_until (&self->changed, &self->lock, deadline))
    ;
  kill_worker (self);
  g_mutex_unlock (&self->lock);
}
