/* SPDX-License-Identifier: Apache-2.0 */

#include "zu-sqlite-trace.h"

#define ADVICE "(zuctl log verify tells more; what is sound can be appended to a new log)"

enum
{
  SEAL_ID,
  SEAL_EVENTS,
  SEAL_LAST_SEQ,
  SEAL_HEAD,
  SEAL_MAC,
};

ZuSqliteTrace *
zu_sqlite_trace_new (const char *trace_id)
{
  ZuSqliteTrace *self = g_new0 (ZuSqliteTrace, 1);

  self->trace_id = g_strdup (trace_id);
  return self;
}

void
zu_sqlite_trace_free (ZuSqliteTrace *self)
{
  g_free (self->trace_id);
  g_free (self);
}

/* A hash that is too long for one is cut, and so is no head that anything follows. */
void
zu_sqlite_trace_set_head (ZuSqliteTrace *self, ZuEvent *event)
{
  const char *hash = zu_event_get_hash (event);

  g_strlcpy (self->head, hash != NULL ? hash : "", sizeof self->head);
}

ZuSeal
zu_sqlite_trace_get_seal (const ZuSqliteTrace *self)
{
  ZuSeal seal = { self->trace_id, self->n_events, self->last_seq, { 0 } };

  /* The head of an event that was linked here, or whose hash was checked. */
  if (!zu_seal_parse_head (self->head, seal.head))
    g_warn_if_reached ();
  return seal;
}

gboolean
zu_sqlite_trace_reader_open (ZuSqliteTraceReader *self, GError **error)
{
  sqlite3 *db = self->trouble->db;

  self->seal = zu_sqlite_prepare (
      db, "SELECT id, events, last_seq, head, mac FROM zu_seals WHERE trace_id = ?1", error);
  if (self->seal != NULL)
    self->last = zu_sqlite_prepare (db,
                                    "SELECT " ZU_SQLITE_ROW_COLUMNS " FROM events e"
                                    " WHERE e.trace_id = ?1 ORDER BY e.seq DESC LIMIT 1",
                                    error);
  if (self->last != NULL)
    self->rows = zu_sqlite_prepare (db,
                                    "SELECT " ZU_SQLITE_ROW_COLUMNS " FROM events e"
                                    " WHERE e.trace_id = ?1 AND e.seq > ?2 ORDER BY e.seq",
                                    error);
  return self->rows != NULL;
}

void
zu_sqlite_trace_reader_close (ZuSqliteTraceReader *self)
{
  g_clear_pointer (&self->seal, sqlite3_finalize);
  g_clear_pointer (&self->last, sqlite3_finalize);
  g_clear_pointer (&self->rows, sqlite3_finalize);
}

static gboolean
refuse (const ZuSqliteTrace *trace, GError **error, const char *why)
{
  g_set_error (error, ZU_EVENT_SINK_ERROR, ZU_EVENT_SINK_ERROR_CONFLICT,
               "trace %s cannot be continued: %s " ADVICE, trace->trace_id, why);
  return FALSE;
}

static gboolean
fail (ZuSqliteTraceReader *self, int result, GError **error)
{
  zu_sqlite_trouble_fail (self->trouble, result, "read the end of a trace");
  return zu_sqlite_trouble_tell (self->trouble, error);
}

static ZuEvent *
decode (sqlite3_stmt *row, const ZuSqliteParams *params, GError **error)
{
  ZuEvent *event = zu_sqlite_row_decode (row, params, error);

  if (event == NULL)
    g_prefix_error (error, "the trace cannot be continued: ");
  return event;
}

/* The last event of a trace. @event is %NULL where it has none. */
static gboolean
read_last (ZuSqliteTraceReader *self, const ZuSqliteParams *params, const char *trace_id,
           ZuEvent **event, gint64 *seq, GError **error)
{
  g_autoptr (ZuSqliteUse) use = self->last;
  int result;

  *event = NULL;
  *seq = 0;
  zu_sqlite_bind_text (use, 1, trace_id, -1);
  result = sqlite3_step (use);
  if (result == SQLITE_DONE)
    return TRUE;
  if (result != SQLITE_ROW)
    return fail (self, result, error);

  *seq = sqlite3_column_int64 (use, ZU_SQLITE_ROW_SEQ);
  *event = decode (use, params, error);
  return *event != NULL;
}

/* Only what the next event follows, of a log whose seals are not ours to make. */
gboolean
zu_sqlite_trace_reader_read_head (ZuSqliteTraceReader *self, const ZuSqliteParams *params,
                                  ZuSqliteTrace *trace, GError **error)
{
  g_autoptr (ZuEvent) last = NULL;

  if (!read_last (self, params, trace->trace_id, &last, &trace->last_seq, error))
    return FALSE;
  if (last != NULL)
    zu_sqlite_trace_set_head (trace, last);
  return TRUE;
}

static gboolean
has_right_mac (sqlite3_stmt *row, const ZuSqliteTrace *trace, ZuSecret *key)
{
  ZuSeal seal = zu_sqlite_trace_get_seal (trace);

  return key == NULL
         || zu_seal_check_mac (&seal, key, sqlite3_column_blob (row, SEAL_MAC),
                               (gsize) sqlite3_column_bytes (row, SEAL_MAC));
}

static void
write_hex (char *out, const guint8 *bytes)
{
  static const char digits[] = "0123456789abcdef";

  for (guint i = 0; i < ZU_SEAL_SIZE; i++)
    {
      out[2 * i] = digits[bytes[i] >> 4];
      out[2 * i + 1] = digits[bytes[i] & 15];
    }
  out[2 * ZU_SEAL_SIZE] = '\0';
}

static gboolean
read_seal (ZuSqliteTraceReader *self, ZuSecret *key, ZuSqliteTrace *trace, GError **error)
{
  g_autoptr (ZuSqliteUse) use = self->seal;
  ZuSeal seal;
  int result;

  zu_sqlite_bind_text (use, 1, trace->trace_id, -1);
  result = sqlite3_step (use);
  if (result == SQLITE_DONE)
    return TRUE;
  if (result != SQLITE_ROW)
    return fail (self, result, error);

  trace->id = sqlite3_column_int64 (use, SEAL_ID);
  trace->n_events = trace->n_sealed = (guint64) sqlite3_column_int64 (use, SEAL_EVENTS);
  trace->last_seq = sqlite3_column_int64 (use, SEAL_LAST_SEQ);
  if (sqlite3_column_bytes (use, SEAL_HEAD) != ZU_SEAL_SIZE)
    return refuse (trace, error, "the head in its seal is no hash");
  write_hex (trace->head, sqlite3_column_blob (use, SEAL_HEAD));
  if (!has_right_mac (use, trace, key))
    return refuse (trace, error, "its seal was changed, or made with another key");

  seal = zu_sqlite_trace_get_seal (trace);
  zu_seal_write_element (&seal, key, trace->element);
  return TRUE;
}

/* A row that another implementation has appended. A copy may begin in the middle of a trace. */
static gboolean
follow (ZuSqliteTrace *trace, const ZuSqliteParams *params, ZuEvent *event, gint64 seq,
        GError **error)
{
  gboolean is_free = trace->n_events == 0 && params->role == ZU_SINK_ROLE_COPY;
  const char *head = is_free                ? zu_event_get_prev_hash (event)
                     : *trace->head != '\0' ? trace->head
                                            : NULL;
  g_autoptr (ZuEvent) checked = NULL;
  g_autofree char *why = NULL;

  if (zu_event_is_linked (event))
    checked = zu_chain_link (event, head, NULL, NULL);
  if (checked == NULL)
    {
      why = g_strdup_printf ("row %" G_GINT64_FORMAT " (event %s), which is not sealed yet, does "
                             "not follow the one before it, or was changed",
                             seq, zu_event_get_event_id (event));
      return refuse (trace, error, why);
    }

  zu_sqlite_trace_set_head (trace, checked);
  trace->n_events++;
  trace->last_seq = seq;
  return TRUE;
}

/* The rows behind the sealed ones: from here on they are sealed too, so they are checked. */
static gboolean
read_unsealed (ZuSqliteTraceReader *self, const ZuSqliteParams *params, ZuSqliteTrace *trace,
               GError **error)
{
  g_autoptr (ZuSqliteUse) use = self->rows;
  int result;

  zu_sqlite_bind_text (use, 1, trace->trace_id, -1);
  sqlite3_bind_int64 (use, 2, trace->last_seq);
  while ((result = sqlite3_step (use)) == SQLITE_ROW)
    {
      g_autoptr (ZuEvent) event = decode (use, params, error);

      if (event == NULL
          || !follow (trace, params, event, sqlite3_column_int64 (use, ZU_SQLITE_ROW_SEQ), error))
        return FALSE;
    }

  return result == SQLITE_DONE || fail (self, result, error);
}

/* The trace as it is sealed and as it stands. Where these do not agree, going on would seal what
 * was changed, and hide it. */
gboolean
zu_sqlite_trace_reader_read (ZuSqliteTraceReader *self, const ZuSqliteParams *params, ZuSecret *key,
                             ZuSqliteTrace *trace, GError **error)
{
  g_autoptr (ZuEvent) last = NULL;
  gint64 seq;

  if (!read_last (self, params, trace->trace_id, &last, &seq, error)
      || !read_seal (self, key, trace, error))
    return FALSE;
  if (trace->id == 0 && last == NULL)
    return TRUE;
  if (last == NULL || seq < trace->last_seq)
    return refuse (trace, error, "events that are sealed were cut off its end");
  if (seq > trace->last_seq)
    return read_unsealed (self, params, trace, error);

  return g_strcmp0 (zu_event_get_hash (last), trace->head) == 0
         || refuse (trace, error, "its last event is not the one that is sealed");
}
