/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "../base/zu-port.h"

G_BEGIN_DECLS

#define ZU_TYPE_DBUS_ADAPTER (zu_dbus_adapter_get_type ())
G_DECLARE_FINAL_TYPE (ZuDBusAdapter, zu_dbus_adapter, ZU, DBUS_ADAPTER, GDBusInterfaceSkeleton)

/**
 * ZuDBusGate: (skip)
 * @self: the adapter
 * @invocation: the call
 * @user_data: what zu_dbus_adapter_set_gate() was given
 *
 * Says whether a call may go on. It runs where the adapter was exported, and must not block.
 *
 * Returns: %TRUE to go on; %FALSE where the gate has taken the call, to answer it with an error or
 * to let it go on later with zu_dbus_adapter_admit()
 */
typedef gboolean (*ZuDBusGate) (ZuDBusAdapter *self, GDBusMethodInvocation *invocation,
                                gpointer user_data);

void zu_dbus_adapter_set_gate (ZuDBusAdapter *self, ZuDBusGate gate, gpointer user_data);
void zu_dbus_adapter_set_peer (GDBusMethodInvocation *invocation, const char *peer);
void zu_dbus_adapter_admit (ZuDBusAdapter *self, GDBusMethodInvocation *invocation);

GDBusInterfaceSkeleton *zu_dbus_adapter_new (GObject *object, const ZuPortInfo *info);

G_END_DECLS
