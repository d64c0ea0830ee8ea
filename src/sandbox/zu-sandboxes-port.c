/* SPDX-License-Identifier: Apache-2.0 */

/* The port's verbs, for every backend whose sandboxes have a keeper and a guest. What the set of
 * sandboxes is, is the backend's to say; its type remembers how. */

#include "zu-sandboxes-port.h"

static GQuark
get_quark (void)
{
  return g_quark_from_static_string ("zu-sandboxes-func");
}

static ZuSandboxes *
ref_set (ZuSandboxBackend *backend, GError **error)
{
  ZuSandboxesFunc func = g_type_get_qdata (G_OBJECT_TYPE (backend), get_quark ());

  return func (backend, error);
}

static const char *
get_name (ZuSandboxBackend *backend)
{
  return g_type_get_qdata (G_OBJECT_TYPE (backend),
                           g_quark_from_static_string ("zu-sandboxes-name"));
}

static ZuObservation *
do_exec (ZuSandboxBackend *backend, const char *id, ZuToolCall *tool_call,
         GCancellable *cancellable, GError **error)
{
  g_autoptr (ZuSandboxes) all = ref_set (backend, error);

  return all ? zu_sandboxes_call_tool (all, id, tool_call, cancellable, error) : NULL;
}

static char *
do_spawn (ZuSandboxBackend *backend, const char *id, ZuProcessSpec *process, int stdin_fd,
          int stdout_fd, int stderr_fd, GCancellable *cancellable, GError **error)
{
  g_autoptr (ZuSandboxes) all = ref_set (backend, error);
  const int stdio[3] = { stdin_fd, stdout_fd, stderr_fd };

  return all ? zu_sandboxes_spawn (all, id, process, stdio, cancellable, error) : NULL;
}

static ZuExitStatus *
do_wait (ZuSandboxBackend *backend, const char *id, const char *process_id,
         GCancellable *cancellable, GError **error)
{
  g_autoptr (ZuSandboxes) all = ref_set (backend, error);

  return all ? zu_sandboxes_wait (all, id, process_id, cancellable, error) : NULL;
}

static gboolean
do_kill (ZuSandboxBackend *backend, const char *id, const char *process_id, int number,
         GCancellable *cancellable, GError **error)
{
  g_autoptr (ZuSandboxes) all = ref_set (backend, error);

  return all && zu_sandboxes_kill (all, id, process_id, number, cancellable, error);
}

static gboolean
do_destroy (ZuSandboxBackend *backend, const char *id, GCancellable *cancellable, GError **error)
{
  g_autoptr (ZuSandboxes) all = ref_set (backend, error);

  return all && zu_sandboxes_destroy (all, id, cancellable, error);
}

static char *
do_open_session (ZuSandboxBackend *backend, const char *id, ZuProcessSpec *process,
                 GCancellable *cancellable, GError **error)
{
  g_autoptr (ZuSandboxes) all = ref_set (backend, error);

  return all ? zu_sandboxes_open_session (all, id, process, cancellable, error) : NULL;
}

static char *
do_share_session (ZuSandboxBackend *backend, const char *id, const char *key,
                  ZuProcessSpec *process, GCancellable *cancellable, GError **error)
{
  g_autoptr (ZuSandboxes) all = ref_set (backend, error);

  return all ? zu_sandboxes_share_session (all, id, key, process, cancellable, error) : NULL;
}

static gboolean
do_session_send (ZuSandboxBackend *backend, const char *session, ZuJson *message,
                 GCancellable *cancellable, GError **error)
{
  g_autoptr (ZuSandboxes) all = ref_set (backend, error);

  return all && zu_sandboxes_send (all, session, message, cancellable, error);
}

static ZuJson *
do_session_receive (ZuSandboxBackend *backend, const char *session, gint64 timeout_ms,
                    GCancellable *cancellable, GError **error)
{
  g_autoptr (ZuSandboxes) all = ref_set (backend, error);

  return all ? zu_sandboxes_receive (all, session, timeout_ms, cancellable, error) : NULL;
}

static gboolean
do_close_session (ZuSandboxBackend *backend, const char *session, GCancellable *cancellable,
                  GError **error)
{
  g_autoptr (ZuSandboxes) all = ref_set (backend, error);

  return all && zu_sandboxes_close_session (all, session, cancellable, error);
}

static gboolean
do_resize (ZuSandboxBackend *backend, const char *id, const char *process_id, guint rows,
           guint columns, GCancellable *cancellable, GError **error)
{
  g_autoptr (ZuSandboxes) all = ref_set (backend, error);

  return all && zu_sandboxes_resize (all, id, process_id, rows, columns, cancellable, error);
}

static ZuSandbox *
do_inspect (ZuSandboxBackend *backend, const char *id, GCancellable *cancellable, GError **error)
{
  g_autoptr (ZuSandboxes) all = ref_set (backend, error);

  return all ? zu_sandboxes_inspect (all, id, error) : NULL;
}

static GPtrArray *
do_list (ZuSandboxBackend *backend, GCancellable *cancellable, GError **error)
{
  g_autoptr (ZuSandboxes) all = ref_set (backend, error);

  return all ? zu_sandboxes_list (all, get_name (backend), error) : NULL;
}

static char **
do_reclaim (ZuSandboxBackend *backend, GCancellable *cancellable, GError **error)
{
  g_autoptr (ZuSandboxes) all = ref_set (backend, error);

  return all ? zu_sandboxes_reclaim (all, get_name (backend), error) : NULL;
}

static int
do_listen (ZuSandboxBackend *backend, const char *id, guint tcp_port, GCancellable *cancellable,
           GError **error)
{
  g_autoptr (ZuSandboxes) all = ref_set (backend, error);

  return all ? zu_sandboxes_listen (all, id, tcp_port, cancellable, error) : -1;
}

static gboolean
do_put_file (ZuSandboxBackend *backend, const char *id, const char *path, int source_fd, guint mode,
             GCancellable *cancellable, GError **error)
{
  g_autoptr (ZuSandboxes) all = ref_set (backend, error);

  return all && zu_sandboxes_put_file (all, id, path, source_fd, mode, cancellable, error);
}

static gboolean
do_get_file (ZuSandboxBackend *backend, const char *id, const char *path, int target_fd,
             GCancellable *cancellable, GError **error)
{
  g_autoptr (ZuSandboxes) all = ref_set (backend, error);

  return all && zu_sandboxes_get_file (all, id, path, target_fd, cancellable, error);
}

static GPtrArray *
do_list_files (ZuSandboxBackend *backend, const char *id, const char *path,
               GCancellable *cancellable, GError **error)
{
  g_autoptr (ZuSandboxes) all = ref_set (backend, error);

  return all ? zu_sandboxes_list_files (all, id, path, cancellable, error) : NULL;
}

static GPtrArray *
do_top (ZuSandboxBackend *backend, const char *id, GCancellable *cancellable, GError **error)
{
  g_autoptr (ZuSandboxes) all = ref_set (backend, error);

  return all ? zu_sandboxes_top (all, id, cancellable, error) : NULL;
}

static GPtrArray *
do_mounts (ZuSandboxBackend *backend, const char *id, GCancellable *cancellable, GError **error)
{
  g_autoptr (ZuSandboxes) all = ref_set (backend, error);
  g_autoptr (ZuSandbox) sandbox = all ? zu_sandboxes_inspect (all, id, error) : NULL;

  return sandbox ? zu_sandboxes_mounts (all, sandbox, cancellable, error) : NULL;
}

/**
 * zu_sandboxes_implement: (skip)
 * @iface: a backend's interface, in its init function
 * @name: the backend's registered name, which stands for ever
 * @func: how the set of a backend is found
 *
 * Implements every verb but launch, extend and fs_diff, which need to know more.
 */
void
zu_sandboxes_implement (ZuSandboxBackendInterface *iface, const char *name, ZuSandboxesFunc func)
{
  GType type = ((GTypeInterface *) iface)->g_instance_type;

  g_type_set_qdata (type, get_quark (), (gpointer) func);
  g_type_set_qdata (type, g_quark_from_static_string ("zu-sandboxes-name"), (gpointer) name);
  iface->resize = do_resize;
  iface->inspect = do_inspect;
  iface->list = do_list;
  iface->reclaim = do_reclaim;
  iface->listen = do_listen;
  iface->put_file = do_put_file;
  iface->get_file = do_get_file;
  iface->list_files = do_list_files;
  iface->top = do_top;
  iface->mounts = do_mounts;
  iface->exec = do_exec;
  iface->spawn = do_spawn;
  iface->wait = do_wait;
  iface->kill = do_kill;
  iface->destroy = do_destroy;
  iface->open_session = do_open_session;
  iface->share_session = do_share_session;
  iface->session_send = do_session_send;
  iface->session_receive = do_session_receive;
  iface->close_session = do_close_session;
}
