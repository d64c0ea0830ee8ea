/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "../codec/zu-codec-set.h"
#include "zu-event-bus.h"

G_BEGIN_DECLS

#define ZU_TYPE_KEY_WATCH (zu_key_watch_get_type ())
G_DECLARE_FINAL_TYPE (ZuKeyWatch, zu_key_watch, ZU, KEY_WATCH, GObject)

ZuKeyWatch *zu_key_watch_new (ZuCodecSet *codecs, ZuEventSink *sink);
ZuKeyWatch *zu_key_watch_new_for_bus (ZuCodecSet *codecs, ZuEventBus *bus);

guint zu_key_watch_get_n_warnings (ZuKeyWatch *self);
void zu_key_watch_flush (ZuKeyWatch *self);

G_END_DECLS
