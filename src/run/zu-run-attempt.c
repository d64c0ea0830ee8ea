/* SPDX-License-Identifier: Apache-2.0 */

#include "zu-run-attempt.h"

#include "zu-run.h"

#include <unistd.h>

/* What stands around the command: entered in order before it, left in reverse after it. */
typedef struct
{
  gboolean (*enter) (ZuRunAttempt *self, GError **error);
  gboolean (*leave) (ZuRunAttempt *self, GError **error);
} Step;

static gint64
get_duration (ZuRunAttempt *self)
{
  return (g_get_monotonic_time () - self->began) / 1000;
}

/* The first failure names the reason; one that comes on top of it is told with it. */
static void
fail (ZuRunAttempt *self, const char *reason, GError *failure)
{
  g_autoptr (GError) next = failure;

  if (self->failure != NULL)
    {
      g_autoptr (GError) first = g_steal_pointer (&self->failure);

      self->failure =
          g_error_new (first->domain, first->code, "%s; %s", first->message, next->message);
      return;
    }

  self->reason = g_error_matches (next, G_IO_ERROR, G_IO_ERROR_CANCELLED) ? "cancelled" : reason;
  self->failure = g_steal_pointer (&next);
}

/* A run that is killed can undo nothing, so what holds its sandbox has to notice, and to write its
 * last event. */
static gboolean
launch_sandbox (ZuRunAttempt *self, GError **error)
{
  g_autoptr (ZuOwnership) owner =
      g_object_new (ZU_TYPE_OWNERSHIP, "run", zu_run_journal_get_trace_id (self->journal), "task",
                    zu_run_journal_get_task_id (self->journal), "sink", self->sink, "process",
                    (gint64) getpid (), NULL);

  self->sandbox =
      zu_sandbox_backend_launch (self->backend, self->spec, owner, self->cancellable, error);
  return self->sandbox != NULL;
}

static gboolean
destroy_sandbox (ZuRunAttempt *self, GError **error)
{
  const char *id = zu_sandbox_get_id (self->sandbox);

  if (zu_sandbox_backend_destroy (self->backend, id, NULL, error))
    return TRUE;

  g_prefix_error (error, "cannot destroy the sandbox %s: ", id);
  return FALSE;
}

static const Step steps[] = {
  { zu_run_network_make, zu_run_network_unmake },
  { launch_sandbox, destroy_sandbox },
  { zu_run_network_guard, zu_run_network_unguard },
  { zu_run_egress_enter, zu_run_egress_leave },
};

static void
enter_steps (ZuRunAttempt *self)
{
  for (gsize i = 0; i < G_N_ELEMENTS (steps) && self->failure == NULL; i++)
    {
      GError *error = NULL;

      if (steps[i].enter (self, &error))
        self->n_entered++;
      else
        fail (self, "set-up-failed", error);
    }
}

static void
leave_steps (ZuRunAttempt *self)
{
  while (self->n_entered > 0)
    {
      GError *error = NULL;

      if (!steps[--self->n_entered].leave (self, &error))
        fail (self, "not-undone", error);
    }
}

static void
record (ZuRunAttempt *self, const char *type, ZuJsonBuilder *payload)
{
  g_autoptr (ZuJsonBuilder) owned = payload;
  GError *error = NULL;

  if (!zu_run_journal_write (self->journal, type, payload, &error))
    fail (self, "not-recorded", error);
}

static int
get_spawn_failure_code (const GError *failure)
{
  if (g_error_matches (failure, ZU_SANDBOX_BACKEND_ERROR,
                       ZU_SANDBOX_BACKEND_ERROR_COMMAND_NOT_FOUND))
    return ZU_RUN_EXIT_NOT_FOUND;
  if (g_error_matches (failure, ZU_SANDBOX_BACKEND_ERROR,
                       ZU_SANDBOX_BACKEND_ERROR_COMMAND_NOT_EXECUTABLE))
    return ZU_RUN_EXIT_NOT_EXECUTABLE;
  return ZU_RUN_EXIT_SET_UP;
}

static void
fail_to_start (ZuRunAttempt *self, GError *failure)
{
  int code = get_spawn_failure_code (failure);

  self->result.exit_code = code;
  g_prefix_error (&failure, "cannot run %s: ", zu_process_spec_get_argv (self->process)[0]);
  fail (self,
        code == ZU_RUN_EXIT_NOT_FOUND        ? "command-not-found"
        : code == ZU_RUN_EXIT_NOT_EXECUTABLE ? "command-not-executable"
                                             : "start-failed",
        failure);
}

static int
get_exit_code (ZuExitStatus *exit)
{
  if (zu_exit_status_get_timed_out (exit))
    return ZU_RUN_EXIT_TIMED_OUT;
  if (zu_exit_status_get_signal (exit) != 0)
    return ZU_RUN_EXIT_SIGNAL + zu_exit_status_get_signal (exit);
  return zu_exit_status_get_exit_status (exit);
}

static void
judge_exit (ZuRunAttempt *self)
{
  ZuExitStatus *exit = self->result.exit;

  self->result.exit_code = get_exit_code (exit);
  if (zu_run_process_was_cancelled (self->tool))
    fail (self, "cancelled",
          g_error_new_literal (G_IO_ERROR, G_IO_ERROR_CANCELLED,
                               "the run was ended: it was cancelled from outside"));
  else if (zu_exit_status_get_timed_out (exit))
    fail (self, "timed-out",
          g_error_new (G_IO_ERROR, G_IO_ERROR_TIMED_OUT,
                       "the run was ended: %s took longer than %.10g s",
                       zu_process_spec_get_argv (self->process)[0],
                       zu_process_spec_get_timeout_ms (self->process) / 1000.0));
}

static void
run_tool (ZuRunAttempt *self)
{
  const char *id = zu_sandbox_get_id (self->sandbox);
  GError *error = NULL;

  self->tool =
      zu_run_process_start (self->backend, id, self->process, self->fds, self->context, &error);
  if (self->tool == NULL)
    {
      fail_to_start (self, error);
      return;
    }

  self->result.exit = zu_run_process_wait (self->tool, self->cancellable, &error);
  if (self->result.exit == NULL)
    fail (self, "lost", error);
  else
    judge_exit (self);
}

/* Nothing in the sandbox lives any more, so what is in the pipes is all there will be. */
static void
collect_output (ZuRunAttempt *self)
{
  int number;

  if (self->tool == NULL)
    return;

  zu_run_process_drain (self->tool, self->cancellable);
  self->result.stdout_bytes = zu_run_process_get_stdout_bytes (self->tool);
  self->result.stderr_bytes = zu_run_process_get_stderr_bytes (self->tool);
  self->result.is_truncated = zu_run_process_is_truncated (self->tool);

  number = zu_run_process_get_output_errno (self->tool);
  if (number != 0)
    fail (self, "output-failed",
          g_error_new (G_IO_ERROR, g_io_error_from_errno (number),
                       "cannot deliver the command's output: %s", g_strerror (number)));
}

static gint64
get_tool_duration (ZuRunAttempt *self, gint64 invoked)
{
  if (self->result.exit != NULL && zu_exit_status_get_duration_ms (self->result.exit) > 0)
    return zu_exit_status_get_duration_ms (self->result.exit);
  return (g_get_monotonic_time () - invoked) / 1000;
}

static void
invoke (ZuRunAttempt *self)
{
  gint64 invoked = g_get_monotonic_time ();

  record (self, "harness.tool.invoked", zu_run_payload_invoked (self->process));
  if (self->failure != NULL)
    return;

  run_tool (self);
  self->result.duration_ms = get_tool_duration (self, invoked);
  leave_steps (self);
  collect_output (self);
  record (self, "harness.tool.returned",
          zu_run_payload_returned (&self->result,
                                   self->failure != NULL ? self->failure->message : NULL));
}

/* The failures that are told by the command's own exit status; every other one is a 125. */
static int
get_code (ZuRunAttempt *self)
{
  static const char *const told[] = { "cancelled", "timed-out", "command-not-found",
                                      "command-not-executable", NULL };

  if (self->failure == NULL)
    return self->result.exit_code;
  if (g_strv_contains (told, self->reason) && self->result.exit_code != 0)
    return self->result.exit_code;
  return ZU_RUN_EXIT_SET_UP;
}

static void
record_end (ZuRunAttempt *self)
{
  int code = get_code (self);

  if (self->failure == NULL)
    record (self, "harness.task.completed", zu_run_payload_completed (code, get_duration (self)));
  else
    record (self, "harness.task.terminal",
            zu_run_payload_terminal (self->reason, self->failure->message, code,
                                     get_duration (self)));
}

static void
record_refusal (ZuRunAttempt *self)
{
  record (self, "harness.task.terminal",
          zu_run_payload_refused (self->backend_name, self->spec, self->process, self->reason,
                                  self->failure->message, get_duration (self)));
}

/* Does it all; what it returns is the run's exit status, and SELF's failure says why it is so. */
int
zu_run_attempt_carry_out (ZuRunAttempt *self)
{
  enter_steps (self);
  if (self->failure != NULL)
    {
      leave_steps (self);
      record_refusal (self);
      return ZU_RUN_EXIT_SET_UP;
    }

  record (self, "harness.task.started",
          zu_run_payload_started (
              self->backend_name, self->spec, self->process, self->sandbox, self->egress_policy,
              self->network != NULL ? zu_run_network_get_enforcement (self->network) : NULL));
  if (self->failure == NULL)
    invoke (self);
  leave_steps (self);
  record_end (self);
  return get_code (self);
}

void
zu_run_attempt_clear (ZuRunAttempt *self)
{
  g_clear_pointer (&self->tool, zu_run_process_free);
  g_clear_pointer (&self->egress, zu_run_egress_free);
  g_clear_pointer (&self->network, zu_run_network_free);
  g_clear_object (&self->sandbox);
  g_clear_object (&self->result.exit);
  g_clear_error (&self->failure);
}
