/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "zu-destination.h"

G_BEGIN_DECLS

#pragma GCC visibility push(hidden)

/* Called for each event that a destination did not take. */
typedef void (*ZuDestinationFailed) (ZuEventSink *sink, ZuEvent *event, const GError *error,
                                     gpointer user_data);

ZuDestination *zu_destination_new (ZuEventSink *sink, const char *name, ZuDestinationFailed failed,
                                   gpointer user_data, GDestroyNotify destroy);
void zu_destination_stop (ZuDestination *self);
void zu_destination_send (ZuDestination *self, GPtrArray *events);
gboolean zu_destination_wait (ZuDestination *self, guint64 ticket, gint64 deadline,
                              gboolean patiently);

#pragma GCC visibility pop

G_END_DECLS
