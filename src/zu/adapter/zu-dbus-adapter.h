/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "../base/zu-port.h"

G_BEGIN_DECLS

#define ZU_TYPE_DBUS_ADAPTER (zu_dbus_adapter_get_type ())
G_DECLARE_FINAL_TYPE (ZuDBusAdapter, zu_dbus_adapter, ZU, DBUS_ADAPTER, GDBusInterfaceSkeleton)

GDBusInterfaceSkeleton *zu_dbus_adapter_new (GObject *object, const ZuPortInfo *info);

G_END_DECLS
