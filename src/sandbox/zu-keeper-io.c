/* SPDX-License-Identifier: Apache-2.0 */
#include "zu-keeper.h"
#include <errno.h>
#include <sys/socket.h>
#include <unistd.h>

/* Takes what fits into @fds; whether nothing had to be closed. */
static int
take_rights (struct cmsghdr *c, int *fds, unsigned max_fds, unsigned *n_fds)
{
  size_t n = (c->cmsg_len - CMSG_LEN (0)) / sizeof (int);
  int complete = 1;

  for (size_t i = 0; i < n; i++)
    {
      int fd;

      memcpy (&fd, CMSG_DATA (c) + i * sizeof fd, sizeof fd);
      if (*n_fds < max_fds)
        fds[(*n_fds)++] = fd;
      else
        {
          close (fd);
          complete = 0;
        }
    }
  return complete;
}

/* The size of one message; 0: the other end is gone or sent what was not agreed; -1: nothing now.
 */
ssize_t
keeper_receive (int fd, void *buffer, size_t capacity, int *fds, unsigned max_fds, unsigned *n_fds,
                pid_t *sender)
{
  union
  {
    struct cmsghdr align;
    char space[CMSG_SPACE (sizeof (int) * KEEPER_MAX_FDS) + CMSG_SPACE (sizeof (struct ucred))];
  } control;
  struct iovec io = { buffer, capacity };
  struct msghdr header = {
    .msg_iov = &io, .msg_iovlen = 1, .msg_control = &control, .msg_controllen = sizeof control
  };
  ssize_t size;
  int complete;

  *n_fds = 0;
  do
    size = recvmsg (fd, &header, MSG_DONTWAIT | MSG_CMSG_CLOEXEC);
  while (size < 0 && errno == EINTR);
  if (size < 0)
    return errno == EAGAIN ? -1 : 0;
  complete = !(header.msg_flags & (MSG_TRUNC | MSG_CTRUNC));
  for (struct cmsghdr *c = CMSG_FIRSTHDR (&header); c; c = CMSG_NXTHDR (&header, c))
    {
      struct ucred credentials;

      if (c->cmsg_level == SOL_SOCKET && c->cmsg_type == SCM_RIGHTS)
        complete &= take_rights (c, fds, max_fds, n_fds);
      else if (sender && c->cmsg_level == SOL_SOCKET && c->cmsg_type == SCM_CREDENTIALS)
        {
          memcpy (&credentials, CMSG_DATA (c), sizeof credentials);
          *sender = credentials.pid;
        }
    }
  if (complete)
    return size;
  while (*n_fds)
    close (fds[--*n_fds]);
  return 0;
}

/* Never waits: who does not read is dropped. */
int
keeper_send (int fd, const void *data, size_t size, int with)
{
  union
  {
    struct cmsghdr align;
    char space[CMSG_SPACE (sizeof (int))];
  } control = {
    { .cmsg_len = CMSG_LEN (sizeof (int)), .cmsg_level = SOL_SOCKET, .cmsg_type = SCM_RIGHTS }
  };
  struct iovec io = { (void *) data, size };
  struct msghdr header = { .msg_iov = &io, .msg_iovlen = 1 };

  if (with >= 0)
    {
      memcpy (CMSG_DATA (&control.align), &with, sizeof with);
      header.msg_control = &control;
      header.msg_controllen = sizeof control.space;
    }
  return sendmsg (fd, &header, MSG_NOSIGNAL | MSG_DONTWAIT) == (ssize_t) size;
}

int
keeper_send_simple (int fd, unsigned type, uint32_t value, int with)
{
  uint8_t data[ZU_WIRE_HEADER_SIZE + 4];
  struct zu_wire_writer w = zu_wire_begin (data, sizeof data, type, 0, 0);

  zu_wire_put (&w, value, 4);
  return keeper_send (fd, data, zu_wire_end (&w), with);
}

static void
move_fds (int *to, unsigned n, const int **from)
{
  for (unsigned i = 0; i < n; i++)
    to[i] = *(*from)++;
}

static int
place_fds (struct keeper_launch *launch, unsigned flags, const int *fds, unsigned n_fds)
{
  const struct zu_keeper_launch *head = &launch->head;
  unsigned has_owner = (flags & ZU_KEEPER_LAUNCH_OWNER) != 0;

  if (n_fds != 2 + has_owner + head->n_cgroups + head->n_mounts + head->n_inherit)
    return 0;
  launch->owner = -1;
  move_fds (&launch->state, 1, &fds);
  move_fds (&launch->label, 1, &fds);
  move_fds (&launch->owner, has_owner, &fds);
  move_fds (launch->cgroups, head->n_cgroups, &fds);
  move_fds (launch->mounts, head->n_mounts, &fds);
  move_fds (launch->inherit, head->n_inherit, &fds);
  return 1;
}

/* The first message on the launcher's socket, which the keeper keeps for as long as it lives. */
int
keeper_read_launch (int fd, struct keeper_launch *launch)
{
  static uint8_t buffer[ZU_KEEPER_MAX];
  struct zu_wire_header header;
  struct zu_wire_reader r;
  int fds[KEEPER_MAX_FDS];
  unsigned n_fds;
  ssize_t size = keeper_receive (fd, buffer, sizeof buffer, fds, KEEPER_MAX_FDS, &n_fds, NULL);

  if (size < (ssize_t) ZU_WIRE_HEADER_SIZE)
    return 0;
  r = zu_wire_reader (buffer, (size_t) size);
  header.length = zu_wire_get_u32 (&r);
  header.type = (uint16_t) zu_wire_get (&r, 2);
  header.flags = (uint16_t) zu_wire_get (&r, 2);
  header.id = zu_wire_get_u32 (&r);
  if (header.length != (size_t) size || header.type != ZU_KEEPER_LAUNCH
      || header.flags & ~ZU_KEEPER_LAUNCH_FLAGS || !zu_keeper_get_launch (&r, &launch->head)
      || !place_fds (launch, header.flags, fds, n_fds))
    return 0;
  launch->drops = (header.flags & ZU_KEEPER_LAUNCH_DROP) != 0;
  launch->by_engine = (header.flags & ZU_KEEPER_LAUNCH_ENGINE) != 0;
  if (launch->by_engine && (launch->head.argc != 2 || launch->head.n_inherit != 1))
    return 0;
  launch->state_path = zu_wire_get_string (&r);
  launch->epilogue = zu_wire_get_string (&r);
  for (unsigned i = 0; i < launch->head.n_cgroups; i++)
    launch->cgroup_paths[i] = zu_wire_get_string (&r);
  for (unsigned i = 0; i < launch->head.argc; i++)
    launch->argv[i] = (char *) zu_wire_get_string (&r);
  launch->go = (uint8_t *) r.at;
  launch->go_size = (size_t) (r.end - r.at);
  return !r.bad && launch->go_size >= ZU_WIRE_HEADER_SIZE;
}
