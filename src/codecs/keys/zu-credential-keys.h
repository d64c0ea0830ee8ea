/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include <zu/zu.h>

G_BEGIN_DECLS

#define ZU_TYPE_CREDENTIAL_KEYS (zu_credential_keys_get_type ())
G_DECLARE_FINAL_TYPE (ZuCredentialKeys, zu_credential_keys, ZU, CREDENTIAL_KEYS, GObject)

void zu_credential_keys_register (GTypeModule *module);

G_END_DECLS
