/* SPDX-License-Identifier: Apache-2.0 */

#include "zu-field.h"

static GType
element_gtype (const ZuField *field)
{
  switch (field->kind)
    {
    case ZU_FIELD_KIND_STRING:
      return G_TYPE_STRING;
    case ZU_FIELD_KIND_BOOLEAN:
      return G_TYPE_BOOLEAN;
    case ZU_FIELD_KIND_INT32:
    case ZU_FIELD_KIND_FD:
      return G_TYPE_INT;
    case ZU_FIELD_KIND_UINT32:
      return G_TYPE_UINT;
    case ZU_FIELD_KIND_INT64:
      return G_TYPE_INT64;
    case ZU_FIELD_KIND_UINT64:
      return G_TYPE_UINT64;
    case ZU_FIELD_KIND_DOUBLE:
      return G_TYPE_DOUBLE;
    case ZU_FIELD_KIND_BYTES:
      return G_TYPE_BYTES;
    case ZU_FIELD_KIND_JSON:
      return ZU_TYPE_JSON;
    case ZU_FIELD_KIND_ENUM:
    case ZU_FIELD_KIND_RECORD:
    case ZU_FIELD_KIND_EXTERNAL:
    case ZU_FIELD_KIND_PORT:
      return field->get_type ();
    default:
      g_return_val_if_reached (G_TYPE_INVALID);
    }
}

/**
 * zu_field_get_gtype: (skip)
 * @field: a field
 *
 * Gives the type of a #GValue that holds a value of @field.
 *
 * Returns: the type of a #GValue that holds a value of @field
 */
GType
zu_field_get_gtype (const ZuField *field)
{
  if (!field->is_array)
    return element_gtype (field);

  return field->kind == ZU_FIELD_KIND_STRING ? G_TYPE_STRV : G_TYPE_PTR_ARRAY;
}

static gint64
default_int64 (const ZuField *field)
{
  return field->default_json != NULL ? g_ascii_strtoll (field->default_json, NULL, 10) : 0;
}

static guint64
default_uint64 (const ZuField *field)
{
  return field->default_json != NULL ? g_ascii_strtoull (field->default_json, NULL, 10) : 0;
}

static char *
dup_default_text (const ZuField *field)
{
  g_autoptr (ZuJson) json =
      field->default_json != NULL ? zu_json_parse (field->default_json, -1, NULL) : NULL;

  return json != NULL ? g_strdup (zu_json_get_string (json, NULL)) : NULL;
}

static int
default_enum (const ZuField *field, GType type)
{
  g_autoptr (GEnumClass) klass = g_type_class_ref (type);
  g_autofree char *nick = dup_default_text (field);
  GEnumValue *value = NULL;

  if (nick != NULL)
    value = g_enum_get_value_by_nick (klass, nick);

  return value != NULL ? value->value : klass->minimum;
}

/**
 * zu_field_create_pspec: (skip)
 * @field: a field
 * @flags: the flags of the property
 *
 * Describes @field as a property, named with dashes.
 *
 * Returns: (transfer floating): the specification
 */
GParamSpec *
zu_field_create_pspec (const ZuField *field, GParamFlags flags)
{
  g_autofree char *name = g_strdelimit (g_strdup (field->name), "_", '-');
  GType type = zu_field_get_gtype (field);
  const char *text = field->default_json;
  g_autofree char *default_text = NULL;

  if (G_TYPE_IS_ENUM (type))
    return g_param_spec_enum (name, NULL, field->brief, type, default_enum (field, type), flags);
  if (G_TYPE_IS_OBJECT (type) || G_TYPE_IS_INTERFACE (type))
    return g_param_spec_object (name, NULL, field->brief, type, flags);

  switch (type)
    {
    case G_TYPE_STRING:
      default_text = dup_default_text (field);
      return g_param_spec_string (name, NULL, field->brief, default_text, flags);
    case G_TYPE_BOOLEAN:
      return g_param_spec_boolean (name, NULL, field->brief, g_strcmp0 (text, "true") == 0, flags);
    case G_TYPE_INT:
      return g_param_spec_int (name, NULL, field->brief, G_MININT, G_MAXINT,
                               (int) default_int64 (field), flags);
    case G_TYPE_UINT:
      return g_param_spec_uint (name, NULL, field->brief, 0, G_MAXUINT,
                                (guint) default_uint64 (field), flags);
    case G_TYPE_INT64:
      return g_param_spec_int64 (name, NULL, field->brief, G_MININT64, G_MAXINT64,
                                 default_int64 (field), flags);
    case G_TYPE_UINT64:
      return g_param_spec_uint64 (name, NULL, field->brief, 0, G_MAXUINT64, default_uint64 (field),
                                  flags);
    case G_TYPE_DOUBLE:
      return g_param_spec_double (name, NULL, field->brief, -G_MAXDOUBLE, G_MAXDOUBLE,
                                  text != NULL ? g_ascii_strtod (text, NULL) : 0, flags);
    default:
      return g_param_spec_boxed (name, NULL, field->brief, type, flags);
    }
}

/**
 * zu_values_clear: (skip)
 * @values: (array length=n_values): values, initialised or zeroed
 * @n_values: how many
 *
 * Unsets each value that was initialised.
 */
void
zu_values_clear (GValue *values, guint n_values)
{
  for (guint i = 0; i < n_values; i++)
    if (G_IS_VALUE (&values[i]))
      g_value_unset (&values[i]);
}
