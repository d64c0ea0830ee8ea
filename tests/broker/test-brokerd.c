/* SPDX-License-Identifier: Apache-2.0 */

#include <zu/zu.h>

#include "scan-support.h"

#include <fcntl.h>
#include <glib/gstdio.h>
#include <signal.h>
#include <string.h>
#include <unistd.h>

#define NAME "org.zu.Broker1"
#define PATH "/org/zu/Broker1"

typedef struct
{
  GTestDBus *bus;
  GDBusConnection *connection;
  GSubprocess *daemon;
  char *canary;
} Fixture;

static GSubprocess *
start (const char *secret, const char *credentials, const char *argument, GError **error)
{
  g_autoptr (GSubprocessLauncher) launcher = g_subprocess_launcher_new (
      G_SUBPROCESS_FLAGS_STDOUT_SILENCE | G_SUBPROCESS_FLAGS_STDERR_PIPE);
  const char *argv[] = { "zu-brokerd", argument, NULL };
  int ends[2];

  g_assert_cmpint (pipe2 (ends, O_CLOEXEC), ==, 0);
  g_assert_cmpint (write (ends[1], secret, strlen (secret)), ==, (gssize) strlen (secret));
  close (ends[1]);
  g_subprocess_launcher_take_fd (launcher, ends[0], 7);
  if (credentials != NULL)
    g_subprocess_launcher_setenv (launcher, "CREDENTIALS_DIRECTORY", credentials, TRUE);
  return g_subprocess_launcher_spawnv (launcher, argv, error);
}

static void
await_name (GDBusConnection *connection)
{
  for (int i = 0; i < 500; i++)
    {
      g_autoptr (GVariant) reply =
          g_dbus_connection_call_sync (connection, "org.freedesktop.DBus", "/org/freedesktop/DBus",
                                       "org.freedesktop.DBus", "NameHasOwner",
                                       g_variant_new ("(s)", NAME), NULL, 0, -1, NULL, NULL);
      gboolean has_owner = FALSE;

      g_variant_get (reply, "(b)", &has_owner);
      if (has_owner)
        return;
      g_usleep (10000);
    }
  g_error ("nobody owns " NAME);
}

static void
fixture_set_up (Fixture *fixture, gconstpointer data)
{
  g_autofree char *random = g_uuid_string_random ();
  g_autoptr (GError) error = NULL;

  fixture->canary = g_strconcat ("canary-", random, NULL);
  fixture->bus = g_test_dbus_new (G_TEST_DBUS_NONE);
  g_test_dbus_up (fixture->bus);
  fixture->connection =
      g_dbus_connection_new_for_address_sync (g_test_dbus_get_bus_address (fixture->bus),
                                              G_DBUS_CONNECTION_FLAGS_AUTHENTICATION_CLIENT
                                                  | G_DBUS_CONNECTION_FLAGS_MESSAGE_BUS_CONNECTION,
                                              NULL, NULL, &error);
  g_assert_no_error (error);
  fixture->daemon = start (fixture->canary, NULL, data, &error);
  g_assert_no_error (error);
  await_name (fixture->connection);
}

static void
fixture_tear_down (Fixture *fixture, gconstpointer data)
{
  g_subprocess_send_signal (fixture->daemon, SIGTERM);
  g_subprocess_wait (fixture->daemon, NULL, NULL);
  g_object_unref (fixture->daemon);
  g_dbus_connection_close_sync (fixture->connection, NULL, NULL);
  g_object_unref (fixture->connection);
  g_test_dbus_down (fixture->bus);
  g_object_unref (fixture->bus);
  g_free (fixture->canary);
}

static GVariant *
call (Fixture *fixture, const char *method, GVariant *args, GError **error)
{
  return g_dbus_connection_call_sync (fixture->connection, NAME, PATH, NAME, method, args, NULL, 0,
                                      -1, NULL, error);
}

/* Without our library: plain D-Bus. */
static void
test_calls (Fixture *fixture, gconstpointer data)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (GVariant) minted = call (fixture, "Mint", g_variant_new ("(s)", "n"), &error);
  g_autoptr (GVariant) known = NULL;
  const char *token;
  gboolean has_secret;

  g_assert_no_error (error);
  g_variant_get (minted, "(&s)", &token);
  g_assert_true (g_regex_match_simple ("^tok_[0-9a-f]{24}$", token, 0, 0));

  known = call (fixture, "Introspect", NULL, &error);
  g_assert_no_error (error);
  g_variant_get (known, "(b)", &has_secret);
  g_assert_true (has_secret);

  g_assert_null (call (fixture, "Mint", g_variant_new ("(u)", 5), &error));
  g_assert_error (error, G_DBUS_ERROR, G_DBUS_ERROR_INVALID_ARGS);
  g_clear_error (&error);
  g_assert_null (call (fixture, "Reveal", NULL, &error));
  g_assert_error (error, G_DBUS_ERROR, G_DBUS_ERROR_UNKNOWN_METHOD);
}

static void
test_proxy (Fixture *fixture, gconstpointer data)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (ZuRemote) remote =
      zu_dbus_remote_new (fixture->connection, NAME, PATH, zu_credential_broker_get_port_info ());
  g_autoptr (ZuCredentialBroker) broker = zu_credential_broker_proxy_new (remote);
  g_autofree char *token = zu_credential_broker_mint (broker, "n", NULL, &error);

  g_assert_no_error (error);
  g_assert_true (g_str_has_prefix (token, "tok_"));
}

static void
test_no_secret (Fixture *fixture, gconstpointer data)
{
  g_autoptr (ZuRemote) remote =
      zu_dbus_remote_new (fixture->connection, NAME, PATH, zu_credential_broker_get_port_info ());
  g_autoptr (ZuCredentialBroker) broker = zu_credential_broker_proxy_new (remote);
  g_autoptr (GError) error = NULL;

  g_assert_null (zu_credential_broker_mint (broker, "n", NULL, &error));
  g_assert_error (error, ZU_CREDENTIAL_BROKER_ERROR, ZU_CREDENTIAL_BROKER_ERROR_NO_SECRET);
  g_clear_error (&error);
  g_assert_false (zu_credential_broker_introspect (broker, NULL, &error));
  g_assert_no_error (error);
}

/* The secret is in the worker's locked pages, and nowhere else: not in the face, either. */
static void
test_secret_nowhere (Fixture *fixture, gconstpointer data)
{
  GPid face = atoi (g_subprocess_get_identifier (fixture->daemon));
  g_autofree char *children_path = g_strdup_printf ("/proc/%d/task/%d/children", face, face);
  g_autoptr (GVariant) minted = call (fixture, "Mint", g_variant_new ("(s)", "n"), NULL);
  g_autofree char *children = NULL;
  guint n_locked;

  if (geteuid () != 0)
    {
      g_test_skip ("only root may look into a worker");
      return;
    }
  g_assert_false (scan_process_table (fixture->canary));
  g_assert_cmpuint (scan_memory (face, fixture->canary, &n_locked), ==, 0);
  g_assert_true (g_file_get_contents (children_path, &children, NULL, NULL));
  g_assert_cmpuint (scan_memory (atoi (children), fixture->canary, &n_locked), ==, 1);
  g_assert_cmpuint (n_locked, ==, 1);
}

/* Without the worker there is nothing to serve, and systemd is to know. */
static void
test_worker_killed (Fixture *fixture, gconstpointer data)
{
  GPid face = atoi (g_subprocess_get_identifier (fixture->daemon));
  g_autofree char *children_path = g_strdup_printf ("/proc/%d/task/%d/children", face, face);
  g_autofree char *children = NULL;
  g_autofree char *said = NULL;

  g_assert_true (g_file_get_contents (children_path, &children, NULL, NULL));
  kill (atoi (children), SIGKILL);
  g_assert_true (g_subprocess_communicate_utf8 (fixture->daemon, NULL, NULL, NULL, &said, NULL));
  g_assert_cmpint (g_subprocess_get_exit_status (fixture->daemon), ==, 2);
  g_assert_nonnull (strstr (said, "worker"));
}

static void
test_second (Fixture *fixture, gconstpointer data)
{
  g_autoptr (GSubprocess) second = start ("s", NULL, "--secret-fd=7", NULL);
  g_autofree char *said = NULL;

  g_assert_true (g_subprocess_communicate_utf8 (second, NULL, NULL, NULL, &said, NULL));
  g_assert_cmpint (g_subprocess_get_exit_status (second), ==, 2);
  g_assert_nonnull (strstr (said, NAME));
}

static void
assert_does_not_start (const char *credentials, const char *argument, const char *text)
{
  g_autoptr (GSubprocess) daemon = start ("", credentials, argument, NULL);
  g_autofree char *said = NULL;

  g_assert_true (g_subprocess_communicate_utf8 (daemon, NULL, NULL, NULL, &said, NULL));
  g_assert_cmpint (g_subprocess_get_exit_status (daemon), ==, 2);
  g_assert_true (g_str_has_prefix (said, "zu-brokerd: "));
  g_assert_nonnull (strstr (said, text));
  g_assert_true (strchr (said, '\n') == said + strlen (said) - 1);
}

static void
test_credential (void)
{
  g_autofree char *folder = g_dir_make_tmp ("zu-brokerd-XXXXXX", NULL);
  g_autofree char *path = g_build_filename (folder, "token", NULL);
  g_autoptr (GTestDBus) bus = g_test_dbus_new (G_TEST_DBUS_NONE);
  g_autoptr (GDBusConnection) connection = NULL;
  g_autoptr (GSubprocess) daemon = NULL;
  Fixture fixture = { NULL };
  g_autoptr (GVariant) known = NULL;
  gboolean has_secret;

  assert_does_not_start (NULL, "--secret-credential=token", "CREDENTIALS_DIRECTORY");
  assert_does_not_start (folder, "--secret-credential=token", "'token'");
  assert_does_not_start (folder, "--secret-credential=../token", "'../token'");
  assert_does_not_start (NULL, "--secret-fd=7", "empty");
  assert_does_not_start (NULL, "--unknown", "--unknown");

  g_test_dbus_up (bus);
  connection = g_bus_get_sync (G_BUS_TYPE_SESSION, NULL, NULL);
  g_dbus_connection_set_exit_on_close (connection, FALSE);
  g_assert_true (g_file_set_contents (path, "secret", -1, NULL));
  daemon = start ("", folder, "--secret-credential=token", NULL);
  await_name (connection);
  fixture.connection = connection;
  known = call (&fixture, "Introspect", NULL, NULL);
  g_variant_get (known, "(b)", &has_secret);
  g_assert_true (has_secret);

  g_subprocess_send_signal (daemon, SIGTERM);
  g_assert_true (g_subprocess_wait_check (daemon, NULL, NULL));
  g_clear_object (&connection);
  g_test_dbus_down (bus);
  g_unlink (path);
  g_rmdir (folder);
}

#define ADD(path, argument, func) \
  g_test_add (path, Fixture, argument, fixture_set_up, func, fixture_tear_down)

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);

  ADD ("/brokerd/calls", "--secret-fd=7", test_calls);
  ADD ("/brokerd/proxy", "--secret-fd=7", test_proxy);
  ADD ("/brokerd/no-secret", NULL, test_no_secret);
  ADD ("/brokerd/secret-nowhere", "--secret-fd=7", test_secret_nowhere);
  ADD ("/brokerd/worker-killed", "--secret-fd=7", test_worker_killed);
  ADD ("/brokerd/second", "--secret-fd=7", test_second);
  g_test_add_func ("/brokerd/credential", test_credential);
  return g_test_run ();
}
