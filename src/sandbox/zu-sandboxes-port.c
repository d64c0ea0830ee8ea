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

/**
 * zu_sandboxes_implement: (skip)
 * @iface: a backend's interface, in its init function
 * @func: how the set of a backend is found
 *
 * Implements every verb but launch.
 */
void
zu_sandboxes_implement (ZuSandboxBackendInterface *iface, ZuSandboxesFunc func)
{
  g_type_set_qdata (((GTypeInterface *) iface)->g_instance_type, get_quark (), (gpointer) func);
  iface->exec = do_exec;
  iface->spawn = do_spawn;
  iface->wait = do_wait;
  iface->kill = do_kill;
  iface->destroy = do_destroy;
  iface->open_session = do_open_session;
  iface->session_send = do_session_send;
  iface->session_receive = do_session_receive;
  iface->close_session = do_close_session;
}
