/* SPDX-License-Identifier: Apache-2.0 */

#include "zuctl-command.h"
#include "zuctl-output.h"

#include <string.h>

#define PORT "CredentialBroker"

/* How the broker is reached. */
typedef struct
{
  char *bus;
  char *socket;
  gboolean is_json;
} BrokerOptions;

static void
options_clear (BrokerOptions *options)
{
  g_free (options->bus);
  g_free (options->socket);
}

G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC (BrokerOptions, options_clear)

static GDBusConnection *
connect_to_bus (const char *bus, GError **error)
{
  if (bus == NULL || strcmp (bus, "session") == 0)
    return g_bus_get_sync (G_BUS_TYPE_SESSION, NULL, error);
  if (strcmp (bus, "system") == 0)
    return g_bus_get_sync (G_BUS_TYPE_SYSTEM, NULL, error);
  return g_dbus_connection_new_for_address_sync (
      bus,
      G_DBUS_CONNECTION_FLAGS_AUTHENTICATION_CLIENT
          | G_DBUS_CONNECTION_FLAGS_MESSAGE_BUS_CONNECTION,
      NULL, NULL, error);
}

static ZuRemote *
open_bus (const char *bus, GError **error)
{
  const ZuPortInfo *info = zu_port_lookup (PORT);
  g_autoptr (GError) why = NULL;
  g_autoptr (GDBusConnection) connection = connect_to_bus (bus, &why);

  if (connection == NULL)
    {
      g_set_error (error, ZUCTL_FAILURE, ZUCTL_FAILURE_ENVIRONMENT,
                   "cannot reach the %s bus: %s (name another with --bus, or --socket)",
                   bus != NULL ? bus : "session", why->message);
      return NULL;
    }
  return zu_dbus_remote_new (connection, info->dbus_interface->name, info->dbus_path, info);
}

static ZuRemote *
open_socket (const char *path, GError **error)
{
  g_autoptr (ZuRpcClient) client = zu_rpc_client_new_for_path (path, error);
  g_autoptr (ZuChannel) channel = NULL;

  if (client == NULL)
    {
      g_prefix_error (error, "cannot reach the broker: ");
      return NULL;
    }
  channel = zu_channel_proxy_new (ZU_REMOTE (client));
  return zu_channel_remote_new (channel);
}

static ZuCredentialBroker *
open_broker (const BrokerOptions *options, GError **error)
{
  g_autoptr (ZuRemote) remote = NULL;

  if (options->bus != NULL && options->socket != NULL)
    {
      g_set_error_literal (error, ZUCTL_FAILURE, ZUCTL_FAILURE_USAGE,
                           "broker: --bus and --socket exclude each other (give one of them)");
      return NULL;
    }

  remote = options->socket != NULL ? open_socket (options->socket, error)
                                   : open_bus (options->bus, error);
  return remote != NULL ? zu_credential_broker_proxy_new (remote) : NULL;
}

static gboolean
parse (const ZuctlCommand *command, GStrv words, BrokerOptions *options, ZuctlParsed *parsed,
       GError **error)
{
  const GOptionEntry entries[] = { { "bus", 0, 0, G_OPTION_ARG_STRING, &options->bus,
                                     "session (the default), system, or a bus's address", "BUS" },
                                   { "socket", 0, 0, G_OPTION_ARG_FILENAME, &options->socket,
                                     "The socket of a worker, instead of D-Bus", "PATH" },
                                   { "json", 0, 0, G_OPTION_ARG_NONE, &options->is_json,
                                     "Print a JSON object", NULL },
                                   G_OPTION_ENTRY_NULL };

  return zuctl_parse (command, words, entries, NULL, parsed, error);
}

static int
run_mint (const ZuctlCommand *command, GStrv words, GError **error)
{
  g_auto (BrokerOptions) options = { NULL };
  g_auto (ZuctlParsed) parsed = { 0 };
  g_autoptr (ZuCredentialBroker) broker = NULL;
  g_autoptr (ZuJson) json = NULL;
  g_autofree char *token = NULL;

  if (!parse (command, words, &options, &parsed, error))
    return parsed.status;
  broker = open_broker (&options, error);
  if (broker == NULL)
    return ZUCTL_ERROR;

  token = zu_credential_broker_mint (broker, parsed.rest[0], NULL, error);
  if (token == NULL)
    {
      g_prefix_error (error, "cannot mint: ");
      return ZUCTL_DONE;
    }

  json = zuctl_new_json ("token", token, NULL);
  if (options.is_json)
    zuctl_print_json (json);
  else
    zuctl_print ("%s\n", token);
  return ZUCTL_DONE;
}

static ZuJson *
new_answer (const char *name, gboolean value)
{
  g_autoptr (ZuJsonBuilder) builder = zu_json_builder_new ();

  zu_json_builder_begin_object (builder);
  zu_json_builder_set_member (builder, name);
  zu_json_builder_add_boolean (builder, value);
  zu_json_builder_end_object (builder);
  return zu_json_builder_end (builder, NULL);
}

static int
run_check (const ZuctlCommand *command, GStrv words, GError **error)
{
  g_auto (BrokerOptions) options = { NULL };
  g_auto (ZuctlParsed) parsed = { 0 };
  g_autoptr (ZuCredentialBroker) broker = NULL;
  g_autoptr (ZuJson) json = NULL;
  g_autoptr (GError) why = NULL;
  gboolean valid;

  if (!parse (command, words, &options, &parsed, error))
    return parsed.status;
  broker = open_broker (&options, error);
  if (broker == NULL)
    return ZUCTL_ERROR;

  valid = zu_credential_broker_check (broker, parsed.rest[0], parsed.rest[1], NULL, &why);
  if (why != NULL)
    {
      g_propagate_prefixed_error (error, g_steal_pointer (&why), "cannot check: ");
      return ZUCTL_DONE;
    }

  json = new_answer ("valid", valid);
  if (options.is_json)
    zuctl_print_json (json);
  else
    zuctl_print ("%s\n", valid ? "the token is good" : "the token is not good");
  return valid ? ZUCTL_DONE : ZUCTL_NO;
}

static int
run_introspect (const ZuctlCommand *command, GStrv words, GError **error)
{
  g_auto (BrokerOptions) options = { NULL };
  g_auto (ZuctlParsed) parsed = { 0 };
  g_autoptr (ZuCredentialBroker) broker = NULL;
  g_autoptr (ZuJson) json = NULL;
  g_autoptr (GError) why = NULL;
  gboolean has_secret;

  if (!parse (command, words, &options, &parsed, error))
    return parsed.status;
  broker = open_broker (&options, error);
  if (broker == NULL)
    return ZUCTL_ERROR;

  has_secret = zu_credential_broker_introspect (broker, NULL, &why);
  if (why != NULL)
    {
      g_propagate_prefixed_error (error, g_steal_pointer (&why), "cannot introspect: ");
      return ZUCTL_DONE;
    }

  json = new_answer ("has_secret", has_secret);
  if (options.is_json)
    zuctl_print_json (json);
  else
    zuctl_print ("%s\n", has_secret ? "a secret is loaded" : "no secret is loaded");
  return ZUCTL_DONE;
}

const ZuctlCommand zuctl_broker_commands[] = {
  { "broker mint", "NONCE", "Have the broker derive a token for a nonce", run_mint, 1, 1 },
  { "broker check", "NONCE TOKEN", "Ask the broker whether a token is good", run_check, 2, 2 },
  { "broker introspect", "", "Ask the broker whether it has a secret", run_introspect },
  { NULL },
};
