/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "kit-kitchen-sink.h"

G_BEGIN_DECLS

#define KIT_TYPE_PLAIN_SINK (kit_plain_sink_get_type ())
G_DECLARE_FINAL_TYPE (KitPlainSink, kit_plain_sink, KIT, PLAIN_SINK, GObject)

KitKitchenSink *kit_plain_sink_new (void);

G_END_DECLS
