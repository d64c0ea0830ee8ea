/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "zu-delivery-failure.h"
#include "zu-destination.h"

G_BEGIN_DECLS

#define ZU_TYPE_EVENT_BUS (zu_event_bus_get_type ())
G_DECLARE_FINAL_TYPE (ZuEventBus, zu_event_bus, ZU, EVENT_BUS, GObject)

ZuEventBus *zu_event_bus_new (ZuEventSink *canonical, GPtrArray *destinations);
ZuEventBus *zu_event_bus_new_full (ZuEventSink *canonical, GPtrArray *destinations,
                                   const char *const *names, const char *positions_file,
                                   gboolean accept_unlinked);

ZuEventSink *zu_event_bus_get_canonical (ZuEventBus *self);
gboolean zu_event_bus_get_accept_unlinked (ZuEventBus *self);
guint zu_event_bus_get_patience (ZuEventBus *self);
void zu_event_bus_set_patience (ZuEventBus *self, guint milliseconds);

ZuEvent *zu_event_bus_publish (ZuEventBus *self, ZuEvent *event, GCancellable *cancellable,
                               GError **error);
void zu_event_bus_publish_async (ZuEventBus *self, ZuEvent *event, GCancellable *cancellable,
                                 GAsyncReadyCallback callback, gpointer user_data);
ZuEvent *zu_event_bus_publish_finish (ZuEventBus *self, GAsyncResult *result, GError **error);
gboolean zu_event_bus_flush (ZuEventBus *self, guint milliseconds);

GPtrArray *zu_event_bus_list_destinations (ZuEventBus *self);
GPtrArray *zu_event_bus_list_failures (ZuEventBus *self);
guint64 zu_event_bus_count_failures (ZuEventBus *self);

G_END_DECLS
