/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "zu-broker-policy.h"

#include <zu/zu.h>

G_BEGIN_DECLS

/* The one place where it is decided whether a call on the bus may go on. */
typedef struct _ZuBrokerGate ZuBrokerGate;

ZuBrokerGate *zu_broker_gate_new (GDBusConnection *connection, ZuBrokerPolicy *policy);
void zu_broker_gate_free (ZuBrokerGate *self);
void zu_broker_gate_take_policy (ZuBrokerGate *self, ZuBrokerPolicy *policy);
gboolean zu_broker_gate_judge (ZuDBusAdapter *adapter, GDBusMethodInvocation *invocation,
                               gpointer self);

G_END_DECLS
