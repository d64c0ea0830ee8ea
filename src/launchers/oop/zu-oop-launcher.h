/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include <zu/zu.h>

G_BEGIN_DECLS

#define ZU_TYPE_OOP_LAUNCHER (zu_oop_launcher_get_type ())
G_DECLARE_FINAL_TYPE (ZuOopLauncher, zu_oop_launcher, ZU, OOP_LAUNCHER, GObject)

void zu_oop_launcher_register (GTypeModule *module);

G_END_DECLS
