/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "zuctl-run-options.h"

#include <zu-run.h>

G_BEGIN_DECLS

gboolean zuctl_run_egress_check (const ZuctlRunOptions *options, GError **error);
gboolean zuctl_run_egress_set (ZuRun *run, const ZuctlRunOptions *options, GError **error);
void zuctl_run_egress_print_needed (ZuRun *run);

G_END_DECLS
