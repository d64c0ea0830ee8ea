/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "zu-broker-policy.h"

G_BEGIN_DECLS

/* Who is behind the names of a bus; asked once a connection, and forgotten with it. */
typedef struct _ZuBrokerCallers ZuBrokerCallers;

/* CALLER is NULL where the bus does not tell; it stays the cache's. */
typedef void (*ZuBrokerCallerFound) (const ZuBrokerCaller *caller, gpointer data);

ZuBrokerCallers *zu_broker_callers_new (GDBusConnection *connection);
void zu_broker_callers_free (ZuBrokerCallers *self);

/* Whether units count from now on; what is known is asked again. */
void zu_broker_callers_reset (ZuBrokerCallers *self, gboolean with_unit);

const ZuBrokerCaller *zu_broker_callers_peek (ZuBrokerCallers *self, const char *name);
void zu_broker_callers_find (ZuBrokerCallers *self, const char *name, ZuBrokerCallerFound found,
                             gpointer data);

char *zu_broker_unit_from_cgroup (const char *text);

G_END_DECLS
