/* SPDX-License-Identifier: Apache-2.0 */

#include "zuctl-command.h"
#include "zuctl-config.h"
#include "zuctl-egress-run.h"
#include "zuctl-log-options.h"
#include "zuctl-run-options.h"
#include "zuctl-signals.h"

#include <zu-run.h>

#include <signal.h>
#include <unistd.h>

#define KIND "zu.backends"
#define PORT "SandboxBackend"

/* As named, else as configured. What is asked for and not there is an error, never another one. */
static char *
dup_backend_name (const ZuctlRunOptions *options, GError **error)
{
  char *configured = NULL;

  if (options->backend != NULL)
    return g_strdup (options->backend);
  if (!zuctl_config_get ("run", "backend", &configured, error))
    return NULL;
  return configured != NULL ? configured : g_strdup ("bubblewrap");
}

static ZuSandboxBackend *
open_backend (const char *name, GError **error)
{
  GObject *backend =
      zu_registry_create (zu_registry_get_default (), KIND, PORT, name, NULL, NULL, error);

  if (backend == NULL)
    {
      g_prefix_error (error, "cannot use the backend %s: ", name);
      return NULL;
    }
  return ZU_SANDBOX_BACKEND (backend);
}

static ZuEventBus *
open_bus (const ZuctlRunOptions *options, GError **error)
{
  g_auto (ZuctlLogOptions) none = { NULL };
  g_autoptr (ZuEventSink) sink = zuctl_log_open_to_write (&none, options->sink, error);

  if (sink == NULL)
    return NULL;
  if (!zu_event_sink_get_links (sink))
    {
      g_set_error_literal (error, ZUCTL_FAILURE, ZUCTL_FAILURE_ENVIRONMENT,
                           "cannot write the run down: that log does not link its events "
                           "(leave raw=1 out)");
      return NULL;
    }
  return zu_event_bus_new (sink, NULL);
}

/* Where a run's last event goes when zuctl is no longer there to write it: a keeper has another
 * working directory, so a path is made whole. */
static char *
dup_whole_uri (const char *uri)
{
  const char *path = strchr (uri, ':');
  g_autofree char *scheme = path != NULL ? g_strndup (uri, (gsize) (path + 1 - uri)) : NULL;
  g_autofree char *whole = NULL;

  if (path == NULL || path[1] == '\0' || g_str_has_prefix (path + 1, "//"))
    return g_strdup (uri);

  whole = g_canonicalize_filename (path + 1, NULL);
  return g_strconcat (scheme, whole, NULL);
}

static gboolean
tell_sink (ZuRun *run, const char *given, GError **error)
{
  g_autofree char *uri = zuctl_log_dup_uri (given, error);
  g_autofree char *whole = NULL;

  if (uri == NULL)
    return FALSE;
  whole = dup_whole_uri (uri);
  g_object_set (run, "sink", whole, NULL);
  return TRUE;
}

/* Runs it, and says what is to be the exit status. */
static int
execute (ZuRun *run, ZuLaunchSpec *spec, ZuProcessSpec *process, GError **error)
{
  g_autoptr (GCancellable) cancellable = g_cancellable_new ();
  g_autoptr (ZuctlSignals) signals = zuctl_signals_new (cancellable);
  g_autoptr (GError) why = NULL;
  const int fds[] = { STDIN_FILENO, STDOUT_FILENO, STDERR_FILENO };
  int status;

  status = zu_run_execute (run, spec, process, fds, cancellable, &why);
  if (why == NULL)
    return status;

  if (g_error_matches (why, G_IO_ERROR, G_IO_ERROR_CANCELLED))
    status = ZU_RUN_EXIT_SIGNAL + zuctl_signals_get_number (signals);
  g_propagate_error (error, g_steal_pointer (&why));
  return status;
}

/* Only for somebody who watches. */
static void
on_progress (ZuSandboxBackend *backend, const char *text, gpointer user_data)
{
  if (isatty (STDERR_FILENO))
    g_printerr ("zuctl: %s\n", text);
}

/* Usage errors are 2 as everywhere; everything else that keeps the command from running is 125. */
static int
run_run (const ZuctlCommand *command, GStrv words, GError **error)
{
  g_auto (ZuctlRunOptions) options = { NULL };
  g_auto (ZuctlParsed) parsed = { 0 };
  g_autoptr (ZuLaunchSpec) spec = NULL;
  g_autoptr (ZuProcessSpec) process = NULL;
  g_autoptr (ZuSandboxBackend) backend = NULL;
  g_autoptr (ZuEventBus) bus = NULL;
  g_autoptr (ZuRun) run = NULL;
  g_autofree char *name = NULL;
  int status;

  if (!zuctl_run_options_parse (command, words, &options, &parsed, error))
    return parsed.status;
  if (!zuctl_run_egress_check (&options, error))
    return ZUCTL_ERROR;
  spec = zuctl_run_options_new_launch_spec (&options, error);
  if (spec == NULL)
    return ZUCTL_ERROR;
  process = zuctl_run_options_new_process_spec (&options, parsed.rest, error);
  if (process == NULL)
    return ZUCTL_ERROR;

  signal (SIGPIPE, SIG_IGN);
  name = dup_backend_name (&options, error);
  backend = name != NULL ? open_backend (name, error) : NULL;
  bus = backend != NULL ? open_bus (&options, error) : NULL;
  if (bus == NULL)
    return ZU_RUN_EXIT_SET_UP;

  g_signal_connect (backend, "progress", G_CALLBACK (on_progress), NULL);
  run = zu_run_new (backend, name, bus, "zuctl");
  if (!zuctl_run_egress_set (run, &options, error))
    return g_error_matches (*error, ZUCTL_FAILURE, ZUCTL_FAILURE_USAGE) ? ZUCTL_ERROR
                                                                        : ZU_RUN_EXIT_SET_UP;
  if (!tell_sink (run, options.sink, error))
    return ZU_RUN_EXIT_SET_UP;
  status = execute (run, spec, process, error);
  zuctl_run_egress_print_needed (run);
  return status;
}

const ZuctlCommand zuctl_run_commands[] = {
  { "run", "[--] CMD...", "Run a command contained, and write down what happened", run_run, 1,
    G_MAXUINT, ZUCTL_WORDS_END_OPTIONS },
  { NULL },
};
