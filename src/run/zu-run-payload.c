/* SPDX-License-Identifier: Apache-2.0 */

#include "zu-run-payload.h"

#include "zu-redact.h"

#include <string.h>

static void
add_string (ZuJsonBuilder *builder, const char *value)
{
  g_autofree char *valid = value != NULL ? g_utf8_make_valid (value, -1) : NULL;

  if (valid != NULL)
    zu_json_builder_add_string (builder, valid);
  else
    zu_json_builder_add_null (builder);
}

static void
set_string (ZuJsonBuilder *builder, const char *name, const char *value)
{
  zu_json_builder_set_member (builder, name);
  add_string (builder, value);
}

static void
set_redacted (ZuJsonBuilder *builder, const char *name, const char *value)
{
  g_autofree char *redacted = value != NULL ? zu_redact_text (value) : NULL;

  set_string (builder, name, redacted);
}

static void
set_int64 (ZuJsonBuilder *builder, const char *name, gint64 value)
{
  zu_json_builder_set_member (builder, name);
  zu_json_builder_add_int64 (builder, value);
}

static void
set_boolean (ZuJsonBuilder *builder, const char *name, gboolean value)
{
  zu_json_builder_set_member (builder, name);
  zu_json_builder_add_boolean (builder, value);
}

static void
set_strings (ZuJsonBuilder *builder, const char *name, const char *const *values)
{
  zu_json_builder_set_member (builder, name);
  zu_json_builder_begin_array (builder);
  for (guint i = 0; values != NULL && values[i] != NULL; i++)
    add_string (builder, values[i]);
  zu_json_builder_end_array (builder);
}

static void
set_argv (ZuJsonBuilder *builder, ZuProcessSpec *process)
{
  g_auto (GStrv) argv = zu_redact_argv (zu_process_spec_get_argv (process));

  set_strings (builder, "argv", (const char *const *) argv);
}

/* NAME of each NAME=VALUE; values are never logged. */
static void
set_variable_names (ZuJsonBuilder *builder, const char *const *environment)
{
  zu_json_builder_set_member (builder, "environment");
  zu_json_builder_begin_array (builder);
  for (guint i = 0; environment != NULL && environment[i] != NULL; i++)
    {
      g_autofree char *name = g_strndup (environment[i], strcspn (environment[i], "="));

      add_string (builder, name);
    }
  zu_json_builder_end_array (builder);
}

static void
set_limits (ZuJsonBuilder *builder, ZuSandbox *sandbox)
{
  GPtrArray *limits = zu_sandbox_get_limits (sandbox);

  zu_json_builder_set_member (builder, "limits");
  zu_json_builder_begin_array (builder);
  for (guint i = 0; limits != NULL && i < limits->len; i++)
    {
      g_autoptr (ZuJson) limit = zu_limit_to_json (g_ptr_array_index (limits, i));

      zu_json_builder_add_json (builder, limit);
    }
  zu_json_builder_end_array (builder);
}

/* What was read back, as the proof of what is in force. */
static void
set_enforcement (ZuJsonBuilder *builder, ZuEnforcement *enforcement)
{
  zu_json_builder_set_member (builder, "enforcement");
  zu_json_builder_begin_object (builder);
  set_string (builder, "mechanism", zu_enforcement_get_mechanism (enforcement));
  set_string (builder, "id", zu_enforcement_get_id (enforcement));
  set_strings (builder, "in_force", zu_enforcement_get_in_force (enforcement));
  zu_json_builder_end_object (builder);
}

static void
set_policy (ZuJsonBuilder *builder, ZuSandbox *sandbox, const ZuRunEgressPolicy *egress,
            ZuEnforcement *enforcement)
{
  g_autoptr (GEnumClass) modes = g_type_class_ref (ZU_TYPE_NETWORK_MODE);
  GEnumValue *mode =
      g_enum_get_value (modes, enforcement != NULL ? ZU_NETWORK_MODE_ISOLATED
                                                   : zu_sandbox_get_network (sandbox));

  zu_json_builder_set_member (builder, "policy");
  zu_json_builder_begin_object (builder);
  set_string (builder, "network", mode != NULL ? mode->value_nick : NULL);
  set_strings (builder, "allow", (const char *const *) egress->allow);
  set_boolean (builder, "allow_any", egress->is_any);
  set_boolean (builder, "observe", egress->is_observing);
  if (egress->sni != NULL)
    set_string (builder, "sni", egress->sni);
  if (enforcement != NULL)
    set_enforcement (builder, enforcement);
  zu_json_builder_end_object (builder);
}

static void
set_mounts (ZuJsonBuilder *builder, ZuLaunchSpec *spec)
{
  ZuJson *volumes = zu_launch_spec_get_volumes (spec);

  zu_json_builder_set_member (builder, "mounts");
  if (volumes != NULL)
    {
      zu_json_builder_add_json (builder, volumes);
      return;
    }
  zu_json_builder_begin_object (builder);
  zu_json_builder_end_object (builder);
}

static ZuJsonBuilder *
begin_payload (void)
{
  ZuJsonBuilder *builder = zu_json_builder_new ();

  zu_json_builder_begin_object (builder);
  return builder;
}

static void
set_request (ZuJsonBuilder *builder, const char *backend, ZuLaunchSpec *spec,
             ZuProcessSpec *process)
{
  set_argv (builder, process);
  set_string (builder, "backend", backend);
  set_redacted (builder, "image", zu_launch_spec_get_image (spec));
}

/* `harness.task.started`: what runs, where, and what is in force around it. */
ZuJsonBuilder *
zu_run_payload_started (const char *backend, ZuLaunchSpec *spec, ZuProcessSpec *process,
                        ZuSandbox *sandbox, const ZuRunEgressPolicy *egress,
                        ZuEnforcement *enforcement)
{
  g_autoptr (ZuJsonBuilder) builder = begin_payload ();

  set_request (builder, backend, spec, process);
  set_string (builder, "image_id", zu_sandbox_get_image_id (sandbox));
  set_string (builder, "sandbox", zu_sandbox_get_id (sandbox));
  set_limits (builder, sandbox);
  set_strings (builder, "weaker", zu_sandbox_get_weaker (sandbox));
  set_policy (builder, sandbox, egress, enforcement);
  set_string (builder, "user", zu_launch_spec_get_user (spec));
  set_string (builder, "workdir", zu_launch_spec_get_workdir (spec));
  set_mounts (builder, spec);
  set_variable_names (builder, zu_process_spec_get_environment (process));
  set_int64 (builder, "timeout_ms", zu_process_spec_get_timeout_ms (process));
  zu_json_builder_end_object (builder);
  return g_steal_pointer (&builder);
}

/* `harness.tool.invoked`: written before the process is started. */
ZuJsonBuilder *
zu_run_payload_invoked (ZuProcessSpec *process)
{
  g_autoptr (ZuJsonBuilder) builder = begin_payload ();

  set_argv (builder, process);
  set_string (builder, "workdir", zu_process_spec_get_workdir (process));
  set_variable_names (builder, zu_process_spec_get_environment (process));
  set_int64 (builder, "timeout_ms", zu_process_spec_get_timeout_ms (process));
  zu_json_builder_end_object (builder);
  return g_steal_pointer (&builder);
}

/* `harness.tool.returned`; FAILURE where the process could not be started. */
ZuJsonBuilder *
zu_run_payload_returned (const ZuRunReturn *result, const char *failure)
{
  g_autoptr (ZuJsonBuilder) builder = begin_payload ();
  ZuExitStatus *exit = result->exit;

  set_int64 (builder, "exit_status",
             exit != NULL ? zu_exit_status_get_exit_status (exit) : result->exit_code);
  set_int64 (builder, "signal", exit != NULL ? zu_exit_status_get_signal (exit) : 0);
  set_boolean (builder, "timed_out", exit != NULL && zu_exit_status_get_timed_out (exit));
  set_boolean (builder, "truncated", result->is_truncated);
  set_int64 (builder, "duration_ms", result->duration_ms);
  set_int64 (builder, "stdout_bytes", result->stdout_bytes);
  set_int64 (builder, "stderr_bytes", result->stderr_bytes);
  if (exit != NULL)
    {
      set_int64 (builder, "cpu_ms", zu_exit_status_get_cpu_ms (exit));
      set_int64 (builder, "peak_memory", zu_exit_status_get_peak_memory (exit));
    }
  if (failure != NULL)
    set_redacted (builder, "error", failure);
  zu_json_builder_end_object (builder);
  return g_steal_pointer (&builder);
}

/* `harness.task.completed`: the command ran to its own end. */
ZuJsonBuilder *
zu_run_payload_completed (int exit_code, gint64 duration_ms)
{
  g_autoptr (ZuJsonBuilder) builder = begin_payload ();

  set_int64 (builder, "exit_status", exit_code);
  set_int64 (builder, "duration_ms", duration_ms);
  zu_json_builder_end_object (builder);
  return g_steal_pointer (&builder);
}

static void
set_end (ZuJsonBuilder *builder, const char *reason, const char *failure, int exit_code,
         gint64 duration_ms)
{
  set_string (builder, "reason", reason);
  set_redacted (builder, "error", failure);
  set_int64 (builder, "exit_status", exit_code);
  set_int64 (builder, "duration_ms", duration_ms);
}

/* `harness.task.terminal`: something else ended the run; REASON is one of a few fixed words. */
ZuJsonBuilder *
zu_run_payload_terminal (const char *reason, const char *failure, int exit_code, gint64 duration_ms)
{
  g_autoptr (ZuJsonBuilder) builder = begin_payload ();

  set_end (builder, reason, failure, exit_code, duration_ms);
  zu_json_builder_end_object (builder);
  return g_steal_pointer (&builder);
}

/* The terminal event of a run that was never started, which therefore says itself what it was. */
ZuJsonBuilder *
zu_run_payload_refused (const char *backend, ZuLaunchSpec *spec, ZuProcessSpec *process,
                        const char *reason, const char *failure, gint64 duration_ms)
{
  g_autoptr (ZuJsonBuilder) builder = begin_payload ();

  set_request (builder, backend, spec, process);
  set_end (builder, reason, failure, 125, duration_ms);
  zu_json_builder_end_object (builder);
  return g_steal_pointer (&builder);
}
