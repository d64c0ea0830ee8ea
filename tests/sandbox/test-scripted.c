/* SPDX-License-Identifier: Apache-2.0 */

#include "sandbox-support.h"
#include <fcntl.h>
#include <gio/gio.h>
#include <glib/gstdio.h>
#include <signal.h>
#include <string.h>
#include <unistd.h>

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

/* A descriptor that reads @text to its end. */
static int
open_text (const char *text)
{
  int ends[2];

  g_assert_cmpint (pipe2 (ends, O_CLOEXEC), ==, 0);
  g_assert_cmpint (write (ends[1], text, strlen (text)), ==, (gssize) strlen (text));
  close (ends[1]);
  return ends[0];
}

static gboolean
put (SandboxFixture *f, const char *path, const char *text, GError **error)
{
  int fd = open_text (text);
  gboolean good = zu_sandbox_backend_put_file (f->backend, f->id, path, fd, 0640, NULL, error);

  close (fd);
  return good;
}

static void
test_files (SandboxFixture *f, gconstpointer data)
{
  static const char *const refused[] = { "/etc/x", "/tmp/no/such", "/tmp", "/tmp/a/b" };
  g_autoptr (GError) error = NULL;
  g_autoptr (GPtrArray) files = NULL, changes = NULL;
  g_autofree char *text = NULL;
  int ends[2];

  g_assert_true (put (f, "/tmp/a", "first", &error));
  g_assert_true (put (f, "/tmp/a", "hello", &error));
  g_assert_cmpint (pipe2 (ends, O_CLOEXEC), ==, 0);
  g_assert_true (zu_sandbox_backend_get_file (f->backend, f->id, "/tmp/a", ends[1], NULL, &error));
  close (ends[1]);
  text = sandbox_read_all (ends[0]);
  g_assert_cmpstr (text, ==, "hello");
  for (guint i = 0; i < G_N_ELEMENTS (refused); i++)
    {
      g_assert_false (put (f, refused[i], "x", &error));
      g_assert_error (error, ZU_SANDBOX_BACKEND_ERROR, ZU_SANDBOX_BACKEND_ERROR_FILE);
      g_assert_nonnull (strstr (error->message, "/"));
      g_clear_error (&error);
    }
  files = zu_sandbox_backend_list_files (f->backend, f->id, "/tmp", NULL, &error);
  g_assert_cmpuint (files->len, ==, 1);
  g_assert_cmpstr (zu_file_info_get_name (files->pdata[0]), ==, "a");
  g_assert_cmpint (zu_file_info_get_size (files->pdata[0]), ==, 5);
  g_assert_cmpuint (zu_file_info_get_mode (files->pdata[0]), ==, 0640);
  changes = zu_sandbox_backend_fs_diff (f->backend, f->id, NULL, &error);
  g_assert_cmpuint (changes->len, ==, 1);
  g_assert_cmpstr (zu_file_change_get_path (changes->pdata[0]), ==, "/tmp/a");
}

static void
test_top (SandboxFixture *f, gconstpointer data)
{
  g_autoptr (GError) error = NULL;
  g_autofree char *process = sandbox_start (f->backend, f->id, "slow", -1, &error);
  g_autoptr (GPtrArray) running = zu_sandbox_backend_top (f->backend, f->id, NULL, &error);
  g_autoptr (GPtrArray) after = NULL;

  g_assert_no_error (error);
  g_assert_cmpuint (running->len, ==, 1);
  g_assert_cmpstr (zu_process_info_get_command (running->pdata[0]), ==, "sh -c slow");
  g_assert_true (zu_sandbox_backend_resize (f->backend, f->id, process, 24, 80, NULL, &error));
  g_assert_false (zu_sandbox_backend_resize (f->backend, f->id, process, 24, 65536, NULL, &error));
  g_clear_error (&error);
  g_assert_true (zu_sandbox_backend_kill (f->backend, f->id, process, SIGTERM, NULL, &error));
  after = zu_sandbox_backend_top (f->backend, f->id, NULL, &error);
  g_assert_cmpuint (after->len, ==, 0);
}

/* What connects is accepted by whoever asked for the port. */
static void
test_listen (SandboxFixture *f, gconstpointer data)
{
  g_autoptr (GError) error = NULL;
  int fd = zu_sandbox_backend_listen (f->backend, f->id, 0, NULL, &error);
  g_autoptr (GSocket) socket = g_socket_new_from_fd (fd, &error), accepted = NULL;
  g_autoptr (GSocketAddress) address = g_socket_get_local_address (socket, &error);
  g_autoptr (GSocketClient) client = g_socket_client_new ();
  g_autoptr (GSocketConnection) connection =
      g_socket_client_connect (client, G_SOCKET_CONNECTABLE (address), NULL, &error);

  g_assert_no_error (error);
  accepted = g_socket_accept (socket, NULL, &error);
  g_assert_no_error (error);
  g_assert_true (g_inet_address_get_is_loopback (
      g_inet_socket_address_get_address (G_INET_SOCKET_ADDRESS (address))));
  g_assert_cmpint (zu_sandbox_backend_listen (f->backend, f->id, 65536, NULL, &error), ==, -1);
  g_assert_error (error, ZU_SANDBOX_BACKEND_ERROR, ZU_SANDBOX_BACKEND_ERROR_START_FAILED);
}

static void
test_mounts (SandboxFixture *f, gconstpointer data)
{
  g_autofree char *dir = g_dir_make_tmp ("zu-scripted-XXXXXX", NULL);
  g_autofree char *spec = g_strdup_printf ("{\"volumes\": {\"%s\": {\"bind\": \"/mnt/in\"}}}", dir);
  g_autoptr (GError) error = NULL;
  g_autoptr (GPtrArray) mounts = NULL;

  g_free (f->id);
  f->id = sandbox_launch (f->backend, spec, &error);
  g_assert_no_error (error);
  mounts = zu_sandbox_backend_mounts (f->backend, f->id, NULL, &error);
  g_assert_cmpuint (mounts->len, ==, 1);
  g_assert_cmpstr (zu_mount_info_get_destination (mounts->pdata[0]), ==, "/mnt/in");
  g_assert_cmpstr (zu_mount_info_get_source (mounts->pdata[0]), ==, dir);
  g_assert_false (put (f, "/mnt/in/x", "x", &error));
  g_assert_error (error, ZU_SANDBOX_BACKEND_ERROR, ZU_SANDBOX_BACKEND_ERROR_FILE);
  g_rmdir (dir);
}

static void
assert_gone (SandboxFixture *f)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (GPtrArray) all = NULL;

  g_assert_null (zu_sandbox_backend_inspect (f->backend, f->id, NULL, &error));
  g_assert_error (error, ZU_SANDBOX_BACKEND_ERROR, ZU_SANDBOX_BACKEND_ERROR_NOT_FOUND);
  all = zu_sandbox_backend_list (f->backend, NULL, NULL);
  for (guint i = 0; i < all->len; i++)
    g_assert_cmpstr (zu_sandbox_get_id (all->pdata[i]), !=, f->id);
}

/* What runs ends with its sandbox's lifetime. */
static void
test_lifetime (SandboxFixture *f, gconstpointer data)
{
  g_autoptr (GError) error = NULL;
  g_autofree char *process = sandbox_start (f->backend, f->id, "slow", -1, &error);
  g_autoptr (ZuExitStatus) exit = NULL;

  g_assert_true (zu_sandbox_backend_extend (f->backend, f->id, 1, NULL, &error));
  exit = zu_sandbox_backend_wait (f->backend, f->id, process, NULL, &error);
  g_assert_no_error (error);
  g_assert_cmpint (zu_exit_status_get_signal (exit), ==, SIGKILL);
  g_assert_false (zu_exit_status_get_timed_out (exit));
  assert_gone (f);
}

static void
test_owner (SandboxFixture *f, gconstpointer data)
{
  pid_t owner = sandbox_start_owner ();
  g_autoptr (ZuOwnership) ownership =
      g_object_new (ZU_TYPE_OWNERSHIP, "process", (gint64) owner, NULL);
  g_autoptr (GError) error = NULL;
  g_autoptr (ZuSandbox) sandbox = NULL;

  g_free (f->id);
  f->id = sandbox_launch_for (f->backend, "{}", ownership, &error);
  sandbox = zu_sandbox_backend_inspect (f->backend, f->id, NULL, &error);
  g_assert_no_error (error);
  sandbox_kill_owner (owner);
  assert_gone (f);
}

/* Nobody tells it anything, and it does not say it has ended: the time passes. */
static void
test_silent_session (SandboxFixture *f, gconstpointer data)
{
  const char *const argv[] = { "cat", NULL };
  g_autoptr (ZuProcessSpec) process = zu_process_spec_new (argv);
  g_autoptr (GError) error = NULL;
  g_autofree char *session =
      zu_sandbox_backend_open_session (f->backend, f->id, process, NULL, &error);

  g_assert_no_error (error);
  g_assert_null (zu_sandbox_backend_session_receive (f->backend, session, 10, NULL, &error));
  g_assert_error (error, G_IO_ERROR, G_IO_ERROR_TIMED_OUT);
}

static void
test_images (void)
{
  static const struct
  {
    const char *spec;
    int code; /* -1: it is launched */
  } cases[] = {
    { "{\"image\": \"x\"}", -1 },
    { "{\"image\": \"docker.io/library/x:latest\"}", -1 },
    { "{\"image\": \"y\", \"pull\": \"missing\"}", -1 },
    { "{\"image\": \"y\"}", ZU_SANDBOX_BACKEND_ERROR_IMAGE_MISSING },
    { "{\"image\": \"X\"}", ZU_SANDBOX_BACKEND_ERROR_INVALID_SPEC },
    { "{\"image\": \"ghcr.io/x\"}", ZU_SANDBOX_BACKEND_ERROR_INVALID_SPEC },
    { "{\"image\": \"x\", \"require_digest\": true}", ZU_SANDBOX_BACKEND_ERROR_INVALID_SPEC },
  };
  g_autoptr (GError) error = NULL;
  g_autoptr (GObject) backend = create ("{\"images\": [\"x\"]}", &error);

  g_assert_no_error (error);
  for (guint i = 0; i < G_N_ELEMENTS (cases); i++)
    {
      g_autofree char *id = sandbox_launch (ZU_SANDBOX_BACKEND (backend), cases[i].spec, &error);

      g_assert_cmpint (id != NULL, ==, cases[i].code < 0);
      if (!id)
        g_assert_error (error, ZU_SANDBOX_BACKEND_ERROR, cases[i].code);
      g_clear_error (&error);
    }
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
  ADD ("silent-session", test_silent_session);
  ADD ("files", test_files);
  ADD ("top", test_top);
  ADD ("listen", test_listen);
  ADD ("mounts", test_mounts);
  ADD ("lifetime", test_lifetime);
  ADD ("owner", test_owner);
  g_test_add_func ("/scripted/images", test_images);
  g_test_add_data_func ("/scripted/bad/images", "{\"images\": [1]}", test_bad_script);
  g_test_add_data_func ("/scripted/bad/key", "{\"script\": [{\"argv\": [\"x\"], \"stdou\": \"\"}]}",
                        test_bad_script);
  g_test_add_data_func ("/scripted/bad/type", "{\"script\": [{\"argv\": \"x\"}]}", test_bad_script);
  g_test_add_data_func ("/scripted/bad/argv", "{\"script\": [{\"stdout\": \"x\"}]}",
                        test_bad_script);
  return g_test_run ();
}
