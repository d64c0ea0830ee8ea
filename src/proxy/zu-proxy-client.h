/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "zu-http-body.h"
#include "zu-proxy-buffer.h"
#include "zu-proxy-dial.h"
#include "zu-proxy.h"

G_BEGIN_DECLS

typedef enum
{
  ZU_PROXY_HEAD,      /* reads a request */
  ZU_PROXY_RESOLVING, /* its host */
  ZU_PROXY_DIALLING,  /* one of its addresses */
  ZU_PROXY_HELLO,     /* reads what a tunnel begins with */
  ZU_PROXY_TUNNEL,
  ZU_PROXY_EXCHANGE, /* one request and its answer */
  ZU_PROXY_REFUSED,  /* waits until that is committed */
  ZU_PROXY_ANSWERED, /* says its last words */
  ZU_PROXY_LINGERS,  /* until the client has them, too */
  ZU_PROXY_DEAD,
} ZuProxyState;

typedef struct
{
  ZuProxy *proxy;
  GList link;
  GList turn;
  gboolean is_unfinished;
  ZuProxyState state;
  gint64 deadline; /* of the state; 0 is none */
  gint64 last_active;
  char peer[ZU_PROXY_PEER_MAX];

  ZuProxyWatch client;
  ZuProxyWatch server;
  ZuHost server_host; /* whom the server's connection is to */
  guint16 server_port;
  ZuAddress server_address;

  ZuProxyBuffer in; /* from the client, and not understood yet */
  gsize looked_at;
  ZuProxyBuffer to_server;
  ZuProxyBuffer from_server;
  ZuProxyBuffer to_client;

  gboolean is_recorded; /* the record was written already */
  ZuProxyRecord record;
  guint64 refusal_id;
  ZuProxyLookup *lookup;
  ZuProxyDial *dial;

  ZuProxyRelay up;
  ZuProxyRelay down;

  /* Of the exchange: */
  gboolean is_for_head;
  gboolean is_client_kept;
  gboolean is_server_kept;
  gboolean has_answer;
  gboolean is_client_ended; /* it sends nothing more */
  gboolean is_server_ended;
  ZuHttpBody request_body;
  ZuHttpBody answer_body;
  gboolean is_request_done;
  gboolean is_answer_done;
} ZuProxyClient;

void zu_proxy_client_accept (ZuProxy *proxy, int fd, const char *peer);
void zu_proxy_client_go_on (ZuProxyClient *self);
void zu_proxy_client_tick (ZuProxyClient *self);
void zu_proxy_client_free (ZuProxyClient *self);

/* What the states share. */
void zu_proxy_client_enter (ZuProxyClient *self, ZuProxyState state, guint timeout_ms);
void zu_proxy_client_set_reason (ZuProxyClient *self, ZuEgressReason reason);
void zu_proxy_client_refuse (ZuProxyClient *self, ZuEgressReason reason);
void zu_proxy_client_refuse_tunnel (ZuProxyClient *self, ZuEgressReason reason, gboolean is_tls);
void zu_proxy_client_record (ZuProxyClient *self);
void zu_proxy_client_end (ZuProxyClient *self);
guint64 zu_proxy_client_get_left (ZuProxyClient *self);
gboolean zu_proxy_client_count (ZuProxyClient *self, guint64 bytes);
void zu_proxy_client_await_turn (ZuProxyClient *self);

void zu_proxy_client_on_server (ZuProxyWatch *watch);

void zu_proxy_target_reach (ZuProxyClient *self);

void zu_proxy_tunnel_begin (ZuProxyClient *self);
void zu_proxy_tunnel_hello (ZuProxyClient *self);
void zu_proxy_tunnel_pump (ZuProxyClient *self);

gboolean zu_proxy_exchange_prepare (ZuProxyClient *self, const ZuHttpHead *head);
void zu_proxy_exchange_begin (ZuProxyClient *self);
void zu_proxy_exchange_pump (ZuProxyClient *self);

G_END_DECLS
