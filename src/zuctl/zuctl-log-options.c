/* SPDX-License-Identifier: Apache-2.0 */

#include "zuctl-log-options.h"

#include "zuctl-config.h"

#include <errno.h>
#include <string.h>

#define CODEC_KIND        "zu.codecs"
#define CODEC_PORT        "PayloadCodec"
#define KEY_PROVIDER_KIND "zu.key_providers"
#define KEY_PROVIDER_PORT "KeyProvider"
/* The one that the formats describe. */
#define DEFAULT_KEY_PROVIDER "env"

#define MAX_PROPERTIES 4

/* Construct properties of a sink that a URI cannot hold. */
typedef struct
{
  guint n;
  const char *names[MAX_PROPERTIES];
  GValue values[MAX_PROPERTIES];
} Properties;

static void
properties_clear (Properties *properties)
{
  for (guint i = 0; i < properties->n; i++)
    g_value_unset (&properties->values[i]);
  properties->n = 0;
}

G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC (Properties, properties_clear)

static GValue *
add_property (Properties *properties, const char *name, GType type)
{
  properties->names[properties->n] = name;
  return g_value_init (&properties->values[properties->n++], type);
}

void
zuctl_log_options_clear (ZuctlLogOptions *options)
{
  g_free (options->sign_key_file);
  g_strfreev (options->codecs);
  g_free (options->key_provider);
  g_strfreev (options->index);
  g_clear_pointer (&options->sign_key, zu_secret_unref);
}

/* ENTRIES: the command's own options. */
gboolean
zuctl_log_parse (const ZuctlCommand *command, GStrv words, const GOptionEntry *entries,
                 ZuctlLogOptions *options, ZuctlParsed *parsed, GError **error)
{
  const GOptionEntry common[] = {
    { "sign-key-file", 0, 0, G_OPTION_ARG_FILENAME, &options->sign_key_file,
      "The file whose bytes are the signing key", "FILE" },
    { "index", 0, 0, G_OPTION_ARG_STRING_ARRAY, &options->index,
      "A field of payload.ctx to index and filter by; may be given again", "FIELD" },
    { "codec", 0, 0, G_OPTION_ARG_STRING_ARRAY, &options->codecs,
      "What encodes payloads at rest; given again, what else can be read", "NAME" },
    { "key-provider", 0, 0, G_OPTION_ARG_STRING, &options->key_provider,
      "Where the codecs' keys come from; " DEFAULT_KEY_PROVIDER, "NAME" },
    { "json", 0, 0, G_OPTION_ARG_NONE, &options->is_json, "Print JSON, one object a line", NULL },
    G_OPTION_ENTRY_NULL
  };

  return zuctl_parse (command, words, entries, common, parsed, error);
}

static char *
dup_default_uri (void)
{
  g_autofree char *path = g_build_filename (g_get_user_state_dir (), "zu", "events.db", NULL);
  g_autofree char *escaped = g_uri_escape_string (path, "/", TRUE);

  return g_strconcat ("sqlite:", escaped, NULL);
}

/* The sink's URI: as given, else $ZU_SINK, else the configuration's, else a database of the user's.
 */
char *
zuctl_log_dup_uri (const char *given, GError **error)
{
  const char *variable = g_getenv ("ZU_SINK");
  char *configured = NULL;

  if (given != NULL)
    return g_strdup (given);
  if (variable != NULL && *variable != '\0')
    return g_strdup (variable);
  if (!zuctl_config_get ("log", "sink", &configured, error))
    return NULL;
  return configured != NULL ? configured : dup_default_uri ();
}

/* The folder of the default log is ours to make, whichever way its URI was found. */
static gboolean
make_state_folder (const char *uri, GError **error)
{
  g_autofree char *standard = dup_default_uri ();
  g_autofree char *folder = g_build_filename (g_get_user_state_dir (), "zu", NULL);

  if (strcmp (uri, standard) != 0 || g_mkdir_with_parents (folder, 0700) == 0)
    return TRUE;

  g_set_error (error, ZUCTL_FAILURE, ZUCTL_FAILURE_ENVIRONMENT,
               "cannot make the folder %s: %s (name another log, or set XDG_STATE_HOME)", folder,
               g_strerror (errno));
  return FALSE;
}

static gboolean
add_sign_key (ZuctlLogOptions *options, Properties *properties, GError **error)
{
  if (options->sign_key_file == NULL)
    return TRUE;

  options->sign_key = zu_secret_new_from_file (options->sign_key_file, error);
  if (options->sign_key == NULL)
    {
      g_prefix_error (error, "cannot read the signing key: ");
      return FALSE;
    }
  g_value_set_boxed (add_property (properties, "sign-key", ZU_TYPE_SECRET), options->sign_key);
  return TRUE;
}

static GObject *
create_key_provider (const ZuctlLogOptions *options, GError **error)
{
  const char *name = options->key_provider != NULL ? options->key_provider : DEFAULT_KEY_PROVIDER;
  GObject *provider = zu_registry_create (zu_registry_get_default (), KEY_PROVIDER_KIND,
                                          KEY_PROVIDER_PORT, name, NULL, NULL, error);

  if (provider == NULL)
    g_prefix_error (error, "cannot use the key provider %s: ", name);
  return provider;
}

static gboolean
has_key_provider (GType type)
{
  g_autoptr (GTypeClass) klass = g_type_class_ref (type);

  return g_object_class_find_property (G_OBJECT_CLASS (klass), "key-provider") != NULL;
}

static GObject *
create_codec (const ZuctlLogOptions *options, const char *name, GError **error)
{
  ZuRegistry *registry = zu_registry_get_default ();
  GType type = zu_registry_lookup (registry, CODEC_KIND, CODEC_PORT, name, error);
  const char *names[] = { "key-provider" };
  g_auto (GValue) value = G_VALUE_INIT;

  if (type == G_TYPE_INVALID)
    return NULL;
  if (!has_key_provider (type))
    return zu_registry_create (registry, CODEC_KIND, CODEC_PORT, name, NULL, NULL, error);

  g_value_init (&value, ZU_TYPE_KEY_PROVIDER);
  g_value_take_object (&value, create_key_provider (options, error));
  if (g_value_get_object (&value) == NULL)
    return NULL;
  return zu_registry_create_with_properties (registry, CODEC_KIND, CODEC_PORT, name, 1, names,
                                             &value, NULL, error);
}

/* The first codec writes, and all of them read. */
static gboolean
add_codec (const ZuctlLogOptions *options, ZuCodecSet *codecs, guint index, GError **error)
{
  const char *name = options->codecs[index];
  g_autoptr (GObject) codec = create_codec (options, name, error);

  if (codec != NULL
      && (index == 0 ? zu_codec_set_set_writer (codecs, ZU_PAYLOAD_CODEC (codec), error)
                     : zu_codec_set_add (codecs, ZU_PAYLOAD_CODEC (codec), error)))
    return TRUE;

  g_prefix_error (error, "cannot use the codec %s: ", name);
  return FALSE;
}

static gboolean
add_codecs (const ZuctlLogOptions *options, Properties *properties, GError **error)
{
  g_autoptr (ZuCodecSet) codecs = NULL;

  if (options->codecs == NULL && options->key_provider != NULL)
    {
      g_set_error_literal (error, ZUCTL_FAILURE, ZUCTL_FAILURE_USAGE,
                           "--key-provider has no effect: it gives keys to a codec (add --codec)");
      return FALSE;
    }
  if (options->codecs == NULL)
    return TRUE;

  codecs = zu_codec_set_new ();
  for (guint i = 0; options->codecs[i] != NULL; i++)
    if (!add_codec (options, codecs, i, error))
      return FALSE;
  g_value_set_object (add_property (properties, "codecs", ZU_TYPE_CODEC_SET), codecs);
  return TRUE;
}

static gboolean
add_properties (ZuctlLogOptions *options, Properties *properties, GError **error)
{
  if (options->index != NULL)
    g_value_set_boxed (add_property (properties, "index-fields", G_TYPE_STRV), options->index);
  return add_sign_key (options, properties, error) && add_codecs (options, properties, error);
}

static ZuEventSink *
open_uri (ZuctlLogOptions *options, const char *uri, GError **error)
{
  g_auto (Properties) properties = { 0 };
  ZuEventSink *sink;

  if (!add_properties (options, &properties, error))
    return NULL;

  sink =
      zu_open_sink_with_properties (uri, properties.n, properties.names, properties.values, error);
  if (sink == NULL)
    g_prefix_error (error, "cannot open the log: ");
  return sink;
}

/* Opens the log to read it; nothing is made that is not there. */
ZuEventSink *
zuctl_log_open (ZuctlLogOptions *options, const char *given, GError **error)
{
  g_autofree char *uri = zuctl_log_dup_uri (given, error);

  return uri != NULL ? open_uri (options, uri, error) : NULL;
}

ZuEventSink *
zuctl_log_open_to_write (ZuctlLogOptions *options, const char *given, GError **error)
{
  g_autofree char *uri = zuctl_log_dup_uri (given, error);

  if (uri == NULL || !make_state_folder (uri, error))
    return NULL;
  return open_uri (options, uri, error);
}
