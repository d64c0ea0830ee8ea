/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "zu-rpc-stream-private.h"

G_BEGIN_DECLS

#pragma GCC visibility push(hidden)

/* The client's end of one connection: what is in flight, and who reads the replies. */
typedef struct _ZuRpcLink ZuRpcLink;

ZuRpcLink *zu_rpc_link_new (int fd);
ZuRpcLink *zu_rpc_link_ref (ZuRpcLink *self);
void zu_rpc_link_unref (ZuRpcLink *self);
void zu_rpc_link_close (ZuRpcLink *self);
gboolean zu_rpc_link_is_closed (ZuRpcLink *self);

ZuJson *zu_rpc_link_call (ZuRpcLink *self, const char *method, ZuJson *args,
                          GCancellable *cancellable, GError **error);
void zu_rpc_link_call_task (ZuRpcLink *self, const char *method, ZuJson *args, GTask *task);

G_DEFINE_AUTOPTR_CLEANUP_FUNC (ZuRpcLink, zu_rpc_link_unref)

#pragma GCC visibility pop

G_END_DECLS
