/* SPDX-License-Identifier: Apache-2.0 */

#include "zu-registry-private.h"

#include "../adapter/zu-port-channel.h"
#include "../base/zu-port.h"
#include "zu-manifest-private.h"
#include "zu-module-private.h"
#include "zu-option-private.h"

#include <stdlib.h>

/**
 * ZuRegistry:
 *
 * Finds plugins by extension point, port and name, and makes objects of them.
 *
 * Each kind of plugin is a [struct@Gio.IOExtensionPoint] of that name. A type that code of this
 * process implements it with is found at once. Plugins in modules are known by the manifests beside
 * them: only the module that is asked for is loaded, and only if it was built for the same major of
 * its port. One that is refused or fails is recorded; the others still work.
 *
 * All functions may be used from any thread.
 */

/**
 * ZuRegistryError:
 * @ZU_REGISTRY_ERROR_NOT_FOUND: there is no plugin of that name
 * @ZU_REGISTRY_ERROR_MAJOR_MISMATCH: it was built for another major of its port
 * @ZU_REGISTRY_ERROR_LOAD_FAILED: its manifest, module or type is not what it must be
 * @ZU_REGISTRY_ERROR_DUPLICATE: an earlier manifest has that port and name
 * @ZU_REGISTRY_ERROR_BAD_OPTION: an option is unknown, or its value is not of its type or range
 * @ZU_REGISTRY_ERROR_BAD_URI: a sink's URI cannot be understood
 *
 * Why there is no such object.
 */

struct _ZuRegistry
{
  GObject parent_instance;

  GRecMutex lock;
  GPtrArray *manifests;
  gboolean measures;
};

G_DEFINE_FINAL_TYPE (ZuRegistry, zu_registry, G_TYPE_OBJECT)
/**
 * zu_registry_error_quark:
 *
 * Gives the error domain of [error@Zu.RegistryError].
 *
 * Returns: the error domain of [error@Zu.RegistryError]
 */
G_DEFINE_QUARK (zu_registry_error_quark, zu_registry_error)

/* Registering one again changes nothing. No type is required: a kind may hold two ports. */
static void
register_points (void)
{
  g_autoptr (GPtrArray) ports = zu_port_list ();

  for (guint i = 0; i < ports->len; i++)
    g_io_extension_point_register (((const ZuPortInfo *) g_ptr_array_index (ports, i))->kind);
}

/* The points exist as soon as the library is there, so that code can implement them first. */
static void __attribute__ ((constructor)) register_points_at_start (void) { register_points (); }

static void
zu_registry_finalize (GObject *object)
{
  ZuRegistry *self = ZU_REGISTRY (object);

  g_clear_pointer (&self->manifests, g_ptr_array_unref);
  g_rec_mutex_clear (&self->lock);
  G_OBJECT_CLASS (zu_registry_parent_class)->finalize (object);
}

static void
zu_registry_class_init (ZuRegistryClass *klass)
{
  G_OBJECT_CLASS (klass)->finalize = zu_registry_finalize;
}

static void
zu_registry_init (ZuRegistry *self)
{
  g_rec_mutex_init (&self->lock);
  self->manifests = g_ptr_array_new_with_free_func ((GDestroyNotify) zu_manifest_free);
}

static void
check_manifest (ZuRegistry *self, ZuManifest *manifest)
{
  const ZuPortInfo *port;

  if (manifest->error != NULL)
    return;
  for (guint i = 0; i < self->manifests->len; i++)
    {
      ZuManifest *earlier = g_ptr_array_index (self->manifests, i);

      if (g_strcmp0 (earlier->port, manifest->port) == 0
          && g_strcmp0 (earlier->name, manifest->name) == 0)
        {
          g_set_error (&manifest->error, ZU_REGISTRY_ERROR, ZU_REGISTRY_ERROR_DUPLICATE,
                       "'%s' is registered for %s already, by %s", manifest->name, manifest->port,
                       earlier->module);
          return;
        }
    }
  port = zu_port_lookup (manifest->port);
  if (port != NULL && port->major != manifest->major)
    g_set_error (&manifest->error, ZU_REGISTRY_ERROR, ZU_REGISTRY_ERROR_MAJOR_MISMATCH,
                 "%s was built for major %u of %s, and this is major %u", manifest->module,
                 manifest->major, manifest->port, port->major);
}

/**
 * zu_registry_new:
 * @module_dirs: (array zero-terminated=1) (element-type filename): folders of modules
 *
 * Reads the manifests in some folders. Of two for the same port and name the first one counts.
 *
 * Returns: (transfer full): a registry
 */
ZuRegistry *
zu_registry_new (const char *const *module_dirs)
{
  ZuRegistry *self = g_object_new (ZU_TYPE_REGISTRY, NULL);

  g_return_val_if_fail (module_dirs != NULL, self);

  for (; *module_dirs != NULL; module_dirs++)
    {
      g_autoptr (GPtrArray) found = zu_manifest_read_folder (*module_dirs);

      while (found->len > 0)
        {
          ZuManifest *manifest = g_ptr_array_steal_index (found, 0);

          check_manifest (self, manifest);
          g_ptr_array_add (self->manifests, manifest);
        }
    }
  return self;
}

/**
 * zu_registry_get_default:
 *
 * Gives the registry of the installed modules, or of the folders that `ZU_MODULE_DIR` names, with a
 * colon between them. A program that runs with more privilege than its caller ignores the variable.
 *
 * Returns: (transfer none): the registry
 */
ZuRegistry *
zu_registry_get_default (void)
{
  static gsize registry = 0;

  if (g_once_init_enter (&registry))
    {
      const char *folders = secure_getenv ("ZU_MODULE_DIR");
      g_auto (GStrv) dirs = g_strsplit (folders != NULL ? folders : ZU_MODULE_DIR, ":", -1);

      g_once_init_leave (&registry, (gsize) zu_registry_new ((const char *const *) dirs));
    }
  return ZU_REGISTRY ((gpointer) registry);
}

static gboolean
type_implements (GType type, const char *port)
{
  const ZuPortInfo *info = zu_port_lookup (port);

  return info != NULL && g_type_is_a (type, info->get_type ());
}

/* Whether the generic Channel reaches what implements a port. */
static gboolean
is_channel_to (const char *wanted, const char *port)
{
  const ZuPortInfo *info = zu_port_lookup (port);

  return g_strcmp0 (wanted, "Channel") == 0 && info != NULL && info->has_channel;
}

static const ZuPortInfo *
find_port_of_type (GType type, const char *kind)
{
  g_autoptr (GPtrArray) ports = zu_port_list ();

  for (guint i = 0; i < ports->len; i++)
    {
      const ZuPortInfo *info = g_ptr_array_index (ports, i);

      if (g_str_equal (info->kind, kind) && g_type_is_a (type, info->get_type ()))
        return info;
    }
  return NULL;
}

/* What is registered in this process already. */
static GType
find_extension (const char *kind, const char *port, const char *name, gboolean adapted)
{
  GIOExtensionPoint *point = g_io_extension_point_lookup (kind);

  for (GList *l = point != NULL ? g_io_extension_point_get_extensions (point) : NULL; l != NULL;
       l = l->next)
    {
      GType type = g_io_extension_get_type (l->data);
      const ZuPortInfo *own = adapted ? find_port_of_type (type, kind) : NULL;

      if (g_str_equal (g_io_extension_get_name (l->data), name)
          && (port == NULL || type_implements (type, port)
              || (own != NULL && is_channel_to (port, own->name))))
        return type;
    }
  return G_TYPE_INVALID;
}

static ZuManifest *
find_manifest (ZuRegistry *self, const char *kind, const char *port, const char *name,
               gboolean adapted)
{
  ZuManifest *refused = NULL;

  for (guint i = 0; i < self->manifests->len; i++)
    {
      ZuManifest *manifest = g_ptr_array_index (self->manifests, i);

      if (g_strcmp0 (manifest->kind, kind) != 0 || g_strcmp0 (manifest->name, name) != 0)
        continue;
      if (port != NULL && g_strcmp0 (manifest->port, port) != 0
          && !(adapted && is_channel_to (port, manifest->port)))
        continue;
      if (manifest->error == NULL)
        return manifest;
      if (refused == NULL)
        refused = manifest;
    }
  return refused;
}

static GType
load_manifest (ZuManifest *manifest, gboolean measured, GError **error)
{
  GType type;

  manifest->loaded = zu_module_load (manifest->module, measured, error);
  if (manifest->loaded == NULL)
    return G_TYPE_INVALID;

  /* A port from elsewhere comes with its module; only now can its major be compared. */
  type = find_extension (manifest->kind, manifest->port, manifest->name, FALSE);
  if (type == G_TYPE_INVALID)
    g_set_error (error, ZU_REGISTRY_ERROR, ZU_REGISTRY_ERROR_LOAD_FAILED,
                 "%s registers no type '%s' that implements %s", manifest->module, manifest->name,
                 manifest->port);
  else if (zu_port_lookup (manifest->port)->major != manifest->major)
    {
      g_set_error (error, ZU_REGISTRY_ERROR, ZU_REGISTRY_ERROR_MAJOR_MISMATCH,
                   "%s was built for major %u of %s, and this is major %u", manifest->module,
                   manifest->major, manifest->port, zu_port_lookup (manifest->port)->major);
      type = G_TYPE_INVALID;
    }
  else if (!g_str_equal (g_type_name (type), manifest->type_name))
    {
      g_set_error (error, ZU_REGISTRY_ERROR, ZU_REGISTRY_ERROR_LOAD_FAILED,
                   "%s registers the type %s, and its manifest says %s", manifest->module,
                   g_type_name (type), manifest->type_name);
      type = G_TYPE_INVALID;
    }
  return type;
}

static char *
dup_names (ZuRegistry *self, const char *kind, const char *port)
{
  g_autoptr (GPtrArray) all = zu_registry_list (self);
  GString *names = g_string_new (NULL);

  for (guint i = 0; i < all->len; i++)
    {
      ZuPluginInfo *info = g_ptr_array_index (all, i);

      if (g_strcmp0 (zu_plugin_info_get_kind (info), kind) == 0
          && (port == NULL || g_strcmp0 (zu_plugin_info_get_port (info), port) == 0)
          && zu_plugin_info_get_status (info) != ZU_PLUGIN_STATUS_FAILED)
        g_string_append_printf (names, "%s%s", names->len > 0 ? ", " : "",
                                zu_plugin_info_get_name (info));
    }
  return g_string_free (names, FALSE);
}

static GType
find_type (ZuRegistry *self, const char *kind, const char *port, const char *name, gboolean adapted,
           GError **error)
{
  ZuManifest *manifest = find_manifest (self, kind, port, name, adapted);
  /* What a module has registered that was refused afterwards is not to be found either. */
  gboolean refused = manifest != NULL && manifest->loaded != NULL && manifest->error != NULL;
  GType type = refused ? G_TYPE_INVALID : find_extension (kind, port, name, adapted);
  g_autofree char *names = NULL;

  if (type != G_TYPE_INVALID)
    return type;
  if (manifest == NULL)
    {
      names = dup_names (self, kind, port);
      g_set_error (error, ZU_REGISTRY_ERROR, ZU_REGISTRY_ERROR_NOT_FOUND,
                   "there is no %s '%s' in %s (there is: %s)", port != NULL ? port : "plugin", name,
                   kind, *names != '\0' ? names : "nothing");
      return G_TYPE_INVALID;
    }
  if (manifest->error == NULL)
    type = load_manifest (manifest, self->measures, &manifest->error);
  if (type == G_TYPE_INVALID)
    g_propagate_error (error, g_error_copy (manifest->error));
  return type;
}

/**
 * zu_registry_lookup:
 * @self: a registry
 * @kind: the extension point, as in zu.sinks
 * @port: (nullable): the port, as in EventSink; %NULL is any
 * @name: the registered name
 * @error: return location for an error
 *
 * Finds the type of a plugin, and loads its module where that has not been done yet.
 *
 * Errors: [error@Zu.RegistryError] NOT_FOUND, MAJOR_MISMATCH, LOAD_FAILED, DUPLICATE.
 *
 * Returns: the type; %G_TYPE_INVALID in case of an error
 */
GType
zu_registry_lookup (ZuRegistry *self, const char *kind, const char *port, const char *name,
                    GError **error)
{
  GType type;

  g_return_val_if_fail (ZU_IS_REGISTRY (self), G_TYPE_INVALID);
  g_return_val_if_fail (kind != NULL && name != NULL, G_TYPE_INVALID);

  g_rec_mutex_lock (&self->lock);
  type = find_type (self, kind, port, name, FALSE, error);
  g_rec_mutex_unlock (&self->lock);
  return type;
}

/* Where the generic channel was asked for, one is put in front of what is there. */
static GObject *
adapt (GObject *object, const char *kind, const char *port)
{
  const ZuPortInfo *own;
  GObject *channel;

  if (port == NULL || type_implements (G_OBJECT_TYPE (object), port))
    return object;
  own = zu_port_lookup_for_object (object, kind);
  channel = G_OBJECT (zu_port_channel_new (object, own));
  g_object_unref (object);
  return channel;
}

/* Construct properties beside the options in JSON. */
typedef struct
{
  guint n;
  const char **names;
  const GValue *values;
} Properties;

static gboolean
add_options (ZuOptions *options, ZuJson *json, const Properties *properties, GError **error)
{
  if (json != NULL && !zu_options_add_all (options, json, error))
    return FALSE;
  for (guint i = 0; i < properties->n; i++)
    if (!zu_options_add_value (options, properties->names[i], &properties->values[i], error))
      return FALSE;
  return TRUE;
}

static GObject *
create (ZuRegistry *self, const char *kind, const char *port, const char *name, ZuJson *json,
        const Properties *properties, GCancellable *cancellable, GError **error)
{
  g_autoptr (GTypeClass) klass = NULL;
  g_auto (ZuOptions) options = { NULL };
  GObject *object;
  GType type;

  g_rec_mutex_lock (&self->lock);
  type = find_type (self, kind, port, name, TRUE, error);
  g_rec_mutex_unlock (&self->lock);
  if (type == G_TYPE_INVALID)
    return NULL;

  klass = g_type_class_ref (type);
  zu_options_init (&options, G_OBJECT_CLASS (klass), name);
  if (!add_options (&options, json, properties, error))
    return NULL;
  object = zu_options_construct (&options, cancellable, error);
  return object != NULL ? adapt (object, kind, port) : NULL;
}

/**
 * zu_registry_create:
 * @self: a registry
 * @kind: the extension point, as in zu.sinks
 * @port: (nullable): the port, as in EventSink; %NULL is any
 * @name: the registered name
 * @options: (nullable): an object of construct properties by name, with `_` or `-`
 * @cancellable: (nullable): ends an initialisation that takes time
 * @error: return location for an error
 *
 * Makes an object of a plugin, and initialises it.
 *
 * A value may be given as text, which is read as its property's type; a list of texts as an array
 * or with commas between. An unknown option is refused. Where the port is Channel and the plugin
 * implements a narrow port with a generated adapter, the answer is that adapter.
 *
 * Errors: as of [method@Zu.Registry.lookup]; BAD_OPTION; the plugin's own.
 *
 * Returns: (transfer full): the object
 */
GObject *
zu_registry_create (ZuRegistry *self, const char *kind, const char *port, const char *name,
                    ZuJson *options, GCancellable *cancellable, GError **error)
{
  return zu_registry_create_full (self, kind, port, name, options, 0, NULL, NULL, cancellable,
                                  error);
}

/**
 * zu_registry_create_with_properties:
 * @self: a registry
 * @kind: the extension point, as in zu.sinks
 * @port: (nullable): the port, as in EventSink; %NULL is any
 * @name: the registered name
 * @n_properties: how many construct properties
 * @names: (array length=n_properties) (nullable): their names
 * @values: (array length=n_properties) (nullable): their values
 * @cancellable: (nullable): ends an initialisation that takes time
 * @error: return location for an error
 *
 * Makes an object of a plugin from typed properties, as [method@Zu.Registry.create] does from JSON.
 *
 * Errors: as of [method@Zu.Registry.create].
 *
 * Returns: (transfer full): the object
 */
GObject *
zu_registry_create_with_properties (ZuRegistry *self, const char *kind, const char *port,
                                    const char *name, guint n_properties, const char *names[],
                                    const GValue values[], GCancellable *cancellable,
                                    GError **error)
{
  return zu_registry_create_full (self, kind, port, name, NULL, n_properties, names, values,
                                  cancellable, error);
}

/**
 * zu_registry_create_full:
 * @self: a registry
 * @kind: the extension point, as in zu.sinks
 * @port: (nullable): the port, as in EventSink; %NULL is any
 * @name: the registered name
 * @options: (nullable): an object of construct properties by name
 * @n_properties: how many further ones
 * @names: (array length=n_properties) (nullable): their names
 * @values: (array length=n_properties) (nullable): their values
 * @cancellable: (nullable): ends an initialisation that takes time
 * @error: return location for an error
 *
 * Makes an object of a plugin from options in JSON and from what JSON cannot hold, such as a
 * secret.
 *
 * Errors: as of [method@Zu.Registry.create].
 *
 * Returns: (transfer full): the object
 */
GObject *
zu_registry_create_full (ZuRegistry *self, const char *kind, const char *port, const char *name,
                         ZuJson *options, guint n_properties, const char *names[],
                         const GValue values[], GCancellable *cancellable, GError **error)
{
  const Properties properties = { n_properties, names, values };

  g_return_val_if_fail (ZU_IS_REGISTRY (self), NULL);
  g_return_val_if_fail (kind != NULL && name != NULL, NULL);
  g_return_val_if_fail (n_properties == 0 || (names != NULL && values != NULL), NULL);

  return create (self, kind, port, name, options, &properties, cancellable, error);
}

/**
 * zu_registry_measure_modules:
 * @self: a registry
 *
 * From now on measures each module, as of [func@Zu.measure_fd], before any of its code runs, and
 * loads exactly what was measured. The result is [property@Zu.PluginInfo:measurement].
 *
 * A module that is loaded already stays unmeasured.
 */
void
zu_registry_measure_modules (ZuRegistry *self)
{
  g_return_if_fail (ZU_IS_REGISTRY (self));

  g_rec_mutex_lock (&self->lock);
  self->measures = TRUE;
  g_rec_mutex_unlock (&self->lock);
}

static const char *
manifest_measurement (ZuManifest *manifest)
{
  return manifest->loaded != NULL ? zu_module_get_measurement (manifest->loaded) : NULL;
}

static ZuPluginInfo *
describe_manifest (ZuManifest *manifest)
{
  GType type = manifest->kind != NULL && manifest->error == NULL
                   ? find_extension (manifest->kind, manifest->port, manifest->name, FALSE)
                   : G_TYPE_INVALID;
  ZuPluginStatus status =
      type != G_TYPE_INVALID ? ZU_PLUGIN_STATUS_LOADED : ZU_PLUGIN_STATUS_AVAILABLE;

  return g_object_new (ZU_TYPE_PLUGIN_INFO, "kind", manifest->kind, "port", manifest->port, "name",
                       manifest->name, "type-name", manifest->type_name, "module", manifest->module,
                       "status", manifest->error != NULL ? ZU_PLUGIN_STATUS_FAILED : status,
                       "error", manifest->error != NULL ? manifest->error->message : NULL,
                       "measurement", manifest_measurement (manifest), NULL);
}

static gboolean
is_listed (GPtrArray *list, const char *port, const char *name)
{
  for (guint i = 0; i < list->len; i++)
    if (g_strcmp0 (zu_plugin_info_get_port (g_ptr_array_index (list, i)), port) == 0
        && g_strcmp0 (zu_plugin_info_get_name (g_ptr_array_index (list, i)), name) == 0)
      return TRUE;
  return FALSE;
}

static void
list_extensions (GPtrArray *list, const ZuPortInfo *port)
{
  GIOExtensionPoint *point = g_io_extension_point_lookup (port->kind);

  for (GList *l = point != NULL ? g_io_extension_point_get_extensions (point) : NULL; l != NULL;
       l = l->next)
    {
      GType type = g_io_extension_get_type (l->data);
      const char *name = g_io_extension_get_name (l->data);

      if (g_type_is_a (type, port->get_type ()) && !is_listed (list, port->name, name))
        g_ptr_array_add (list,
                         g_object_new (ZU_TYPE_PLUGIN_INFO, "kind", port->kind, "port", port->name,
                                       "name", name, "type-name", g_type_name (type), "status",
                                       ZU_PLUGIN_STATUS_LOADED, NULL));
    }
}

/**
 * zu_registry_list:
 * @self: a registry
 *
 * Tells of every plugin: those with a manifest, refused ones too, and the types that code of this
 * process has registered. Nothing is loaded for it.
 *
 * Returns: (transfer container) (element-type ZuPluginInfo): their descriptions
 */
GPtrArray *
zu_registry_list (ZuRegistry *self)
{
  g_autoptr (GPtrArray) ports = zu_port_list ();
  GPtrArray *list;

  g_return_val_if_fail (ZU_IS_REGISTRY (self), NULL);

  list = g_ptr_array_new_with_free_func (g_object_unref);
  g_rec_mutex_lock (&self->lock);
  for (guint i = 0; i < self->manifests->len; i++)
    g_ptr_array_add (list, describe_manifest (g_ptr_array_index (self->manifests, i)));
  for (guint i = 0; i < ports->len; i++)
    list_extensions (list, g_ptr_array_index (ports, i));
  g_rec_mutex_unlock (&self->lock);
  return list;
}

/* What a plugin's manifest says of URIs; NULL where it says nothing, or there is none. */
char *
zu_registry_dup_uri_form (ZuRegistry *self, const char *kind, const char *port, const char *name)
{
  ZuManifest *manifest;
  char *form;

  g_rec_mutex_lock (&self->lock);
  manifest = find_manifest (self, kind, port, name, FALSE);
  form = manifest != NULL ? g_strdup (manifest->uri) : NULL;
  g_rec_mutex_unlock (&self->lock);
  return form;
}
