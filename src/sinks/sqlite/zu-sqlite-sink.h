/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include <zu/zu.h>

G_BEGIN_DECLS

#define ZU_TYPE_SQLITE_SINK (zu_sqlite_sink_get_type ())
G_DECLARE_FINAL_TYPE (ZuSqliteSink, zu_sqlite_sink, ZU, SQLITE_SINK, GObject)

G_END_DECLS
