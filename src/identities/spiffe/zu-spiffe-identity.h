/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include <zu/zu.h>

G_BEGIN_DECLS

#define ZU_TYPE_SPIFFE_IDENTITY (zu_spiffe_identity_get_type ())
G_DECLARE_FINAL_TYPE (ZuSpiffeIdentity, zu_spiffe_identity, ZU, SPIFFE_IDENTITY, GObject)

G_END_DECLS
