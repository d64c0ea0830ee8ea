/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "../base/zu-port.h"

G_BEGIN_DECLS

#define ZU_TYPE_DBUS_REMOTE (zu_dbus_remote_get_type ())
G_DECLARE_FINAL_TYPE (ZuDBusRemote, zu_dbus_remote, ZU, DBUS_REMOTE, GObject)

ZuRemote *zu_dbus_remote_new (GDBusConnection *connection, const char *name, const char *path,
                              const ZuPortInfo *info);

G_END_DECLS
