/* SPDX-License-Identifier: Apache-2.0 */
#include "zu-scripted.h"
#include "zu-scripted-process.h"
#include <signal.h>
#include <string.h>

#define NOT_FOUND ZU_SANDBOX_BACKEND_ERROR, ZU_SANDBOX_BACKEND_ERROR_NOT_FOUND

/**
 * ZuScripted:
 *
 * A sandbox backend that runs nothing: it answers from a script, for the tests of harnesses. It is
 * never chosen by default.
 */
struct _ZuScripted
{
  GObject parent_instance;
  ZuJson *rules;
  ZuScript *script;
  GMutex lock;
  guint last;            /* sandboxes, processes and sessions are numbered together */
  GHashTable *sandboxes; /* id */
  GHashTable *processes; /* "SANDBOX PROCESS" to ZuScriptedProcess */
  GHashTable *sessions;  /* name to Session */
};

typedef struct
{
  char *sandbox;
  ZuScriptAnswer *answer;
  guint next;
} Session;

enum
{
  PROP_SCRIPT = 1,
  N_PROPS
};

static GParamSpec *props[N_PROPS];

static void zu_scripted_iface_init (ZuSandboxBackendInterface *iface);
static void zu_scripted_initable_init (GInitableIface *iface);

G_DEFINE_FINAL_TYPE_WITH_CODE (ZuScripted, zu_scripted, G_TYPE_OBJECT,
                               G_IMPLEMENT_INTERFACE (ZU_TYPE_SANDBOX_BACKEND,
                                                      zu_scripted_iface_init)
                                   G_IMPLEMENT_INTERFACE (G_TYPE_INITABLE,
                                                          zu_scripted_initable_init))

static void
session_free (Session *self)
{
  g_free (self->sandbox);
  zu_script_answer_free (self->answer);
  g_free (self);
}

static void
zu_scripted_finalize (GObject *object)
{
  ZuScripted *self = ZU_SCRIPTED (object);

  g_clear_pointer (&self->rules, zu_json_unref);
  g_clear_pointer (&self->script, zu_script_free);
  g_hash_table_unref (self->sandboxes);
  g_hash_table_unref (self->processes);
  g_hash_table_unref (self->sessions);
  g_mutex_clear (&self->lock);
  G_OBJECT_CLASS (zu_scripted_parent_class)->finalize (object);
}

static void
zu_scripted_set_property (GObject *object, guint id, const GValue *value, GParamSpec *pspec)
{
  if (id == PROP_SCRIPT)
    ZU_SCRIPTED (object)->rules = g_value_dup_boxed (value);
  else
    G_OBJECT_WARN_INVALID_PROPERTY_ID (object, id, pspec);
}

static void
zu_scripted_class_init (ZuScriptedClass *klass)
{
  GObjectClass *object_class = G_OBJECT_CLASS (klass);

  object_class->finalize = zu_scripted_finalize;
  object_class->set_property = zu_scripted_set_property;

  /**
   * ZuScripted:script:
   *
   * An array of rules, tried in order; see this plugin's README. Left out: echo, cat, true, false.
   */
  props[PROP_SCRIPT] =
      g_param_spec_boxed ("script", NULL, NULL, ZU_TYPE_JSON,
                          G_PARAM_WRITABLE | G_PARAM_CONSTRUCT_ONLY | G_PARAM_STATIC_STRINGS);
  g_object_class_install_properties (object_class, N_PROPS, props);
}

static void
zu_scripted_init (ZuScripted *self)
{
  g_mutex_init (&self->lock);
  self->sandboxes = g_hash_table_new_full (g_str_hash, g_str_equal, g_free, NULL);
  self->processes = g_hash_table_new_full (g_str_hash, g_str_equal, g_free,
                                           (GDestroyNotify) zu_scripted_process_unref);
  self->sessions =
      g_hash_table_new_full (g_str_hash, g_str_equal, g_free, (GDestroyNotify) session_free);
}

static gboolean
zu_scripted_initable_start (GInitable *initable, GCancellable *cancellable, GError **error)
{
  ZuScripted *self = ZU_SCRIPTED (initable);

  self->script = zu_script_new (self->rules, error);
  return self->script != NULL;
}

static void
zu_scripted_initable_init (GInitableIface *iface)
{
  iface->init = zu_scripted_initable_start;
}

/* With the lock held. */
static char *
next_name (ZuScripted *self, const char *prefix)
{
  return g_strdup_printf ("%s%u", prefix, ++self->last);
}

static gboolean
check_sandbox (ZuScripted *self, const char *id, GError **error)
{
  gboolean there;

  g_mutex_lock (&self->lock);
  there = g_hash_table_contains (self->sandboxes, id);
  g_mutex_unlock (&self->lock);
  if (!there)
    g_set_error (error, NOT_FOUND, "there is no sandbox '%s'", id);
  return there;
}

static ZuSandbox *
zu_scripted_launch (ZuSandboxBackend *backend, ZuLaunchSpec *spec, ZuOwnership *owner,
                    GCancellable *cancellable, GError **error)
{
  ZuScripted *self = ZU_SCRIPTED (backend);
  g_autoptr (GPtrArray) limits = g_ptr_array_new_with_free_func (g_object_unref);
  g_autofree char *id = NULL;

  g_mutex_lock (&self->lock);
  id = next_name (self, "scripted-");
  g_hash_table_add (self->sandboxes, g_strdup (id));
  g_mutex_unlock (&self->lock);
  return g_object_new (ZU_TYPE_SANDBOX, "id", id, "backend", "scripted", "image",
                       zu_launch_spec_get_image (spec), "network", ZU_NETWORK_MODE_NONE, "limits",
                       limits, "run", owner ? zu_ownership_get_run (owner) : NULL, NULL);
}

static ZuScriptAnswer *
find_answer (ZuScripted *self, const char *id, const char *const *argv, GError **error)
{
  if (!check_sandbox (self, id, error))
    return NULL;
  if (argv && argv[0])
    return zu_script_answer (self->script, argv, error);
  g_set_error_literal (error, ZU_SANDBOX_BACKEND_ERROR, ZU_SANDBOX_BACKEND_ERROR_INVALID_SPEC,
                       "argv is empty");
  return NULL;
}

/* FALSE where the tool's time was over first. */
static gboolean
sleep_through (ZuScriptAnswer *answer, gint64 timeout_ms, GCancellable *cancellable, GError **error)
{
  gint64 ms = timeout_ms > 0 ? MIN (answer->delay_ms, timeout_ms) : answer->delay_ms;
  gint64 until = g_get_monotonic_time () + ms * 1000;

  while (g_get_monotonic_time () < until && !g_cancellable_is_cancelled (cancellable))
    g_usleep (1000);
  g_cancellable_set_error_if_cancelled (cancellable, error);
  return timeout_ms <= 0 || answer->delay_ms < timeout_ms;
}

static ZuObservation *
observe (ZuScriptAnswer *answer, ZuToolCall *call, gboolean in_time)
{
  ZuJson *args = zu_tool_call_get_args (call);
  g_autofree char *text =
      answer->echoes_input && args ? zu_json_to_string (args) : g_strdup (answer->out);
  gboolean good = in_time && answer->exit_status == 0 && !answer->signal;
  g_autoptr (ZuJson) data = good ? zu_json_parse (text, -1, NULL) : NULL;
  g_autoptr (ZuExitStatus) exit =
      g_object_new (ZU_TYPE_EXIT_STATUS, "exit-status", in_time ? answer->exit_status : -1,
                    "signal", in_time ? answer->signal : SIGKILL, "timed-out", !in_time, NULL);

  return g_object_new (ZU_TYPE_OBSERVATION, "status",
                       data      ? 200
                       : in_time ? 500
                                 : 504,
                       "data", data, "text", data ? NULL : text, "error",
                       data      ? NULL
                       : in_time ? "the script's tool failed, or did not print one JSON value"
                                 : "the tool did not end in time",
                       "exit", exit, NULL);
}

static ZuObservation *
zu_scripted_exec (ZuSandboxBackend *backend, const char *id, ZuToolCall *tool_call,
                  GCancellable *cancellable, GError **error)
{
  g_autoptr (GError) failure = NULL;
  g_autoptr (ZuScriptAnswer) answer =
      find_answer (ZU_SCRIPTED (backend), id, zu_tool_call_get_argv (tool_call), &failure);
  gboolean in_time;

  if (!answer && g_error_matches (failure, NOT_FOUND))
    {
      g_propagate_error (error, g_steal_pointer (&failure));
      return NULL;
    }
  if (!answer)
    return g_object_new (ZU_TYPE_OBSERVATION, "status", 500, "error", failure->message, NULL);
  in_time = sleep_through (answer, zu_tool_call_get_timeout_ms (tool_call), cancellable, &failure);
  if (!failure)
    return observe (answer, tool_call, in_time);
  g_propagate_error (error, g_steal_pointer (&failure));
  return NULL;
}

static char *
process_key (const char *id, const char *process_id)
{
  return g_strconcat (id, " ", process_id, NULL);
}

static char *
zu_scripted_spawn (ZuSandboxBackend *backend, const char *id, ZuProcessSpec *process, int stdin_fd,
                   int stdout_fd, int stderr_fd, GCancellable *cancellable, GError **error)
{
  ZuScripted *self = ZU_SCRIPTED (backend);
  ZuScriptAnswer *answer = find_answer (self, id, zu_process_spec_get_argv (process), error);
  const int stdio[3] = { stdin_fd, stdout_fd, stderr_fd };
  char *process_id;

  if (!answer)
    return NULL;
  g_mutex_lock (&self->lock);
  process_id = next_name (self, "p");
  g_hash_table_insert (self->processes, process_key (id, process_id),
                       zu_scripted_process_start (answer, stdio,
                                                  zu_process_spec_get_timeout_ms (process)));
  g_mutex_unlock (&self->lock);
  return process_id;
}

static ZuScriptedProcess *
find_process (ZuScripted *self, const char *id, const char *process_id, GError **error)
{
  g_autofree char *key = process_key (id, process_id);
  ZuScriptedProcess *process;

  g_mutex_lock (&self->lock);
  process = g_hash_table_lookup (self->processes, key);
  if (process)
    zu_scripted_process_ref (process);
  g_mutex_unlock (&self->lock);
  if (!process)
    g_set_error (error, NOT_FOUND, "there is no process '%s' in '%s'", process_id, id);
  return process;
}

static ZuExitStatus *
zu_scripted_wait (ZuSandboxBackend *backend, const char *id, const char *process_id,
                  GCancellable *cancellable, GError **error)
{
  ZuScripted *self = ZU_SCRIPTED (backend);
  g_autoptr (ZuScriptedProcess) process = find_process (self, id, process_id, error);
  g_autofree char *key = process_key (id, process_id);
  ZuExitStatus *exit = process ? zu_scripted_process_wait (process, cancellable, error) : NULL;

  if (!exit)
    return NULL;
  g_mutex_lock (&self->lock);
  g_hash_table_remove (self->processes, key);
  g_mutex_unlock (&self->lock);
  return exit;
}

/* One whose end was told already is no error, as one that has ended. */
static gboolean
zu_scripted_kill (ZuSandboxBackend *backend, const char *id, const char *process_id, int number,
                  GCancellable *cancellable, GError **error)
{
  ZuScripted *self = ZU_SCRIPTED (backend);
  g_autoptr (ZuScriptedProcess) process = NULL;

  if (number < 1 || number > 64)
    {
      g_set_error (error, ZU_SANDBOX_BACKEND_ERROR, ZU_SANDBOX_BACKEND_ERROR_INVALID_SPEC,
                   "signal %d is not 1 to 64", number);
      return FALSE;
    }
  if (!check_sandbox (self, id, error))
    return FALSE;
  process = find_process (self, id, process_id, NULL);
  if (process)
    zu_scripted_process_kill (process, number);
  return TRUE;
}

static gboolean
is_of_sandbox (gpointer key, gpointer value, gpointer id)
{
  gsize length = strlen (id);

  if (strncmp (key, id, length) != 0 || ((char *) key)[length] != ' ')
    return FALSE;
  zu_scripted_process_kill (value, SIGKILL);
  return TRUE;
}

static gboolean
is_session_of (gpointer key, gpointer value, gpointer id)
{
  return strcmp (((Session *) value)->sandbox, id) == 0;
}

static gboolean
zu_scripted_destroy (ZuSandboxBackend *backend, const char *id, GCancellable *cancellable,
                     GError **error)
{
  ZuScripted *self = ZU_SCRIPTED (backend);

  g_mutex_lock (&self->lock);
  g_hash_table_remove (self->sandboxes, id);
  g_hash_table_foreach_remove (self->processes, is_of_sandbox, (gpointer) id);
  g_hash_table_foreach_remove (self->sessions, is_session_of, (gpointer) id);
  g_mutex_unlock (&self->lock);
  return TRUE;
}

static char *
zu_scripted_open_session (ZuSandboxBackend *backend, const char *id, ZuProcessSpec *process,
                          GCancellable *cancellable, GError **error)
{
  ZuScripted *self = ZU_SCRIPTED (backend);
  ZuScriptAnswer *answer = find_answer (self, id, zu_process_spec_get_argv (process), error);
  Session *session;
  char *name;

  if (!answer)
    return NULL;
  session = g_new0 (Session, 1);
  session->sandbox = g_strdup (id);
  session->answer = answer;
  g_mutex_lock (&self->lock);
  name = next_name (self, "s");
  g_hash_table_insert (self->sessions, g_strdup (name), session);
  g_mutex_unlock (&self->lock);
  return name;
}

/* With the lock held. */
static Session *
find_session (ZuScripted *self, const char *name, GError **error)
{
  Session *session = g_hash_table_lookup (self->sessions, name);

  if (!session)
    g_set_error (error, NOT_FOUND, "there is no session '%s'", name);
  return session;
}

/* cat says what it is told; all others say their lines, whatever they are told. */
static gboolean
zu_scripted_session_send (ZuSandboxBackend *backend, const char *name, ZuJson *message,
                          GCancellable *cancellable, GError **error)
{
  ZuScripted *self = ZU_SCRIPTED (backend);
  g_autoptr (GMutexLocker) locker = g_mutex_locker_new (&self->lock);
  Session *session = find_session (self, name, error);

  if (session && session->answer->echoes_input)
    g_ptr_array_add (session->answer->lines, zu_json_ref (message));
  return session != NULL;
}

static ZuJson *
zu_scripted_session_receive (ZuSandboxBackend *backend, const char *name, gint64 timeout_ms,
                             GCancellable *cancellable, GError **error)
{
  ZuScripted *self = ZU_SCRIPTED (backend);
  g_autoptr (GMutexLocker) locker = g_mutex_locker_new (&self->lock);
  Session *session = find_session (self, name, error);

  if (!session)
    return NULL;
  if (session->next < session->answer->lines->len)
    return zu_json_ref (session->answer->lines->pdata[session->next++]);
  g_set_error (error, ZU_SANDBOX_BACKEND_ERROR, ZU_SANDBOX_BACKEND_ERROR_CLOSED,
               "session '%s' has said all of its lines", name);
  return NULL;
}

static gboolean
zu_scripted_close_session (ZuSandboxBackend *backend, const char *name, GCancellable *cancellable,
                           GError **error)
{
  ZuScripted *self = ZU_SCRIPTED (backend);

  g_mutex_lock (&self->lock);
  g_hash_table_remove (self->sessions, name);
  g_mutex_unlock (&self->lock);
  return TRUE;
}

static void
zu_scripted_iface_init (ZuSandboxBackendInterface *iface)
{
  iface->launch = zu_scripted_launch;
  iface->exec = zu_scripted_exec;
  iface->spawn = zu_scripted_spawn;
  iface->wait = zu_scripted_wait;
  iface->kill = zu_scripted_kill;
  iface->destroy = zu_scripted_destroy;
  iface->open_session = zu_scripted_open_session;
  iface->session_send = zu_scripted_session_send;
  iface->session_receive = zu_scripted_session_receive;
  iface->close_session = zu_scripted_close_session;
}
