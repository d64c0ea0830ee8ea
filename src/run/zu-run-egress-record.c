/* SPDX-License-Identifier: Apache-2.0 */

#include "zu-run-egress-record.h"

#include <string.h>

typedef struct
{
  const char *name;
  ZuJsonKind kind;
  gboolean is_nullable;
} Field;

static const Field fields[] = {
  { "time", ZU_JSON_KIND_STRING },       { "client", ZU_JSON_KIND_STRING },
  { "host", ZU_JSON_KIND_STRING, TRUE }, { "port", ZU_JSON_KIND_INTEGER },
  { "ip", ZU_JSON_KIND_STRING, TRUE },   { "scheme", ZU_JSON_KIND_STRING },
  { "allowed", ZU_JSON_KIND_BOOLEAN },   { "rule", ZU_JSON_KIND_STRING, TRUE },
  { "reason", ZU_JSON_KIND_STRING },     { "bytes_in", ZU_JSON_KIND_INTEGER },
  { "bytes_out", ZU_JSON_KIND_INTEGER }, { "duration_ms", ZU_JSON_KIND_INTEGER },
};

void
zu_run_egress_record_free (ZuRunEgressRecord *self)
{
  g_clear_pointer (&self->payload, zu_json_builder_unref);
  g_free (self->needed);
  g_free (self);
}

static gboolean
refuse (GError **error, const char *name)
{
  g_set_error (error, G_IO_ERROR, G_IO_ERROR_INVALID_DATA,
               "the egress proxy told a decision that is not understood: %s", name);
  return FALSE;
}

static gboolean
copy_field (ZuJson *json, const Field *field, ZuJsonBuilder *payload)
{
  g_autoptr (ZuJson) value = zu_json_dup_member (json, field->name);
  ZuJsonKind kind = value != NULL ? zu_json_get_kind (value) : ZU_JSON_KIND_NULL;
  gint64 number = 0;

  if (value == NULL || (kind != field->kind && !(field->is_nullable && kind == ZU_JSON_KIND_NULL)))
    return FALSE;
  if (kind == ZU_JSON_KIND_INTEGER && (!zu_json_get_int64 (value, &number) || number < 0))
    return FALSE;
  zu_json_builder_set_member (payload, field->name);
  zu_json_builder_add_json (payload, value);
  return TRUE;
}

static char *
dup_text (ZuJson *json, const char *name)
{
  g_autoptr (ZuJson) value = zu_json_dup_member (json, name);
  gsize length;
  const char *text = value != NULL ? zu_json_get_string (value, &length) : NULL;

  return text != NULL && strlen (text) == length ? g_strdup (text) : NULL;
}

static gint64
get_number (ZuJson *json, const char *name)
{
  g_autoptr (ZuJson) value = zu_json_dup_member (json, name);
  gint64 number = -1;

  if (value == NULL || zu_json_get_kind (value) != ZU_JSON_KIND_INTEGER
      || !zu_json_get_int64 (value, &number))
    return -1;
  return number;
}

static char *
make_needed (ZuJson *json)
{
  g_autofree char *reason = dup_text (json, "reason");
  g_autofree char *host = dup_text (json, "host");
  gboolean is_v6 = host != NULL && strchr (host, ':') != NULL;

  if (g_strcmp0 (reason, "observed") != 0 || host == NULL)
    return NULL;
  return g_strdup_printf ("%s%s%s:%" G_GINT64_FORMAT, is_v6 ? "[" : "", host, is_v6 ? "]" : "",
                          get_number (json, "port"));
}

/* Nothing is taken over but the fields that we know. */
static gboolean
read_fields (ZuRunEgressRecord *self, ZuJson *json, GError **error)
{
  g_autoptr (ZuJson) ech = zu_json_dup_member (json, "ech");
  gint64 id = get_number (json, "id");

  if (id <= 0)
    return refuse (error, "id");
  self->id = (guint64) id;
  zu_json_builder_begin_object (self->payload);
  for (gsize i = 0; i < G_N_ELEMENTS (fields); i++)
    if (!copy_field (json, &fields[i], self->payload))
      return refuse (error, fields[i].name);
  if (ech != NULL)
    {
      zu_json_builder_set_member (self->payload, "ech");
      zu_json_builder_add_boolean (self->payload, TRUE);
    }
  zu_json_builder_end_object (self->payload);
  return TRUE;
}

ZuRunEgressRecord *
zu_run_egress_record_new (const char *text, gsize size, GError **error)
{
  g_autoptr (ZuRunEgressRecord) self = g_new0 (ZuRunEgressRecord, 1);
  g_autoptr (ZuJson) json = NULL;

  self->payload = zu_json_builder_new ();
  if (size >= ZU_RUN_EGRESS_RECORD_MAX)
    {
      refuse (error, "it is too long");
      return NULL;
    }
  json = zu_json_parse (text, (gssize) size, error);
  if (json == NULL || zu_json_get_kind (json) != ZU_JSON_KIND_OBJECT)
    {
      if (json != NULL)
        refuse (error, "it is no object");
      return NULL;
    }
  if (!read_fields (self, json, error))
    return NULL;
  self->needed = make_needed (json);
  return g_steal_pointer (&self);
}
