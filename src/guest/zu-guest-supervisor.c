/* SPDX-License-Identifier: Apache-2.0 */

/* A supervisor has one exec at a time: every descendant of it that loses its parent becomes this
 * process's child, and none is left when the exec is over. It waits for the next one then. The one
 * in front receives requests itself; it lets go of that place before whatever may take long. */

#include "zu-guest.h"
#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <sys/ioctl.h>
#include <sys/prctl.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <sys/timerfd.h>
#include <sys/wait.h>
#include <unistd.h>

/* More that wait for an exec than this are not needed. */
#define MAX_IDLE 4

/* A start that takes longer is stuck in a file system. */
#define PATIENCE_S 1

enum
{
  AT_COMMANDS,
  AT_CHILDREN,
  AT_CHANNELS
};

struct supervisor
{
  const struct guest_post *post;
  int children;
  struct guest_exec exec;
};

static int
is_front (const struct supervisor *self)
{
  return atomic_load (&self->post->board->front) == self->post->number;
}

/* Whether the place is still ours: from here on nobody else takes it. */
static int
begin_reading (struct supervisor *self)
{
  unsigned expected = self->post->number;

  return atomic_compare_exchange_strong (&self->post->board->front, &expected,
                                         expected | GUEST_FRONT_READING);
}

static void
end_reading (struct supervisor *self)
{
  atomic_store (&self->post->board->front, self->post->number);
}

static void
call_first (struct supervisor *self)
{
  const uint64_t one = 1;

  /* A counter that is full has called already. */
  if (write (self->post->wake, &one, sizeof one) < 0)
    return;
}

static void
leave_front (struct supervisor *self)
{
  if (!begin_reading (self))
    return;
  atomic_store (&self->post->board->front, GUEST_FRONT_FIRST);
  call_first (self);
}

/* What does not go at once is waited for by somebody who holds nobody up. */
static void
tell_started (struct supervisor *self, const struct zu_wire_started *started)
{
  if (guest_send_started (self->exec.channel, self->exec.id, started, 0))
    return;
  leave_front (self);
  guest_send_started (self->exec.channel, self->exec.id, started, 1);
}

static void
tell_exited (struct supervisor *self, const struct zu_wire_exited *exited)
{
  if (guest_send_exited (self->exec.channel, self->exec.id, exited, 0))
    return;
  leave_front (self);
  guest_send_exited (self->exec.channel, self->exec.id, exited, 1);
}

static void
set_patience (struct supervisor *self, int seconds)
{
  const struct itimerspec time = { .it_value = { .tv_sec = seconds } };

  timerfd_settime (self->post->patience, 0, &time, NULL);
}

static int
is_double (const struct supervisor *self)
{
  const struct guest_board *board = self->post->board;

  for (unsigned i = 0; i < GUEST_MAX_EXECS; i++)
    if (&board->slots[i] != self->post->slot
        && atomic_load (&board->slots[i].state) == GUEST_SLOT_RUNNING
        && board->slots[i].serial == self->exec.serial && board->slots[i].id == self->exec.id)
      return 1;
  return 0;
}

static struct zu_wire_started
start (struct supervisor *self, struct guest_message *message)
{
  struct zu_wire_started started = { EINVAL, ZU_WIRE_STAGE_REQUEST, 0 };
  struct guest_request request;

  if (self->exec.id == 0 || is_double (self)
      || !guest_read_exec (message, self->post->base, &request))
    return started;
  set_patience (self, PATIENCE_S);
  started = guest_start (self->post->base, &request);
  set_patience (self, 0);
  guest_exec_arm (&self->exec, &request.exec);
  self->exec.main = (pid_t) started.pid;
  if (!started.error && request.flags & ZU_WIRE_EXEC_TTY)
    {
      self->exec.tty = message->fds[0];
      message->fds[0] = -1;
    }
  guest_request_free (&request);
  return started;
}

static void
begin (struct supervisor *self, struct guest_message *message)
{
  struct zu_wire_started started = start (self, message);

  guest_message_close (message);
  tell_started (self, &started);
  if (started.error)
    {
      self->exec = (struct guest_exec){ .tty = -1 };
      atomic_store (&self->post->slot->state, GUEST_SLOT_IDLE);
    }
}

/* Takes a request from a channel; all else is for the first process, and so is one that comes while
 * this process is not free. */
static void
take (struct supervisor *self, const struct guest_channel *channel)
{
  struct guest_slot *slot = self->post->slot;
  struct guest_message message;
  struct zu_wire_header header;

  if (!begin_reading (self))
    return;
  if (self->exec.main || !guest_peek (channel->fd, &header) || header.type != ZU_WIRE_EXEC)
    {
      end_reading (self);
      leave_front (self);
      return;
    }
  slot->serial = channel->serial;
  slot->id = header.id;
  atomic_store (&slot->state, GUEST_SLOT_CLAIMING);
  if (guest_receive (channel->fd, &message) != 1)
    {
      shutdown (channel->fd, SHUT_RDWR);
      atomic_store (&slot->state, GUEST_SLOT_IDLE);
      end_reading (self);
      leave_front (self);
      return;
    }
  atomic_store (&slot->state, GUEST_SLOT_RUNNING);
  end_reading (self);
  self->exec = (struct guest_exec){ .channel = channel->fd,
                                    .serial = channel->serial,
                                    .id = message.header.id,
                                    .tty = -1,
                                    .began = guest_now_us () };
  begin (self, &message);
}

static void
kill_tree (struct supervisor *self)
{
  leave_front (self);
  guest_tree_kill (NULL, 0);
}

static void
resize (struct supervisor *self, const struct zu_wire_resize *size)
{
  const struct winsize to = { .ws_row = (unsigned short) size->rows,
                              .ws_col = (unsigned short) size->columns };

  if (self->exec.tty >= 0)
    ioctl (self->exec.tty, TIOCSWINSZ, &to);
}

static void
obey (struct supervisor *self)
{
  struct guest_command command;
  ssize_t n = read (self->post->commands, &command, sizeof command);

  if (n < 0)
    return;
  if (n != sizeof command || (command.kind == GUEST_COMMAND_QUIT && !self->exec.main))
    {
      guest_tree_kill (NULL, 0);
      _exit (0);
    }
  if (!self->exec.main || command.serial != self->exec.serial || command.id != self->exec.id)
    return;
  if (command.kind == GUEST_COMMAND_RESIZE)
    resize (self, &command.size);
  else if (command.kind == GUEST_COMMAND_SIGNAL && command.signal == SIGKILL)
    kill_tree (self);
  else if (command.kind == GUEST_COMMAND_SIGNAL)
    guest_tree_signal ((int) command.signal, NULL, 0);
}

/* An exec ends with its first process: whatever that has left running is killed before the host
 * hears of the end, so its descriptors are closed by then. */
static void
finish (struct supervisor *self)
{
  struct zu_wire_exited exited;

  while (guest_exec_reap (&self->exec, WNOHANG))
    {
      kill_tree (self);
      guest_exec_reap (&self->exec, 0);
    }
  if (self->exec.tty >= 0)
    close (self->exec.tty);
  exited = guest_exec_report (&self->exec);
  atomic_store (&self->post->board->last_end, guest_now_us ());
  tell_exited (self, &exited);
  self->exec = (struct guest_exec){ .tty = -1 };
  atomic_store (&self->post->slot->state, GUEST_SLOT_IDLE);
}

static unsigned
count_idle (const struct supervisor *self)
{
  unsigned n = 0;

  for (unsigned i = 0; i < GUEST_MAX_EXECS; i++)
    n += atomic_load (&self->post->board->slots[i].state) == GUEST_SLOT_IDLE;
  return n;
}

/* Whoever is in front has the channels as they are; all others may have closed ones. */
static void
leave_if_not_needed (struct supervisor *self)
{
  if (!is_front (self)
      && (atomic_load (&self->post->board->generation) != self->post->generation
          || count_idle (self) > MAX_IDLE))
    _exit (0);
}

static void
attend (struct supervisor *self, int child_changed)
{
  struct signalfd_siginfo info;

  if (child_changed)
    {
      while (read (self->children, &info, sizeof info) > 0)
        ;
      guest_exec_reap (&self->exec, WNOHANG);
    }
  if (!self->exec.main)
    return;
  if (!self->exec.ended && guest_exec_is_due (&self->exec))
    {
      leave_front (self);
      guest_exec_check_deadline (&self->exec);
    }
  if (!self->exec.ended)
    return;
  finish (self);
  leave_if_not_needed (self);
}

static unsigned
watch_channels (const struct supervisor *self, struct pollfd *fds, unsigned *places)
{
  unsigned n = 0;

  for (unsigned i = 0; i < GUEST_MAX_CHANNELS; i++)
    if (self->post->channels[i].fd >= 0)
      {
        fds[n] = (struct pollfd){ self->post->channels[i].fd, POLLIN, 0 };
        places[n++] = i;
      }
  return n;
}

void
guest_supervise (const struct guest_post *post)
{
  struct supervisor self = { .post = post, .exec = { .tty = -1 } };
  struct pollfd fds[AT_CHANNELS + GUEST_MAX_CHANNELS];
  unsigned places[GUEST_MAX_CHANNELS],
      n_channels = watch_channels (&self, fds + AT_CHANNELS, places);

  self.children = guest_signals_open_children ();
  if (self.children < 0 || prctl (PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0) != 0)
    _exit (1);
  fds[AT_COMMANDS] = (struct pollfd){ post->commands, POLLIN, 0 };
  fds[AT_CHILDREN] = (struct pollfd){ self.children, POLLIN, 0 };
  for (;;)
    {
      unsigned n = is_front (&self) ? n_channels : 0;

      if (poll (fds, AT_CHANNELS + n, guest_exec_timeout (&self.exec)) < 0)
        continue;
      if (fds[AT_COMMANDS].revents)
        obey (&self);
      attend (&self, fds[AT_CHILDREN].revents);
      for (unsigned i = 0; i < n; i++)
        if (fds[AT_CHANNELS + i].revents && is_front (&self))
          take (&self, &post->channels[places[i]]);
    }
}
