/* SPDX-License-Identifier: Apache-2.0 */

/* The first process of a sandbox: doc/guest-protocol.md. It starts one supervisor an exec and reaps
 * what is left; it holds no policy and parses nothing but what the host sends. */

#include "zu-guest.h"
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/prctl.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#ifndef SYS_close_range
#define SYS_close_range 436
#endif

#define MAX_CHANNELS 64
#define MAX_EXECS    256

struct child
{
  pid_t supervisor;
  int channel; /* an index; -1 once the channel is gone */
  uint32_t id;
  int commands;
};

static int channels[MAX_CHANNELS]; /* the first is the sandbox's life; -1 is a free place */
static struct child execs[MAX_EXECS];
static unsigned n_execs;
static struct guest_base base;
static int may_run;

static void
sweep_orphans (void)
{
  pid_t supervisors[MAX_EXECS];

  for (unsigned i = 0; i < n_execs; i++)
    supervisors[i] = execs[i].supervisor;
  guest_tree_kill (supervisors, n_execs);
}

/* The first channel's end is the sandbox's end. As process 1 leaving is enough: the kernel kills
 * the rest. */
static void __attribute__ ((noreturn)) leave (int status)
{
  if (getpid () != 1)
    guest_tree_kill (NULL, 0);
  _exit (status);
}

static void
command (const struct child *child, unsigned number)
{
  uint8_t byte = (uint8_t) number;

  /* A full pipe holds signals enough already. */
  if (write (child->commands, &byte, 1) < 0)
    return;
}

static void
drop_channel (int channel)
{
  if (channel == 0)
    leave (0);
  close (channels[channel]);
  channels[channel] = -1;
  for (unsigned i = 0; i < n_execs; i++)
    if (execs[i].channel == channel)
      {
        execs[i].channel = -1;
        command (&execs[i], SIGKILL);
      }
}

static void
refuse (int channel, uint32_t id, unsigned stage, int error)
{
  struct zu_wire_started started = { (uint32_t) error, stage, 0 };

  if (!guest_send_started (channels[channel], id, &started, 0))
    drop_channel (channel);
}

static struct child *
find_exec (int channel, uint32_t id)
{
  for (unsigned i = 0; i < n_execs; i++)
    if (execs[i].channel == channel && execs[i].id == id)
      return &execs[i];
  return NULL;
}

/* What the supervisor has no business with goes before it starts anything. */
static void __attribute__ ((noreturn))
be_supervisor (int channel, int commands[2], const struct guest_message *message)
{
  for (int i = 0; i < MAX_CHANNELS; i++)
    if (i != channel && channels[i] >= 0)
      close (channels[i]);
  for (unsigned i = 0; i < n_execs; i++)
    close (execs[i].commands);
  close (commands[1]);
  guest_supervise (channels[channel], commands[0], message, &base);
}

static void
start_exec (int channel, const struct guest_message *message)
{
  uint32_t id = message->header.id;
  int commands[2];
  pid_t pid;

  if (!may_run || id == 0 || find_exec (channel, id))
    {
      refuse (channel, id, ZU_WIRE_STAGE_REQUEST, EINVAL);
      return;
    }
  if (n_execs == MAX_EXECS || pipe2 (commands, O_CLOEXEC | O_NONBLOCK) != 0)
    {
      refuse (channel, id, ZU_WIRE_STAGE_REQUEST, EAGAIN);
      return;
    }
  if ((pid = fork ()) == 0)
    be_supervisor (channel, commands, message);
  close (commands[0]);
  if (pid > 0)
    {
      execs[n_execs++] = (struct child){ pid, channel, id, commands[1] };
      return;
    }
  close (commands[1]);
  refuse (channel, id, ZU_WIRE_STAGE_PROCESS, errno);
}

static int
add_channel (struct guest_message *message)
{
  if (message->n_fds != 1 || !zu_wire_reader_done (&message->body))
    return 0;
  for (int i = 1; i < MAX_CHANNELS; i++)
    if (channels[i] < 0)
      {
        channels[i] = message->fds[0];
        message->n_fds = 0;
        return 1;
      }
  return 1; /* none is free: closing it tells whoever holds the other end */
}

static int
kill_exec (int channel, struct guest_message *message)
{
  uint32_t number = zu_wire_get_u32 (&message->body);
  struct child *child = find_exec (channel, message->header.id);

  if (!zu_wire_reader_done (&message->body) || number < 1 || number > 64)
    return 0;
  if (child)
    command (child, number);
  return 1;
}

/* Whether the host spoke as agreed. */
static int
handle (int channel, struct guest_message *message)
{
  switch (message->header.type)
    {
    case ZU_WIRE_GO:
      if (channel != 0 || may_run || !guest_read_go (message, &base))
        return 0;
      may_run = 1;
      return 1;
    case ZU_WIRE_CHANNEL:
      return channel == 0 && add_channel (message);
    case ZU_WIRE_EXEC:
      start_exec (channel, message);
      return 1;
    case ZU_WIRE_KILL:
      return kill_exec (channel, message);
    default:
      return 0;
    }
}

static void
serve (int channel)
{
  struct guest_message message;
  int got, good;

  while (channels[channel] >= 0 && (got = guest_receive (channels[channel], &message)) >= 0)
    {
      good = got && handle (channel, &message);
      guest_message_close (&message);
      if (!good && channels[channel] >= 0)
        drop_channel (channel);
    }
}

/* A supervisor speaks for itself; one that was killed cannot, so it is spoken for. */
static void
end_exec (unsigned index, int status)
{
  struct child child = execs[index];
  const struct zu_wire_exited lost = { .exit_status = -1,
                                       .signal = SIGKILL,
                                       .flags = ZU_WIRE_EXITED_LOST };

  execs[index] = execs[--n_execs];
  close (child.commands);
  if (WIFEXITED (status))
    return;
  sweep_orphans ();
  if (child.channel >= 0 && !guest_send_exited (channels[child.channel], child.id, &lost, 0))
    drop_channel (child.channel);
}

/* A supervisor that was stopped would miss its deadline, so it is taken for killed. */
static void
reap (void)
{
  int status;
  pid_t pid;

  while ((pid = waitpid (-1, &status, WNOHANG | WUNTRACED)) > 0)
    {
      if (WIFSTOPPED (status))
        {
          kill (pid, SIGKILL);
          continue;
        }
      for (unsigned i = 0; i < n_execs; i++)
        if (execs[i].supervisor == pid)
          {
            end_exec (i, status);
            break;
          }
    }
}

static void __attribute__ ((noreturn)) loop (int children)
{
  for (;;)
    {
      struct pollfd fds[MAX_CHANNELS + 1];
      struct signalfd_siginfo info;

      for (int i = 0; i < MAX_CHANNELS; i++)
        fds[i] = (struct pollfd){ channels[i], POLLIN, 0 };
      fds[MAX_CHANNELS] = (struct pollfd){ children, POLLIN, 0 };
      if (poll (fds, MAX_CHANNELS + 1, -1) < 0)
        continue;
      if (fds[MAX_CHANNELS].revents)
        {
          while (read (children, &info, sizeof info) > 0)
            ;
          reap ();
        }
      for (int i = 0; i < MAX_CHANNELS; i++)
        if (fds[i].revents && channels[i] == fds[i].fd)
          serve (i);
    }
}

/* Whatever else came along from the host is not for anybody in here. */
static void
close_others (int first)
{
  if ((first == 3 || syscall (SYS_close_range, 3, first - 1, 0) == 0)
      && syscall (SYS_close_range, first + 1, ~0u, 0) == 0)
    return;
  for (int fd = 3; fd < 1024; fd++)
    if (fd != first)
      close (fd);
}

/* The standard descriptors are never a channel, nor anything of the host's. */
static void
close_stdio (void)
{
  int null = open ("/dev/null", O_RDWR);

  if (null < 0)
    null = open ("/", O_RDONLY | O_DIRECTORY);
  for (int i = 0; null >= 0 && i < 3; i++)
    if (null != i)
      dup2 (null, i);
  if (null > 2)
    close (null);
}

static int
block_signals (void)
{
  sigset_t all;

  for (int i = 1; i <= 64; i++)
    signal (i, SIG_DFL);
  sigfillset (&all);
  sigprocmask (SIG_SETMASK, &all, NULL);
  sigemptyset (&all);
  sigaddset (&all, SIGCHLD);
  return signalfd (-1, &all, SFD_CLOEXEC | SFD_NONBLOCK);
}

static int
connect_to (const char *path)
{
  struct sockaddr_un address = { .sun_family = AF_UNIX };
  int fd = socket (AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0);

  if (fd < 0 || strlen (path) >= sizeof address.sun_path)
    return -1;
  strcpy (address.sun_path, path);
  return connect (fd, (struct sockaddr *) &address, sizeof address) == 0 ? fd : -1;
}

/* `--fd N` takes a descriptor that was handed down, `--connect PATH` finds a socket; `true` does
 * nothing, well: it is what an exec is measured with. */
int
main (int argc, char **argv)
{
  int first = -1, children;

  if (argc == 2 && strcmp (argv[1], "true") == 0)
    return 0;
  if (argc == 3 && strcmp (argv[1], "--fd") == 0)
    first = atoi (argv[2]);
  else if (argc == 3 && strcmp (argv[1], "--connect") == 0)
    first = connect_to (argv[2]);
  if (first < 3 || fcntl (first, F_SETFD, FD_CLOEXEC) != 0)
    return 2;
  close_others (first);
  children = block_signals ();
  if (children < 0 || prctl (PR_SET_DUMPABLE, 0, 0, 0, 0) != 0
      || prctl (PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0) != 0)
    return 2;
  for (int i = 0; i < MAX_CHANNELS; i++)
    channels[i] = -1;
  channels[0] = first;
  close_stdio ();
  if (!guest_send_hello (first))
    return 2;
  loop (children);
}
