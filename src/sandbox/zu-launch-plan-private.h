/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "zu-launch-plan.h"

G_BEGIN_DECLS

gboolean zu_launch_plan_read_network (ZuLaunchPlan *self, ZuLaunchSpec *spec, GError **error);
gboolean zu_launch_plan_read_hosts (ZuLaunchPlan *self, ZuJson *hosts, GError **error);
void zu_launch_plan_add_variable (ZuLaunchPlan *self, const char *name, const char *value);

G_END_DECLS
