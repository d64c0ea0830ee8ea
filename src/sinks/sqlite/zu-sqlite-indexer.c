/* SPDX-License-Identifier: Apache-2.0 */

#include "zu-sqlite-indexer.h"

#include "zu-sqlite-index.h"

void
zu_sqlite_indexer_init (ZuSqliteIndexer *self, ZuSqliteTrouble *trouble)
{
  *self = (ZuSqliteIndexer){ .trouble = trouble };
  self->fields = g_ptr_array_new_with_free_func (g_free);
}

void
zu_sqlite_indexer_clear (ZuSqliteIndexer *self)
{
  g_ptr_array_unref (self->fields);
}

gboolean
zu_sqlite_indexer_open (ZuSqliteIndexer *self, GError **error)
{
  self->insert = zu_sqlite_index_prepare (self->trouble->db, error);
  return self->insert != NULL;
}

void
zu_sqlite_indexer_close (ZuSqliteIndexer *self)
{
  g_clear_pointer (&self->insert, sqlite3_finalize);
}

/* Which fields there are, and how far their index goes. */
gboolean
zu_sqlite_indexer_load (ZuSqliteIndexer *self)
{
  ZuSqliteTrouble *trouble = self->trouble;
  g_auto (GStrv) fields = zu_sqlite_index_dup_fields (trouble->db, &trouble->failure);

  if (fields == NULL)
    return FALSE;

  g_ptr_array_set_size (self->fields, 0);
  self->mark = G_MAXINT64;
  for (gsize i = 0; fields[i] != NULL; i++)
    {
      gint64 end;

      if (!zu_sqlite_index_get_end (trouble->db, fields[i], &end, &trouble->failure))
        return FALSE;
      self->mark = MIN (self->mark, end);
      g_ptr_array_add (self->fields, g_strdup (fields[i]));
    }
  self->done_to = MAX (self->done_to, self->fields->len > 0 ? self->mark : 0);
  return TRUE;
}

gboolean
zu_sqlite_indexer_is_needed (ZuSqliteIndexer *self, const ZuSqliteParams *params)
{
  return self->fields->len > 0 || (params->index_fields != NULL && *params->index_fields != NULL);
}

static gboolean
fill (ZuSqliteIndexer *self, const char *field, const ZuSqliteParams *params, gint64 start,
      gint64 end)
{
  ZuSqliteTrouble *trouble = self->trouble;

  return start >= end
         || zu_sqlite_index_fill (trouble->db, field, params, start, end, &trouble->failure);
}

static gboolean
add_field (ZuSqliteIndexer *self, const char *field, const ZuSqliteParams *params, gint64 end)
{
  if (g_ptr_array_find_with_equal_func (self->fields, field, g_str_equal, NULL))
    return TRUE;
  if (!fill (self, field, params, 0, end)
      || !zu_sqlite_index_set_end (self->trouble->db, field, end, &self->trouble->failure))
    return FALSE;

  g_ptr_array_add (self->fields, g_strdup (field));
  self->mark = MIN (self->mark, end);
  return TRUE;
}

/* Registers the sink's fields, and completes the index up to row @end where others have appended.
 */
gboolean
zu_sqlite_indexer_complete (ZuSqliteIndexer *self, const ZuSqliteParams *params, gint64 end)
{
  for (guint i = 0; i < self->fields->len; i++)
    if (!fill (self, g_ptr_array_index (self->fields, i), params, self->done_to, end))
      return FALSE;
  self->done_to = end;

  for (gsize i = 0; params->index_fields != NULL && params->index_fields[i] != NULL; i++)
    if (!add_field (self, params->index_fields[i], params, end))
      return FALSE;

  return TRUE;
}

gboolean
zu_sqlite_indexer_add (ZuSqliteIndexer *self, ZuEvent *event, gint64 seq)
{
  for (guint i = 0; i < self->fields->len; i++)
    {
      int result = zu_sqlite_index_add (self->insert, event, g_ptr_array_index (self->fields, i));

      if (result != SQLITE_DONE)
        return zu_sqlite_trouble_fail (self->trouble, result, "index an event");
    }

  self->done_to = seq;
  return TRUE;
}

/* What the log says of its index may lag behind; it is brought up where it lags by @least rows. */
void
zu_sqlite_indexer_mark (ZuSqliteIndexer *self, gint64 least)
{
  ZuSqliteTrouble *trouble = self->trouble;

  if (trouble->failure != NULL || self->fields->len == 0 || self->done_to - self->mark < least)
    return;

  for (guint i = 0; i < self->fields->len; i++)
    if (!zu_sqlite_index_set_end (trouble->db, g_ptr_array_index (self->fields, i), self->done_to,
                                  &trouble->failure))
      return;
  self->mark = self->done_to;
}
