/* SPDX-License-Identifier: Apache-2.0 */

#include "zu-proxy-watch.h"

#include <sys/epoll.h>
#include <unistd.h>

static gboolean
add (ZuProxyWatch *self, int epoll, int fd, guint32 events)
{
  struct epoll_event event = { .events = events, .data.ptr = self };

  self->fd = fd;
  self->is_readable = self->is_writable = FALSE;
  return epoll_ctl (epoll, EPOLL_CTL_ADD, fd, &event) == 0;
}

/* Takes FD, which zu_proxy_watch_close() closes. */
gboolean
zu_proxy_watch_add (ZuProxyWatch *self, int epoll, int fd)
{
  return add (self, epoll, fd, EPOLLIN | EPOLLOUT | EPOLLRDHUP | EPOLLET);
}

/* The same for one that is told about as long as there is something to read. */
gboolean
zu_proxy_watch_add_input (ZuProxyWatch *self, int epoll, int fd)
{
  return add (self, epoll, fd, EPOLLIN);
}

void
zu_proxy_watch_close (ZuProxyWatch *self)
{
  if (self->fd >= 0)
    close (self->fd);
  self->fd = -1;
  self->is_readable = self->is_writable = FALSE;
}
