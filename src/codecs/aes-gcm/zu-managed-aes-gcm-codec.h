/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include <zu/zu.h>

G_BEGIN_DECLS

#define ZU_TYPE_MANAGED_AES_GCM_CODEC (zu_managed_aes_gcm_codec_get_type ())
G_DECLARE_FINAL_TYPE (ZuManagedAesGcmCodec, zu_managed_aes_gcm_codec, ZU, MANAGED_AES_GCM_CODEC,
                      GObject)

void zu_managed_aes_gcm_codec_register (GTypeModule *module);

G_END_DECLS
