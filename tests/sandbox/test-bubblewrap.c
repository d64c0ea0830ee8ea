/* SPDX-License-Identifier: Apache-2.0 */

/* The real thing: bubblewrap, a keeper and a guest, as root and as an ordinary user. */

#include "sandbox-support.h"
#include "zu-socket.h"
#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
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
test_streams (SandboxFixture *f, gconstpointer data)
{
  g_auto (Ran) ran = sandbox_run (f->backend, f->id, "echo out; echo err >&2; exit 3", 0);

  g_assert_cmpstr (ran.out, ==, "out\n");
  g_assert_cmpstr (ran.err, ==, "err\n");
  g_assert_cmpint (zu_exit_status_get_exit_status (ran.exit), ==, 3);
  g_assert_cmpint (zu_exit_status_get_signal (ran.exit), ==, 0);
  g_assert_false (zu_exit_status_get_timed_out (ran.exit));
  g_assert_cmpint (zu_exit_status_get_peak_memory (ran.exit), >, 100000);
}

/* The first line is here while the program still runs. */
static void
test_streaming (SandboxFixture *f, gconstpointer data)
{
  g_autoptr (GError) error = NULL;
  g_autofree char *process = NULL;
  g_autoptr (ZuExitStatus) exit = NULL;
  char line[16] = "";
  int out[2];

  g_assert_cmpint (pipe2 (out, O_CLOEXEC), ==, 0);
  process = sandbox_start (f->backend, f->id, "echo now; sleep 1000", out[1], &error);
  g_assert_no_error (error);
  close (out[1]);
  g_assert_cmpint (read (out[0], line, sizeof line - 1), ==, 4);
  g_assert_cmpstr (line, ==, "now\n");
  g_assert_true (zu_sandbox_backend_kill (f->backend, f->id, process, SIGTERM, NULL, &error));
  exit = zu_sandbox_backend_wait (f->backend, f->id, process, NULL, &error);
  g_assert_no_error (error);
  g_assert_cmpint (zu_exit_status_get_exit_status (exit), ==, -1);
  g_assert_cmpint (zu_exit_status_get_signal (exit), ==, SIGTERM);
  close (out[0]);
}

static void
test_big_output (SandboxFixture *f, gconstpointer data)
{
  g_auto (Ran) ran = sandbox_run (f->backend, f->id, "head -c 67108864 /dev/zero", 0);

  g_assert_cmpint (zu_exit_status_get_exit_status (ran.exit), ==, 0);
}

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
    { "/etc/passwd", ZU_SANDBOX_BACKEND_ERROR_COMMAND_NOT_EXECUTABLE },
    { "/usr", ZU_SANDBOX_BACKEND_ERROR_COMMAND_NOT_EXECUTABLE },
  };

  for (guint i = 0; i < G_N_ELEMENTS (cases); i++)
    {
      const char *const argv[] = { cases[i].program, NULL };
      g_autoptr (ZuProcessSpec) process = zu_process_spec_new (argv);
      g_autoptr (GError) error = NULL;

      g_assert_null (
          zu_sandbox_backend_spawn (f->backend, f->id, process, -1, -1, -1, NULL, &error));
      g_assert_error (error, ZU_SANDBOX_BACKEND_ERROR, (int) cases[i].code);
    }
}

static void
test_no_network (SandboxFixture *f, gconstpointer data)
{
  assert_says (f, "tail -n +3 /proc/net/dev | cut -d: -f1 | tr -d ' '", "lo\n");
  assert_fails (f, "python3 -c 'import socket; socket.create_connection ((\"1.1.1.1\", 53), 2)'");
}

/* Not even as root: the uid is really another one. */
static void
test_host_is_hidden (SandboxFixture *f, gconstpointer data)
{
  assert_fails (f, "cat /etc/shadow");
  assert_fails (f, "ls /root");
  assert_fails (f, "ls /home");
  assert_fails (f, "ls /var");
  assert_fails (f, "ls /sys");
  assert_says (f, "ls /run /tmp", "/run:\n\n/tmp:\n");
  assert_says (f, "grep -c . /etc/passwd", "2\n");
  /* The guest, a supervisor, sh, ls, grep; and a supervisor that waits for the next, or not yet. */
  assert_says (f, "test $(ls /proc | grep -c '^[0-9]') -le 6 && echo few", "few\n");
}

static void
test_identity (SandboxFixture *f, gconstpointer data)
{
  g_autofree char *mine = g_strdup_printf ("%u\n", getuid () ? getuid () : 65534);

  assert_says (f, "id -u", mine);
  assert_says (f,
               "grep -E '^(CapEff|CapPrm|CapBnd|NoNewPrivs|Seccomp):' /proc/self/status | "
               "tr -d '\\t\\n'",
               "CapPrm:0000000000000000CapEff:0000000000000000CapBnd:0000000000000000"
               "NoNewPrivs:1Seccomp:2");
  assert_says (f, "hostname 2>/dev/null || cat /proc/sys/kernel/hostname", "sandbox\n");
  assert_says (f, "pwd; echo $HOME; touch file && ls", "/work\n/work\nfile\n");
}

static void
test_root_inside (SandboxFixture *f, gconstpointer data)
{
  assert_says (f, "id -u; id -g", "0\n0\n");
  assert_says (f, "grep CapEff /proc/self/status | cut -f2", "0000000000000000\n");
  assert_fails (f, "cat /proc/1/fd/3 || readlink /proc/1/fd/3 || cat /proc/1/mem");
}

static void
test_read_only (SandboxFixture *f, gconstpointer data)
{
  assert_fails (f, "touch /file");
  assert_fails (f, "touch /usr/file");
  assert_fails (f, "touch /etc/file");
  assert_fails (f, "touch /dev/file");
  assert_fails (f, "touch /.zu/file");
  assert_says (f, "touch /tmp/a /run/a /work/a /dev/shm/a 2>/dev/null; echo $(ls /tmp /work)",
               "/tmp: a /work: a\n");
}

static void
test_seccomp (SandboxFixture *f, gconstpointer data)
{
  assert_fails (f, "unshare -U true");
  assert_fails (f, "mount -t tmpfs x /tmp");
  assert_fails (f, "touch x && chmod u+s x");
  assert_fails (f, "touch x && chmod 2755 x");
  assert_says (f, "touch x && chmod 755 x && echo fine", "fine\n");
  assert_says (
      f,
      "python3 - <<'END'\n"
      "import ctypes, errno, socket\n"
      "libc = ctypes.CDLL (None, use_errno=True)\n"
      "def call (*a):\n"
      "    r = libc.syscall (*[ctypes.c_long (x) for x in a])\n"
      "    return errno.errorcode[ctypes.get_errno ()] if r < 0 else 'OK'\n"
      "def family (n, p=0):\n"
      "    try: socket.socket (n, socket.SOCK_DGRAM, p); return 'OK'\n"
      "    except OSError as e: return errno.errorcode[e.errno]\n"
      "print ('io_uring', call (425, 1, 0), 'clone3', call (435, 0, 0))\n"
      "print ('keyctl', call (250, 0, 0), 'bpf', call (321, 0, 0, 0))\n"
      "print ('ptrace', call (101, 16, 1), 'perf', call (298, 0, 0, 0, 0, 0))\n"
      "print ('userfaultfd', call (323, 0), 'vm', call (310, 1, 0, 0, 0, 0, 0))\n"
      "print ('prlimit', call (302, 1, 0, 0, 0), call (302, 0, 0, 0, 0))\n"
      "print ('sti', call (16, 0, 0x5412, 0), call (16, 0, 0x100005412, 0))\n"
      "print ('suid', call (2, id (b'') and 0, 0o101, 0o4755))\n"
      "print (family (1), family (2), family (10), family (17), family (38), family (40))\n"
      "print (family (16), family (16, 9), call (41, 0x100000011, 3, 0))\n"
      "END",
      "io_uring ENOSYS clone3 ENOSYS\nkeyctl EPERM bpf EPERM\nptrace EPERM perf EPERM\n"
      "userfaultfd EPERM vm EPERM\nprlimit EPERM OK\nsti EPERM EPERM\nsuid EPERM\n"
      "OK OK OK EAFNOSUPPORT EAFNOSUPPORT EAFNOSUPPORT\n"
      "OK EPROTONOSUPPORT EAFNOSUPPORT\n");
}

/* The payload cannot reach into process 1, and what kills its supervisor takes its own life. */
static void
test_abuse (SandboxFixture *f, gconstpointer data)
{
  assert_fails (f, "ls /proc/1/fd/");
  assert_fails (f, "cat /proc/1/environ");
  assert_fails (f, "cat < /proc/1/fd/3");
  assert_fails (f, "ls /proc/$PPID/fd/");
  assert_says (f, "kill -9 1; kill -STOP 1; echo still here", "still here\n");
  {
    g_auto (Ran) ran = sandbox_run (f->backend, f->id, "kill -9 -1; sleep 1000", 0);

    g_assert_cmpint (zu_exit_status_get_signal (ran.exit), ==, SIGKILL);
  }
  assert_says (f, "echo alive", "alive\n");
}

static void
test_no_leak (SandboxFixture *f, gconstpointer data)
{
  assert_says (f, "ls /proc/self/fd | tr '\\n' ' '", "0 1 2 3 ");
}

static void
test_fork_bomb (SandboxFixture *f, gconstpointer data)
{
  g_auto (Ran) ran = sandbox_run (f->backend, f->id,
                                  "f() { f 2>/dev/null | f 2>/dev/null & }; f; sleep 1000", 1500);

  g_assert_true (zu_exit_status_get_timed_out (ran.exit));
  assert_says (f, "echo alive", "alive\n");
}

static void
test_memory (SandboxFixture *f, gconstpointer data)
{
  assert_fails (f, "python3 -c 'x = bytearray (200 << 20); print (len (x))'");
  assert_says (f, "python3 -c 'x = bytearray (20 << 20); print (len (x))'", "20971520\n");
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

static void
test_tool_not_there (SandboxFixture *f, gconstpointer data)
{
  const char *const argv[] = { "no-such-tool", NULL };
  g_autoptr (GError) error = NULL;
  g_autoptr (ZuToolCall) call = zu_tool_call_new (argv);
  g_autoptr (ZuObservation) observation =
      zu_sandbox_backend_exec (f->backend, f->id, call, NULL, &error);

  g_assert_no_error (error);
  g_assert_cmpint (zu_observation_get_status (observation), ==, 500);
  g_assert_nonnull (strstr (zu_observation_get_error (observation), "no-such-tool"));
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
  g_assert_null (zu_sandbox_backend_session_receive (f->backend, session, 50, NULL, &error));
  g_assert_error (error, G_IO_ERROR, G_IO_ERROR_TIMED_OUT);
  g_clear_error (&error);
  g_assert_true (zu_sandbox_backend_close_session (f->backend, session, NULL, &error));
  g_assert_true (zu_sandbox_backend_close_session (f->backend, session, NULL, &error));
  g_assert_null (zu_sandbox_backend_session_receive (f->backend, session, 50, NULL, &error));
  g_assert_error (error, ZU_SANDBOX_BACKEND_ERROR, ZU_SANDBOX_BACKEND_ERROR_NOT_FOUND);
}

static void
test_destroy_twice (SandboxFixture *f, gconstpointer data)
{
  g_autoptr (GError) error = NULL;
  g_autofree char *process = NULL;

  g_assert_true (zu_sandbox_backend_destroy (f->backend, f->id, NULL, &error));
  g_assert_true (zu_sandbox_backend_destroy (f->backend, f->id, NULL, &error));
  g_assert_no_error (error);
  process = sandbox_start (f->backend, f->id, "true", -1, &error);
  g_assert_null (process);
  g_assert_error (error, ZU_SANDBOX_BACKEND_ERROR, ZU_SANDBOX_BACKEND_ERROR_NOT_FOUND);
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
  g_assert_null (sandbox_start (f->backend, f->id, "true", -1, &error));
  g_assert_error (error, ZU_SANDBOX_BACKEND_ERROR, ZU_SANDBOX_BACKEND_ERROR_NOT_FOUND);
}

/* What the answer says of a limit is what holds. */
static void
test_limits (SandboxFixture *f, gconstpointer data)
{
  g_autoptr (ZuLaunchSpec) spec =
      g_object_new (ZU_TYPE_LAUNCH_SPEC, "pids-limit", (gint64) 20, "lifetime", (gint64) 60, NULL);
  g_autoptr (GError) error = NULL;
  g_autoptr (ZuSandbox) sandbox = zu_sandbox_backend_launch (f->backend, spec, NULL, NULL, &error);
  gboolean degraded = FALSE;
  GPtrArray *limits;
  g_auto (Ran) ran = { 0 };

  g_assert_no_error (error);
  limits = zu_sandbox_get_limits (sandbox);
  g_assert_cmpuint (limits->len, ==, 3);
  for (guint i = 0; i < limits->len; i++)
    {
      ZuLimit *limit = limits->pdata[i];
      const char *name = zu_limit_get_name (limit), *by = zu_limit_get_enforced_by (limit);

      g_assert_cmpint (zu_limit_get_value (limit), ==,
                       g_str_equal (name, "memory") ? 1 << 30
                       : g_str_equal (name, "pids") ? 20
                                                    : 60);
      g_assert_true (g_str_equal (by, g_str_equal (name, "lifetime") ? "keeper" : "rlimit")
                     || (getuid () == 0 && g_str_equal (by, "cgroup")));
      degraded |= zu_limit_get_degraded (limit);
    }
  g_assert_cmpint (degraded, ==, zu_sandbox_get_weaker (sandbox) != NULL);
  g_assert_true (getuid () == 0 || degraded);
  ran = sandbox_run (f->backend, zu_sandbox_get_id (sandbox),
                     "i=0; while [ $i -lt 40 ]; do sleep 5 & i=$((i+1)); done 2>&1; wait", 3000);
  g_assert_nonnull (strstr (ran.out, "fork"));
  g_assert_true (
      zu_sandbox_backend_destroy (f->backend, zu_sandbox_get_id (sandbox), NULL, &error));
}

static gpointer
run_many (gpointer data)
{
  SandboxFixture *f = data;

  for (int i = 0; i < 10; i++)
    assert_says (f, "echo $((20 + 22))", "42\n");
  return NULL;
}

static void
test_many_at_once (SandboxFixture *f, gconstpointer data)
{
  GThread *threads[16];

  for (guint i = 0; i < G_N_ELEMENTS (threads); i++)
    threads[i] = g_thread_new ("many", run_many, f);
  for (guint i = 0; i < G_N_ELEMENTS (threads); i++)
    g_thread_join (threads[i]);
}

/* A root file system in the fixture's folder, which others may look into. */
static char *
make_image (SandboxFixture *f, const char *more)
{
  g_autofree char *script = g_strdup_printf (
      "set -e; umask 022; cd '%s'; chmod 755 .; rm -rf image; mkdir -p image; cd image; "
      "mkdir bin etc app dev; cp /bin/busybox bin/busybox; for i in sh ls cat touch id test; do "
      "ln -s busybox bin/$i; done; echo 'me:x:7:7::/:/bin/sh' >etc/passwd; echo >etc/hosts; "
      "echo secret >etc/shadow; chmod 600 etc/shadow; echo hi >app/file; ln -s /tmp/x evil; ln -s "
      "app near; %s",
      f->dir, more);

  g_assert_cmpint (system (script), ==, 0);
  return g_build_filename (f->dir, "image", NULL);
}

static char *
launch_image (SandboxFixture *f, const char *image, const char *more, GError **error)
{
  g_autofree char *spec = g_strdup_printf ("{\"image\": \"%s\"%s}", image, more);

  return sandbox_launch (f->backend, spec, error);
}

static void
assert_image_says (SandboxFixture *f, const char *id, const char *script, const char *expected)
{
  g_auto (Ran) ran = sandbox_run (f->backend, id, script, 20000);

  g_assert_cmpstr (ran.err, ==, "");
  g_assert_cmpstr (ran.out, ==, expected);
}

/* Nothing of the host, everything of the image, and no more of it can be written than of the host.
 */
static void
test_image (SandboxFixture *f, gconstpointer data)
{
  g_autofree char *image = make_image (f, "");
  g_autoptr (GError) error = NULL;
  g_autofree char *id = launch_image (f, image, ", \"extra_hosts\": {\"h\": \"::1\"}", &error);
  g_autoptr (ZuSandbox) sandbox = NULL;

  g_assert_no_error (error);
  sandbox = zu_sandbox_backend_inspect (f->backend, id, NULL, &error);
  g_assert_cmpstr (zu_sandbox_get_image (sandbox), ==, image);
  assert_image_says (f, id, "ls -a / | cat",
                     ".\n..\n.zu\napp\nbin\ndev\netc\nevil\nnear\nproc\nrun\ntmp\nwork\n");
  assert_image_says (f, id, "cat /etc/passwd /etc/shadow /app/file",
                     "me:x:7:7::/:/bin/sh\nsecret\nhi\n");
  assert_image_says (f, id, "while read -r a n; do test \"$n\" = h && echo $a; done </etc/hosts",
                     "::1\n");
  assert_image_says (f, id, "cd; touch here; echo *; pwd", "here\n/work\n");
  assert_image_says (f, id, "touch /app/x 2>/tmp/e || touch /bin/x 2>/tmp/e || echo refused",
                     "refused\n");
  g_assert_true (zu_sandbox_backend_destroy (f->backend, id, NULL, &error));
  g_assert_no_error (error);
}

/* Mounts over an image, where it has a place for them. */
static void
test_image_mounts (SandboxFixture *f, gconstpointer data)
{
  g_autofree char *image = make_image (f, "mkdir -p ../shown app/in; echo yes >../shown/file");
  g_autofree char *more =
      g_strdup_printf (", \"workdir\": \"/app\", \"volumes\": {\"%s/shown\": {\"bind\": "
                       "\"/app/in\"}, \"%s/shown/file\": {\"bind\": \"/new/file\"}}",
                       f->dir, f->dir);
  g_autoptr (GError) error = NULL;
  g_autofree char *id = launch_image (f, image, more, &error);

  g_assert_no_error (error);
  assert_image_says (f, id, "pwd; cat file in/file /new/file", "/app\nhi\nyes\nyes\n");
  g_assert_true (zu_sandbox_backend_destroy (f->backend, id, NULL, &error));
  g_assert_no_error (error);
}

static void
assert_image_refused (SandboxFixture *f, const char *image, const char *more, const char *word)
{
  g_autoptr (GError) error = NULL;

  g_assert_null (launch_image (f, image, more, &error));
  g_assert_nonnull (error);
  if (error->domain != ZU_SANDBOX_BACKEND_ERROR || !strstr (error->message, word))
    g_error ("%s: '%s' does not say '%s'", more, error->message, word);
}

static void
test_image_refused (SandboxFixture *f, gconstpointer data)
{
  g_autofree char *image = make_image (f, "");
  g_autofree char *file = g_build_filename (image, "app", "file", NULL);
  g_autofree char *none = g_build_filename (image, "none", NULL);
  static const struct
  {
    const char *more;
    const char *word;
  } cases[] = {
    { ", \"read_only\": false", "read_only" },
    { ", \"require_digest\": true", "digest" },
    { ", \"image_allowlist\": [\"docker.io\"]", "localhost" },
    { ", \"workdir\": \"/app/none\"", "/app/none" },
    { ", \"workdir\": \"/evil/x\"", "/evil/x" },
    { ", \"ca_cert\": \"x\", \"ca_mount\": \"/evil\"", "/evil" },
    { ", \"ca_cert\": \"x\", \"ca_mount\": \"/app\"", "/app" },
    { ", \"volumes\": {\"/usr\": {\"bind\": \"/app/none\"}}", "/app/none" },
    { ", \"volumes\": {\"/usr\": {\"bind\": \"/app/file\"}}", "/app/file" },
    { ", \"volumes\": {\"/usr\": {\"bind\": \"/near\"}}", "/near" },
    { ", \"volumes\": {\"/usr\": {\"bind\": \"/evil\"}}", "/evil" },
    { ", \"volumes\": {\"/usr\": {\"bind\": \"/evil/in\"}}", "/evil/in" },
  };

  for (guint i = 0; i < G_N_ELEMENTS (cases); i++)
    assert_image_refused (f, image, cases[i].more, cases[i].word);
  assert_image_refused (f, file, "", "not a folder");
  assert_image_refused (f, none, "", "no image");
  assert_image_refused (f, "ubuntu", "", "no image 'ubuntu'");
  assert_image_refused (f, "/", "", "the host's /");
  assert_image_refused (f, "/etc", "", "/etc");
  assert_image_refused (f, f->dir, "", "state");
}

/* Where bubblewrap works, /oldroot is the host: a link to it decides nothing. */
static void
test_image_links (SandboxFixture *f, gconstpointer data)
{
  g_autofree char *target = g_build_filename (f->dir, "target", NULL);
  g_autofree char *more = g_strdup_printf (
      "mkdir -m 777 ../target; rm -r etc dev; ln -s '/oldroot%s' etc; for i in work dev proc tmp "
      "run sys .zu; do ln -s '/oldroot%s' $i; done; rm work",
      target, target);
  g_autofree char *image = make_image (f, more);
  g_autoptr (GError) error = NULL;
  g_autofree char *id = launch_image (f, image, "", &error);
  g_autoptr (GDir) dir = NULL;

  g_assert_no_error (error);
  dir = g_dir_open (target, 0, &error);
  g_assert_no_error (error);
  g_assert_null (g_dir_read_name (dir));
  assert_image_says (f, id, "cat /proc/self/comm; test -d /tmp && echo tmp", "cat\ntmp\n");
  assert_image_refused (f, image, ", \"extra_hosts\": {\"h\": \"::1\"}", "extra_hosts");
  g_assert_true (zu_sandbox_backend_destroy (f->backend, id, NULL, &error));
  g_assert_no_error (error);
}

#define ADD(name, spec, function)                                                  \
  g_test_add ("/bubblewrap/" name, SandboxFixture, spec, sandbox_set_up, function, \
              sandbox_tear_down)

int
main (int argc, char **argv)
{
  sandbox_test_init (&argc, &argv);
  ADD ("streams", NULL, test_streams);
  ADD ("streaming", NULL, test_streaming);
  ADD ("big-output", NULL, test_big_output);
  ADD ("timeout", NULL, test_timeout);
  ADD ("cannot-start", NULL, test_cannot_start);
  ADD ("no-network", NULL, test_no_network);
  ADD ("host-is-hidden", NULL, test_host_is_hidden);
  ADD ("identity", NULL, test_identity);
  ADD ("root-inside", "{\"user\": \"0:0\"}", test_root_inside);
  ADD ("read-only", NULL, test_read_only);
  ADD ("seccomp", NULL, test_seccomp);
  ADD ("abuse", NULL, test_abuse);
  ADD ("no-leak", NULL, test_no_leak);
  ADD ("fork-bomb", "{\"pids_limit\": 100}", test_fork_bomb);
  ADD ("memory", "{\"mem_limit\": \"128m\", \"best_effort\": true}", test_memory);
  ADD ("limits", NULL, test_limits);
  ADD ("tool-call", NULL, test_tool_call);
  ADD ("tool-not-there", NULL, test_tool_not_there);
  ADD ("session", NULL, test_session);
  ADD ("destroy-twice", NULL, test_destroy_twice);
  ADD ("other-object", NULL, test_other_object);
  ADD ("many-at-once", NULL, test_many_at_once);
  ADD ("image", NULL, test_image);
  ADD ("image-mounts", NULL, test_image_mounts);
  ADD ("image-refused", NULL, test_image_refused);
  ADD ("image-links", NULL, test_image_links);
  return sandbox_test_run ();
}
