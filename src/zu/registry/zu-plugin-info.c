/* SPDX-License-Identifier: Apache-2.0 */

#include "zu-plugin-info.h"

/**
 * ZuPluginInfo:
 *
 * What the registry knows of one plugin, without having loaded it.
 */

/**
 * ZuPluginStatus:
 * @ZU_PLUGIN_STATUS_AVAILABLE: it can be loaded, as far as its manifest tells
 * @ZU_PLUGIN_STATUS_LOADED: its type is registered
 * @ZU_PLUGIN_STATUS_FAILED: it was refused, or could not be loaded
 *
 * How far a plugin has come.
 */

struct _ZuPluginInfo
{
  GObject parent_instance;

  char *texts[7]; /* in the order of the properties */
  ZuPluginStatus status;
};

G_DEFINE_FINAL_TYPE (ZuPluginInfo, zu_plugin_info, G_TYPE_OBJECT)

G_DEFINE_ENUM_TYPE (ZuPluginStatus, zu_plugin_status,
                    G_DEFINE_ENUM_VALUE (ZU_PLUGIN_STATUS_AVAILABLE, "available"),
                    G_DEFINE_ENUM_VALUE (ZU_PLUGIN_STATUS_LOADED, "loaded"),
                    G_DEFINE_ENUM_VALUE (ZU_PLUGIN_STATUS_FAILED, "failed"))

enum
{
  PROP_KIND = 1,
  PROP_PORT,
  PROP_NAME,
  PROP_TYPE_NAME,
  PROP_MODULE,
  PROP_ERROR,
  PROP_MEASUREMENT,
  PROP_STATUS,
  N_PROPS
};

static GParamSpec *props[N_PROPS];

static void
zu_plugin_info_get_property (GObject *object, guint id, GValue *value, GParamSpec *pspec)
{
  ZuPluginInfo *self = ZU_PLUGIN_INFO (object);

  if (id == PROP_STATUS)
    g_value_set_enum (value, self->status);
  else
    g_value_set_string (value, self->texts[id - PROP_KIND]);
}

static void
zu_plugin_info_set_property (GObject *object, guint id, const GValue *value, GParamSpec *pspec)
{
  ZuPluginInfo *self = ZU_PLUGIN_INFO (object);

  if (id == PROP_STATUS)
    self->status = g_value_get_enum (value);
  else
    self->texts[id - PROP_KIND] = g_value_dup_string (value);
}

static void
zu_plugin_info_finalize (GObject *object)
{
  ZuPluginInfo *self = ZU_PLUGIN_INFO (object);

  for (gsize i = 0; i < G_N_ELEMENTS (self->texts); i++)
    g_free (self->texts[i]);
  G_OBJECT_CLASS (zu_plugin_info_parent_class)->finalize (object);
}

static void
zu_plugin_info_class_init (ZuPluginInfoClass *klass)
{
  const GParamFlags flags = G_PARAM_READWRITE | G_PARAM_CONSTRUCT_ONLY | G_PARAM_STATIC_STRINGS;
  GObjectClass *object_class = G_OBJECT_CLASS (klass);

  object_class->get_property = zu_plugin_info_get_property;
  object_class->set_property = zu_plugin_info_set_property;
  object_class->finalize = zu_plugin_info_finalize;

  /**
   * ZuPluginInfo:kind:
   *
   * The extension point, as in zu.sinks.
   */
  props[PROP_KIND] = g_param_spec_string ("kind", NULL, NULL, NULL, flags);
  /**
   * ZuPluginInfo:port:
   *
   * The port that it implements, as in EventSink.
   */
  props[PROP_PORT] = g_param_spec_string ("port", NULL, NULL, NULL, flags);
  /**
   * ZuPluginInfo:name:
   *
   * The registered name, as in sqlite.
   */
  props[PROP_NAME] = g_param_spec_string ("name", NULL, NULL, NULL, flags);
  /**
   * ZuPluginInfo:type-name:
   *
   * The name of the GObject type; %NULL where that is not known.
   */
  props[PROP_TYPE_NAME] = g_param_spec_string ("type-name", NULL, NULL, NULL, flags);
  /**
   * ZuPluginInfo:module:
   *
   * The path of the module; %NULL where code of this process registered the type.
   */
  props[PROP_MODULE] = g_param_spec_string ("module", NULL, NULL, NULL, flags);
  /**
   * ZuPluginInfo:error:
   *
   * Why it cannot be used; %NULL where it can.
   */
  props[PROP_ERROR] = g_param_spec_string ("error", NULL, NULL, NULL, flags);
  /**
   * ZuPluginInfo:measurement:
   *
   * The digest of the module as it was loaded; %NULL where it was not measured.
   */
  props[PROP_MEASUREMENT] = g_param_spec_string ("measurement", NULL, NULL, NULL, flags);
  /**
   * ZuPluginInfo:status:
   *
   * How far it has come.
   */
  props[PROP_STATUS] = g_param_spec_enum ("status", NULL, NULL, ZU_TYPE_PLUGIN_STATUS,
                                          ZU_PLUGIN_STATUS_AVAILABLE, flags);
  g_object_class_install_properties (object_class, N_PROPS, props);
}

static void
zu_plugin_info_init (ZuPluginInfo *self)
{
}

/**
 * zu_plugin_info_get_kind:
 * @self: a plugin's description
 *
 * The extension point, as in zu.sinks.
 *
 * Returns: (transfer none): the text
 */
const char *
zu_plugin_info_get_kind (ZuPluginInfo *self)
{
  g_return_val_if_fail (ZU_IS_PLUGIN_INFO (self), NULL);

  return self->texts[PROP_KIND - PROP_KIND];
}

/**
 * zu_plugin_info_get_port:
 * @self: a plugin's description
 *
 * The port that it implements, as in EventSink.
 *
 * Returns: (transfer none): the text
 */
const char *
zu_plugin_info_get_port (ZuPluginInfo *self)
{
  g_return_val_if_fail (ZU_IS_PLUGIN_INFO (self), NULL);

  return self->texts[PROP_PORT - PROP_KIND];
}

/**
 * zu_plugin_info_get_name:
 * @self: a plugin's description
 *
 * The registered name, as in sqlite.
 *
 * Returns: (transfer none): the text
 */
const char *
zu_plugin_info_get_name (ZuPluginInfo *self)
{
  g_return_val_if_fail (ZU_IS_PLUGIN_INFO (self), NULL);

  return self->texts[PROP_NAME - PROP_KIND];
}

/**
 * zu_plugin_info_get_type_name:
 * @self: a plugin's description
 *
 * The name of the GObject type; %NULL where that is not known.
 *
 * Returns: (transfer none) (nullable): the text
 */
const char *
zu_plugin_info_get_type_name (ZuPluginInfo *self)
{
  g_return_val_if_fail (ZU_IS_PLUGIN_INFO (self), NULL);

  return self->texts[PROP_TYPE_NAME - PROP_KIND];
}

/**
 * zu_plugin_info_get_module:
 * @self: a plugin's description
 *
 * The path of the module; %NULL where code of this process registered the type.
 *
 * Returns: (transfer none) (nullable): the text
 */
const char *
zu_plugin_info_get_module (ZuPluginInfo *self)
{
  g_return_val_if_fail (ZU_IS_PLUGIN_INFO (self), NULL);

  return self->texts[PROP_MODULE - PROP_KIND];
}

/**
 * zu_plugin_info_get_error:
 * @self: a plugin's description
 *
 * Why it cannot be used; %NULL where it can.
 *
 * Returns: (transfer none) (nullable): the text
 */
const char *
zu_plugin_info_get_error (ZuPluginInfo *self)
{
  g_return_val_if_fail (ZU_IS_PLUGIN_INFO (self), NULL);

  return self->texts[PROP_ERROR - PROP_KIND];
}

/**
 * zu_plugin_info_get_measurement:
 * @self: a plugin's description
 *
 * The digest of the module as it was loaded, as of [func@Zu.measure_fd]; %NULL where it was not
 * measured.
 *
 * Returns: (transfer none) (nullable): the text
 */
const char *
zu_plugin_info_get_measurement (ZuPluginInfo *self)
{
  g_return_val_if_fail (ZU_IS_PLUGIN_INFO (self), NULL);

  return self->texts[PROP_MEASUREMENT - PROP_KIND];
}

/**
 * zu_plugin_info_get_status:
 * @self: a plugin's description
 *
 * Tells how far the plugin has come.
 *
 * Returns: the status
 */
ZuPluginStatus
zu_plugin_info_get_status (ZuPluginInfo *self)
{
  g_return_val_if_fail (ZU_IS_PLUGIN_INFO (self), ZU_PLUGIN_STATUS_FAILED);

  return self->status;
}

static void
add_text (ZuJsonBuilder *builder, const char *name, const char *text)
{
  zu_json_builder_set_member (builder, name);
  if (text != NULL)
    zu_json_builder_add_string (builder, text);
  else
    zu_json_builder_add_null (builder);
}

/**
 * zu_plugin_info_to_json:
 * @self: a plugin's description
 *
 * Gives the description as an object: `kind`, `port`, `name`, `type`, `module`, `status`, `error`.
 *
 * Returns: (transfer full): the object
 */
ZuJson *
zu_plugin_info_to_json (ZuPluginInfo *self)
{
  static const char *const status_names[] = { "available", "loaded", "failed" };
  g_autoptr (ZuJsonBuilder) builder = zu_json_builder_new ();

  g_return_val_if_fail (ZU_IS_PLUGIN_INFO (self), NULL);

  zu_json_builder_begin_object (builder);
  add_text (builder, "kind", zu_plugin_info_get_kind (self));
  add_text (builder, "port", zu_plugin_info_get_port (self));
  add_text (builder, "name", zu_plugin_info_get_name (self));
  add_text (builder, "type", zu_plugin_info_get_type_name (self));
  add_text (builder, "module", zu_plugin_info_get_module (self));
  add_text (builder, "status", status_names[self->status]);
  add_text (builder, "error", zu_plugin_info_get_error (self));
  zu_json_builder_end_object (builder);
  return zu_json_builder_end (builder, NULL);
}
