/* SPDX-License-Identifier: Apache-2.0 */

#include "zu-sqlite-query.h"

static void
add_condition (ZuFilter **filter, const char *field, const char *value)
{
  if (*filter == NULL)
    *filter = zu_filter_new ();
  zu_filter_add (*filter, field, value);
}

void
zu_sqlite_query_init (ZuSqliteQuery *self, ZuFilter *filter, const char *const *index_fields)
{
  for (guint i = 0; filter != NULL && i < zu_filter_get_size (filter); i++)
    {
      const char *field = zu_filter_get_field (filter, i);
      gboolean is_ctx = index_fields != NULL && g_strv_contains (index_fields, field);

      add_condition (is_ctx ? &self->ctx : &self->columns, field, zu_filter_get_value (filter, i));
    }
}

void
zu_sqlite_query_clear (ZuSqliteQuery *self)
{
  g_clear_pointer (&self->columns, zu_filter_unref);
  g_clear_pointer (&self->ctx, zu_filter_unref);
}

/* The names of columns were checked against the list of them, so they may stand in SQL. */
static int
add_columns (ZuFilter *filter, GString *sql, int parameter)
{
  for (guint i = 0; filter != NULL && i < zu_filter_get_size (filter); i++)
    {
      const char *field = zu_filter_get_field (filter, i);

      if (zu_filter_get_value (filter, i) == NULL)
        g_string_append_printf (sql, " AND e.%s IS NULL", field);
      else
        g_string_append_printf (sql, " AND e.%s = ?%d", field, parameter++);
    }

  return parameter;
}

static void
add_ctx (ZuFilter *filter, GString *sql, int parameter)
{
  for (guint i = 0; filter != NULL && i < zu_filter_get_size (filter); i++)
    if (zu_filter_get_value (filter, i) == NULL)
      g_string_append_printf (sql,
                              " AND NOT EXISTS (SELECT 1 FROM event_index x"
                              " WHERE x.event_id = e.event_id AND x.field = ?%d"
                              " AND x.value IS NOT NULL)",
                              parameter++);
    else
      {
        g_string_append_printf (sql,
                                " AND e.event_id IN (SELECT x.event_id FROM event_index x"
                                " WHERE x.field = ?%d AND x.value = ?%d)",
                                parameter, parameter + 1);
        parameter += 2;
      }
}

char *
zu_sqlite_query_dup_sql (ZuSqliteQuery *self, gboolean is_count, gboolean with_index)
{
  g_autoptr (GString) sql = g_string_new ("SELECT ");
  int parameter;

  g_string_append (sql, is_count ? "count(*)" : ZU_SQLITE_ROW_COLUMNS);
  g_string_append (sql, " FROM events e WHERE e.seq > ?1 AND e.seq <= ?2");
  parameter = add_columns (self->columns, sql, ZU_SQLITE_QUERY_FIRST_VALUE);
  if (with_index)
    add_ctx (self->ctx, sql, parameter);
  if (!is_count)
    g_string_append (sql, " ORDER BY e.seq LIMIT ?3");

  return g_string_free (g_steal_pointer (&sql), FALSE);
}

/* The query must outlive the statement's bindings. */
void
zu_sqlite_query_bind (ZuSqliteQuery *self, sqlite3_stmt *stmt, gboolean with_index)
{
  int parameter = ZU_SQLITE_QUERY_FIRST_VALUE;

  for (guint i = 0; self->columns != NULL && i < zu_filter_get_size (self->columns); i++)
    {
      const char *value = zu_filter_get_value (self->columns, i);

      if (value != NULL)
        zu_sqlite_bind_text (stmt, parameter++, value, -1);
    }

  for (guint i = 0; with_index && self->ctx != NULL && i < zu_filter_get_size (self->ctx); i++)
    {
      const char *value = zu_filter_get_value (self->ctx, i);

      zu_sqlite_bind_text (stmt, parameter++, zu_filter_get_field (self->ctx, i), -1);
      if (value != NULL)
        zu_sqlite_bind_text (stmt, parameter++, value, -1);
    }
}
