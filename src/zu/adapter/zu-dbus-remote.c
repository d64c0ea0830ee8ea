/* SPDX-License-Identifier: Apache-2.0 */

#include "zu-dbus-remote.h"

#include "zu-dbus-value-private.h"

/**
 * ZuDBusRemote:
 *
 * A [iface@Zu.Remote] whose methods are those of a port's interface on D-Bus.
 */
struct _ZuDBusRemote
{
  GObject parent_instance;
  GDBusConnection *connection;
  char *name;
  char *path;
  const ZuPortInfo *info;
};

static void zu_dbus_remote_iface_init (ZuRemoteInterface *iface);

G_DEFINE_FINAL_TYPE_WITH_CODE (ZuDBusRemote, zu_dbus_remote, G_TYPE_OBJECT,
                               G_IMPLEMENT_INTERFACE (ZU_TYPE_REMOTE, zu_dbus_remote_iface_init))

/* mint is Mint, list_grants is ListGrants. */
static char *
dup_dbus_name (const char *method)
{
  g_auto (GStrv) words = g_strsplit (method, "_", -1);

  for (char **word = words; *word != NULL; word++)
    **word = g_ascii_toupper (**word);

  return g_strjoinv ("", words);
}

/* A refusal in the port's own words keeps its code; anything else stays what it was. */
static void
translate_error (ZuDBusRemote *self, GError *remote_error, GError **error)
{
  g_autofree char *name = g_dbus_error_get_remote_error (remote_error);
  g_autofree char *text = NULL;

  g_dbus_error_strip_remote_error (remote_error);
  text = zu_dbus_error_text (self->info->dbus_interface->name, name, remote_error->message);
  if (text != NULL)
    g_set_error_literal (error, ZU_REMOTE_ERROR, ZU_REMOTE_ERROR_REFUSED, text);
  else
    g_propagate_error (error, g_error_copy (remote_error));
}

static ZuJson *
result_to_json (const ZuPortMethod *method, GVariant *tuple, GError **error)
{
  g_autoptr (GVariant) first = NULL;
  g_autoptr (ZuJsonBuilder) builder = NULL;

  if (!method->is_spread)
    return zu_dbus_tuple_to_json (method->out, method->out != NULL, tuple, error);

  if (!g_variant_is_of_type (tuple, G_VARIANT_TYPE ("(a{sv})")))
    {
      g_set_error (error, G_IO_ERROR, G_IO_ERROR_INVALID_DATA,
                   "%s was answered with %s, not (a{sv})", method->name,
                   g_variant_get_type_string (tuple));
      return NULL;
    }

  first = g_variant_get_child_value (tuple, 0);
  builder = zu_json_builder_new ();
  if (!zu_dbus_record_to_json (method->out, first, builder, error))
    return NULL;
  return zu_json_builder_end (builder, error);
}

static ZuJson *
zu_dbus_remote_call (ZuRemote *remote, const char *method, ZuJson *args, GCancellable *cancellable,
                     GError **error)
{
  ZuDBusRemote *self = ZU_DBUS_REMOTE (remote);
  const ZuPortMethod *found = zu_port_find_method (self->info, method);
  g_autofree char *dbus_name = dup_dbus_name (method);
  g_autoptr (GError) local_error = NULL;
  g_autoptr (GVariant) reply = NULL;

  g_return_val_if_fail (found != NULL, NULL);

  /* A verb takes the time it takes; who wants less cancels it. */
  reply = g_dbus_connection_call_sync (self->connection, self->name, self->path,
                                       self->info->dbus_interface->name, dbus_name,
                                       zu_dbus_tuple_from_json (found->in, found->n_in, args), NULL,
                                       G_DBUS_CALL_FLAGS_NONE, G_MAXINT, cancellable, &local_error);
  if (reply == NULL)
    {
      translate_error (self, local_error, error);
      return NULL;
    }

  return result_to_json (found, reply, error);
}

static void
zu_dbus_remote_iface_init (ZuRemoteInterface *iface)
{
  iface->call = zu_dbus_remote_call;
}

static void
zu_dbus_remote_finalize (GObject *object)
{
  ZuDBusRemote *self = ZU_DBUS_REMOTE (object);

  g_clear_object (&self->connection);
  g_free (self->name);
  g_free (self->path);

  G_OBJECT_CLASS (zu_dbus_remote_parent_class)->finalize (object);
}

static void
zu_dbus_remote_class_init (ZuDBusRemoteClass *klass)
{
  G_OBJECT_CLASS (klass)->finalize = zu_dbus_remote_finalize;
}

static void
zu_dbus_remote_init (ZuDBusRemote *self)
{
}

/**
 * zu_dbus_remote_new: (skip)
 * @connection: a connection
 * @name: (nullable): who is asked; %NULL on a connection without a bus
 * @path: (nullable): the object; %NULL is the port's own
 * @info: the port, which has an interface on D-Bus
 *
 * Gives the other side of the port's proxy.
 *
 * Returns: (transfer full): the other side of the port's proxy
 */
ZuRemote *
zu_dbus_remote_new (GDBusConnection *connection, const char *name, const char *path,
                    const ZuPortInfo *info)
{
  ZuDBusRemote *self;

  g_return_val_if_fail (G_IS_DBUS_CONNECTION (connection), NULL);
  g_return_val_if_fail (info != NULL && info->dbus_interface != NULL, NULL);

  self = g_object_new (ZU_TYPE_DBUS_REMOTE, NULL);
  self->connection = g_object_ref (connection);
  self->name = g_strdup (name);
  self->path = g_strdup (path != NULL ? path : info->dbus_path);
  self->info = info;
  return ZU_REMOTE (self);
}
