/* SPDX-License-Identifier: Apache-2.0 */
#include "zu-guest.h"
#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/signalfd.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

/* One exec's whole life: every descendant that loses its parent becomes this process's child. */
struct supervisor
{
  int commands;
  int children;
  pid_t main;
  int ended;
  int status;
  int timed_out;
  uint64_t term_at; /* microseconds of the monotonic clock; 0: never */
  uint64_t kill_at;
};

static uint64_t
now_us (void)
{
  struct timespec t;

  clock_gettime (CLOCK_MONOTONIC, &t);
  return (uint64_t) t.tv_sec * 1000000u + (uint64_t) t.tv_nsec / 1000u;
}

static int
open_children (void)
{
  sigset_t set;

  sigemptyset (&set);
  sigaddset (&set, SIGCHLD);
  return signalfd (-1, &set, SFD_CLOEXEC | SFD_NONBLOCK);
}

/* Whether any child is left. */
static int
reap (struct supervisor *self, int options)
{
  pid_t pid;
  int status;

  while ((pid = waitpid (-1, &status, options)) > 0)
    if (pid == self->main)
      {
        self->ended = 1;
        self->status = status;
      }
  return pid == 0 || (pid < 0 && errno == EINTR);
}

static int
milliseconds_left (const struct supervisor *self, uint64_t now)
{
  uint64_t at = self->term_at ? self->term_at : self->kill_at;

  if (!at)
    return -1;
  if (at <= now)
    return 0;
  return at - now > 3600u * 1000000u ? 3600 * 1000 : (int) ((at - now + 999) / 1000);
}

static void
check_deadline (struct supervisor *self, uint64_t grace_ms)
{
  uint64_t now = now_us ();

  if (self->term_at && now >= self->term_at)
    {
      self->timed_out = 1;
      self->term_at = 0;
      self->kill_at = now + grace_ms * 1000u;
      if (grace_ms)
        guest_tree_signal (SIGTERM, NULL, 0);
    }
  if (self->kill_at && now >= self->kill_at)
    {
      self->kill_at = 0;
      guest_tree_kill (NULL, 0);
    }
}

/* A command is one byte, the signal to send. */
static void
obey (struct supervisor *self)
{
  uint8_t number;

  if (read (self->commands, &number, 1) != 1 || number == SIGKILL)
    guest_tree_kill (NULL, 0);
  else
    guest_tree_signal (number, NULL, 0);
}

static void
watch (struct supervisor *self, uint64_t grace_ms)
{
  struct pollfd fds[2] = { { self->children, POLLIN, 0 }, { self->commands, POLLIN, 0 } };

  while (reap (self, WNOHANG) && !self->ended)
    {
      struct signalfd_siginfo info;

      if (poll (fds, 2, milliseconds_left (self, now_us ())) < 0)
        continue;
      if (fds[0].revents)
        while (read (self->children, &info, sizeof info) > 0)
          ;
      if (fds[1].revents)
        obey (self);
      check_deadline (self, grace_ms);
    }
}

static uint64_t
to_us (struct timeval t)
{
  return (uint64_t) t.tv_sec * 1000000u + (uint64_t) t.tv_usec;
}

static struct zu_wire_exited
report (const struct supervisor *self, uint64_t began)
{
  struct zu_wire_exited exited = { .exit_status = -1 };
  struct rusage usage;

  getrusage (RUSAGE_CHILDREN, &usage);
  if (WIFSIGNALED (self->status))
    exited.signal = (uint32_t) WTERMSIG (self->status);
  else
    exited.exit_status = WEXITSTATUS (self->status);
  exited.flags = self->timed_out ? ZU_WIRE_EXITED_TIMED_OUT : 0;
  exited.duration_us = now_us () - began;
  exited.cpu_us = to_us (usage.ru_utime) + to_us (usage.ru_stime);
  exited.peak_memory = (uint64_t) usage.ru_maxrss * 1024u;
  return exited;
}

/* The exec ends with its first process: whatever that has left running is killed before the host
 * hears of the end, so its descriptors are closed by then. */
static void
run (struct supervisor *self, int channel, uint32_t id, const struct guest_request *request,
     uint64_t began)
{
  struct zu_wire_exited exited;

  if (request->exec.deadline_ms)
    self->term_at = began + request->exec.deadline_ms * 1000u;
  watch (self, request->exec.grace_ms);
  while (reap (self, WNOHANG))
    {
      guest_tree_kill (NULL, 0);
      reap (self, 0);
    }
  exited = report (self, began);
  guest_send_exited (channel, id, &exited, 1);
}

void
guest_supervise (int channel, int commands, const struct guest_message *message,
                 const struct guest_base *base)
{
  struct supervisor self = { .commands = commands, .children = open_children () };
  struct zu_wire_started started = { EINVAL, ZU_WIRE_STAGE_REQUEST, 0 };
  struct guest_request request;
  uint64_t began = now_us ();

  prctl (PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0);
  if (guest_read_exec (message, base, &request))
    started = guest_start (base, &request);
  self.main = (pid_t) started.pid;
  for (unsigned i = 0; i < message->n_fds; i++)
    close (message->fds[i]);
  guest_send_started (channel, message->header.id, &started, 1);
  if (!started.error)
    run (&self, channel, message->header.id, &request, began);
  _exit (0);
}
