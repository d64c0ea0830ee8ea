/* SPDX-License-Identifier: Apache-2.0 */

#include "zu-proxy-dial.h"

#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <string.h>
#include <sys/socket.h>

#define STAGGER (250 * 1000) /* microseconds: RFC 8305, section 8 */

struct _ZuProxyDial
{
  int epoll;
  guint16 port;
  ZuProxyDialled func;
  gpointer data;
  ZuAddress addresses[ZU_PROXY_DIAL_MAX];
  ZuProxyWatch attempts[ZU_PROXY_DIAL_MAX];
  guint n_addresses;
  guint n_started;
  gint64 next_at;
  gboolean is_over;
};

/* The families in turn, beginning with that of the first address (RFC 8305, section 4). */
static void
interleave (ZuProxyDial *self, const ZuAddress *addresses, guint n)
{
  gboolean is_taken[ZU_PROXY_DIAL_MAX] = { FALSE };
  guint8 wanted = addresses[0].length;

  for (guint out = 0; out < n; out++)
    {
      guint i = 0;

      while (i < n && (is_taken[i] || addresses[i].length != wanted))
        i++;
      for (guint j = 0; i == n && j < n; j++)
        if (!is_taken[j])
          i = j;
      is_taken[i] = TRUE;
      self->addresses[out] = addresses[i];
      wanted = addresses[i].length == 4 ? 16 : 4;
    }
  self->n_addresses = n;
}

ZuProxyDial *
zu_proxy_dial_new (int epoll, const ZuAddress *addresses, guint n_addresses, guint16 port,
                   ZuProxyDialled func, gpointer data)
{
  ZuProxyDial *self = g_new0 (ZuProxyDial, 1);

  self->epoll = epoll;
  self->port = port;
  self->func = func;
  self->data = data;
  for (guint i = 0; i < ZU_PROXY_DIAL_MAX; i++)
    self->attempts[i].fd = -1;
  interleave (self, addresses, MIN (n_addresses, ZU_PROXY_DIAL_MAX));
  return self;
}

/* Ends the attempts; nobody is told. */
void
zu_proxy_dial_stop (ZuProxyDial *self)
{
  self->is_over = TRUE;
  for (guint i = 0; i < self->n_started; i++)
    zu_proxy_watch_close (&self->attempts[i]);
}

/* Not while an event of its own may still be under way. */
void
zu_proxy_dial_free (ZuProxyDial *self)
{
  zu_proxy_dial_stop (self);
  g_free (self);
}

static socklen_t
fill_address (struct sockaddr_storage *storage, const ZuAddress *address, guint16 port)
{
  struct sockaddr_in *v4 = (struct sockaddr_in *) storage;
  struct sockaddr_in6 *v6 = (struct sockaddr_in6 *) storage;

  memset (storage, 0, sizeof *storage);
  if (address->length == 4)
    {
      v4->sin_family = AF_INET;
      v4->sin_port = htons (port);
      memcpy (&v4->sin_addr, address->bytes, 4);
      return sizeof *v4;
    }
  v6->sin6_family = AF_INET6;
  v6->sin6_port = htons (port);
  memcpy (&v6->sin6_addr, address->bytes, 16);
  return sizeof *v6;
}

static gboolean
is_any_running (ZuProxyDial *self)
{
  for (guint i = 0; i < self->n_started; i++)
    if (self->attempts[i].fd >= 0)
      return TRUE;
  return FALSE;
}

/* The one that answered is the caller's now. */
static void
succeed (ZuProxyDial *self, guint i)
{
  int fd = self->attempts[i].fd;

  self->attempts[i].fd = -1;
  zu_proxy_dial_stop (self);
  self->func (fd, &self->addresses[i], self->data);
}

static void start_next (ZuProxyDial *self, gint64 now);

static void
give_up (ZuProxyDial *self, guint i)
{
  zu_proxy_watch_close (&self->attempts[i]);
  if (self->n_started < self->n_addresses)
    start_next (self, g_get_monotonic_time ());
  else if (!is_any_running (self))
    {
      zu_proxy_dial_stop (self);
      self->func (-1, NULL, self->data);
    }
}

static void
on_ready (ZuProxyWatch *watch)
{
  ZuProxyDial *self = watch->owner;
  guint i = (guint) (watch - self->attempts);
  int number = 0;
  socklen_t size = sizeof number;

  if (self->is_over || watch->fd < 0 || !watch->is_writable)
    return;
  if (getsockopt (watch->fd, SOL_SOCKET, SO_ERROR, &number, &size) == 0 && number == 0)
    succeed (self, i);
  else
    give_up (self, i);
}

static gboolean
start_one (ZuProxyDial *self, guint i)
{
  const ZuAddress *address = &self->addresses[i];
  struct sockaddr_storage storage;
  socklen_t size = fill_address (&storage, address, self->port);
  const int on = 1;
  int fd = socket (address->length == 4 ? AF_INET : AF_INET6,
                   SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, IPPROTO_TCP);

  self->attempts[i].ready = on_ready;
  self->attempts[i].owner = self;
  if (fd < 0)
    return FALSE;
  self->attempts[i].fd = fd;
  (void) setsockopt (fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
  if (connect (fd, (struct sockaddr *) &storage, size) != 0 && errno != EINPROGRESS)
    return FALSE;
  return zu_proxy_watch_add (&self->attempts[i], self->epoll, fd);
}

static void
start_next (ZuProxyDial *self, gint64 now)
{
  guint i = self->n_started++;

  self->next_at = now + STAGGER;
  if (!start_one (self, i))
    give_up (self, i);
}

/* The answer may come before this returns. */
void
zu_proxy_dial_start (ZuProxyDial *self, gint64 now)
{
  start_next (self, now);
}

/* Lets the next address have a try where the last one is slow. */
void
zu_proxy_dial_tick (ZuProxyDial *self, gint64 now)
{
  if (!self->is_over && self->n_started < self->n_addresses && now >= self->next_at)
    start_next (self, now);
}
