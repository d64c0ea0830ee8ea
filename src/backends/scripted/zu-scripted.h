/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include <zu/zu.h>

G_BEGIN_DECLS

#define ZU_TYPE_SCRIPTED (zu_scripted_get_type ())
G_DECLARE_FINAL_TYPE (ZuScripted, zu_scripted, ZU, SCRIPTED, GObject)

G_END_DECLS
