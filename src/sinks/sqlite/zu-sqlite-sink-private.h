/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "zu-sqlite-maintain.h"
#include "zu-sqlite-sink.h"

G_BEGIN_DECLS

/* For the sink's other ports. */
const char *zu_sqlite_sink_get_path (ZuSqliteSink *self);
const ZuSqliteParams *zu_sqlite_sink_get_params (ZuSqliteSink *self);
ZuSqliteMaintainer *zu_sqlite_sink_get_maintainer (ZuSqliteSink *self);
char *zu_sqlite_sink_dup_resolved (const char *given);

void zu_sqlite_sink_maintenance_init (ZuEventMaintenanceInterface *iface);

G_END_DECLS
