/* SPDX-License-Identifier: Apache-2.0 */

/* What every real backend does alike, whatever makes its sandboxes: the backend is named by
 * ZU_TEST_BACKEND. Only sh and what comes with any busybox is used inside. */

#include "sandbox-support.h"
#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static void
assert_says (SandboxFixture *f, const char *script, const char *expected)
{
  g_auto (Ran) ran = sandbox_run (f->backend, f->id, script, 20000);

  g_assert_cmpstr (ran.out, ==, expected);
}

static void
assert_fails (SandboxFixture *f, const char *script)
{
  g_auto (Ran) ran = sandbox_run (f->backend, f->id, script, 20000);

  if (zu_exit_status_get_exit_status (ran.exit) == 0)
    g_error ("this should not work in a sandbox: %s: %s", script, ran.out);
}

static void
test_life (SandboxFixture *f, gconstpointer data)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (ZuSandbox) sandbox = zu_sandbox_backend_inspect (f->backend, f->id, NULL, &error);

  g_assert_no_error (error);
  g_assert_cmpstr (zu_sandbox_get_backend (sandbox), ==, sandbox_get_backend ());
  g_assert_true (zu_sandbox_get_live (sandbox));
  for (int i = 0; i < 2; i++)
    {
      g_assert_true (zu_sandbox_backend_destroy (f->backend, f->id, NULL, &error));
      g_assert_no_error (error);
    }
  g_assert_null (sandbox_start (f->backend, f->id, "true", -1, &error));
  g_assert_error (error, ZU_SANDBOX_BACKEND_ERROR, ZU_SANDBOX_BACKEND_ERROR_NOT_FOUND);
}

static void
test_streams (SandboxFixture *f, gconstpointer data)
{
  g_auto (Ran) ran = sandbox_run (f->backend, f->id, "echo out; echo err >&2; exit 3", 0);
  g_auto (Ran) killed = sandbox_run (f->backend, f->id, "kill -9 $$", 0);
  g_auto (Ran) big = sandbox_run (f->backend, f->id, "head -c 33554432 /dev/zero | tr '\\0' x", 0);

  g_assert_cmpstr (ran.out, ==, "out\n");
  g_assert_cmpstr (ran.err, ==, "err\n");
  g_assert_cmpint (zu_exit_status_get_exit_status (ran.exit), ==, 3);
  g_assert_cmpint (zu_exit_status_get_signal (killed.exit), ==, SIGKILL);
  g_assert_cmpuint (strlen (big.out), ==, 32 << 20);
}

static void
test_stdin (SandboxFixture *f, gconstpointer data)
{
  const char *const argv[] = { "cat", NULL };
  g_autoptr (ZuProcessSpec) process = zu_process_spec_new (argv);
  g_autoptr (GError) error = NULL;
  g_autofree char *id = NULL, *text = NULL;
  int in[2], out[2];

  g_assert_cmpint (pipe2 (in, O_CLOEXEC), ==, 0);
  g_assert_cmpint (pipe2 (out, O_CLOEXEC), ==, 0);
  id = zu_sandbox_backend_spawn (f->backend, f->id, process, in[0], out[1], -1, NULL, &error);
  g_assert_no_error (error);
  close (in[0]);
  close (out[1]);
  g_assert_cmpint (write (in[1], "to be read\n", 11), ==, 11);
  close (in[1]);
  text = sandbox_read_all (out[0]);
  g_assert_cmpstr (text, ==, "to be read\n");
}

/* Its whole tree ends, with what has gone its own way. */
static void
test_timeout (SandboxFixture *f, gconstpointer data)
{
  g_auto (Ran) ran =
      sandbox_run (f->backend, f->id,
                   "(setsid sh -c 'trap \"\" TERM HUP; sleep 4321' &); trap '' TERM; sleep 4322",
                   500);

  g_assert_true (zu_exit_status_get_timed_out (ran.exit));
  assert_says (f, "cat /proc/[0-9]*/cmdline | tr '\\0' ' ' | grep -c 'sleep 432[1]'", "0\n");
}

static void
test_cannot_start (SandboxFixture *f, gconstpointer data)
{
  const struct
  {
    const char *program;
    ZuSandboxBackendError code;
  } cases[] = {
    { "no-such-program", ZU_SANDBOX_BACKEND_ERROR_COMMAND_NOT_FOUND },
    { "/no/such/program", ZU_SANDBOX_BACKEND_ERROR_COMMAND_NOT_FOUND },
    { "/etc/passwd", ZU_SANDBOX_BACKEND_ERROR_COMMAND_NOT_EXECUTABLE },
    { "/etc", ZU_SANDBOX_BACKEND_ERROR_COMMAND_NOT_EXECUTABLE },
  };

  for (guint i = 0; i < G_N_ELEMENTS (cases); i++)
    {
      const char *const argv[] = { cases[i].program, NULL };
      g_autoptr (ZuProcessSpec) process = zu_process_spec_new (argv);
      g_autoptr (GError) error = NULL;

      g_assert_null (
          zu_sandbox_backend_spawn (f->backend, f->id, process, -1, -1, -1, NULL, &error));
      g_assert_error (error, ZU_SANDBOX_BACKEND_ERROR, (int) cases[i].code);
      g_assert_nonnull (strstr (error->message, cases[i].program));
    }
}

static void
test_bad_process (SandboxFixture *f, gconstpointer data)
{
  const char *const argv[] = { "true", NULL };
  g_autoptr (ZuProcessSpec) in_proc =
      g_object_new (ZU_TYPE_PROCESS_SPEC, "argv", argv, "workdir", "/proc/self", NULL);
  g_autoptr (ZuProcessSpec) as_other =
      g_object_new (ZU_TYPE_PROCESS_SPEC, "argv", argv, "user", "12345", NULL);
  g_autoptr (GError) error = NULL;

  g_assert_null (zu_sandbox_backend_spawn (f->backend, f->id, in_proc, -1, -1, -1, NULL, &error));
  g_assert_error (error, ZU_SANDBOX_BACKEND_ERROR, ZU_SANDBOX_BACKEND_ERROR_INVALID_SPEC);
  g_clear_error (&error);
  g_assert_null (zu_sandbox_backend_spawn (f->backend, f->id, as_other, -1, -1, -1, NULL, &error));
  g_assert_nonnull (error);
}

/* The floor, as it shows from inside. */
static void
test_floor (SandboxFixture *f, gconstpointer data)
{
  assert_says (f,
               "grep -E '^(CapEff|CapPrm|CapBnd|NoNewPrivs|Seccomp):' /proc/self/status | "
               "tr -d '\\t\\n'",
               "CapPrm:0000000000000000CapEff:0000000000000000CapBnd:0000000000000000"
               "NoNewPrivs:1Seccomp:2");
  assert_says (f, "tail -n +3 /proc/net/dev | cut -d: -f1 | tr -d ' '", "lo\n");
  assert_says (f, "id -u | grep -c '^0$'", "0\n");
  assert_says (f, "grep -c localhost /etc/hosts", "2\n");
  assert_says (f, "ls /proc/self/fd | tr '\\n' ' '", "0 1 2 3 ");
  assert_fails (f, "touch /file");
  assert_fails (f, "touch /bin/file");
  assert_fails (f, "touch /etc/file");
  assert_fails (f, "touch /.zu/file");
  assert_fails (f, "echo x > /proc/sys/kernel/hostname");
  assert_fails (f, "mount -t tmpfs x /tmp");
  assert_fails (f, "unshare -U true");
  assert_fails (f, "mknod /tmp/x b 8 0");
  assert_says (f, "touch /tmp/a /run/a /work/a && echo fine", "fine\n");
  assert_says (f, "printf '#!/bin/sh\\necho ran\\n' > /tmp/x; chmod +x /tmp/x; /tmp/x", "ran\n");
  assert_says (f, "pwd; echo $HOME", "/work\n/work\n");
}

static void
test_abuse (SandboxFixture *f, gconstpointer data)
{
  assert_fails (f, "ls /proc/1/fd/");
  assert_fails (f, "cat /proc/1/environ");
  assert_fails (f, "cat /proc/1/mem");
  assert_fails (f, "ls /proc/$PPID/fd/");
  assert_says (f, "kill -9 1; kill -STOP 1; echo still here", "still here\n");
  {
    g_auto (Ran) ran = sandbox_run (f->backend, f->id, "kill -9 -1; sleep 1000", 0);

    g_assert_cmpint (zu_exit_status_get_signal (ran.exit), ==, SIGKILL);
  }
  assert_says (f, "echo alive", "alive\n");
}

static void
test_limits (SandboxFixture *f, gconstpointer data)
{
  g_auto (Ran) many =
      sandbox_run (f->backend, f->id,
                   "i=0; while [ $i -lt 80 ]; do sleep 5 & i=$((i+1)); done 2>&1; wait", 3000);
  g_auto (Ran) much =
      sandbox_run (f->backend, f->id, "head -c 400m /dev/zero | tail -c 400m | wc -c", 20000);

  g_assert_nonnull (strstr (many.out, "fork"));
  g_assert_null (strstr (much.out, "419430400"));
  assert_says (f, "echo alive", "alive\n");
}

static void
test_tool_call (SandboxFixture *f, gconstpointer data)
{
  const struct
  {
    const char *script;
    const char *json;
  } cases[] = {
    { "cat", "{\"status\":200,\"data\":{\"a\":[1,2]}" },
    { "echo no json", "{\"status\":500,\"data\":null,\"text\":\"no json\\n\"" },
    { "echo '{}'; echo broken >&2; exit 2", "exit status is 2: broken" },
    { "sleep 1000", "{\"status\":504" },
    { "head -c 100000 /dev/zero | tr '\\0' x", "\"truncated\":true" },
    { "printf '\\377'", "\"status\":500" },
    { "kill -9 $$", "ended by signal 9" },
  };

  for (guint i = 0; i < G_N_ELEMENTS (cases); i++)
    {
      const char *const argv[] = { "sh", "-c", cases[i].script, NULL };
      g_autoptr (GError) error = NULL;
      g_autoptr (ZuJson) args = zu_json_parse ("{\"a\":[1,2]}", -1, &error);
      g_autoptr (ZuToolCall) call =
          g_object_new (ZU_TYPE_TOOL_CALL, "argv", argv, "args", args, "timeout-ms", (gint64) 1500,
                        "max-output", (gint64) 50000, NULL);
      g_autoptr (ZuObservation) observation =
          zu_sandbox_backend_exec (f->backend, f->id, call, NULL, &error);
      g_autoptr (ZuJson) json = NULL;
      g_autofree char *text = NULL;

      g_assert_no_error (error);
      json = zu_observation_to_json (observation);
      text = zu_json_to_string (json);
      if (!strstr (text, cases[i].json))
        g_error ("%s: %s", cases[i].script, text);
    }
}

/* The page's own words on the renderer's command line, and its answer as the observation. */
static void
test_render (SandboxFixture *f, gconstpointer data)
{
  const struct
  {
    const char *script;
    const char *json;
  } cases[] = {
    { "echo '{\"status\": 404, \"html\": \"'\"$*\"'\"}'",
      "{\"status\":404,\"data\":{\"status\":404,\"html\":\"http://a/ --width 8 --height 6\"}" },
    { "cat; echo '<html>'", "{\"status\":500,\"data\":null,\"text\":\"<html>\\n\"" },
    { "echo '{}'; echo crashed >&2; exit 2", "exit status is 2: crashed" },
    { "echo half; sleep 1000", "{\"status\":504,\"data\":null,\"text\":\"half\\n\"" },
  };

  for (guint i = 0; i < G_N_ELEMENTS (cases); i++)
    {
      const char *const argv[] = { "sh", "-c", cases[i].script, "render", NULL };
      g_autoptr (GError) error = NULL;
      g_autoptr (ZuJson) args =
          zu_json_parse ("{\"url\": \"http://a/\", \"width\": 8, \"height\": 6}", -1, &error);
      g_autoptr (ZuToolCall) call =
          g_object_new (ZU_TYPE_TOOL_CALL, "argv", argv, "args", args, "contract",
                        ZU_TOOL_CONTRACT_RENDER, "timeout-ms", (gint64) 1500, NULL);
      g_autoptr (ZuObservation) observation =
          zu_sandbox_backend_exec (f->backend, f->id, call, NULL, &error);
      g_autoptr (ZuJson) json = NULL;
      g_autofree char *text = NULL;

      g_assert_no_error (error);
      json = zu_observation_to_json (observation);
      text = zu_json_to_string (json);
      if (!strstr (text, cases[i].json))
        g_error ("%s: %s", cases[i].script, text);
    }
}

/* Two who use one program; it goes with the last, or with the sandbox. */
static void
test_shared_session (SandboxFixture *f, gconstpointer data)
{
  const char *const cat[] = { "cat", NULL }, *const other[] = { "true", NULL };
  g_autoptr (ZuProcessSpec) process = zu_process_spec_new (cat);
  g_autoptr (ZuProcessSpec) another = zu_process_spec_new (other);
  g_autoptr (GError) error = NULL;
  g_autoptr (ZuJson) one = zu_json_parse ("1", -1, &error), answer = NULL;
  g_autofree char *first = NULL, *second = NULL, *third = NULL, *fourth = NULL;

  first = zu_sandbox_backend_share_session (f->backend, f->id, "run", process, NULL, &error);
  second = zu_sandbox_backend_share_session (f->backend, f->id, "run", process, NULL, &error);
  third = zu_sandbox_backend_share_session (f->backend, f->id, "other", process, NULL, &error);
  g_assert_no_error (error);
  g_assert_cmpstr (first, ==, second);
  g_assert_cmpstr (first, !=, third);
  g_assert_null (
      zu_sandbox_backend_share_session (f->backend, f->id, "run", another, NULL, &error));
  g_assert_error (error, ZU_SANDBOX_BACKEND_ERROR, ZU_SANDBOX_BACKEND_ERROR_INVALID_SPEC);
  g_clear_error (&error);
  g_assert_true (zu_sandbox_backend_close_session (f->backend, first, NULL, &error));
  g_assert_true (zu_sandbox_backend_session_send (f->backend, second, one, NULL, &error));
  answer = zu_sandbox_backend_session_receive (f->backend, second, 5000, NULL, &error);
  g_assert_no_error (error);
  g_assert_true (zu_sandbox_backend_close_session (f->backend, second, NULL, &error));
  g_assert_false (zu_sandbox_backend_session_send (f->backend, second, one, NULL, &error));
  g_assert_error (error, ZU_SANDBOX_BACKEND_ERROR, ZU_SANDBOX_BACKEND_ERROR_NOT_FOUND);
  g_clear_error (&error);
  fourth = zu_sandbox_backend_share_session (f->backend, f->id, "run", process, NULL, &error);
  g_assert_no_error (error);
  g_assert_cmpstr (fourth, !=, first);
  assert_says (f, "cat /proc/[0-9]*/comm | grep -c '^cat$'", "3\n");
}

static void
test_session (SandboxFixture *f, gconstpointer data)
{
  const char *const argv[] = { "sh", "-c", "while read -r line; do echo \"[$line]\"; done", NULL };
  g_autoptr (ZuProcessSpec) process = zu_process_spec_new (argv);
  g_autoptr (GError) error = NULL;
  g_autofree char *session =
      zu_sandbox_backend_open_session (f->backend, f->id, process, NULL, &error);

  g_assert_no_error (error);
  for (int i = 0; i < 3; i++)
    {
      g_autofree char *number = g_strdup_printf ("%d", i), *text = NULL;
      g_autoptr (ZuJson) message = zu_json_parse (number, -1, &error), answer = NULL;
      g_autofree char *expected = g_strdup_printf ("[%d]", i);

      g_assert_true (zu_sandbox_backend_session_send (f->backend, session, message, NULL, &error));
      answer = zu_sandbox_backend_session_receive (f->backend, session, 5000, NULL, &error);
      g_assert_no_error (error);
      text = zu_json_to_string (answer);
      g_assert_cmpstr (text, ==, expected);
    }
  g_assert_true (zu_sandbox_backend_close_session (f->backend, session, NULL, &error));
  g_assert_true (zu_sandbox_backend_close_session (f->backend, session, NULL, &error));
}

/* Another object, as another process would have, finds the sandbox by its id. */
static void
test_other_object (SandboxFixture *f, gconstpointer data)
{
  g_autoptr (ZuSandboxBackend) other = sandbox_new_backend (f->state);
  g_autoptr (GError) error = NULL;
  g_auto (Ran) ran = sandbox_run (other, f->id, "echo found", 0);

  g_assert_cmpstr (ran.out, ==, "found\n");
  g_assert_true (zu_sandbox_backend_destroy (other, f->id, NULL, &error));
  g_assert_no_error (error);
}

static void
test_mounts (SandboxFixture *f, gconstpointer data)
{
  g_autofree char *open = g_build_filename (f->dir, "open", NULL);
  g_autofree char *file = g_build_filename (open, "file", NULL);
  g_autofree char *spec =
      g_strdup_printf ("{\"volumes\": {\"%s\": {\"bind\": \"/mnt/in\"}}}", open);
  g_autoptr (GError) error = NULL;
  g_autoptr (GPtrArray) mounts = NULL;
  gboolean found = FALSE;

  g_assert_cmpint (g_mkdir_with_parents (open, 0755), ==, 0);
  g_assert_true (g_file_set_contents (file, "from outside", -1, &error));
  g_assert_true (zu_sandbox_backend_destroy (f->backend, f->id, NULL, &error));
  g_free (f->id);
  f->id = sandbox_launch (f->backend, spec, &error);
  g_assert_no_error (error);
  assert_says (f, "cat /mnt/in/file", "from outside");
  assert_fails (f, "touch /mnt/in/other");
  mounts = zu_sandbox_backend_mounts (f->backend, f->id, NULL, &error);
  g_assert_no_error (error);
  for (guint i = 0; i < mounts->len; i++)
    found |= g_strcmp0 (zu_mount_info_get_destination (mounts->pdata[i]), "/mnt/in") == 0
             && g_strcmp0 (zu_mount_info_get_source (mounts->pdata[i]), open) == 0
             && !zu_mount_info_get_writable (mounts->pdata[i]);
  g_assert_true (found);
}

static gboolean
has_change (GPtrArray *changes, const char *path, ZuChangeKind kind)
{
  for (guint i = 0; i < changes->len; i++)
    if (g_strcmp0 (zu_file_change_get_path (changes->pdata[i]), path) == 0)
      return zu_file_change_get_kind (changes->pdata[i]) == kind;
  return FALSE;
}

static void
test_looking (SandboxFixture *f, gconstpointer data)
{
  g_autoptr (GError) error = NULL;
  g_autofree char *process = sandbox_start (f->backend, f->id, "sleep 4323", -1, &error);
  g_autoptr (GPtrArray) processes = NULL, changes = NULL, before = NULL;
  gboolean found = FALSE;

  g_assert_no_error (error);
  before = zu_sandbox_backend_fs_diff (f->backend, f->id, NULL, &error);
  g_assert_no_error (error);
  g_assert_cmpuint (before->len, ==, 0);
  assert_says (f, "echo x > /work/new; echo fine", "fine\n");
  processes = zu_sandbox_backend_top (f->backend, f->id, NULL, &error);
  g_assert_no_error (error);
  for (guint i = 0; i < processes->len; i++)
    found |= strstr (zu_process_info_get_command (processes->pdata[i]), "4323") != NULL;
  g_assert_true (found);
  changes = zu_sandbox_backend_fs_diff (f->backend, f->id, NULL, &error);
  g_assert_no_error (error);
  g_assert_true (has_change (changes, "/work/new", ZU_CHANGE_KIND_ADDED));
  g_assert_cmpuint (changes->len, ==, 1);
}

static gpointer
run_many (gpointer data)
{
  for (int i = 0; i < 5; i++)
    assert_says (data, "echo $((20 + 22))", "42\n");
  return NULL;
}

static void
test_many_at_once (SandboxFixture *f, gconstpointer data)
{
  GThread *threads[32];

  for (guint i = 0; i < G_N_ELEMENTS (threads); i++)
    threads[i] = g_thread_new ("many", run_many, f);
  for (guint i = 0; i < G_N_ELEMENTS (threads); i++)
    g_thread_join (threads[i]);
}

#define ADD(name, spec, function) \
  g_test_add ("/backend/" name, SandboxFixture, spec, sandbox_set_up, function, sandbox_tear_down)

int
main (int argc, char **argv)
{
  sandbox_test_init (&argc, &argv);
  ADD ("life", NULL, test_life);
  ADD ("streams", NULL, test_streams);
  ADD ("stdin", NULL, test_stdin);
  ADD ("timeout", NULL, test_timeout);
  ADD ("cannot-start", NULL, test_cannot_start);
  ADD ("bad-process", NULL, test_bad_process);
  ADD ("floor", NULL, test_floor);
  ADD ("abuse", NULL, test_abuse);
  ADD ("limits", "{\"pids_limit\": 60, \"mem_limit\": \"128m\", \"best_effort\": true}",
       test_limits);
  ADD ("tool-call", NULL, test_tool_call);
  ADD ("render", NULL, test_render);
  ADD ("session", NULL, test_session);
  ADD ("shared-session", NULL, test_shared_session);
  ADD ("other-object", NULL, test_other_object);
  ADD ("mounts", NULL, test_mounts);
  ADD ("looking", NULL, test_looking);
  ADD ("many-at-once", NULL, test_many_at_once);
  return sandbox_test_run ();
}
