/* SPDX-License-Identifier: Apache-2.0 */

/* A command on a terminal of its own: what is typed here goes there, and what is written there
 * comes here. Our own terminal itself never enters the sandbox. */

#include "zuctl-sandbox.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/ioctl.h>
#include <sys/signalfd.h>
#include <termios.h>
#include <unistd.h>

typedef struct
{
  ZuSandboxBackend *backend;
  const char *id;
  char *process_id;
  int master;
  int resized; /* a signalfd, -1 where our own input is no terminal */
  int ended;   /* a pipe that whoever waits closes */
  struct termios before;
  gboolean is_raw;
  ZuExitStatus *exit;
  GError *error;
  int end_of_wait;
} Session;

static void
close_fd (int *fd)
{
  if (*fd >= 0)
    close (*fd);
  *fd = -1;
}

static gboolean
fail (const char *what, GError **error)
{
  g_set_error (error, G_IO_ERROR, g_io_error_from_errno (errno), "%s: %s", what,
               g_strerror (errno));
  return FALSE;
}

static gboolean
open_terminal (Session *self, int *slave, GError **error)
{
  struct winsize size = { .ws_row = 24, .ws_col = 80 };

  self->master = posix_openpt (O_RDWR | O_NOCTTY | O_CLOEXEC);
  if (self->master < 0 || grantpt (self->master) != 0 || unlockpt (self->master) != 0)
    return fail ("cannot make a terminal", error);
  *slave = ioctl (self->master, TIOCGPTPEER, O_RDWR | O_NOCTTY | O_CLOEXEC);
  if (*slave < 0)
    return fail ("cannot make a terminal", error);
  ioctl (STDIN_FILENO, TIOCGWINSZ, &size);
  ioctl (self->master, TIOCSWINSZ, &size);
  return TRUE;
}

/* Every key is the command's, ^C too. */
static void
make_raw (Session *self)
{
  struct termios raw;
  sigset_t set;

  if (tcgetattr (STDIN_FILENO, &self->before) != 0)
    return;
  raw = self->before;
  cfmakeraw (&raw);
  self->is_raw = tcsetattr (STDIN_FILENO, TCSANOW, &raw) == 0;
  sigemptyset (&set);
  sigaddset (&set, SIGWINCH);
  pthread_sigmask (SIG_BLOCK, &set, NULL);
  self->resized = signalfd (-1, &set, SFD_CLOEXEC | SFD_NONBLOCK);
}

static void
pass_size (Session *self)
{
  struct signalfd_siginfo info;
  struct winsize size;

  while (read (self->resized, &info, sizeof info) > 0)
    ;
  if (ioctl (STDIN_FILENO, TIOCGWINSZ, &size) == 0)
    zu_sandbox_backend_resize (self->backend, self->id, self->process_id, size.ws_row, size.ws_col,
                               NULL, NULL);
}

static gboolean
copy (int from, int to)
{
  char buffer[16 * 1024];
  ssize_t n = read (from, buffer, sizeof buffer), done = 0, written;

  if (n < 0 && (errno == EINTR || errno == EAGAIN))
    return TRUE;
  while (done < n)
    {
      written = write (to, buffer + done, (size_t) (n - done));
      if (written < 0 && errno != EINTR)
        return FALSE;
      done += MAX (written, 0);
    }
  return n > 0;
}

/* The end of our input is what a terminal has for it. */
static void
pass_input (Session *self, struct pollfd *input)
{
  if (copy (STDIN_FILENO, self->master))
    return;
  input->fd = -1;
  if (write (self->master, "\x04", 1) < 0)
    return;
}

static void
exchange (Session *self)
{
  struct pollfd fds[] = { { STDIN_FILENO, POLLIN, 0 },
                          { self->master, POLLIN, 0 },
                          { self->resized, POLLIN, 0 },
                          { self->ended, 0, 0 } };

  for (;;)
    {
      if (poll (fds, G_N_ELEMENTS (fds), -1) < 0 && errno != EINTR)
        return;
      if (fds[1].revents != 0 && !copy (self->master, STDOUT_FILENO))
        return;
      if (fds[0].revents != 0)
        pass_input (self, &fds[0]);
      if (fds[2].revents != 0)
        pass_size (self);
      if (fds[3].revents != 0 && fds[1].revents == 0)
        return;
    }
}

static gpointer
wait_for_end (gpointer data)
{
  Session *self = data;

  self->exit =
      zu_sandbox_backend_wait (self->backend, self->id, self->process_id, NULL, &self->error);
  close_fd (&self->end_of_wait);
  return NULL;
}

static void
run (Session *self)
{
  GThread *waiter;

  make_raw (self); /* before there is a thread that the signal could go to instead */
  waiter = g_thread_new ("wait", wait_for_end, self);
  exchange (self);
  if (self->is_raw)
    tcsetattr (STDIN_FILENO, TCSANOW, &self->before);
  close_fd (&self->master); /* what still runs hears that nobody is there */
  g_thread_join (waiter);
}

/* How the command ended; the terminal is as it was before. */
ZuExitStatus *
zuctl_sandbox_exec_on_terminal (ZuSandboxBackend *backend, const char *id, ZuProcessSpec *process,
                                GError **error)
{
  Session self = { .backend = backend, .id = id, .master = -1, .resized = -1 };
  int slave = -1, ends[2] = { -1, -1 };

  if (open_terminal (&self, &slave, error)
      && (pipe2 (ends, O_CLOEXEC) == 0 || fail ("cannot make a pipe", error)))
    self.process_id =
        zu_sandbox_backend_spawn (backend, id, process, slave, slave, slave, NULL, error);
  close_fd (&slave);
  self.ended = ends[0];
  self.end_of_wait = ends[1];
  if (self.process_id != NULL)
    run (&self);
  if (self.error != NULL)
    g_propagate_error (error, self.error);
  close_fd (&self.master);
  close_fd (&self.resized);
  close_fd (&self.ended);
  close_fd (&self.end_of_wait);
  g_free (self.process_id);
  return self.exit;
}
