/* SPDX-License-Identifier: Apache-2.0 */
#include "zu-socket.h"
#include <errno.h>
#include <netinet/in.h>
#include <signal.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

void
zu_close_fds (int *fds, guint n_fds)
{
  for (guint i = 0; i < n_fds; i++)
    {
      if (fds[i] >= 0)
        close (fds[i]);
      fds[i] = -1;
    }
}

/* As write(), but a reader that has gone is EPIPE and never a signal: the process is not ours. */
gssize
zu_write_quietly (int fd, gconstpointer data, gsize size)
{
  const struct timespec now = { 0, 0 };
  sigset_t pipe, before, pending;
  gboolean was_pending;
  gssize n;
  int failed;

  sigemptyset (&pipe);
  sigaddset (&pipe, SIGPIPE);
  sigpending (&pending);
  was_pending = sigismember (&pending, SIGPIPE) == 1;
  pthread_sigmask (SIG_BLOCK, &pipe, &before);
  n = write (fd, data, size);
  failed = errno;
  if (n < 0 && failed == EPIPE && !was_pending)
    sigtimedwait (&pipe, NULL, &now);
  pthread_sigmask (SIG_SETMASK, &before, NULL);
  errno = failed;
  return n;
}

/* Until the socket is ready or the caller has lost interest. */
static gboolean
wait_until_ready (int fd, short events, GCancellable *cancellable, GError **error)
{
  GPollFD polls[2] = { { fd, (gushort) events, 0 }, { -1, G_IO_IN, 0 } };
  guint n = cancellable && g_cancellable_make_pollfd (cancellable, &polls[1]) ? 2 : 1;
  int got;

  do
    got = g_poll (polls, n, -1);
  while (got < 0 && errno == EINTR);
  if (n == 2)
    g_cancellable_release_fd (cancellable);
  return !g_cancellable_set_error_if_cancelled (cancellable, error);
}

static void
set_socket_error (const char *what, GError **error)
{
  g_set_error (error, G_IO_ERROR, g_io_error_from_errno (errno), "cannot %s a local socket: %s",
               what, g_strerror (errno));
}

/* Sends one message, with descriptors; they stay the caller's. */
gboolean
zu_socket_send (int fd, gconstpointer data, gsize size, const int *fds, guint n_fds,
                GCancellable *cancellable, GError **error)
{
  union
  {
    struct cmsghdr align;
    char space[CMSG_SPACE (sizeof (int) * ZU_SOCKET_MAX_FDS)];
  } control;
  struct iovec io = { (gpointer) data, size };
  struct msghdr header = { .msg_iov = &io, .msg_iovlen = 1 };

  g_return_val_if_fail (n_fds <= ZU_SOCKET_MAX_FDS, FALSE);

  if (n_fds)
    {
      memset (&control, 0, sizeof control);
      header.msg_control = &control;
      header.msg_controllen = CMSG_SPACE (sizeof (int) * n_fds);
      control.align = (struct cmsghdr){ .cmsg_len = CMSG_LEN (sizeof (int) * n_fds),
                                        .cmsg_level = SOL_SOCKET,
                                        .cmsg_type = SCM_RIGHTS };
      memcpy (CMSG_DATA (&control.align), fds, sizeof (int) * n_fds);
    }
  while (sendmsg (fd, &header, MSG_NOSIGNAL | MSG_DONTWAIT) < 0)
    {
      if (errno != EAGAIN && errno != EINTR)
        {
          set_socket_error ("write to", error);
          return FALSE;
        }
      if (errno == EAGAIN && !wait_until_ready (fd, G_IO_OUT, cancellable, error))
        return FALSE;
    }
  return TRUE;
}

/* Whether all that came fits: what does not is closed. */
static gboolean
take_fds (struct msghdr *header, int *fds, guint max_fds, guint *n_fds)
{
  gboolean complete = !(header->msg_flags & (MSG_CTRUNC | MSG_TRUNC));

  for (struct cmsghdr *c = CMSG_FIRSTHDR (header); c; c = CMSG_NXTHDR (header, c))
    {
      gsize n = c->cmsg_len > CMSG_LEN (0) ? (c->cmsg_len - CMSG_LEN (0)) / sizeof (int) : 0;

      if (c->cmsg_level != SOL_SOCKET || c->cmsg_type != SCM_RIGHTS)
        continue;
      for (gsize i = 0; i < n; i++)
        {
          int fd;

          memcpy (&fd, CMSG_DATA (c) + i * sizeof fd, sizeof fd);
          if (*n_fds < max_fds)
            fds[(*n_fds)++] = fd;
          else
            {
              close (fd);
              complete = FALSE;
            }
        }
    }
  return complete;
}

/* Receives one message: its size, 0 where the other end is gone, -1 with an error. A message that
 * is longer than @capacity or brings more than @max_fds descriptors is an error. */
gssize
zu_socket_receive (int fd, gpointer buffer, gsize capacity, int *fds, guint max_fds, guint *n_fds,
                   GCancellable *cancellable, GError **error)
{
  union
  {
    struct cmsghdr align;
    char space[CMSG_SPACE (sizeof (int) * ZU_SOCKET_MAX_FDS)];
  } control;
  struct iovec io = { buffer, capacity };
  struct msghdr header = { .msg_iov = &io, .msg_iovlen = 1 };
  gssize size;

  *n_fds = 0;
  for (;;)
    {
      header.msg_control = &control;
      header.msg_controllen = sizeof control;
      size = recvmsg (fd, &header, MSG_DONTWAIT | MSG_CMSG_CLOEXEC);
      if (size >= 0)
        break;
      if (errno == ECONNRESET)
        return 0;
      if (errno != EAGAIN && errno != EINTR)
        {
          set_socket_error ("read from", error);
          return -1;
        }
      if (errno == EAGAIN && !wait_until_ready (fd, G_IO_IN, cancellable, error))
        return -1;
    }
  if (take_fds (&header, fds, max_fds, n_fds))
    return size;
  zu_close_fds (fds, *n_fds);
  *n_fds = 0;
  g_set_error_literal (error, G_IO_ERROR, G_IO_ERROR_MESSAGE_TOO_LARGE,
                       "a message on a local socket is larger than agreed");
  return -1;
}

static gboolean
has_option (int fd, int option, int value)
{
  socklen_t size = sizeof value;
  int is;

  return getsockopt (fd, SOL_SOCKET, option, &is, &size) == 0 && size == sizeof is && is == value;
}

/* Whether a descriptor from inside a sandbox is a TCP socket that listens on 127.0.0.1 and @port.
 */
gboolean
zu_socket_is_loopback_listener (int fd, guint port)
{
  struct sockaddr_in address = { 0 };
  socklen_t size = sizeof address;

  return fd >= 0 && has_option (fd, SO_DOMAIN, AF_INET) && has_option (fd, SO_TYPE, SOCK_STREAM)
         && has_option (fd, SO_PROTOCOL, IPPROTO_TCP) && has_option (fd, SO_ACCEPTCONN, 1)
         && getsockname (fd, (struct sockaddr *) &address, &size) == 0 && size == sizeof address
         && address.sin_family == AF_INET && address.sin_addr.s_addr == htonl (INADDR_LOOPBACK)
         && ntohs (address.sin_port) == port;
}
