/* SPDX-License-Identifier: Apache-2.0 */

#include "zuctl-log-options.h"

#include "zuctl-config.h"
#include "zuctl-log-codecs.h"

#include <errno.h>
#include <string.h>

#define MAX_PROPERTIES 5

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
  g_free (options->uses_file);
  g_strfreev (options->index);
  g_clear_pointer (&options->sign_key, zu_secret_unref);
  g_clear_object (&options->codec_set);
}

static gboolean
check_encrypted_from (const ZuctlLogOptions *options, ZuctlParsed *parsed, GError **error)
{
  if (options->encrypted_from >= 0)
    return TRUE;

  parsed->status = ZUCTL_ERROR;
  g_set_error_literal (error, ZUCTL_FAILURE, ZUCTL_FAILURE_USAGE,
                       "--encrypted-from takes the number of a row, 1 or more");
  return FALSE;
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
      "What encodes payloads at rest; given again, what else can be read", "NAME[:KEY]" },
    { "key-provider", 0, 0, G_OPTION_ARG_STRING, &options->key_provider,
      "Where the codecs' keys come from; env", "NAME" },
    { "encrypted-from", 0, 0, G_OPTION_ARG_INT64, &options->encrypted_from,
      "From this row on take and give only what is encrypted; append records it in the log",
      "SEQ" },
    { "uses-file", 0, 0, G_OPTION_ARG_FILENAME, &options->uses_file,
      "Where the uses of keys are counted", "FILE" },
    { "json", 0, 0, G_OPTION_ARG_NONE, &options->is_json, "Print JSON, one object a line", NULL },
    G_OPTION_ENTRY_NULL
  };

  return zuctl_parse (command, words, entries, common, parsed, error)
         && check_encrypted_from (options, parsed, error);
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

static gboolean
add_properties (ZuctlLogOptions *options, Properties *properties, GError **error)
{
  if (options->index != NULL)
    g_value_set_boxed (add_property (properties, "index-fields", G_TYPE_STRV), options->index);
  if (options->encrypted_from > 0)
    g_value_set_int64 (add_property (properties, "encrypted-from", G_TYPE_INT64),
                       options->encrypted_from);
  if (!add_sign_key (options, properties, error) || !zuctl_log_open_codecs (options, error))
    return FALSE;
  if (options->codec_set != NULL)
    g_value_set_object (add_property (properties, "codecs", ZU_TYPE_CODEC_SET), options->codec_set);
  return TRUE;
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
  options->writes = TRUE;
  return open_uri (options, uri, error);
}
