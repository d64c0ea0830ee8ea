/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include <zu/zu.h>

G_BEGIN_DECLS

#define ZU_TYPE_GRANT_BROKER (zu_grant_broker_get_type ())
G_DECLARE_FINAL_TYPE (ZuGrantBroker, zu_grant_broker, ZU, GRANT_BROKER, GObject)

void zu_grant_broker_register (GTypeModule *module);

G_END_DECLS
