/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "zu-rpc-server.h"

G_BEGIN_DECLS

#pragma GCC visibility push(hidden)

/* Serves one connection in the calling thread, and in up to concurrency - 1 more, until the peer
 * has sent its last request and all are answered. Closes the descriptor. */
gboolean zu_rpc_connection_serve (int fd, guint concurrency, ZuRpcHandler handler,
                                  gpointer user_data, GCancellable *cancellable, GError **error);

#pragma GCC visibility pop

G_END_DECLS
