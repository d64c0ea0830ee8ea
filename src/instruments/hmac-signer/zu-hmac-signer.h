/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include <zu/zu.h>

G_BEGIN_DECLS

#define ZU_TYPE_HMAC_SIGNER (zu_hmac_signer_get_type ())
G_DECLARE_FINAL_TYPE (ZuHmacSigner, zu_hmac_signer, ZU, HMAC_SIGNER, GObject)

void zu_hmac_signer_register (GTypeModule *module);

G_END_DECLS
