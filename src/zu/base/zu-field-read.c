/* SPDX-License-Identifier: Apache-2.0 */

#include "zu-field.h"

#include "../event/zu-event.h"
#include "../event/zu-filter.h"
#include "zu-record.h"

static gboolean
fail_kind (const ZuField *field, const char *wanted, GError **error)
{
  g_set_error (error, G_IO_ERROR, G_IO_ERROR_INVALID_ARGUMENT, "'%s' must be %s%s", field->name,
               field->is_array ? "an array of " : "", wanted);
  return FALSE;
}

static gboolean
read_integer (const ZuField *field, ZuJson *json, gint64 min, gint64 max, gint64 *number,
              GError **error)
{
  if (zu_json_get_kind (json) != ZU_JSON_KIND_INTEGER || !zu_json_get_int64 (json, number)
      || *number < min || *number > max)
    {
      g_set_error (error, G_IO_ERROR, G_IO_ERROR_INVALID_ARGUMENT,
                   "'%s' must be a whole number from %" G_GINT64_FORMAT " to %" G_GINT64_FORMAT,
                   field->name, min, max);
      return FALSE;
    }

  return TRUE;
}

/* The upper half of the range is past what JSON's reader gives as a number. */
static gboolean
read_uint64 (const ZuField *field, ZuJson *json, GValue *value, GError **error)
{
  g_autofree char *digits = zu_json_to_string (json);
  guint64 number;

  if (zu_json_get_kind (json) != ZU_JSON_KIND_INTEGER
      || !g_ascii_string_to_unsigned (digits, 10, 0, G_MAXUINT64, &number, NULL))
    {
      g_set_error (error, G_IO_ERROR, G_IO_ERROR_INVALID_ARGUMENT,
                   "'%s' must be a whole number from 0 to %" G_GUINT64_FORMAT, field->name,
                   G_MAXUINT64);
      return FALSE;
    }

  g_value_set_uint64 (value, number);
  return TRUE;
}

/* A text that crosses the API as a C string must not hide anything behind a NUL. */
static const char *
read_text (const ZuField *field, ZuJson *json, GError **error)
{
  gsize length;
  const char *text;

  if (zu_json_get_kind (json) != ZU_JSON_KIND_STRING)
    {
      fail_kind (field, "text", error);
      return NULL;
    }

  text = zu_json_get_string (json, &length);
  if (strlen (text) != length)
    {
      fail_kind (field, "text without U+0000", error);
      return NULL;
    }

  return text;
}

static gboolean
read_bytes (const ZuField *field, ZuJson *json, GValue *value, GError **error)
{
  const char *text = read_text (field, json, error);
  g_autofree guchar *data = NULL;
  gsize size;

  if (text == NULL)
    return FALSE;
  if (strlen (text) % 4 != 0
      || strspn (text, "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/=")
             != strlen (text))
    return fail_kind (field, "bytes in base64", error);

  data = g_base64_decode (text, &size);
  g_value_take_boxed (value, g_bytes_new_take (g_steal_pointer (&data), size));
  return TRUE;
}

static gboolean
read_enum (const ZuField *field, ZuJson *json, GValue *value, GError **error)
{
  const char *text = read_text (field, json, error);
  g_autoptr (GEnumClass) klass = NULL;
  GEnumValue *found;

  if (text == NULL)
    return FALSE;

  klass = g_type_class_ref (field->get_type ());
  found = g_enum_get_value_by_nick (klass, text);
  if (found == NULL)
    {
      g_autoptr (GString) names = g_string_new (NULL);

      for (guint i = 0; i < klass->n_values; i++)
        g_string_append_printf (names, "%s%s", i == 0 ? "" : ", ", klass->values[i].value_nick);
      return fail_kind (field, names->str, error);
    }

  g_value_set_enum (value, found->value);
  return TRUE;
}

/* The hand-written types that ports carry over a wire. */
static gboolean
read_external (const ZuField *field, ZuJson *json, GValue *value, GError **error)
{
  GType type = field->get_type ();

  if (type == ZU_TYPE_EVENT)
    {
      g_autofree char *text = zu_json_to_string (json);

      g_value_take_object (value, zu_event_new_from_json (text, -1, error));
      return g_value_get_object (value) != NULL;
    }
  if (type == ZU_TYPE_FILTER)
    {
      g_value_take_boxed (value, zu_filter_new_from_json (json, error));
      return g_value_get_boxed (value) != NULL;
    }

  return fail_kind (field, "something that crosses no wire", error);
}

static gboolean
read_record (const ZuField *field, ZuJson *json, GValue *value, GError **error)
{
  ZuRecord *record = zu_record_new_from_json (field->get_type (), json, error);

  if (record == NULL)
    {
      g_prefix_error (error, "in '%s': ", field->name);
      return FALSE;
    }

  g_value_take_object (value, record);
  return TRUE;
}

static gboolean
read_element (const ZuField *field, ZuJson *json, GValue *value, GError **error)
{
  gint64 number;
  const char *text;

  switch (field->kind)
    {
    case ZU_FIELD_KIND_STRING:
      text = read_text (field, json, error);
      g_value_set_string (value, text);
      return text != NULL;
    case ZU_FIELD_KIND_BOOLEAN:
      if (zu_json_get_kind (json) != ZU_JSON_KIND_BOOLEAN)
        return fail_kind (field, "true or false", error);
      g_value_set_boolean (value, zu_json_get_boolean (json));
      return TRUE;
    case ZU_FIELD_KIND_INT32:
      if (!read_integer (field, json, G_MININT32, G_MAXINT32, &number, error))
        return FALSE;
      g_value_set_int (value, (int) number);
      return TRUE;
    case ZU_FIELD_KIND_UINT32:
      if (!read_integer (field, json, 0, G_MAXUINT32, &number, error))
        return FALSE;
      g_value_set_uint (value, (guint) number);
      return TRUE;
    case ZU_FIELD_KIND_INT64:
      if (!read_integer (field, json, G_MININT64, G_MAXINT64, &number, error))
        return FALSE;
      g_value_set_int64 (value, number);
      return TRUE;
    case ZU_FIELD_KIND_UINT64:
      return read_uint64 (field, json, value, error);
    case ZU_FIELD_KIND_DOUBLE:
      if (zu_json_get_kind (json) != ZU_JSON_KIND_FLOAT
          && zu_json_get_kind (json) != ZU_JSON_KIND_INTEGER)
        return fail_kind (field, "a number", error);
      g_value_set_double (value, zu_json_get_double (json));
      return TRUE;
    case ZU_FIELD_KIND_BYTES:
      return read_bytes (field, json, value, error);
    case ZU_FIELD_KIND_JSON:
      g_value_set_boxed (value, json);
      return TRUE;
    case ZU_FIELD_KIND_ENUM:
      return read_enum (field, json, value, error);
    case ZU_FIELD_KIND_RECORD:
      return read_record (field, json, value, error);
    case ZU_FIELD_KIND_EXTERNAL:
      return read_external (field, json, value, error);
    case ZU_FIELD_KIND_FD:
    case ZU_FIELD_KIND_PORT:
    default:
      return fail_kind (field, "something that crosses no wire", error);
    }
}

static gboolean
read_strv (const ZuField *field, ZuJson *json, GValue *value, GError **error)
{
  g_autoptr (GStrvBuilder) builder = g_strv_builder_new ();

  for (gsize i = 0; i < zu_json_get_size (json); i++)
    {
      g_autoptr (ZuJson) element = zu_json_dup_element (json, i);
      const char *text = read_text (field, element, error);

      if (text == NULL)
        return FALSE;
      g_strv_builder_add (builder, text);
    }

  g_value_take_boxed (value, g_strv_builder_end (builder));
  return TRUE;
}

static gboolean
read_objects (const ZuField *field, ZuJson *json, GValue *value, GError **error)
{
  g_autoptr (GPtrArray) array = g_ptr_array_new_with_free_func (g_object_unref);

  for (gsize i = 0; i < zu_json_get_size (json); i++)
    {
      g_autoptr (ZuJson) element = zu_json_dup_element (json, i);
      g_auto (GValue) item = G_VALUE_INIT;

      g_value_init (&item, field->get_type ());
      if (!read_element (field, element, &item, error))
        return FALSE;
      g_ptr_array_add (array, g_value_dup_object (&item));
    }

  g_value_take_boxed (value, g_steal_pointer (&array));
  return TRUE;
}

/**
 * zu_field_from_json: (skip)
 * @field: a field
 * @json: a value
 * @value: an initialised #GValue of the field's type, which is set
 * @error: return location for an error, or %NULL
 *
 * Reads a value of @field. Fails with %G_IO_ERROR_INVALID_ARGUMENT, naming the field, where @json
 * is not one.
 *
 * Returns: whether @value was set
 */
gboolean
zu_field_from_json (const ZuField *field, ZuJson *json, GValue *value, GError **error)
{
  /* Null is a value of a JSON field like any other, unless it says that there is none. */
  if (zu_json_get_kind (json) == ZU_JSON_KIND_NULL
      && (field->kind != ZU_FIELD_KIND_JSON || field->is_nullable))
    return field->is_nullable || fail_kind (field, "something other than null", error);
  if (!field->is_array)
    return read_element (field, json, value, error);
  if (zu_json_get_kind (json) != ZU_JSON_KIND_ARRAY)
    {
      g_set_error (error, G_IO_ERROR, G_IO_ERROR_INVALID_ARGUMENT, "'%s' must be an array",
                   field->name);
      return FALSE;
    }

  return field->kind == ZU_FIELD_KIND_STRING ? read_strv (field, json, value, error)
                                             : read_objects (field, json, value, error);
}

static const ZuField *
find_field (const ZuField *fields, guint n_fields, const char *name, gsize length)
{
  for (guint i = 0; i < n_fields; i++)
    if (strlen (fields[i].name) == length && memcmp (fields[i].name, name, length) == 0)
      return &fields[i];

  return NULL;
}

static gboolean
check_keys (const ZuField *fields, guint n_fields, ZuJson *object, GError **error)
{
  for (gsize i = 0; i < zu_json_get_size (object); i++)
    {
      gsize length;
      const char *name = zu_json_get_member_name (object, i, &length);

      if (find_field (fields, n_fields, name, length) == NULL)
        {
          g_autofree char *shown = g_strescape (name, NULL);

          g_set_error (error, G_IO_ERROR, G_IO_ERROR_INVALID_ARGUMENT, "unknown key '%s'", shown);
          return FALSE;
        }
    }

  return TRUE;
}

static gboolean
read_default (const ZuField *field, GValue *value, GError **error)
{
  g_autoptr (ZuJson) json = NULL;

  if (field->default_json != NULL)
    {
      json = zu_json_parse (field->default_json, -1, error);
      return json != NULL && zu_field_from_json (field, json, value, error);
    }
  if (field->is_nullable)
    return TRUE;

  g_set_error (error, G_IO_ERROR, G_IO_ERROR_INVALID_ARGUMENT, "'%s' is missing", field->name);
  return FALSE;
}

/**
 * zu_fields_from_json: (skip)
 * @fields: (array length=n_fields): the fields
 * @n_fields: how many
 * @object: (nullable): a JSON object; %NULL is an empty one
 * @values: (array length=n_fields): zeroed values, which are initialised and set
 * @error: return location for an error, or %NULL
 *
 * Reads an object whose members are @fields: defaults are filled in, an unknown key, a missing one
 * and one of the wrong kind are refused by name with %G_IO_ERROR_INVALID_ARGUMENT. The caller
 * clears @values with zu_values_clear() in either case.
 *
 * Returns: whether all was read
 */
gboolean
zu_fields_from_json (const ZuField *fields, guint n_fields, ZuJson *object, GValue *values,
                     GError **error)
{
  for (guint i = 0; i < n_fields; i++)
    g_value_init (&values[i], zu_field_get_gtype (&fields[i]));

  if (object != NULL && zu_json_get_kind (object) != ZU_JSON_KIND_OBJECT)
    {
      g_set_error_literal (error, G_IO_ERROR, G_IO_ERROR_INVALID_ARGUMENT, "must be an object");
      return FALSE;
    }
  if (object != NULL && !check_keys (fields, n_fields, object, error))
    return FALSE;

  for (guint i = 0; i < n_fields; i++)
    {
      g_autoptr (ZuJson) member =
          object != NULL ? zu_json_dup_member (object, fields[i].name) : NULL;

      if (member == NULL ? !read_default (&fields[i], &values[i], error)
                         : !zu_field_from_json (&fields[i], member, &values[i], error))
        return FALSE;
    }

  return TRUE;
}
