/* SPDX-License-Identifier: Apache-2.0 */

#include "zu-sqlite-index.h"
#include "zu-sqlite-maintain.h"
#include "zu-sqlite-schema.h"

/* Where a rebuilding stands is kept in the log: of each field the row that it has come to, and,
 * once the rows are through, the entry of the index that was looked at last. Only when all is done
 * is the field's own mark set, by which readers go. */
#define ROWS_MARK    "reindex:"
#define ENTRIES_MARK "reindexed-entries"

/* Looking at an entry costs less than reading an event. */
#define ENTRIES_A_ROW 16

typedef struct
{
  sqlite3 *db;
  const ZuSqliteParams *params;
  GPtrArray *fields;
  gint64 limit;
  gint64 seq;  /* what was looked at last */
  gint64 last; /* in the log */
  GStrvBuilder *findings;
  guint n_findings;
  gboolean is_done;
} Page;

static void
page_clear (Page *self)
{
  g_clear_pointer (&self->fields, g_ptr_array_unref);
  g_clear_pointer (&self->findings, g_strv_builder_unref);
}

G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC (Page, page_clear)

static void
add_field (Page *self, const char *field)
{
  if (!g_ptr_array_find_with_equal_func (self->fields, field, g_str_equal, NULL))
    g_ptr_array_add (self->fields, g_strdup (field));
}

static void
add_fields (Page *self, const char *const *fields)
{
  for (gsize i = 0; fields != NULL && fields[i] != NULL; i++)
    add_field (self, fields[i]);
}

static gboolean
add_unfinished (Page *self, GError **error)
{
  g_autoptr (sqlite3_stmt) stmt = zu_sqlite_prepare (
      self->db, "SELECT substr(name, 9) FROM zu_log WHERE substr(name, 1, 8) = '" ROWS_MARK "'",
      error);
  int result;

  if (stmt == NULL)
    return FALSE;
  while ((result = sqlite3_step (stmt)) == SQLITE_ROW)
    if (sqlite3_column_text (stmt, 0) != NULL)
      add_field (self, (const char *) sqlite3_column_text (stmt, 0));
  if (result != SQLITE_DONE)
    zu_sqlite_set_error (error, self->db, result, "read the registered fields");
  return result == SQLITE_DONE;
}

static gboolean
find_fields (Page *self, const char *const *wanted, GError **error)
{
  g_auto (GStrv) kept = zu_sqlite_index_dup_fields (self->db, error);

  if (kept == NULL)
    return FALSE;
  add_fields (self, (const char *const *) kept);
  add_fields (self, (const char *const *) self->params->index_fields);
  add_fields (self, wanted);
  return add_unfinished (self, error);
}

/* The least that all fields have come to: what is indexed twice is indexed once. */
static gboolean
find_position (Page *self, GError **error)
{
  self->seq = G_MAXINT64;
  for (guint i = 0; i < self->fields->len; i++)
    {
      g_autofree char *name = g_strconcat (ROWS_MARK, g_ptr_array_index (self->fields, i), NULL);
      gint64 seq;

      if (!zu_sqlite_log_get (self->db, name, &seq, error))
        return FALSE;
      self->seq = MIN (self->seq, seq);
    }

  return TRUE;
}

static gboolean
set_position (Page *self, GError **error)
{
  for (guint i = 0; i < self->fields->len; i++)
    {
      g_autofree char *name = g_strconcat (ROWS_MARK, g_ptr_array_index (self->fields, i), NULL);

      if (!zu_sqlite_log_set (self->db, name, self->seq, error))
        return FALSE;
    }

  return TRUE;
}

/* An entry that the event does not account for goes; one that it does is written anew. */
static int
index_event (Page *self, ZuEvent *event, sqlite3_stmt *insert, sqlite3_stmt *drop)
{
  int result = SQLITE_DONE;

  for (guint i = 0; result == SQLITE_DONE && i < self->fields->len; i++)
    {
      const char *field = g_ptr_array_index (self->fields, i);
      g_autofree char *value = zu_event_dup_ctx_value (event, field);
      g_autoptr (ZuSqliteUse) use = NULL;

      if (value != NULL)
        {
          result = zu_sqlite_index_add (insert, event, field);
          continue;
        }
      use = drop;
      zu_sqlite_bind_text (drop, 1, zu_event_get_event_id (event), -1);
      zu_sqlite_bind_text (drop, 2, field, -1);
      result = sqlite3_step (drop);
    }

  return result;
}

static int
index_row (Page *self, sqlite3_stmt *row, sqlite3_stmt *insert, sqlite3_stmt *drop)
{
  g_autoptr (GError) why = NULL;
  g_autoptr (ZuEvent) event = zu_sqlite_row_decode (row, self->params, &why);

  self->seq = sqlite3_column_int64 (row, ZU_SQLITE_ROW_SEQ);
  if (event != NULL)
    return index_event (self, event, insert, drop);

  g_strv_builder_add (self->findings, why->message);
  self->n_findings++;
  return SQLITE_DONE;
}

static gboolean
index_rows (Page *self, GError **error)
{
  g_autoptr (sqlite3_stmt) rows = NULL, insert = NULL, drop = NULL;
  int result = SQLITE_DONE;

  rows = zu_sqlite_prepare (self->db,
                            "SELECT " ZU_SQLITE_ROW_COLUMNS
                            " FROM events e WHERE e.seq > ?1 ORDER BY e.seq LIMIT ?2",
                            error);
  if (rows == NULL || (insert = zu_sqlite_index_prepare (self->db, error)) == NULL)
    return FALSE;
  drop = zu_sqlite_prepare (self->db, "DELETE FROM event_index WHERE event_id = ?1 AND field = ?2",
                            error);
  if (drop == NULL)
    return FALSE;

  sqlite3_bind_int64 (rows, 1, self->seq);
  sqlite3_bind_int64 (rows, 2, self->limit);
  while (result == SQLITE_DONE && (result = sqlite3_step (rows)) == SQLITE_ROW)
    result = index_row (self, rows, insert, drop);
  if (result == SQLITE_DONE)
    return set_position (self, error);

  zu_sqlite_set_error (error, self->db, result, "rebuild the index");
  return FALSE;
}

/* Removes entries of events that are not there, some at a time. *@end: whether that was all. */
static gboolean
drop_orphans (Page *self, gboolean *end, GError **error)
{
  g_autoptr (sqlite3_stmt) last = NULL, drop = NULL;
  gint64 position, up_to = 0;
  int result;

  last = zu_sqlite_prepare (
      self->db,
      "SELECT max(rowid) FROM (SELECT rowid FROM event_index WHERE rowid > ?1 ORDER BY rowid"
      " LIMIT ?2)",
      error);
  drop =
      zu_sqlite_prepare (self->db,
                         "DELETE FROM event_index WHERE rowid > ?1 AND rowid <= ?2 AND NOT EXISTS"
                         " (SELECT 1 FROM events e WHERE e.event_id = event_index.event_id)",
                         error);
  if (last == NULL || drop == NULL || !zu_sqlite_log_get (self->db, ENTRIES_MARK, &position, error))
    return FALSE;

  sqlite3_bind_int64 (last, 1, position);
  sqlite3_bind_int64 (last, 2, MIN (self->limit, G_MAXINT32) * ENTRIES_A_ROW);
  result = sqlite3_step (last);
  *end = result == SQLITE_ROW && sqlite3_column_type (last, 0) == SQLITE_NULL;
  if (result == SQLITE_ROW && !*end)
    {
      up_to = sqlite3_column_int64 (last, 0);
      sqlite3_bind_int64 (drop, 1, position);
      sqlite3_bind_int64 (drop, 2, up_to);
      result = sqlite3_step (drop);
    }
  if (result == SQLITE_ROW || result == SQLITE_DONE)
    return *end || zu_sqlite_log_set (self->db, ENTRIES_MARK, up_to, error);

  zu_sqlite_set_error (error, self->db, result, "rebuild the index");
  return FALSE;
}

/* In the transaction that has seen the end of the rows: from now on readers go by the index. */
static gboolean
finish (Page *self, GError **error)
{
  for (guint i = 0; i < self->fields->len; i++)
    if (!zu_sqlite_index_set_end (self->db, g_ptr_array_index (self->fields, i), self->last, error))
      return FALSE;

  self->is_done = TRUE;
  return zu_sqlite_exec (self->db,
                         "DELETE FROM zu_log WHERE substr(name, 1, 8) = '" ROWS_MARK
                         "' OR name = '" ENTRIES_MARK "'",
                         error);
}

static gboolean
do_page (Page *self, const char *const *wanted, GError **error)
{
  gboolean end = FALSE;

  if (!zu_sqlite_get_int64 (self->db, "SELECT max(seq) FROM events", &self->last, error)
      || !find_fields (self, wanted, error) || !find_position (self, error))
    return FALSE;

  if (self->fields->len == 0)
    {
      self->seq = self->last;
      self->is_done = TRUE;
      return TRUE;
    }
  if (self->seq < self->last)
    return index_rows (self, error);
  return drop_orphans (self, &end, error) && (!end || finish (self, error));
}

/* One page in one transaction. */
ZuReindexPage *
zu_sqlite_maintainer_reindex (ZuSqliteMaintainer *self, const char *const *fields, gint64 limit,
                              GError **error)
{
  g_auto (GStrv) findings = NULL;
  g_auto (Page) page = { .params = zu_sqlite_maintainer_get_params (self),
                         .fields = g_ptr_array_new_with_free_func (g_free),
                         .findings = g_strv_builder_new (),
                         .limit = MAX (limit, 1) };

  if (!zu_sink_check_fields (fields, error) || !zu_sqlite_maintainer_begin (self, FALSE, error))
    return NULL;
  page.db = zu_sqlite_maintainer_get_db (self);
  if (!do_page (&page, fields, error))
    {
      zu_sqlite_maintainer_roll_back (self);
      return NULL;
    }
  if (!zu_sqlite_maintainer_commit (self, error))
    return NULL;

  findings = page.n_findings > 0 ? g_strv_builder_end (page.findings) : NULL;
  return g_object_new (ZU_TYPE_REINDEX_PAGE, "seq", page.seq, "last-seq", page.last, "findings",
                       findings, "is-done", page.is_done, NULL);
}
