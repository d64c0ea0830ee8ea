/* SPDX-License-Identifier: Apache-2.0 */

/* The first process of a sandbox: doc/guest-protocol.md. It keeps supervisors, one an exec, and
 * reaps what is left; it holds no policy and parses nothing but what the host sends. */

#include "zu-guest.h"
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/prctl.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/un.h>
#include <unistd.h>

#ifndef SYS_close_range
#define SYS_close_range 436
#endif

enum
{
  AT_CHILDREN,
  AT_WAKE,
  AT_PATIENCE,
  AT_CHANNELS
};

/* The first process waits for its children, for supervisors that give the front back, and for the
 * channels while nobody else is in front. */
static void __attribute__ ((noreturn)) loop (int children)
{
  for (;;)
    {
      struct pollfd fds[AT_CHANNELS + GUEST_MAX_CHANNELS];
      struct signalfd_siginfo info;
      uint64_t calls;
      int ours = !guest_crew_has_front ();

      fds[AT_CHILDREN] = (struct pollfd){ children, POLLIN, 0 };
      fds[AT_WAKE] = (struct pollfd){ guest_crew_get_wake (), POLLIN, 0 };
      fds[AT_PATIENCE] = (struct pollfd){ guest_crew_get_patience (), POLLIN, 0 };
      for (int i = 0; i < GUEST_MAX_CHANNELS; i++)
        fds[AT_CHANNELS + i] = (struct pollfd){ ours ? guest_channels[i].fd : -1, POLLIN, 0 };
      if (poll (fds, AT_CHANNELS + GUEST_MAX_CHANNELS, -1) < 0)
        continue;
      if (fds[AT_WAKE].revents)
        while (read (guest_crew_get_wake (), &calls, sizeof calls) > 0)
          ;
      if (fds[AT_PATIENCE].revents)
        guest_crew_attend_patience ();
      if (fds[AT_CHILDREN].revents)
        {
          while (read (children, &info, sizeof info) > 0)
            ;
          guest_crew_reap ();
        }
      if (!guest_crew_has_front ())
        guest_channels_serve ();
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
connect_to (const char *path)
{
  struct sockaddr_un address = { .sun_family = AF_UNIX };
  int fd = socket (AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0);

  if (fd < 0 || strlen (path) >= sizeof address.sun_path)
    return -1;
  strcpy (address.sun_path, path);
  return connect (fd, (struct sockaddr *) &address, sizeof address) == 0 ? fd : -1;
}

/* Ready to be the first process, and nothing of the host's left but the first channel. */
static int
settle (int first)
{
  close_others (first);
  guest_signals_reset ();
  guest_signals_block_all ();
  if (prctl (PR_SET_DUMPABLE, 0, 0, 0, 0) != 0 || prctl (PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0) != 0)
    return -1;
  close_stdio ();
  if (!guest_channels_init (first))
    return -1;
  return guest_signals_open_children ();
}

/* `--fd N` takes a descriptor that was handed down, `--connect PATH` finds a socket; anything else
 * is one of the small programs in here. */
int
main (int argc, char **argv)
{
  int first = -1, children;

  if (argc == 3 && strcmp (argv[1], "--fd") == 0)
    first = atoi (argv[2]);
  else if (argc == 3 && strcmp (argv[1], "--connect") == 0)
    first = connect_to (argv[2]);
  else
    return guest_tool_main (argc, argv);
  if (first < 3 || fcntl (first, F_SETFD, FD_CLOEXEC) != 0)
    return 2;
  children = settle (first);
  if (children < 0 || !guest_send_hello (first))
    return 2;
  loop (children);
}
