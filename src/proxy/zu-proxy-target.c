/* SPDX-License-Identifier: Apache-2.0 */

/* From a request that is allowed to a connection to its host. */

#include "zu-proxy-client.h"

#include <errno.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>

static void
begin (ZuProxyClient *self)
{
  if (self->record.scheme == ZU_EGRESS_SCHEME_CONNECT)
    zu_proxy_tunnel_begin (self);
  else
    zu_proxy_exchange_begin (self);
}

/* The descriptor goes from the attempt's watch to the server's; what it was told is not told again
 * but at the next edge, which this asks for. */
static gboolean
adopt (ZuProxyClient *self, int fd)
{
  struct epoll_event event = { .events = EPOLLIN | EPOLLOUT | EPOLLRDHUP | EPOLLET,
                               .data.ptr = &self->server };

  self->server.fd = fd;
  self->server.is_readable = FALSE;
  self->server.is_writable = TRUE;
  return epoll_ctl (self->proxy->epoll, EPOLL_CTL_MOD, fd, &event) == 0;
}

/* The attempts' watches may still be in the events of this turn, so they are not freed here. */
static void
on_dialled (int fd, const ZuAddress *address, gpointer data)
{
  ZuProxyClient *self = data;

  if (fd < 0)
    {
      zu_proxy_client_refuse (self, ZU_EGRESS_CONNECT_FAILED);
      return;
    }
  self->record.address = *address;
  self->record.has_address = TRUE;
  self->server_host = self->record.host;
  self->server_port = self->record.port;
  self->server_address = *address;
  if (adopt (self, fd))
    begin (self);
  else
    zu_proxy_client_end (self);
}

static void
dial (ZuProxyClient *self, const ZuAddress *addresses, guint n_addresses)
{
  ZuProxy *proxy = self->proxy;

  if (self->dial != NULL)
    g_ptr_array_add (proxy->waste, self->dial);
  self->dial =
      zu_proxy_dial_new (proxy->epoll, addresses, n_addresses, self->record.port, on_dialled, self);
  zu_proxy_client_enter (self, ZU_PROXY_DIALLING, proxy->settings.connect_ms);
  zu_proxy_dial_start (self->dial, proxy->now);
}

/* Only what was judged is dialled, and nothing is resolved a second time. */
static void
on_resolved (const ZuAddress *addresses, guint n_addresses, gboolean has_timed_out, gpointer data)
{
  ZuProxyClient *self = data;
  ZuProxyRecord *record = &self->record;
  ZuAddress good[ZU_PROXY_DIAL_MAX];
  ZuEgressVerdict refusal = { FALSE };
  guint n_good = 0;

  self->lookup = NULL;
  if (n_addresses == 0)
    {
      zu_proxy_client_refuse (self, has_timed_out ? ZU_EGRESS_RESOLUTION_TIMEOUT
                                                  : ZU_EGRESS_RESOLUTION_FAILED);
      return;
    }
  for (guint i = 0; i < n_addresses && n_good < ZU_PROXY_DIAL_MAX; i++)
    {
      ZuEgressVerdict verdict;

      zu_egress_rules_judge_address (self->proxy->rules, &addresses[i], record->port,
                                     record->scheme, &verdict);
      if (verdict.is_allowed)
        good[n_good++] = addresses[i];
      else
        refusal = verdict;
    }
  if (n_good > 0)
    {
      dial (self, good, n_good);
      return;
    }
  record->address = addresses[0];
  record->has_address = TRUE;
  record->verdict = refusal;
  zu_proxy_client_refuse (self, refusal.reason);
}

/* Whether a server has kept still since its last answer. One that has said more, which the next
 * request would take for its answer, or has gone, is not asked again. */
static gboolean
is_silent (const ZuProxyClient *self)
{
  char byte;

  return recv (self->server.fd, &byte, 1, MSG_PEEK | MSG_DONTWAIT) < 0 && errno == EAGAIN;
}

static gboolean
is_there_already (ZuProxyClient *self)
{
  const ZuHost *host = &self->record.host;

  return self->server.fd >= 0 && self->record.scheme == ZU_EGRESS_SCHEME_HTTP
         && self->server_port == self->record.port && self->server_host.kind == host->kind
         && (host->kind == ZU_HOST_NAME
                 ? strcmp (self->server_host.name, host->name) == 0
                 : zu_address_is_equal (&self->server_host.address, &host->address))
         && is_silent (self);
}

/* Connects to the host of the record, unless the connection of the request before is to it. */
void
zu_proxy_target_reach (ZuProxyClient *self)
{
  ZuProxy *proxy = self->proxy;

  if (is_there_already (self))
    {
      self->record.address = self->server_address;
      self->record.has_address = TRUE;
      begin (self);
      return;
    }
  zu_proxy_watch_close (&self->server);
  if (self->record.host.kind == ZU_HOST_ADDRESS)
    {
      dial (self, &self->record.host.address, 1);
      return;
    }
  zu_proxy_client_enter (self, ZU_PROXY_RESOLVING, 0);
  self->lookup =
      zu_proxy_resolver_look_up (proxy->resolver, self->record.host.name, on_resolved, self);
}
