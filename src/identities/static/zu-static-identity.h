/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include <zu/zu.h>

G_BEGIN_DECLS

#define ZU_TYPE_STATIC_IDENTITY (zu_static_identity_get_type ())
G_DECLARE_FINAL_TYPE (ZuStaticIdentity, zu_static_identity, ZU, STATIC_IDENTITY, GObject)

G_END_DECLS
