/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include <gio/gio.h>
#include <sqlite3.h>

G_BEGIN_DECLS

/* SQLite's statements, as little of them as the store needs. */
typedef sqlite3_stmt ZuGrantStatement;

/* What a statement's question marks stand for, in order. */
typedef struct
{
  const char *text; /* NULL: the number */
  gint64 number;
} ZuGrantValue;

#define ZU_TEXT(value) ((ZuGrantValue){ .text = (value) })
#define ZU_INT(value)  ((ZuGrantValue){ .number = (value) })

gboolean zu_grant_execute (sqlite3 *db, const char *sql, GError **error);
gboolean zu_grant_query_int (sqlite3 *db, const char *sql, gint64 *number, GError **error);

ZuGrantStatement *zu_grant_prepare_values (sqlite3 *db, GError **error, const char *sql,
                                           const ZuGrantValue *values, gsize n_values);
gboolean zu_grant_run_values (sqlite3 *db, GError **error, const char *sql,
                              const ZuGrantValue *values, gsize n_values);
gboolean zu_grant_step (ZuGrantStatement *self, gboolean *found, GError **error);
const char *zu_grant_column_text (ZuGrantStatement *self, int column);
gint64 zu_grant_column_int (ZuGrantStatement *self, int column);

void zu_grant_set_error (GError **error, sqlite3 *db);
gboolean zu_grant_refuse_file (GError **error);

#define ZU_GRANT_VALUES(...)             \
  (const ZuGrantValue[]){ __VA_ARGS__ }, \
      sizeof ((const ZuGrantValue[]){ __VA_ARGS__ }) / sizeof (ZuGrantValue)
#define zu_grant_prepare(db, error, sql, ...) \
  zu_grant_prepare_values (db, error, sql, ZU_GRANT_VALUES (__VA_ARGS__))
#define zu_grant_run(db, error, sql, ...) \
  zu_grant_run_values (db, error, sql, ZU_GRANT_VALUES (__VA_ARGS__))

static inline void
zu_grant_statement_free (ZuGrantStatement *self)
{
  sqlite3_finalize (self);
}

G_DEFINE_AUTOPTR_CLEANUP_FUNC (ZuGrantStatement, zu_grant_statement_free)

G_END_DECLS
