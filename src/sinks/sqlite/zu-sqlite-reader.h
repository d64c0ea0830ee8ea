/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "zu-sqlite-query.h"

G_BEGIN_DECLS

/* The reading side of one log: connections that are opened read-only, make no file, hold no cursor
 * from one page to the next and leave checkpoints to writers. Used from any thread. */
typedef struct _ZuSqliteReaders ZuSqliteReaders;

/* What is asked for. */
typedef struct
{
  ZuFilter *filter;
  const ZuSqliteParams *params;
  gint64 after;
  gint64 limit; /* -1 for all */
  GCancellable *cancellable;
} ZuSqliteRead;

typedef enum
{
  ZU_SQLITE_ROW_GIVEN,
  ZU_SQLITE_ROW_SKIPPED,
  ZU_SQLITE_ROW_STOP,
  ZU_SQLITE_ROW_FAILED,
} ZuSqliteRowResult;

/* Is handed one row after the other. @ctx is what is still to be asked of the event: where it does
 * not pass, the row is skipped, and does not count for the limit. */
typedef ZuSqliteRowResult (*ZuSqliteRowFunc) (sqlite3_stmt *row, ZuFilter *ctx, gpointer data,
                                              GError **error);

ZuSqliteReaders *zu_sqlite_readers_new (const char *path);
void zu_sqlite_readers_free (ZuSqliteReaders *self);

gboolean zu_sqlite_readers_read (ZuSqliteReaders *self, const ZuSqliteRead *read,
                                 ZuSqliteRowFunc func, gpointer data, GError **error);
gboolean zu_sqlite_readers_count (ZuSqliteReaders *self, const ZuSqliteRead *read, gint64 *count,
                                  GError **error);
ZuSealPage *zu_sqlite_readers_read_seals (ZuSqliteReaders *self, const ZuSqliteParams *params,
                                          gint64 after, gint64 changed_after, gint64 limit,
                                          GError **error);

G_DEFINE_AUTOPTR_CLEANUP_FUNC (ZuSqliteReaders, zu_sqlite_readers_free)

G_END_DECLS
