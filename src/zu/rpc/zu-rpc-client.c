/* SPDX-License-Identifier: Apache-2.0 */

#include "zu-rpc-client.h"

#include "../base/zu-remote.h"
#include "zu-rpc-link-private.h"
#include "zu-rpc-socket-private.h"

/**
 * ZuRpcClient:
 *
 * Calls methods of a peer over a stream socket: JSON in frames, any number of calls in flight.
 *
 * All functions may be used from any thread. A call that blocks writes and reads in its own thread
 * and needs no main loop; of several that wait, one reads for all. Replies are told apart by id.
 *
 * As a [iface@Zu.Remote] it is what the generated proxies of ports speak through.
 *
 * When the peer goes away, or sends what is no reply, every call in flight and every later one gets
 * an error. A call that was cancelled may have been carried out.
 */

struct _ZuRpcClient
{
  GObject parent_instance;

  ZuRpcLink *link;
};

static void zu_rpc_client_remote_init (ZuRemoteInterface *iface);

G_DEFINE_FINAL_TYPE_WITH_CODE (ZuRpcClient, zu_rpc_client, G_TYPE_OBJECT,
                               G_IMPLEMENT_INTERFACE (ZU_TYPE_REMOTE, zu_rpc_client_remote_init))

/* The proxies of ports know the other side's words by the domain of ZuRemote. */
static ZuJson *
as_remote (ZuJson *result, GError *reason, GError **error)
{
  if (g_error_matches (reason, ZU_RPC_ERROR, ZU_RPC_ERROR_REMOTE))
    {
      reason->domain = ZU_REMOTE_ERROR;
      reason->code = ZU_REMOTE_ERROR_REFUSED;
    }
  else if (g_error_matches (reason, ZU_RPC_ERROR, ZU_RPC_ERROR_CLOSED))
    {
      reason->domain = G_IO_ERROR;
      reason->code = G_IO_ERROR_CONNECTION_CLOSED;
    }
  if (reason != NULL)
    g_propagate_error (error, reason);
  return result;
}

static ZuJson *
zu_rpc_client_remote_call (ZuRemote *remote, const char *method, ZuJson *args,
                           GCancellable *cancellable, GError **error)
{
  GError *reason = NULL;
  ZuJson *result = zu_rpc_client_call (ZU_RPC_CLIENT (remote), method, args, cancellable, &reason);

  return as_remote (result, reason, error);
}

static void
zu_rpc_client_remote_call_async (ZuRemote *remote, const char *method, ZuJson *args,
                                 GCancellable *cancellable, GAsyncReadyCallback callback,
                                 gpointer user_data)
{
  zu_rpc_client_call_async (ZU_RPC_CLIENT (remote), method, args, cancellable, callback, user_data);
}

static ZuJson *
zu_rpc_client_remote_call_finish (ZuRemote *remote, GAsyncResult *result, GError **error)
{
  GError *reason = NULL;
  ZuJson *json = zu_rpc_client_call_finish (ZU_RPC_CLIENT (remote), result, &reason);

  return as_remote (json, reason, error);
}

static void
zu_rpc_client_remote_init (ZuRemoteInterface *iface)
{
  iface->call = zu_rpc_client_remote_call;
  iface->call_async = zu_rpc_client_remote_call_async;
  iface->call_finish = zu_rpc_client_remote_call_finish;
}

static void
zu_rpc_client_finalize (GObject *object)
{
  ZuRpcClient *self = ZU_RPC_CLIENT (object);

  zu_rpc_link_close (self->link);
  zu_rpc_link_unref (self->link);
  G_OBJECT_CLASS (zu_rpc_client_parent_class)->finalize (object);
}

static void
zu_rpc_client_class_init (ZuRpcClientClass *klass)
{
  G_OBJECT_CLASS (klass)->finalize = zu_rpc_client_finalize;
}

static void
zu_rpc_client_init (ZuRpcClient *self)
{
}

/**
 * zu_rpc_client_new_for_fd: (constructor)
 * @fd: one end of a connected stream socket; the client closes it
 *
 * Makes a client of the peer at the other end of a socket.
 *
 * The descriptor is made blocking and close-on-exec.
 *
 * Returns: (transfer full): the client
 */
ZuRpcClient *
zu_rpc_client_new_for_fd (int fd)
{
  ZuRpcClient *self;

  g_return_val_if_fail (fd >= 0, NULL);

  zu_rpc_socket_prepare (fd);
  self = g_object_new (ZU_TYPE_RPC_CLIENT, NULL);
  self->link = zu_rpc_link_new (fd);
  return self;
}

/**
 * zu_rpc_client_new_for_path: (constructor)
 * @path: (type filename): where a server listens
 * @error: return location for an error
 *
 * Connects to a server's socket.
 *
 * Errors: [error@Zu.RpcError] ADDRESS.
 *
 * Returns: (transfer full): the client
 */
ZuRpcClient *
zu_rpc_client_new_for_path (const char *path, GError **error)
{
  int fd;

  g_return_val_if_fail (path != NULL, NULL);

  fd = zu_rpc_socket_connect (path, error);
  return fd >= 0 ? zu_rpc_client_new_for_fd (fd) : NULL;
}

/**
 * zu_rpc_client_call:
 * @self: a client
 * @method: the method's name
 * @args: (nullable): its arguments, an object; %NULL is an empty one
 * @cancellable: (nullable): ends the waiting
 * @error: return location for an error
 *
 * Calls a method and waits for its result.
 *
 * Errors: [error@Zu.RpcError] REMOTE with exactly the peer's text, CLOSED, TOO_LARGE, MALFORMED;
 * [error@Gio.IOErrorEnum] CANCELLED.
 *
 * Returns: (transfer full): the result, as the peer sent it
 */
ZuJson *
zu_rpc_client_call (ZuRpcClient *self, const char *method, ZuJson *args, GCancellable *cancellable,
                    GError **error)
{
  g_return_val_if_fail (ZU_IS_RPC_CLIENT (self), NULL);
  g_return_val_if_fail (method != NULL, NULL);

  if (g_cancellable_set_error_if_cancelled (cancellable, error))
    return NULL;
  return zu_rpc_link_call (self->link, method, args, cancellable, error);
}

/**
 * zu_rpc_client_call_async:
 * @self: a client
 * @method: the method's name
 * @args: (nullable): its arguments, an object; %NULL is an empty one
 * @cancellable: (nullable): ends the waiting
 * @callback: (scope async): called when the reply is there
 * @user_data: data of @callback
 *
 * Calls a method without waiting for its result.
 */
void
zu_rpc_client_call_async (ZuRpcClient *self, const char *method, ZuJson *args,
                          GCancellable *cancellable, GAsyncReadyCallback callback,
                          gpointer user_data)
{
  g_autoptr (GTask) task = NULL;

  g_return_if_fail (ZU_IS_RPC_CLIENT (self));
  g_return_if_fail (method != NULL);

  task = g_task_new (self, cancellable, callback, user_data);
  g_task_set_source_tag (task, zu_rpc_client_call_async);
  if (!g_task_return_error_if_cancelled (task))
    zu_rpc_link_call_task (self->link, method, args, g_steal_pointer (&task));
}

/**
 * zu_rpc_client_call_finish:
 * @self: a client
 * @result: what the callback was given
 * @error: return location for an error
 *
 * Gives the result of [method@Zu.RpcClient.call_async].
 *
 * Errors: as of [method@Zu.RpcClient.call].
 *
 * Returns: (transfer full): the result, as the peer sent it
 */
ZuJson *
zu_rpc_client_call_finish (ZuRpcClient *self, GAsyncResult *result, GError **error)
{
  g_return_val_if_fail (ZU_IS_RPC_CLIENT (self), NULL);
  g_return_val_if_fail (g_task_is_valid (result, self), NULL);

  return g_task_propagate_pointer (G_TASK (result), error);
}

/**
 * zu_rpc_client_close:
 * @self: a client
 *
 * Ends the connection; every call in flight gets the error CLOSED.
 */
void
zu_rpc_client_close (ZuRpcClient *self)
{
  g_return_if_fail (ZU_IS_RPC_CLIENT (self));

  zu_rpc_link_close (self->link);
}

/**
 * zu_rpc_client_is_closed:
 * @self: a client
 *
 * Tells whether the connection is known to have ended. Only a call finds out that a peer is gone.
 *
 * Returns: whether every further call will fail
 */
gboolean
zu_rpc_client_is_closed (ZuRpcClient *self)
{
  g_return_val_if_fail (ZU_IS_RPC_CLIENT (self), TRUE);

  return zu_rpc_link_is_closed (self->link);
}
