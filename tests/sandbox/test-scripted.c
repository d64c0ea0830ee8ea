/* SPDX-License-Identifier: Apache-2.0 */

#include "sandbox-support.h"
#include <signal.h>
#include <string.h>

static const char script[] = "{\"script\": ["
                             "{\"argv\": [\"sh\", \"-c\", \"say\"], \"stdout\": \"out\\n\","
                             " \"stderr\": \"err\\n\", \"exit_status\": 3},"
                             "{\"argv\": [\"sh\", \"-c\", \"*\"], \"delay_ms\": 60000},"
                             "{\"argv\": [\"crash\", \"**\"], \"signal\": 11},"
                             "{\"argv\": [\"locked\"], \"error\": \"command-not-executable\"},"
                             "{\"argv\": [\"talk\"], \"lines\": [1, {\"two\": 2}]}]}";

static GObject *
create (const char *options, GError **error)
{
  g_autoptr (ZuJson) json = zu_json_parse (options, -1, error);

  return zu_registry_create (zu_registry_get_default (), "zu.backends", "SandboxBackend",
                             "scripted", json, NULL, error);
}

static void
scripted_set_up (SandboxFixture *f, gconstpointer data)
{
  g_autoptr (GError) error = NULL;

  f->backend = ZU_SANDBOX_BACKEND (create (script, &error));
  g_assert_no_error (error);
  f->id = sandbox_launch (f->backend, "{}", &error);
  g_assert_no_error (error);
}

static void
scripted_tear_down (SandboxFixture *f, gconstpointer data)
{
  g_assert_true (zu_sandbox_backend_destroy (f->backend, f->id, NULL, NULL));
  g_assert_true (zu_sandbox_backend_destroy (f->backend, f->id, NULL, NULL));
  g_clear_object (&f->backend);
  g_free (f->id);
}

static void
test_run (SandboxFixture *f, gconstpointer data)
{
  g_auto (Ran) ran = sandbox_run (f->backend, f->id, "say", 0);

  g_assert_cmpstr (ran.out, ==, "out\n");
  g_assert_cmpstr (ran.err, ==, "err\n");
  g_assert_cmpint (zu_exit_status_get_exit_status (ran.exit), ==, 3);
}

static void
test_timeout (SandboxFixture *f, gconstpointer data)
{
  g_auto (Ran) ran = sandbox_run (f->backend, f->id, "slow", 50);

  g_assert_true (zu_exit_status_get_timed_out (ran.exit));
  g_assert_cmpint (zu_exit_status_get_signal (ran.exit), ==, SIGKILL);
}

static void
test_kill (SandboxFixture *f, gconstpointer data)
{
  g_autoptr (GError) error = NULL;
  g_autofree char *process = sandbox_start (f->backend, f->id, "slow", -1, &error);
  g_autoptr (ZuExitStatus) exit = NULL;

  g_assert_true (zu_sandbox_backend_kill (f->backend, f->id, process, SIGTERM, NULL, &error));
  exit = zu_sandbox_backend_wait (f->backend, f->id, process, NULL, &error);
  g_assert_no_error (error);
  g_assert_cmpint (zu_exit_status_get_signal (exit), ==, SIGTERM);
  g_assert_null (zu_sandbox_backend_wait (f->backend, f->id, process, NULL, &error));
  g_assert_error (error, ZU_SANDBOX_BACKEND_ERROR, ZU_SANDBOX_BACKEND_ERROR_NOT_FOUND);
}

static ZuObservation *
call (SandboxFixture *f, const char *const *argv)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (ZuToolCall) tool_call =
      g_object_new (ZU_TYPE_TOOL_CALL, "argv", argv, "timeout-ms", (gint64) 50, NULL);
  ZuObservation *observation = zu_sandbox_backend_exec (f->backend, f->id, tool_call, NULL, &error);

  g_assert_no_error (error);
  return observation;
}

static void
test_tool_call (SandboxFixture *f, gconstpointer data)
{
  const char *const cases[][4] = {
    { "echo", "[1]", NULL }, { "true", NULL },   { "crash", "a", "b", NULL },
    { "locked", NULL },      { "nobody", NULL }, { "sh", "-c", "slow", NULL },
  };
  const int statuses[] = { 200, 500, 500, 500, 500, 504 };

  for (guint i = 0; i < G_N_ELEMENTS (cases); i++)
    {
      g_autoptr (ZuObservation) observation = call (f, cases[i]);

      g_assert_cmpint (zu_observation_get_status (observation), ==, statuses[i]);
    }
}

static void
test_errors (SandboxFixture *f, gconstpointer data)
{
  const char *const locked[] = { "locked", NULL }, *const nobody[] = { "nobody", NULL };
  g_autoptr (ZuProcessSpec) first = zu_process_spec_new (locked);
  g_autoptr (ZuProcessSpec) second = zu_process_spec_new (nobody);
  g_autoptr (GError) error = NULL;

  g_assert_null (zu_sandbox_backend_spawn (f->backend, f->id, first, -1, -1, -1, NULL, &error));
  g_assert_error (error, ZU_SANDBOX_BACKEND_ERROR, ZU_SANDBOX_BACKEND_ERROR_COMMAND_NOT_EXECUTABLE);
  g_clear_error (&error);
  g_assert_null (zu_sandbox_backend_spawn (f->backend, f->id, second, -1, -1, -1, NULL, &error));
  g_assert_error (error, ZU_SANDBOX_BACKEND_ERROR, ZU_SANDBOX_BACKEND_ERROR_COMMAND_NOT_FOUND);
  g_clear_error (&error);
  g_assert_null (zu_sandbox_backend_spawn (f->backend, "gone", second, -1, -1, -1, NULL, &error));
  g_assert_error (error, ZU_SANDBOX_BACKEND_ERROR, ZU_SANDBOX_BACKEND_ERROR_NOT_FOUND);
}

static void
test_session (SandboxFixture *f, gconstpointer data)
{
  const char *const argv[] = { "talk", NULL };
  g_autoptr (ZuProcessSpec) process = zu_process_spec_new (argv);
  g_autoptr (GError) error = NULL;
  g_autofree char *session =
      zu_sandbox_backend_open_session (f->backend, f->id, process, NULL, &error);
  g_autoptr (ZuJson) one =
      zu_sandbox_backend_session_receive (f->backend, session, 0, NULL, &error);
  g_autoptr (ZuJson) two =
      zu_sandbox_backend_session_receive (f->backend, session, 0, NULL, &error);
  g_autofree char *text = NULL;

  g_assert_no_error (error);
  text = zu_json_to_string (two);
  g_assert_cmpstr (text, ==, "{\"two\":2}");
  g_assert_null (zu_sandbox_backend_session_receive (f->backend, session, 0, NULL, &error));
  g_assert_error (error, ZU_SANDBOX_BACKEND_ERROR, ZU_SANDBOX_BACKEND_ERROR_CLOSED);
}

static void
test_bad_script (gconstpointer data)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (GObject) backend = create (data, &error);

  g_assert_null (backend);
  g_assert_error (error, ZU_SANDBOX_BACKEND_ERROR, ZU_SANDBOX_BACKEND_ERROR_INVALID_SPEC);
}

#define ADD(name, function)                                                       \
  g_test_add ("/scripted/" name, SandboxFixture, NULL, scripted_set_up, function, \
              scripted_tear_down)

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  ADD ("run", test_run);
  ADD ("timeout", test_timeout);
  ADD ("kill", test_kill);
  ADD ("tool-call", test_tool_call);
  ADD ("errors", test_errors);
  ADD ("session", test_session);
  g_test_add_data_func ("/scripted/bad/key", "{\"script\": [{\"argv\": [\"x\"], \"stdou\": \"\"}]}",
                        test_bad_script);
  g_test_add_data_func ("/scripted/bad/type", "{\"script\": [{\"argv\": \"x\"}]}", test_bad_script);
  g_test_add_data_func ("/scripted/bad/argv", "{\"script\": [{\"stdout\": \"x\"}]}",
                        test_bad_script);
  return g_test_run ();
}
