/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include <zu/zu.h>

G_BEGIN_DECLS

ZuJson *zu_egress_settings_new (ZuEgressPolicy *policy, GError **error);

G_END_DECLS
