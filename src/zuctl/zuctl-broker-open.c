/* SPDX-License-Identifier: Apache-2.0 */

#include "zuctl-broker-open.h"

#include "zuctl-error.h"

#include <string.h>

#define PORT "CredentialBroker"

void
zuctl_broker_options_clear (ZuctlBrokerOptions *options)
{
  g_free (options->bus);
  g_free (options->socket);
}

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

ZuCredentialBroker *
zuctl_broker_open (const ZuctlBrokerOptions *options, GError **error)
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
