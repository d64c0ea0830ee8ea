/* SPDX-License-Identifier: Apache-2.0 */

#include "zu-follower-private.h"

#include "../ports/zu-event-audit.h"
#include "zu-batch-private.h"

/* Bounds what is in memory, and what is delivered once more after a sudden end. */
#define PAGE_SIZE 128

struct _ZuFollower
{
  ZuEventSink *canonical;
  ZuEventSink *sink;
  char *name;
  ZuPositions *positions;
  ZuFollowed followed;
  gpointer user_data;

  gboolean is_placed; /* the position is known, and of this log */
  gint64 seq;
  char *event_id;
  GPtrArray *page;      /* read, and not all delivered */
  guint n_done;         /* of it */
  gint64 next_seq;      /* behind it */
  gboolean ends_unread; /* its last row is none that can be read */
};

ZuFollower *
zu_follower_new (ZuEventSink *canonical, ZuEventSink *sink, const char *name,
                 ZuPositions *positions, ZuFollowed followed, gpointer user_data)
{
  ZuFollower *self = g_new0 (ZuFollower, 1);

  self->canonical = g_object_ref (canonical);
  self->sink = g_object_ref (sink);
  self->name = g_strdup (name);
  self->positions = zu_positions_ref (positions);
  self->followed = followed;
  self->user_data = user_data;
  return self;
}

void
zu_follower_free (ZuFollower *self)
{
  g_object_unref (self->canonical);
  g_object_unref (self->sink);
  g_clear_pointer (&self->page, g_ptr_array_unref);
  zu_positions_unref (self->positions);
  g_free (self->event_id);
  g_free (self->name);
  g_free (self);
}

/* Of a log that can be audited, rows that cannot be read are told of and passed over. */
static GPtrArray *
read_page (ZuFollower *self, gint64 after, gint64 limit, gint64 *next_seq, GPtrArray **findings,
           GError **error)
{
  g_autoptr (ZuAuditPage) audited = NULL;
  g_autoptr (ZuEventPage) page = NULL;

  *findings = NULL;
  if (ZU_IS_EVENT_AUDIT (self->canonical))
    {
      audited =
          zu_event_audit_audit (ZU_EVENT_AUDIT (self->canonical), NULL, after, limit, NULL, error);
      if (audited == NULL)
        return NULL;
      *next_seq = zu_audit_page_get_next_seq (audited);
      *findings = g_ptr_array_ref (zu_audit_page_get_findings (audited));
      return g_ptr_array_ref (zu_audit_page_get_events (audited));
    }

  page = zu_event_sink_stream (self->canonical, NULL, after, limit, NULL, error);
  if (page == NULL)
    return NULL;
  *next_seq = zu_event_page_get_next_seq (page);
  return g_ptr_array_ref (zu_event_page_get_events (page));
}

/* What cannot be read cannot be delivered, and does not hold up the rest. */
static void
tell_findings (ZuFollower *self, GPtrArray *findings)
{
  for (guint i = 0; findings != NULL && i < findings->len; i++)
    {
      ZuAuditFinding *finding = g_ptr_array_index (findings, i);
      g_autoptr (GError) error = NULL;

      if (zu_audit_finding_get_kind (finding) != ZU_FINDING_KIND_UNDECODABLE)
        continue;
      self->ends_unread |= zu_audit_finding_get_seq (finding) == self->next_seq;
      error = g_error_new (ZU_EVENT_SINK_ERROR, ZU_EVENT_SINK_ERROR_UNDECODABLE,
                           "%s could not be handed on: %s", self->name,
                           zu_audit_finding_get_text (finding));
      self->followed (NULL, error, TRUE, self->user_data);
    }
}

static ZuFollowResult
fail (ZuFollower *self, const GError *error)
{
  self->followed (NULL, error, FALSE, self->user_data);
  return ZU_FOLLOW_FAILED;
}

/* Whether the event at the position is the one that was delivered last. The log may be another one
 * by now, and then a number says nothing. */
static gboolean
check_place (ZuFollower *self, GError **error)
{
  g_autoptr (GPtrArray) events = NULL, findings = NULL;
  gint64 next_seq;

  if (self->seq == 0 || self->event_id == NULL)
    return TRUE;
  events = read_page (self, self->seq - 1, 1, &next_seq, &findings, error);
  if (events == NULL)
    return FALSE;
  if (events->len == 1 && next_seq == self->seq
      && g_str_equal (zu_event_get_event_id (g_ptr_array_index (events, 0)), self->event_id))
    return TRUE;
  if (events->len == 0 && findings != NULL && findings->len > 0)
    return TRUE; /* it cannot be read now, which others tell of */

  g_set_error (error, ZU_EVENT_SINK_ERROR, ZU_EVENT_SINK_ERROR_FOREIGN,
               "the position of %s is that of another log: event %s is not number %" G_GINT64_FORMAT
               " of this one (remove it from the file of positions, and the log is delivered from "
               "its beginning)",
               self->name, self->event_id, self->seq);
  return FALSE;
}

static ZuFollowResult
find_place (ZuFollower *self)
{
  g_autoptr (GError) error = NULL;
  ZuPositionsState state = zu_positions_own (self->positions, &error);

  if (state == ZU_POSITIONS_TAKEN)
    return ZU_FOLLOW_TAKEN;
  if (state == ZU_POSITIONS_FAILED)
    return fail (self, error);

  g_free (self->event_id);
  self->seq = zu_positions_get (self->positions, self->name, &self->event_id);
  if (!check_place (self, &error))
    return fail (self, error);
  self->is_placed = TRUE;
  return ZU_FOLLOW_MORE;
}

/* Only what the destination says of an event itself lets that event go: anything else may be
 * another day's luck. */
static gboolean
is_of_event (const GError *error)
{
  return g_error_matches (error, ZU_EVENT_SINK_ERROR, ZU_EVENT_SINK_ERROR_CONFLICT)
         || g_error_matches (error, ZU_EVENT_SINK_ERROR, ZU_EVENT_SINK_ERROR_INVALID_EVENT);
}

static gboolean
deliver_one (ZuFollower *self, ZuEvent *event)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (ZuEvent) stored = zu_event_sink_append (self->sink, event, NULL, &error);
  gboolean is_final = stored != NULL || is_of_event (error);

  self->followed (event, stored != NULL ? NULL : error, is_final, self->user_data);
  return is_final;
}

static GPtrArray *
dup_rest (ZuFollower *self)
{
  GPtrArray *rest = g_ptr_array_new_with_free_func (g_object_unref);

  for (guint i = self->n_done; i < self->page->len; i++)
    g_ptr_array_add (rest, g_object_ref (g_ptr_array_index (self->page, i)));
  return rest;
}

/* All at once, as long as nothing is refused. */
static gboolean
deliver_together (ZuFollower *self, GError **error)
{
  g_autoptr (GPtrArray) rest = dup_rest (self);
  g_autoptr (GPtrArray) stored = NULL;

  if (rest->len < 2)
    return FALSE;
  stored = zu_event_sink_append_many (self->sink, rest, NULL, error);
  if (stored == NULL || stored->len != rest->len)
    return FALSE;

  for (; self->n_done < self->page->len; self->n_done++)
    self->followed (g_ptr_array_index (self->page, self->n_done), NULL, TRUE, self->user_data);
  return TRUE;
}

static gboolean
deliver (ZuFollower *self)
{
  g_autoptr (GError) error = NULL;

  if (deliver_together (self, &error))
    return TRUE;
  if (error != NULL && zu_batch_is_of_sink (error))
    {
      self->followed (g_ptr_array_index (self->page, self->n_done), error, FALSE, self->user_data);
      return FALSE;
    }

  while (self->n_done < self->page->len
         && deliver_one (self, g_ptr_array_index (self->page, self->n_done)))
    self->n_done++;
  return self->n_done == self->page->len;
}

/* The page is done: from here on the next run goes on. */
static void
move_on (ZuFollower *self)
{
  ZuEvent *last = self->page->len > 0 && !self->ends_unread
                      ? g_ptr_array_index (self->page, self->page->len - 1)
                      : NULL;

  g_free (self->event_id);
  self->event_id = last != NULL ? g_strdup (zu_event_get_event_id (last)) : NULL;
  self->seq = self->next_seq;
  zu_positions_set (self->positions, self->name, self->seq, self->event_id);
  g_clear_pointer (&self->page, g_ptr_array_unref);
}

static ZuFollowResult
take_page (ZuFollower *self)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (GPtrArray) findings = NULL;

  self->page = read_page (self, self->seq, PAGE_SIZE, &self->next_seq, &findings, &error);
  self->n_done = 0;
  self->ends_unread = FALSE;
  /* A log that nobody has written yet is empty. */
  if (self->page == NULL && self->seq == 0
      && g_error_matches (error, ZU_EVENT_SINK_ERROR, ZU_EVENT_SINK_ERROR_MISSING))
    return ZU_FOLLOW_END;
  if (self->page == NULL)
    return fail (self, error);

  if (self->next_seq != self->seq)
    tell_findings (self, findings);
  if (self->page->len > 0 || self->next_seq != self->seq)
    return ZU_FOLLOW_MORE;
  g_clear_pointer (&self->page, g_ptr_array_unref);
  return ZU_FOLLOW_END;
}

ZuFollowResult
zu_follower_step (ZuFollower *self)
{
  ZuFollowResult result = self->is_placed ? ZU_FOLLOW_MORE : find_place (self);

  if (result == ZU_FOLLOW_MORE && self->page == NULL)
    result = take_page (self);
  if (result != ZU_FOLLOW_MORE)
    return result;
  if (!deliver (self))
    return ZU_FOLLOW_FAILED;

  move_on (self);
  return ZU_FOLLOW_MORE;
}

/* In monotonic time; -1 for never. */
gint64
zu_follower_get_save_due (ZuFollower *self)
{
  return zu_positions_get_due (self->positions);
}

void
zu_follower_save (ZuFollower *self)
{
  g_autoptr (GError) error = NULL;

  if (!zu_positions_save (self->positions, &error))
    fail (self, error);
}
