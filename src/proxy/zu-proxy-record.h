/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "zu-egress-judge.h"

G_BEGIN_DECLS

#define ZU_PROXY_PEER_MAX 64

/* What is told of one connection: what the client wanted, and what came of it. */
typedef struct
{
  gint64 time;  /* microseconds since 1970 */
  gint64 began; /* the same moment, on the clock that only goes on */
  char client[ZU_PROXY_PEER_MAX];
  ZuHost host; /* BAD where the request was not understood */
  guint16 port;
  ZuEgressScheme scheme;
  gboolean has_address;
  ZuAddress address; /* the one that was dialled, or that was the reason */
  ZuEgressVerdict verdict;
  gboolean has_ech;
  guint64 bytes_in;  /* to the client */
  guint64 bytes_out; /* from the client */
} ZuProxyRecord;

void zu_proxy_record_begin (ZuProxyRecord *self, const char *client);
void zu_proxy_record_write (const ZuProxyRecord *self, guint64 id, GString *out);

G_END_DECLS
