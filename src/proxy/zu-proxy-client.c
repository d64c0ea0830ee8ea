/* SPDX-License-Identifier: Apache-2.0 */

#include "zu-proxy-client.h"

#include "zu-proxy-answer.h"

#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <string.h>
#include <sys/socket.h>

#define LAST_WORDS_MS 5000
#define LINGER_MS     1000
#define CHUNK         (16 * 1024)
#define N_LINGER      16 /* chunks a turn */

static void
on_client (ZuProxyWatch *watch)
{
  zu_proxy_client_go_on (watch->owner);
}

/* In the state that a request is read in, a server only ever closes. */
void
zu_proxy_client_on_server (ZuProxyWatch *watch)
{
  ZuProxyClient *self = watch->owner;

  if (self->state == ZU_PROXY_HEAD && watch->is_readable)
    zu_proxy_watch_close (watch);
  else
    zu_proxy_client_go_on (self);
}

/* Takes FD. */
void
zu_proxy_client_accept (ZuProxy *proxy, int fd, const char *peer)
{
  ZuProxyClient *self = g_new0 (ZuProxyClient, 1);
  const int on = 1;

  self->proxy = proxy;
  self->link.data = self->turn.data = self;
  self->client = (ZuProxyWatch){ .fd = -1, .ready = on_client, .owner = self };
  self->server = (ZuProxyWatch){ .fd = -1, .ready = zu_proxy_client_on_server, .owner = self };
  self->last_active = proxy->now;
  self->is_recorded = TRUE;
  g_strlcpy (self->peer, peer, sizeof self->peer);
  zu_proxy_relay_init (&self->up);
  zu_proxy_relay_init (&self->down);
  g_queue_push_tail_link (&proxy->clients, &self->link);

  (void) setsockopt (fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
  zu_proxy_client_enter (self, ZU_PROXY_HEAD, proxy->settings.request_ms);
  if (!zu_proxy_watch_add (&self->client, proxy->epoll, fd))
    zu_proxy_client_end (self);
}

/* TIMEOUT_MS is for the state; 0 is none. */
void
zu_proxy_client_enter (ZuProxyClient *self, ZuProxyState state, guint timeout_ms)
{
  self->proxy->n_dialling -= self->state == ZU_PROXY_DIALLING;
  self->proxy->n_dialling += state == ZU_PROXY_DIALLING;
  self->state = state;
  self->last_active = self->proxy->now;
  self->deadline = timeout_ms > 0 ? self->proxy->now + timeout_ms * G_TIME_SPAN_MILLISECOND : 0;
}

/* More to do, but others first. */
void
zu_proxy_client_await_turn (ZuProxyClient *self)
{
  if (!self->is_unfinished)
    g_queue_push_tail_link (&self->proxy->unfinished, &self->turn);
  self->is_unfinished = TRUE;
}

/* Why a connection that was allowed has ended. */
void
zu_proxy_client_set_reason (ZuProxyClient *self, ZuEgressReason reason)
{
  if (!self->is_recorded)
    self->record.verdict.reason = reason;
}

void
zu_proxy_client_record (ZuProxyClient *self)
{
  if (self->is_recorded)
    return;
  self->is_recorded = TRUE;
  self->refusal_id = zu_proxy_journal_add (self->proxy->journal, &self->record);
}

static void
let_go (ZuProxyClient *self)
{
  if (self->lookup != NULL)
    zu_proxy_lookup_abandon (g_steal_pointer (&self->lookup));
  if (self->dial != NULL)
    zu_proxy_dial_stop (self->dial);
  zu_proxy_watch_close (&self->server);
}

/* Nothing may be done with it afterwards; its memory stays until the turn is over. */
void
zu_proxy_client_end (ZuProxyClient *self)
{
  if (self->state == ZU_PROXY_DEAD)
    return;
  self->record.bytes_out += self->up.bytes;
  self->record.bytes_in += self->down.bytes;
  zu_proxy_client_record (self);
  zu_proxy_client_enter (self, ZU_PROXY_DEAD, 0);
  let_go (self);
  zu_proxy_watch_close (&self->client);
  zu_proxy_relay_clear (&self->up, &self->proxy->pipes);
  zu_proxy_relay_clear (&self->down, &self->proxy->pipes);
  if (self->is_unfinished)
    g_queue_unlink (&self->proxy->unfinished, &self->turn);
  g_queue_unlink (&self->proxy->clients, &self->link);
  g_queue_push_tail_link (&self->proxy->graves, &self->link);
}

void
zu_proxy_client_free (ZuProxyClient *self)
{
  zu_proxy_buffer_clear (&self->in);
  zu_proxy_buffer_clear (&self->to_server);
  zu_proxy_buffer_clear (&self->from_server);
  zu_proxy_buffer_clear (&self->to_client);
  g_clear_pointer (&self->dial, zu_proxy_dial_free);
  g_free (self);
}

/* How many bytes all connections together may still move. */
guint64
zu_proxy_client_get_left (ZuProxyClient *self)
{
  ZuProxy *proxy = self->proxy;

  if (proxy->settings.max_bytes == 0)
    return G_MAXUINT64;
  return proxy->settings.max_bytes - MIN (proxy->settings.max_bytes, proxy->n_bytes);
}

/* FALSE where that is used up, and this connection has ended because of it. */
gboolean
zu_proxy_client_count (ZuProxyClient *self, guint64 bytes)
{
  ZuProxy *proxy = self->proxy;

  if (bytes > 0)
    self->last_active = proxy->now;
  proxy->n_bytes += bytes;
  if (zu_proxy_client_get_left (self) > 0)
    return TRUE;
  zu_proxy_client_set_reason (self, ZU_EGRESS_BYTE_LIMIT);
  zu_proxy_client_end (self);
  return FALSE;
}

/* No answer leaves before what was decided is committed. */
static void
commit_refusal (ZuProxyClient *self)
{
  ZuProxy *proxy = self->proxy;

  let_go (self);
  zu_proxy_client_record (self);
  zu_proxy_client_enter (self, ZU_PROXY_REFUSED, 0);
  if (proxy->failure == NULL)
    zu_proxy_journal_flush (proxy->journal, &proxy->failure);
  zu_proxy_client_go_on (self);
}

/* What no rule is to blame for. */
static gboolean
is_failure (ZuEgressReason reason)
{
  return reason == ZU_EGRESS_RESOLUTION_FAILED || reason == ZU_EGRESS_RESOLUTION_TIMEOUT
         || reason == ZU_EGRESS_CONNECT_FAILED || reason == ZU_EGRESS_CONNECT_TIMEOUT
         || reason == ZU_EGRESS_BAD_RESPONSE;
}

static void
set_refused (ZuProxyClient *self, ZuEgressReason reason)
{
  self->record.verdict.is_allowed &= is_failure (reason);
  self->record.verdict.reason = reason;
}

/* Answers a request with a no. */
void
zu_proxy_client_refuse (ZuProxyClient *self, ZuEgressReason reason)
{
  set_refused (self, reason);
  zu_proxy_buffer_clear (&self->to_client);
  zu_proxy_answer_refuse (&self->record, &self->to_client);
  commit_refusal (self);
}

/* The same where the tunnel was there already; TLS has words for it. */
void
zu_proxy_client_refuse_tunnel (ZuProxyClient *self, ZuEgressReason reason, gboolean is_tls)
{
  static const guint8 unrecognized_name[] = { 21, 3, 3, 0, 2, 2, 112 }; /* RFC 8446, section 6 */

  set_refused (self, reason);
  if (is_tls)
    zu_proxy_buffer_append (&self->to_client, unrecognized_name, sizeof unrecognized_name);
  commit_refusal (self);
}

static void
judge (ZuProxyClient *self)
{
  ZuProxyRecord *record = &self->record;
  ZuProxy *proxy = self->proxy;

  zu_egress_rules_judge_host (proxy->rules, &record->host, record->port, record->scheme,
                              &record->verdict);
  if (proxy->settings.is_observing)
    set_refused (self, ZU_EGRESS_OBSERVED);
  if (record->host.kind == ZU_HOST_ADDRESS)
    {
      record->has_address = TRUE;
      record->address = record->host.address;
    }
}

/* Each request of a connection is judged by itself. */
static void
take_request (ZuProxyClient *self, gsize size)
{
  ZuProxyRecord *record = &self->record;
  gboolean is_too_many = self->proxy->clients.length > self->proxy->settings.max_clients;
  ZuHttpHead head;

  zu_proxy_record_begin (record, self->peer);
  self->is_recorded = FALSE;
  if (zu_http_read_request (&head, (const char *) zu_proxy_buffer_get_data (&self->in), size)
      != ZU_HTTP_DONE)
    {
      zu_proxy_client_refuse (self, ZU_EGRESS_BAD_REQUEST);
      return;
    }
  record->host = head.host;
  record->port = head.port;
  record->scheme = head.is_connect ? ZU_EGRESS_SCHEME_CONNECT : ZU_EGRESS_SCHEME_HTTP;
  judge (self);
  if (record->verdict.is_allowed && is_too_many)
    set_refused (self, ZU_EGRESS_TOO_MANY);
  if (!record->verdict.is_allowed)
    zu_proxy_client_refuse (self, record->verdict.reason);
  else if (head.is_connect || zu_proxy_exchange_prepare (self, &head))
    {
      zu_proxy_buffer_drop (&self->in, size);
      self->looked_at = 0;
      zu_proxy_target_reach (self);
    }
}

static void
refuse_unread (ZuProxyClient *self, ZuEgressReason reason)
{
  zu_proxy_record_begin (&self->record, self->peer);
  self->is_recorded = FALSE;
  zu_proxy_client_refuse (self, reason);
}

/* FALSE where there is nothing to read for now, or it was the end. */
static gboolean
receive (ZuProxyClient *self)
{
  gboolean is_first = self->in.length == 0;
  gssize n = zu_proxy_buffer_receive (&self->in, self->client.fd, CHUNK);

  /* Between requests a client may be silent for long, but within one it may not. */
  if (n > 0 && is_first)
    zu_proxy_client_enter (self, ZU_PROXY_HEAD, self->proxy->settings.request_ms);
  if (n > 0)
    return TRUE;
  if (n < 0 && errno == EINTR)
    return TRUE;
  self->client.is_readable = FALSE;
  if (n == 0 || errno != EAGAIN)
    zu_proxy_client_end (self);
  return FALSE;
}

static void
read_head (ZuProxyClient *self)
{
  while (self->state == ZU_PROXY_HEAD)
    {
      ZuHttpStatus status = zu_http_find_end ((const char *) zu_proxy_buffer_get_data (&self->in),
                                              self->in.length, &self->looked_at);

      if (self->looked_at > self->proxy->settings.max_head)
        refuse_unread (self, ZU_EGRESS_HEADER_TOO_LARGE);
      else if (status == ZU_HTTP_DONE)
        take_request (self, self->looked_at);
      else if (status == ZU_HTTP_BAD)
        refuse_unread (self, ZU_EGRESS_BAD_REQUEST);
      else if (!self->client.is_readable || !receive (self))
        return;
    }
}

/* Whoever goes on sending has others served in between. */
static void
linger (ZuProxyClient *self)
{
  char waste[CHUNK];
  gssize n = 1;

  for (guint i = 0; n > 0 && i < N_LINGER && self->client.is_readable; i++)
    n = recv (self->client.fd, waste, sizeof waste, MSG_DONTWAIT);
  if (n > 0 && self->client.is_readable)
    zu_proxy_client_await_turn (self);
  if (n > 0)
    return;
  self->client.is_readable = FALSE;
  if (n == 0 || errno != EAGAIN)
    zu_proxy_client_end (self);
}

/* Then the connection ends, but not before the client has read why. */
static void
say_last_words (ZuProxyClient *self)
{
  while (self->to_client.length > 0 && self->client.is_writable)
    if (zu_proxy_buffer_send (&self->to_client, self->client.fd) < 0)
      {
        if (errno != EAGAIN && errno != EINTR)
          {
            zu_proxy_client_end (self);
            return;
          }
        self->client.is_writable = errno == EINTR;
      }
  if (self->to_client.length > 0)
    return;
  shutdown (self->client.fd, SHUT_WR);
  zu_proxy_client_enter (self, ZU_PROXY_LINGERS, LINGER_MS);
  linger (self);
}

/* Does whatever can be done now. */
void
zu_proxy_client_go_on (ZuProxyClient *self)
{
  switch (self->state)
    {
    case ZU_PROXY_HEAD:
      read_head (self);
      break;
    case ZU_PROXY_HELLO:
      zu_proxy_tunnel_hello (self);
      break;
    case ZU_PROXY_TUNNEL:
      zu_proxy_tunnel_pump (self);
      break;
    case ZU_PROXY_EXCHANGE:
      zu_proxy_exchange_pump (self);
      break;
    case ZU_PROXY_REFUSED:
      if (!zu_proxy_journal_is_committed (self->proxy->journal, self->refusal_id))
        break;
      zu_proxy_client_enter (self, ZU_PROXY_ANSWERED, LAST_WORDS_MS);
      say_last_words (self);
      break;
    case ZU_PROXY_ANSWERED:
      say_last_words (self);
      break;
    case ZU_PROXY_LINGERS:
      linger (self);
      break;
    default:
      break;
    }
}

static void
on_deadline (ZuProxyClient *self)
{
  switch (self->state)
    {
    case ZU_PROXY_HEAD:
      if (self->in.length > 0)
        refuse_unread (self, ZU_EGRESS_REQUEST_TIMEOUT);
      else
        zu_proxy_client_end (self);
      break;
    case ZU_PROXY_DIALLING:
      zu_proxy_client_refuse (self, ZU_EGRESS_CONNECT_TIMEOUT);
      break;
    case ZU_PROXY_HELLO:
      zu_proxy_client_refuse_tunnel (self, ZU_EGRESS_REQUEST_TIMEOUT, FALSE);
      break;
    default:
      zu_proxy_client_end (self);
    }
}

static gboolean
is_moving (const ZuProxyClient *self)
{
  return self->state == ZU_PROXY_HELLO || self->state == ZU_PROXY_TUNNEL
         || self->state == ZU_PROXY_EXCHANGE;
}

/* Now and then. */
void
zu_proxy_client_tick (ZuProxyClient *self)
{
  ZuProxy *proxy = self->proxy;
  gboolean is_idle =
      proxy->now - self->last_active > proxy->settings.idle_ms * G_TIME_SPAN_MILLISECOND;

  if (self->state == ZU_PROXY_DIALLING && self->dial != NULL)
    zu_proxy_dial_tick (self->dial, proxy->now);
  if (self->deadline != 0 && proxy->now >= self->deadline)
    on_deadline (self);
  else if (is_idle && self->deadline == 0 && is_moving (self))
    {
      zu_proxy_client_set_reason (self, ZU_EGRESS_IDLE_TIMEOUT);
      zu_proxy_client_end (self);
    }
}
