/* SPDX-License-Identifier: Apache-2.0 */

#include "zu-rpc-port.h"

#include "../adapter/zu-port-channel.h"
#include "../base/zu-port.h"
#include "../base/zu-record.h"

#define CONCURRENCY 8

/* What a server of one implementation answers from. */
typedef struct
{
  GObject *object;
  const ZuPortInfo *info;
  ZuChannel *channel; /* the same as a generic channel */
} Served;

static void
served_free (gpointer data)
{
  Served *self = data;

  g_clear_object (&self->channel);
  g_clear_object (&self->object);
  g_free (self);
}

/* An error crosses as text, with its code in the port's own words. */
static void
cross_error (const ZuPortInfo *info, GError *reason, GError **error)
{
  g_autofree char *text = zu_port_dup_error_text (info, reason);

  g_set_error_literal (error, reason->domain, reason->code, text);
  g_error_free (reason);
}

/* The method of every channel worker: args are {"op", "args"}. Words as other implementations of
 * the contract have them. */
static ZuJson *
call_channel (Served *self, ZuJson *args, GCancellable *cancellable, GError **error)
{
  g_autoptr (ZuJson) op = zu_json_dup_member (args, "op");
  g_autoptr (ZuJson) op_args = zu_json_dup_member (args, "args");
  g_autoptr (ZuChannelReply) reply = NULL;
  GError *reason = NULL;

  if (op == NULL || zu_json_get_kind (op) != ZU_JSON_KIND_STRING)
    {
      g_set_error_literal (error, G_IO_ERROR, G_IO_ERROR_INVALID_ARGUMENT,
                           op == NULL ? "'op'" : "op must be a string");
      return NULL;
    }
  reply =
      zu_channel_call (self->channel, zu_json_get_string (op, NULL), op_args, cancellable, &reason);
  if (reply != NULL)
    return zu_record_to_json (ZU_RECORD (reply));
  cross_error (zu_channel_get_port_info (), reason, error);
  return NULL;
}

static ZuJson *
handle (const char *method, ZuJson *args, GCancellable *cancellable, gpointer data, GError **error)
{
  Served *self = data;
  GError *reason = NULL;
  ZuJson *result;

  if (g_str_equal (method, "call") && zu_json_get_kind (args) == ZU_JSON_KIND_OBJECT)
    return call_channel (self, args, cancellable, error);
  if (zu_port_find_method (self->info, method) == NULL)
    {
      g_autofree char *shown = g_strescape (method, NULL);

      g_set_error (error, G_IO_ERROR, G_IO_ERROR_NOT_FOUND, "unknown channel method: '%.64s'",
                   shown);
      return NULL;
    }
  result = zu_port_dispatch (self->info, self->object, method, args, cancellable, &reason);
  if (result == NULL)
    cross_error (self->info, reason, error);
  return result;
}

/**
 * zu_rpc_server_new_for_port: (skip)
 * @object: an implementation of a port
 * @port: (nullable): which port, as in CredentialBroker; %NULL is the first that it implements
 *
 * Makes a server of an implementation: its verbs are methods, and the method `call` reaches them as
 * operations of a channel.
 *
 * An error of a verb crosses as `code: sentence`.
 *
 * Returns: (transfer full) (nullable): the server; %NULL where @object does not implement @port
 */
ZuRpcServer *
zu_rpc_server_new_for_port (GObject *object, const char *port)
{
  const ZuPortInfo *info;
  ZuRpcServer *server;
  Served *served;

  g_return_val_if_fail (G_IS_OBJECT (object), NULL);

  info = port != NULL ? zu_port_lookup (port) : zu_port_lookup_for_object (object, NULL);
  if (info == NULL || !g_type_is_a (G_OBJECT_TYPE (object), info->get_type ()))
    return NULL;

  served = g_new0 (Served, 1);
  served->object = g_object_ref (object);
  served->info = info;
  served->channel = ZU_IS_CHANNEL (object) ? g_object_ref (ZU_CHANNEL (object))
                                           : zu_port_channel_new (object, info);
  server = zu_rpc_server_new (handle, served, served_free);
  zu_rpc_server_set_concurrency (server, CONCURRENCY);
  return server;
}
