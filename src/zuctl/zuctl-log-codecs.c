/* SPDX-License-Identifier: Apache-2.0 */

#include "zuctl-log-codecs.h"

#include <errno.h>
#include <string.h>

#define CODEC_KIND        "zu.codecs"
#define CODEC_PORT        "PayloadCodec"
#define KEY_PROVIDER_KIND "zu.key_providers"
#define KEY_PROVIDER_PORT "KeyProvider"
/* The one that the formats describe. */
#define DEFAULT_KEY_PROVIDER "env"

#define MOST_PROPERTIES 3

/* A codec as it was named: NAME, or NAME:KEY. */
typedef struct
{
  char *name;
  char *key_id;
  GType type;
  guint n;
  const char *names[MOST_PROPERTIES];
  GValue values[MOST_PROPERTIES];
} Asked;

static void
asked_clear (Asked *asked)
{
  for (guint i = 0; i < asked->n; i++)
    g_value_unset (&asked->values[i]);
  g_free (asked->name);
  g_free (asked->key_id);
}

G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC (Asked, asked_clear)

static GValue *
add_property (Asked *asked, const char *name, GType type)
{
  asked->names[asked->n] = name;
  return g_value_init (&asked->values[asked->n++], type);
}

static gboolean
has_property (const Asked *asked, const char *name)
{
  g_autoptr (GTypeClass) klass = g_type_class_ref (asked->type);

  return g_object_class_find_property (G_OBJECT_CLASS (klass), name) != NULL;
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

/* Whoever counts by himself, and each process anew, would never come to the end of a key. */
static char *
dup_uses_file (const ZuctlLogOptions *options, GError **error)
{
  g_autofree char *folder = NULL;

  if (options->uses_file != NULL)
    return g_strdup (options->uses_file);

  folder = g_build_filename (g_get_user_state_dir (), "zu", NULL);
  if (g_mkdir_with_parents (folder, 0700) == 0)
    return g_build_filename (folder, "key-uses", NULL);

  g_set_error (
      error, ZUCTL_FAILURE, ZUCTL_FAILURE_ENVIRONMENT,
      "cannot make the folder %s, where the uses of keys are counted: %s (name a file with "
      "--uses-file, or set XDG_STATE_HOME)",
      folder, g_strerror (errno));
  return NULL;
}

static gboolean
add_key_id (Asked *asked, GError **error)
{
  if (asked->key_id == NULL)
    return TRUE;
  if (has_property (asked, "key-id"))
    {
      g_value_set_string (add_property (asked, "key-id", G_TYPE_STRING), asked->key_id);
      return TRUE;
    }

  g_set_error (error, ZUCTL_FAILURE, ZUCTL_FAILURE_USAGE, "it takes no key's id: leave :%s out",
               asked->key_id);
  return FALSE;
}

static gboolean
add_properties (const ZuctlLogOptions *options, Asked *asked, gboolean is_writer, GError **error)
{
  GValue *value;

  if (has_property (asked, "key-provider"))
    {
      value = add_property (asked, "key-provider", ZU_TYPE_KEY_PROVIDER);
      g_value_take_object (value, create_key_provider (options, error));
      if (g_value_get_object (value) == NULL)
        return FALSE;
    }
  if (is_writer && has_property (asked, "uses-file"))
    {
      value = add_property (asked, "uses-file", G_TYPE_STRING);
      g_value_take_string (value, dup_uses_file (options, error));
      if (g_value_get_string (value) == NULL)
        return FALSE;
    }
  return add_key_id (asked, error);
}

static GObject *
create_codec (const ZuctlLogOptions *options, const char *given, gboolean is_writer, GError **error)
{
  ZuRegistry *registry = zu_registry_get_default ();
  const char *colon = strchr (given, ':');
  g_auto (Asked) asked = { NULL };

  asked.name = colon != NULL ? g_strndup (given, (gsize) (colon - given)) : g_strdup (given);
  asked.key_id = colon != NULL ? g_strdup (colon + 1) : NULL;
  asked.type = zu_registry_lookup (registry, CODEC_KIND, CODEC_PORT, asked.name, error);
  if (asked.type == G_TYPE_INVALID || !add_properties (options, &asked, is_writer, error))
    return NULL;
  return zu_registry_create_with_properties (registry, CODEC_KIND, CODEC_PORT, asked.name, asked.n,
                                             asked.names, asked.values, NULL, error);
}

/* The first codec writes, and all of them read. */
static gboolean
add_codec (ZuctlLogOptions *options, guint index, GError **error)
{
  const char *given = options->codecs[index];
  g_autoptr (GObject) codec = create_codec (options, given, index == 0 && options->writes, error);

  if (codec != NULL
      && (index == 0 ? zu_codec_set_set_writer (options->codec_set, ZU_PAYLOAD_CODEC (codec), error)
                     : zu_codec_set_add (options->codec_set, ZU_PAYLOAD_CODEC (codec), error)))
    return TRUE;

  g_prefix_error (error, "cannot use the codec %s: ", given);
  return FALSE;
}

static gboolean
check_options (const ZuctlLogOptions *options, GError **error)
{
  const char *idle = options->key_provider != NULL ? "--key-provider"
                     : options->uses_file != NULL  ? "--uses-file"
                                                   : NULL;

  if (options->codecs != NULL || idle == NULL)
    return TRUE;

  g_set_error (error, ZUCTL_FAILURE, ZUCTL_FAILURE_USAGE,
               "%s has no effect: it is about the keys of a codec (add --codec)", idle);
  return FALSE;
}

/* Makes the codecs that were named; none leaves the set NULL. */
gboolean
zuctl_log_open_codecs (ZuctlLogOptions *options, GError **error)
{
  if (!check_options (options, error))
    return FALSE;
  if (options->codecs == NULL)
    return TRUE;

  options->codec_set = zu_codec_set_new ();
  for (guint i = 0; options->codecs[i] != NULL; i++)
    if (!add_codec (options, i, error))
      return FALSE;
  return TRUE;
}
