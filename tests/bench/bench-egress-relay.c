/* SPDX-License-Identifier: Apache-2.0 */

/* The least that a relay can do: accept, connect, splice both ways, in one thread and one epoll.
 * And the servers at the other end. */

#include "bench-egress.h"

#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#define PIPE_SIZE (256 * 1024)
#define ANSWER    "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok"

typedef struct _Side Side;

struct _Side
{
  int fd;
  int pipe[2];
  gsize in_pipe;
  gboolean is_ended;
  gboolean is_shut;
  Side *other;
};

static Side *
new_side (int epoll, int fd)
{
  Side *side = g_new0 (Side, 1);
  struct epoll_event event = { .events = EPOLLIN | EPOLLOUT | EPOLLRDHUP | EPOLLET,
                               .data.ptr = side };
  const int on = 1;

  side->fd = fd;
  g_assert_cmpint (pipe2 (side->pipe, O_NONBLOCK | O_CLOEXEC), ==, 0);
  fcntl (side->pipe[1], F_SETPIPE_SZ, PIPE_SIZE);
  setsockopt (fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
  fcntl (fd, F_SETFL, fcntl (fd, F_GETFL) | O_NONBLOCK);
  epoll_ctl (epoll, EPOLL_CTL_ADD, fd, &event);
  return side;
}

static void
accept_one (int epoll, int listener, guint16 to)
{
  int fd = accept4 (listener, NULL, NULL, SOCK_NONBLOCK);
  Side *client, *server;

  if (fd < 0)
    return;
  server = new_side (epoll, egress_connect (to));
  client = new_side (epoll, fd);
  client->other = server;
  server->other = client;
}

static void
pump (Side *from)
{
  for (;;)
    {
      gssize n = 0;

      if (from->in_pipe == 0 && !from->is_ended)
        {
          n = splice (from->fd, NULL, from->pipe[1], NULL, PIPE_SIZE,
                      SPLICE_F_MOVE | SPLICE_F_NONBLOCK);
          from->in_pipe = (gsize) MAX (n, 0);
          from->is_ended = n == 0 || (n < 0 && errno != EAGAIN);
        }
      if (from->in_pipe == 0)
        break;
      n = splice (from->pipe[0], NULL, from->other->fd, NULL, from->in_pipe,
                  SPLICE_F_MOVE | SPLICE_F_NONBLOCK);
      if (n <= 0)
        break;
      from->in_pipe -= (gsize) n;
    }
  if (from->is_ended && from->in_pipe == 0 && !from->is_shut)
    {
      shutdown (from->other->fd, SHUT_WR);
      from->is_shut = TRUE;
    }
}

static void
close_side (Side *side)
{
  close (side->fd);
  close (side->pipe[0]);
  close (side->pipe[1]);
  side->fd = -1;
}

void
egress_serve_relay (int listener, guint16 to)
{
  int epoll = epoll_create1 (0);
  struct epoll_event own = { .events = EPOLLIN, .data.ptr = NULL };

  epoll_ctl (epoll, EPOLL_CTL_ADD, listener, &own);
  for (;;)
    {
      struct epoll_event events[64];
      int n = epoll_wait (epoll, events, G_N_ELEMENTS (events), -1);

      for (int i = 0; i < n; i++)
        {
          Side *side = events[i].data.ptr;

          if (side == NULL)
            accept_one (epoll, listener, to);
          else if (side->fd >= 0)
            {
              pump (side);
              pump (side->other);
              if (side->is_shut && side->other->is_shut)
                {
                  close_side (side->other);
                  close_side (side);
                }
            }
        }
    }
}

static void
answer (int fd, char kind)
{
  static char data[256 * 1024];
  gssize n;

  while ((n = recv (fd, data, sizeof data, 0)) > 0)
    if (kind == 'e')
      egress_send (fd, data, (gsize) n);
    else if (kind == 'h' && n >= 4 && memcmp (data + n - 4, "\r\n\r\n", 4) == 0)
      egress_send (fd, ANSWER, strlen (ANSWER));
}

static gpointer
serve_one (gpointer data)
{
  int fd = GPOINTER_TO_INT (data) >> 8;

  answer (fd, (char) (GPOINTER_TO_INT (data) & 0xff));
  close (fd);
  return NULL;
}

/* s swallows, e echoes, h speaks a little HTTP. */
void
egress_serve_answers (int listener, char kind)
{
  const int on = 1;

  for (;;)
    {
      int fd = accept (listener, NULL, NULL);

      if (fd < 0)
        continue;
      setsockopt (fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
      g_thread_unref (g_thread_new ("serve", serve_one, GINT_TO_POINTER (fd << 8 | kind)));
    }
}
