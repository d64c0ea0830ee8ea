/* SPDX-License-Identifier: Apache-2.0 */

#include "zu-sqlite-sealer-private.h"

#include "zu-sqlite-schema.h"
#include "zu-sqlite-seals.h"

#define MOST_TRACES 65536

static const char *const stmt_sql[N_STMTS] = {
  [STMT_FIND_LOG] = "SELECT rowid, seq FROM sqlite_sequence WHERE name = '" ZU_SQLITE_LOG_SEAL "'",
  [STMT_STATE] = "SELECT EXISTS (SELECT 1 FROM zu_seals),"
                 " (SELECT value FROM zu_log WHERE name = '" ZU_SQLITE_SEALED "'),"
                 " (SELECT value FROM zu_log WHERE name = '" ZU_SQLITE_ENCRYPTED_FROM "')",
  [STMT_INSERT] =
      "INSERT INTO zu_seals (trace_id, events, last_seq, head, mac) VALUES (?1, ?2, ?3, ?4, ?5)",
  [STMT_UPDATE] =
      "UPDATE zu_seals SET events = ?2, last_seq = ?3, head = ?4, mac = ?5 WHERE id = ?1",
  [STMT_INSERT_LOG] = "INSERT INTO sqlite_sequence VALUES ('" ZU_SQLITE_LOG_SEAL "', ?1)",
  [STMT_UPDATE_LOG] = "UPDATE sqlite_sequence SET seq = ?1 WHERE rowid = ?2",
};

ZuSqliteSealer *
zu_sqlite_sealer_new (ZuSqliteTrouble *trouble)
{
  ZuSqliteSealer *self = g_new0 (ZuSqliteSealer, 1);

  self->trouble = self->reader.trouble = trouble;
  self->traces =
      g_hash_table_new_full (g_str_hash, g_str_equal, NULL, (GDestroyNotify) zu_sqlite_trace_free);
  self->changed = g_ptr_array_new ();
  return self;
}

void
zu_sqlite_sealer_free (ZuSqliteSealer *self)
{
  g_hash_table_unref (self->traces);
  g_ptr_array_unref (self->changed);
  g_clear_error (&self->refusal);
  g_clear_pointer (&self->key, zu_secret_unref);
  g_free (self);
}

gboolean
zu_sqlite_sealer_open (ZuSqliteSealer *self, GError **error)
{
  for (guint i = 0; i < N_STMTS; i++)
    {
      self->stmts[i] = zu_sqlite_prepare (self->trouble->db, stmt_sql[i], error);
      if (self->stmts[i] == NULL)
        return FALSE;
    }
  return zu_sqlite_trace_reader_open (&self->reader, error);
}

void
zu_sqlite_sealer_close (ZuSqliteSealer *self)
{
  for (guint i = 0; i < N_STMTS; i++)
    g_clear_pointer (&self->stmts[i], sqlite3_finalize);
  zu_sqlite_trace_reader_close (&self->reader);
}

static void
forget_traces (ZuSqliteSealer *self)
{
  g_ptr_array_set_size (self->changed, 0);
  g_hash_table_remove_all (self->traces);
}

/* Others have written, or what was written was taken back. */
void
zu_sqlite_sealer_forget (ZuSqliteSealer *self)
{
  forget_traces (self);
  g_clear_error (&self->refusal);
  self->mode = MODE_UNKNOWN;
  self->has_changed_total = FALSE;
}

static void
bind_seal (sqlite3_stmt *stmt, const ZuSeal *seal, const guint8 *mac)
{
  sqlite3_bind_int64 (stmt, 2, (gint64) seal->n_events);
  sqlite3_bind_int64 (stmt, 3, seal->last_seq);
  sqlite3_bind_blob (stmt, 4, seal->head, ZU_SEAL_SIZE, SQLITE_STATIC);
  if (mac != NULL)
    sqlite3_bind_blob (stmt, 5, mac, ZU_SEAL_SIZE, SQLITE_STATIC);
}

gboolean
zu_sqlite_sealer_write (ZuSqliteSealer *self, const ZuSeal *seal, gint64 *id)
{
  g_autoptr (ZuSqliteUse) stmt = self->stmts[*id != 0 ? STMT_UPDATE : STMT_INSERT];
  guint8 mac[ZU_SEAL_SIZE];
  int result;

  if (self->key != NULL)
    zu_seal_write_mac (seal, self->key, mac);
  bind_seal (stmt, seal, self->key != NULL ? mac : NULL);
  if (*id != 0)
    sqlite3_bind_int64 (stmt, 1, *id);
  else
    zu_sqlite_bind_text (stmt, 1, seal->trace_id, -1);

  result = sqlite3_step (stmt);
  if (result != SQLITE_DONE)
    return zu_sqlite_trouble_fail (self->trouble, result, "seal a trace");
  if (*id == 0)
    *id = sqlite3_last_insert_rowid (self->trouble->db);
  return TRUE;
}

static gboolean
seal_trace (ZuSqliteSealer *self, ZuSqliteTrace *trace)
{
  ZuSeal seal = zu_sqlite_trace_get_seal (trace);
  gboolean is_new = trace->id == 0;

  if (!zu_sqlite_sealer_write (self, &seal, &trace->id))
    return FALSE;

  if (is_new)
    self->total.n_traces++;
  else
    zu_seal_sum_subtract (self->total.sum, trace->element);
  zu_seal_write_element (&seal, self->key, trace->element);
  zu_seal_sum_add (self->total.sum, trace->element);
  self->total.n_events += trace->n_events - trace->n_sealed;
  self->total.last_seq = MAX (self->total.last_seq, trace->last_seq);

  trace->n_sealed = trace->n_events;
  trace->is_changed = FALSE;
  return TRUE;
}

static gboolean
seal_changed (ZuSqliteSealer *self)
{
  if (self->changed->len > 0)
    self->has_changed_total = TRUE;
  for (guint i = 0; i < self->changed->len; i++)
    if (!seal_trace (self, g_ptr_array_index (self->changed, i)))
      return FALSE;

  g_ptr_array_set_size (self->changed, 0);
  return TRUE;
}

static gboolean
write_total (ZuSqliteSealer *self)
{
  ZuSqliteTrouble *trouble = self->trouble;
  g_autoptr (ZuSqliteUse) stmt =
      self->stmts[self->total_id != 0 ? STMT_UPDATE_LOG : STMT_INSERT_LOG];
  guint8 bytes[ZU_SEAL_TOTAL_SIZE];
  int result;

  if (!zu_seal_total_close (&self->total, self->key, &trouble->failure))
    return FALSE;
  sqlite3_bind_blob (stmt, 1, bytes, (int) zu_seal_total_write (&self->total, bytes),
                     SQLITE_STATIC);
  if (self->total_id != 0)
    sqlite3_bind_int64 (stmt, 2, self->total_id);
  result = sqlite3_step (stmt);
  if (result != SQLITE_DONE)
    return zu_sqlite_trouble_fail (trouble, result, "seal the log");

  if (self->total_id == 0)
    {
      self->total_id = sqlite3_last_insert_rowid (trouble->db);
      return zu_sqlite_log_set (trouble->db, ZU_SQLITE_SEALED, 1, &trouble->failure);
    }
  return TRUE;
}

/* Writes the seals of what this transaction has stored. */
gboolean
zu_sqlite_sealer_seal (ZuSqliteSealer *self)
{
  if (self->trouble->failure != NULL || !seal_changed (self))
    return FALSE;
  if (!self->has_changed_total)
    return TRUE;

  self->has_changed_total = FALSE;
  return write_total (self);
}

/* Records from which row on the log takes and gives only what is encrypted. It can be made to begin
 * earlier, never later. */
gboolean
zu_sqlite_sealer_set_policy (ZuSqliteSealer *self, const ZuSqliteParams *params, GError **error)
{
  ZuSqliteTrouble *trouble = self->trouble;
  gint64 from = params->encrypted_from;

  if (!zu_sqlite_sealer_load (self, params, error))
    return FALSE;
  if (zu_sqlite_stricter (from, self->policy) == self->policy)
    return TRUE;
  if (self->mode == MODE_PASSIVE)
    {
      g_set_error (error, ZU_EVENT_SINK_ERROR, ZU_EVENT_SINK_ERROR_CONFLICT,
                   "%s: that the log is encrypted from row %" G_GINT64_FORMAT " on must be sealed "
                   "with its key (give the key)",
                   trouble->path, from);
      return FALSE;
    }

  if (!zu_sqlite_log_set (trouble->db, ZU_SQLITE_ENCRYPTED_FROM, from, &trouble->failure))
    return zu_sqlite_trouble_tell (trouble, error);
  self->policy = self->total.encrypted_from = from;
  self->has_changed_total = TRUE;
  return TRUE;
}

/* From which row on a plaintext one is refused; 0 for none. */
gint64
zu_sqlite_sealer_get_policy (ZuSqliteSealer *self)
{
  return self->policy;
}

/* A trace that an event is to be appended to. An error of this trace alone leaves the transaction
 * as it was. */
ZuSqliteTrace *
zu_sqlite_sealer_get (ZuSqliteSealer *self, const ZuSqliteParams *params, const char *trace_id,
                      GError **error)
{
  g_autoptr (ZuSqliteTrace) trace = NULL;
  ZuSqliteTrace *known;

  if (!zu_sqlite_sealer_load (self, params, error))
    return NULL;
  known = g_hash_table_lookup (self->traces, trace_id);
  if (known != NULL)
    return known;

  trace = zu_sqlite_trace_new (trace_id);
  if (!(self->mode == MODE_ACTIVE
            ? zu_sqlite_trace_reader_read (&self->reader, params, self->key, trace, error)
            : zu_sqlite_trace_reader_read_head (&self->reader, params, trace, error)))
    return NULL;

  if (g_hash_table_size (self->traces) >= MOST_TRACES)
    {
      if (!seal_changed (self))
        {
          zu_sqlite_trouble_tell (self->trouble, error);
          return NULL;
        }
      forget_traces (self);
    }
  g_hash_table_insert (self->traces, trace->trace_id, trace);
  return g_steal_pointer (&trace);
}

/* An event of the trace was stored as row @seq. */
void
zu_sqlite_sealer_advance (ZuSqliteSealer *self, ZuSqliteTrace *trace, ZuEvent *event, gint64 seq)
{
  zu_sqlite_trace_set_head (trace, event);
  trace->n_events++;
  trace->last_seq = seq;
  if (trace->is_changed || self->mode != MODE_ACTIVE)
    return;

  trace->is_changed = TRUE;
  g_ptr_array_add (self->changed, trace);
}
