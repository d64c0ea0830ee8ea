/* SPDX-License-Identifier: Apache-2.0 */

/* The broker in a process of its own: a token over the socket beside the bare socket, many calls in
 * flight beside one, over D-Bus beside an empty method, and what starting its process costs. */

#include "bench.h"

#include <fcntl.h>
#include <signal.h>
#include <spawn.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>
#include <zu/zu.h>

#define N_CALLS     4000
#define N_BUS_CALLS 1000
#define N_STARTS    20
#define IN_FLIGHT   64
#define NAME        "org.zu.Broker1"
#define PATH        "/org/zu/Broker1"
#define EMPTY_NAME  "org.zu.BenchEmpty"

/* A request and a reply of mint with a nonce of one letter. */
#define REQUEST_SIZE 78
#define REPLY_SIZE   105

typedef struct
{
  ZuPluginLauncher *launcher;
  ZuChannel *channel;
  ZuCredentialBroker *broker;
  ZuJson *args;
  int echo_fd;
  GDBusConnection *connection;
  guint to_start;
  guint to_end;
} Data;

static void
check (GError *error)
{
  if (error != NULL)
    g_error ("%s", error->message);
}

static double
mint_one_by_one (gpointer user_data)
{
  Data *data = user_data;
  double start = bench_now ();

  for (guint i = 0; i < N_CALLS; i++)
    {
      GError *error = NULL;
      g_autofree char *token = zu_credential_broker_mint (data->broker, "n", NULL, &error);

      check (error);
    }
  return bench_now () - start;
}

static double
ping_pong (gpointer user_data)
{
  Data *data = user_data;
  char buffer[REPLY_SIZE] = "";
  double start = bench_now ();

  for (guint i = 0; i < N_CALLS; i++)
    if (send (data->echo_fd, buffer, REQUEST_SIZE, 0) != REQUEST_SIZE
        || recv (data->echo_fd, buffer, REPLY_SIZE, MSG_WAITALL) != REPLY_SIZE)
      g_error ("the echo is gone");
  return bench_now () - start;
}

static void
on_reply (GObject *source, GAsyncResult *result, gpointer user_data)
{
  Data *data = user_data;
  GError *error = NULL;
  g_autoptr (ZuChannelReply) reply = zu_channel_call_finish (ZU_CHANNEL (source), result, &error);

  check (error);
  data->to_end--;
  if (data->to_start == 0)
    return;
  data->to_start--;
  zu_channel_call_async (data->channel, "mint", data->args, NULL, on_reply, data);
}

static double
mint_in_flight (gpointer user_data)
{
  Data *data = user_data;
  double start = bench_now ();

  data->to_end = N_CALLS;
  data->to_start = N_CALLS - IN_FLIGHT;
  for (guint i = 0; i < IN_FLIGHT; i++)
    zu_channel_call_async (data->channel, "mint", data->args, NULL, on_reply, data);
  while (data->to_end > 0)
    g_main_context_iteration (NULL, TRUE);
  return bench_now () - start;
}

static double
call_on_bus (Data *data, const char *name, const char *method)
{
  double start = bench_now ();

  for (guint i = 0; i < N_BUS_CALLS; i++)
    {
      GError *error = NULL;
      g_autoptr (GVariant) reply =
          g_dbus_connection_call_sync (data->connection, name, PATH, name, method,
                                       g_variant_new ("(s)", "n"), NULL, 0, -1, NULL, &error);

      check (error);
    }
  return bench_now () - start;
}

static double
mint_on_bus (gpointer data)
{
  return call_on_bus (data, NAME, "Mint");
}

static double
empty_on_bus (gpointer data)
{
  return call_on_bus (data, EMPTY_NAME, "Empty");
}

static ZuWorker *
launch (Data *data)
{
  g_autoptr (ZuWorkerSpec) spec =
      g_object_new (ZU_TYPE_WORKER_SPEC, "kind", "zu.channels", "name", "credential-broker", NULL);
  g_autoptr (ZuSecret) secret = zu_secret_new_random (32, NULL);
  GError *error = NULL;
  ZuWorker *worker = zu_plugin_launcher_launch (data->launcher, spec, secret, -1, NULL, &error);

  check (error);
  return worker;
}

static ZuCredentialBroker *
connect_to (Data *data, ZuWorker *worker)
{
  GError *error = NULL;
  g_autoptr (ZuRemote) remote = NULL;

  g_clear_object (&data->channel);
  data->channel =
      zu_plugin_launcher_connect (data->launcher, zu_worker_get_id (worker), NULL, &error);
  check (error);
  remote = zu_channel_remote_new (data->channel);
  return zu_credential_broker_proxy_new (remote);
}

/* Only up to the first reply: ending is not measured, on either side. */
static double
start_worker (gpointer user_data)
{
  Data data = *(Data *) user_data;
  double total = 0;

  data.channel = NULL;
  for (guint i = 0; i < N_STARTS; i++)
    {
      double start = bench_now ();
      g_autoptr (ZuWorker) worker = launch (&data);
      g_autoptr (ZuCredentialBroker) broker = connect_to (&data, worker);
      g_autofree char *token = zu_credential_broker_mint (broker, "n", NULL, NULL);

      total += bench_now () - start;
      zu_plugin_launcher_stop (data.launcher, zu_worker_get_id (worker), NULL, NULL);
    }
  g_clear_object (&data.channel);
  return total;
}

static double
start_bare (gpointer user_data)
{
  g_autofree char *folder = g_path_get_dirname (g_get_prgname ());
  g_autofree char *program = g_build_filename (folder, "bare", NULL);
  char *argv[] = { program, NULL };
  double total = 0;

  for (guint i = 0; i < N_STARTS; i++)
    {
      posix_spawn_file_actions_t actions;
      double start = bench_now ();
      int ends[2];
      pid_t pid;
      char byte;

      g_assert_cmpint (pipe2 (ends, O_CLOEXEC), ==, 0);
      posix_spawn_file_actions_init (&actions);
      posix_spawn_file_actions_adddup2 (&actions, ends[1], STDOUT_FILENO);
      g_assert_cmpint (posix_spawn (&pid, program, &actions, NULL, argv, environ), ==, 0);
      posix_spawn_file_actions_destroy (&actions);
      close (ends[1]);
      g_assert_cmpint (read (ends[0], &byte, 1), ==, 1);
      total += bench_now () - start;
      close (ends[0]);
      waitpid (pid, NULL, 0);
    }
  return total;
}

static void
handle_empty (GDBusConnection *connection, const char *sender, const char *path,
              const char *interface, const char *method, GVariant *parameters,
              GDBusMethodInvocation *invocation, gpointer data)
{
  g_dbus_method_invocation_return_value (invocation, g_variant_new ("(s)", ""));
}

/* In a process of its own: one method that does nothing. */
static void
serve_empty (void)
{
  static const char xml[] =
      "<node><interface name='" EMPTY_NAME "'><method name='Empty'><arg type='s' direction='in'/>"
      "<arg type='s' direction='out'/></method></interface></node>";
  const GDBusInterfaceVTable vtable = { .method_call = handle_empty };
  GDBusConnection *connection = g_bus_get_sync (G_BUS_TYPE_SESSION, NULL, NULL);
  GDBusNodeInfo *node = g_dbus_node_info_new_for_xml (xml, NULL);

  g_dbus_connection_register_object (connection, PATH, node->interfaces[0], &vtable, NULL, NULL,
                                     NULL);
  g_bus_own_name_on_connection (connection, EMPTY_NAME, 0, NULL, NULL, NULL, NULL);
  g_main_loop_run (g_main_loop_new (NULL, FALSE));
}

static pid_t
start_echo (Data *data)
{
  int ends[2];
  pid_t pid;

  g_assert_cmpint (socketpair (AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends), ==, 0);
  data->echo_fd = ends[0];
  pid = fork ();
  if (pid == 0)
    {
      char buffer[REPLY_SIZE];

      close (ends[0]);
      while (recv (ends[1], buffer, REQUEST_SIZE, MSG_WAITALL) == REQUEST_SIZE)
        if (send (ends[1], buffer, REPLY_SIZE, MSG_NOSIGNAL) != REPLY_SIZE)
          break;
      _exit (0);
    }
  close (ends[1]);
  return pid;
}

static void
await_name (GDBusConnection *connection, const char *name)
{
  gboolean has_owner = FALSE;

  while (!has_owner)
    {
      g_autoptr (GVariant) reply =
          g_dbus_connection_call_sync (connection, "org.freedesktop.DBus", "/org/freedesktop/DBus",
                                       "org.freedesktop.DBus", "NameHasOwner",
                                       g_variant_new ("(s)", name), NULL, 0, -1, NULL, NULL);

      g_variant_get (reply, "(b)", &has_owner);
      g_usleep (1000);
    }
}

static GSubprocess *
start_brokerd (void)
{
  g_autoptr (GSubprocessLauncher) launcher = g_subprocess_launcher_new (G_SUBPROCESS_FLAGS_NONE);
  GError *error = NULL;
  GSubprocess *daemon;
  int ends[2];

  g_assert_cmpint (pipe2 (ends, O_CLOEXEC), ==, 0);
  g_assert_cmpint (write (ends[1], "secret", 6), ==, 6);
  close (ends[1]);
  g_subprocess_launcher_take_fd (launcher, ends[0], 7);
  daemon = g_subprocess_launcher_spawn (launcher, &error, "zu-brokerd", "--secret-fd=7", NULL);
  check (error);
  return daemon;
}

int
main (int argc, char **argv)
{
  g_autoptr (GTestDBus) bus = g_test_dbus_new (G_TEST_DBUS_NONE);
  g_autoptr (GSubprocess) daemon = NULL;
  g_autoptr (ZuWorker) worker = NULL;
  Data data = { NULL };
  const Bench benches[] = {
    { "mint-socket", "tokens", N_CALLS, 0.4, mint_one_by_one, ping_pong, &data },
    { "mint-socket-64", "tokens", N_CALLS, 2, mint_in_flight, mint_one_by_one, &data },
    { "mint-dbus", "tokens", N_BUS_CALLS, 0.6, mint_on_bus, empty_on_bus, &data },
    { "worker-start", "starts", N_STARTS, 0.5, start_worker, start_bare, &data },
  };
  pid_t echo = start_echo (&data);
  pid_t empty;

  g_set_prgname (argv[0]);
  g_test_dbus_up (bus);
  empty = fork ();
  if (empty == 0)
    serve_empty ();

  data.args = zu_json_parse ("{\"nonce\": \"n\"}", -1, NULL);
  data.launcher =
      (ZuPluginLauncher *) zu_registry_create (zu_registry_get_default (), "zu.backends", NULL,
                                               "oop-launcher", NULL, NULL, NULL);
  worker = launch (&data);
  data.broker = connect_to (&data, worker);
  daemon = start_brokerd ();
  data.connection = g_bus_get_sync (G_BUS_TYPE_SESSION, NULL, NULL);
  g_dbus_connection_set_exit_on_close (data.connection, FALSE);
  await_name (data.connection, NAME);
  await_name (data.connection, EMPTY_NAME);

  bench_main (argc, argv, benches, G_N_ELEMENTS (benches));

  g_subprocess_send_signal (daemon, SIGTERM);
  g_subprocess_wait (daemon, NULL, NULL);
  kill (empty, SIGKILL);
  kill (echo, SIGKILL);
  g_clear_object (&data.channel);
  g_clear_object (&data.broker);
  g_clear_object (&data.launcher);
  g_clear_object (&data.connection);
  zu_json_unref (data.args);
  g_test_dbus_down (bus);
  return 0;
}
