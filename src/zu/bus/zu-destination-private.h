/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "../ports/zu-event-sink.h"

G_BEGIN_DECLS

/* One destination of a bus: a queue, and a thread that stores what is in it, in order. */
typedef struct _ZuDestination ZuDestination;

/* Called in the destination's thread for an event that it did not take. */
typedef void (*ZuDestinationFailed) (ZuEventSink *sink, ZuEvent *event, const GError *error,
                                     gpointer user_data);

ZuDestination *zu_destination_new (ZuEventSink *sink, ZuDestinationFailed failed,
                                   gpointer user_data, GDestroyNotify destroy);
void zu_destination_stop (ZuDestination *self);
void zu_destination_send (ZuDestination *self, GPtrArray *events);
void zu_destination_wait (ZuDestination *self, gint64 deadline);

void zu_destination_store (ZuEventSink *sink, GPtrArray *events, ZuEvent **stored, GError **errors);

G_END_DECLS
