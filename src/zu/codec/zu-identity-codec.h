/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include <glib-object.h>

#include "../ports/zu-payload-codec.h"

G_BEGIN_DECLS

#define ZU_TYPE_IDENTITY_CODEC (zu_identity_codec_get_type ())
G_DECLARE_FINAL_TYPE (ZuIdentityCodec, zu_identity_codec, ZU, IDENTITY_CODEC, GObject)

ZuPayloadCodec *zu_identity_codec_new (void);

G_END_DECLS
