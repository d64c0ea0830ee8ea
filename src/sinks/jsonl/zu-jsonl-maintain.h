/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include <zu/zu.h>

G_BEGIN_DECLS

void zu_jsonl_sink_maintenance_init (ZuEventMaintenanceInterface *iface);

G_END_DECLS
