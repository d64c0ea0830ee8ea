/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include <zu/zu.h>

G_BEGIN_DECLS

#define ZU_TYPE_SCRIPTED_ENFORCEMENT (zu_scripted_enforcement_get_type ())
G_DECLARE_FINAL_TYPE (ZuScriptedEnforcement, zu_scripted_enforcement, ZU, SCRIPTED_ENFORCEMENT,
                      GObject)

G_END_DECLS
