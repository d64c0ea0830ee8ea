/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "../event/zu-event.h"
#include "../ports/zu-payload-codec.h"

G_BEGIN_DECLS

#define ZU_TYPE_CODEC_SET (zu_codec_set_get_type ())
G_DECLARE_FINAL_TYPE (ZuCodecSet, zu_codec_set, ZU, CODEC_SET, GObject)

ZuCodecSet *zu_codec_set_new (void);

gboolean zu_codec_set_add (ZuCodecSet *self, ZuPayloadCodec *codec, GError **error);
gboolean zu_codec_set_set_writer (ZuCodecSet *self, ZuPayloadCodec *codec, GError **error);
ZuPayloadCodec *zu_codec_set_lookup (ZuCodecSet *self, guint version);
guint zu_codec_set_get_write_version (ZuCodecSet *self);

GBytes *zu_codec_set_encode (ZuCodecSet *self, GBytes *plaintext, GBytes *associated_data,
                             GError **error);
GBytes *zu_codec_set_decode (ZuCodecSet *self, GBytes *blob, GBytes *associated_data,
                             GError **error);

gboolean zu_codec_set_is_current (ZuCodecSet *self, GBytes *blob, GError **error);

GBytes *zu_codec_set_encode_event (ZuCodecSet *self, ZuEvent *event, GError **error);
gboolean zu_codec_set_write_event (ZuCodecSet *self, ZuEvent *event, GByteArray *blob,
                                   GError **error);
ZuEvent *zu_codec_set_decode_event (ZuCodecSet *self, gconstpointer blob, gsize size,
                                    GBytes *associated_data, GError **error);

GBytes *zu_codec_dup_associated_data (ZuEvent *event);

G_END_DECLS
