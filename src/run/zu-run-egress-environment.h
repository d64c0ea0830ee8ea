/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "zu-run-address.h"
#include "zu-run-egress.h"

G_BEGIN_DECLS

ZuProcessSpec *zu_run_egress_new_process (ZuProcessSpec *process, const ZuRunEgressPolicy *policy,
                                          const ZuRunAddress *proxy, GError **error);

G_END_DECLS
