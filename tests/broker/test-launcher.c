/* SPDX-License-Identifier: Apache-2.0 */

#include <zu/zu.h>

#include "scan-support.h"

#include <errno.h>
#include <fcntl.h>
#include <glib/gstdio.h>
#include <signal.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#define NOBODY "65534"

static char *mute_worker;
static char *own_path;

static ZuPluginLauncher *
make_launcher (const char *options)
{
  g_autoptr (ZuJson) json = zu_json_parse (options, -1, NULL);
  g_autoptr (GError) error = NULL;
  GObject *launcher = zu_registry_create (zu_registry_get_default (), "zu.backends",
                                          "PluginLauncher", "oop-launcher", json, NULL, &error);

  g_assert_no_error (error);
  return ZU_PLUGIN_LAUNCHER (launcher);
}

static ZuSecret *
secret_from_text (const char *text)
{
  g_autofree char *copy = g_strdup (text);

  return zu_secret_new_wiping (copy, strlen (text), NULL);
}

static ZuWorker *
launch (ZuPluginLauncher *launcher, const char *name, const char *options, const char *user,
        ZuSecret *secret, GError **error)
{
  g_autoptr (ZuJson) json = options != NULL ? zu_json_parse (options, -1, NULL) : NULL;
  g_autoptr (ZuWorkerSpec) spec = g_object_new (ZU_TYPE_WORKER_SPEC, "kind", "zu.channels", "name",
                                                name, "options", json, "user", user, NULL);

  return zu_plugin_launcher_launch (launcher, spec, secret, -1, NULL, error);
}

/* Made at run time, so that it is in no program's text. */
static char *
make_canary (void)
{
  g_autofree char *random = g_uuid_string_random ();

  return g_strconcat ("canary-", random, NULL);
}

static char *
read_proc (ZuWorker *worker, const char *name, gsize *size)
{
  g_autofree char *path =
      g_strdup_printf ("/proc/%" G_GINT64_FORMAT "/%s", zu_worker_get_pid (worker), name);
  char *text = NULL;

  g_assert_true (g_file_get_contents (path, &text, size, NULL));
  return text;
}

static void
await_end (gint64 pid)
{
  for (int i = 0; i < 300 && kill ((pid_t) pid, 0) == 0; i++)
    g_usleep (10000);
  g_assert_cmpint (kill ((pid_t) pid, 0), ==, -1);
}

static void
assert_mints (ZuPluginLauncher *launcher, ZuWorker *worker)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (ZuChannel) channel =
      zu_plugin_launcher_connect (launcher, zu_worker_get_id (worker), NULL, &error);
  g_autoptr (ZuRemote) remote = NULL;
  g_autoptr (ZuCredentialBroker) broker = NULL;
  g_autofree char *token = NULL;

  g_assert_no_error (error);
  remote = zu_channel_remote_new (channel);
  broker = zu_credential_broker_proxy_new (remote);
  token = zu_credential_broker_mint (broker, "n", NULL, &error);
  g_assert_no_error (error);
  g_assert_true (g_regex_match_simple ("^tok_[0-9a-f]{24}$", token, 0, 0));
  g_assert_true (zu_credential_broker_introspect (broker, NULL, &error));
}

static void
test_life (void)
{
  g_autoptr (ZuPluginLauncher) launcher = make_launcher ("{}");
  g_autoptr (ZuSecret) secret = secret_from_text ("s");
  g_autoptr (GError) error = NULL;
  g_autoptr (ZuWorker) worker = launch (launcher, "credential-broker", NULL, NULL, secret, &error);

  g_assert_no_error (error);
  assert_mints (launcher, worker);

  for (int i = 0; i < 2; i++)
    {
      g_assert_true (zu_plugin_launcher_stop (launcher, zu_worker_get_id (worker), NULL, &error));
      g_assert_no_error (error);
    }
  await_end (zu_worker_get_pid (worker));
  g_assert_null (zu_plugin_launcher_connect (launcher, zu_worker_get_id (worker), NULL, &error));
  g_assert_error (error, ZU_PLUGIN_LAUNCHER_ERROR, ZU_PLUGIN_LAUNCHER_ERROR_NOT_FOUND);
}

/* From the descriptor that the caller has, whatever its number; large secrets too. */
static void
test_secret_sources (void)
{
  g_autoptr (ZuPluginLauncher) launcher = make_launcher ("{}");
  g_autoptr (ZuWorkerSpec) spec =
      g_object_new (ZU_TYPE_WORKER_SPEC, "kind", "zu.channels", "name", "credential-broker", NULL);
  g_autofree char *long_text = g_strnfill (ZU_SECRET_MAX_SIZE, 'x');
  g_autoptr (ZuSecret) large = secret_from_text (long_text);
  g_autoptr (GError) error = NULL;
  g_autoptr (ZuWorker) from_secret =
      launch (launcher, "credential-broker", NULL, NULL, large, &error);
  g_autoptr (ZuWorker) from_fd = NULL;
  int ends[2];

  g_assert_no_error (error);
  assert_mints (launcher, from_secret);

  g_assert_cmpint (pipe2 (ends, O_CLOEXEC), ==, 0);
  g_assert_cmpint (write (ends[1], "s", 1), ==, 1);
  close (ends[1]);
  from_fd = zu_plugin_launcher_launch (launcher, spec, NULL, ends[0], NULL, &error);
  g_assert_no_error (error);
  assert_mints (launcher, from_fd);
  g_assert_cmpint (fcntl (ends[0], F_GETFD), ==, FD_CLOEXEC);
  close (ends[0]);

  g_assert_null (zu_plugin_launcher_launch (launcher, spec, large, 0, NULL, &error));
  g_assert_error (error, G_IO_ERROR, G_IO_ERROR_INVALID_ARGUMENT);
}

static void
test_failed_starts (void)
{
  g_autoptr (ZuPluginLauncher) launcher = make_launcher ("{}");
  g_autoptr (ZuPluginLauncher) without = make_launcher ("{\"worker-program\": \"/nonexistent\"}");
  g_autoptr (ZuPluginLauncher) other = make_launcher ("{\"worker-program\": \"/bin/true\"}");
  g_autofree char *mute_options =
      g_strdup_printf ("{\"worker-program\": \"%s\", \"start-timeout\": 200}", mute_worker);
  g_autoptr (ZuPluginLauncher) mute = make_launcher (mute_options);
  const struct
  {
    ZuPluginLauncher *launcher;
    const char *name;
    const char *options;
    ZuPluginLauncherError code;
    const char *text;
  } cases[] = {
    { launcher, "nobody", NULL, ZU_PLUGIN_LAUNCHER_ERROR_NOT_FOUND, "no plugin 'nobody'" },
    { launcher, "credential-broker", "{\"colour\": 1}", ZU_PLUGIN_LAUNCHER_ERROR_START_FAILED,
      "option 'colour' is unknown" },
    { launcher, "credential-broker", "{\"secret-file\": \"/nonexistent\"}",
      ZU_PLUGIN_LAUNCHER_ERROR_START_FAILED, "/nonexistent" },
    { without, "credential-broker", NULL, ZU_PLUGIN_LAUNCHER_ERROR_START_FAILED, "/nonexistent" },
    { other, "credential-broker", NULL, ZU_PLUGIN_LAUNCHER_ERROR_START_FAILED, "without a word" },
    { mute, "credential-broker", NULL, ZU_PLUGIN_LAUNCHER_ERROR_START_FAILED, "in time" },
  };

  for (gsize i = 0; i < G_N_ELEMENTS (cases); i++)
    {
      g_autoptr (GError) error = NULL;

      g_test_message ("%s", cases[i].text);
      g_assert_null (
          launch (cases[i].launcher, cases[i].name, cases[i].options, NULL, NULL, &error));
      g_assert_error (error, ZU_PLUGIN_LAUNCHER_ERROR, (int) cases[i].code);
      g_assert_nonnull (strstr (error->message, cases[i].text));
    }
}

static gpointer
cancel_soon (gpointer cancellable)
{
  g_usleep (50000);
  g_cancellable_cancel (cancellable);
  return NULL;
}

static void
test_cancelled_start (void)
{
  g_autofree char *options = g_strdup_printf ("{\"worker-program\": \"%s\"}", mute_worker);
  g_autoptr (ZuPluginLauncher) launcher = make_launcher (options);
  g_autoptr (ZuWorkerSpec) spec =
      g_object_new (ZU_TYPE_WORKER_SPEC, "kind", "zu.channels", "name", "x", NULL);
  g_autoptr (GCancellable) cancellable = g_cancellable_new ();
  g_autoptr (GError) error = NULL;
  GThread *thread = g_thread_new ("cancel", cancel_soon, cancellable);

  g_assert_null (zu_plugin_launcher_launch (launcher, spec, NULL, -1, cancellable, &error));
  g_assert_error (error, G_IO_ERROR, G_IO_ERROR_CANCELLED);
  g_thread_join (thread);
}

/* What was measured is what runs. */
static void
test_measurement (void)
{
  g_autoptr (ZuPluginLauncher) launcher = make_launcher ("{}");
  g_autoptr (GError) error = NULL;
  g_autoptr (ZuWorker) worker = launch (launcher, "credential-broker", NULL, NULL, NULL, &error);
  g_autofree char *path = g_find_program_in_path ("zu-worker");
  g_autofree char *program = NULL;
  g_autofree char *digest = NULL;
  g_autofree char *expected = NULL;
  gsize size;

  g_assert_no_error (error);
  g_assert_true (g_file_get_contents (path, &program, &size, NULL));
  digest = g_compute_checksum_for_data (G_CHECKSUM_SHA256, (guchar *) program, size);
  expected = g_strconcat ("sha256:", digest, NULL);
  g_assert_cmpstr (zu_worker_get_measurement (worker), ==, expected);
}

static void
on_reply (GObject *source, GAsyncResult *result, gpointer data)
{
  guint *closed = data;
  g_autoptr (GError) error = NULL;
  g_autoptr (ZuChannelReply) reply = zu_channel_call_finish (ZU_CHANNEL (source), result, &error);

  g_assert_null (reply);
  g_assert_error (error, ZU_CHANNEL_ERROR, ZU_CHANNEL_ERROR_CLOSED);
  (*closed)++;
}

/* Each call in flight gets a clear error when the worker dies, and so does each later one. */
static void
test_crash (void)
{
  g_autoptr (ZuPluginLauncher) launcher = make_launcher ("{}");
  g_autoptr (GError) error = NULL;
  g_autoptr (ZuWorker) worker = launch (launcher, "credential-broker", NULL, NULL, NULL, &error);
  g_autoptr (ZuChannel) channel =
      zu_plugin_launcher_connect (launcher, zu_worker_get_id (worker), NULL, &error);
  pid_t pid = (pid_t) zu_worker_get_pid (worker);
  guint closed = 0;

  g_assert_no_error (error);
  kill (pid, SIGSTOP);
  for (int i = 0; i < 5; i++)
    zu_channel_call_async (channel, "introspect", NULL, NULL, on_reply, &closed);
  g_usleep (50000);
  kill (pid, SIGKILL);
  while (closed < 5)
    g_main_context_iteration (NULL, TRUE);
  g_assert_null (zu_channel_call (channel, "introspect", NULL, NULL, &error));
  g_assert_error (error, ZU_CHANNEL_ERROR, ZU_CHANNEL_ERROR_CLOSED);
  g_clear_error (&error);
  await_end (pid);
  g_assert_null (zu_plugin_launcher_connect (launcher, zu_worker_get_id (worker), NULL, &error));
  g_assert_error (error, ZU_PLUGIN_LAUNCHER_ERROR, ZU_PLUGIN_LAUNCHER_ERROR_NOT_FOUND);
}

/* In a process of its own, to be killed. */
static void
launch_and_wait (void)
{
  ZuPluginLauncher *launcher = make_launcher ("{}");
  ZuWorker *worker = launch (launcher, "credential-broker", NULL, NULL, NULL, NULL);

  g_print ("worker %" G_GINT64_FORMAT "\n", zu_worker_get_pid (worker));
  for (;;)
    pause ();
}

static void
test_launcher_killed (void)
{
  g_autoptr (GSubprocess) child = NULL;
  g_autoptr (GDataInputStream) output = NULL;
  g_autofree char *line = NULL;
  gint64 pid = 0;

  child = g_subprocess_new (G_SUBPROCESS_FLAGS_STDOUT_PIPE, NULL, own_path, mute_worker,
                            "--launch-and-wait", NULL);
  output = g_data_input_stream_new (g_subprocess_get_stdout_pipe (child));
  while ((line = g_data_input_stream_read_line (output, NULL, NULL, NULL)) != NULL
         && sscanf (line, "worker %" G_GINT64_FORMAT, &pid) != 1)
    g_clear_pointer (&line, g_free);
  g_assert_cmpint (pid, >, 0);
  g_assert_cmpint (kill ((pid_t) pid, 0), ==, 0);
  g_subprocess_force_exit (child);
  g_subprocess_wait (child, NULL, NULL);
  await_end (pid);
}

static void
assert_line (const char *text, const char *line)
{
  g_autofree char *pattern = g_strdup_printf ("^%s$", line);

  if (!g_regex_match_simple (pattern, text, G_REGEX_MULTILINE, 0))
    g_error ("no line '%s' in: %s", line, text);
}

/* The worker's environment, arguments, descriptors and limits. */
static void
test_confinement (void)
{
  g_autoptr (ZuPluginLauncher) launcher = NULL;
  g_autofree char *canary = make_canary ();
  g_autoptr (ZuSecret) secret = secret_from_text (canary);
  g_autoptr (GError) error = NULL;
  g_autoptr (ZuWorker) worker = NULL;
  g_autofree char *environment = NULL;
  g_autofree char *status = NULL;
  g_autofree char *limits = NULL;
  g_autofree char *fd_folder = NULL;
  g_autoptr (GDir) fds = NULL;
  guint n_fds = 0;
  guint n_locked;
  gsize size;
  int leak;

  if (geteuid () != 0)
    {
      g_test_skip ("only root may look into a worker");
      return;
    }
  g_setenv ("ZU_TEST_LEAK", "1", TRUE);
  leak = dup (STDERR_FILENO); /* stays open across exec */
  launcher = make_launcher ("{}");
  worker = launch (launcher, "credential-broker", NULL, NULL, secret, &error);
  g_assert_no_error (error);
  close (leak);
  g_unsetenv ("ZU_TEST_LEAK");
  assert_mints (launcher, worker);

  environment = read_proc (worker, "environ", &size);
  g_assert_null (memmem (environment, size, "ZU_TEST_LEAK", 12));
  g_assert_null (memmem (environment, size, "G_DEBUG", 7));
  g_assert_nonnull (memmem (environment, size, "PATH=/usr/bin:/bin", 18));
  status = read_proc (worker, "status", NULL);
  assert_line (status, "NoNewPrivs:\t1");
  limits = read_proc (worker, "limits", NULL);
  assert_line (limits, "Max core file size +0 +0 +bytes *");

  fd_folder = g_strdup_printf ("/proc/%" G_GINT64_FORMAT "/fd", zu_worker_get_pid (worker));
  fds = g_dir_open (fd_folder, 0, NULL);
  while (g_dir_read_name (fds) != NULL)
    n_fds++;
  g_assert_cmpuint (n_fds, <=,
                    7); /* standard ones, the connection, the control, the module, GLib's */

  g_assert_false (scan_process_table (canary));
  g_assert_cmpuint (scan_memory ((GPid) zu_worker_get_pid (worker), canary, &n_locked), ==, 1);
  g_assert_cmpuint (n_locked, ==, 1);
}

/* Ends a forked child. Another program's end, so that memory checkers do not look at a copy of the
 * parent's. */
static void G_GNUC_NORETURN
end_child (gboolean good)
{
  execl (good ? "/bin/true" : "/bin/false", "child", NULL);
  _exit (1);
}

static int
try_to_read (gint64 pid, const char *name)
{
  g_autofree char *path = g_strdup_printf ("/proc/%" G_GINT64_FORMAT "/%s", pid, name);

  return open (path, O_RDONLY | O_CLOEXEC) < 0 ? errno : 0;
}

/* As another user, which others of that user cannot look into. */
static void
test_user (void)
{
  g_autoptr (ZuPluginLauncher) launcher = make_launcher ("{}");
  g_autoptr (ZuSecret) secret = secret_from_text ("s");
  g_autoptr (GError) error = NULL;
  g_autoptr (ZuWorker) worker = NULL;
  g_autofree char *status = NULL;
  pid_t child;
  int result;

  if (geteuid () != 0)
    {
      g_test_skip ("needs root to become another user");
      return;
    }
  worker = launch (launcher, "credential-broker", NULL, NOBODY, secret, &error);
  g_assert_no_error (error);
  assert_mints (launcher, worker);
  status = read_proc (worker, "status", NULL);
  assert_line (status, "Uid:\t65534\t65534\t65534\t65534");
  assert_line (status, "Gid:\t65534\t65534\t65534\t65534");
  assert_line (status, "Groups:\t *");
  assert_line (status, "CapEff:\t0000000000000000");
  assert_line (status, "CapPrm:\t0000000000000000");

  child = fork ();
  if (child == 0)
    {
      gint64 pid = zu_worker_get_pid (worker);

      if (setresgid (65534, 65534, 65534) != 0 || setresuid (65534, 65534, 65534) != 0)
        end_child (FALSE);
      end_child (try_to_read (pid, "mem") == EACCES && try_to_read (pid, "environ") == EACCES);
    }
  g_assert_cmpint (waitpid (child, &result, 0), ==, child);
  g_assert_cmpint (WEXITSTATUS (result), ==, 0);

  g_assert_null (launch (launcher, "credential-broker", NULL, "nobody", NULL, &error));
  g_assert_error (error, ZU_PLUGIN_LAUNCHER_ERROR, ZU_PLUGIN_LAUNCHER_ERROR_PRIVILEGE);
}

/* Without the privilege to change it, asking for a user is an error, not best effort. */
static void
test_user_refused (void)
{
  g_autoptr (GError) error = NULL;

  if (!g_test_subprocess ())
    {
      g_test_trap_subprocess (NULL, 0, G_TEST_SUBPROCESS_INHERIT_STDERR);
      g_test_trap_assert_passed ();
      return;
    }
  if (geteuid () == 0)
    g_assert_cmpint (setresuid (65533, 65533, 65533), ==, 0);
  {
    g_autoptr (ZuPluginLauncher) launcher = make_launcher ("{}");

    g_assert_null (launch (launcher, "credential-broker", NULL, NOBODY, NULL, &error));
  }
  g_assert_error (error, ZU_PLUGIN_LAUNCHER_ERROR, ZU_PLUGIN_LAUNCHER_ERROR_PRIVILEGE);
  g_assert_nonnull (strstr (error->message, "65534"));
  _exit (0);
}

int
main (int argc, char **argv)
{
  own_path = argv[0];
  mute_worker = argv[1];
  if (argc > 2 && g_str_equal (argv[2], "--launch-and-wait"))
    launch_and_wait ();
  g_test_init (&argc, &argv, NULL);
  if (mute_worker == NULL)
    mute_worker = g_strdup (g_getenv ("ZU_TEST_MUTE_WORKER"));
  g_setenv ("ZU_TEST_MUTE_WORKER", mute_worker, TRUE);

  g_test_add_func ("/launcher/life", test_life);
  g_test_add_func ("/launcher/secret-sources", test_secret_sources);
  g_test_add_func ("/launcher/failed-starts", test_failed_starts);
  g_test_add_func ("/launcher/cancelled-start", test_cancelled_start);
  g_test_add_func ("/launcher/measurement", test_measurement);
  g_test_add_func ("/launcher/crash", test_crash);
  g_test_add_func ("/launcher/launcher-killed", test_launcher_killed);
  g_test_add_func ("/launcher/confinement", test_confinement);
  g_test_add_func ("/launcher/user", test_user);
  g_test_add_func ("/launcher/user-refused", test_user_refused);
  return g_test_run ();
}
