/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "zu-rpc-stream-private.h"

G_BEGIN_DECLS

#pragma GCC visibility push(hidden)

/* The client's end of one connection: what is in flight, and who reads the replies. */
typedef struct _ZuRpcLink ZuRpcLink;

/* Of all who wait for a reply one reads, for all, until its own has come; then it hands the reading
 * on. So a single caller writes and reads without another thread. Calls with a task have nobody who
 * waits: for them a helper thread reads, as long as there are any. */
struct _ZuRpcLink
{
  gatomicrefcount ref_count;
  int fd;
  ZuRpcReader reader; /* of the thread that has set `reading` */
  ZuRpcWriter writer;

  GMutex lock;
  GHashTable *calls; /* id → ZuRpcCall, or GIVEN_UP */
  GQueue waiting;    /* calls whose callers wait, and could read */
  guint n_tasks;
  GQueue finished; /* calls with a task that are to be answered */
  gboolean flush_is_due;
  gint64 last_id;
  gboolean reading;
  gboolean has_helper;
  GCond helper_cond;
  GError *broken;
};

/* A call in flight. One with a task belongs to the link; the others lie on their caller's stack. */
typedef struct
{
  gint64 id;
  GTask *task;
  GSource *cancel_source;
  ZuRpcLink *link;
  GCond cond;
  GList waiting;
  gboolean done;
  ZuJson *result;
  GError *error;
} ZuRpcCall;

extern ZuRpcCall zu_rpc_given_up;

ZuRpcLink *zu_rpc_link_new (int fd);
ZuRpcLink *zu_rpc_link_ref (ZuRpcLink *self);
void zu_rpc_link_unref (ZuRpcLink *self);
void zu_rpc_link_close (ZuRpcLink *self);
gboolean zu_rpc_link_is_closed (ZuRpcLink *self);

ZuJson *zu_rpc_link_call (ZuRpcLink *self, const char *method, ZuJson *args,
                          GCancellable *cancellable, GError **error);
void zu_rpc_link_call_task (ZuRpcLink *self, const char *method, ZuJson *args, GTask *task);

void zu_rpc_link_finish_call (ZuRpcLink *self, ZuRpcCall *call, ZuJson *result, GError *error);
void zu_rpc_link_deliver_finished (ZuRpcLink *self);
void zu_rpc_link_read_for_all (ZuRpcLink *self, GCancellable *cancellable);
void zu_rpc_link_hand_reading_on (ZuRpcLink *self);
void zu_rpc_link_watch_task (ZuRpcLink *self, ZuRpcCall *call);
gboolean zu_rpc_link_start_call (ZuRpcLink *self, ZuRpcCall *call, const char *method, ZuJson *args,
                                 GError **error);

G_DEFINE_AUTOPTR_CLEANUP_FUNC (ZuRpcLink, zu_rpc_link_unref)

#pragma GCC visibility pop

G_END_DECLS
