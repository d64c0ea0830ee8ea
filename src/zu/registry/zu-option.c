/* SPDX-License-Identifier: Apache-2.0 */

#include "zu-option-private.h"

#include "../secret/zu-secret.h"
#include "zu-registry.h"

#include <errno.h>
#include <string.h>

void
zu_options_init (ZuOptions *self, GObjectClass *klass, const char *plugin)
{
  self->klass = klass;
  self->plugin = plugin;
  self->names = g_ptr_array_new ();
  self->values = g_array_new (FALSE, TRUE, sizeof (GValue));
  g_array_set_clear_func (self->values, (GDestroyNotify) g_value_unset);
}

void
zu_options_clear (ZuOptions *self)
{
  g_clear_pointer (&self->names, g_ptr_array_unref);
  g_clear_pointer (&self->values, g_array_unref);
}

static gboolean
refuse (ZuOptions *self, const char *name, const char *why, GError **error)
{
  g_set_error (error, ZU_REGISTRY_ERROR, ZU_REGISTRY_ERROR_BAD_OPTION, "%s: option '%s' %s",
               self->plugin, name, why);
  return FALSE;
}

/* GObject takes snake_case for kebab-case. */
static GParamSpec *
find_property (ZuOptions *self, const char *name, GError **error)
{
  GParamSpec *pspec = g_object_class_find_property (self->klass, name);

  if (pspec == NULL || (pspec->flags & G_PARAM_WRITABLE) == 0)
    {
      refuse (self, name, "is unknown", error);
      return NULL;
    }
  for (guint i = 0; i < self->names->len; i++)
    if (g_ptr_array_index (self->names, i) == pspec->name)
      {
        refuse (self, name, "is given twice", error);
        return NULL;
      }
  return pspec;
}

static void
take_value (ZuOptions *self, GParamSpec *pspec, GValue *value)
{
  GValue moved = *value;

  *value = (GValue) G_VALUE_INIT;
  g_ptr_array_add (self->names, (gpointer) pspec->name);
  g_array_append_val (self->values, moved);
}

/* Adds a value as it is. */
gboolean
zu_options_add_value (ZuOptions *self, const char *name, const GValue *value, GError **error)
{
  GParamSpec *pspec = find_property (self, name, error);
  g_auto (GValue) copy = G_VALUE_INIT;

  if (pspec == NULL)
    return FALSE;
  g_value_init (&copy, pspec->value_type);
  if (!g_value_transform (value, &copy))
    return refuse (self, name, "has a value of another type", error);
  take_value (self, pspec, &copy);
  return TRUE;
}

static gboolean
set_boolean (GValue *value, const char *text)
{
  gboolean yes = g_str_equal (text, "true") || g_str_equal (text, "yes") || g_str_equal (text, "1");
  gboolean no = g_str_equal (text, "false") || g_str_equal (text, "no") || g_str_equal (text, "0");

  g_value_set_boolean (value, yes);
  return yes || no;
}

static gboolean
set_number (GValue *value, const char *text)
{
  g_auto (GValue) wide = G_VALUE_INIT;
  gint64 number;

  if (!g_ascii_string_to_signed (text, 10, G_MININT64, G_MAXINT64, &number, NULL))
    return FALSE;
  switch (G_VALUE_TYPE (value))
    {
    case G_TYPE_INT:
      g_value_set_int (value, (int) number);
      return number >= G_MININT && number <= G_MAXINT;
    case G_TYPE_UINT:
      g_value_set_uint (value, (guint) number);
      return number >= 0 && number <= G_MAXUINT;
    case G_TYPE_INT64:
      g_value_set_int64 (value, number);
      return TRUE;
    default:
      g_value_set_uint64 (value, (guint64) number);
      return number >= 0;
    }
}

static gboolean
set_double (GValue *value, const char *text)
{
  char *end;

  errno = 0;
  g_value_set_double (value, g_ascii_strtod (text, &end));
  return end != text && *end == '\0' && errno == 0;
}

static gboolean
set_enum (GValue *value, const char *text)
{
  g_autoptr (GEnumClass) klass = g_type_class_ref (G_VALUE_TYPE (value));
  GEnumValue *found = g_enum_get_value_by_nick (klass, text);

  if (found != NULL)
    g_value_set_enum (value, found->value);
  return found != NULL;
}

/* For keys that stand in a configuration: those are readable there, and in this text. */
static gboolean
set_secret (GValue *value, const char *text)
{
  g_autofree char *copy = g_strdup (text);
  ZuSecret *secret = zu_secret_new_wiping (copy, strlen (copy), NULL);

  g_value_take_boxed (value, secret);
  return secret != NULL;
}

static gboolean
set_from_text (GValue *value, const char *text)
{
  GType type = G_VALUE_TYPE (value);

  if (type == G_TYPE_STRING)
    g_value_set_string (value, text);
  else if (type == G_TYPE_BOOLEAN)
    return set_boolean (value, text);
  else if (type == G_TYPE_INT || type == G_TYPE_UINT || type == G_TYPE_INT64
           || type == G_TYPE_UINT64)
    return set_number (value, text);
  else if (type == G_TYPE_DOUBLE)
    return set_double (value, text);
  else if (G_TYPE_IS_ENUM (type))
    return set_enum (value, text);
  else if (type == G_TYPE_STRV)
    g_value_take_boxed (value, g_strsplit (text, ",", -1));
  else if (type == ZU_TYPE_SECRET)
    return set_secret (value, text);
  else
    return FALSE;
  return TRUE;
}

static gboolean
set_from_array (GValue *value, ZuJson *json)
{
  g_autoptr (GStrvBuilder) builder = g_strv_builder_new ();

  for (gsize i = 0; i < zu_json_get_size (json); i++)
    {
      g_autoptr (ZuJson) element = zu_json_dup_element (json, i);

      if (zu_json_get_kind (element) != ZU_JSON_KIND_STRING)
        return FALSE;
      g_strv_builder_add (builder, zu_json_get_string (element, NULL));
    }
  g_value_take_boxed (value, g_strv_builder_end (builder));
  return TRUE;
}

static gboolean
set_from_json (GValue *value, ZuJson *json)
{
  ZuJsonKind kind = zu_json_get_kind (json);
  GType type = G_VALUE_TYPE (value);
  g_autofree char *text = NULL;

  if (type == ZU_TYPE_JSON)
    {
      g_value_set_boxed (value, json);
      return TRUE;
    }
  if (kind == ZU_JSON_KIND_STRING)
    return set_from_text (value, zu_json_get_string (json, NULL));
  if (kind == ZU_JSON_KIND_ARRAY)
    return type == G_TYPE_STRV && set_from_array (value, json);
  if (kind == ZU_JSON_KIND_NULL)
    return type == G_TYPE_STRING || type == G_TYPE_STRV; /* as it is: none */
  if (kind == ZU_JSON_KIND_OBJECT || type == G_TYPE_STRING || type == G_TYPE_STRV
      || G_TYPE_IS_ENUM (type) || (kind == ZU_JSON_KIND_BOOLEAN) != (type == G_TYPE_BOOLEAN))
    return FALSE;
  text = zu_json_to_string (json);
  return set_from_text (value, text);
}

static gboolean
finish_value (ZuOptions *self, GParamSpec *pspec, const char *name, GValue *value,
              gboolean converted, GError **error)
{
  if (!converted)
    {
      g_autofree char *why =
          g_strdup_printf ("wants a value of type %s", g_type_name (pspec->value_type));

      return refuse (self, name, why, error);
    }
  if (!g_param_value_is_valid (pspec, value))
    return refuse (self, name, "has a value out of its range", error);
  take_value (self, pspec, value);
  return TRUE;
}

/* Adds a value given as JSON. */
gboolean
zu_options_add_json (ZuOptions *self, const char *name, ZuJson *json, GError **error)
{
  GParamSpec *pspec = find_property (self, name, error);
  g_auto (GValue) value = G_VALUE_INIT;

  if (pspec == NULL)
    return FALSE;
  g_value_init (&value, pspec->value_type);
  return finish_value (self, pspec, name, &value, set_from_json (&value, json), error);
}

/* Adds a value given as text. */
gboolean
zu_options_add_text (ZuOptions *self, const char *name, const char *text, GError **error)
{
  GParamSpec *pspec = find_property (self, name, error);
  g_auto (GValue) value = G_VALUE_INIT;

  if (pspec == NULL)
    return FALSE;
  g_value_init (&value, pspec->value_type);
  return finish_value (self, pspec, name, &value, set_from_text (&value, text), error);
}

/* Adds each member of an object. */
gboolean
zu_options_add_all (ZuOptions *self, ZuJson *object, GError **error)
{
  if (zu_json_get_kind (object) != ZU_JSON_KIND_OBJECT)
    {
      g_set_error (error, ZU_REGISTRY_ERROR, ZU_REGISTRY_ERROR_BAD_OPTION,
                   "%s: the options are no JSON object", self->plugin);
      return FALSE;
    }
  for (gsize i = 0; i < zu_json_get_size (object); i++)
    {
      const char *name = zu_json_get_member_name (object, i, NULL);
      g_autoptr (ZuJson) value = zu_json_dup_member (object, name);

      if (!zu_options_add_json (self, name, value, error))
        return FALSE;
    }
  return TRUE;
}

/* Makes the object, and initialises it where that is another step. */
GObject *
zu_options_construct (ZuOptions *self, GCancellable *cancellable, GError **error)
{
  g_autoptr (GObject) object = NULL;

  if (G_TYPE_IS_ABSTRACT (G_OBJECT_CLASS_TYPE (self->klass)))
    {
      g_set_error (error, ZU_REGISTRY_ERROR, ZU_REGISTRY_ERROR_LOAD_FAILED,
                   "%s: the type %s is abstract", self->plugin, G_OBJECT_CLASS_NAME (self->klass));
      return NULL;
    }
  object = g_object_new_with_properties (G_OBJECT_CLASS_TYPE (self->klass), self->names->len,
                                         (const char **) self->names->pdata,
                                         (const GValue *) self->values->data);
  if (g_object_is_floating (object))
    g_object_ref_sink (object);
  if (G_IS_INITABLE (object) && !g_initable_init (G_INITABLE (object), cancellable, error))
    return NULL;
  return g_steal_pointer (&object);
}
