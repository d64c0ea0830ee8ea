/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "zu-sqlite-op.h"

G_BEGIN_DECLS

/* The writing side of one log in this process, shared by all its sinks: a queue of appends and the
 * writer that commits them in groups. */
typedef struct _ZuSqliteStore ZuSqliteStore;

ZuSqliteStore *zu_sqlite_store_get (const char *path, ZuEventSink *sink);
void zu_sqlite_store_release (ZuSqliteStore *self);
gboolean zu_sqlite_store_is_poisoned (ZuSqliteStore *self);
gboolean zu_sqlite_store_is_low_on_space (ZuSqliteStore *self);

void zu_sqlite_store_run (ZuSqliteStore *self, ZuSqliteOp *op);
void zu_sqlite_store_push (ZuSqliteStore *self, ZuSqliteOp *op);

G_END_DECLS
