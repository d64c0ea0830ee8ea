/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include <zu/zu.h>

G_BEGIN_DECLS

#define ZU_TYPE_NFTABLES (zu_nftables_get_type ())
G_DECLARE_FINAL_TYPE (ZuNftables, zu_nftables, ZU, NFTABLES, GObject)

G_END_DECLS
