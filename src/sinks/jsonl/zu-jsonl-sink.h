/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include <zu/zu.h>

G_BEGIN_DECLS

#define ZU_TYPE_JSONL_SINK (zu_jsonl_sink_get_type ())
G_DECLARE_FINAL_TYPE (ZuJsonlSink, zu_jsonl_sink, ZU, JSONL_SINK, GObject)

G_END_DECLS
