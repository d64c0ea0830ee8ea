/* SPDX-License-Identifier: Apache-2.0 */

#include "zu-sqlite-seals.h"

#include "zu-sqlite-row.h"
#include "zu-sqlite-schema.h"

/* What the log says of itself; 0 where it says nothing, as one that another implementation made. */
static gint64
get_number (sqlite3 *db, const char *name)
{
  gint64 value;

  return zu_sqlite_log_get (db, name, &value, NULL) ? value : 0;
}

static gboolean
has_table (sqlite3 *db, const char *name, gboolean *has, GError **error)
{
  g_autoptr (sqlite3_stmt) stmt =
      zu_sqlite_prepare (db, "SELECT 1 FROM sqlite_master WHERE type = 'table' AND name = ?1",
                         error);
  int result;

  *has = FALSE;
  if (stmt == NULL)
    return FALSE;

  zu_sqlite_bind_text (stmt, 1, name, -1);
  result = sqlite3_step (stmt);
  *has = result == SQLITE_ROW;
  if (result != SQLITE_ROW && result != SQLITE_DONE)
    zu_sqlite_set_error (error, db, result, "look for a table");
  return result == SQLITE_ROW || result == SQLITE_DONE;
}

static ZuSqliteLogSeal
read_row (sqlite3_stmt *row, ZuSealTotal *total, gint64 *id)
{
  *id = sqlite3_column_int64 (row, 0);
  return zu_seal_total_parse (total, sqlite3_column_blob (row, 1),
                              (gsize) sqlite3_column_bytes (row, 1))
             ? ZU_SQLITE_LOG_SEAL_FOUND
             : ZU_SQLITE_LOG_SEAL_DAMAGED;
}

/* The log's own seal, not opened yet, and the row where it stands. */
ZuSqliteLogSeal
zu_sqlite_seals_read_log (sqlite3 *db, ZuSealTotal *total, gint64 *id, GError **error)
{
  g_autoptr (sqlite3_stmt) stmt = NULL;
  gboolean has;
  int result;

  *total = (ZuSealTotal){ 0 };
  *id = 0;
  if (!has_table (db, "sqlite_sequence", &has, error))
    return ZU_SQLITE_LOG_SEAL_FAILED;
  if (!has)
    return ZU_SQLITE_LOG_SEAL_NONE;

  stmt = zu_sqlite_prepare (
      db, "SELECT rowid, seq FROM sqlite_sequence WHERE name = '" ZU_SQLITE_LOG_SEAL "'", error);
  if (stmt == NULL)
    return ZU_SQLITE_LOG_SEAL_FAILED;
  result = sqlite3_step (stmt);
  if (result == SQLITE_ROW)
    return read_row (stmt, total, id);
  if (result == SQLITE_DONE)
    return ZU_SQLITE_LOG_SEAL_NONE;

  zu_sqlite_set_error (error, db, result, "read the log's seal");
  return ZU_SQLITE_LOG_SEAL_FAILED;
}

gboolean
zu_sqlite_seals_has_any (sqlite3 *db, gboolean *has_any, GError **error)
{
  gint64 value = 0;
  gboolean has;

  *has_any = FALSE;
  if (!has_table (db, "zu_seals", &has, error)
      || (has
          && !zu_sqlite_get_int64 (db, "SELECT EXISTS (SELECT 1 FROM zu_seals)", &value, error)))
    return FALSE;

  *has_any = value != 0;
  return TRUE;
}

/* Whether the log says, beside its seals, that it has some. */
gboolean
zu_sqlite_seals_was_sealed (sqlite3 *db)
{
  return get_number (db, ZU_SQLITE_SEALED) != 0;
}

/* The row from which on a plaintext row is refused, as the log or its seal has it, whichever asks
 * for more; 0 for none. */
gint64
zu_sqlite_seals_get_policy (sqlite3 *db)
{
  gint64 from = get_number (db, ZU_SQLITE_ENCRYPTED_FROM);
  ZuSealTotal total;
  gint64 id;

  zu_sqlite_seals_read_log (db, &total, &id, NULL);
  return zu_sqlite_stricter (from, total.encrypted_from);
}

static ZuTraceSeal *
make_trace_seal (sqlite3_stmt *row)
{
  const guint8 *head = sqlite3_column_blob (row, 4);
  int size = sqlite3_column_bytes (row, 4);
  g_autoptr (GString) hex = g_string_sized_new (2 * ZU_SEAL_SIZE);
  g_autoptr (GBytes) mac = NULL;
  const char *trace_id = (const char *) sqlite3_column_text (row, 1);

  for (int i = 0; i < size && i <= ZU_SEAL_SIZE; i++)
    g_string_append_printf (hex, "%02x", head[i]);
  if (sqlite3_column_type (row, 5) != SQLITE_NULL)
    mac = g_bytes_new (sqlite3_column_blob (row, 5), (gsize) sqlite3_column_bytes (row, 5));
  if (trace_id == NULL || !g_utf8_validate (trace_id, -1, NULL))
    trace_id = "-";
  return g_object_new (ZU_TYPE_TRACE_SEAL, "trace-id", trace_id, "events",
                       (gint64) sqlite3_column_int64 (row, 2), "last-seq",
                       (gint64) sqlite3_column_int64 (row, 3), "head", hex->str, "mac", mac, NULL);
}

/* One that cannot be read is given without its parts: nothing then fits it. */
static ZuLogSeal *
make_log_seal (const ZuSealTotal *total, ZuSqliteLogSeal found)
{
  g_autoptr (GBytes) commitment = NULL, nonce = NULL, mac = NULL;

  if (found == ZU_SQLITE_LOG_SEAL_NONE)
    return NULL;

  commitment = found == ZU_SQLITE_LOG_SEAL_FOUND ? g_bytes_new (total->commitment, ZU_SEAL_SIZE)
                                                 : g_bytes_new (NULL, 0);
  if (total->is_signed)
    {
      nonce = g_bytes_new (total->nonce, ZU_SEAL_NONCE_SIZE);
      mac = g_bytes_new (total->mac, ZU_SEAL_SIZE);
    }
  return g_object_new (ZU_TYPE_LOG_SEAL, "traces", (gint64) total->n_traces, "events",
                       (gint64) total->n_events, "last-seq", total->last_seq, "encrypted-from",
                       total->encrypted_from, "commitment", commitment, "nonce", nonce, "mac", mac,
                       NULL);
}

/* How far the page goes, or -1. */
static gint64
add_seals (sqlite3 *db, GPtrArray *seals, gint64 after, gint64 changed_after, gint64 limit,
           GError **error)
{
  g_autoptr (sqlite3_stmt) stmt =
      zu_sqlite_prepare (db,
                         "SELECT id, trace_id, events, last_seq, head, mac FROM zu_seals"
                         " WHERE id > ?1 AND last_seq > ?2 ORDER BY id LIMIT ?3",
                         error);
  gint64 next = after;
  int result;

  if (stmt == NULL)
    return -1;

  sqlite3_bind_int64 (stmt, 1, after);
  sqlite3_bind_int64 (stmt, 2, changed_after > 0 ? changed_after : G_MININT64);
  sqlite3_bind_int64 (stmt, 3, limit);
  while ((result = sqlite3_step (stmt)) == SQLITE_ROW)
    {
      next = sqlite3_column_int64 (stmt, 0);
      g_ptr_array_add (seals, make_trace_seal (stmt));
    }
  if (result == SQLITE_DONE)
    return next;

  zu_sqlite_set_error (error, db, result, "read the seals");
  return -1;
}

/* Called in a read transaction, so that all of it is of one moment. */
ZuSealPage *
zu_sqlite_seals_read_page (sqlite3 *db, gint64 after, gint64 changed_after, gint64 limit,
                           GError **error)
{
  g_autoptr (GPtrArray) seals = g_ptr_array_new_with_free_func (g_object_unref);
  g_autoptr (ZuLogSeal) log = NULL;
  ZuSealTotal total;
  gint64 id, next = after;
  ZuSqliteLogSeal found = zu_sqlite_seals_read_log (db, &total, &id, error);
  gboolean has;

  if (found == ZU_SQLITE_LOG_SEAL_FAILED || !has_table (db, "zu_seals", &has, error))
    return NULL;
  if (has)
    next = add_seals (db, seals, after, changed_after, limit, error);
  if (next < 0)
    return NULL;

  log = make_log_seal (&total, found);
  return g_object_new (ZU_TYPE_SEAL_PAGE, "seals", seals, "log", log, "was-sealed",
                       zu_sqlite_seals_was_sealed (db), "encrypted-from",
                       get_number (db, ZU_SQLITE_ENCRYPTED_FROM), "next", next, NULL);
}
