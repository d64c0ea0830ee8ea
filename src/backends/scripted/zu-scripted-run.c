/* SPDX-License-Identifier: Apache-2.0 */

/* Processes and tool calls: each is a process that is played, so it can be listed, killed and is
 * gone with its sandbox. */

#include "zu-observe.h"
#include "zu-render.h"
#include "zu-scripted-private.h"
#include <string.h>

#define REFUSED ZU_SANDBOX_BACKEND_ERROR, ZU_SANDBOX_BACKEND_ERROR_INVALID_SPEC

/* What a real backend refuses of a process, this one does. */
gboolean
zu_scripted_check_process (ZuProcessSpec *process, GError **error)
{
  const char *const *argv = zu_process_spec_get_argv (process);
  const char *workdir = zu_process_spec_get_workdir (process);
  const char *user = zu_process_spec_get_user (process);
  gint64 uid, gid;

  if (!argv || !*argv)
    {
      g_set_error_literal (error, REFUSED, "argv is empty");
      return FALSE;
    }
  if (zu_process_spec_get_timeout_ms (process) < 0)
    {
      g_set_error_literal (error, REFUSED, "timeout_ms is not negative");
      return FALSE;
    }
  return (!workdir || zu_mount_check_workdir (workdir, error))
         && (!user || zu_user_parse (user, &uid, &gid, error));
}

static char *
process_key (const char *id, const char *process_id)
{
  return g_strconcat (id, " ", process_id, NULL);
}

char *
zu_scripted_start (ZuScripted *self, const char *id, const char *const *argv, const int stdio[3],
                   gint64 timeout_ms, GError **error)
{
  ZuScriptedBox *box = zu_scripted_find_box (self, id, error);
  ZuScriptAnswer *answer = box ? zu_script_answer (self->script, argv, error) : NULL;
  char *process_id;

  if (!answer)
    return NULL;
  process_id = zu_scripted_next_name (self, "p");
  g_hash_table_insert (self->processes, process_key (id, process_id),
                       zu_scripted_process_start (answer, argv, stdio, timeout_ms, box->until));
  return process_id;
}

static gboolean
is_of (const char *key, const char *id)
{
  gsize length = strlen (id);

  return strncmp (key, id, length) == 0 && key[length] == ' ';
}

void
zu_scripted_set_until (ZuScripted *self, const char *id, gint64 until)
{
  GHashTableIter iter;
  gpointer key, process;

  g_hash_table_iter_init (&iter, self->processes);
  while (g_hash_table_iter_next (&iter, &key, &process))
    if (is_of (key, id))
      zu_scripted_process_set_until (process, until);
}

static char *
zu_scripted_spawn (ZuSandboxBackend *backend, const char *id, ZuProcessSpec *process, int stdin_fd,
                   int stdout_fd, int stderr_fd, GCancellable *cancellable, GError **error)
{
  ZuScripted *self = ZU_SCRIPTED (backend);
  g_autoptr (GMutexLocker) locker = g_mutex_locker_new (&self->lock);
  const int stdio[3] = { stdin_fd, stdout_fd, stderr_fd };

  if (!zu_scripted_find_box (self, id, error) || !zu_scripted_check_process (process, error))
    return NULL;
  return zu_scripted_start (self, id, zu_process_spec_get_argv (process), stdio,
                            zu_process_spec_get_timeout_ms (process), error);
}

/* A new reference. */
static ZuScriptedProcess *
find_process (ZuScripted *self, const char *id, const char *process_id, GError **error)
{
  g_autofree char *key = process_key (id, process_id);
  g_autoptr (GMutexLocker) locker = g_mutex_locker_new (&self->lock);
  ZuScriptedProcess *process = g_hash_table_lookup (self->processes, key);

  if (process)
    return zu_scripted_process_ref (process);
  g_set_error (error, ZU_SCRIPTED_NOT_FOUND, "there is no process '%s' in '%s'", process_id, id);
  return NULL;
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

/* The sandbox is there; the process, which may have ended already, may be. */
static gboolean
find_maybe (ZuScripted *self, const char *id, const char *process_id, ZuScriptedProcess **process,
            GError **error)
{
  g_mutex_lock (&self->lock);
  if (!zu_scripted_find_box (self, id, error))
    {
      g_mutex_unlock (&self->lock);
      return FALSE;
    }
  g_mutex_unlock (&self->lock);
  *process = find_process (self, id, process_id, NULL);
  return TRUE;
}

/* One whose end was told already is no error, as one that has ended. */
static gboolean
zu_scripted_kill (ZuSandboxBackend *backend, const char *id, const char *process_id, int number,
                  GCancellable *cancellable, GError **error)
{
  g_autoptr (ZuScriptedProcess) process = NULL;

  if (number < 1 || number > 64)
    {
      g_set_error (error, REFUSED, "signal %d is not 1 to 64", number);
      return FALSE;
    }
  if (!find_maybe (ZU_SCRIPTED (backend), id, process_id, &process, error))
    return FALSE;
  if (process)
    zu_scripted_process_kill (process, number);
  return TRUE;
}

/* Nobody here looks at how large a terminal is. */
static gboolean
zu_scripted_resize (ZuSandboxBackend *backend, const char *id, const char *process_id, guint rows,
                    guint columns, GCancellable *cancellable, GError **error)
{
  g_autoptr (ZuScriptedProcess) process = NULL;

  if (rows <= G_MAXUINT16 && columns <= G_MAXUINT16)
    return find_maybe (ZU_SCRIPTED (backend), id, process_id, &process, error);
  g_set_error (error, REFUSED, "a terminal has at most %d rows and columns", G_MAXUINT16);
  return FALSE;
}

static GPtrArray *
zu_scripted_top (ZuSandboxBackend *backend, const char *id, GCancellable *cancellable,
                 GError **error)
{
  ZuScripted *self = ZU_SCRIPTED (backend);
  g_autoptr (GMutexLocker) locker = g_mutex_locker_new (&self->lock);
  g_autoptr (GPtrArray) infos = g_ptr_array_new_with_free_func (g_object_unref);
  GHashTableIter iter;
  gpointer key, process;

  if (!zu_scripted_find_box (self, id, error))
    return NULL;
  g_hash_table_iter_init (&iter, self->processes);
  while (g_hash_table_iter_next (&iter, &key, &process))
    {
      /* Its number is that of its name, "pN". */
      gint64 pid = g_ascii_strtoll (strrchr (key, ' ') + 2, NULL, 10);
      ZuProcessInfo *info = is_of (key, id) ? zu_scripted_process_describe (process, pid) : NULL;

      if (info)
        g_ptr_array_add (infos, info);
    }
  return g_steal_pointer (&infos);
}

/* What a tool that echoes says of its arguments, else what the script has it say. */
static GString *
get_output (ZuScripted *self, ZuToolCall *call, const char *const *argv)
{
  g_autoptr (ZuScriptAnswer) answer = zu_script_answer (self->script, argv, NULL);
  gboolean by_line = zu_tool_call_get_contract (call) == ZU_TOOL_CONTRACT_LINE;
  ZuJson *args = by_line ? zu_tool_call_get_args (call) : NULL;
  g_autofree char *text = answer->echoes_input && args ? zu_json_to_string (args) : NULL;
  GString *output = g_string_new (text ? text : answer->out);

  if (text)
    g_string_append_c (output, '\n');
  return output;
}

static GString *
get_complaint (ZuScripted *self, const char *const *argv)
{
  g_autoptr (ZuScriptAnswer) answer = zu_script_answer (self->script, argv, NULL);

  return g_string_new (answer->err);
}

/* A tool that was ended had not come to say anything yet. */
static ZuObservation *
observe (ZuScripted *self, ZuToolCall *call, const char *const *argv, ZuExitStatus *exit)
{
  gboolean ended = zu_exit_status_get_timed_out (exit);
  GString *output = ended ? g_string_new (NULL) : get_output (self, call, argv);
  GString *complaint = ended ? g_string_new (NULL) : get_complaint (self, argv);
  gsize most = (gsize) MAX (zu_tool_call_get_max_output (call), 0);
  const ZuToolEnd end = { exit, output, complaint, output->len > most };
  ZuObservation *observation;

  g_string_truncate (output, MIN (most, output->len));
  observation = zu_observe (call, &end);
  g_string_free (output, TRUE);
  g_string_free (complaint, TRUE);
  return observation;
}

static ZuObservation *
zu_scripted_exec (ZuSandboxBackend *backend, const char *id, ZuToolCall *tool_call,
                  GCancellable *cancellable, GError **error)
{
  ZuScripted *self = ZU_SCRIPTED (backend);
  g_auto (GStrv) argv = zu_tool_call_dup_argv (tool_call, error);
  const int nothing[3] = { -1, -1, -1 };
  g_autofree char *process_id = NULL;
  g_autoptr (ZuExitStatus) exit = NULL;
  g_autoptr (GError) failure = NULL;
  ZuObservation *observation;

  if (!argv)
    return NULL;
  g_mutex_lock (&self->lock);
  process_id = zu_scripted_start (self, id, (const char *const *) argv, nothing,
                                  zu_tool_call_get_timeout_ms (tool_call), &failure);
  g_mutex_unlock (&self->lock);
  if (process_id)
    exit = zu_scripted_wait (backend, id, process_id, cancellable, &failure);
  if (exit)
    return observe (self, tool_call, (const char *const *) argv, exit);
  observation = zu_observe_failure (failure);
  if (!observation)
    g_propagate_error (error, g_steal_pointer (&failure));
  if (!observation && process_id)
    zu_scripted_kill (backend, id, process_id, 9, NULL, NULL);
  return observation;
}

void
zu_scripted_run_init (ZuSandboxBackendInterface *iface)
{
  iface->exec = zu_scripted_exec;
  iface->spawn = zu_scripted_spawn;
  iface->wait = zu_scripted_wait;
  iface->kill = zu_scripted_kill;
  iface->resize = zu_scripted_resize;
  iface->top = zu_scripted_top;
}
