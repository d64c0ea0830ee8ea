/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "zu-proxy-watch.h"

G_BEGIN_DECLS

/* Pipes that nobody has anything in. */
typedef struct
{
  GArray *free; /* of int[2] */
  guint n_made;
} ZuProxyPipes;

void zu_proxy_pipes_init (ZuProxyPipes *self);
void zu_proxy_pipes_clear (ZuProxyPipes *self);

/* One direction of a tunnel; it has a pipe only while there is something on its way. */
typedef struct
{
  int pipe[2];
  gsize in_pipe;
  guint64 bytes;
  gboolean is_ended; /* nothing more comes */
  gboolean is_shut;  /* and the other side knows */
} ZuProxyRelay;

typedef enum
{
  ZU_PROXY_RELAY_WAITS, /* until one of the two is ready */
  ZU_PROXY_RELAY_GOES,  /* it has had its turn, and there is more */
  ZU_PROXY_RELAY_BROKEN,
} ZuProxyRelayStatus;

void zu_proxy_relay_init (ZuProxyRelay *self);
void zu_proxy_relay_clear (ZuProxyRelay *self, ZuProxyPipes *pipes);
ZuProxyRelayStatus zu_proxy_relay_pump (ZuProxyRelay *self, ZuProxyPipes *pipes, ZuProxyWatch *from,
                                        ZuProxyWatch *to, guint64 most);

G_END_DECLS
