/* SPDX-License-Identifier: Apache-2.0 */

#include <zu/zu.h>

#include <fcntl.h>
#include <glib/gstdio.h>
#include <signal.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

/* zu-worker as it is called by hand. */

typedef struct
{
  char *folder;
  char *path;
} Fixture;

static void
fixture_set_up (Fixture *fixture, gconstpointer data)
{
  fixture->folder = g_dir_make_tmp ("zu-worker-XXXXXX", NULL);
  fixture->path = g_build_filename (fixture->folder, "socket", NULL);
}

static void
fixture_tear_down (Fixture *fixture, gconstpointer data)
{
  g_unlink (fixture->path);
  g_assert_cmpint (g_rmdir (fixture->folder), ==, 0);
  g_free (fixture->folder);
  g_free (fixture->path);
}

/* Ends a forked child. Another program's end, so that memory checkers do not look at a copy of the
 * parent's. */
static void G_GNUC_NORETURN
end_child (gboolean good)
{
  execl (good ? "/bin/true" : "/bin/false", "child", NULL);
  _exit (1);
}

static GSubprocess *
start (const char *secret, const char *const *argv, GError **error)
{
  g_autoptr (GSubprocessLauncher) launcher = g_subprocess_launcher_new (
      G_SUBPROCESS_FLAGS_STDOUT_SILENCE | G_SUBPROCESS_FLAGS_STDERR_PIPE);
  int ends[2];

  if (secret != NULL)
    {
      g_assert_cmpint (pipe2 (ends, O_CLOEXEC), ==, 0);
      g_assert_cmpint (write (ends[1], secret, strlen (secret)), ==, (gssize) strlen (secret));
      close (ends[1]);
      g_subprocess_launcher_take_fd (launcher, ends[0], 7);
    }
  return g_subprocess_launcher_spawnv (launcher, argv, error);
}

static ZuRpcClient *
connect_to (const char *path)
{
  for (int i = 0; i < 500; i++)
    {
      ZuRpcClient *client = zu_rpc_client_new_for_path (path, NULL);

      if (client != NULL)
        return client;
      g_usleep (10000);
    }
  g_error ("nobody serves at %s", path);
}

static void
test_socket (Fixture *fixture, gconstpointer user)
{
  const char *argv[] = {
    "zu-worker", "--plugin=credential-broker", "--socket", fixture->path, "--secret-fd=7", user,
    NULL
  };
  g_autoptr (GError) error = NULL;
  g_autoptr (GSubprocess) worker = NULL;
  g_autoptr (ZuRpcClient) client = NULL;
  g_autoptr (ZuRpcClient) second = NULL;
  g_autoptr (ZuCredentialBroker) broker = NULL;
  g_autofree char *token = NULL;
  GStatBuf info;

  if (user != NULL && geteuid () != 0)
    {
      g_test_skip ("needs root to become another user");
      return;
    }
  worker = start ("s", argv, &error);
  g_assert_no_error (error);
  client = connect_to (fixture->path);
  second = connect_to (fixture->path);
  broker = zu_credential_broker_proxy_new (ZU_REMOTE (client));
  token = zu_credential_broker_mint (broker, "n", NULL, &error);
  g_assert_no_error (error);
  g_assert_true (g_str_has_prefix (token, "tok_"));
  g_assert_cmpint (g_stat (fixture->path, &info), ==, 0);
  g_assert_cmpint (info.st_mode & 0777, ==, 0600);

  g_subprocess_send_signal (worker, SIGTERM);
  g_assert_true (g_subprocess_wait_check (worker, NULL, &error));
  g_assert_no_error (error);
  g_assert_null (zu_credential_broker_mint (broker, "n", NULL, &error));
  g_assert_error (error, G_IO_ERROR, G_IO_ERROR_CONNECTION_CLOSED);
}

static gboolean
is_turned_away (const char *path)
{
  g_autoptr (ZuRpcClient) client = zu_rpc_client_new_for_path (path, NULL);
  g_autoptr (GError) error = NULL;

  return client != NULL && zu_rpc_client_call (client, "introspect", NULL, NULL, &error) == NULL
         && g_error_matches (error, ZU_RPC_ERROR, ZU_RPC_ERROR_CLOSED);
}

/* Who started it and root may connect; the user it has become, or any other, may not, even where
 * the modes of the file let them in. */
static void
test_socket_peers (Fixture *fixture, gconstpointer data)
{
  const char *argv[] = { "zu-worker",
                         "--plugin=credential-broker",
                         "--socket",
                         fixture->path,
                         "--secret-fd=7",
                         "--user=65534",
                         NULL };
  g_autoptr (GSubprocess) worker = NULL;
  g_autoptr (ZuRpcClient) client = NULL;
  pid_t child;
  int status;

  if (geteuid () != 0)
    {
      g_test_skip ("needs root to become another user");
      return;
    }
  worker = start ("s", argv, NULL);
  client = connect_to (fixture->path);
  g_assert_cmpint (chmod (fixture->folder, 0755), ==, 0);
  g_assert_cmpint (chmod (fixture->path, 0666), ==, 0);
  child = fork ();
  if (child == 0)
    {
      if (setresuid (65534, 65534, 65534) != 0)
        end_child (FALSE);
      end_child (is_turned_away (fixture->path));
    }
  g_assert_cmpint (waitpid (child, &status, 0), ==, child);
  g_assert_cmpint (WEXITSTATUS (status), ==, 0);
  g_subprocess_force_exit (worker);
  g_subprocess_wait (worker, NULL, NULL);
}

/* A broker that a program hosts does not mint without a secret. */
static void
test_no_secret (Fixture *fixture, gconstpointer data)
{
  const char *argv[] = { "zu-worker", "--plugin=zu.channels/credential-broker", "--socket",
                         fixture->path, NULL };
  g_autoptr (GSubprocess) worker = start (NULL, argv, NULL);
  g_autoptr (ZuRpcClient) client = connect_to (fixture->path);
  g_autoptr (ZuCredentialBroker) broker = zu_credential_broker_proxy_new (ZU_REMOTE (client));
  g_autoptr (GError) error = NULL;

  g_assert_null (zu_credential_broker_mint (broker, "n", NULL, &error));
  g_assert_error (error, ZU_CREDENTIAL_BROKER_ERROR, ZU_CREDENTIAL_BROKER_ERROR_NO_SECRET);
  g_subprocess_send_signal (worker, SIGINT);
  g_assert_true (g_subprocess_wait_check (worker, NULL, NULL));
}

static void
assert_refused (const char *const *argv, const char *text)
{
  g_autoptr (GSubprocess) worker = start ("", argv, NULL);
  g_autofree char *said = NULL;

  g_assert_true (g_subprocess_communicate_utf8 (worker, NULL, NULL, NULL, &said, NULL));
  g_assert_cmpint (g_subprocess_get_exit_status (worker), ==, 2);
  g_assert_true (g_str_has_prefix (said, "zu-worker: "));
  g_assert_nonnull (strstr (said, text));
  g_assert_true (strchr (said, '\n') == said + strlen (said) - 1);
}

static void
test_refused (Fixture *fixture, gconstpointer data)
{
  const char *program = "zu-worker";
  const char *const cases[][6] = {
    { program, NULL },
    { program, "--plugin=credential-broker", NULL },
    { program, "--plugin=credential-broker", "--fd=8", "--socket=/x", NULL },
    { program, "--plugin=credential-broker", "--fd=8", "more", NULL },
    { program, "--plugin=credential-broker", "--unknown", NULL },
    { program, "--plugin=nobody", "--fd=8", NULL },
    { program, "--plugin=zu.nothing/nobody", "--fd=8", NULL },
    { program, "--plugin=credential-broker", "--fd=8", "--secret-fd=7", NULL },
    { program, "--plugin=credential-broker", "--socket=/proc/none/socket", NULL },
    { program, "--plugin=credential-broker", "--fd=8", "--user=root", NULL },
    { program, "--plugin=credential-broker", "--fd=8", "--user=4294967295", NULL }
  };
  const char *const texts[] = { "--help", "--help", "--help",     "--help", "--unknown", "nobody",
                                "nobody", "empty",  "/proc/none", "'root'", "4294967295" };

  for (gsize i = 0; i < G_N_ELEMENTS (cases); i++)
    assert_refused (cases[i], texts[i]);
}

#define ADD(path, data, func) \
  g_test_add (path, Fixture, data, fixture_set_up, func, fixture_tear_down)

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);

  ADD ("/worker/socket", NULL, test_socket);
  ADD ("/worker/socket/user", "--user=65534", test_socket);
  ADD ("/worker/socket/peers", NULL, test_socket_peers);
  ADD ("/worker/no-secret", NULL, test_no_secret);
  ADD ("/worker/refused", NULL, test_refused);
  return g_test_run ();
}
