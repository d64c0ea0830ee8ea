/* SPDX-License-Identifier: Apache-2.0 */

#include "zu-identity-codec.h"

/**
 * ZuIdentityCodec:
 *
 * Version 0 of the payload blob: the body is the text itself, in the clear.
 *
 * It binds nothing and hides nothing; the chain's digests are what tells of a change. It may be
 * used from any thread.
 */
struct _ZuIdentityCodec
{
  GObject parent_instance;
};

static void zu_identity_codec_iface_init (ZuPayloadCodecInterface *iface);

G_DEFINE_FINAL_TYPE_WITH_CODE (ZuIdentityCodec, zu_identity_codec, G_TYPE_OBJECT,
                               G_IMPLEMENT_INTERFACE (ZU_TYPE_PAYLOAD_CODEC,
                                                      zu_identity_codec_iface_init))

static guint
zu_identity_codec_get_version (ZuPayloadCodec *codec)
{
  return 0;
}

static GBytes *
zu_identity_codec_encode (ZuPayloadCodec *codec, GBytes *plaintext, GBytes *associated_data,
                          GCancellable *cancellable, GError **error)
{
  return g_bytes_ref (plaintext);
}

static GBytes *
zu_identity_codec_decode (ZuPayloadCodec *codec, GBytes *body, GBytes *associated_data,
                          GCancellable *cancellable, GError **error)
{
  return g_bytes_ref (body);
}

static void
zu_identity_codec_iface_init (ZuPayloadCodecInterface *iface)
{
  iface->get_version = zu_identity_codec_get_version;
  iface->encode = zu_identity_codec_encode;
  iface->decode = zu_identity_codec_decode;
}

static void
zu_identity_codec_class_init (ZuIdentityCodecClass *klass)
{
}

static void
zu_identity_codec_init (ZuIdentityCodec *self)
{
}

/**
 * zu_identity_codec_new:
 *
 * Gives a codec of version 0.
 *
 * Returns: (transfer full): a codec of version 0
 */
ZuPayloadCodec *
zu_identity_codec_new (void)
{
  return g_object_new (ZU_TYPE_IDENTITY_CODEC, NULL);
}
