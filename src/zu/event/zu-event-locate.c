/* SPDX-License-Identifier: Apache-2.0 */

/* The fast way into an event's text: written as we write it, its parts stand in one order, so each
 * is checked where it must be. What does not match is left to the reader that takes any spelling.
 * The canonical text, where it is wanted, is written by the same pass: what stands before the
 * payload there stands before it here too.
 */

#include "zu-event-private.h"
#include "zu-timestamp-private.h"
#include "zu-uuid-private.h"

/* A type belongs to one of the two namespaces. */
gboolean
zu_event_type_is_valid (const char *type, gsize length)
{
  return (length >= 8 && memcmp (type, "harness.", 8) == 0)
         || (length >= 5 && memcmp (type, "data.", 5) == 0);
}

typedef struct
{
  ZuEventLayout *at;
  const char *text;
  const char *p;
  const char *end;
  ZuBuffer *canonical; /* written on the way, where it is wanted */
} Cursor;

#define match_literal(self, literal) match ((self), "" literal, sizeof (literal) - 1)

static inline gboolean
match (Cursor *self, const char *literal, gsize length)
{
  if ((gsize) (self->end - self->p) < length || memcmp (self->p, literal, length) != 0)
    return FALSE;
  self->p += length;
  return TRUE;
}

static inline void
set_slice (Cursor *self, ZuEventField field, const char *start, const char *end)
{
  self->at->slices[field].start = (guint32) (start - self->text);
  self->at->slices[field].length = (guint32) (end - start);
  self->at->slices[field].is_plain = TRUE;
}

static inline gboolean
match_id (Cursor *self, ZuEventField field)
{
  if (self->end - self->p <= ZU_UUID_LENGTH || !zu_uuid_is_normal (self->p))
    return FALSE;
  set_slice (self, field, self->p, self->p + ZU_UUID_LENGTH);
  self->p += ZU_UUID_LENGTH;
  return TRUE;
}

/* A text in ASCII without escapes, up to its closing quote. */
static inline gboolean
match_plain (Cursor *self, ZuEventField field)
{
  const char *start = self->p;

  self->p = zu_json_skip_plain (start);
  set_slice (self, field, start, self->p);
  return match_literal (self, "\"");
}

static inline gboolean
match_null (Cursor *self, ZuEventField field)
{
  self->at->slices[field].start = 0;
  self->at->slices[field].length = ZU_EVENT_NULL;
  return match_literal (self, "null");
}

static gboolean
match_parent (Cursor *self)
{
  if (!match_literal (self, "\""))
    return match_null (self, ZU_EVENT_FIELD_PARENT_ID);
  return match_id (self, ZU_EVENT_FIELD_PARENT_ID) && match_literal (self, "\"");
}

static gboolean
match_link (Cursor *self, ZuEventField field)
{
  if (!match_literal (self, "\""))
    return match_null (self, field);
  return match_plain (self, field);
}

static gboolean
match_type (Cursor *self)
{
  const char *start = self->p;

  return match_plain (self, ZU_EVENT_FIELD_TYPE)
         && zu_event_type_is_valid (start, (gsize) (self->p - 1 - start));
}

static gboolean
match_ts (Cursor *self)
{
  const char *start = self->p;

  return match_plain (self, ZU_EVENT_FIELD_TS)
         && zu_timestamp_is_normal (start, (gsize) (self->p - 1 - start));
}

/* A field with its quotes, or null, behind a literal. There is room for it. */
#define write_member(self, out, literal, field) \
  write_field ((self), write_literal (out, literal), (field))

#define write_literal(out, literal) \
  ((char *) memcpy ((out), "" literal, sizeof (literal) - 1) + sizeof (literal) - 1)

static inline char *
write_field (Cursor *self, char *out, ZuEventField field)
{
  const ZuEventSlice *slice = &self->at->slices[field];

  if (slice->length == ZU_EVENT_NULL)
    return write_literal (out, "null");
  zu_json_copy (out, self->text + slice->start - 1, slice->length + 2);
  return out + slice->length + 2;
}

/* What the fields take at most, and the names of the members around them. */
static gsize
get_room (Cursor *self)
{
  return (gsize) (self->end - self->text) + 256;
}

static const char *
write_payload (Cursor *self, const char *start)
{
  char *out;

  self->canonical->length = 0;
  out = zu_buffer_reserve (self->canonical, get_room (self));
  out = write_member (self, out, "{\"event_id\":", ZU_EVENT_FIELD_EVENT_ID);
  out = write_member (self, out, ",\"parent_id\":", ZU_EVENT_FIELD_PARENT_ID);
  out = write_literal (out, ",\"payload\":");
  self->canonical->length = (gsize) (out - self->canonical->data);
  return zu_json_canonicalise (start, self->end, self->canonical);
}

static void
write_rest (Cursor *self)
{
  const ZuEventLayout *at = self->at;
  char *out = zu_buffer_reserve (self->canonical, get_room (self));

  out = write_member (self, out, ",\"prev_hash\":", ZU_EVENT_FIELD_PREV_HASH);
  out = write_literal (out, ",\"schema_version\":");
  zu_json_copy (out, self->text + at->version, at->version_length);
  out += at->version_length;
  out = write_member (self, out, ",\"source\":", ZU_EVENT_FIELD_SOURCE);
  out = write_member (self, out, ",\"task_id\":", ZU_EVENT_FIELD_TASK_ID);
  out = write_member (self, out, ",\"trace_id\":", ZU_EVENT_FIELD_TRACE_ID);
  out = write_member (self, out, ",\"ts\":", ZU_EVENT_FIELD_TS);
  out = write_member (self, out, ",\"type\":", ZU_EVENT_FIELD_TYPE);
  *out++ = '}';
  self->canonical->length = (gsize) (out - self->canonical->data);
}

static gboolean
match_payload (Cursor *self)
{
  const char *start = self->p, *end;

  if (*start != '{')
    return FALSE;
  end = self->canonical != NULL ? write_payload (self, start) : zu_json_scan (start, self->end, 1);
  if (end == NULL)
    return FALSE;
  self->at->payload = (guint32) (start - self->text);
  self->at->payload_length = (guint32) (end - start);
  self->p = end;
  return TRUE;
}

static gboolean
match_version (Cursor *self)
{
  const char *start = self->p, *digits = start + (*start == '-');

  self->p = digits;
  while (g_ascii_isdigit (*self->p))
    self->p++;
  self->at->version = (guint32) (start - self->text);
  self->at->version_length = (guint32) (self->p - start);
  return self->p > digits && (*digits != '0' || self->p == start + 1)
         && self->p - start <= ZU_JSON_MAX_DIGITS;
}

static gboolean
match_all (Cursor *self)
{
  if (!match_literal (self, "{\"event_id\":\"") || !match_id (self, ZU_EVENT_FIELD_EVENT_ID)
      || !match_literal (self, "\",\"trace_id\":\"") || !match_id (self, ZU_EVENT_FIELD_TRACE_ID)
      || !match_literal (self, "\",\"task_id\":\"") || !match_id (self, ZU_EVENT_FIELD_TASK_ID)
      || !match_literal (self, "\",\"parent_id\":") || !match_parent (self)
      || !match_literal (self, ",\"type\":\"") || !match_type (self)
      || !match_literal (self, ",\"ts\":\"") || !match_ts (self)
      || !match_literal (self, ",\"source\":\"") || !match_plain (self, ZU_EVENT_FIELD_SOURCE)
      || !match_literal (self, ",\"payload\":") || !match_payload (self)
      || !match_literal (self, ",\"schema_version\":") || !match_version (self))
    return FALSE;

  self->at->links = (guint32) (self->p - self->text);
  return match_literal (self, ",\"prev_hash\":") && match_link (self, ZU_EVENT_FIELD_PREV_HASH)
         && match_literal (self, ",\"hash\":") && match_link (self, ZU_EVENT_FIELD_HASH)
         && match_literal (self, ",\"sig\":") && match_link (self, ZU_EVENT_FIELD_SIG)
         && match_literal (self, "}") && self->p == self->end;
}

/* Finds the parts of a text that is written as we write it and has a terminator and padding behind
 * it. CANONICAL, if there is one, gets what is hashed of it, with its own prev_hash. FALSE where
 * the text is not as we write it, or CANONICAL must be written in another way. */
gboolean
zu_event_layout_read (ZuEventLayout *self, const char *text, gsize length, ZuBuffer *canonical)
{
  Cursor cursor = { self, text, text, text + length, canonical };

  if (length > G_MAXINT32 || !match_all (&cursor))
    return FALSE;
  if (canonical != NULL)
    write_rest (&cursor);
  return TRUE;
}

/* Copies what stands before the payload and what stands behind it; in the copies each field's
 * closing quote gives way to a terminator. */
static void
copy_fields (ZuEvent *self)
{
  guint32 behind = self->at.payload + self->at.payload_length;
  gsize size = self->length - self->at.payload_length;
  char *copies;

  self->fields = self->length + ZU_JSON_PADDING;
  if (G_UNLIKELY (size > ZU_EVENT_ROOM))
    self->text = g_realloc (self->text, self->fields + size);
  copies = self->text + self->fields;
  memcpy (copies, self->text, self->at.payload);
  memcpy (copies + self->at.payload, self->text + behind, self->length - behind);
  for (int i = 0; i < ZU_EVENT_N_FIELDS; i++)
    {
      ZuEventSlice *slice = &self->at.slices[i];

      if (slice->length == ZU_EVENT_NULL)
        continue;
      if (slice->start >= behind)
        slice->start -= self->at.payload_length;
      copies[slice->start + slice->length] = '\0';
    }
}

/* Finds the parts of the text, which has padding and ZU_EVENT_ROOM behind it; FALSE
 * where the text is not as we write it. */
gboolean
zu_event_locate (ZuEvent *self)
{
  if (!zu_event_layout_read (&self->at, self->text, self->length, NULL))
    return FALSE;
  copy_fields (self);
  return TRUE;
}
