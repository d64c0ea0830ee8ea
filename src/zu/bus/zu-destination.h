/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "../ports/zu-event-sink.h"

G_BEGIN_DECLS

#define ZU_TYPE_DESTINATION (zu_destination_get_type ())
G_DECLARE_FINAL_TYPE (ZuDestination, zu_destination, ZU, DESTINATION, GObject)

ZuEventSink *zu_destination_get_sink (ZuDestination *self);
const char *zu_destination_get_name (ZuDestination *self);
guint64 zu_destination_get_n_delivered (ZuDestination *self);
guint64 zu_destination_get_n_failed (ZuDestination *self);
guint zu_destination_get_n_queued (ZuDestination *self);
char *zu_destination_dup_last_event_id (ZuDestination *self);
GError *zu_destination_dup_last_error (ZuDestination *self);

G_END_DECLS
