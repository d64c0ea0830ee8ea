/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include <zu/zu.h>

G_BEGIN_DECLS

#define KIT_TYPE_LOOP_REMOTE (kit_loop_remote_get_type ())
G_DECLARE_FINAL_TYPE (KitLoopRemote, kit_loop_remote, KIT, LOOP_REMOTE, GObject)

ZuRemote *kit_loop_remote_new (GObject *object, const ZuPortInfo *info);

G_END_DECLS
