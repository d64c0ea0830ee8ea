/* SPDX-License-Identifier: Apache-2.0 */
#include "zu-keeper.h"
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdio.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#ifndef SYS_pidfd_open
#define SYS_pidfd_open 434
#endif

/* Long enough for a machine that is very busy. */
#define HELLO_TIMEOUT_MS 30000
#define MAX_COMPLAINT    2000

/* From the launch to the guest's coming; in between an engine is at work. */
#define ENGINE_TIMEOUT_MS 180000

static int
refuse (struct keeper *keeper, const char *text)
{
  uint8_t data[MAX_COMPLAINT + 64];
  struct zu_wire_writer w = zu_wire_begin (data, sizeof data, ZU_KEEPER_FAILED, 0, 0);

  zu_wire_put_string (&w, text);
  keeper_undo (keeper, ZU_KEEPER_REASON_DESTROYED);
  keeper_send (keeper->clients[0], data, zu_wire_end (&w), -1);
  return 0;
}

/* A socket's path may not be long, a folder's may: so it is named through its descriptor. */
static int
listen_in (int state)
{
  struct sockaddr_un address = { .sun_family = AF_UNIX };
  int fd = socket (AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);

  snprintf (address.sun_path, sizeof address.sun_path, "/proc/self/fd/%d/control", state);
  if (fd >= 0 && bind (fd, (struct sockaddr *) &address, sizeof address) == 0
      && listen (fd, 16) == 0)
    return fd;
  if (fd >= 0)
    close (fd);
  return -1;
}

/* From the main thread: the wish to die with the parent is about the thread that forked. */
static int
spawn (struct keeper *keeper)
{
  int channel[2], complaints[2], on = 1;

  if (socketpair (AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, channel) != 0
      || pipe2 (complaints, O_CLOEXEC) != 0
      || setsockopt (channel[0], SOL_SOCKET, SO_PASSCRED, &on, sizeof on) != 0)
    return 0;
  if ((keeper->child = fork ()) == 0)
    keeper_become_program (&keeper->launch, channel[1], complaints[1]);
  close (channel[1]);
  close (complaints[1]);
  keeper->guest = channel[0];
  keeper->complaints = complaints[0];
  return keeper->child > 0;
}

/* The guest comes to the launcher's listener, once; nobody after it does. */
static int
await_guest (struct keeper *keeper)
{
  struct pollfd fds[2] = { { keeper->launch.inherit[0], POLLIN, 0 }, { keeper->clients[0], 0, 0 } };

  while (poll (fds, 2, ENGINE_TIMEOUT_MS) < 0 && errno == EINTR)
    ;
  if (!fds[0].revents || fds[1].revents)
    return 0;
  keeper->guest = accept4 (keeper->launch.inherit[0], NULL, NULL, SOCK_CLOEXEC);
  unlinkat (keeper->launch.state, "guest/socket", 0);
  return keeper->guest >= 0;
}

static int
await_hello (struct keeper *keeper, uint8_t *hello, size_t capacity, size_t *size)
{
  struct pollfd fds[2] = { { keeper->guest, POLLIN, 0 }, { keeper->clients[0], 0, 0 } };
  struct zu_wire_header header;
  struct zu_wire_hello content;
  struct zu_wire_reader r;
  unsigned n_fds;
  pid_t sender = 0;
  ssize_t got;

  while (poll (fds, 2, HELLO_TIMEOUT_MS) < 0 && errno == EINTR)
    ;
  if (!fds[0].revents || fds[1].revents)
    return 0;
  got = keeper_receive (keeper->guest, hello, capacity, NULL, 0, &n_fds, &sender);
  if (got <= 0 || sender <= 0)
    return 0;
  r = zu_wire_reader (hello, (size_t) got);
  *size = (size_t) got;
  keeper->guest_pid = (int) syscall (SYS_pidfd_open, sender, 0);
  return zu_wire_get_header (&r, &header) && header.type == ZU_WIRE_HELLO
         && zu_wire_get_hello (&r, &content) && content.version == ZU_WIRE_VERSION
         && keeper->guest_pid >= 0;
}

/* The launcher gets the guest's own HELLO behind a header of ours, and its first channel. */
static int
tell_ready (struct keeper *keeper, const uint8_t *hello, size_t size)
{
  uint8_t data[256], channel[ZU_WIRE_HEADER_SIZE];
  struct zu_wire_writer w = zu_wire_begin (data, sizeof data, ZU_KEEPER_READY, 0, 0);
  struct zu_wire_writer c = zu_wire_begin (channel, sizeof channel, ZU_WIRE_CHANNEL, 0, 0);
  int pair[2], good;

  if (size > sizeof data - ZU_WIRE_HEADER_SIZE
      || socketpair (AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, pair) != 0)
    return 0;
  memcpy (data + w.size, hello, size);
  w.size += size;
  good = keeper_send (keeper->guest, keeper->launch.go, keeper->launch.go_size, -1)
         && keeper_send (keeper->guest, channel, zu_wire_end (&c), pair[1])
         && keeper_send (keeper->clients[0], data, zu_wire_end (&w), pair[0]);
  explicit_bzero (keeper->launch.go, keeper->launch.go_size);
  close (pair[0]);
  close (pair[1]);
  return good;
}

/* What the program said, in one line; or that it said nothing. */
static int
refuse_with_complaints (struct keeper *keeper)
{
  char text[MAX_COMPLAINT] = "";
  ssize_t n = 0;

  if (keeper->complaints >= 0 && fcntl (keeper->complaints, F_SETFL, O_NONBLOCK) == 0)
    n = read (keeper->complaints, text, sizeof text - 1);
  text[n > 0 ? n : 0] = '\0';
  for (char *at = text; *at; at++)
    if (*at < ' ')
      *at = at[1] ? ' ' : '\0';
  return refuse (keeper, *text ? text : "the sandbox ended before its guest spoke");
}

/* Whether there is a sandbox now; if not, the launcher knows why and nothing is left of it. */
int
keeper_start (struct keeper *keeper)
{
  uint8_t hello[128];
  size_t size;
  int good;

  umask (0177);
  keeper->listener = listen_in (keeper->launch.state);
  umask (077);
  if (keeper->listener < 0)
    return refuse (keeper, "cannot listen in the sandbox's state folder");
  if (keeper->launch.by_engine ? !await_guest (keeper) : !spawn (keeper))
    return refuse (keeper, keeper->launch.by_engine ? "no guest came from the engine's container"
                                                    : "cannot start a process");
  if (!await_hello (keeper, hello, sizeof hello, &size))
    return refuse_with_complaints (keeper);
  good = tell_ready (keeper, hello, size);
  if (keeper->complaints >= 0)
    close (keeper->complaints);
  keeper->complaints = -1;
  for (unsigned i = 0; i < keeper->launch.head.n_mounts; i++)
    close (keeper->launch.mounts[i]);
  for (unsigned i = 0; i < keeper->launch.head.n_inherit; i++)
    close (keeper->launch.inherit[i]);
  for (unsigned i = 0; i < keeper->launch.head.n_cgroups; i++)
    close (keeper->launch.cgroups[i]);
  return good ? 1 : refuse (keeper, "the launcher or the guest went away");
}
