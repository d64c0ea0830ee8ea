/* SPDX-License-Identifier: Apache-2.0 */

#include "zu-remote.h"

#include "zu-call.h"

/**
 * ZuRemote:
 *
 * The other side of a connection, which answers a named method with JSON.
 *
 * The socket, a channel and D-Bus are each one; every port's generated proxy speaks through this
 * and nothing else.
 */

G_DEFINE_INTERFACE (ZuRemote, zu_remote, G_TYPE_OBJECT)
/**
 * zu_remote_error_quark:
 *
 * Gives the error domain of [error@Zu.RemoteError].
 *
 * Returns: the error domain of [error@Zu.RemoteError]
 */
G_DEFINE_QUARK (zu_remote_error_quark, zu_remote_error)

typedef struct
{
  char *method;
  ZuJson *args;
} RemoteCall;

static void
remote_call_free (gpointer data)
{
  RemoteCall *call = data;

  g_free (call->method);
  g_clear_pointer (&call->args, zu_json_unref);
  g_free (call);
}

static void
call_in_thread (GTask *task, gpointer source, gpointer data, GCancellable *cancellable)
{
  RemoteCall *call = data;
  GError *error = NULL;
  ZuJson *result = zu_remote_call (source, call->method, call->args, cancellable, &error);

  if (result != NULL)
    g_task_return_pointer (task, result, (GDestroyNotify) zu_json_unref);
  else
    g_task_return_error (task, error);
}

static void
zu_remote_real_call_async (ZuRemote *self, const char *method, ZuJson *args,
                           GCancellable *cancellable, GAsyncReadyCallback callback,
                           gpointer user_data)
{
  g_autoptr (GTask) task = g_task_new (self, cancellable, callback, user_data);
  RemoteCall *call = g_new0 (RemoteCall, 1);

  call->method = g_strdup (method);
  call->args = args != NULL ? zu_json_ref (args) : NULL;
  g_task_set_source_tag (task, zu_remote_real_call_async);
  g_task_set_check_cancellable (task, FALSE);
  g_task_set_task_data (task, call, remote_call_free);
  g_task_run_in_thread (task, call_in_thread);
}

static ZuJson *
zu_remote_real_call_finish (ZuRemote *self, GAsyncResult *result, GError **error)
{
  return g_task_propagate_pointer (G_TASK (result), error);
}

static void
zu_remote_default_init (ZuRemoteInterface *iface)
{
  iface->call_async = zu_remote_real_call_async;
  iface->call_finish = zu_remote_real_call_finish;
}

/**
 * zu_remote_call: (virtual call)
 * @self: a remote
 * @method: the method's name
 * @args: (nullable): an object of its arguments; %NULL is an empty one
 * @cancellable: (nullable): a #GCancellable
 * @error: return location for an error, or %NULL
 *
 * Calls a method and waits for the result. %ZU_REMOTE_ERROR_REFUSED carries the other side's own
 * words; other errors mean that the call may or may not have been carried out.
 *
 * Returns: (transfer full): the result, or %NULL with @error set
 */
ZuJson *
zu_remote_call (ZuRemote *self, const char *method, ZuJson *args, GCancellable *cancellable,
                GError **error)
{
  ZuRemoteInterface *iface;
  GError *local_error = NULL;
  ZuJson *result;

  g_return_val_if_fail (ZU_IS_REMOTE (self), NULL);
  g_return_val_if_fail (method != NULL, NULL);

  iface = ZU_REMOTE_GET_IFACE (self);
  if (!zu_call_check_implemented (iface->call != NULL, G_OBJECT (self), "call", error))
    return NULL;

  result = iface->call (self, method, args, cancellable, &local_error);
  if (zu_call_check_sync (result != NULL, "ZuRemote.call", local_error, error))
    return result;

  g_clear_pointer (&result, zu_json_unref);
  return NULL;
}

/**
 * zu_remote_call_async: (virtual call_async)
 * @self: a remote
 * @method: the method's name
 * @args: (nullable): an object of its arguments; %NULL is an empty one
 * @cancellable: (nullable): a #GCancellable
 * @callback: (scope async) (closure user_data): called with the result
 * @user_data: for @callback
 *
 * Calls a method; many may be in flight.
 */
void
zu_remote_call_async (ZuRemote *self, const char *method, ZuJson *args, GCancellable *cancellable,
                      GAsyncReadyCallback callback, gpointer user_data)
{
  g_return_if_fail (ZU_IS_REMOTE (self));
  g_return_if_fail (method != NULL);

  ZU_REMOTE_GET_IFACE (self)->call_async (self, method, args, cancellable, callback, user_data);
}

/**
 * zu_remote_call_finish: (virtual call_finish)
 * @self: a remote
 * @result: the result
 * @error: return location for an error, or %NULL
 *
 * Ends zu_remote_call_async().
 *
 * Returns: (transfer full): the result, or %NULL with @error set
 */
ZuJson *
zu_remote_call_finish (ZuRemote *self, GAsyncResult *result, GError **error)
{
  g_return_val_if_fail (ZU_IS_REMOTE (self), NULL);
  g_return_val_if_fail (G_IS_ASYNC_RESULT (result), NULL);

  return ZU_REMOTE_GET_IFACE (self)->call_finish (self, result, error);
}
