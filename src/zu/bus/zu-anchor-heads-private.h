/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "../chain/zu-anchor.h"
#include "../ports/zu-event-sink.h"

G_BEGIN_DECLS

#pragma GCC visibility push(hidden)

/* The heads of some traces of a log, each verified from the trace's beginning, and then from where
 * it was verified to. Used by one thread at a time. */
typedef struct _ZuAnchorHeads ZuAnchorHeads;

ZuAnchorHeads *zu_anchor_heads_new (ZuEventSink *sink);
void zu_anchor_heads_free (ZuAnchorHeads *self);
gboolean zu_anchor_heads_add (ZuAnchorHeads *self, const char *trace_id, ZuAnchor *anchor,
                              GError **error);

G_DEFINE_AUTOPTR_CLEANUP_FUNC (ZuAnchorHeads, zu_anchor_heads_free)

#pragma GCC visibility pop

G_END_DECLS
