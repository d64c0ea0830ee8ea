/* SPDX-License-Identifier: Apache-2.0 */

#include "zu-dbus-value-private.h"

static GVariant *
array_from_json (ZuJson *json)
{
  g_auto (GVariantBuilder) builder = G_VARIANT_BUILDER_INIT (G_VARIANT_TYPE ("av"));

  for (gsize i = 0; i < zu_json_get_size (json); i++)
    {
      g_autoptr (ZuJson) element = zu_json_dup_element (json, i);
      GVariant *variant = zu_dbus_variant_from_json (element);

      if (variant != NULL)
        g_variant_builder_add (&builder, "v", variant);
    }

  return g_variant_builder_end (&builder);
}

static GVariant *
object_from_json (ZuJson *json)
{
  g_auto (GVariantBuilder) builder = G_VARIANT_BUILDER_INIT (G_VARIANT_TYPE_VARDICT);

  for (gsize i = 0; i < zu_json_get_size (json); i++)
    {
      const char *name = zu_json_get_member_name (json, i, NULL);
      g_autoptr (ZuJson) member = zu_json_dup_member (json, name);
      GVariant *variant = member != NULL ? zu_dbus_variant_from_json (member) : NULL;

      if (variant != NULL)
        g_variant_builder_add (&builder, "{sv}", name, variant);
    }

  return g_variant_builder_end (&builder);
}

/* Returns a floating variant, or NULL for null, which D-Bus does not have. */
GVariant *
zu_dbus_variant_from_json (ZuJson *json)
{
  g_autofree char *digits = NULL;
  gint64 number;

  switch (zu_json_get_kind (json))
    {
    case ZU_JSON_KIND_BOOLEAN:
      return g_variant_new_boolean (zu_json_get_boolean (json));
    case ZU_JSON_KIND_INTEGER:
      if (zu_json_get_int64 (json, &number))
        return g_variant_new_int64 (number);
      /* Past 64 bits only text keeps it exact. */
      digits = zu_json_to_string (json);
      return g_variant_new_string (digits);
    case ZU_JSON_KIND_FLOAT:
      return g_variant_new_double (zu_json_get_double (json));
    case ZU_JSON_KIND_STRING:
      return g_variant_new_string (zu_json_get_string (json, NULL));
    case ZU_JSON_KIND_ARRAY:
      return array_from_json (json);
    case ZU_JSON_KIND_OBJECT:
      return object_from_json (json);
    case ZU_JSON_KIND_NULL:
    default:
      return NULL;
    }
}

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
          zu_dbus_variant_to_json (value, builder);
        }
      else
        zu_dbus_variant_to_json (owned, builder);
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

void
zu_dbus_variant_to_json (GVariant *variant, ZuJsonBuilder *builder)
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
      zu_json_builder_add_int64 (builder,
                                 (gint64) MIN (g_variant_get_uint64 (variant), G_MAXINT64));
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
      zu_dbus_variant_to_json (inner, builder);
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

static GVariant *
strv_from_json (ZuJson *json)
{
  g_auto (GVariantBuilder) builder = G_VARIANT_BUILDER_INIT (G_VARIANT_TYPE ("as"));

  for (gsize i = 0; json != NULL && i < zu_json_get_size (json); i++)
    {
      g_autoptr (ZuJson) element = zu_json_dup_element (json, i);

      g_variant_builder_add (&builder, "s", zu_json_get_string (element, NULL));
    }

  return g_variant_builder_end (&builder);
}

static GVariant *
records_from_json (ZuJson *json)
{
  g_auto (GVariantBuilder) builder = G_VARIANT_BUILDER_INIT (G_VARIANT_TYPE ("aa{sv}"));

  for (gsize i = 0; json != NULL && i < zu_json_get_size (json); i++)
    {
      g_autoptr (ZuJson) element = zu_json_dup_element (json, i);

      g_variant_builder_add_value (&builder, object_from_json (element));
    }

  return g_variant_builder_end (&builder);
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
  gint64 number = 0;

  if (json != NULL)
    zu_json_get_int64 (json, &number);

  switch (field->kind)
    {
    case ZU_FIELD_KIND_INT32:
      return g_variant_new_int32 ((gint32) number);
    case ZU_FIELD_KIND_UINT32:
      return g_variant_new_uint32 ((guint32) number);
    case ZU_FIELD_KIND_UINT64:
      return g_variant_new_uint64 ((guint64) number);
    default:
      return g_variant_new_int64 (number);
    }
}

static GVariant *
field_from_json (const ZuField *field, ZuJson *json)
{
  g_autofree char *text = NULL;

  if (json != NULL && zu_json_get_kind (json) == ZU_JSON_KIND_NULL)
    json = NULL;
  if (field->is_array)
    return field->kind == ZU_FIELD_KIND_STRING ? strv_from_json (json) : records_from_json (json);

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
      text = json != NULL ? zu_json_to_string (json) : g_strdup ("null");
      return g_variant_new_string (text);
    case ZU_FIELD_KIND_RECORD:
    case ZU_FIELD_KIND_EXTERNAL:
      return json != NULL ? object_from_json (json)
                          : g_variant_new_array (G_VARIANT_TYPE ("{sv}"), NULL, 0);
    default:
      return number_from_json (field, json);
    }
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

/* JSON crosses D-Bus as text; "" and empty dictionaries stand for null where that is allowed. */
static gboolean
add_member (const ZuField *field, GVariant *value, ZuJsonBuilder *builder, GError **error)
{
  gboolean is_text = g_variant_is_of_type (value, G_VARIANT_TYPE_STRING);

  if (field->is_nullable
      && (is_text ? *g_variant_get_string (value, NULL) == '\0'
                  : g_variant_is_container (value) && g_variant_n_children (value) == 0))
    {
      zu_json_builder_add_null (builder);
      return TRUE;
    }
  if (field->kind == ZU_FIELD_KIND_JSON && is_text)
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

  zu_dbus_variant_to_json (value, builder);
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
      if (!add_member (&fields[i], value, builder, error))
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
