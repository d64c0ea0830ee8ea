/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "zu-rpc-server.h"

G_BEGIN_DECLS

#pragma GCC visibility push(hidden)

/* What answers, and how. */
typedef struct
{
  guint concurrency;
  gboolean has_anybody; /* who is at the other end speaks for itself alone, whatever it says */
  ZuRpcHandler handler;
  gpointer user_data;
} ZuRpcService;

/* Serves one connection in the calling thread, and in up to concurrency - 1 more, until the peer
 * has sent its last request and all are answered. Closes the descriptor. */
gboolean zu_rpc_connection_serve (int fd, const ZuRpcService *service, GCancellable *cancellable,
                                  GError **error);

#pragma GCC visibility pop

G_END_DECLS
