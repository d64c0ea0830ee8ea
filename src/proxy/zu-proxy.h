/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "zu-egress-judge.h"
#include "zu-proxy-journal.h"
#include "zu-proxy-relay.h"
#include "zu-proxy-resolver.h"
#include "zu-proxy-watch.h"

G_BEGIN_DECLS

/* How much the name in a TLS handshake counts, for a tunnel to a name. */
typedef enum
{
  ZU_PROXY_SNI_REQUIRE, /* it must be there, and the tunnel's host */
  ZU_PROXY_SNI_CHECK,   /* where it is there, it must be the tunnel's host */
  ZU_PROXY_SNI_OFF,
} ZuProxySni;

typedef struct
{
  guint max_clients;
  guint max_head;    /* bytes of a request's or an answer's head */
  guint request_ms;  /* until a request's head is there, or a tunnel's handshake */
  guint connect_ms;  /* until an address has answered */
  guint idle_ms;     /* without a byte in either direction */
  guint64 max_bytes; /* in all; 0 is no limit */
  ZuProxySni sni;
  gboolean is_observing; /* refuse everything */
} ZuProxySettings;

/* The loop and what its connections share; one thread. */
typedef struct
{
  ZuProxySettings settings;
  const ZuEgressRules *rules;
  ZuProxyJournal *journal;
  ZuProxyResolver *resolver;
  int epoll;
  gint64 now; /* monotonic, of this turn */
  guint64 n_bytes;

  ZuProxyWatch listener;
  ZuProxyWatch answers; /* of the resolver */
  ZuProxyWatch commits;
  ZuProxyWatch signals;
  gboolean is_listening;

  GQueue clients;    /* of ZuProxyClient, by their links */
  GQueue unfinished; /* those that have had their turn, and have more */
  GPtrArray *waste;  /* the same of ZuProxyDial */
  GQueue graves;     /* those that nothing may touch any more, until the turn is over */
  ZuProxyPipes pipes;
  guint n_dialling;
  gint64 next_sweep;
  gboolean is_ending;
  GError *failure;
} ZuProxy;

gboolean zu_proxy_init (ZuProxy *self, const ZuProxySettings *settings, const ZuEgressRules *rules,
                        ZuProxyJournal *journal, ZuProxyResolver *resolver, GError **error);
void zu_proxy_clear (ZuProxy *self);
gboolean zu_proxy_listen (ZuProxy *self, int fd, GError **error);
gboolean zu_proxy_watch_commits (ZuProxy *self, int fd, GError **error);
gboolean zu_proxy_watch_signals (ZuProxy *self, int fd, GError **error);
gboolean zu_proxy_run (ZuProxy *self, GError **error);

G_END_DECLS
