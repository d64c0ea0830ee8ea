/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "zu-sqlite-row.h"

G_BEGIN_DECLS

/* The one connection of this process that writes a log: a transaction at a time, used by one thread
 * at a time. Heads are read inside the transaction; a head that is remembered from an earlier one
 * holds only while SQLite says that no other connection has written since. */
typedef struct _ZuSqliteWriter ZuSqliteWriter;

typedef enum
{
  ZU_SQLITE_BEGIN_DONE,
  ZU_SQLITE_BEGIN_BUSY,
  ZU_SQLITE_BEGIN_FAILED,
} ZuSqliteBegin;

ZuSqliteWriter *zu_sqlite_writer_new (const char *path);
void zu_sqlite_writer_free (ZuSqliteWriter *self);

ZuSqliteBegin zu_sqlite_writer_try_begin (ZuSqliteWriter *self, GError **error);
void zu_sqlite_writer_pause (ZuSqliteWriter *self, guint *attempts);
void zu_sqlite_writer_give_up (ZuSqliteWriter *self);

ZuEvent *zu_sqlite_writer_append (ZuSqliteWriter *self, const ZuSqliteParams *params,
                                  ZuEvent *event, GError **error);
GPtrArray *zu_sqlite_writer_append_many (ZuSqliteWriter *self, const ZuSqliteParams *params,
                                         GPtrArray *events, GError **error);
gboolean zu_sqlite_writer_commit (ZuSqliteWriter *self, GError **error);
GPtrArray *zu_sqlite_writer_take_fresh (ZuSqliteWriter *self);
gboolean zu_sqlite_writer_is_checkpoint_due (ZuSqliteWriter *self);
void zu_sqlite_writer_checkpoint (ZuSqliteWriter *self);

gboolean zu_sqlite_writer_look_at_space (ZuSqliteWriter *self, guint64 limit);

gboolean zu_sqlite_writer_is_poisoned (ZuSqliteWriter *self);

G_DEFINE_AUTOPTR_CLEANUP_FUNC (ZuSqliteWriter, zu_sqlite_writer_free)

G_END_DECLS
