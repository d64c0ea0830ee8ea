/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include <zu/zu.h>

G_BEGIN_DECLS

#define EX_TYPE_RING_SINK (ex_ring_sink_get_type ())
G_DECLARE_FINAL_TYPE (ExRingSink, ex_ring_sink, EX, RING_SINK, GObject)

G_END_DECLS
