/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "../chain/zu-anchor.h"
#include "../ports/zu-event-sink.h"

G_BEGIN_DECLS

#define ZU_TYPE_ANCHORER (zu_anchorer_get_type ())
G_DECLARE_FINAL_TYPE (ZuAnchorer, zu_anchorer, ZU, ANCHORER, GObject)

ZuAnchorer *zu_anchorer_new (ZuEventSink *sink, GFile *file, guint every_events,
                             guint every_seconds);

void zu_anchorer_note (ZuAnchorer *self, ZuEvent *event);
gboolean zu_anchorer_anchor (ZuAnchorer *self, GError **error);
gboolean zu_anchorer_stop (ZuAnchorer *self, GError **error);

guint64 zu_anchorer_get_n_anchored (ZuAnchorer *self);
guint64 zu_anchorer_get_n_failures (ZuAnchorer *self);
GError *zu_anchorer_dup_last_error (ZuAnchorer *self);

G_END_DECLS
