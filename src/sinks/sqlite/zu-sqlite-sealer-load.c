/* SPDX-License-Identifier: Apache-2.0 */

/* The log's own seal, as it is found, and with which key it is gone on with. */

#include "zu-sqlite-sealer-private.h"

#include "zu-sqlite-seals.h"

#include <string.h>

#define PAGE 1024

static gboolean
is_same_key (ZuSecret *a, ZuSecret *b)
{
  gsize size_a, size_b;
  gconstpointer bytes_a, bytes_b;

  if (a == b || a == NULL || b == NULL)
    return a == b;

  bytes_a = zu_secret_peek (a, &size_a);
  bytes_b = zu_secret_peek (b, &size_b);
  return size_a == size_b && memcmp (bytes_a, bytes_b, size_a) == 0;
}

/* Nothing is taken until somebody has looked: going on would hide what was done. */
static gboolean
refuse (ZuSqliteSealer *self, const char *why)
{
  self->mode = MODE_REFUSED;
  g_set_error (&self->refusal, ZU_EVENT_SINK_ERROR, ZU_EVENT_SINK_ERROR_CONFLICT,
               "%s: nothing can be appended: %s (zuctl log verify tells more; what is sound can be "
               "appended to a new log)",
               self->trouble->path, why);
  return TRUE;
}

typedef struct
{
  guint8 plain[ZU_SEAL_SIZE];
  guint8 keyed[ZU_SEAL_SIZE];
} Sums;

static gboolean
sum_row (ZuSqliteSealer *self, sqlite3_stmt *row, gboolean signs, Sums *sums, gint64 *id)
{
  const char *trace_id = (const char *) sqlite3_column_text (row, 1);
  ZuSeal seal = { .trace_id = trace_id != NULL ? trace_id : "",
                  .n_events = (guint64) sqlite3_column_int64 (row, 2),
                  .last_seq = sqlite3_column_int64 (row, 3) };
  guint8 element[ZU_SEAL_SIZE];

  *id = sqlite3_column_int64 (row, 0);
  if (sqlite3_column_bytes (row, 4) == ZU_SEAL_SIZE)
    memcpy (seal.head, sqlite3_column_blob (row, 4), ZU_SEAL_SIZE);
  if (signs)
    return zu_sqlite_sealer_write (self, &seal, id);

  zu_seal_write_element (&seal, NULL, element);
  zu_seal_sum_add (sums->plain, element);
  zu_seal_write_element (&seal, self->key, element);
  zu_seal_sum_add (sums->keyed, element);
  return TRUE;
}

/* The row that the page ended with; 0 where there was none, -1 on an error. */
static gint64
sum_page (ZuSqliteSealer *self, sqlite3_stmt *rows, gint64 after, gboolean signs, Sums *sums)
{
  g_autoptr (ZuSqliteUse) use = rows;
  gint64 id = 0;
  int result;

  sqlite3_bind_int64 (use, 1, after);
  while ((result = sqlite3_step (use)) == SQLITE_ROW)
    if (!sum_row (self, use, signs, sums, &id))
      return -1;

  if (result == SQLITE_DONE)
    return id;
  zu_sqlite_trouble_fail (self->trouble, result, "sign the seals");
  return -1;
}

/* Adds the seals of all traces up, or signs them. */
static gboolean
pass_over_all (ZuSqliteSealer *self, gboolean signs, Sums *sums)
{
  g_autoptr (sqlite3_stmt) rows = zu_sqlite_prepare (
      self->trouble->db,
      "SELECT id, trace_id, events, last_seq, head FROM zu_seals WHERE id > ?1 ORDER BY id"
      " LIMIT " G_STRINGIFY (PAGE),
      &self->trouble->failure);
  gint64 last = 0;

  if (rows == NULL)
    return FALSE;
  for (gint64 after = 0; (last = sum_page (self, rows, after, signs, sums)) > 0;)
    after = last;
  return last == 0;
}

/* A log that was sealed without a key has one now: all its seals are signed, once, if they are
 * still those that the log's seal covers. */
static gboolean
sign_all (ZuSqliteSealer *self)
{
  Sums sums = { { 0 }, { 0 } };

  if (!pass_over_all (self, FALSE, &sums))
    return FALSE;
  if (memcmp (sums.plain, self->total.sum, ZU_SEAL_SIZE) != 0)
    return refuse (self, "the seals of its traces are not those that its own seal covers");
  if (!pass_over_all (self, TRUE, &sums))
    return FALSE;

  memcpy (self->total.sum, sums.keyed, ZU_SEAL_SIZE);
  self->has_changed_total = TRUE;
  return TRUE;
}

static gboolean
open_total (ZuSqliteSealer *self)
{
  switch (zu_seal_total_open (&self->total, self->key))
    {
    case ZU_SEAL_TRUST_LOCKED:
      self->mode = MODE_PASSIVE;
      return TRUE;
    case ZU_SEAL_TRUST_FORGED:
      return refuse (self, "its seal was changed, or made with another key than this one");
    case ZU_SEAL_TRUST_PLAIN:
      return self->key == NULL || sign_all (self);
    default:
      return TRUE;
    }
}

/* What is there: the log's seal; whether traces have seals; what the log says beside them. */
static gboolean
find (ZuSqliteSealer *self, gboolean *is_found, gboolean *is_whole, gboolean *has_traces,
      gboolean *was_sealed)
{
  g_autoptr (ZuSqliteUse) log = self->stmts[STMT_FIND_LOG];
  g_autoptr (ZuSqliteUse) state = self->stmts[STMT_STATE];
  int result = sqlite3_step (state);

  if (result == SQLITE_ROW)
    {
      *has_traces = sqlite3_column_int (state, 0);
      *was_sealed = sqlite3_column_int (state, 1);
      self->policy = MAX (sqlite3_column_int64 (state, 2), 0);
      result = sqlite3_step (log);
    }
  *is_found = result == SQLITE_ROW;
  if (result != SQLITE_ROW && result != SQLITE_DONE)
    return zu_sqlite_trouble_fail (self->trouble, result, "read the log's seal");

  self->total_id = *is_found ? sqlite3_column_int64 (log, 0) : 0;
  *is_whole = zu_seal_total_parse (&self->total, *is_found ? sqlite3_column_blob (log, 1) : NULL,
                                   *is_found ? (gsize) sqlite3_column_bytes (log, 1) : 0);
  return TRUE;
}

static gboolean
load (ZuSqliteSealer *self)
{
  gboolean is_found = FALSE, is_whole = FALSE, has_traces = FALSE, was_sealed = FALSE;

  if (!find (self, &is_found, &is_whole, &has_traces, &was_sealed))
    return FALSE;

  self->mode = MODE_ACTIVE;
  self->policy = zu_sqlite_stricter (self->policy, self->total.encrypted_from);
  if (!is_found && (has_traces || was_sealed))
    return refuse (self, "it was sealed, and its own seal is gone");
  if (!is_found)
    return TRUE;
  if (!is_whole)
    return refuse (self, "its seal is damaged");
  if (has_traces != (self->total.n_traces > 0))
    return refuse (self, "the seals of its traces are not those that its own seal covers");

  return open_total (self);
}

/* Makes sure that the log's seal is known, as it is with the key of whoever appends. */
gboolean
zu_sqlite_sealer_load (ZuSqliteSealer *self, const ZuSqliteParams *params, GError **error)
{
  if (self->mode != MODE_UNKNOWN && !is_same_key (self->key, params->sign_key))
    {
      if (!zu_sqlite_sealer_seal (self))
        return zu_sqlite_trouble_tell (self->trouble, error);
      zu_sqlite_sealer_forget (self);
    }
  if (self->mode == MODE_UNKNOWN)
    {
      g_clear_pointer (&self->key, zu_secret_unref);
      self->key = params->sign_key != NULL ? zu_secret_ref (params->sign_key) : NULL;
      if (!load (self))
        return zu_sqlite_trouble_tell (self->trouble, error);
    }
  zu_sqlite_params_learn (params, self->policy);
  if (self->mode != MODE_REFUSED)
    return TRUE;

  g_propagate_error (error, g_error_copy (self->refusal));
  return FALSE;
}
