/* SPDX-License-Identifier: Apache-2.0 */

/* The boundary: text of any spelling that the format allows, normalised. */

#include "zu-event-private.h"
#include "zu-number-private.h"
#include "zu-timestamp-private.h"
#include "zu-uuid-private.h"

#include <math.h>

#define N_MEMBERS (ZU_EVENT_N_FIELDS + 2)

enum
{
  MEMBER_PAYLOAD = ZU_EVENT_N_FIELDS,
  MEMBER_VERSION,
};

const char *const zu_event_field_names[ZU_EVENT_N_FIELDS] = {
  [ZU_EVENT_FIELD_EVENT_ID] = "event_id", [ZU_EVENT_FIELD_TRACE_ID] = "trace_id",
  [ZU_EVENT_FIELD_TASK_ID] = "task_id",   [ZU_EVENT_FIELD_PARENT_ID] = "parent_id",
  [ZU_EVENT_FIELD_TYPE] = "type",         [ZU_EVENT_FIELD_TS] = "ts",
  [ZU_EVENT_FIELD_SOURCE] = "source",     [ZU_EVENT_FIELD_PREV_HASH] = "prev_hash",
  [ZU_EVENT_FIELD_HASH] = "hash",         [ZU_EVENT_FIELD_SIG] = "sig",
};

/* One event on its way from a tape to its parts. */
typedef struct
{
  const ZuJsonTape *tape;
  guint32 members[N_MEMBERS]; /* their values; 0 where there is none */
  char ids[4][ZU_UUID_LENGTH + 1];
  char ts[ZU_TIMESTAMP_SIZE];
  ZuBuffer version;
  ZuEventParts parts;
  gboolean is_stored;
} Input;

static gboolean
refuse (const char *name, const char *what, GError **error)
{
  g_set_error (error, ZU_EVENT_ERROR, ZU_EVENT_ERROR_FIELD, "%s: %s", name, what);
  return FALSE;
}

static gboolean
is_name (const ZuJsonTape *tape, guint32 key, const char *name)
{
  gsize length = strlen (name);

  return tape->nodes[key].length == length
         && memcmp (zu_json_node_text (tape, key), name, length) == 0;
}

static int
find_name (const ZuJsonTape *tape, guint32 key)
{
  for (int i = 0; i < ZU_EVENT_N_FIELDS; i++)
    if (is_name (tape, key, zu_event_field_names[i]))
      return i;
  if (is_name (tape, key, "payload"))
    return MEMBER_PAYLOAD;
  return is_name (tape, key, "schema_version") ? MEMBER_VERSION : -1;
}

/* Unknown members are dropped here. */
static void
find_members (Input *self)
{
  guint32 left = self->tape->nodes[0].length, key = 1;

  while (left-- > 0)
    {
      int member = find_name (self->tape, key);

      if (member >= 0)
        self->members[member] = key + self->tape->nodes[key].span;
      if (left > 0)
        key = zu_json_tape_next (self->tape, key);
    }
}

/* A text of the member; NULL, and nothing, where it is another kind. */
static const char *
get_text (Input *self, int member, gsize *length)
{
  const ZuJsonNode *node = &self->tape->nodes[self->members[member]];

  if (self->members[member] == 0 || node->kind != ZU_JSON_KIND_STRING)
    return NULL;
  *length = node->length;
  return self->tape->text + node->start;
}

static gboolean
is_null (Input *self, int member)
{
  const ZuJsonNode *node = &self->tape->nodes[self->members[member]];

  return node->kind == ZU_JSON_KIND_NULL && !(node->flags & ZU_JSON_NODE_INFINITE);
}

static void
set_field (Input *self, ZuEventField field, const char *text, gsize length)
{
  self->parts.fields[field].text = text;
  self->parts.fields[field].length = length;
}

static gboolean
take_id (Input *self, ZuEventField field, GError **error)
{
  gsize length;
  const char *text = get_text (self, field, &length);

  if (text == NULL)
    return refuse (zu_event_field_names[field], "must be a UUID", error);
  if (!zu_uuid_normalise (text, length, self->ids[field]))
    return refuse (zu_event_field_names[field], "is not a UUID", error);
  set_field (self, field, self->ids[field], ZU_UUID_LENGTH);
  return TRUE;
}

static gboolean
take_ids (Input *self, GError **error)
{
  if (self->members[ZU_EVENT_FIELD_EVENT_ID] == 0)
    {
      zu_uuid_make (self->ids[ZU_EVENT_FIELD_EVENT_ID]);
      set_field (self, ZU_EVENT_FIELD_EVENT_ID, self->ids[ZU_EVENT_FIELD_EVENT_ID], ZU_UUID_LENGTH);
    }
  else if (!take_id (self, ZU_EVENT_FIELD_EVENT_ID, error))
    return FALSE;

  for (int field = ZU_EVENT_FIELD_TRACE_ID; field <= ZU_EVENT_FIELD_TASK_ID; field++)
    {
      if (self->members[field] == 0)
        return refuse (zu_event_field_names[field], "is missing", error);
      if (!take_id (self, (ZuEventField) field, error))
        return FALSE;
    }

  if (self->members[ZU_EVENT_FIELD_PARENT_ID] == 0 || is_null (self, ZU_EVENT_FIELD_PARENT_ID))
    return TRUE;
  return take_id (self, ZU_EVENT_FIELD_PARENT_ID, error);
}

static gboolean
take_text (Input *self, ZuEventField field, GError **error)
{
  gsize length;
  const char *text = get_text (self, field, &length);

  if (self->members[field] == 0)
    return refuse (zu_event_field_names[field], "is missing", error);
  if (text == NULL)
    return refuse (zu_event_field_names[field], "must be a text", error);
  set_field (self, field, text, length);
  return TRUE;
}

static gboolean
take_type (Input *self, GError **error)
{
  ZuEventText *type = &self->parts.fields[ZU_EVENT_FIELD_TYPE];

  if (!take_text (self, ZU_EVENT_FIELD_TYPE, error))
    return FALSE;
  return zu_event_type_is_valid (type->text, type->length)
         || refuse ("type", "must start with harness. or data.", error);
}

static gboolean
read_integer (const ZuJsonTape *tape, guint32 node, gint64 *value)
{
  char digits[24] = "";

  if (tape->nodes[node].length >= sizeof digits)
    return FALSE;
  memcpy (digits, zu_json_node_text (tape, node), tape->nodes[node].length);
  return g_ascii_string_to_signed (digits, 10, G_MININT64, G_MAXINT64, value, NULL);
}

static gboolean
read_ts (Input *self)
{
  guint32 node = self->members[ZU_EVENT_FIELD_TS];
  const char *text = zu_json_node_text (self->tape, node);
  gsize length = self->tape->nodes[node].length;
  gint64 value;

  switch ((ZuJsonKind) self->tape->nodes[node].kind)
    {
    case ZU_JSON_KIND_STRING:
      return zu_timestamp_read_text (text, length, self->ts);
    case ZU_JSON_KIND_INTEGER:
      return read_integer (self->tape, node, &value) && zu_timestamp_read_integer (value, self->ts);
    case ZU_JSON_KIND_FLOAT:
      return zu_timestamp_read_double (zu_number_read (text, length), self->ts);
    default:
      return FALSE;
    }
}

static gboolean
take_ts (Input *self, GError **error)
{
  if (self->members[ZU_EVENT_FIELD_TS] == 0)
    zu_timestamp_make (self->ts);
  else if (!read_ts (self))
    return refuse ("ts", "is not a timestamp", error);
  set_field (self, ZU_EVENT_FIELD_TS, self->ts, strlen (self->ts));
  return TRUE;
}

static gboolean
is_space (gunichar c)
{
  return g_unichar_isspace (c) || c == 0x0b || c == 0x85;
}

static void
trim (const char **text, gsize *length)
{
  const char *p = *text, *end = *text + *length;

  while (p < end && is_space (g_utf8_get_char (p)))
    p = g_utf8_next_char (p);
  while (p < end && is_space (g_utf8_get_char (g_utf8_prev_char (end))))
    end = g_utf8_prev_char (end);
  *text = p;
  *length = (gsize) (end - p);
}

/* An integer as text, in the ways that Python and its neighbours read one: space around it, a sign,
 * leading zeros, single underscores between digits, a fraction of zeros. Appends its plain form. */
static gboolean
read_integer_text (const char *text, gsize length, ZuBuffer *out)
{
  gboolean negative = FALSE;
  const char *p, *end, *point;

  trim (&text, &length);
  p = text;
  end = text + length;
  if (p < end && (*p == '+' || *p == '-'))
    negative = *p++ == '-';

  point = memchr (p, '.', (gsize) (end - p));
  if (point != NULL)
    {
      if (end - point < 2)
        return FALSE;
      for (const char *zero = point + 1; zero < end; zero++)
        if (*zero != '0')
          return FALSE;
      end = point;
    }
  if (p == end || *p == '_' || end[-1] == '_')
    return FALSE;

  zu_buffer_append_char (out, '-');
  for (const char *digit = p; digit < end; digit++)
    {
      if (*digit == '_' && digit[-1] != '_')
        continue;
      if (!g_ascii_isdigit (*digit))
        return FALSE;
      if (out->length > 1 || *digit != '0')
        zu_buffer_append_char (out, *digit);
    }
  if (out->length == 1)
    out->data[0] = '0';
  else if (!negative)
    memmove (out->data, out->data + 1, --out->length);
  return out->length <= ZU_JSON_MAX_DIGITS;
}

/* A float that is whole and fits 64 bits. */
static gboolean
read_whole_float (double value, ZuBuffer *out)
{
  char text[24];

  if (value != floor (value) || value <= -0x1p63 || value >= 0x1p63)
    return FALSE;
  g_snprintf (text, sizeof text, "%" G_GINT64_FORMAT, (gint64) value);
  zu_buffer_append (out, text, strlen (text));
  return TRUE;
}

static gboolean
read_version (Input *self)
{
  guint32 node = self->members[MEMBER_VERSION];
  const char *text = zu_json_node_text (self->tape, node);
  gsize length = self->tape->nodes[node].length;

  switch ((ZuJsonKind) self->tape->nodes[node].kind)
    {
    case ZU_JSON_KIND_INTEGER:
      zu_buffer_append (&self->version, text, length);
      return TRUE;
    case ZU_JSON_KIND_FLOAT:
      return read_whole_float (zu_number_read (text, length), &self->version);
    case ZU_JSON_KIND_BOOLEAN:
      zu_buffer_append_char (&self->version,
                             self->tape->nodes[node].flags & ZU_JSON_NODE_TRUE ? '1' : '0');
      return TRUE;
    case ZU_JSON_KIND_STRING:
      return read_integer_text (text, length, &self->version);
    default:
      return FALSE;
    }
}

static gboolean
take_version (Input *self, GError **error)
{
  if (self->members[MEMBER_VERSION] == 0)
    zu_buffer_append_char (&self->version, (char) ('0' + ZU_EVENT_SCHEMA_VERSION));
  else if (!read_version (self))
    return refuse ("schema_version", "is not an integer", error);
  self->parts.version.text = self->version.data;
  self->parts.version.length = self->version.length;
  return TRUE;
}

static gboolean
take_payload (Input *self, GError **error)
{
  guint32 node = self->members[MEMBER_PAYLOAD];

  if (node == 0)
    return TRUE;
  if (self->tape->nodes[node].kind != ZU_JSON_KIND_OBJECT)
    return refuse ("payload", "must be an object", error);
  self->parts.payload = self->tape;
  self->parts.payload_node = node;
  return TRUE;
}

static gboolean
take_links (Input *self, GError **error)
{
  for (int field = ZU_EVENT_FIELD_PREV_HASH; field <= ZU_EVENT_FIELD_SIG; field++)
    {
      if (self->members[field] == 0 || is_null (self, field))
        continue;
      if (!take_text (self, (ZuEventField) field, error))
        return FALSE;
    }
  return TRUE;
}

static gboolean
take_all (Input *self, GError **error)
{
  return take_ids (self, error) && take_type (self, error) && take_ts (self, error)
         && take_text (self, ZU_EVENT_FIELD_SOURCE, error) && take_payload (self, error)
         && take_version (self, error) && take_links (self, error);
}

/* What is made up for a new event would be another one each time a stored one is read. */
static gboolean
check_given (Input *self, GError **error)
{
  static const ZuEventField made_up[] = { ZU_EVENT_FIELD_EVENT_ID, ZU_EVENT_FIELD_TS };

  for (gsize i = 0; self->is_stored && i < G_N_ELEMENTS (made_up); i++)
    if (self->members[made_up[i]] == 0)
      return refuse (zu_event_field_names[made_up[i]], "is missing", error);

  return TRUE;
}

static ZuEvent *
read_tape (ZuScratch *scratch, const char *text, gsize length, gboolean is_stored, GError **error)
{
  Input input = { .tape = &scratch->tape, .is_stored = is_stored };
  ZuEvent *event = NULL;
  g_autoptr (GError) local_error = NULL;
  char *copy = zu_scratch_load (scratch, text, length);

  if (!zu_json_tape_read (&scratch->tape, copy, length, ZU_JSON_LENIENT_NUMBERS, &local_error))
    {
      g_set_error (error, ZU_EVENT_ERROR, ZU_EVENT_ERROR_MALFORMED, "not JSON: %s",
                   local_error->message);
      return NULL;
    }
  if (scratch->tape.nodes[0].kind != ZU_JSON_KIND_OBJECT)
    {
      g_set_error_literal (error, ZU_EVENT_ERROR, ZU_EVENT_ERROR_MALFORMED,
                           "an event must be a JSON object");
      return NULL;
    }

  find_members (&input);
  if (check_given (&input, error) && take_all (&input, error))
    event = zu_event_new_from_parts (&input.parts);
  zu_buffer_clear (&input.version);
  return event;
}

static ZuEvent *
read_event (const char *text, gsize length, gboolean is_stored, GError **error)
{
  ZuScratch *scratch = zu_scratch_get ();
  ZuEvent *event = read_tape (scratch, text, length, is_stored, error);

  zu_scratch_trim (scratch);
  return event;
}

/**
 * zu_event_new_from_json:
 * @text: (array length=length) (element-type guint8): an event as JSON, in UTF-8
 * @length: its length in bytes, or -1 if it is terminated
 * @error: return location for an error
 *
 * Reads an event as producers write it, and normalises it.
 *
 * UUIDs may be upper case, without dashes, in braces or behind `urn:uuid:`; a timestamp may have
 * any offset, fewer or more digits, a space for its `T`, or be a number of seconds; of repeated
 * members the last one counts; unknown members are dropped; NaN and infinities become null. An
 * event without `event_id` gets a random one, one without `ts` the present time.
 *
 * Returns: (transfer full): the event; on failure %NULL with %ZU_EVENT_ERROR_MALFORMED for what is
 *   no JSON object, or %ZU_EVENT_ERROR_FIELD and a message that begins with the field's name
 */
ZuEvent *
zu_event_new_from_json (const char *text, gssize length, GError **error)
{
  g_return_val_if_fail (text != NULL || length == 0, NULL);

  return read_event (text, length < 0 ? strlen (text) : (gsize) length, FALSE, error);
}

static ZuEvent *
read_stored (const char *text, gsize length, GError **error)
{
  g_autoptr (ZuEvent) event = g_object_new (ZU_TYPE_EVENT, NULL);
  g_autoptr (GError) local_error = NULL;
  ZuEvent *normalised;

  if (length <= G_MAXINT32)
    {
      event->length = (guint32) length;
      event->text = g_malloc (length + ZU_JSON_PADDING + ZU_EVENT_ROOM);
      memcpy (event->text, text, length);
      memset (event->text + length, 0, ZU_JSON_PADDING);
      if (zu_event_locate (event))
        return g_steal_pointer (&event);
    }

  /* Not as we write it: another spelling of an event, or no event. */
  normalised = read_event (text, length, TRUE, &local_error);
  if (normalised == NULL)
    g_set_error (error, ZU_EVENT_ERROR, ZU_EVENT_ERROR_UNDECODABLE, "not an event: %s",
                 local_error->message);
  return normalised;
}

/**
 * zu_event_new_from_stored:
 * @text: an event's text, as [method@Zu.Event.get_text] gave it
 * @error: return location for an error
 *
 * Reads an event back from where it was stored.
 *
 * This is the fast way for text that was normalised before; text in another spelling is read as
 * [ctor@Zu.Event.new_from_json] does, so the event is always normalised. Only what that would make
 * up has to be there: the id and the timestamp.
 *
 * Returns: (transfer full): the event; on failure %NULL with %ZU_EVENT_ERROR_UNDECODABLE
 */
ZuEvent *
zu_event_new_from_stored (GBytes *text, GError **error)
{
  gsize length;
  const char *data;

  g_return_val_if_fail (text != NULL, NULL);

  data = g_bytes_get_data (text, &length);
  return read_stored (data != NULL ? data : "", length, error);
}

/**
 * zu_event_new_from_stored_text: (skip)
 * @text: (array length=length): an event's text
 * @length: its length in bytes
 * @error: return location for an error
 *
 * Does what [ctor@Zu.Event.new_from_stored] does, for text that is at hand without a container.
 *
 * Returns: (transfer full): the event; on failure %NULL with %ZU_EVENT_ERROR_UNDECODABLE
 */
ZuEvent *
zu_event_new_from_stored_text (const char *text, gsize length, GError **error)
{
  g_return_val_if_fail (text != NULL, NULL);

  return read_stored (text, length, error);
}
