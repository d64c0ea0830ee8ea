/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "../ports/zu-event-sink.h"

G_BEGIN_DECLS

ZuEventSink *zu_open_sink (const char *uri, GError **error);
ZuEventSink *zu_open_sink_with_properties (const char *uri, guint n_properties, const char *names[],
                                           const GValue values[], GError **error);

G_END_DECLS
