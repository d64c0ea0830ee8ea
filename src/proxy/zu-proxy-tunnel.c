/* SPDX-License-Identifier: Apache-2.0 */

#include "zu-client-hello.h"
#include "zu-proxy-client.h"

#include <errno.h>
#include <string.h>

#define CHUNK (16 * 1024)

static const char established[] = "HTTP/1.1 200 Connection established\r\n\r\n";

/* A tunnel to an address has no name that a handshake could be compared with. */
static gboolean
is_to_name (const ZuProxyClient *self)
{
  return self->record.host.kind == ZU_HOST_NAME;
}

static gboolean
is_required (const ZuProxyClient *self)
{
  return is_to_name (self) && self->proxy->settings.sni == ZU_PROXY_SNI_REQUIRE;
}

void
zu_proxy_tunnel_begin (ZuProxyClient *self)
{
  ZuProxy *proxy = self->proxy;

  zu_proxy_buffer_append (&self->to_client, established, sizeof established - 1);
  if (proxy->settings.sni == ZU_PROXY_SNI_OFF)
    zu_proxy_client_enter (self, ZU_PROXY_TUNNEL, 0);
  else
    zu_proxy_client_enter (self, ZU_PROXY_HELLO,
                           is_required (self) ? proxy->settings.request_ms : 0);
  zu_proxy_client_go_on (self);
}

/* Sends what is in a buffer. FALSE where the connection is broken, and was ended. */
static gboolean
flush (ZuProxyClient *self, ZuProxyBuffer *buffer, ZuProxyWatch *to, guint64 *count)
{
  while (buffer->length > 0 && to->is_writable)
    {
      gssize n = zu_proxy_buffer_send (buffer, to->fd);

      if (n > 0)
        {
          if (count != NULL)
            *count += (guint64) n;
          if (!zu_proxy_client_count (self, count != NULL ? (guint64) n : 0))
            return FALSE;
        }
      else if (errno == EAGAIN)
        to->is_writable = FALSE;
      else if (errno != EINTR)
        {
          zu_proxy_client_end (self);
          return FALSE;
        }
    }
  return TRUE;
}

/* One direction. FALSE where the tunnel has ended. */
static gboolean
pump (ZuProxyClient *self, ZuProxyRelay *relay, ZuProxyWatch *from, ZuProxyWatch *to)
{
  guint64 before = relay->bytes;
  ZuProxyRelayStatus status =
      zu_proxy_relay_pump (relay, &self->proxy->pipes, from, to, zu_proxy_client_get_left (self));

  if (!zu_proxy_client_count (self, relay->bytes - before))
    return FALSE;
  if (status == ZU_PROXY_RELAY_BROKEN)
    {
      zu_proxy_client_end (self);
      return FALSE;
    }
  if (status == ZU_PROXY_RELAY_GOES)
    zu_proxy_client_await_turn (self);
  return TRUE;
}

/* The answer to CONNECT, then whatever the server says. */
static gboolean
pump_down (ZuProxyClient *self)
{
  return flush (self, &self->to_client, &self->client, NULL)
         && (self->to_client.length > 0 || pump (self, &self->down, &self->server, &self->client));
}

/* What was read in search of a name, then all that follows. */
static gboolean
pump_up (ZuProxyClient *self)
{
  return flush (self, &self->to_server, &self->server, &self->record.bytes_out)
         && (self->to_server.length > 0 || pump (self, &self->up, &self->client, &self->server));
}

void
zu_proxy_tunnel_pump (ZuProxyClient *self)
{
  if (pump_up (self) && pump_down (self) && self->up.is_shut && self->down.is_shut)
    zu_proxy_client_end (self);
}

static void
pass (ZuProxyClient *self)
{
  zu_proxy_buffer_move (&self->to_server, &self->in, G_MAXUINT64);
  zu_proxy_client_enter (self, ZU_PROXY_TUNNEL, 0);
  zu_proxy_tunnel_pump (self);
}

/* Whether a handshake names the host that the tunnel was asked for. */
static gboolean
is_same_host (const ZuProxyClient *self, const ZuClientHello *hello)
{
  ZuHost host;

  return zu_host_parse (&host, hello->name) && host.kind == ZU_HOST_NAME && is_to_name (self)
         && strcmp (host.name, self->record.host.name) == 0;
}

static void
judge (ZuProxyClient *self, ZuClientHelloStatus status, const ZuClientHello *hello)
{
  self->record.has_ech = hello->has_ech;
  if (status == ZU_CLIENT_HELLO_NOT_TLS && is_required (self))
    zu_proxy_client_refuse_tunnel (self, ZU_EGRESS_NOT_TLS, FALSE);
  else if (status == ZU_CLIENT_HELLO_NOT_TLS)
    pass (self);
  else if (*hello->name == '\0' && is_required (self))
    zu_proxy_client_refuse_tunnel (self, ZU_EGRESS_NO_SNI, TRUE);
  else if (*hello->name != '\0' && !is_same_host (self, hello))
    zu_proxy_client_refuse_tunnel (self, ZU_EGRESS_SNI_MISMATCH, TRUE);
  else
    pass (self);
}

/* FALSE where there is no more for now. */
static gboolean
receive (ZuProxyClient *self)
{
  gssize n = zu_proxy_buffer_receive (&self->in, self->client.fd, CHUNK);

  if (n > 0 || (n < 0 && errno == EINTR))
    return TRUE;
  if (n < 0 && errno == EAGAIN)
    self->client.is_readable = FALSE;
  else if (n < 0)
    zu_proxy_client_end (self);
  else if (self->in.length == 0 && !is_required (self))
    pass (self); /* it only wants to listen; the relay sees the end again */
  else if (self->in.length == 0)
    zu_proxy_client_end (self);
  else
    judge (self, ZU_CLIENT_HELLO_NOT_TLS, &(ZuClientHello){ "" });
  return FALSE;
}

/* Holds back what the client says until it is clear whom it means. A server that speaks first is
 * heard where no handshake has to come before. */
void
zu_proxy_tunnel_hello (ZuProxyClient *self)
{
  gboolean has_more = TRUE;

  if (!flush (self, &self->to_client, &self->client, NULL)
      || (!is_required (self) && !pump_down (self)))
    return;
  while (has_more && self->state == ZU_PROXY_HELLO)
    {
      ZuClientHello hello = { "" };
      ZuClientHelloStatus status = ZU_CLIENT_HELLO_MORE;

      if (self->in.length > 0)
        status =
            zu_client_hello_read (&hello, zu_proxy_buffer_get_data (&self->in), self->in.length);
      if (status != ZU_CLIENT_HELLO_MORE)
        judge (self, status, &hello);
      else
        has_more = self->client.is_readable && receive (self);
    }
}
