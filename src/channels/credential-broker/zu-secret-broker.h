/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include <zu/zu.h>

G_BEGIN_DECLS

#define ZU_TYPE_SECRET_BROKER (zu_secret_broker_get_type ())
G_DECLARE_FINAL_TYPE (ZuSecretBroker, zu_secret_broker, ZU, SECRET_BROKER, GObject)

void zu_secret_broker_register (GTypeModule *module);

G_END_DECLS
