/* SPDX-License-Identifier: Apache-2.0 */

#include "zu-dbus-value-private.h"

#include "../base/zu-field-private.h"
#include "../base/zu-record.h"

/* Exact values cross as JSON text: D-Bus has no null and no number past 64 bits. */
static GVariant *
text_from_json (ZuJson *json)
{
  return g_variant_new_take_string (json != NULL ? zu_json_to_string (json) : g_strdup (""));
}

static GVariant *
bytes_from_json (ZuJson *json)
{
  gsize size = 0;
  g_autofree guchar *data =
      json != NULL ? g_base64_decode (zu_json_get_string (json, NULL), &size) : NULL;

  return g_variant_new_fixed_array (G_VARIANT_TYPE_BYTE, data, size, 1);
}

static GVariant *
number_from_json (const ZuField *field, ZuJson *json)
{
  g_autofree char *digits = json != NULL ? zu_json_to_string (json) : g_strdup ("0");
  gint64 number = g_ascii_strtoll (digits, NULL, 10);

  switch (field->kind)
    {
    case ZU_FIELD_KIND_INT32:
      return g_variant_new_int32 ((gint32) number);
    case ZU_FIELD_KIND_UINT32:
      return g_variant_new_uint32 ((guint32) number);
    case ZU_FIELD_KIND_UINT64:
      return g_variant_new_uint64 (g_ascii_strtoull (digits, NULL, 10));
    default:
      return g_variant_new_int64 (number);
    }
}

static GVariant *
array_from_json (const ZuField *field, ZuJson *json)
{
  g_auto (GVariantBuilder) builder = G_VARIANT_BUILDER_INIT (
      field->kind == ZU_FIELD_KIND_RECORD ? G_VARIANT_TYPE ("aa{sv}") : G_VARIANT_TYPE ("as"));

  for (gsize i = 0; json != NULL && i < zu_json_get_size (json); i++)
    {
      g_autoptr (ZuJson) element = zu_json_dup_element (json, i);

      if (field->kind == ZU_FIELD_KIND_STRING)
        g_variant_builder_add (&builder, "s", zu_json_get_string (element, NULL));
      else if (field->kind == ZU_FIELD_KIND_RECORD)
        g_variant_builder_add_value (&builder, zu_dbus_record_from_json (field, element));
      else
        g_variant_builder_add_value (&builder, text_from_json (element));
    }

  return g_variant_builder_end (&builder);
}

/* Returns a floating variant of the field's own type; what is null is empty. */
static GVariant *
field_from_json (const ZuField *field, ZuJson *json)
{
  if (json != NULL && zu_json_get_kind (json) == ZU_JSON_KIND_NULL
      && (field->kind != ZU_FIELD_KIND_JSON || field->is_nullable))
    json = NULL;
  if (field->is_array)
    return array_from_json (field, json);

  switch (field->kind)
    {
    case ZU_FIELD_KIND_STRING:
    case ZU_FIELD_KIND_ENUM:
      return g_variant_new_string (json != NULL ? zu_json_get_string (json, NULL) : "");
    case ZU_FIELD_KIND_BOOLEAN:
      return g_variant_new_boolean (json != NULL && zu_json_get_boolean (json));
    case ZU_FIELD_KIND_DOUBLE:
      return g_variant_new_double (json != NULL ? zu_json_get_double (json) : 0);
    case ZU_FIELD_KIND_BYTES:
      return bytes_from_json (json);
    case ZU_FIELD_KIND_JSON:
    case ZU_FIELD_KIND_EXTERNAL:
      return text_from_json (json);
    case ZU_FIELD_KIND_RECORD:
      return zu_dbus_record_from_json (field, json);
    default:
      return number_from_json (field, json);
    }
}

/* A record as a dictionary; a member that is null is left out. */
GVariant *
zu_dbus_record_from_json (const ZuField *field, ZuJson *json)
{
  g_autoptr (ZuRecordClass) klass = g_type_class_ref (field->get_type ());
  g_auto (GVariantBuilder) builder = G_VARIANT_BUILDER_INIT (G_VARIANT_TYPE_VARDICT);

  for (guint i = 0; json != NULL && i < klass->n_fields; i++)
    {
      const ZuField *own = &klass->fields[i];
      g_autoptr (ZuJson) member = zu_json_dup_member (json, own->name);

      if (member == NULL || (own->is_nullable && zu_json_get_kind (member) == ZU_JSON_KIND_NULL))
        continue;
      g_variant_builder_add (&builder, "{sv}", own->name, field_from_json (own, member));
    }

  return g_variant_builder_end (&builder);
}

/* The object was made from the fields, so each member is there and of its kind. */
GVariant *
zu_dbus_tuple_from_json (const ZuField *fields, guint n_fields, ZuJson *object)
{
  g_auto (GVariantBuilder) builder = G_VARIANT_BUILDER_INIT (G_VARIANT_TYPE_TUPLE);

  for (guint i = 0; i < n_fields; i++)
    {
      g_autoptr (ZuJson) member =
          object != NULL ? zu_json_dup_member (object, fields[i].name) : NULL;

      g_variant_builder_add_value (&builder, field_from_json (&fields[i], member));
    }

  return g_variant_builder_end (&builder);
}

static void variant_to_json (GVariant *variant, ZuJsonBuilder *builder);

static void
container_to_json (GVariant *variant, ZuJsonBuilder *builder)
{
  gboolean is_object = g_variant_is_of_type (variant, G_VARIANT_TYPE_VARDICT);
  GVariantIter iter;
  GVariant *child;

  if (is_object)
    zu_json_builder_begin_object (builder);
  else
    zu_json_builder_begin_array (builder);

  g_variant_iter_init (&iter, variant);
  while ((child = g_variant_iter_next_value (&iter)) != NULL)
    {
      g_autoptr (GVariant) owned = child;

      if (is_object)
        {
          const char *key;
          g_autoptr (GVariant) value = NULL;

          g_variant_get (owned, "{&sv}", &key, &value);
          zu_json_builder_set_member (builder, key);
          variant_to_json (value, builder);
        }
      else
        variant_to_json (owned, builder);
    }

  if (is_object)
    zu_json_builder_end_object (builder);
  else
    zu_json_builder_end_array (builder);
}

static void
bytes_to_json (GVariant *variant, ZuJsonBuilder *builder)
{
  gsize size;
  gconstpointer data = g_variant_get_fixed_array (variant, &size, 1);
  g_autofree char *text = g_base64_encode (data, size);

  zu_json_builder_add_string (builder, text);
}

static void
variant_to_json (GVariant *variant, ZuJsonBuilder *builder)
{
  g_autoptr (GVariant) inner = NULL;

  switch (g_variant_classify (variant))
    {
    case G_VARIANT_CLASS_BOOLEAN:
      zu_json_builder_add_boolean (builder, g_variant_get_boolean (variant));
      return;
    case G_VARIANT_CLASS_BYTE:
      zu_json_builder_add_int64 (builder, g_variant_get_byte (variant));
      return;
    case G_VARIANT_CLASS_INT16:
      zu_json_builder_add_int64 (builder, g_variant_get_int16 (variant));
      return;
    case G_VARIANT_CLASS_UINT16:
      zu_json_builder_add_int64 (builder, g_variant_get_uint16 (variant));
      return;
    case G_VARIANT_CLASS_INT32:
      zu_json_builder_add_int64 (builder, g_variant_get_int32 (variant));
      return;
    case G_VARIANT_CLASS_UINT32:
      zu_json_builder_add_int64 (builder, g_variant_get_uint32 (variant));
      return;
    case G_VARIANT_CLASS_INT64:
      zu_json_builder_add_int64 (builder, g_variant_get_int64 (variant));
      return;
    case G_VARIANT_CLASS_UINT64:
      zu_json_builder_add_digits (builder, g_variant_get_uint64 (variant));
      return;
    case G_VARIANT_CLASS_DOUBLE:
      zu_json_builder_add_double (builder, g_variant_get_double (variant));
      return;
    case G_VARIANT_CLASS_STRING:
    case G_VARIANT_CLASS_OBJECT_PATH:
    case G_VARIANT_CLASS_SIGNATURE:
      zu_json_builder_add_string (builder, g_variant_get_string (variant, NULL));
      return;
    case G_VARIANT_CLASS_VARIANT:
      inner = g_variant_get_variant (variant);
      variant_to_json (inner, builder);
      return;
    case G_VARIANT_CLASS_ARRAY:
      if (g_variant_is_of_type (variant, G_VARIANT_TYPE_BYTESTRING))
        bytes_to_json (variant, builder);
      else
        container_to_json (variant, builder);
      return;
    case G_VARIANT_CLASS_TUPLE:
    case G_VARIANT_CLASS_DICT_ENTRY:
      container_to_json (variant, builder);
      return;
    case G_VARIANT_CLASS_HANDLE:
    case G_VARIANT_CLASS_MAYBE:
    default:
      zu_json_builder_add_null (builder);
    }
}

static gboolean
parse_text (const ZuField *field, GVariant *value, ZuJsonBuilder *builder, GError **error)
{
  g_autoptr (ZuJson) json = zu_json_parse (g_variant_get_string (value, NULL), -1, error);

  if (json == NULL)
    {
      g_prefix_error (error, "'%s' is not JSON: ", field->name);
      return FALSE;
    }

  zu_json_builder_add_json (builder, json);
  return TRUE;
}

/* One value, or one element of an array. What is not of the field's type is refused later on. */
static gboolean
add_single (const ZuField *field, GVariant *value, ZuJsonBuilder *builder, GError **error)
{
  if (field->kind == ZU_FIELD_KIND_RECORD && g_variant_is_of_type (value, G_VARIANT_TYPE_VARDICT))
    return zu_dbus_record_to_json (field, value, builder, error);
  if ((field->kind == ZU_FIELD_KIND_JSON || field->kind == ZU_FIELD_KIND_EXTERNAL)
      && g_variant_is_of_type (value, G_VARIANT_TYPE_STRING))
    return parse_text (field, value, builder, error);

  variant_to_json (value, builder);
  return TRUE;
}

/* "", empty arrays and empty dictionaries stand for null where null is allowed. */
static gboolean
is_null (const ZuField *field, GVariant *value)
{
  if (!field->is_nullable)
    return FALSE;
  if (g_variant_is_of_type (value, G_VARIANT_TYPE_STRING))
    return *g_variant_get_string (value, NULL) == '\0';

  return g_variant_is_container (value) && g_variant_n_children (value) == 0;
}

static gboolean
add_value (const ZuField *field, GVariant *value, ZuJsonBuilder *builder, GError **error)
{
  if (is_null (field, value))
    {
      zu_json_builder_add_null (builder);
      return TRUE;
    }
  if (!field->is_array || !g_variant_is_of_type (value, G_VARIANT_TYPE_ARRAY))
    return add_single (field, value, builder, error);

  zu_json_builder_begin_array (builder);
  for (gsize i = 0; i < g_variant_n_children (value); i++)
    {
      g_autoptr (GVariant) child = g_variant_get_child_value (value, i);
      g_autoptr (GVariant) inner = g_variant_is_of_type (child, G_VARIANT_TYPE_VARIANT)
                                       ? g_variant_get_variant (child)
                                       : g_variant_ref (child);

      if (!add_single (field, inner, builder, error))
        return FALSE;
    }
  zu_json_builder_end_array (builder);

  return TRUE;
}

/* A key that the record does not have is passed on as it is, to be refused by name. */
gboolean
zu_dbus_record_to_json (const ZuField *field, GVariant *dict, ZuJsonBuilder *builder,
                        GError **error)
{
  g_autoptr (ZuRecordClass) klass = g_type_class_ref (field->get_type ());
  GVariantIter iter;
  const char *key;
  GVariant *child;

  zu_json_builder_begin_object (builder);
  g_variant_iter_init (&iter, dict);
  while (g_variant_iter_next (&iter, "{&sv}", &key, &child))
    {
      g_autoptr (GVariant) value = child;
      const ZuField *own = NULL;

      for (guint i = 0; own == NULL && i < klass->n_fields; i++)
        if (strcmp (klass->fields[i].name, key) == 0)
          own = &klass->fields[i];

      zu_json_builder_set_member (builder, key);
      if (own == NULL)
        variant_to_json (value, builder);
      else if (!add_value (own, value, builder, error))
        return FALSE;
    }
  zu_json_builder_end_object (builder);

  return TRUE;
}

ZuJson *
zu_dbus_tuple_to_json (const ZuField *fields, guint n_fields, GVariant *tuple, GError **error)
{
  g_autoptr (ZuJsonBuilder) builder = zu_json_builder_new ();

  zu_json_builder_begin_object (builder);
  for (guint i = 0; i < n_fields && i < g_variant_n_children (tuple); i++)
    {
      g_autoptr (GVariant) value = g_variant_get_child_value (tuple, i);

      zu_json_builder_set_member (builder, fields[i].name);
      if (!add_value (&fields[i], value, builder, error))
        return NULL;
    }
  zu_json_builder_end_object (builder);

  return zu_json_builder_end (builder, error);
}

char *
zu_dbus_error_name (const char *interface, const char *text)
{
  const char *colon = strstr (text, ": ");
  g_autofree char *code = g_strndup (text, colon != NULL ? colon - text : 0);
  g_auto (GStrv) words = g_strsplit (*code != '\0' ? code : "failed", "-", -1);
  g_autoptr (GString) name = g_string_new (interface);

  g_string_append (name, ".Error.");
  for (char **word = words; *word != NULL; word++)
    {
      g_string_append_c (name, g_ascii_toupper (**word));
      g_string_append (name, **word != '\0' ? *word + 1 : "");
    }

  return g_string_free (g_steal_pointer (&name), FALSE);
}

char *
zu_dbus_error_text (const char *interface, const char *name, const char *message)
{
  g_autofree char *prefix = g_strconcat (interface, ".Error.", NULL);
  g_autoptr (GString) text = NULL;

  if (name == NULL || !g_str_has_prefix (name, prefix))
    return NULL;

  text = g_string_new (NULL);
  for (const char *letter = name + strlen (prefix); *letter != '\0'; letter++)
    {
      if (g_ascii_isupper (*letter) && text->len > 0)
        g_string_append_c (text, '-');
      g_string_append_c (text, g_ascii_tolower (*letter));
    }
  g_string_append_printf (text, ": %s", message);

  return g_string_free (g_steal_pointer (&text), FALSE);
}
