/* SPDX-License-Identifier: Apache-2.0 */

#include "zu-open-sink.h"

#include "zu-option-private.h"
#include "zu-registry-private.h"

#define KIND "zu.sinks"
#define PORT "EventSink"

static gboolean
refuse (const char *uri, const char *why, GError **error)
{
  g_set_error (error, ZU_REGISTRY_ERROR, ZU_REGISTRY_ERROR_BAD_URI, "the sink '%s' %s", uri, why);
  return FALSE;
}

static char *
decode (const char *uri, const char *text, gsize length, GError **error)
{
  char *plain = g_uri_unescape_segment (text, text + length, NULL);

  if (plain == NULL)
    refuse (uri,
            "has a '%' that two hexadecimal digits must follow (write %25 for the sign itself)",
            error);
  return plain;
}

/* NAME=VALUE, or NAME for a value of true. */
static gboolean
add_parameter (ZuOptions *options, const char *uri, const char *parameter, GError **error)
{
  const char *equals = strchr (parameter, '=');
  gsize length = equals != NULL ? (gsize) (equals - parameter) : strlen (parameter);
  g_autofree char *name = decode (uri, parameter, length, error);
  g_autofree char *value = NULL;

  if (name == NULL)
    return FALSE;
  value = equals != NULL ? decode (uri, equals + 1, strlen (equals + 1), error) : g_strdup ("true");
  return value != NULL && zu_options_add_text (options, name, value, error);
}

static gboolean
add_path (ZuOptions *options, const char *uri, const char *rest, GError **error)
{
  const char *query = strchr (rest, '?');
  gsize length = query != NULL ? (gsize) (query - rest) : strlen (rest);
  g_autofree char *path = decode (uri, rest, length, error);
  g_auto (GStrv) parameters = NULL;

  if (path == NULL)
    return FALSE;
  if (length > 0 && !zu_options_add_text (options, "path", path, error))
    return FALSE;

  parameters = g_strsplit (query != NULL ? query + 1 : "", "&", -1);
  for (gsize i = 0; parameters[i] != NULL; i++)
    if (*parameters[i] != '\0' && !add_parameter (options, uri, parameters[i], error))
      return FALSE;
  return TRUE;
}

/* A sink that code of this process registered has no manifest: its properties tell. */
static gboolean
takes_whole_uri (ZuOptions *options, const char *name)
{
  g_autofree char *form = zu_registry_dup_uri_form (zu_registry_get_default (), KIND, PORT, name);

  if (form != NULL && *form != '\0')
    return g_str_equal (form, "whole");
  return g_object_class_find_property (options->klass, "path") == NULL
         && g_object_class_find_property (options->klass, "uri") != NULL;
}

static char *
dup_scheme (const char *uri, GError **error)
{
  const char *colon = strchr (uri, ':');

  if (colon != NULL && colon != uri)
    return g_strndup (uri, (gsize) (colon - uri));
  refuse (uri, "does not begin with the name of a sink (as in sqlite:PATH)", error);
  return NULL;
}

/**
 * zu_open_sink:
 * @uri: what names the sink, as in `sqlite:PATH`, `jsonl:PATH`, `memory:`
 * @error: return location for an error
 *
 * Opens a sink by its URI.
 *
 * What stands before the colon is the sink's registered name. Most sinks take a path after it, and
 * options after a `?`, with `&` between them: `sqlite:log.db?role=copy`. In both `%` and two
 * hexadecimal digits stand for a byte. Others, as their manifests say, take the URI as it is.
 *
 * Errors: [error@Zu.RegistryError] BAD_URI, BAD_OPTION, and those of [method@Zu.Registry.lookup];
 * the sink's own.
 *
 * Returns: (transfer full): the sink
 */
ZuEventSink *
zu_open_sink (const char *uri, GError **error)
{
  g_return_val_if_fail (uri != NULL, NULL);

  return zu_open_sink_with_properties (uri, 0, NULL, NULL, error);
}

/**
 * zu_open_sink_with_properties:
 * @uri: what names the sink
 * @n_properties: how many further construct properties
 * @names: (array length=n_properties) (nullable): their names
 * @values: (array length=n_properties) (nullable): their values
 * @error: return location for an error
 *
 * Opens a sink by its URI, with properties that a URI cannot hold, such as keys and codecs.
 *
 * Errors: as of [func@Zu.open_sink].
 *
 * Returns: (transfer full): the sink
 */
ZuEventSink *
zu_open_sink_with_properties (const char *uri, guint n_properties, const char *names[],
                              const GValue values[], GError **error)
{
  g_autoptr (GTypeClass) klass = NULL;
  g_auto (ZuOptions) options = { NULL };
  g_autofree char *scheme = NULL;
  gboolean added;
  GType type;

  g_return_val_if_fail (uri != NULL, NULL);
  g_return_val_if_fail (n_properties == 0 || (names != NULL && values != NULL), NULL);

  scheme = dup_scheme (uri, error);
  if (scheme == NULL)
    return NULL;
  type = zu_registry_lookup (zu_registry_get_default (), KIND, PORT, scheme, error);
  if (type == G_TYPE_INVALID)
    return NULL;

  klass = g_type_class_ref (type);
  zu_options_init (&options, G_OBJECT_CLASS (klass), scheme);
  added = takes_whole_uri (&options, scheme)
              ? zu_options_add_text (&options, "uri", uri, error)
              : add_path (&options, uri, uri + strlen (scheme) + 1, error);
  for (guint i = 0; added && i < n_properties; i++)
    added = zu_options_add_value (&options, names[i], &values[i], error);
  return added ? (ZuEventSink *) zu_options_construct (&options, NULL, error) : NULL;
}
