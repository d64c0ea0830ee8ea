/* SPDX-License-Identifier: Apache-2.0 */

#include "conform-match.h"

/* What an object with this one member asks for, in the place of a value. */
typedef enum
{
  MATCHER_NONE,
  MATCHER_REGEX,
  MATCHER_TYPE,
  MATCHER_BIND,
  MATCHER_BOUND,
} Matcher;

GHashTable *
conform_bindings_new (void)
{
  return g_hash_table_new_full (g_str_hash, g_str_equal, g_free, (GDestroyNotify) zu_json_unref);
}

static const char *
get_type_name (ZuJson *json)
{
  switch (zu_json_get_kind (json))
    {
    case ZU_JSON_KIND_BOOLEAN:
      return "boolean";
    case ZU_JSON_KIND_INTEGER:
      return "integer";
    case ZU_JSON_KIND_FLOAT:
      return "number";
    case ZU_JSON_KIND_STRING:
      return "string";
    case ZU_JSON_KIND_ARRAY:
      return "array";
    case ZU_JSON_KIND_OBJECT:
      return "object";
    case ZU_JSON_KIND_NULL:
    default:
      return "null";
    }
}

/* Sets TEXT to what the matcher holds. An event's own "type" names no JSON type. */
static Matcher
read_matcher (ZuJson *json, char **text)
{
  static const char *const types[] = { "boolean", "integer", "number", "string",
                                       "array",   "object",  "null",   NULL };
  g_autoptr (ZuJson) member = NULL;
  const char *name;

  if (zu_json_get_kind (json) != ZU_JSON_KIND_OBJECT || zu_json_get_size (json) != 1)
    return MATCHER_NONE;

  name = zu_json_get_member_name (json, 0, NULL);
  member = zu_json_dup_member (json, name);
  if (zu_json_get_kind (member) != ZU_JSON_KIND_STRING)
    return MATCHER_NONE;

  *text = g_strdup (zu_json_get_string (member, NULL));
  if (strcmp (name, "matches") == 0)
    return MATCHER_REGEX;
  if (strcmp (name, "bind") == 0)
    return MATCHER_BIND;
  if (strcmp (name, "bound") == 0)
    return MATCHER_BOUND;
  if (strcmp (name, "type") == 0 && g_strv_contains (types, *text))
    return MATCHER_TYPE;

  g_clear_pointer (text, g_free);
  return MATCHER_NONE;
}

static ZuJson *
find_bound (GHashTable *bindings, const char *name, GError **error)
{
  ZuJson *bound = g_hash_table_lookup (bindings, name);

  if (bound == NULL)
    g_set_error (error, G_IO_ERROR, G_IO_ERROR_INVALID_ARGUMENT, "nothing was bound to '%s'", name);

  return bound;
}

static gboolean
fill_in (ZuJson *value, GHashTable *bindings, ZuJsonBuilder *builder, GError **error)
{
  g_autofree char *text = NULL;
  gboolean is_object = zu_json_get_kind (value) == ZU_JSON_KIND_OBJECT;

  if (read_matcher (value, &text) == MATCHER_BOUND)
    {
      ZuJson *bound = find_bound (bindings, text, error);

      if (bound != NULL)
        zu_json_builder_add_json (builder, bound);
      return bound != NULL;
    }
  if (!is_object && zu_json_get_kind (value) != ZU_JSON_KIND_ARRAY)
    {
      zu_json_builder_add_json (builder, value);
      return TRUE;
    }

  if (is_object)
    zu_json_builder_begin_object (builder);
  else
    zu_json_builder_begin_array (builder);
  for (gsize i = 0; i < zu_json_get_size (value); i++)
    {
      const char *name = is_object ? zu_json_get_member_name (value, i, NULL) : NULL;
      g_autoptr (ZuJson) part =
          is_object ? zu_json_dup_member (value, name) : zu_json_dup_element (value, i);

      if (is_object)
        zu_json_builder_set_member (builder, name);
      if (!fill_in (part, bindings, builder, error))
        return FALSE;
    }
  if (is_object)
    zu_json_builder_end_object (builder);
  else
    zu_json_builder_end_array (builder);

  return TRUE;
}

/* A copy of VALUE with what was bound in the place of each {"bound": name}. */
ZuJson *
conform_fill_in (ZuJson *value, GHashTable *bindings, GError **error)
{
  g_autoptr (ZuJsonBuilder) builder = zu_json_builder_new ();

  if (!fill_in (value, bindings, builder, error))
    return NULL;

  return zu_json_builder_end (builder, error);
}

static gboolean
fail (ZuJson *expected, ZuJson *actual, GError **error)
{
  g_autofree char *wanted = zu_json_to_string (expected);
  g_autofree char *got = zu_json_to_string (actual);

  g_set_error (error, G_IO_ERROR, G_IO_ERROR_FAILED, "expected %.200s, got %.200s", wanted, got);
  return FALSE;
}

static gboolean
match_special (Matcher matcher, const char *text, ZuJson *expected, ZuJson *actual,
               GHashTable *bindings, GError **error)
{
  ZuJson *bound;

  switch (matcher)
    {
    case MATCHER_REGEX:
      if (zu_json_get_kind (actual) != ZU_JSON_KIND_STRING
          || !g_regex_match_simple (text, zu_json_get_string (actual, NULL), 0, 0))
        return fail (expected, actual, error);
      return TRUE;
    case MATCHER_TYPE:
      if (strcmp (text, get_type_name (actual)) != 0)
        return fail (expected, actual, error);
      return TRUE;
    case MATCHER_BIND:
      g_hash_table_insert (bindings, g_strdup (text), zu_json_ref (actual));
      return TRUE;
    case MATCHER_BOUND:
      bound = find_bound (bindings, text, error);
      if (bound == NULL)
        return FALSE;
      return zu_json_equal (bound, actual) ? TRUE : fail (bound, actual, error);
    case MATCHER_NONE:
    default:
      g_return_val_if_reached (FALSE);
    }
}

static gboolean
match_members (ZuJson *expected, ZuJson *actual, GHashTable *bindings, GError **error)
{
  for (gsize i = 0; i < zu_json_get_size (expected); i++)
    {
      const char *name = zu_json_get_member_name (expected, i, NULL);
      g_autoptr (ZuJson) wanted = zu_json_dup_member (expected, name);
      g_autoptr (ZuJson) got = zu_json_dup_member (actual, name);

      if (got == NULL)
        {
          g_set_error (error, G_IO_ERROR, G_IO_ERROR_FAILED, "'%s' is missing", name);
          return FALSE;
        }
      if (!conform_match (wanted, got, bindings, error))
        {
          g_prefix_error (error, "in '%s': ", name);
          return FALSE;
        }
    }

  return TRUE;
}

static gboolean
match_elements (ZuJson *expected, ZuJson *actual, GHashTable *bindings, GError **error)
{
  if (zu_json_get_size (expected) != zu_json_get_size (actual))
    return fail (expected, actual, error);

  for (gsize i = 0; i < zu_json_get_size (expected); i++)
    {
      g_autoptr (ZuJson) wanted = zu_json_dup_element (expected, i);
      g_autoptr (ZuJson) got = zu_json_dup_element (actual, i);

      if (!conform_match (wanted, got, bindings, error))
        {
          g_prefix_error (error, "in element %" G_GSIZE_FORMAT ": ", i);
          return FALSE;
        }
    }

  return TRUE;
}

/* Objects need the members that are expected and may have more; everything else is equal. */
gboolean
conform_match (ZuJson *expected, ZuJson *actual, GHashTable *bindings, GError **error)
{
  g_autofree char *text = NULL;
  Matcher matcher = read_matcher (expected, &text);

  if (matcher != MATCHER_NONE)
    return match_special (matcher, text, expected, actual, bindings, error);
  if (zu_json_get_kind (expected) != zu_json_get_kind (actual))
    return fail (expected, actual, error);

  switch (zu_json_get_kind (expected))
    {
    case ZU_JSON_KIND_OBJECT:
      return match_members (expected, actual, bindings, error);
    case ZU_JSON_KIND_ARRAY:
      return match_elements (expected, actual, bindings, error);
    default:
      return zu_json_equal (expected, actual) ? TRUE : fail (expected, actual, error);
    }
}
