/* SPDX-License-Identifier: Apache-2.0 */

#include "zu-dbus-adapter.h"

#include "../base/zu-peer.h"
#include "zu-dbus-value-private.h"

/* Of an invocation: whom it is for. */
#define PEER "zu-peer"

/**
 * ZuDBusAdapter:
 *
 * An implementation of a port, on D-Bus.
 *
 * The interface is the one that is generated from the port's description. Each call runs in one of
 * the adapter's own threads and is answered when the verb has answered; a refusal becomes the
 * D-Bus error `INTERFACE.Error.Code`. Who may call is for the gate to say, see
 * zu_dbus_adapter_set_gate(); without one everybody may whom the bus lets through.
 */
struct _ZuDBusAdapter
{
  GDBusInterfaceSkeleton parent_instance;
  GObject *object;
  const ZuPortInfo *info;
  GThreadPool *pool;
  ZuDBusGate gate;
  gpointer gate_data;
};

/* Calls of one object at once; a bus caller that floods waits its turn. */
#define MAX_THREADS 8

G_DEFINE_FINAL_TYPE (ZuDBusAdapter, zu_dbus_adapter, G_TYPE_DBUS_INTERFACE_SKELETON)

static const ZuPortMethod *
find_method (ZuDBusAdapter *self, const char *dbus_name)
{
  for (guint i = 0; i < self->info->n_methods; i++)
    {
      const ZuPortMethod *method = &self->info->methods[i];
      const char *letter = dbus_name;
      const char *name = method->name;
      gboolean starts_word = TRUE;

      /* NoSecret is no_secret. */
      for (; *name != '\0' && *letter != '\0'; name++)
        {
          if (*name == '_')
            starts_word = TRUE;
          else if (*letter++ != (starts_word ? g_ascii_toupper (*name) : *name))
            break;
          else
            starts_word = FALSE;
        }
      if (*name == '\0' && *letter == '\0' && method->is_wire)
        return method;
    }

  return NULL;
}

static void
return_error (ZuDBusAdapter *self, GDBusMethodInvocation *invocation, const GError *error)
{
  g_autofree char *text = zu_port_dup_error_text (self->info, error);
  g_autofree char *name = zu_dbus_error_name (self->info->dbus_interface->name, text);

  g_dbus_method_invocation_return_dbus_error (invocation, name, error->message);
}

static void
run_call (gpointer data, gpointer user_data)
{
  GDBusMethodInvocation *invocation = data;
  ZuDBusAdapter *self = g_dbus_method_invocation_get_user_data (invocation);
  const ZuPortMethod *method =
      find_method (self, g_dbus_method_invocation_get_method_name (invocation));
  g_autoptr (GError) error = NULL;
  g_autoptr (ZuJson) args = NULL;
  g_autoptr (ZuJson) result = NULL;

  args = zu_dbus_tuple_to_json (method->in, method->n_in,
                                g_dbus_method_invocation_get_parameters (invocation), &error);
  zu_peer_set (g_object_get_data (G_OBJECT (invocation), PEER));
  if (args != NULL)
    result = zu_port_dispatch (self->info, self->object, method->name, args, NULL, &error);
  zu_peer_set (NULL);

  if (result == NULL)
    return_error (self, invocation, error);
  else if (method->is_spread)
    g_dbus_method_invocation_return_value (
        invocation, g_variant_new ("(@a{sv})", zu_dbus_record_from_json (method->out, result)));
  else
    g_dbus_method_invocation_return_value (
        invocation, zu_dbus_tuple_from_json (method->out, method->out != NULL, result));
  g_object_unref (self);
}

static void
handle_call (GDBusConnection *connection, const char *sender, const char *path,
             const char *interface, const char *method, GVariant *parameters,
             GDBusMethodInvocation *invocation, gpointer user_data)
{
  ZuDBusAdapter *self = user_data;

  if (find_method (self, method) == NULL)
    g_dbus_method_invocation_return_error (invocation, G_DBUS_ERROR, G_DBUS_ERROR_UNKNOWN_METHOD,
                                           "there is no method %s", method);
  else if (self->gate == NULL || self->gate (self, invocation, self->gate_data))
    zu_dbus_adapter_admit (self, invocation);
}

static GVariant *
new_verbs (ZuDBusAdapter *self)
{
  GVariantBuilder builder;

  g_variant_builder_init (&builder, G_VARIANT_TYPE_STRING_ARRAY);
  for (GDBusMethodInfo **method = self->info->dbus_interface->methods; *method != NULL; method++)
    g_variant_builder_add (&builder, "s", (*method)->name);
  return g_variant_builder_end (&builder);
}

static GVariant *
get_property (GDBusConnection *connection, const char *sender, const char *path,
              const char *interface, const char *name, GError **error, gpointer user_data)
{
  ZuDBusAdapter *self = user_data;

  return g_str_equal (name, "Version") ? g_variant_new_uint32 (self->info->major)
                                       : new_verbs (self);
}

static GDBusInterfaceInfo *
zu_dbus_adapter_get_info (GDBusInterfaceSkeleton *skeleton)
{
  return (GDBusInterfaceInfo *) ZU_DBUS_ADAPTER (skeleton)->info->dbus_interface;
}

static GDBusInterfaceVTable *
zu_dbus_adapter_get_vtable (GDBusInterfaceSkeleton *skeleton)
{
  static const GDBusInterfaceVTable vtable = { .method_call = handle_call,
                                               .get_property = get_property };

  return (GDBusInterfaceVTable *) &vtable;
}

static GVariant *
zu_dbus_adapter_get_properties (GDBusInterfaceSkeleton *skeleton)
{
  ZuDBusAdapter *self = ZU_DBUS_ADAPTER (skeleton);
  GVariantBuilder builder;

  g_variant_builder_init (&builder, G_VARIANT_TYPE_VARDICT);
  g_variant_builder_add (&builder, "{sv}", "Version", g_variant_new_uint32 (self->info->major));
  g_variant_builder_add (&builder, "{sv}", "Verbs", new_verbs (self));
  return g_variant_builder_end (&builder);
}

static void
zu_dbus_adapter_flush (GDBusInterfaceSkeleton *skeleton)
{
}

static void
zu_dbus_adapter_finalize (GObject *object)
{
  ZuDBusAdapter *self = ZU_DBUS_ADAPTER (object);

  g_clear_object (&self->object);
  g_thread_pool_free (self->pool, FALSE, FALSE);

  G_OBJECT_CLASS (zu_dbus_adapter_parent_class)->finalize (object);
}

static void
zu_dbus_adapter_class_init (ZuDBusAdapterClass *klass)
{
  GDBusInterfaceSkeletonClass *skeleton_class = G_DBUS_INTERFACE_SKELETON_CLASS (klass);

  G_OBJECT_CLASS (klass)->finalize = zu_dbus_adapter_finalize;
  skeleton_class->get_info = zu_dbus_adapter_get_info;
  skeleton_class->get_vtable = zu_dbus_adapter_get_vtable;
  skeleton_class->get_properties = zu_dbus_adapter_get_properties;
  skeleton_class->flush = zu_dbus_adapter_flush;
}

static void
zu_dbus_adapter_init (ZuDBusAdapter *self)
{
  self->pool = g_thread_pool_new (run_call, NULL, MAX_THREADS, FALSE, NULL);
}

/**
 * zu_dbus_adapter_new: (skip)
 * @object: an implementation of the port
 * @info: the port, which has an interface on D-Bus
 *
 * Makes a skeleton for g_dbus_interface_skeleton_export(). The connection does not keep it: hold it
 * as long as it is to be reached.
 *
 * Returns: (transfer full): the skeleton
 */
GDBusInterfaceSkeleton *
zu_dbus_adapter_new (GObject *object, const ZuPortInfo *info)
{
  ZuDBusAdapter *self;

  g_return_val_if_fail (G_IS_OBJECT (object), NULL);
  g_return_val_if_fail (info != NULL && info->dbus_interface != NULL, NULL);

  self = g_object_new (ZU_TYPE_DBUS_ADAPTER, NULL);
  self->object = g_object_ref (object);
  self->info = info;
  return G_DBUS_INTERFACE_SKELETON (self);
}

/**
 * zu_dbus_adapter_set_gate: (skip)
 * @self: an adapter
 * @gate: (nullable): asked before each call; %NULL lets every call through
 * @user_data: data of @gate, which outlives the adapter's export
 *
 * Sets who may call. Properties say nothing that is secret, and are for everybody to read.
 */
void
zu_dbus_adapter_set_gate (ZuDBusAdapter *self, ZuDBusGate gate, gpointer user_data)
{
  g_return_if_fail (ZU_IS_DBUS_ADAPTER (self));

  self->gate = gate;
  self->gate_data = user_data;
}

/**
 * zu_dbus_adapter_set_peer: (skip)
 * @invocation: a call that the gate is asked about
 * @peer: who the caller is
 *
 * Says whom a call is for, as [func@Zu.peer_get] tells the implementation.
 */
void
zu_dbus_adapter_set_peer (GDBusMethodInvocation *invocation, const char *peer)
{
  g_return_if_fail (G_IS_DBUS_METHOD_INVOCATION (invocation));

  g_object_set_data_full (G_OBJECT (invocation), PEER, g_strdup (peer), g_free);
}

/**
 * zu_dbus_adapter_admit: (skip)
 * @self: an adapter
 * @invocation: (transfer full): a call that the gate has taken
 *
 * Lets a call go on.
 */
void
zu_dbus_adapter_admit (ZuDBusAdapter *self, GDBusMethodInvocation *invocation)
{
  g_return_if_fail (ZU_IS_DBUS_ADAPTER (self));

  g_object_ref (self);
  g_thread_pool_push (self->pool, invocation, NULL);
}
