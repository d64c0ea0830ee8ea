/* SPDX-License-Identifier: Apache-2.0 */

/* One process a sandbox: it starts the sandbox, holds the channel that the guest lives by, and ends
 * it when it is told to, when its time is over or when its owner has died. It outlives whoever
 * launched it. Without GLib: there may be hundreds. */

#include "zu-keeper.h"
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

/* Where the launcher has put its socket. */
#define LAUNCH_FD 3

/* Places in the poll set, before the clients. */
enum
{
  AT_GUEST,
  AT_DEATH,
  AT_OWNER,
  AT_SIGNALS,
  AT_LISTENER,
  AT_CLIENTS
};

static struct keeper keeper;

static void
drop_client (unsigned index)
{
  close (keeper.clients[index]);
  keeper.clients[index] = -1;
}

/* The folder keeps others out already; this holds even where somebody has opened it up. */
static void
accept_client (void)
{
  int fd = accept4 (keeper.listener, NULL, NULL, SOCK_CLOEXEC);
  struct ucred peer;
  socklen_t size = sizeof peer;

  if (fd < 0)
    return;
  if (getsockopt (fd, SOL_SOCKET, SO_PEERCRED, &peer, &size) == 0
      && (peer.uid == geteuid () || peer.uid == 0))
    for (unsigned i = 0; i < KEEPER_MAX_CLIENTS; i++)
      if (keeper.clients[i] < 0)
        {
          keeper.clients[i] = fd;
          return;
        }
  close (fd);
}

/* A channel of the client's own to the guest: what is said on it does not pass through here. */
static int
open_channel (int client)
{
  uint8_t message[ZU_WIRE_HEADER_SIZE];
  struct zu_wire_writer w = zu_wire_begin (message, sizeof message, ZU_WIRE_CHANNEL, 0, 0);
  int pair[2], good;

  if (socketpair (AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, pair) != 0)
    return 0;
  good = keeper_send (keeper.guest, message, zu_wire_end (&w), pair[1])
         && keeper_send_simple (client, ZU_KEEPER_CHANNEL, 0, pair[0]);
  close (pair[0]);
  close (pair[1]);
  return good;
}

static int
extend (int client, struct zu_wire_reader *r)
{
  uint64_t lifetime_ms = zu_wire_get_u64 (r);

  if (!zu_wire_reader_done (r) || !lifetime_ms || lifetime_ms > ZU_WIRE_MAX_DEADLINE)
    return 0;
  keeper_time_extend (&keeper, lifetime_ms);
  return keeper_send_simple (client, ZU_KEEPER_EXTEND, 0, -1);
}

static void
serve (unsigned index)
{
  uint8_t data[ZU_WIRE_HEADER_SIZE + 8];
  struct zu_wire_header header;
  struct zu_wire_reader r;
  unsigned n_fds;
  ssize_t n = keeper_receive (keeper.clients[index], data, sizeof data, NULL, 0, &n_fds, NULL);

  if (n < 0)
    return;
  r = zu_wire_reader (data, (size_t) n);
  if (n > 0 && zu_wire_get_header (&r, &header))
    {
      if (header.type == ZU_KEEPER_DESTROY)
        keeper_end (&keeper, ZU_KEEPER_REASON_DESTROYED);
      if (header.type == ZU_KEEPER_CHANNEL && open_channel (keeper.clients[index]))
        return;
      if (header.type == ZU_KEEPER_EXTEND && extend (keeper.clients[index], &r))
        return;
    }
  drop_client (index);
}

static void __attribute__ ((noreturn)) loop (void)
{
  struct pollfd fds[AT_CLIENTS + KEEPER_MAX_CLIENTS];

  keeper_time_start (&keeper);
  for (;;)
    {
      unsigned reason = keeper_time_check (&keeper);

      if (reason)
        keeper_end (&keeper, reason);
      fds[AT_GUEST] = (struct pollfd){ keeper.guest, POLLIN, 0 };
      fds[AT_DEATH] = (struct pollfd){ keeper.guest_pid, POLLIN, 0 };
      fds[AT_OWNER] = (struct pollfd){ keeper.launch.owner, POLLIN, 0 };
      fds[AT_SIGNALS] = (struct pollfd){ keeper.signals, POLLIN, 0 };
      fds[AT_LISTENER] = (struct pollfd){ keeper.listener, POLLIN, 0 };
      for (unsigned i = 0; i < KEEPER_MAX_CLIENTS; i++)
        fds[AT_CLIENTS + i] = (struct pollfd){ keeper.clients[i], POLLIN, 0 };
      if (poll (fds, AT_CLIENTS + KEEPER_MAX_CLIENTS, keeper_time_get_timeout (&keeper)) < 0)
        continue;
      if (fds[AT_OWNER].revents)
        keeper_end (&keeper, ZU_KEEPER_REASON_OWNER);
      if (fds[AT_SIGNALS].revents)
        keeper_end (&keeper, ZU_KEEPER_REASON_STOPPED);
      for (unsigned i = 0; i < KEEPER_MAX_CLIENTS; i++)
        if (fds[AT_CLIENTS + i].revents)
          serve (i);
      if (fds[AT_DEATH].revents || (fds[AT_GUEST].revents && !keeper_time_hear (&keeper)))
        keeper_end (&keeper, ZU_KEEPER_REASON_SANDBOX);
      if (fds[AT_LISTENER].revents)
        accept_client ();
    }
}

static int
take_signals (void)
{
  sigset_t set;

  for (int i = 1; i <= 64; i++)
    signal (i, SIG_DFL);
  sigemptyset (&set);
  sigaddset (&set, SIGTERM);
  sigaddset (&set, SIGINT);
  sigaddset (&set, SIGHUP);
  sigprocmask (SIG_SETMASK, &set, NULL);
  return signalfd (-1, &set, SFD_CLOEXEC);
}

/* A child of its launcher at first, in a session of its own; when that goes, of nobody. */
int
main (void)
{
  struct pollfd launcher = { LAUNCH_FD, POLLIN, 0 };

  keeper.guest = keeper.guest_pid = keeper.listener = keeper.complaints = -1;
  for (unsigned i = 1; i < KEEPER_MAX_CLIENTS; i++)
    keeper.clients[i] = -1;
  keeper.clients[0] = LAUNCH_FD;
  keeper.signals = take_signals ();
  if (keeper.signals < 0 || fcntl (LAUNCH_FD, F_SETFD, FD_CLOEXEC) != 0 || chdir ("/") != 0
      || prctl (PR_SET_DUMPABLE, 0, 0, 0, 0) != 0 || poll (&launcher, 1, 10000) != 1
      || !keeper_read_launch (LAUNCH_FD, &keeper.launch))
    return 2;
  if (!keeper_start (&keeper))
    return 1;
  loop ();
}
