/* SPDX-License-Identifier: Apache-2.0 */

#include "zuctl-run-options.h"
#include "zuctl-sandbox.h"
#include "zuctl-signals.h"

#include <zu-run-process.h>
#include <zu-run.h>

#include <signal.h>
#include <unistd.h>

typedef struct
{
  ZuctlRunOptions run;
  gboolean is_tty;
} ExecOptions;

static void
exec_options_clear (ExecOptions *options)
{
  zuctl_run_options_clear (&options->run);
}

G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC (ExecOptions, exec_options_clear)

static gboolean
parse (const ZuctlCommand *command, GStrv words, ExecOptions *options, ZuctlParsed *parsed,
       GError **error)
{
  const GOptionEntry entries[] = {
    { "timeout", 0, 0, G_OPTION_ARG_STRING, &options->run.timeout,
      "Seconds until the command is ended", "S" },
    { "env", 0, 0, G_OPTION_ARG_FILENAME_ARRAY, &options->run.environment,
      "A variable; may be given again", "NAME=VALUE" },
    { "workdir", 0, 0, G_OPTION_ARG_FILENAME, &options->run.workdir, "Its working directory",
      "DIR" },
    { "tty", 0, 0, G_OPTION_ARG_NONE, &options->is_tty, "Give it a terminal", NULL },
    G_OPTION_ENTRY_NULL
  };

  return zuctl_parse (command, words, entries, NULL, parsed, error);
}

static ZuProcessSpec *
new_process (const ExecOptions *options, GStrv argv, GError **error)
{
  g_autoptr (ZuProcessSpec) plain = zuctl_run_options_new_process_spec (&options->run, argv, error);

  if (plain == NULL)
    return NULL;
  return g_object_new (ZU_TYPE_PROCESS_SPEC, "argv", argv, "environment", options->run.environment,
                       "timeout-ms", zu_process_spec_get_timeout_ms (plain), "workdir",
                       options->run.workdir, "tty", options->is_tty, NULL);
}

static ZuExitStatus *
exec_with_pipes (ZuSandboxBackend *backend, const char *id, ZuProcessSpec *process,
                 GCancellable *cancellable, GError **error)
{
  g_autoptr (GMainContext) context = g_main_context_new ();
  const int fds[] = { STDIN_FILENO, STDOUT_FILENO, STDERR_FILENO };
  g_autoptr (ZuRunProcess) running = NULL;
  ZuExitStatus *exit = NULL;

  g_main_context_push_thread_default (context);
  running = zu_run_process_start (backend, id, process, fds, context, error);
  if (running != NULL)
    exit = zu_run_process_wait (running, cancellable, error);
  if (exit != NULL)
    zu_run_process_drain (running, cancellable);
  g_clear_pointer (&running, zu_run_process_free);
  g_main_context_pop_thread_default (context);
  return exit;
}

/* As zuctl run has it. */
static int
get_status (ZuExitStatus *exit)
{
  if (zu_exit_status_get_timed_out (exit))
    return ZU_RUN_EXIT_TIMED_OUT;
  if (zu_exit_status_get_signal (exit) != 0)
    return ZU_RUN_EXIT_SIGNAL + zu_exit_status_get_signal (exit);
  return zu_exit_status_get_exit_status (exit);
}

static int
get_failure_status (const GError *why)
{
  if (g_error_matches (why, ZU_SANDBOX_BACKEND_ERROR, ZU_SANDBOX_BACKEND_ERROR_COMMAND_NOT_FOUND))
    return ZU_RUN_EXIT_NOT_FOUND;
  if (g_error_matches (why, ZU_SANDBOX_BACKEND_ERROR,
                       ZU_SANDBOX_BACKEND_ERROR_COMMAND_NOT_EXECUTABLE))
    return ZU_RUN_EXIT_NOT_EXECUTABLE;
  return ZU_RUN_EXIT_SET_UP;
}

static int
execute (ZuSandboxBackend *backend, const char *id, ZuProcessSpec *process, GError **error)
{
  g_autoptr (GCancellable) cancellable = g_cancellable_new ();
  g_autoptr (ZuctlSignals) signals = NULL;
  g_autoptr (ZuExitStatus) exit = NULL;
  g_autoptr (GError) why = NULL;

  signal (SIGPIPE, SIG_IGN);
  if (zu_process_spec_get_tty (process))
    exit = zuctl_sandbox_exec_on_terminal (backend, id, process, &why);
  else
    {
      signals = zuctl_signals_new (cancellable);
      exit = exec_with_pipes (backend, id, process, cancellable, &why);
    }
  if (exit == NULL)
    {
      int status = get_failure_status (why);

      g_propagate_prefixed_error (error, g_steal_pointer (&why),
                                  "cannot run %s: ", zu_process_spec_get_argv (process)[0]);
      return status;
    }
  if (signals != NULL && zuctl_signals_get_number (signals) != 0)
    return ZU_RUN_EXIT_SIGNAL + zuctl_signals_get_number (signals);
  return get_status (exit);
}

int
zuctl_sandbox_run_exec (const ZuctlCommand *command, GStrv words, GError **error)
{
  g_auto (ExecOptions) options = { { NULL } };
  g_auto (ZuctlParsed) parsed = { 0 };
  g_autoptr (ZuSandboxBackend) backend = NULL;
  g_autoptr (ZuProcessSpec) process = NULL;

  if (!parse (command, words, &options, &parsed, error))
    return parsed.status;
  process = new_process (&options, parsed.rest + 1, error);
  if (process == NULL)
    return ZUCTL_ERROR;
  backend = zuctl_sandbox_find (parsed.rest[0], error);
  if (backend == NULL)
    return ZU_RUN_EXIT_SET_UP;
  return execute (backend, parsed.rest[0], process, error);
}
