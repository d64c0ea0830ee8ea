/* SPDX-License-Identifier: Apache-2.0 */

#include "zu-sqlite-maintain.h"

#define MOST_BYTES ((gsize) 16 << 20)

/* A row's new blob. */
typedef struct
{
  gint64 seq;
  GBytes *blob;
} NewRow;

static void
new_row_clear (gpointer data)
{
  g_bytes_unref (((NewRow *) data)->blob);
}

/* One page on its way. */
typedef struct
{
  const ZuSqliteParams *params;
  GArray *rows; /* of NewRow */
  gsize n_bytes;
  GStrvBuilder *findings;
  guint n_findings;
  gint64 n_passed;
  gint64 seq; /* of the last row that was looked at */
  gboolean is_end;
} Page;

static void
page_init (Page *self, const ZuSqliteParams *params, gint64 after)
{
  *self = (Page){ .params = params, .seq = after };
  self->rows = g_array_new (FALSE, FALSE, sizeof (NewRow));
  g_array_set_clear_func (self->rows, new_row_clear);
  self->findings = g_strv_builder_new ();
}

static void
page_clear (Page *self)
{
  g_array_unref (self->rows);
  g_strv_builder_unref (self->findings);
}

G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC (Page, page_clear)

static void
add_finding (Page *self, const char *text)
{
  g_strv_builder_add (self->findings, text);
  self->n_findings++;
}

/* Rewriting a row whose columns were changed would bind the event inside to them, or hide that it
 * ever was: such a row stays as it is, for an auditor to see. */
static ZuEvent *
decode_sound (Page *self, sqlite3_stmt *row)
{
  g_autoptr (GError) why = NULL;
  g_autoptr (ZuEvent) event = zu_sqlite_row_decode (row, self->params, &why);
  g_autofree char *mismatch = event != NULL ? zu_sqlite_row_dup_mismatch (row, event) : NULL;

  if (event != NULL && mismatch == NULL)
    return g_steal_pointer (&event);

  add_finding (self, mismatch != NULL ? mismatch : why->message);
  return NULL;
}

/* The text inside is taken over to the byte, so that no hash, signature or spelling changes. */
static gboolean
recode (Page *self, sqlite3_stmt *row, GBytes *blob, GError **error)
{
  g_autoptr (ZuEvent) event = decode_sound (self, row);
  g_autoptr (GBytes) associated_data = NULL, text = NULL;
  NewRow new_row = { sqlite3_column_int64 (row, ZU_SQLITE_ROW_SEQ), NULL };

  if (event == NULL)
    return TRUE;

  associated_data = zu_codec_dup_associated_data (event);
  text = zu_codec_set_decode (self->params->codecs, blob, associated_data, error);
  if (text != NULL)
    new_row.blob = zu_codec_set_encode (self->params->codecs, text, associated_data, error);
  if (new_row.blob == NULL)
    {
      g_prefix_error (error, "row %" G_GINT64_FORMAT " cannot be rewritten: ", new_row.seq);
      return FALSE;
    }

  self->n_bytes += g_bytes_get_size (new_row.blob);
  g_array_append_val (self->rows, new_row);
  return TRUE;
}

/* A codec whose blobs name no key has only one, so that what it can decode is under it. */
static gboolean
is_current (Page *self, sqlite3_stmt *row, GBytes *blob)
{
  ZuCodecSet *codecs = self->params->codecs;
  g_autoptr (GError) why = NULL;
  g_autoptr (ZuEvent) event = NULL;

  if (zu_codec_set_is_current (codecs, blob, &why))
    return TRUE;
  if (!g_error_matches (why, G_IO_ERROR, G_IO_ERROR_NOT_SUPPORTED))
    return FALSE;

  event = decode_sound (self, row);
  self->n_passed -= event == NULL; /* it has become a finding instead */
  return TRUE;
}

static gboolean
look_at (Page *self, sqlite3_stmt *row, GError **error)
{
  g_autoptr (GBytes) blob =
      g_bytes_new_static (sqlite3_column_blob (row, ZU_SQLITE_ROW_DATA),
                          (gsize) sqlite3_column_bytes (row, ZU_SQLITE_ROW_DATA));

  self->seq = sqlite3_column_int64 (row, ZU_SQLITE_ROW_SEQ);
  if (!is_current (self, row, blob))
    return recode (self, row, blob, error);

  self->n_passed++;
  return TRUE;
}

static gboolean
gather (Page *self, sqlite3 *db, gint64 limit, GError **error)
{
  g_autoptr (sqlite3_stmt) rows = zu_sqlite_prepare (
      db, "SELECT " ZU_SQLITE_ROW_COLUMNS " FROM events e WHERE e.seq > ?1 ORDER BY e.seq LIMIT ?2",
      error);
  gint64 n_rows = 0;
  int result = SQLITE_ROW;

  if (rows == NULL)
    return FALSE;

  sqlite3_bind_int64 (rows, 1, self->seq);
  sqlite3_bind_int64 (rows, 2, limit);
  while (self->n_bytes < MOST_BYTES && (result = sqlite3_step (rows)) == SQLITE_ROW)
    {
      if (!look_at (self, rows, error))
        return FALSE;
      n_rows++;
    }
  if (result != SQLITE_ROW && result != SQLITE_DONE)
    {
      zu_sqlite_set_error (error, db, result, "read the log");
      return FALSE;
    }

  self->is_end = result == SQLITE_DONE && n_rows < limit;
  return TRUE;
}

static gboolean
store (Page *self, sqlite3 *db, GError **error)
{
  g_autoptr (sqlite3_stmt) update =
      zu_sqlite_prepare (db, "UPDATE events SET data = ?2 WHERE seq = ?1", error);

  if (update == NULL)
    return FALSE;

  for (guint i = 0; i < self->rows->len; i++)
    {
      const NewRow *row = &g_array_index (self->rows, NewRow, i);
      int result;

      sqlite3_bind_int64 (update, 1, row->seq);
      sqlite3_bind_blob64 (update, 2, g_bytes_get_data (row->blob, NULL),
                           g_bytes_get_size (row->blob), SQLITE_STATIC);
      result = sqlite3_step (update);
      sqlite3_reset (update);
      if (result != SQLITE_DONE)
        {
          zu_sqlite_set_error (error, db, result, "rewrite a row");
          return FALSE;
        }
    }

  return TRUE;
}

static ZuRekeyPage *
describe (Page *self, gint64 last)
{
  g_auto (GStrv) findings = self->n_findings > 0 ? g_strv_builder_end (self->findings) : NULL;

  return g_object_new (ZU_TYPE_REKEY_PAGE, "rewritten", (gint64) self->rows->len, "passed",
                       self->n_passed, "findings", findings, "next-seq", self->seq, "last-seq",
                       last, "is-done", self->is_end, NULL);
}

static gboolean
check_codec (const ZuSqliteParams *params, GError **error)
{
  if (zu_codec_set_get_write_version (params->codecs) != 0)
    return TRUE;

  g_set_error_literal (error, ZU_EVENT_MAINTENANCE_ERROR, ZU_EVENT_MAINTENANCE_ERROR_NO_CODEC,
                       "there is no key to rewrite the log under: it would be written as plain "
                       "text (name a codec that encrypts)");
  return FALSE;
}

/* One page in one transaction. A page that changes nothing commits nothing. */
ZuRekeyPage *
zu_sqlite_maintainer_rekey (ZuSqliteMaintainer *self, gint64 after, gint64 limit, GError **error)
{
  const ZuSqliteParams *params = zu_sqlite_maintainer_get_params (self);
  g_auto (Page) page;
  gint64 last;
  sqlite3 *db;

  page_init (&page, params, MAX (after, 0));
  if (!check_codec (params, error) || !zu_sqlite_maintainer_begin (self, FALSE, error))
    return NULL;

  db = zu_sqlite_maintainer_get_db (self);
  if (!zu_sqlite_get_int64 (db, "SELECT max(seq) FROM events", &last, error)
      || !gather (&page, db, MAX (limit, 1), error)
      || (page.rows->len > 0 && !store (&page, db, error)))
    {
      zu_sqlite_maintainer_roll_back (self);
      return NULL;
    }

  if (page.rows->len == 0)
    zu_sqlite_maintainer_roll_back (self);
  else if (!zu_sqlite_maintainer_commit (self, error))
    return NULL;
  if (page.is_end)
    zu_sqlite_maintainer_forget_old_pages (self);
  return describe (&page, last);
}
