/* SPDX-License-Identifier: Apache-2.0 */

#include "zu-rpc-server.h"

#include "zu-rpc-connection-private.h"
#include "zu-rpc-socket-private.h"

#include <errno.h>
#include <glib/gstdio.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#define MAX_CONCURRENCY 64
#define MAX_CONNECTIONS 64

/**
 * ZuRpcServer:
 *
 * Answers calls over stream sockets: JSON in frames, as [class@Zu.RpcClient] sends them.
 *
 * It serves one connection in the calling thread ([method@Zu.RpcServer.serve_fd]), or everybody who
 * connects at a path and may ([method@Zu.RpcServer.listen], [method@Zu.RpcServer.run]). The calls
 * of one connection are answered in order, one after the other, unless `concurrency` is more
 * than 1. The handler is called from the serving threads.
 *
 * A frame that cannot be read, or is no JSON object, ends its connection without a reply. A call
 * that fails gets an error reply, and the connection goes on.
 */

struct _ZuRpcServer
{
  GObject parent_instance;

  ZuRpcHandler handler;
  gpointer user_data;
  GDestroyNotify destroy;
  guint concurrency;
  guint allowed_uid;

  int listener;
  char *path;

  GMutex lock;
  GCond connections_cond;
  guint n_connections;
};

G_DEFINE_FINAL_TYPE (ZuRpcServer, zu_rpc_server, G_TYPE_OBJECT)

enum
{
  PROP_CONCURRENCY = 1,
  PROP_ALLOWED_UID,
  N_PROPS
};

static GParamSpec *props[N_PROPS];

static void
zu_rpc_server_get_property (GObject *object, guint id, GValue *value, GParamSpec *pspec)
{
  ZuRpcServer *self = ZU_RPC_SERVER (object);

  if (id == PROP_CONCURRENCY)
    g_value_set_uint (value, self->concurrency);
  else
    g_value_set_uint (value, self->allowed_uid);
}

static void
zu_rpc_server_set_property (GObject *object, guint id, const GValue *value, GParamSpec *pspec)
{
  ZuRpcServer *self = ZU_RPC_SERVER (object);

  if (id == PROP_CONCURRENCY)
    zu_rpc_server_set_concurrency (self, g_value_get_uint (value));
  else
    zu_rpc_server_set_allowed_uid (self, g_value_get_uint (value));
}

/* The file first: until the socket is closed nobody else can have taken its place. */
static void
stop_listening (ZuRpcServer *self)
{
  if (self->listener < 0)
    return;
  g_unlink (self->path);
  close (g_steal_fd (&self->listener));
}

static void
zu_rpc_server_finalize (GObject *object)
{
  ZuRpcServer *self = ZU_RPC_SERVER (object);

  stop_listening (self);
  if (self->destroy != NULL)
    self->destroy (self->user_data);
  g_free (self->path);
  g_mutex_clear (&self->lock);
  g_cond_clear (&self->connections_cond);
  G_OBJECT_CLASS (zu_rpc_server_parent_class)->finalize (object);
}

static void
zu_rpc_server_class_init (ZuRpcServerClass *klass)
{
  GObjectClass *object_class = G_OBJECT_CLASS (klass);

  object_class->get_property = zu_rpc_server_get_property;
  object_class->set_property = zu_rpc_server_set_property;
  object_class->finalize = zu_rpc_server_finalize;

  /**
   * ZuRpcServer:concurrency:
   *
   * How many calls of one connection may run side by side, 1 to 64.
   */
  props[PROP_CONCURRENCY] =
      g_param_spec_uint ("concurrency", NULL, NULL, 1, MAX_CONCURRENCY, 1,
                         G_PARAM_READWRITE | G_PARAM_EXPLICIT_NOTIFY | G_PARAM_STATIC_STRINGS);
  /**
   * ZuRpcServer:allowed-uid:
   *
   * The user who may connect at the path, beside root; at first who the process runs as.
   */
  props[PROP_ALLOWED_UID] =
      g_param_spec_uint ("allowed-uid", NULL, NULL, 0, G_MAXUINT, 0,
                         G_PARAM_READWRITE | G_PARAM_EXPLICIT_NOTIFY | G_PARAM_STATIC_STRINGS);
  g_object_class_install_properties (object_class, N_PROPS, props);
}

static void
zu_rpc_server_init (ZuRpcServer *self)
{
  self->concurrency = 1;
  self->allowed_uid = geteuid ();
  self->listener = -1;
  g_mutex_init (&self->lock);
  g_cond_init (&self->connections_cond);
}

/**
 * zu_rpc_server_new:
 * @handler: (scope notified) (closure user_data) (destroy destroy): answers the calls
 * @user_data: data of @handler
 * @destroy: (nullable): frees @user_data
 *
 * Makes a server that serves nobody yet.
 *
 * Returns: (transfer full): the server
 */
ZuRpcServer *
zu_rpc_server_new (ZuRpcHandler handler, gpointer user_data, GDestroyNotify destroy)
{
  ZuRpcServer *self;

  g_return_val_if_fail (handler != NULL, NULL);

  self = g_object_new (ZU_TYPE_RPC_SERVER, NULL);
  self->handler = handler;
  self->user_data = user_data;
  self->destroy = destroy;
  return self;
}

/**
 * zu_rpc_server_set_concurrency:
 * @self: a server
 * @concurrency: how many, 1 to 64
 *
 * Sets how many calls of one connection may run side by side, on connections served from now on.
 */
void
zu_rpc_server_set_concurrency (ZuRpcServer *self, guint concurrency)
{
  g_return_if_fail (ZU_IS_RPC_SERVER (self));
  g_return_if_fail (concurrency >= 1 && concurrency <= MAX_CONCURRENCY);

  if (self->concurrency == concurrency)
    return;
  self->concurrency = concurrency;
  g_object_notify_by_pspec (G_OBJECT (self), props[PROP_CONCURRENCY]);
}

/**
 * zu_rpc_server_get_concurrency:
 * @self: a server
 *
 * Tells how many calls of one connection may run side by side.
 *
 * Returns: how many, 1 to 64
 */
guint
zu_rpc_server_get_concurrency (ZuRpcServer *self)
{
  g_return_val_if_fail (ZU_IS_RPC_SERVER (self), 1);

  return self->concurrency;
}

/**
 * zu_rpc_server_set_allowed_uid:
 * @self: a server
 * @uid: a user id
 *
 * Sets who may connect at the path, beside root.
 */
void
zu_rpc_server_set_allowed_uid (ZuRpcServer *self, guint uid)
{
  g_return_if_fail (ZU_IS_RPC_SERVER (self));

  if (self->allowed_uid == uid)
    return;
  self->allowed_uid = uid;
  g_object_notify_by_pspec (G_OBJECT (self), props[PROP_ALLOWED_UID]);
}

/**
 * zu_rpc_server_get_allowed_uid:
 * @self: a server
 *
 * Tells who may connect at the path, beside root.
 *
 * Returns: the user id
 */
guint
zu_rpc_server_get_allowed_uid (ZuRpcServer *self)
{
  g_return_val_if_fail (ZU_IS_RPC_SERVER (self), 0);

  return self->allowed_uid;
}

static gboolean
serve (ZuRpcServer *self, int fd, gboolean has_anybody, GCancellable *cancellable, GError **error)
{
  const ZuRpcService service = { .concurrency = self->concurrency,
                                 .has_anybody = has_anybody,
                                 .handler = self->handler,
                                 .user_data = self->user_data };

  return zu_rpc_connection_serve (fd, &service, cancellable, error);
}

/**
 * zu_rpc_server_serve_fd:
 * @self: a server
 * @fd: one end of a connected stream socket; it is closed in the end
 * @cancellable: (nullable): ends the connection, and is handed to the handler
 * @error: return location for an error
 *
 * Serves one connection in the calling thread, until the peer has closed it.
 *
 * Whoever holds the other end may call: no credentials are asked for, and it may say whom a call is
 * for, see [func@Zu.peer_get].
 *
 * Errors: [error@Zu.RpcError] MALFORMED, TOO_LARGE, CLOSED where the peer has closed it within a
 * frame; [error@Gio.IOErrorEnum] CANCELLED. Replies to all calls before have been sent.
 *
 * Returns: whether the connection was closed in an orderly way
 */
gboolean
zu_rpc_server_serve_fd (ZuRpcServer *self, int fd, GCancellable *cancellable, GError **error)
{
  g_return_val_if_fail (ZU_IS_RPC_SERVER (self), FALSE);
  g_return_val_if_fail (fd >= 0, FALSE);

  return serve (self, fd, FALSE, cancellable, error);
}

/**
 * zu_rpc_server_open_listener:
 * @path: (type filename): where
 * @error: return location for an error
 *
 * Makes a socket at a path, with mode 0600, for a server that is to be made later, when the process
 * has become another user.
 *
 * The folder is made with mode 0700, or must be the caller's own and closed to others. A socket
 * that nobody listens at any more is replaced.
 *
 * Errors: [error@Zu.RpcError] ADDRESS.
 *
 * Returns: the descriptor; -1 in case of an error
 */
int
zu_rpc_server_open_listener (const char *path, GError **error)
{
  g_return_val_if_fail (path != NULL, -1);

  return zu_rpc_socket_listen (path, error);
}

/**
 * zu_rpc_server_take_listener:
 * @self: a server that does not listen yet
 * @fd: a listening stream socket; the server closes it
 * @path: (type filename): where it listens; removed with the server
 *
 * Lets a server listen at a socket that was made before.
 */
void
zu_rpc_server_take_listener (ZuRpcServer *self, int fd, const char *path)
{
  g_return_if_fail (ZU_IS_RPC_SERVER (self));
  g_return_if_fail (fd >= 0);
  g_return_if_fail (path != NULL);
  g_return_if_fail (self->listener < 0);

  self->listener = fd;
  self->path = g_strdup (path);
}

/**
 * zu_rpc_server_listen:
 * @self: a server that does not listen yet
 * @path: (type filename): where
 * @error: return location for an error
 *
 * Makes a socket at a path, as [func@Zu.RpcServer.open_listener] does, and listens there.
 *
 * Errors: [error@Zu.RpcError] ADDRESS.
 *
 * Returns: whether it listens
 */
gboolean
zu_rpc_server_listen (ZuRpcServer *self, const char *path, GError **error)
{
  int fd;

  g_return_val_if_fail (ZU_IS_RPC_SERVER (self), FALSE);
  g_return_val_if_fail (path != NULL, FALSE);
  g_return_val_if_fail (self->listener < 0, FALSE);

  fd = zu_rpc_server_open_listener (path, error);
  if (fd < 0)
    return FALSE;
  zu_rpc_server_take_listener (self, fd, path);
  return TRUE;
}

typedef struct
{
  ZuRpcServer *server;
  GCancellable *cancellable;
  int fd;
} Visit;

static gpointer
serve_visit (gpointer data)
{
  g_autofree Visit *visit = data;
  g_autoptr (ZuRpcServer) self = visit->server;
  g_autoptr (GCancellable) cancellable = visit->cancellable;
  g_autoptr (GError) error = NULL;

  if (!serve (self, visit->fd, TRUE, cancellable, &error))
    g_debug ("a connection at %s ended: %s", self->path, error->message);

  g_mutex_lock (&self->lock);
  self->n_connections--;
  g_cond_signal (&self->connections_cond);
  g_mutex_unlock (&self->lock);
  return NULL;
}

static gboolean
peer_may_connect (ZuRpcServer *self, int fd)
{
  uid_t uid = (uid_t) -1;
  pid_t pid = -1;

  if (zu_rpc_socket_get_peer (fd, &uid, &pid) && (uid == 0 || uid == self->allowed_uid))
    return TRUE;
  g_message ("refused a connection at %s: user %u (process %d) may not", self->path, uid,
             (int) pid);
  return FALSE;
}

static void
receive_visit (ZuRpcServer *self, int fd, GCancellable *cancellable)
{
  Visit *visit;

  if (!peer_may_connect (self, fd))
    {
      close (fd);
      return;
    }

  visit = g_new0 (Visit, 1);
  visit->server = g_object_ref (self);
  visit->cancellable = cancellable != NULL ? g_object_ref (cancellable) : NULL;
  visit->fd = fd;
  g_mutex_lock (&self->lock);
  self->n_connections++;
  g_mutex_unlock (&self->lock);
  g_thread_unref (g_thread_new ("zu-rpc-visit", serve_visit, visit));
}

static void
wait_for_connections (ZuRpcServer *self, guint most)
{
  g_mutex_lock (&self->lock);
  while (self->n_connections > most)
    g_cond_wait (&self->connections_cond, &self->lock);
  g_mutex_unlock (&self->lock);
}

/* The next connection; -1 with an error when cancelled or broken, without one to try again. */
static int
accept_next (ZuRpcServer *self, int wake_fd, GCancellable *cancellable, GError **error)
{
  struct pollfd fds[2] = { { .fd = self->listener, .events = POLLIN },
                           { .fd = wake_fd, .events = POLLIN } };
  int fd;

  wait_for_connections (self, MAX_CONNECTIONS - 1);
  poll (fds, 2, -1);
  if (g_cancellable_set_error_if_cancelled (cancellable, error) || fds[0].revents == 0)
    return -1;

  fd = accept4 (self->listener, NULL, NULL, SOCK_CLOEXEC);
  if (fd < 0 && (errno == EBADF || errno == EINVAL || errno == ENOTSOCK))
    g_set_error (error, ZU_RPC_ERROR, ZU_RPC_ERROR_ADDRESS, "cannot accept connections at '%s': %s",
                 self->path, g_strerror (errno));
  else if (fd < 0 && (errno == EMFILE || errno == ENFILE || errno == ENOMEM))
    g_usleep (10 * G_TIME_SPAN_MILLISECOND);
  return fd;
}

/**
 * zu_rpc_server_run:
 * @self: a server that listens
 * @cancellable: (nullable): ends it
 * @error: return location for an error
 *
 * Serves everybody who connects and may, each in a thread, until it is cancelled.
 *
 * Only root and [property@Zu.RpcServer:allowed-uid] may: the kernel tells who a peer is. Others are
 * closed at once. Returns when the socket is removed and the last connection has ended.
 *
 * Errors: [error@Zu.RpcError] ADDRESS; [error@Gio.IOErrorEnum] CANCELLED.
 *
 * Returns: %FALSE: there is always a reason why it ended
 */
gboolean
zu_rpc_server_run (ZuRpcServer *self, GCancellable *cancellable, GError **error)
{
  g_autoptr (GError) reason = NULL;
  int wake_fd;

  g_return_val_if_fail (ZU_IS_RPC_SERVER (self), FALSE);
  g_return_val_if_fail (self->listener >= 0, FALSE);

  wake_fd = g_cancellable_get_fd (cancellable);
  while (reason == NULL)
    {
      int fd = accept_next (self, wake_fd, cancellable, &reason);

      if (fd >= 0)
        receive_visit (self, fd, cancellable);
    }
  if (wake_fd >= 0)
    g_cancellable_release_fd (cancellable);
  stop_listening (self);
  wait_for_connections (self, 0);
  g_propagate_error (error, g_steal_pointer (&reason));
  return FALSE;
}
