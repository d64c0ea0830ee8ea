/* SPDX-License-Identifier: Apache-2.0 */

#include <zu/zu.h>

#include <errno.h>
#include <fcntl.h>
#include <glib/gstdio.h>
#include <signal.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static const char *escape_module;

static ZuPluginLauncher *
make_launcher (void)
{
  g_autoptr (GError) error = NULL;
  GObject *launcher = zu_registry_create (zu_registry_get_default (), "zu.backends",
                                          "PluginLauncher", "oop-launcher", NULL, NULL, &error);

  g_assert_no_error (error);
  return ZU_PLUGIN_LAUNCHER (launcher);
}

static ZuWorker *
launch (ZuPluginLauncher *launcher, const char *name, const char *json, int secret_fd,
        GError **error)
{
  g_autofree char *text =
      g_strdup_printf ("{\"kind\": \"zu.channels\", \"name\": \"%s\"%s}", name, json);
  g_autoptr (ZuJson) object = zu_json_parse (text, -1, NULL);
  g_autoptr (GError) wrong = NULL;
  g_autoptr (ZuWorkerSpec) spec = zu_worker_spec_new_from_json (object, &wrong);

  g_assert_no_error (wrong);
  return zu_plugin_launcher_launch (launcher, spec, NULL, secret_fd, NULL, error);
}

static ZuChannel *
connect_to (ZuPluginLauncher *launcher, ZuWorker *worker)
{
  g_autoptr (GError) error = NULL;
  ZuChannel *channel =
      zu_plugin_launcher_connect (launcher, zu_worker_get_id (worker), NULL, &error);

  g_assert_no_error (error);
  return channel;
}

static int
attempt (ZuChannel *channel, const char *op)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (ZuChannelReply) reply = zu_channel_call (channel, op, NULL, NULL, &error);
  g_autoptr (ZuJson) number = NULL;
  gint64 value = -1;

  g_assert_no_error (error);
  g_assert_true (zu_channel_reply_get_ok (reply));
  number = zu_json_dup_member (zu_channel_reply_get_data (reply), "errno");
  g_assert_true (zu_json_get_int64 (number, &value));
  return (int) value;
}

static const char *const forbidden[] = { "exec",        "execveat",  "fork",     "ptrace",
                                         "read-other",  "kill",      "new-code", "make-executable",
                                         "dumpable",    "namespace", "io-uring", "setuid",
                                         "unix-socket", "socket" };

static void
test_filter (void)
{
  g_autoptr (ZuPluginLauncher) launcher = make_launcher ();
  g_autoptr (GError) error = NULL;
  g_autoptr (ZuWorker) worker = launch (launcher, "escape", "", -1, &error);
  g_autoptr (ZuChannel) channel = NULL;

  g_assert_no_error (error);
  channel = connect_to (launcher, worker);
  for (gsize i = 0; i < G_N_ELEMENTS (forbidden); i++)
    {
      g_test_message ("%s", forbidden[i]);
      g_assert_cmpint (attempt (channel, forbidden[i]), ==, EPERM);
    }
  /* As on a kernel without it, so that threads are made the older way. */
  g_assert_cmpint (attempt (channel, "clone3"), ==, ENOSYS);
}

static void
test_network (void)
{
  g_autoptr (ZuPluginLauncher) launcher = make_launcher ();
  g_autoptr (GError) error = NULL;
  g_autoptr (ZuWorker) worker = launch (launcher, "escape", ", \"network\": true", -1, &error);
  g_autoptr (ZuChannel) channel = NULL;

  g_assert_no_error (error);
  channel = connect_to (launcher, worker);
  g_assert_cmpint (attempt (channel, "socket"), ==, 0);
  g_assert_cmpint (attempt (channel, "exec"), ==, EPERM);
}

static guint64
namespace_of (gint64 pid, const char *name)
{
  g_autofree char *path = g_strdup_printf ("/proc/%" G_GINT64_FORMAT "/ns/%s", pid, name);
  struct stat status;

  g_assert_cmpint (stat (path, &status), ==, 0);
  return status.st_ino;
}

static void
test_isolate (void)
{
  g_autoptr (ZuPluginLauncher) launcher = make_launcher ();
  g_autoptr (GError) error = NULL;
  g_autoptr (ZuWorker) worker = launch (launcher, "escape", ", \"isolate\": true", -1, &error);
  g_autoptr (ZuChannel) channel = NULL;

  g_assert_no_error (error);
  channel = connect_to (launcher, worker);
  g_assert_cmpint (attempt (channel, "exec"), ==, EPERM);
  if (geteuid () != 0)
    return; /* only root sees the namespaces of what is not dumpable */
  for (gsize i = 0; i < 3; i++)
    {
      const char *name = (const char *[]){ "net", "ipc", "uts" }[i];

      g_assert_cmpuint (namespace_of (zu_worker_get_pid (worker), name), !=,
                        namespace_of (getpid (), name));
    }
}

/* As sha256sum prints it, which is another implementation. */
static void
test_module_measurement (void)
{
  g_autoptr (ZuPluginLauncher) launcher = make_launcher ();
  g_autoptr (GError) error = NULL;
  g_autoptr (ZuWorker) worker = launch (launcher, "escape", "", -1, &error);
  g_autofree char *contents = NULL;
  g_autofree char *sum = NULL;
  gsize size;

  g_assert_no_error (error);
  g_assert_true (g_file_get_contents (escape_module, &contents, &size, NULL));
  sum = g_compute_checksum_for_data (G_CHECKSUM_SHA256, (guint8 *) contents, size);
  g_assert_true (g_str_has_prefix (zu_worker_get_module_measurement (worker), "sha256:"));
  g_assert_cmpstr (zu_worker_get_module_measurement (worker) + 7, ==, sum);
  g_assert_cmpstr (zu_worker_get_module_measurement (worker), !=,
                   zu_worker_get_measurement (worker));
}

static ZuWorkerStatus *
status_of (ZuPluginLauncher *launcher, ZuWorker *worker)
{
  g_autoptr (GError) error = NULL;
  ZuWorkerStatus *status =
      zu_plugin_launcher_status (launcher, zu_worker_get_id (worker), NULL, &error);

  g_assert_no_error (error);
  return status;
}

static ZuWorkerStatus *
await_restarts (ZuPluginLauncher *launcher, ZuWorker *worker, guint n)
{
  for (guint i = 0; i < 500; i++)
    {
      g_autoptr (ZuWorkerStatus) status = status_of (launcher, worker);

      if (zu_worker_status_get_running (status) && zu_worker_status_get_restarts (status) == n)
        return g_steal_pointer (&status);
      g_usleep (20000);
    }
  g_assert_not_reached ();
}

static void
crash (ZuChannel *channel)
{
  g_autoptr (GError) error = NULL;

  g_assert_null (zu_channel_call (channel, "crash", NULL, NULL, &error));
  g_assert_error (error, ZU_CHANNEL_ERROR, ZU_CHANNEL_ERROR_CLOSED);
}

/* The channel that was given stays good: the next call finds the next process. */
static void
test_restart (void)
{
  g_autoptr (ZuPluginLauncher) launcher = make_launcher ();
  g_autoptr (GError) error = NULL;
  g_autoptr (ZuWorker) worker = launch (launcher, "escape", ", \"max_restarts\": 2", -1, &error);
  g_autoptr (ZuChannel) channel = NULL;

  g_assert_no_error (error);
  channel = connect_to (launcher, worker);
  for (guint n = 1; n <= 2; n++)
    {
      g_autoptr (ZuWorkerStatus) status = NULL;

      crash (channel);
      status = await_restarts (launcher, worker, n);
      g_assert_cmpint (zu_worker_status_get_pid (status), !=, zu_worker_get_pid (worker));
      g_assert_nonnull (strstr (zu_worker_status_get_reason (status), "signal 9"));
      g_assert_cmpint (attempt (channel, "exec"), ==, EPERM);
    }

  /* And no more of that: it stays down, and says why. */
  crash (channel);
  for (guint i = 0; i < 30; i++)
    {
      g_autoptr (ZuWorkerStatus) status = status_of (launcher, worker);

      g_assert_false (zu_worker_status_get_running (status)
                      && zu_worker_status_get_restarts (status) > 2);
      g_usleep (10000);
    }
  g_assert_null (zu_channel_call (channel, "exec", NULL, NULL, &error));
  g_assert_error (error, ZU_CHANNEL_ERROR, ZU_CHANNEL_ERROR_CLOSED);
  g_assert_nonnull (strstr (error->message, "signal 9"));
}

static int
make_file (const char *text)
{
  g_autofree char *path = NULL;
  int fd = g_file_open_tmp ("zu-secret-XXXXXX", &path, NULL);

  g_assert_cmpint (write (fd, text, strlen (text)), ==, (gssize) strlen (text));
  g_assert_cmpint (unlink (path), ==, 0);
  return fd;
}

static gboolean
has_secret (ZuChannel *channel)
{
  g_autoptr (ZuRemote) remote = zu_channel_remote_new (channel);
  g_autoptr (ZuCredentialBroker) broker = zu_credential_broker_proxy_new (remote);
  g_autoptr (GError) error = NULL;
  gboolean answer = zu_credential_broker_introspect (broker, NULL, &error);

  g_assert_no_error (error);
  return answer;
}

/* A file can be read again, what came through a pipe or as an object cannot. */
static void
test_restart_secret (void)
{
  g_autoptr (ZuPluginLauncher) launcher = make_launcher ();
  g_autoptr (GError) error = NULL;
  g_autoptr (ZuWorker) worker = NULL;
  g_autoptr (ZuChannel) channel = NULL;
  g_autoptr (ZuWorkerStatus) status = NULL;
  int file = make_file ("a secret");
  int ends[2];

  worker = launch (launcher, "credential-broker", ", \"max_restarts\": 1", file, &error);
  g_assert_no_error (error);
  g_assert_cmpint (lseek (file, 3, SEEK_SET), ==, 3); /* it is the caller's to move */
  channel = connect_to (launcher, worker);
  g_assert_true (has_secret (channel));
  g_assert_cmpint (kill ((pid_t) zu_worker_get_pid (worker), SIGKILL), ==, 0);
  status = await_restarts (launcher, worker, 1);
  g_assert_true (has_secret (channel));
  close (file);

  g_assert_cmpint (pipe2 (ends, O_CLOEXEC), ==, 0);
  g_assert_null (launch (launcher, "credential-broker", ", \"max_restarts\": 1", ends[0], &error));
  g_assert_error (error, ZU_PLUGIN_LAUNCHER_ERROR, ZU_PLUGIN_LAUNCHER_ERROR_NOT_REPEATABLE);
  close (ends[0]);
  close (ends[1]);
}

/* Stopped in the pause before it is started again. */
static void
test_stop_in_pause (void)
{
  g_autoptr (ZuPluginLauncher) launcher = make_launcher ();
  g_autoptr (GError) error = NULL;
  g_autoptr (ZuWorker) worker = launch (launcher, "escape", ", \"max_restarts\": 9", -1, &error);

  g_assert_no_error (error);
  g_assert_cmpint (kill ((pid_t) zu_worker_get_pid (worker), SIGKILL), ==, 0);
  g_usleep (30000);
  g_assert_true (zu_plugin_launcher_stop (launcher, zu_worker_get_id (worker), NULL, &error));
  g_assert_null (zu_plugin_launcher_status (launcher, zu_worker_get_id (worker), NULL, &error));
  g_assert_error (error, ZU_PLUGIN_LAUNCHER_ERROR, ZU_PLUGIN_LAUNCHER_ERROR_NOT_FOUND);
}

int
main (int argc, char **argv)
{
  g_autofree char *folder = NULL;
  g_autofree char *folders = NULL;

  g_test_init (&argc, &argv, NULL);
  escape_module = argv[1];
  folder = g_path_get_dirname (escape_module);
  folders = g_strconcat (g_getenv ("ZU_MODULE_DIR"), ":", folder, NULL);
  g_setenv ("ZU_MODULE_DIR", folders, TRUE);

  g_test_add_func ("/worker-limits/filter", test_filter);
  g_test_add_func ("/worker-limits/network", test_network);
  g_test_add_func ("/worker-limits/isolate", test_isolate);
  g_test_add_func ("/worker-limits/module-measurement", test_module_measurement);
  g_test_add_func ("/worker-limits/restart", test_restart);
  g_test_add_func ("/worker-limits/restart-secret", test_restart_secret);
  g_test_add_func ("/worker-limits/stop-in-pause", test_stop_in_pause);
  return g_test_run ();
}
