/* SPDX-License-Identifier: Apache-2.0 */
#include "zu-guest.h"
#include <errno.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <unistd.h>

static uint8_t buffer[ZU_WIRE_MAX];

void
guest_message_close (struct guest_message *message)
{
  for (unsigned i = 0; i < message->n_fds; i++)
    if (message->fds[i] >= 0)
      close (message->fds[i]);
  message->n_fds = 0;
}

/* Keeps what fits and closes the rest; whether nothing had to be closed. */
static int
take_fds (struct msghdr *header, struct guest_message *message)
{
  int complete = !(header->msg_flags & MSG_CTRUNC);

  for (struct cmsghdr *c = CMSG_FIRSTHDR (header); c; c = CMSG_NXTHDR (header, c))
    {
      size_t n;

      if (c->cmsg_level != SOL_SOCKET || c->cmsg_type != SCM_RIGHTS)
        continue;
      n = (c->cmsg_len - CMSG_LEN (0)) / sizeof (int);
      for (size_t i = 0; i < n; i++)
        {
          int fd;

          memcpy (&fd, CMSG_DATA (c) + i * sizeof fd, sizeof fd);
          if (message->n_fds < ZU_WIRE_MAX_FDS)
            message->fds[message->n_fds++] = fd;
          else
            {
              close (fd);
              complete = 0;
            }
        }
    }
  return complete;
}

/* 1: a message; 0: the other end is gone or talks nonsense; -1: nothing now. */
int
guest_receive (int channel, struct guest_message *message)
{
  union
  {
    struct cmsghdr align;
    char space[CMSG_SPACE (sizeof (int) * ZU_WIRE_MAX_FDS)];
  } control;
  struct iovec io = { buffer, sizeof buffer };
  struct msghdr header = {
    .msg_iov = &io, .msg_iovlen = 1, .msg_control = &control, .msg_controllen = sizeof control
  };
  ssize_t n;
  int complete;

  message->n_fds = 0;
  do
    n = recvmsg (channel, &header, MSG_DONTWAIT | MSG_CMSG_CLOEXEC);
  while (n < 0 && errno == EINTR);
  if (n < 0)
    return errno == EAGAIN ? -1 : 0;
  complete = take_fds (&header, message) && !(header.msg_flags & MSG_TRUNC);
  message->body = zu_wire_reader (buffer, n > 0 ? (size_t) n : 0);
  if (complete && zu_wire_get_header (&message->body, &message->header))
    return 1;
  guest_message_close (message);
  return 0;
}

/* Whether there is a message, and how it begins; it stays where it is, and so do its descriptors.
 */
int
guest_peek (int channel, struct zu_wire_header *header)
{
  uint8_t data[ZU_WIRE_HEADER_SIZE];
  struct zu_wire_reader r = zu_wire_reader (data, sizeof data);

  if (recv (channel, data, sizeof data, MSG_PEEK | MSG_DONTWAIT) != (ssize_t) sizeof data)
    return 0;
  header->length = zu_wire_get_u32 (&r);
  header->type = (uint16_t) zu_wire_get (&r, 2);
  header->flags = (uint16_t) zu_wire_get (&r, 2);
  header->id = zu_wire_get_u32 (&r);
  return 1;
}

static int
send_message (int channel, const void *data, size_t size, int wait)
{
  ssize_t n;

  do
    n = send (channel, data, size, MSG_NOSIGNAL | (wait ? 0 : MSG_DONTWAIT));
  while (n < 0 && errno == EINTR);
  return n == (ssize_t) size;
}

static uint64_t
read_bounding_set (void)
{
  uint64_t set = 0;

  for (unsigned i = 0; i < 64; i++)
    {
      int held = prctl (PR_CAPBSET_READ, i, 0, 0, 0);

      if (held < 0)
        break;
      set |= (uint64_t) (held != 0) << i;
    }
  return set;
}

static uint64_t
read_effective_set (void)
{
  struct
  {
    uint32_t version;
    int pid;
  } head = { 0x20080522, 0 };
  struct
  {
    uint32_t effective;
    uint32_t permitted;
    uint32_t inheritable;
  } sets[2] = { { 0 } };

  if (syscall (SYS_capget, &head, sets) != 0)
    return UINT64_MAX;
  return (uint64_t) (sets[1].effective | sets[1].permitted) << 32
         | (sets[0].effective | sets[0].permitted);
}

/* The host reads its own floor back from here, before anything of a tool's has run. */
int
guest_send_hello (int channel)
{
  uint8_t data[128];
  struct zu_wire_writer w = zu_wire_begin (data, sizeof data, ZU_WIRE_HELLO, 0, 0);
  struct zu_wire_hello hello = {
    .version = ZU_WIRE_VERSION,
    .pid = (uint32_t) getpid (),
    .uid = getuid (),
    .gid = getgid (),
    .cap_effective = read_effective_set (),
    .cap_bounding = read_bounding_set (),
    .no_new_privs = prctl (PR_GET_NO_NEW_PRIVS, 0, 0, 0, 0) == 1,
    .seccomp = (uint32_t) prctl (PR_GET_SECCOMP, 0, 0, 0, 0),
  };

  zu_wire_put_hello (&w, &hello);
  return send_message (channel, data, zu_wire_end (&w), 1);
}

int
guest_send_started (int channel, uint32_t id, const struct zu_wire_started *started, int wait)
{
  uint8_t data[64];
  struct zu_wire_writer w = zu_wire_begin (data, sizeof data, ZU_WIRE_STARTED, 0, id);

  zu_wire_put_started (&w, started);
  return send_message (channel, data, zu_wire_end (&w), wait);
}

int
guest_send_exited (int channel, uint32_t id, const struct zu_wire_exited *exited, int wait)
{
  uint8_t data[96];
  struct zu_wire_writer w = zu_wire_begin (data, sizeof data, ZU_WIRE_EXITED, 0, id);

  zu_wire_put_exited (&w, exited);
  return send_message (channel, data, zu_wire_end (&w), wait);
}

int
guest_send_status (int channel, const struct zu_wire_status *status)
{
  uint8_t data[32];
  struct zu_wire_writer w = zu_wire_begin (data, sizeof data, ZU_WIRE_STATUS, 0, 0);

  zu_wire_put_status (&w, status);
  return send_message (channel, data, zu_wire_end (&w), 0);
}

/* The one descriptor that leaves a sandbox; -1 sends none. */
int
guest_send_listening (int channel, uint32_t id, const struct zu_wire_listening *listening, int fd)
{
  uint8_t data[32];
  struct zu_wire_writer w = zu_wire_begin (data, sizeof data, ZU_WIRE_LISTENING, 0, id);
  union
  {
    struct cmsghdr align;
    char space[CMSG_SPACE (sizeof (int))];
  } control = {
    { .cmsg_len = CMSG_LEN (sizeof (int)), .cmsg_level = SOL_SOCKET, .cmsg_type = SCM_RIGHTS }
  };
  struct iovec io = { data, 0 };
  struct msghdr header = { .msg_iov = &io, .msg_iovlen = 1 };

  zu_wire_put_listening (&w, listening);
  io.iov_len = zu_wire_end (&w);
  if (fd >= 0)
    {
      memcpy (CMSG_DATA (&control.align), &fd, sizeof fd);
      header.msg_control = &control;
      header.msg_controllen = sizeof control;
    }
  return sendmsg (channel, &header, MSG_NOSIGNAL | MSG_DONTWAIT) == (ssize_t) io.iov_len;
}
