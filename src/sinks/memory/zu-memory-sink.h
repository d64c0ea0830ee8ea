/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include <zu/zu.h>

G_BEGIN_DECLS

#define ZU_TYPE_MEMORY_SINK (zu_memory_sink_get_type ())
G_DECLARE_FINAL_TYPE (ZuMemorySink, zu_memory_sink, ZU, MEMORY_SINK, GObject)

G_END_DECLS
