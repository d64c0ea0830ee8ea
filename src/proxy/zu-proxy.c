/* SPDX-License-Identifier: Apache-2.0 */

#include "zu-proxy.h"

#include "zu-proxy-client.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <unistd.h>

#define N_EVENTS    256
#define N_ACCEPTS   64 /* a turn */
#define TICK_SHORT  50 /* milliseconds, while addresses are being tried */
#define TICK_LONG   500
#define N_REFUSED   64  /* connections above the most, which are told so; others wait */
#define FLUSH_TRIES 200 /* of TICK_SHORT / 5 each, at the end */

static gboolean
fail (GError **error, const char *what)
{
  int number = errno;

  g_set_error (error, G_IO_ERROR, g_io_error_from_errno (number), "%s: %s", what,
               g_strerror (number));
  return FALSE;
}

static void
on_answers (ZuProxyWatch *watch)
{
  ZuProxy *self = watch->owner;

  zu_proxy_resolver_dispatch (self->resolver);
}

static void
on_signals (ZuProxyWatch *watch)
{
  ZuProxy *self = watch->owner;
  struct signalfd_siginfo info;

  if (read (watch->fd, &info, sizeof info) == (gssize) sizeof info)
    self->is_ending = TRUE;
}

static void
on_commits (ZuProxyWatch *watch)
{
  ZuProxy *self = watch->owner;
  gboolean has_ended = FALSE;
  GList *next;

  if (self->failure == NULL
      && !zu_proxy_journal_receive (self->journal, &has_ended, &self->failure))
    return;
  if (has_ended)
    self->is_ending = TRUE;
  for (GList *l = self->clients.head; l != NULL; l = next)
    {
      ZuProxyClient *client = l->data;

      next = l->next;
      if (client->state == ZU_PROXY_REFUSED)
        zu_proxy_client_go_on (client);
    }
}

gboolean
zu_proxy_init (ZuProxy *self, const ZuProxySettings *settings, const ZuEgressRules *rules,
               ZuProxyJournal *journal, ZuProxyResolver *resolver, GError **error)
{
  memset (self, 0, sizeof *self);
  self->settings = *settings;
  self->rules = rules;
  self->journal = journal;
  self->resolver = resolver;
  self->listener.fd = self->answers.fd = self->commits.fd = self->signals.fd = -1;
  zu_proxy_pipes_init (&self->pipes);
  g_queue_init (&self->clients);
  g_queue_init (&self->unfinished);
  g_queue_init (&self->graves);
  self->waste = g_ptr_array_new_with_free_func ((GDestroyNotify) zu_proxy_dial_free);

  self->answers.ready = on_answers;
  self->answers.owner = self;
  self->epoll = epoll_create1 (EPOLL_CLOEXEC);
  if (self->epoll < 0
      || !zu_proxy_watch_add_input (&self->answers, self->epoll,
                                    dup (zu_proxy_resolver_get_fd (resolver))))
    return fail (error, "cannot make the loop");
  return TRUE;
}

static void
bury (ZuProxy *self)
{
  GList *link;

  while ((link = g_queue_pop_head_link (&self->graves)) != NULL)
    zu_proxy_client_free (link->data);
  g_ptr_array_set_size (self->waste, 0);
}

void
zu_proxy_clear (ZuProxy *self)
{
  bury (self);
  zu_proxy_watch_close (&self->listener);
  zu_proxy_watch_close (&self->answers);
  zu_proxy_watch_close (&self->commits);
  zu_proxy_watch_close (&self->signals);
  zu_proxy_pipes_clear (&self->pipes);
  g_ptr_array_unref (self->waste);
  if (self->epoll >= 0)
    close (self->epoll);
  g_clear_error (&self->failure);
}

/* Not told about while nobody more can be let in. */
static void
set_listening (ZuProxy *self, gboolean is_listening)
{
  struct epoll_event event = { .events = is_listening ? EPOLLIN : 0, .data.ptr = &self->listener };

  if (self->is_listening != is_listening)
    epoll_ctl (self->epoll, EPOLL_CTL_MOD, self->listener.fd, &event);
  self->is_listening = is_listening;
}

static void
describe_peer (const struct sockaddr_storage *storage, char peer[ZU_PROXY_PEER_MAX])
{
  const struct sockaddr_in *v4 = (const struct sockaddr_in *) storage;
  const struct sockaddr_in6 *v6 = (const struct sockaddr_in6 *) storage;
  char text[INET6_ADDRSTRLEN];

  if (storage->ss_family == AF_INET)
    g_snprintf (peer, ZU_PROXY_PEER_MAX, "%s:%u",
                inet_ntop (AF_INET, &v4->sin_addr, text, sizeof text), ntohs (v4->sin_port));
  else if (storage->ss_family == AF_INET6)
    g_snprintf (peer, ZU_PROXY_PEER_MAX, "[%s]:%u",
                inet_ntop (AF_INET6, &v6->sin6_addr, text, sizeof text), ntohs (v6->sin6_port));
  else
    g_strlcpy (peer, "local", ZU_PROXY_PEER_MAX);
}

static gboolean
accept_one (ZuProxy *self)
{
  struct sockaddr_storage storage = { .ss_family = AF_UNSPEC };
  socklen_t size = sizeof storage;
  char peer[ZU_PROXY_PEER_MAX];
  int fd = accept4 (self->listener.fd, (struct sockaddr *) &storage, &size,
                    SOCK_NONBLOCK | SOCK_CLOEXEC);

  if (fd < 0)
    {
      if (errno == EMFILE || errno == ENFILE || errno == ENOBUFS || errno == ENOMEM)
        set_listening (self, FALSE);
      return errno == EINTR || errno == ECONNABORTED;
    }
  describe_peer (&storage, peer);
  zu_proxy_client_accept (self, fd, peer);
  return TRUE;
}

/* Whether nobody more is let in for now. */
static gboolean
is_full (ZuProxy *self)
{
  return zu_proxy_journal_is_full (self->journal)
         || self->clients.length >= self->settings.max_clients + N_REFUSED;
}

static void
on_listener (ZuProxyWatch *watch)
{
  ZuProxy *self = watch->owner;

  for (guint i = 0; i < N_ACCEPTS && self->is_listening; i++)
    if (is_full (self))
      set_listening (self, FALSE);
    else if (!accept_one (self))
      return;
}

/* Takes a listening socket. */
gboolean
zu_proxy_listen (ZuProxy *self, int fd, GError **error)
{
  self->listener.ready = on_listener;
  self->listener.owner = self;
  self->is_listening = TRUE;
  return zu_proxy_watch_add_input (&self->listener, self->epoll, fd)
         || fail (error, "cannot listen");
}

/* Takes the journal's socket. */
gboolean
zu_proxy_watch_commits (ZuProxy *self, int fd, GError **error)
{
  self->commits.ready = on_commits;
  self->commits.owner = self;
  return zu_proxy_watch_add_input (&self->commits, self->epoll, fd)
         || fail (error, "cannot watch the control socket");
}

/* Takes a signalfd, any signal of which ends the loop. */
gboolean
zu_proxy_watch_signals (ZuProxy *self, int fd, GError **error)
{
  self->signals.ready = on_signals;
  self->signals.owner = self;
  return zu_proxy_watch_add_input (&self->signals, self->epoll, fd)
         || fail (error, "cannot watch signals");
}

static void
sweep (ZuProxy *self)
{
  GList *next;

  for (GList *l = self->clients.head; l != NULL; l = next)
    {
      next = l->next;
      zu_proxy_client_tick (l->data);
    }
  if (self->listener.fd >= 0 && !is_full (self))
    set_listening (self, TRUE);
}

static int
get_tick (ZuProxy *self)
{
  if (self->n_dialling > 0)
    return TICK_SHORT;
  return self->clients.length > 0 || !self->is_listening ? TICK_LONG : -1;
}

static void
take_turns (ZuProxy *self)
{
  guint n = self->unfinished.length;

  for (guint i = 0; i < n && self->unfinished.length > 0; i++)
    {
      ZuProxyClient *client = g_queue_pop_head_link (&self->unfinished)->data;

      client->is_unfinished = FALSE;
      zu_proxy_client_go_on (client);
    }
}

static void
dispatch (const struct epoll_event *event)
{
  ZuProxyWatch *watch = event->data.ptr;

  if (watch->fd < 0)
    return;
  if (event->events & (EPOLLIN | EPOLLRDHUP | EPOLLHUP | EPOLLERR))
    watch->is_readable = TRUE;
  if (event->events & (EPOLLOUT | EPOLLHUP | EPOLLERR))
    watch->is_writable = TRUE;
  watch->ready (watch);
}

static gboolean
turn (ZuProxy *self, GError **error)
{
  struct epoll_event events[N_EVENTS];
  int n =
      epoll_wait (self->epoll, events, N_EVENTS, self->unfinished.length > 0 ? 0 : get_tick (self));

  if (n < 0 && errno != EINTR)
    return fail (error, "cannot wait");
  self->now = g_get_monotonic_time ();
  for (int i = 0; i < n; i++)
    dispatch (&events[i]);
  take_turns (self);
  if (self->now >= self->next_sweep)
    {
      sweep (self);
      self->next_sweep = self->now + get_tick (self) * 1000;
    }
  bury (self);
  return zu_proxy_journal_flush (self->journal, error);
}

/* What was decided is told to the end, for a while. */
static gboolean
finish (ZuProxy *self, GError **error)
{
  for (GList *l; (l = self->clients.head) != NULL;)
    {
      ZuProxyClient *client = l->data;

      zu_proxy_client_set_reason (client, ZU_EGRESS_PROXY_ENDED);
      zu_proxy_client_end (client);
    }
  bury (self);
  for (guint i = 0; i < FLUSH_TRIES; i++)
    {
      if (!zu_proxy_journal_flush (self->journal, error))
        return FALSE;
      if (zu_proxy_journal_is_flushed (self->journal))
        return TRUE;
      poll (NULL, 0, TICK_SHORT / 5);
    }
  errno = ETIMEDOUT;
  return fail (error, "cannot tell what was decided");
}

/* Until a signal comes or the journal's reader goes. */
gboolean
zu_proxy_run (ZuProxy *self, GError **error)
{
  self->now = g_get_monotonic_time ();
  while (!self->is_ending)
    {
      if (!turn (self, error))
        return FALSE;
      if (self->failure != NULL)
        {
          g_propagate_error (error, g_steal_pointer (&self->failure));
          return FALSE;
        }
    }
  return finish (self, error);
}
