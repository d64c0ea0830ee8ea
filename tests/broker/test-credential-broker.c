/* SPDX-License-Identifier: Apache-2.0 */

#include <zu/zu.h>

#include "vectors-support.h"

#include <fcntl.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

static ZuSecret *
secret_from_text (const char *text)
{
  g_autofree char *copy = g_strdup (text);

  return zu_secret_new_wiping (copy, strlen (text), NULL);
}

/* A broker with the names and values of its construct properties; takes the secrets. */
static ZuCredentialBroker *
make_broker (ZuSecret *secret, ZuSecret *mint_key, gboolean require, GError **error)
{
  const char *names[] = { "require-secret", "secret", "mint-key" };
  GValue values[3] = { G_VALUE_INIT, G_VALUE_INIT, G_VALUE_INIT };
  guint n = 1;
  GObject *broker;

  g_value_init (&values[0], G_TYPE_BOOLEAN);
  g_value_set_boolean (&values[0], require);
  if (secret != NULL)
    {
      g_value_init (&values[n], ZU_TYPE_SECRET);
      g_value_take_boxed (&values[n++], secret);
    }
  if (mint_key != NULL)
    {
      names[n] = "mint-key";
      g_value_init (&values[n], ZU_TYPE_SECRET);
      g_value_take_boxed (&values[n++], mint_key);
    }
  broker = zu_registry_create_with_properties (zu_registry_get_default (), "zu.channels", NULL,
                                               "credential-broker", n, names, values, NULL, error);
  zu_values_clear (values, n);
  return (ZuCredentialBroker *) broker;
}

static void
test_tokens (void)
{
  g_autoptr (ZuJson) all = vectors_read_json ("rpc.json");
  g_autoptr (ZuJson) cases = zu_json_dup_member (all, "tokens");

  g_assert_cmpuint (zu_json_get_size (cases), >=, 6);
  for (gsize i = 0; i < zu_json_get_size (cases); i++)
    {
      g_autoptr (ZuJson) one = zu_json_dup_element (cases, i);
      g_autoptr (ZuJson) has_secret = zu_json_dup_member (one, "has_secret");
      g_autoptr (GError) error = NULL;
      g_autoptr (ZuCredentialBroker) broker =
          make_broker (secret_from_text (row_text (one, "secret")),
                       row_secret (one, "mint_key_hex"), FALSE, &error);
      g_autofree char *token = NULL;

      g_assert_no_error (error);
      token = zu_credential_broker_mint (broker, row_text (one, "nonce"), NULL, &error);
      g_assert_no_error (error);
      g_assert_cmpstr (token, ==, row_text (one, "token"));
      g_assert_cmpint (zu_credential_broker_introspect (broker, NULL, &error), ==,
                       zu_json_get_boolean (has_secret));
    }
}

static void
test_mint_key (void)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (ZuCredentialBroker) a = make_broker (secret_from_text ("s"), NULL, TRUE, &error);
  g_autoptr (ZuCredentialBroker) b = make_broker (secret_from_text ("s"), NULL, TRUE, &error);
  g_autofree char *one = zu_credential_broker_mint (a, "n", NULL, &error);
  g_autofree char *again = zu_credential_broker_mint (a, "n", NULL, &error);
  g_autofree char *other = zu_credential_broker_mint (b, "n", NULL, &error);

  g_assert_no_error (error);
  g_assert_cmpstr (one, ==, again);
  g_assert_cmpstr (one, !=, other);
}

static void
test_require_secret (void)
{
  ZuSecret *const secrets[] = { NULL, secret_from_text ("") };

  for (gsize i = 0; i < G_N_ELEMENTS (secrets); i++)
    {
      g_autoptr (GError) error = NULL;
      g_autoptr (ZuCredentialBroker) broker = make_broker (secrets[i], NULL, TRUE, &error);

      g_assert_no_error (error);
      g_assert_null (zu_credential_broker_mint (broker, "n", NULL, &error));
      g_assert_error (error, ZU_CREDENTIAL_BROKER_ERROR, ZU_CREDENTIAL_BROKER_ERROR_NO_SECRET);
      g_assert_false (zu_credential_broker_introspect (broker, NULL, NULL));
    }
}

static GObject *
make_from_options (const char *options, GError **error)
{
  g_autoptr (ZuJson) json = zu_json_parse (options, -1, NULL);

  return zu_registry_create (zu_registry_get_default (), "zu.channels", NULL, "credential-broker",
                             json, NULL, error);
}

static void
test_secret_fd (void)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (GObject) broker = NULL;
  g_autofree char *options = NULL;
  int ends[2];

  g_assert_cmpint (pipe2 (ends, O_CLOEXEC), ==, 0);
  g_assert_cmpint (write (ends[1], "s", 1), ==, 1);
  close (ends[1]);
  options = g_strdup_printf ("{\"secret_fd\": %d}", ends[0]);
  broker = make_from_options (options, &error);
  g_assert_no_error (error);
  g_assert_true (zu_credential_broker_introspect (ZU_CREDENTIAL_BROKER (broker), NULL, NULL));
  close (ends[0]);

  g_assert_null (make_from_options ("{\"secret-file\": \"/nonexistent\"}", &error));
  g_assert_error (error, ZU_SECRET_ERROR, ZU_SECRET_ERROR_UNAVAILABLE);
  g_clear_error (&error);
  g_assert_null (make_from_options ("{\"secret-environment\": \"ZU_TEST_UNSET\"}", &error));
  g_assert_error (error, ZU_SECRET_ERROR, ZU_SECRET_ERROR_UNAVAILABLE);
  g_clear_error (&error);
  g_assert_null (make_from_options ("{\"secret-file\": \"a\", \"secret-fd\": 0}", &error));
  g_assert_error (error, G_IO_ERROR, G_IO_ERROR_INVALID_ARGUMENT);
}

/* The environment is only looked at when it is named. */
static void
test_environment_not_read (void)
{
  g_autoptr (GObject) broker = NULL;

  g_setenv ("ZU_BROKER_SECRET", "canary", TRUE);
  broker = make_from_options ("{}", NULL);
  g_assert_false (zu_credential_broker_introspect (ZU_CREDENTIAL_BROKER (broker), NULL, NULL));
  g_unsetenv ("ZU_BROKER_SECRET");
}

/* The recorded exchanges of a channel worker. */

typedef struct
{
  ZuRpcServer *server;
  int fd;
} Served;

static gpointer
serve (gpointer data)
{
  Served *served = data;

  zu_rpc_server_serve_fd (served->server, served->fd, NULL, NULL);
  return NULL;
}

static void
check_exchange (ZuRpcServer *server, ZuJson *one)
{
  g_autoptr (GBytes) request = row_hex (one, "request_hex");
  g_autoptr (ZuJson) replies = zu_json_dup_member (one, "replies");
  g_autoptr (GByteArray) got = g_byte_array_new ();
  Served served = { server, -1 };
  guint8 buffer[4096];
  GThread *thread;
  int ends[2];
  gssize n;
  gsize at = 0;

  g_assert_cmpint (socketpair (AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends), ==, 0);
  served.fd = ends[1];
  thread = g_thread_new ("server", serve, &served);
  g_assert_cmpint (send (ends[0], g_bytes_get_data (request, NULL), g_bytes_get_size (request), 0),
                   ==, (gssize) g_bytes_get_size (request));
  shutdown (ends[0], SHUT_WR);
  while ((n = read (ends[0], buffer, sizeof buffer)) > 0)
    g_byte_array_append (got, buffer, (guint) n);
  close (ends[0]);
  g_thread_join (thread);

  for (gsize i = 0; i < zu_json_get_size (replies); i++)
    {
      g_autoptr (ZuJson) text = zu_json_dup_element (replies, i);
      g_autoptr (ZuJson) expected = zu_json_parse (zu_json_get_string (text, NULL), -1, NULL);
      g_autoptr (GError) error = NULL;
      gsize used;
      g_autoptr (ZuJson) reply = zu_rpc_frame_decode (got->data + at, got->len - at, &used, &error);

      g_assert_no_error (error);
      if (!zu_json_equal (reply, expected))
        g_error ("%s: unexpected reply %.*s", row_text (one, "name"), (int) used - 4,
                 (const char *) got->data + at + 4);
      at += used;
    }
  g_assert_cmpuint (at, ==, got->len);
}

static void
test_exchanges (void)
{
  g_autoptr (ZuJson) all = vectors_read_json ("rpc.json");
  g_autoptr (ZuJson) settings = zu_json_dup_member (all, "broker");
  g_autoptr (ZuJson) cases = zu_json_dup_member (all, "server");
  g_autoptr (ZuCredentialBroker) broker =
      make_broker (secret_from_text (row_text (settings, "secret")),
                   row_secret (settings, "mint_key_hex"), FALSE, NULL);
  g_autoptr (ZuRpcServer) server = zu_rpc_server_new_for_port (G_OBJECT (broker), NULL);
  guint n = 0;

  for (gsize i = 0; i < zu_json_get_size (cases); i++)
    {
      g_autoptr (ZuJson) one = zu_json_dup_element (cases, i);

      if (!g_str_equal (row_text (one, "handler"), "broker"))
        continue; /* the server's own test has those */
      check_exchange (server, one);
      n++;
    }
  g_assert_cmpuint (n, >=, 7);
}

/* The same verbs, called by name, through a proxy and through the channel. */
static void
test_three_ways (void)
{
  g_autoptr (ZuCredentialBroker) broker = make_broker (secret_from_text ("s"), NULL, TRUE, NULL);
  g_autoptr (ZuRpcServer) server = zu_rpc_server_new_for_port (G_OBJECT (broker), NULL);
  g_autofree char *direct = zu_credential_broker_mint (broker, "n", NULL, NULL);
  g_autoptr (ZuRpcClient) client = NULL;
  g_autoptr (ZuCredentialBroker) narrow = NULL;
  g_autoptr (ZuChannel) channel = NULL;
  g_autoptr (ZuRemote) through_channel = NULL;
  g_autoptr (ZuCredentialBroker) wide = NULL;
  g_autofree char *by_method = NULL;
  g_autofree char *by_channel = NULL;
  g_autoptr (GError) error = NULL;
  Served served = { server, -1 };
  GThread *thread;
  int ends[2];

  g_assert_cmpint (socketpair (AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends), ==, 0);
  served.fd = ends[1];
  thread = g_thread_new ("server", serve, &served);
  client = zu_rpc_client_new_for_fd (ends[0]);
  narrow = zu_credential_broker_proxy_new (ZU_REMOTE (client));
  by_method = zu_credential_broker_mint (narrow, "n", NULL, &error);
  g_assert_no_error (error);
  channel = zu_channel_proxy_new (ZU_REMOTE (client));
  through_channel = zu_channel_remote_new (channel);
  wide = zu_credential_broker_proxy_new (through_channel);
  by_channel = zu_credential_broker_mint (wide, "n", NULL, &error);
  g_assert_no_error (error);
  g_assert_cmpstr (by_method, ==, direct);
  g_assert_cmpstr (by_channel, ==, direct);

  /* When the worker is gone, a channel says so in its port's own words. */
  zu_rpc_client_close (client);
  g_thread_join (thread);
  g_assert_null (zu_channel_call (channel, "mint", NULL, NULL, &error));
  g_assert_error (error, ZU_CHANNEL_ERROR, ZU_CHANNEL_ERROR_CLOSED);
}

static void
test_refusal_over_rpc (void)
{
  g_autoptr (ZuCredentialBroker) broker = make_broker (NULL, NULL, TRUE, NULL);
  g_autoptr (ZuRpcServer) server = zu_rpc_server_new_for_port (G_OBJECT (broker), NULL);
  g_autoptr (ZuRpcClient) client = NULL;
  g_autoptr (ZuCredentialBroker) narrow = NULL;
  g_autoptr (GError) error = NULL;
  Served served = { server, -1 };
  GThread *thread;
  int ends[2];

  g_assert_null (zu_rpc_server_new_for_port (G_OBJECT (broker), "EventSink"));
  g_assert_cmpint (socketpair (AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends), ==, 0);
  served.fd = ends[1];
  thread = g_thread_new ("server", serve, &served);
  client = zu_rpc_client_new_for_fd (ends[0]);
  narrow = zu_credential_broker_proxy_new (ZU_REMOTE (client));
  g_assert_null (zu_credential_broker_mint (narrow, "n", NULL, &error));
  g_assert_error (error, ZU_CREDENTIAL_BROKER_ERROR, ZU_CREDENTIAL_BROKER_ERROR_NO_SECRET);
  zu_rpc_client_close (client);
  g_thread_join (thread);
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);

  g_test_add_func ("/broker/tokens", test_tokens);
  g_test_add_func ("/broker/mint-key", test_mint_key);
  g_test_add_func ("/broker/require-secret", test_require_secret);
  g_test_add_func ("/broker/sources", test_secret_fd);
  g_test_add_func ("/broker/environment-not-read", test_environment_not_read);
  g_test_add_func ("/broker/exchanges", test_exchanges);
  g_test_add_func ("/broker/three-ways", test_three_ways);
  g_test_add_func ("/broker/refusal", test_refusal_over_rpc);
  return g_test_run ();
}
