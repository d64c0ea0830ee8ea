/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include <zu/zu.h>

G_BEGIN_DECLS

#define ZU_TYPE_ENV_KEYS (zu_env_keys_get_type ())
G_DECLARE_FINAL_TYPE (ZuEnvKeys, zu_env_keys, ZU, ENV_KEYS, GObject)

void zu_env_keys_register (GTypeModule *module);

G_END_DECLS
