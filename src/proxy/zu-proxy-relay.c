/* SPDX-License-Identifier: Apache-2.0 */

#include "zu-proxy-relay.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/socket.h>
#include <unistd.h>

#define PIPE_SIZE (256 * 1024)
#define N_LARGE   64 /* the kernel gives a user only so much memory for pipes */
#define MAX_FREE  64
#define TURN      (1024 * 1024) /* bytes after which others have theirs */

void
zu_proxy_pipes_init (ZuProxyPipes *self)
{
  self->free = g_array_new (FALSE, FALSE, 2 * sizeof (int));
  self->n_made = 0;
}

void
zu_proxy_pipes_clear (ZuProxyPipes *self)
{
  for (guint i = 0; i < self->free->len * 2; i++)
    close (((int *) (gpointer) self->free->data)[i]);
  g_array_unref (self->free);
}

static gboolean
take_pipe (ZuProxyPipes *self, int ends[2])
{
  if (self->free->len > 0)
    {
      int *last = (int *) (gpointer) self->free->data + 2 * (self->free->len - 1);

      ends[0] = last[0];
      ends[1] = last[1];
      g_array_set_size (self->free, self->free->len - 1);
      return TRUE;
    }
  if (pipe2 (ends, O_NONBLOCK | O_CLOEXEC) != 0)
    {
      ends[0] = ends[1] = -1;
      return FALSE;
    }
  if (self->n_made++ < N_LARGE)
    (void) fcntl (ends[1], F_SETPIPE_SZ, PIPE_SIZE);
  return TRUE;
}

static void
give_back (ZuProxyPipes *self, int ends[2])
{
  if (self->free->len < MAX_FREE)
    g_array_append_vals (self->free, ends, 1);
  else
    {
      close (ends[0]);
      close (ends[1]);
    }
  ends[0] = ends[1] = -1;
}

void
zu_proxy_relay_init (ZuProxyRelay *self)
{
  *self = (ZuProxyRelay){ .pipe = { -1, -1 } };
}

/* A pipe that still has something in it is nobody else's. */
void
zu_proxy_relay_clear (ZuProxyRelay *self, ZuProxyPipes *pipes)
{
  if (self->pipe[0] < 0)
    return;
  if (self->in_pipe == 0)
    {
      give_back (pipes, self->pipe);
      return;
    }
  close (self->pipe[0]);
  close (self->pipe[1]);
  self->pipe[0] = self->pipe[1] = -1;
}

/* FALSE where the connection is broken. */
static gboolean
fill (ZuProxyRelay *self, ZuProxyPipes *pipes, ZuProxyWatch *from)
{
  gssize n;

  if (self->pipe[0] < 0 && !take_pipe (pipes, self->pipe))
    return FALSE;
  n = splice (from->fd, NULL, self->pipe[1], NULL, PIPE_SIZE, SPLICE_F_MOVE | SPLICE_F_NONBLOCK);
  if (n > 0)
    self->in_pipe += (gsize) n;
  else if (n == 0)
    self->is_ended = TRUE;
  else if (errno == EAGAIN)
    from->is_readable = FALSE;
  else
    return errno == EINTR;
  return TRUE;
}

static gboolean
drain (ZuProxyRelay *self, ZuProxyWatch *to, guint64 most)
{
  gssize n = splice (self->pipe[0], NULL, to->fd, NULL, MIN (self->in_pipe, most),
                     SPLICE_F_MOVE | SPLICE_F_NONBLOCK);

  if (n > 0)
    {
      self->in_pipe -= (gsize) n;
      self->bytes += (guint64) n;
    }
  else if (n < 0 && errno == EAGAIN)
    to->is_writable = FALSE;
  else
    return n < 0 && errno == EINTR;
  return TRUE;
}

/* Moves what can be moved, at most MOST bytes. Nothing is read while the other side takes nothing,
 * and the end of one direction is passed on without ending the other. */
ZuProxyRelayStatus
zu_proxy_relay_pump (ZuProxyRelay *self, ZuProxyPipes *pipes, ZuProxyWatch *from, ZuProxyWatch *to,
                     guint64 most)
{
  guint64 start = self->bytes;

  most = MIN (most, TURN);
  while (self->bytes - start < most)
    {
      if (self->in_pipe == 0 && !self->is_ended && from->is_readable)
        {
          if (!fill (self, pipes, from))
            return ZU_PROXY_RELAY_BROKEN;
        }
      if (self->in_pipe == 0 || !to->is_writable)
        break;
      if (!drain (self, to, most - (self->bytes - start)))
        return ZU_PROXY_RELAY_BROKEN;
    }

  if (self->in_pipe == 0 && self->pipe[0] >= 0)
    give_back (pipes, self->pipe);
  if (self->is_ended && self->in_pipe == 0 && !self->is_shut)
    {
      shutdown (to->fd, SHUT_WR);
      self->is_shut = TRUE;
    }
  return self->bytes - start >= TURN ? ZU_PROXY_RELAY_GOES : ZU_PROXY_RELAY_WAITS;
}
