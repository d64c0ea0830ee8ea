/* SPDX-License-Identifier: Apache-2.0 */

/* Storing events in a transaction that has begun. */

#include "zu-sqlite-writer-private.h"

/* Of each parameter of STMT_INSERT but the last. */
static const ZuEventField insert_fields[] = {
  ZU_EVENT_FIELD_EVENT_ID,  ZU_EVENT_FIELD_TRACE_ID, ZU_EVENT_FIELD_TASK_ID,
  ZU_EVENT_FIELD_PARENT_ID, ZU_EVENT_FIELD_TYPE,     ZU_EVENT_FIELD_SOURCE,
};

/* The event that is stored under the same id; NULL where none is, or on an error. */
static ZuEvent *
find_stored (ZuSqliteWriter *self, const ZuSqliteParams *params, ZuEvent *event, GError **error)
{
  g_autoptr (ZuSqliteUse) use = self->stmts[STMT_FIND];
  int result;

  zu_sqlite_bind_text (use, 1, zu_event_get_event_id (event), -1);
  result = sqlite3_step (use);
  if (result == SQLITE_ROW)
    return zu_sqlite_row_decode (use, params, error);
  if (result != SQLITE_DONE)
    {
      zu_sqlite_trouble_fail (&self->trouble, result, "look for a stored event");
      zu_sqlite_trouble_tell (&self->trouble, error);
    }
  return NULL;
}

static ZuEvent *
answer_repeated (ZuSqliteWriter *self, const ZuSqliteParams *params, ZuEvent *event, GError **error)
{
  g_autoptr (ZuEvent) stored = find_stored (self, params, event, error);

  return stored != NULL && zu_sink_check_repeat (event, stored, error) ? g_steal_pointer (&stored)
                                                                       : NULL;
}

/* A repeated event does not follow the head any more, which is no conflict. */
static ZuEvent *
answer_conflict (ZuSqliteWriter *self, const ZuSqliteParams *params, ZuEvent *event,
                 GError *conflict, GError **error)
{
  g_autoptr (GError) owned = conflict, local_error = NULL;
  ZuEvent *stored;

  if (g_error_matches (conflict, ZU_EVENT_SINK_ERROR, ZU_EVENT_SINK_ERROR_CONFLICT))
    {
      stored = answer_repeated (self, params, event, &local_error);
      if (stored != NULL)
        return stored;
    }

  if (local_error != NULL)
    g_propagate_error (error, g_steal_pointer (&local_error));
  else
    g_propagate_error (error, g_steal_pointer (&owned));
  return NULL;
}

/* Whether the row that comes next may be in plain text, where it is. */
static gboolean
check_policy (ZuSqliteWriter *self, GError **error)
{
  gint64 from = zu_sqlite_sealer_get_policy (self->sealer);
  gint64 next = 1;

  if (from == 0 || self->blob->len == 0 || self->blob->data[0] != 0)
    return TRUE;
  if (!zu_sqlite_writer_read_number (self, STMT_NEXT, &next))
    return zu_sqlite_trouble_tell (&self->trouble, error);
  if (next < from)
    return TRUE;

  g_set_error (error, ZU_EVENT_SINK_ERROR, ZU_EVENT_SINK_ERROR_PLAINTEXT,
               "%s: from row %" G_GINT64_FORMAT " on this log takes only encrypted events "
               "(give a codec)",
               self->path, from);
  return FALSE;
}

static gboolean
complete_index (ZuSqliteWriter *self, const ZuSqliteParams *params)
{
  gint64 end = self->last_seq;

  return (end != 0 || zu_sqlite_writer_read_number (self, STMT_LAST, &end))
         && zu_sqlite_indexer_complete (&self->indexer, params, end);
}

/* A result of SQLite's. A repeated id is refused by it; an upsert would use a sequence number up.
 */
static int
insert_row (ZuSqliteWriter *self, ZuEvent *linked)
{
  sqlite3_stmt *stmt = self->stmts[STMT_INSERT];
  int result;

  for (guint i = 0; i < G_N_ELEMENTS (insert_fields); i++)
    {
      gsize length;
      const char *text = zu_event_get_field (linked, insert_fields[i], &length);

      zu_sqlite_bind_text (stmt, (int) i + 1, text, (gssize) length);
    }
  sqlite3_bind_blob64 (stmt, G_N_ELEMENTS (insert_fields) + 1, self->blob->data, self->blob->len,
                       SQLITE_STATIC);

  /* Every parameter is bound anew each time, so the bindings need not be cleared. */
  result = sqlite3_step (stmt);
  sqlite3_reset (stmt);
  return result;
}

/* Stores a linked event; *IS_NEW tells whether its id was not there yet. */
static gboolean
store_row (ZuSqliteWriter *self, const ZuSqliteParams *params, ZuSqliteTrace *trace,
           ZuEvent *linked, gboolean *is_new)
{
  gboolean has_index = zu_sqlite_indexer_is_needed (&self->indexer, params);
  int result;

  if (has_index && !complete_index (self, params))
    return FALSE;

  result = insert_row (self, linked);
  *is_new = result == SQLITE_DONE;
  if (result == SQLITE_CONSTRAINT_UNIQUE)
    return TRUE;
  if (result != SQLITE_DONE)
    return zu_sqlite_trouble_fail (&self->trouble, result, "store an event");

  self->last_seq = sqlite3_last_insert_rowid (self->db);
  zu_sqlite_sealer_advance (self->sealer, trace, linked, self->last_seq);
  g_ptr_array_add (self->fresh, g_object_ref (linked));
  return !has_index || zu_sqlite_indexer_add (&self->indexer, linked, self->last_seq);
}

static ZuEvent *
append (ZuSqliteWriter *self, const ZuSqliteParams *params, ZuEvent *event, GError **error)
{
  ZuSqliteTrace *trace =
      zu_sqlite_sealer_get (self->sealer, params, zu_event_get_trace_id (event), error);
  g_autoptr (ZuEvent) linked = NULL;
  GError *conflict = NULL;
  gboolean is_new;

  if (trace == NULL)
    return NULL;

  linked = zu_sink_link (event, *trace->head != '\0' ? trace->head : NULL, params->role,
                         params->sign_key, &conflict);
  if (linked == NULL)
    return answer_conflict (self, params, event, conflict, error);
  if (!zu_codec_set_write_event (params->codecs, linked, self->blob, error)
      || !check_policy (self, error))
    return NULL;
  if (!store_row (self, params, trace, linked, &is_new))
    {
      zu_sqlite_trouble_tell (&self->trouble, error);
      return NULL;
    }

  return is_new ? g_steal_pointer (&linked) : answer_repeated (self, params, event, error);
}

static gboolean
is_sound (ZuSqliteWriter *self, const ZuSqliteParams *params, GError **error)
{
  if (self->trouble.failure != NULL)
    return zu_sqlite_trouble_tell (&self->trouble, error);

  return params->encrypted_from == 0 || zu_sqlite_sealer_set_policy (self->sealer, params, error);
}

/* The event as stored, or an error. An error of this event alone leaves the transaction as it
 * was; one of the transaction comes back from every further call. */
ZuEvent *
zu_sqlite_writer_append (ZuSqliteWriter *self, const ZuSqliteParams *params, ZuEvent *event,
                         GError **error)
{
  return is_sound (self, params, error) ? append (self, params, event, error) : NULL;
}

/* What was remembered of the batch goes with it. */
static void
take_back (ZuSqliteWriter *self, gint64 last_seq, gint64 indexed_to, guint n_fresh)
{
  zu_sqlite_trouble_run (&self->trouble, self->stmts[STMT_ROLL_BACK_SAVED], "take a batch back");
  zu_sqlite_sealer_forget (self->sealer);
  g_ptr_array_set_size (self->fresh, (int) n_fresh);
  self->last_seq = last_seq;
  self->indexer.done_to = indexed_to;
  zu_sqlite_indexer_load (&self->indexer);
}

/* All seals are written before, so that what is taken back goes back to them. */
static gboolean
save (ZuSqliteWriter *self, GError **error)
{
  return (zu_sqlite_sealer_seal (self->sealer)
          && zu_sqlite_trouble_run (&self->trouble, self->stmts[STMT_SAVE], "begin to write"))
         || zu_sqlite_trouble_tell (&self->trouble, error);
}

/* All or none of them. */
GPtrArray *
zu_sqlite_writer_append_many (ZuSqliteWriter *self, const ZuSqliteParams *params, GPtrArray *events,
                              GError **error)
{
  g_autoptr (GPtrArray) stored = g_ptr_array_new_full (events->len, g_object_unref);
  gint64 last_seq = self->last_seq, indexed_to = self->indexer.done_to;
  guint n_fresh = self->fresh->len;

  if (!is_sound (self, params, error) || !save (self, error))
    return NULL;

  for (guint i = 0; i < events->len; i++)
    {
      ZuEvent *one = append (self, params, g_ptr_array_index (events, i), error);

      if (one == NULL)
        {
          zu_sink_prefix_index (error, i, events->len);
          break;
        }
      g_ptr_array_add (stored, one);
    }

  if (stored->len < events->len && self->trouble.failure == NULL)
    take_back (self, last_seq, indexed_to, n_fresh);
  if (self->trouble.failure == NULL)
    zu_sqlite_trouble_run (&self->trouble, self->stmts[STMT_RELEASE], "end a batch");

  return stored->len == events->len ? g_steal_pointer (&stored) : NULL;
}
