/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include <zu/zu.h>

G_BEGIN_DECLS

/* The network of an isolated run and what is in force around it. */
typedef struct _ZuRunNetwork ZuRunNetwork;

struct _ZuRunAttempt;

/* Before the sandbox is launched, and after it is destroyed. */
gboolean zu_run_network_make (struct _ZuRunAttempt *attempt, GError **error);
gboolean zu_run_network_unmake (struct _ZuRunAttempt *attempt, GError **error);

/* While it is there, before anything of the command's runs. */
gboolean zu_run_network_guard (struct _ZuRunAttempt *attempt, GError **error);
gboolean zu_run_network_unguard (struct _ZuRunAttempt *attempt, GError **error);

int zu_run_network_steal_listener (ZuRunNetwork *self);
ZuEnforcement *zu_run_network_get_enforcement (ZuRunNetwork *self);
void zu_run_network_free (ZuRunNetwork *self);

G_END_DECLS
