/* SPDX-License-Identifier: Apache-2.0 */

/* The fast way into an event's text: written as we write it, its parts stand in one order, so each
 * is checked where it must be. What does not match is left to the reader that takes any spelling.
 */

#include "zu-event-private.h"
#include "zu-timestamp-private.h"
#include "zu-uuid-private.h"

typedef struct
{
  ZuEvent *event;
  const char *text;
  const char *p;
  const char *end;
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
  self->event->slices[field].start = (guint32) (start - self->text);
  self->event->slices[field].length = (guint32) (end - start);
  self->event->slices[field].is_plain = TRUE;
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
  self->event->slices[field].start = 0;
  self->event->slices[field].length = ZU_EVENT_NULL;
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

static gboolean
match_payload (Cursor *self)
{
  const char *start = self->p, *end;

  if (*start != '{')
    return FALSE;
  end = zu_json_scan (start, self->end, 1);
  if (end == NULL)
    return FALSE;
  self->event->payload = (guint32) (start - self->text);
  self->event->payload_length = (guint32) (end - start);
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
  self->event->version = (guint32) (start - self->text);
  self->event->version_length = (guint32) (self->p - start);
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

  self->event->links = (guint32) (self->p - self->text);
  return match_literal (self, ",\"prev_hash\":") && match_link (self, ZU_EVENT_FIELD_PREV_HASH)
         && match_literal (self, ",\"hash\":") && match_link (self, ZU_EVENT_FIELD_HASH)
         && match_literal (self, ",\"sig\":") && match_link (self, ZU_EVENT_FIELD_SIG)
         && match_literal (self, "}") && self->p == self->end;
}

/* Copies what stands before the payload and what stands behind it; in the copies each field's
 * closing quote gives way to a terminator. */
static void
copy_fields (ZuEvent *self)
{
  guint32 behind = self->payload + self->payload_length;
  gsize size = self->length - self->payload_length;
  char *copies;

  self->fields = self->length + ZU_JSON_PADDING;
  if (G_UNLIKELY (size > ZU_EVENT_ROOM))
    self->text = g_realloc (self->text, self->fields + size);
  copies = self->text + self->fields;
  memcpy (copies, self->text, self->payload);
  memcpy (copies + self->payload, self->text + behind, self->length - behind);
  for (int i = 0; i < ZU_EVENT_N_FIELDS; i++)
    {
      ZuEventSlice *slice = &self->slices[i];

      if (slice->length == ZU_EVENT_NULL)
        continue;
      if (slice->start >= behind)
        slice->start -= self->payload_length;
      copies[slice->start + slice->length] = '\0';
    }
}

/* Finds the parts of the text, which has padding and ZU_EVENT_ROOM behind it; FALSE
 * where the text is not as we write it. */
gboolean
zu_event_locate (ZuEvent *self)
{
  Cursor cursor = { self, self->text, self->text, self->text + self->length };

  if (!match_all (&cursor))
    return FALSE;
  copy_fields (self);
  return TRUE;
}
