/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "zu-rpc-frame.h"

#include <gio/gio.h>

G_BEGIN_DECLS

#define ZU_TYPE_RPC_SERVER (zu_rpc_server_get_type ())
G_DECLARE_FINAL_TYPE (ZuRpcServer, zu_rpc_server, ZU, RPC_SERVER, GObject)

/**
 * ZuRpcHandler:
 * @method: the method's name, as it came
 * @args: its arguments, an object
 * @cancellable: (nullable): a #GCancellable
 * @user_data: what the server was made with
 * @error: return location for an error, whose message becomes the error text of the reply
 *
 * Answers one call. It may run in any of the server's threads.
 *
 * Returns: (transfer full) (nullable): the result, or %NULL with @error set
 */
typedef ZuJson *(*ZuRpcHandler) (const char *method, ZuJson *args, GCancellable *cancellable,
                                 gpointer user_data, GError **error);

ZuRpcServer *zu_rpc_server_new (ZuRpcHandler handler, gpointer user_data, GDestroyNotify destroy);

void zu_rpc_server_set_concurrency (ZuRpcServer *self, guint concurrency);
guint zu_rpc_server_get_concurrency (ZuRpcServer *self);
void zu_rpc_server_set_allowed_uid (ZuRpcServer *self, guint uid);
guint zu_rpc_server_get_allowed_uid (ZuRpcServer *self);

gboolean zu_rpc_server_serve_fd (ZuRpcServer *self, int fd, GCancellable *cancellable,
                                 GError **error);
gboolean zu_rpc_server_listen (ZuRpcServer *self, const char *path, GError **error);
int zu_rpc_server_open_listener (const char *path, GError **error);
void zu_rpc_server_take_listener (ZuRpcServer *self, int fd, const char *path);
gboolean zu_rpc_server_run (ZuRpcServer *self, GCancellable *cancellable, GError **error);

G_END_DECLS
