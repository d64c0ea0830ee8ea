/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "kit-kitchen-sink.h"

G_BEGIN_DECLS

#define KIT_TYPE_LATE_SINK (kit_late_sink_get_type ())
G_DECLARE_FINAL_TYPE (KitLateSink, kit_late_sink, KIT, LATE_SINK, GObject)

KitKitchenSink *kit_late_sink_new (void);

G_END_DECLS
