/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "zu-sqlite-writer.h"

G_BEGIN_DECLS

/* What a thread sleeps on. It outlives the operation that is waited for, so that it can be woken
 * without the queue's lock. */
typedef struct _ZuSqliteWaiter ZuSqliteWaiter;

/* One append on its way through the queue, and its answer. */
typedef struct
{
  const ZuSqliteParams *params;
  ZuEvent *event;    /* either this ... */
  GPtrArray *events; /* ... or these */
  GCancellable *cancellable;
  gint64 deadline; /* monotonic: the log must be had by then */
  gsize n_bytes;

  ZuSqliteWaiter *waiter; /* of a caller who waits ... */
  ZuCall *call;           /* ... or the call of one who does not */

  ZuEvent *stored;
  GPtrArray *stored_many;
  GError *error;
  gboolean is_done; /* these three under the waiter's lock */
  gboolean leads;
  gboolean is_asleep;
} ZuSqliteOp;

void zu_sqlite_op_init (ZuSqliteOp *self, const ZuSqliteParams *params, ZuEvent *event,
                        GPtrArray *events, GCancellable *cancellable);
ZuSqliteOp *zu_sqlite_op_new_for_call (const ZuSqliteParams *params, ZuEvent *event,
                                       GPtrArray *events, ZuCall *call);
void zu_sqlite_op_clear (ZuSqliteOp *self);

guint zu_sqlite_op_get_n_events (ZuSqliteOp *self);
gboolean zu_sqlite_op_is_out (ZuSqliteOp *self, gint64 now);
void zu_sqlite_op_perform (ZuSqliteOp *self, ZuSqliteWriter *writer);
void zu_sqlite_op_refuse (ZuSqliteOp *self, const GError *error);
void zu_sqlite_op_finish (ZuSqliteOp *self);

void zu_sqlite_op_wake_to_lead (ZuSqliteOp *self);
gboolean zu_sqlite_op_wait (ZuSqliteOp *self);

G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC (ZuSqliteOp, zu_sqlite_op_clear)

G_END_DECLS
