/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "zu-rpc-frame.h"

#include <gio/gio.h>

G_BEGIN_DECLS

#define ZU_TYPE_RPC_CLIENT (zu_rpc_client_get_type ())
G_DECLARE_FINAL_TYPE (ZuRpcClient, zu_rpc_client, ZU, RPC_CLIENT, GObject)

ZuRpcClient *zu_rpc_client_new_for_fd (int fd);
ZuRpcClient *zu_rpc_client_new_for_path (const char *path, GError **error);

ZuJson *zu_rpc_client_call (ZuRpcClient *self, const char *method, ZuJson *args,
                            GCancellable *cancellable, GError **error);
void zu_rpc_client_call_async (ZuRpcClient *self, const char *method, ZuJson *args,
                               GCancellable *cancellable, GAsyncReadyCallback callback,
                               gpointer user_data);
ZuJson *zu_rpc_client_call_finish (ZuRpcClient *self, GAsyncResult *result, GError **error);

void zu_rpc_client_close (ZuRpcClient *self);
gboolean zu_rpc_client_is_closed (ZuRpcClient *self);

G_END_DECLS
