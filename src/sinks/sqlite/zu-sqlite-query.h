/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "zu-sqlite-row.h"

G_BEGIN_DECLS

/* A filter as SQL. The columns are asked in SQL; so are the fields of payload.ctx up to the row
 * that the side index is complete to. Behind that row each event is decoded and asked. */
typedef struct
{
  ZuFilter *columns; /* %NULL where no column is asked for */
  ZuFilter *ctx;     /* the same of fields of payload.ctx */
} ZuSqliteQuery;

void zu_sqlite_query_init (ZuSqliteQuery *self, ZuFilter *filter, const char *const *index_fields);
void zu_sqlite_query_clear (ZuSqliteQuery *self);

char *zu_sqlite_query_dup_sql (ZuSqliteQuery *self, gboolean is_count, gboolean with_index);
void zu_sqlite_query_bind (ZuSqliteQuery *self, sqlite3_stmt *stmt, gboolean with_index);

G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC (ZuSqliteQuery, zu_sqlite_query_clear)

/* The parameters that every statement has. */
enum
{
  ZU_SQLITE_QUERY_AFTER = 1,
  ZU_SQLITE_QUERY_UP_TO,
  ZU_SQLITE_QUERY_LIMIT,
  ZU_SQLITE_QUERY_FIRST_VALUE,
};

G_END_DECLS
