/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "../ports/zu-event-sink.h"

G_BEGIN_DECLS

#pragma GCC visibility push(hidden)

#define ZU_BATCH_MAX 256

gboolean zu_batch_is_of_sink (const GError *error);
void zu_batch_store (ZuEventSink *sink, GPtrArray *events, ZuEvent **stored, GError **errors);

#pragma GCC visibility pop

G_END_DECLS
