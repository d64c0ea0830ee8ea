/* SPDX-License-Identifier: Apache-2.0 */

#include "zu-event-private.h"
#include "zu-timestamp-private.h"
#include "zu-uuid-private.h"

/**
 * ZU_EVENT_SCHEMA_VERSION:
 *
 * The version of the format that an event has where it does not say.
 */

/**
 * ZuEventError:
 * @ZU_EVENT_ERROR_MALFORMED: the text is no JSON object
 * @ZU_EVENT_ERROR_FIELD: a field is missing or wrong; the message begins with its name
 * @ZU_EVENT_ERROR_UNDECODABLE: a stored text is no event
 *
 * Why there is no event.
 */

/**
 * ZuEventField:
 * @ZU_EVENT_FIELD_EVENT_ID: `event_id`
 * @ZU_EVENT_FIELD_TRACE_ID: `trace_id`
 * @ZU_EVENT_FIELD_TASK_ID: `task_id`
 * @ZU_EVENT_FIELD_PARENT_ID: `parent_id`
 * @ZU_EVENT_FIELD_TYPE: `type`
 * @ZU_EVENT_FIELD_TS: `ts`
 * @ZU_EVENT_FIELD_SOURCE: `source`
 * @ZU_EVENT_FIELD_PREV_HASH: `prev_hash`
 * @ZU_EVENT_FIELD_HASH: `hash`
 * @ZU_EVENT_FIELD_SIG: `sig`
 *
 * The text fields of an event, which sinks store, compare and filter by.
 */

/**
 * ZuEvent:
 *
 * One event: something that happened, in one task, in one trace. It never changes and may be used
 * from any thread.
 *
 * An event holds its own text, the JSON that is stored and printed, and its payload keeps every
 * value exactly. Before it is appended it is not linked: `prev_hash`, `hash` and `sig` are null.
 * The canonical sink appends it as the next one of its trace, which links it
 * ([method@Zu.Event.link]) into that trace's chain.
 */

G_DEFINE_FINAL_TYPE (ZuEvent, zu_event, G_TYPE_OBJECT)
/**
 * zu_event_error_quark:
 *
 * Gives the error domain of [error@Zu.EventError].
 *
 * Returns: the error domain of [error@Zu.EventError]
 */
G_DEFINE_QUARK (zu_event_error_quark, zu_event_error)

static void
zu_event_finalize (GObject *object)
{
  ZuEvent *self = ZU_EVENT (object);

  g_free (self->text);

  G_OBJECT_CLASS (zu_event_parent_class)->finalize (object);
}

static void
zu_event_class_init (ZuEventClass *klass)
{
  G_OBJECT_CLASS (klass)->finalize = zu_event_finalize;
}

static void
zu_event_init (ZuEvent *self)
{
}

static void
write_field (ZuBuffer *out, const char *before, const ZuEventText *field)
{
  zu_buffer_append (out, before, strlen (before));
  if (field->text == NULL)
    zu_buffer_append_literal (out, "null");
  else
    zu_json_write_text (field->text, field->length, ZU_JSON_STYLE_EVENT, out);
}

static void
write_payload (ZuEvent *self, const ZuEventParts *parts, ZuBuffer *out)
{
  zu_buffer_append_literal (out, ",\"payload\":");
  self->at.payload = (guint32) out->length;
  if (parts->payload == NULL)
    zu_buffer_append_literal (out, "{}");
  else
    zu_json_write (parts->payload, parts->payload_node, ZU_JSON_STYLE_EVENT, out);
  self->at.payload_length = (guint32) out->length - self->at.payload;
}

static void
write_text (ZuEvent *self, const ZuEventParts *parts, ZuBuffer *out)
{
  const ZuEventText *fields = parts->fields;

  write_field (out, "{\"event_id\":", &fields[ZU_EVENT_FIELD_EVENT_ID]);
  write_field (out, ",\"trace_id\":", &fields[ZU_EVENT_FIELD_TRACE_ID]);
  write_field (out, ",\"task_id\":", &fields[ZU_EVENT_FIELD_TASK_ID]);
  write_field (out, ",\"parent_id\":", &fields[ZU_EVENT_FIELD_PARENT_ID]);
  write_field (out, ",\"type\":", &fields[ZU_EVENT_FIELD_TYPE]);
  write_field (out, ",\"ts\":", &fields[ZU_EVENT_FIELD_TS]);
  write_field (out, ",\"source\":", &fields[ZU_EVENT_FIELD_SOURCE]);
  write_payload (self, parts, out);
  zu_buffer_append_literal (out, ",\"schema_version\":");
  self->at.version = (guint32) out->length;
  self->at.version_length = (guint32) parts->version.length;
  zu_buffer_append (out, parts->version.text, parts->version.length);
  self->at.links = (guint32) out->length;
  write_field (out, ",\"prev_hash\":", &fields[ZU_EVENT_FIELD_PREV_HASH]);
  write_field (out, ",\"hash\":", &fields[ZU_EVENT_FIELD_HASH]);
  write_field (out, ",\"sig\":", &fields[ZU_EVENT_FIELD_SIG]);
  zu_buffer_append_char (out, '}');
}

static void
copy_fields (ZuEvent *self, const ZuEventParts *parts, ZuBuffer *out)
{
  for (int i = 0; i < ZU_EVENT_N_FIELDS; i++)
    {
      const ZuEventText *field = &parts->fields[i];

      self->at.slices[i].start = (guint32) (out->length - self->fields);
      self->at.slices[i].length = field->text == NULL ? ZU_EVENT_NULL : (guint32) field->length;
      self->at.slices[i].is_plain = zu_json_text_is_plain (field->text, field->length);
      if (field->text != NULL)
        zu_buffer_append (out, field->text, field->length);
      zu_buffer_append_char (out, '\0');
    }
}

/* An event of what its parts say; they are normal already. */
ZuEvent *
zu_event_new_from_parts (const ZuEventParts *parts)
{
  ZuEvent *self = g_object_new (ZU_TYPE_EVENT, NULL);
  ZuBuffer out = { 0 };

  write_text (self, parts, &out);
  self->length = (guint32) out.length;
  memset (zu_buffer_reserve (&out, ZU_JSON_PADDING), 0, ZU_JSON_PADDING);
  out.length += ZU_JSON_PADDING;
  self->fields = (guint32) out.length;
  copy_fields (self, parts, &out);
  self->text = zu_buffer_steal (&out);
  return self;
}

static gboolean
set_id (ZuEventParts *parts, ZuEventField field, const char *id, char *normal, GError **error)
{
  if (!zu_uuid_normalise (id, strlen (id), normal))
    {
      g_set_error (error, ZU_EVENT_ERROR, ZU_EVENT_ERROR_FIELD, "%s: is not a UUID",
                   zu_event_field_names[field]);
      return FALSE;
    }
  parts->fields[field] = (ZuEventText){ normal, ZU_UUID_LENGTH };
  return TRUE;
}

static gboolean
set_text (ZuEventParts *parts, ZuEventField field, const char *text, GError **error)
{
  if (!g_utf8_validate (text, -1, NULL))
    {
      g_set_error (error, ZU_EVENT_ERROR, ZU_EVENT_ERROR_FIELD, "%s: is not UTF-8",
                   zu_event_field_names[field]);
      return FALSE;
    }
  parts->fields[field] = (ZuEventText){ text, strlen (text) };
  return TRUE;
}

static gboolean
set_payload (ZuEventParts *parts, ZuJson *payload, GError **error)
{
  if (payload == NULL)
    return TRUE;
  if (zu_json_get_kind (payload) != ZU_JSON_KIND_OBJECT)
    {
      g_set_error_literal (error, ZU_EVENT_ERROR, ZU_EVENT_ERROR_FIELD,
                           "payload: must be an object");
      return FALSE;
    }
  parts->payload = zu_json_peek_tape (payload, &parts->payload_node);
  return TRUE;
}

/**
 * zu_event_new:
 * @trace_id: the trace it belongs to, a UUID in any spelling
 * @task_id: the task it belongs to, likewise
 * @parent_id: (nullable): the event it follows from, likewise
 * @type: its type, which begins with `harness.` or `data.`
 * @source: who tells
 * @payload: (nullable): an object; %NULL for an empty one
 * @error: return location for an error
 *
 * Makes an event of now (UTC), with a random id.
 *
 * Returns: (transfer full): the event; on failure %NULL with %ZU_EVENT_ERROR_FIELD and a message
 *   that begins with the field's name
 */
ZuEvent *
zu_event_new (const char *trace_id, const char *task_id, const char *parent_id, const char *type,
              const char *source, ZuJson *payload, GError **error)
{
  char ids[4][ZU_UUID_LENGTH + 1], ts[ZU_TIMESTAMP_SIZE];
  ZuEventParts parts = { .version = { "1", 1 } };

  g_return_val_if_fail (trace_id != NULL, NULL);
  g_return_val_if_fail (task_id != NULL, NULL);
  g_return_val_if_fail (type != NULL, NULL);
  g_return_val_if_fail (source != NULL, NULL);

  if (!set_id (&parts, ZU_EVENT_FIELD_TRACE_ID, trace_id, ids[1], error)
      || !set_id (&parts, ZU_EVENT_FIELD_TASK_ID, task_id, ids[2], error)
      || (parent_id != NULL && !set_id (&parts, ZU_EVENT_FIELD_PARENT_ID, parent_id, ids[3], error))
      || !set_text (&parts, ZU_EVENT_FIELD_TYPE, type, error)
      || !set_text (&parts, ZU_EVENT_FIELD_SOURCE, source, error)
      || !set_payload (&parts, payload, error))
    return NULL;
  if (!zu_event_type_is_valid (type, strlen (type)))
    {
      g_set_error_literal (error, ZU_EVENT_ERROR, ZU_EVENT_ERROR_FIELD,
                           "type: must start with harness. or data.");
      return NULL;
    }

  zu_uuid_make (ids[0]);
  zu_timestamp_make (ts);
  parts.fields[ZU_EVENT_FIELD_EVENT_ID] = (ZuEventText){ ids[0], ZU_UUID_LENGTH };
  parts.fields[ZU_EVENT_FIELD_TS] = (ZuEventText){ ts, strlen (ts) };
  return zu_event_new_from_parts (&parts);
}

/**
 * zu_event_get_text:
 * @self: an event
 * @length: (out) (optional): return location for its length in bytes
 *
 * Gives the event as it is stored: JSON in UTF-8 on one line, fields in their order, no spaces.
 *
 * Returns: (transfer none): the text, terminated
 */
const char *
zu_event_get_text (ZuEvent *self, gsize *length)
{
  g_return_val_if_fail (ZU_IS_EVENT (self), NULL);

  if (length != NULL)
    *length = self->length;
  return self->text;
}

/**
 * zu_event_get_field:
 * @self: an event
 * @field: which
 * @length: (out) (optional): return location for its length in bytes
 *
 * Gives one of its text fields. `type`, `source` and the links may hold U+0000, so where that
 * matters the length tells, not the terminator.
 *
 * Returns: (transfer none) (nullable): the text in UTF-8, terminated; %NULL for null
 */
const char *
zu_event_get_field (ZuEvent *self, ZuEventField field, gsize *length)
{
  const ZuEventSlice *slice;
  gboolean is_null;

  g_return_val_if_fail (ZU_IS_EVENT (self), NULL);
  g_return_val_if_fail ((guint) field < ZU_EVENT_N_FIELDS, NULL);

  slice = &self->at.slices[field];
  is_null = slice->length == ZU_EVENT_NULL;
  if (length != NULL)
    *length = is_null ? 0 : slice->length;
  return is_null ? NULL : self->text + self->fields + slice->start;
}

/**
 * zu_event_get_event_id:
 * @self: an event
 *
 * Gives its id.
 *
 * Returns: (transfer none): a UUID in lower case
 */
const char *
zu_event_get_event_id (ZuEvent *self)
{
  return zu_event_get_field (self, ZU_EVENT_FIELD_EVENT_ID, NULL);
}

/**
 * zu_event_get_trace_id:
 * @self: an event
 *
 * Gives the trace it belongs to, whose events form one chain.
 *
 * Returns: (transfer none): a UUID in lower case
 */
const char *
zu_event_get_trace_id (ZuEvent *self)
{
  return zu_event_get_field (self, ZU_EVENT_FIELD_TRACE_ID, NULL);
}

/**
 * zu_event_get_task_id:
 * @self: an event
 *
 * Gives the task it belongs to.
 *
 * Returns: (transfer none): a UUID in lower case
 */
const char *
zu_event_get_task_id (ZuEvent *self)
{
  return zu_event_get_field (self, ZU_EVENT_FIELD_TASK_ID, NULL);
}

/**
 * zu_event_get_parent_id:
 * @self: an event
 *
 * Gives the event that it follows from.
 *
 * Returns: (transfer none) (nullable): a UUID in lower case
 */
const char *
zu_event_get_parent_id (ZuEvent *self)
{
  return zu_event_get_field (self, ZU_EVENT_FIELD_PARENT_ID, NULL);
}

/**
 * zu_event_get_event_type:
 * @self: an event
 *
 * Gives its type, the field `type`.
 *
 * Returns: (transfer none): the type, which begins with `harness.` or `data.`
 */
const char *
zu_event_get_event_type (ZuEvent *self)
{
  return zu_event_get_field (self, ZU_EVENT_FIELD_TYPE, NULL);
}

/**
 * zu_event_get_ts:
 * @self: an event
 *
 * Gives the time it happened: RFC 3339, `Z` for UTC, microseconds only where they are not zero.
 *
 * Returns: (transfer none): the timestamp
 */
const char *
zu_event_get_ts (ZuEvent *self)
{
  return zu_event_get_field (self, ZU_EVENT_FIELD_TS, NULL);
}

/**
 * zu_event_get_source:
 * @self: an event
 *
 * Gives who tells.
 *
 * Returns: (transfer none): the source
 */
const char *
zu_event_get_source (ZuEvent *self)
{
  return zu_event_get_field (self, ZU_EVENT_FIELD_SOURCE, NULL);
}

/**
 * zu_event_get_prev_hash:
 * @self: an event
 *
 * Gives the hash of the event before it in its trace.
 *
 * Returns: (transfer none) (nullable): the hash; %NULL for the first event, and before linking
 */
const char *
zu_event_get_prev_hash (ZuEvent *self)
{
  return zu_event_get_field (self, ZU_EVENT_FIELD_PREV_HASH, NULL);
}

/**
 * zu_event_get_hash:
 * @self: an event
 *
 * Gives the hash that it says it has.
 *
 * Returns: (transfer none) (nullable): the hash; %NULL before linking
 */
const char *
zu_event_get_hash (ZuEvent *self)
{
  return zu_event_get_field (self, ZU_EVENT_FIELD_HASH, NULL);
}

/**
 * zu_event_get_sig:
 * @self: an event
 *
 * Gives the signature of its hash.
 *
 * Returns: (transfer none) (nullable): the signature; %NULL where there is none
 */
const char *
zu_event_get_sig (ZuEvent *self)
{
  return zu_event_get_field (self, ZU_EVENT_FIELD_SIG, NULL);
}

/**
 * zu_event_get_schema_version:
 * @self: an event
 *
 * Gives the version of the format, %ZU_EVENT_SCHEMA_VERSION by default.
 *
 * Returns: the version; one that does not fit is cut to %G_MININT64 or %G_MAXINT64
 */
gint64
zu_event_get_schema_version (ZuEvent *self)
{
  g_return_val_if_fail (ZU_IS_EVENT (self), 0);

  return g_ascii_strtoll (self->text + self->at.version, NULL, 10);
}

/**
 * zu_event_get_payload_text:
 * @self: an event
 * @length: (out): return location for its length in bytes
 *
 * Gives the payload as it stands in the event's text.
 *
 * Returns: (transfer none) (array length=length) (element-type guint8): a JSON object in UTF-8, not
 *   terminated
 */
const char *
zu_event_get_payload_text (ZuEvent *self, gsize *length)
{
  g_return_val_if_fail (ZU_IS_EVENT (self), NULL);
  g_return_val_if_fail (length != NULL, NULL);

  *length = self->at.payload_length;
  return self->text + self->at.payload;
}

static ZuJson *
parse_part (ZuEvent *self, guint32 start, guint32 length)
{
  g_autoptr (GError) error = NULL;
  ZuJson *value = zu_json_parse (self->text + start, (gssize) length, &error);

  /* It was checked when the event was made. */
  g_assert_no_error (error);
  return value;
}

/**
 * zu_event_dup_payload:
 * @self: an event
 *
 * Reads the payload.
 *
 * Returns: (transfer full): an object
 */
ZuJson *
zu_event_dup_payload (ZuEvent *self)
{
  g_return_val_if_fail (ZU_IS_EVENT (self), NULL);

  return parse_part (self, self->at.payload, self->at.payload_length);
}

/**
 * zu_event_to_json:
 * @self: an event
 *
 * Reads the whole event as a value.
 *
 * Returns: (transfer full): an object
 */
ZuJson *
zu_event_to_json (ZuEvent *self)
{
  g_return_val_if_fail (ZU_IS_EVENT (self), NULL);

  return parse_part (self, 0, self->length);
}
