/* SPDX-License-Identifier: Apache-2.0 */

#include "zu-run-egress-proxy.h"

#include <errno.h>
#include <fcntl.h>
#include <glib/gstdio.h>
#include <poll.h>
#include <signal.h>
#include <spawn.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#define START_MS 10000
#define END_MS   5000
#define WORD_MAX 512

struct _ZuRunEgressProxy
{
  pid_t pid; /* 0 once it was waited for */
  int fd;
};

/* Where it is installed or, for a build tree, in the folders of $ZU_LIBEXEC_PATH; a program with
 * more privilege than its caller ignores that. */
static char *
find_program (void)
{
  const char *path = secure_getenv ("ZU_LIBEXEC_PATH");
  g_auto (GStrv) folders = g_strsplit (path != NULL ? path : "", ":", -1);

  for (gsize i = 0; folders[i] != NULL; i++)
    {
      g_autofree char *file = g_build_filename (folders[i], "zu-egress-proxy", NULL);

      if (g_path_is_absolute (file) && g_access (file, X_OK) == 0)
        return g_steal_pointer (&file);
    }
  return g_strdup (ZU_EGRESS_PROXY_PROGRAM);
}

static void
add_fd (GPtrArray *arguments, posix_spawn_file_actions_t *actions, const char *name, int fd)
{
  g_ptr_array_add (arguments, g_strdup_printf ("--%s=%d", name, fd));
  /* The same number: that clears close-on-exec in the child, and there only. */
  posix_spawn_file_actions_adddup2 (actions, fd, fd);
}

static void
add_policy (GPtrArray *arguments, const ZuRunEgressPolicy *policy)
{
  for (guint i = 0; policy->allow != NULL && policy->allow[i] != NULL; i++)
    g_ptr_array_add (arguments, g_strconcat ("--allow=", policy->allow[i], NULL));
  if (policy->is_any)
    g_ptr_array_add (arguments, g_strdup ("--allow-any"));
  if (policy->is_observing)
    g_ptr_array_add (arguments, g_strdup ("--observe"));
  if (policy->sni != NULL)
    g_ptr_array_add (arguments, g_strconcat ("--sni=", policy->sni, NULL));
}

/* In a process group of its own, so that what a terminal sends to a run does not end the proxy
 * before the run; with nothing of our environment. */
static int
spawn (ZuRunEgressProxy *self, const ZuRunEgressPolicy *policy, int listener, int control)
{
  g_autoptr (GPtrArray) arguments = g_ptr_array_new_with_free_func (g_free);
  g_autofree char *program = find_program ();
  char *environment[] = { (char *) "PATH=/usr/bin:/bin", NULL };
  posix_spawn_file_actions_t actions;
  posix_spawnattr_t attributes;
  sigset_t none;
  int result;

  posix_spawn_file_actions_init (&actions);
  posix_spawn_file_actions_addopen (&actions, STDIN_FILENO, "/dev/null", O_RDONLY, 0);
  posix_spawn_file_actions_addopen (&actions, STDOUT_FILENO, "/dev/null", O_WRONLY, 0);
  posix_spawn_file_actions_addopen (&actions, STDERR_FILENO, "/dev/null", O_WRONLY, 0);
  g_ptr_array_add (arguments, g_strdup ("zu-egress-proxy"));
  add_fd (arguments, &actions, "listen-fd", listener);
  add_fd (arguments, &actions, "control-fd", control);
  add_policy (arguments, policy);
  g_ptr_array_add (arguments, NULL);

  sigemptyset (&none);
  posix_spawnattr_init (&attributes);
  posix_spawnattr_setsigmask (&attributes, &none);
  posix_spawnattr_setpgroup (&attributes, 0);
  posix_spawnattr_setflags (&attributes, POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETPGROUP);
  result = posix_spawn (&self->pid, program, &actions, &attributes, (char **) arguments->pdata,
                        environment);
  posix_spawnattr_destroy (&attributes);
  posix_spawn_file_actions_destroy (&actions);
  if (result != 0)
    self->pid = 0;
  return result;
}

static gboolean
wait_for (ZuRunEgressProxy *self, int ms, GCancellable *cancellable)
{
  struct pollfd fds[2] = { { .fd = self->fd, .events = POLLIN },
                           { .fd = g_cancellable_get_fd (cancellable), .events = POLLIN } };
  gint64 until = g_get_monotonic_time () + ms * G_TIME_SPAN_MILLISECOND;
  int n;

  do
    n = poll (fds, 2, (int) MAX (0, (until - g_get_monotonic_time ()) / 1000));
  while (n < 0 && errno == EINTR);
  if (fds[1].fd >= 0)
    g_cancellable_release_fd (cancellable);
  return n > 0 && fds[0].revents != 0;
}

/* Its first word is that it is ready, or why not. */
static gboolean
await_ready (ZuRunEgressProxy *self, GCancellable *cancellable, GError **error)
{
  char word[WORD_MAX + 1] = "";
  gssize n = 0;

  if (wait_for (self, START_MS, cancellable))
    n = recv (self->fd, word, WORD_MAX, MSG_DONTWAIT);
  word[MAX (n, 0)] = '\0';
  if (strcmp (word, "ready") == 0)
    return TRUE;
  if (g_cancellable_set_error_if_cancelled (cancellable, error))
    return FALSE;
  g_set_error (error, G_IO_ERROR, G_IO_ERROR_FAILED, "the egress proxy does not start: %s",
               n > 0 ? word : "it ended without a word");
  return FALSE;
}

/* LISTENER stays the caller's. Returns once the proxy accepts connections. */
ZuRunEgressProxy *
zu_run_egress_proxy_start (const ZuRunEgressPolicy *policy, int listener, GCancellable *cancellable,
                           GError **error)
{
  ZuRunEgressProxy *self = g_new0 (ZuRunEgressProxy, 1);
  int ends[2] = { -1, -1 };
  int number = 0;

  self->fd = -1;
  if (socketpair (AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, ends) != 0)
    number = errno;
  else
    number = spawn (self, policy, listener, ends[1]);
  self->fd = ends[0];
  if (ends[1] >= 0)
    close (ends[1]);
  if (number != 0)
    g_set_error (error, G_IO_ERROR, g_io_error_from_errno (number),
                 "cannot start the egress proxy: %s", g_strerror (number));
  if (number == 0 && await_ready (self, cancellable, error))
    return self;
  zu_run_egress_proxy_free (self);
  return NULL;
}

static int
reap (ZuRunEgressProxy *self)
{
  int status = 0;

  while (waitpid (self->pid, &status, 0) < 0 && errno == EINTR)
    ;
  self->pid = 0;
  return status;
}

/* Whatever it does, it is gone then. */
void
zu_run_egress_proxy_free (ZuRunEgressProxy *self)
{
  if (self->pid != 0)
    {
      kill (self->pid, SIGKILL);
      reap (self);
    }
  if (self->fd >= 0)
    close (self->fd);
  g_free (self);
}

int
zu_run_egress_proxy_get_fd (ZuRunEgressProxy *self)
{
  return self->fd;
}

/* The next packet, without waiting: its size, -1 where there is none yet, 0 at the end. */
gssize
zu_run_egress_proxy_receive (ZuRunEgressProxy *self, char *text, gsize size)
{
  gssize n;

  do
    n = recv (self->fd, text, size, MSG_DONTWAIT);
  while (n < 0 && errno == EINTR);
  return n >= 0 ? n : (errno == EAGAIN ? -1 : 0);
}

/* All up to ID are committed. A proxy that does not read this has ended. */
void
zu_run_egress_proxy_commit (ZuRunEgressProxy *self, guint64 id)
{
  const guint64 packet = GUINT64_TO_LE (id);

  (void) send (self->fd, &packet, sizeof packet, MSG_DONTWAIT | MSG_NOSIGNAL);
}

/* It tells what it has still to tell, and ends. */
void
zu_run_egress_proxy_end (ZuRunEgressProxy *self)
{
  shutdown (self->fd, SHUT_WR);
}

/* Whether there is something to receive, or the end of it, within a while. */
gboolean
zu_run_egress_proxy_await (ZuRunEgressProxy *self)
{
  return wait_for (self, END_MS, NULL);
}

/* FALSE where it did not end as it should. */
gboolean
zu_run_egress_proxy_reap (ZuRunEgressProxy *self, GError **error)
{
  siginfo_t info = { 0 };
  int status;

  for (int i = 0; i < END_MS / 10; i++)
    {
      if (waitid (P_PID, (id_t) self->pid, &info, WEXITED | WNOWAIT | WNOHANG) != 0
          || info.si_pid != 0)
        break;
      g_usleep (10 * 1000);
    }
  if (info.si_pid == 0)
    kill (self->pid, SIGKILL);
  status = reap (self);
  if (WIFEXITED (status) && WEXITSTATUS (status) == 0)
    return TRUE;
  g_set_error (
      error, G_IO_ERROR, G_IO_ERROR_FAILED,
      "the egress proxy has failed, so what it let through may not all be recorded (%s %d)",
      WIFSIGNALED (status) ? "signal" : "exit status",
      WIFSIGNALED (status) ? WTERMSIG (status) : WEXITSTATUS (status));
  return FALSE;
}
