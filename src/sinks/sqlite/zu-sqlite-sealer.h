/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "zu-sqlite-trace.h"

G_BEGIN_DECLS

/* The traces of a log that is being written, and their seals. What it remembers from an earlier
 * transaction holds only while SQLite says that no other connection has written since. Seals are
 * written once a transaction, however many events it has. */
typedef struct _ZuSqliteSealer ZuSqliteSealer;

ZuSqliteSealer *zu_sqlite_sealer_new (ZuSqliteTrouble *trouble);
void zu_sqlite_sealer_free (ZuSqliteSealer *self);
gboolean zu_sqlite_sealer_open (ZuSqliteSealer *self, GError **error);
void zu_sqlite_sealer_close (ZuSqliteSealer *self);
void zu_sqlite_sealer_forget (ZuSqliteSealer *self);

gboolean zu_sqlite_sealer_set_policy (ZuSqliteSealer *self, const ZuSqliteParams *params,
                                      GError **error);
gint64 zu_sqlite_sealer_get_policy (ZuSqliteSealer *self);
ZuSqliteTrace *zu_sqlite_sealer_get (ZuSqliteSealer *self, const ZuSqliteParams *params,
                                     const char *trace_id, GError **error);
void zu_sqlite_sealer_advance (ZuSqliteSealer *self, ZuSqliteTrace *trace, ZuEvent *event,
                               gint64 seq);

gboolean zu_sqlite_sealer_seal (ZuSqliteSealer *self);

G_DEFINE_AUTOPTR_CLEANUP_FUNC (ZuSqliteSealer, zu_sqlite_sealer_free)

G_END_DECLS
