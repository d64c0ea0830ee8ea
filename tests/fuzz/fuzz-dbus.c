/* SPDX-License-Identifier: Apache-2.0 */

/* Any arguments of any verb from a bus, read as the generated adapter reads them, which is compiled
 * in: what is taken is of the verb's fields and can be written as text; a record that is taken
 * crosses back and forth as the same. The first byte of an input chooses the verb, the rest are its
 * arguments, as GVariant serialises them. */

#include "fuzz.h"

#include "adapter/zu-dbus-value-private.h"

#include <zu/zu.h>

#define MAX_SIZE (64 * 1024)

static void
check_record (const ZuField *field, ZuJson *object)
{
  g_autoptr (ZuJson) json = zu_json_dup_member (object, field->name);
  g_autoptr (ZuRecordClass) klass = NULL;
  g_autoptr (ZuRecord) record = NULL;
  g_autoptr (GVariant) dict = NULL;
  g_autoptr (ZuJsonBuilder) builder = zu_json_builder_new ();
  g_autoptr (ZuJson) again = NULL;
  g_autoptr (ZuJson) whole = NULL;
  g_autoptr (ZuRecord) other = NULL;

  if (json == NULL)
    return;
  record = zu_record_new_from_json (field->get_type (), json, NULL);
  if (record == NULL)
    return;
  whole = zu_record_to_json (record);
  dict = g_variant_ref_sink (zu_dbus_record_from_json (field, whole));
  g_assert_true (zu_dbus_record_to_json (field, dict, builder, NULL));
  again = zu_json_builder_end (builder, NULL);
  g_assert_nonnull (again);
  other = zu_record_new_from_json (field->get_type (), again, NULL);
  g_assert_nonnull (other);
}

int
LLVMFuzzerTestOneInput (const uint8_t *data, size_t size)
{
  const ZuPortInfo *port = zu_credential_broker_get_port_info ();
  const ZuPortMethod *method;
  const GDBusMethodInfo *info;
  g_autoptr (GString) type = g_string_new ("(");
  g_autoptr (GBytes) bytes = NULL;
  g_autoptr (GVariant) raw = NULL;
  g_autoptr (GVariant) arguments = NULL;
  g_autoptr (ZuJson) json = NULL;
  g_autofree char *text = NULL;

  if (size == 0 || size > MAX_SIZE)
    return 0;
  method = &port->methods[data[0] % port->n_methods];
  info = port->dbus_interface->methods[data[0] % port->n_methods];
  for (guint i = 0; info->in_args != NULL && info->in_args[i] != NULL; i++)
    g_string_append (type, info->in_args[i]->signature);
  g_string_append_c (type, ')');

  bytes = g_bytes_new (data + 1, size - 1);
  raw = g_variant_ref_sink (g_variant_new_from_bytes (G_VARIANT_TYPE (type->str), bytes, FALSE));
  arguments = g_variant_get_normal_form (raw);
  json = zu_dbus_tuple_to_json (method->in, method->n_in, arguments, NULL);
  if (json == NULL)
    return 0;
  text = zu_json_to_string (json);
  g_assert_cmpuint (zu_json_get_size (json), ==, method->n_in);
  for (guint i = 0; i < method->n_in; i++)
    if (method->in[i].kind == ZU_FIELD_KIND_RECORD && !method->in[i].is_array)
      check_record (&method->in[i], json);
  return 0;
}
