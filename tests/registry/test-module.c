/* SPDX-License-Identifier: Apache-2.0 */

/* A plugin for the registry's tests; macros give it a name, or one fault. */

#include <zu/zu.h>

#ifndef NAME
#define NAME "good"
#endif
#ifndef TYPE_NAME
#define TYPE_NAME "ZuTestPlugin"
#endif

typedef enum
{
  COLOUR_RED,
  COLOUR_GREEN,
} Colour;

static GType colour_get_type (void);

G_DEFINE_ENUM_TYPE (Colour, colour, G_DEFINE_ENUM_VALUE (COLOUR_RED, "red"),
                    G_DEFINE_ENUM_VALUE (COLOUR_GREEN, "green"))

enum
{
  PROP_TEXT = 1,
  PROP_FLAG,
  PROP_SMALL,
  PROP_BIG,
  PROP_RATIO,
  PROP_COLOUR,
  PROP_WORD_LIST,
  PROP_JSON,
  PROP_FAIL,
  PROP_READ_ONLY,
  N_PROPS
};

typedef struct
{
  GObject parent_instance;

  GValue values[N_PROPS];
  gboolean initialised;
} Plugin;

typedef struct
{
  GObjectClass parent_class;
} PluginClass;

static GParamSpec *props[N_PROPS];
static gpointer parent_class;

static void
plugin_get_property (GObject *object, guint id, GValue *value, GParamSpec *pspec)
{
  Plugin *self = (Plugin *) object;

  if (id == PROP_READ_ONLY)
    g_value_set_boolean (value, self->initialised);
  else
    g_value_copy (&self->values[id], value);
}

static void
plugin_set_property (GObject *object, guint id, const GValue *value, GParamSpec *pspec)
{
  Plugin *self = (Plugin *) object;

  g_value_init (&self->values[id], G_VALUE_TYPE (value));
  g_value_copy (value, &self->values[id]);
}

static void
plugin_finalize (GObject *object)
{
  Plugin *self = (Plugin *) object;

  zu_values_clear (self->values + PROP_TEXT, PROP_READ_ONLY - PROP_TEXT);
  G_OBJECT_CLASS (parent_class)->finalize (object);
}

static void
plugin_class_init (gpointer g_class, gpointer data)
{
  const GParamFlags flags = G_PARAM_READWRITE | G_PARAM_CONSTRUCT_ONLY | G_PARAM_STATIC_STRINGS;
  GObjectClass *klass = g_class;

  parent_class = g_type_class_peek_parent (g_class);
  klass->get_property = plugin_get_property;
  klass->set_property = plugin_set_property;
  klass->finalize = plugin_finalize;
  props[PROP_TEXT] = g_param_spec_string ("text", NULL, NULL, "", flags);
  props[PROP_FLAG] = g_param_spec_boolean ("flag", NULL, NULL, FALSE, flags);
  props[PROP_SMALL] = g_param_spec_uint ("small", NULL, NULL, 1, 9, 1, flags);
  props[PROP_BIG] = g_param_spec_int64 ("big-number", NULL, NULL, G_MININT64, G_MAXINT64, 0, flags);
  props[PROP_RATIO] = g_param_spec_double ("ratio", NULL, NULL, 0, 1, 0, flags);
  props[PROP_COLOUR] =
      g_param_spec_enum ("colour", NULL, NULL, colour_get_type (), COLOUR_RED, flags);
  props[PROP_WORD_LIST] = g_param_spec_boxed ("word-list", NULL, NULL, G_TYPE_STRV, flags);
  props[PROP_JSON] = g_param_spec_boxed ("json", NULL, NULL, ZU_TYPE_JSON, flags);
  props[PROP_FAIL] = g_param_spec_boolean ("fail", NULL, NULL, FALSE, flags);
  props[PROP_READ_ONLY] = g_param_spec_boolean ("initialised", NULL, NULL, FALSE,
                                                G_PARAM_READABLE | G_PARAM_STATIC_STRINGS);
  g_object_class_install_properties (klass, N_PROPS, props);
}

static gboolean
plugin_init (GInitable *initable, GCancellable *cancellable, GError **error)
{
  Plugin *self = (Plugin *) initable;

  self->initialised = TRUE;
  if (!g_value_get_boolean (&self->values[PROP_FAIL]))
    return TRUE;
  g_set_error_literal (error, G_IO_ERROR, G_IO_ERROR_FAILED, "asked to fail");
  return FALSE;
}

static void
plugin_initable_init (gpointer iface, gpointer data)
{
  ((GInitableIface *) iface)->init = plugin_init;
}

#ifdef BROKER
static char *
plugin_mint (ZuCredentialBroker *broker, const char *nonce, GCancellable *cancellable,
             GError **error)
{
  return g_strconcat ("minted ", nonce, NULL);
}

static void
plugin_port_init (gpointer iface, gpointer data)
{
  ((ZuCredentialBrokerInterface *) iface)->mint = plugin_mint;
}
#define PORT_TYPE ZU_TYPE_CREDENTIAL_BROKER
#define KIND      "zu.channels"
#else
static ZuProof *
plugin_present (ZuWorkloadIdentity *identity, ZuChallenge *challenge, GCancellable *cancellable,
                GError **error)
{
  g_set_error_literal (error, ZU_WORKLOAD_IDENTITY_ERROR, ZU_WORKLOAD_IDENTITY_ERROR_NO_KEY, "no");
  return NULL;
}

static void
plugin_port_init (gpointer iface, gpointer data)
{
  ((ZuWorkloadIdentityInterface *) iface)->present = plugin_present;
}
#define PORT_TYPE ZU_TYPE_WORKLOAD_IDENTITY
#define KIND      "zu.workload_identity"
#endif

#ifdef MISSING_SYMBOL
void zu_test_symbol_that_is_nowhere (void);
#endif

static void
register_plugin (GTypeModule *module)
{
  const GTypeInfo info = { .class_size = sizeof (PluginClass),
                           .class_init = plugin_class_init,
                           .instance_size = sizeof (Plugin) };
  const GInterfaceInfo initable = { .interface_init = plugin_initable_init };
  const GInterfaceInfo port = { .interface_init = plugin_port_init };
  GType type = g_type_module_register_type (module, G_TYPE_OBJECT, TYPE_NAME, &info, 0);

  g_type_module_add_interface (module, type, G_TYPE_INITABLE, &initable);
#ifndef WRONG_TYPE
  g_type_module_add_interface (module, type, PORT_TYPE, &port);
#else
  (void) port;
#endif
#ifdef MISSING_SYMBOL
  zu_test_symbol_that_is_nowhere ();
#endif
  g_io_extension_point_implement (KIND, type, NAME, 0);
  g_setenv ("ZU_TEST_LOADED", TYPE_NAME, TRUE);
}

#ifndef NO_LOAD
#define LOADS(name)                                \
  G_MODULE_EXPORT void name (GTypeModule *module); \
  void name (GTypeModule *module) { register_plugin (module); }

LOADS (g_io_zu_test_good_load)
LOADS (g_io_zu_test_other_load)
LOADS (g_io_zu_test_no_symbol_load)
LOADS (g_io_zu_test_wrong_type_load)
LOADS (g_io_zu_test_broker_load)
#else
G_MODULE_EXPORT void unrelated (GTypeModule *module);
void
unrelated (GTypeModule *module)
{
  register_plugin (module);
}
#endif
