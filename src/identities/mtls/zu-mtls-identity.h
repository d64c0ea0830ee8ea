/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include <zu/zu.h>

G_BEGIN_DECLS

#define ZU_TYPE_MTLS_IDENTITY (zu_mtls_identity_get_type ())
G_DECLARE_FINAL_TYPE (ZuMtlsIdentity, zu_mtls_identity, ZU, MTLS_IDENTITY, GObject)

G_END_DECLS
