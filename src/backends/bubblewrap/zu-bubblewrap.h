/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include <zu/zu.h>

G_BEGIN_DECLS

#define ZU_TYPE_BUBBLEWRAP (zu_bubblewrap_get_type ())
G_DECLARE_FINAL_TYPE (ZuBubblewrap, zu_bubblewrap, ZU, BUBBLEWRAP, GObject)

G_END_DECLS
