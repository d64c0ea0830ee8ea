/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "../ports/zu-event-sink.h"

G_BEGIN_DECLS

#define ZU_BATCH_MAX 256

void zu_batch_store (ZuEventSink *sink, GPtrArray *events, ZuEvent **stored, GError **errors);

G_END_DECLS
