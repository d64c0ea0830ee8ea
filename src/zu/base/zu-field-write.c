/* SPDX-License-Identifier: Apache-2.0 */

#include "zu-field.h"

#include "../event/zu-event.h"
#include "../event/zu-filter.h"
#include "zu-field-private.h"
#include "zu-record.h"

/* The builder's own whole numbers end at 63 bits. */
void
zu_json_builder_add_digits (ZuJsonBuilder *builder, guint64 number)
{
  g_autofree char *digits = g_strdup_printf ("%" G_GUINT64_FORMAT, number);
  g_autoptr (ZuJson) json = zu_json_parse (digits, -1, NULL);

  zu_json_builder_add_json (builder, json);
}

static void
add_text (ZuJsonBuilder *builder, const char *text)
{
  if (text != NULL)
    zu_json_builder_add_string (builder, text);
  else
    zu_json_builder_add_null (builder);
}

static void
write_object (GObject *object, ZuJsonBuilder *builder)
{
  g_autoptr (ZuJson) json = NULL;

  if (ZU_IS_EVENT (object))
    json = zu_event_to_json (ZU_EVENT (object));
  else if (ZU_IS_RECORD (object))
    json = zu_record_to_json (ZU_RECORD (object));

  if (json != NULL)
    zu_json_builder_add_json (builder, json);
  else
    zu_json_builder_add_null (builder);
}

static void
write_boxed (const ZuField *field, gpointer boxed, ZuJsonBuilder *builder)
{
  g_autoptr (ZuJson) json = NULL;
  g_autofree char *text = NULL;
  gsize size;

  if (boxed == NULL)
    {
      zu_json_builder_add_null (builder);
      return;
    }

  switch (field->kind)
    {
    case ZU_FIELD_KIND_JSON:
      zu_json_builder_add_json (builder, boxed);
      return;
    case ZU_FIELD_KIND_BYTES:
      text = g_base64_encode (g_bytes_get_data (boxed, &size), g_bytes_get_size (boxed));
      zu_json_builder_add_string (builder, text);
      return;
    default:
      if (zu_field_get_gtype (field) != ZU_TYPE_FILTER)
        {
          zu_json_builder_add_null (builder);
          return;
        }
      json = zu_filter_to_json (boxed);
      zu_json_builder_add_json (builder, json);
    }
}

static void
write_enum (const ZuField *field, int number, ZuJsonBuilder *builder)
{
  g_autoptr (GEnumClass) klass = g_type_class_ref (field->get_type ());
  GEnumValue *found = g_enum_get_value (klass, number);

  add_text (builder, found != NULL ? found->value_nick : NULL);
}

static void
write_array (const ZuField *field, const GValue *value, ZuJsonBuilder *builder)
{
  gpointer boxed = g_value_get_boxed (value);

  if (boxed == NULL)
    {
      zu_json_builder_add_null (builder);
      return;
    }

  zu_json_builder_begin_array (builder);
  if (field->kind == ZU_FIELD_KIND_STRING)
    for (char **item = boxed; *item != NULL; item++)
      zu_json_builder_add_string (builder, *item);
  else
    for (guint i = 0; i < ((GPtrArray *) boxed)->len; i++)
      write_object (g_ptr_array_index ((GPtrArray *) boxed, i), builder);
  zu_json_builder_end_array (builder);
}

/**
 * zu_field_to_json: (skip)
 * @field: a field
 * @value: a value of it
 * @builder: where the JSON goes
 *
 * Writes a value of @field as JSON. What crosses no wire (a descriptor, a secret, a port) is
 * written as null.
 */
void
zu_field_to_json (const ZuField *field, const GValue *value, ZuJsonBuilder *builder)
{
  if (field->is_array)
    {
      write_array (field, value, builder);
      return;
    }

  switch (field->kind)
    {
    case ZU_FIELD_KIND_STRING:
      add_text (builder, g_value_get_string (value));
      break;
    case ZU_FIELD_KIND_BOOLEAN:
      zu_json_builder_add_boolean (builder, g_value_get_boolean (value));
      break;
    case ZU_FIELD_KIND_INT32:
      zu_json_builder_add_int64 (builder, g_value_get_int (value));
      break;
    case ZU_FIELD_KIND_UINT32:
      zu_json_builder_add_int64 (builder, g_value_get_uint (value));
      break;
    case ZU_FIELD_KIND_INT64:
      zu_json_builder_add_int64 (builder, g_value_get_int64 (value));
      break;
    case ZU_FIELD_KIND_UINT64:
      zu_json_builder_add_digits (builder, g_value_get_uint64 (value));
      break;
    case ZU_FIELD_KIND_DOUBLE:
      zu_json_builder_add_double (builder, g_value_get_double (value));
      break;
    case ZU_FIELD_KIND_ENUM:
      write_enum (field, g_value_get_enum (value), builder);
      break;
    case ZU_FIELD_KIND_RECORD:
      write_object (g_value_get_object (value), builder);
      break;
    case ZU_FIELD_KIND_BYTES:
    case ZU_FIELD_KIND_JSON:
      write_boxed (field, g_value_get_boxed (value), builder);
      break;
    case ZU_FIELD_KIND_EXTERNAL:
      if (G_VALUE_HOLDS_OBJECT (value))
        write_object (g_value_get_object (value), builder);
      else
        write_boxed (field, g_value_get_boxed (value), builder);
      break;
    case ZU_FIELD_KIND_FD:
    case ZU_FIELD_KIND_PORT:
    default:
      zu_json_builder_add_null (builder);
    }
}

/**
 * zu_fields_to_json: (skip)
 * @fields: (array length=n_fields): the fields
 * @n_fields: how many
 * @values: (array length=n_fields): a value of each
 * @builder: where the object goes
 *
 * Writes values as one object, in the order of @fields.
 */
void
zu_fields_to_json (const ZuField *fields, guint n_fields, const GValue *values,
                   ZuJsonBuilder *builder)
{
  zu_json_builder_begin_object (builder);
  for (guint i = 0; i < n_fields; i++)
    {
      zu_json_builder_set_member (builder, fields[i].name);
      zu_field_to_json (&fields[i], &values[i], builder);
    }
  zu_json_builder_end_object (builder);
}
