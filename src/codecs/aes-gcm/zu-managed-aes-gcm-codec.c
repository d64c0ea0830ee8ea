/* SPDX-License-Identifier: Apache-2.0 */

#include "zu-managed-aes-gcm-codec.h"

#include "../keys/zu-key-text.h"
#include "zu-aes-gcm-key.h"
#include "zu-key-ring.h"
#include "zu-use-options.h"

#include <string.h>

#define VERSION          2
#define REFRESH_INTERVAL 1000

/**
 * ZuManagedAesGcmCodec:
 *
 * Version 2 of the payload blob: AES-256-GCM under the provider's current key,
 * `[key id's length 1][key id][nonce 12][ciphertext][tag 16]`.
 *
 * A body names its key, so the current key may change under load: rows before the change are read
 * with the key they name. A key id names one key for ever. Both verbs may be called from any
 * thread. In a child that was forked without executing another program they are refused.
 */
struct _ZuManagedAesGcmCodec
{
  GObject parent_instance;

  ZuKeyProvider *provider;
  guint refresh_interval;
  ZuUseLimits limits;
  ZuNonces nonces;
  ZuKeyRing *ring;
};

enum
{
  PROP_KEY_PROVIDER = 1,
  PROP_REFRESH_INTERVAL,
  PROP_USES,
  PROP_LIMITS,
};

static void zu_managed_aes_gcm_codec_iface_init (ZuPayloadCodecInterface *iface);
static void zu_managed_aes_gcm_codec_initable_init (GInitableIface *iface);

G_DEFINE_DYNAMIC_TYPE_EXTENDED (
    ZuManagedAesGcmCodec, zu_managed_aes_gcm_codec, G_TYPE_OBJECT, G_TYPE_FLAG_FINAL,
    G_IMPLEMENT_INTERFACE_DYNAMIC (ZU_TYPE_PAYLOAD_CODEC, zu_managed_aes_gcm_codec_iface_init)
        G_IMPLEMENT_INTERFACE_DYNAMIC (G_TYPE_INITABLE, zu_managed_aes_gcm_codec_initable_init))

static guint
zu_managed_aes_gcm_codec_get_version (ZuPayloadCodec *codec)
{
  return VERSION;
}

/* The current key, with one use of it counted. One that is used up may have been replaced just now,
 * so the provider is asked again before that is an error. */
static ZuAesGcmKey *
take_current (ZuManagedAesGcmCodec *self, GCancellable *cancellable, GError **error)
{
  g_autoptr (ZuAesGcmKey) key = zu_key_ring_get_current (self->ring, FALSE, cancellable, error);
  g_autoptr (ZuAesGcmKey) next = NULL;
  g_autoptr (GError) refused = NULL;

  if (key == NULL)
    return NULL;
  if (zu_use_options_take (&self->limits, key, self, &refused))
    return g_steal_pointer (&key);

  if (g_error_matches (refused, ZU_PAYLOAD_CODEC_ERROR, ZU_PAYLOAD_CODEC_ERROR_EXHAUSTED))
    next = zu_key_ring_get_current (self->ring, TRUE, cancellable, NULL);
  if (next != NULL && next != key)
    return zu_use_options_take (&self->limits, next, self, error) ? g_steal_pointer (&next) : NULL;

  g_propagate_error (error, g_steal_pointer (&refused));
  return NULL;
}

static GBytes *
zu_managed_aes_gcm_codec_encode (ZuPayloadCodec *codec, GBytes *plaintext, GBytes *associated_data,
                                 GCancellable *cancellable, GError **error)
{
  ZuManagedAesGcmCodec *self = ZU_MANAGED_AES_GCM_CODEC (codec);
  g_autoptr (ZuAesGcmKey) key = NULL;
  guint8 head[1 + ZU_KEY_ID_MAX + ZU_AES_GCM_NONCE_SIZE];
  const char *id;
  gsize prefix_size;

  if (!zu_nonces_check_fork (&self->nonces, error))
    return NULL;
  key = take_current (self, cancellable, error);
  if (key == NULL)
    return NULL;

  id = zu_aes_gcm_key_get_id (key);
  head[0] = (guint8) strlen (id);
  memcpy (head + 1, id, head[0]);
  prefix_size = (gsize) head[0] + 1;
  if (!zu_nonces_draw (&self->nonces, head + prefix_size, error))
    return NULL;
  return zu_aes_gcm_key_seal (key, head, prefix_size + ZU_AES_GCM_NONCE_SIZE, plaintext,
                              associated_data, error);
}

/* NULL where the body does not begin with a key's id. */
static char *
dup_key_id (GBytes *body)
{
  gsize size;
  const guint8 *data = g_bytes_get_data (body, &size);
  const char *id = (const char *) data + 1;

  if (size < 1 || data[0] == 0 || size - 1 < data[0]
      || !g_utf8_validate_len (id, data[0], NULL)) /* which refuses a NUL */
    return NULL;
  return g_strndup (id, data[0]);
}

static GBytes *
zu_managed_aes_gcm_codec_decode (ZuPayloadCodec *codec, GBytes *body, GBytes *associated_data,
                                 GCancellable *cancellable, GError **error)
{
  ZuManagedAesGcmCodec *self = ZU_MANAGED_AES_GCM_CODEC (codec);
  g_autoptr (ZuAesGcmKey) key = NULL;
  g_autofree char *id = NULL;

  if (!zu_nonces_check_fork (&self->nonces, error))
    return NULL;
  id = dup_key_id (body);
  if (id == NULL)
    {
      g_set_error_literal (error, ZU_PAYLOAD_CODEC_ERROR, ZU_PAYLOAD_CODEC_ERROR_UNDECODABLE,
                           "the payload does not begin with a key's id of 1 to 255 bytes of UTF-8");
      return NULL;
    }

  key = zu_key_ring_get (self->ring, id, cancellable, error);
  return key != NULL ? zu_aes_gcm_key_open (key, strlen (id) + 1, body, associated_data, error)
                     : NULL;
}

static gboolean
zu_managed_aes_gcm_codec_is_current (ZuPayloadCodec *codec, GBytes *body, GCancellable *cancellable,
                                     GError **error)
{
  ZuManagedAesGcmCodec *self = ZU_MANAGED_AES_GCM_CODEC (codec);
  g_autoptr (ZuAesGcmKey) key = NULL;
  g_autofree char *id = NULL;

  if (!zu_nonces_check_fork (&self->nonces, error))
    return FALSE;
  key = zu_key_ring_get_current (self->ring, FALSE, cancellable, error);
  if (key == NULL)
    return FALSE;

  id = dup_key_id (body);
  return id != NULL && strcmp (id, zu_aes_gcm_key_get_id (key)) == 0;
}

static void
zu_managed_aes_gcm_codec_iface_init (ZuPayloadCodecInterface *iface)
{
  iface->get_version = zu_managed_aes_gcm_codec_get_version;
  iface->encode = zu_managed_aes_gcm_codec_encode;
  iface->decode = zu_managed_aes_gcm_codec_decode;
  iface->is_current = zu_managed_aes_gcm_codec_is_current;
}

/* The current key is not asked for here: whoever only reads need not have one. */
static gboolean
zu_managed_aes_gcm_codec_initable (GInitable *initable, GCancellable *cancellable, GError **error)
{
  ZuManagedAesGcmCodec *self = ZU_MANAGED_AES_GCM_CODEC (initable);

  if (self->provider == NULL)
    {
      g_set_error_literal (error, G_IO_ERROR, G_IO_ERROR_INVALID_ARGUMENT,
                           "managed-aes-gcm: give it a key provider");
      return FALSE;
    }
  if (!zu_nonces_init (&self->nonces, error) || !zu_use_options_check (&self->limits, error))
    return FALSE;

  self->ring = zu_key_ring_new (self->provider, self->refresh_interval);
  return TRUE;
}

static void
zu_managed_aes_gcm_codec_initable_init (GInitableIface *iface)
{
  iface->init = zu_managed_aes_gcm_codec_initable;
}

static guint64
get_uses (ZuManagedAesGcmCodec *self)
{
  g_autoptr (ZuAesGcmKey) key = self->ring != NULL ? zu_key_ring_peek_current (self->ring) : NULL;

  return key != NULL ? zu_use_count_get (zu_aes_gcm_key_get_count (key), &self->limits) : 0;
}

static void
zu_managed_aes_gcm_codec_get_property (GObject *object, guint id, GValue *value, GParamSpec *pspec)
{
  ZuManagedAesGcmCodec *self = ZU_MANAGED_AES_GCM_CODEC (object);

  if (id == PROP_KEY_PROVIDER)
    g_value_set_object (value, self->provider);
  else if (id == PROP_REFRESH_INTERVAL)
    g_value_set_uint (value, self->refresh_interval);
  else if (id == PROP_USES)
    g_value_set_uint64 (value, get_uses (self));
  else if (!zu_use_options_get (&self->limits, id - PROP_LIMITS, value))
    G_OBJECT_WARN_INVALID_PROPERTY_ID (object, id, pspec);
}

static void
zu_managed_aes_gcm_codec_set_property (GObject *object, guint id, const GValue *value,
                                       GParamSpec *pspec)
{
  ZuManagedAesGcmCodec *self = ZU_MANAGED_AES_GCM_CODEC (object);

  if (id == PROP_KEY_PROVIDER)
    self->provider = g_value_dup_object (value);
  else if (id == PROP_REFRESH_INTERVAL)
    self->refresh_interval = g_value_get_uint (value);
  else if (!zu_use_options_set (&self->limits, id - PROP_LIMITS, value))
    G_OBJECT_WARN_INVALID_PROPERTY_ID (object, id, pspec);
}

static void
zu_managed_aes_gcm_codec_finalize (GObject *object)
{
  ZuManagedAesGcmCodec *self = ZU_MANAGED_AES_GCM_CODEC (object);

  g_clear_pointer (&self->ring, zu_key_ring_free);
  g_clear_object (&self->provider);
  zu_nonces_clear (&self->nonces);
  g_free (self->limits.file);
  G_OBJECT_CLASS (zu_managed_aes_gcm_codec_parent_class)->finalize (object);
}

static void
zu_managed_aes_gcm_codec_class_init (ZuManagedAesGcmCodecClass *klass)
{
  const GParamFlags flags = G_PARAM_READWRITE | G_PARAM_CONSTRUCT_ONLY | G_PARAM_STATIC_STRINGS;
  GObjectClass *object_class = G_OBJECT_CLASS (klass);

  object_class->get_property = zu_managed_aes_gcm_codec_get_property;
  object_class->set_property = zu_managed_aes_gcm_codec_set_property;
  object_class->finalize = zu_managed_aes_gcm_codec_finalize;

  g_object_class_install_property (object_class, PROP_KEY_PROVIDER,
                                   g_param_spec_object ("key-provider", NULL,
                                                        "Where the keys come from",
                                                        ZU_TYPE_KEY_PROVIDER, flags));
  g_object_class_install_property (
      object_class, PROP_REFRESH_INTERVAL,
      g_param_spec_uint ("refresh-interval", NULL,
                         "Milliseconds after which the provider is asked again which key is "
                         "current; 0 is every time",
                         0, G_MAXUINT, REFRESH_INTERVAL, flags));
  g_object_class_install_property (
      object_class, PROP_USES,
      g_param_spec_uint64 ("uses", NULL, "How often the current key has been used", 0, G_MAXUINT64,
                           0, G_PARAM_READABLE | G_PARAM_STATIC_STRINGS));
  zu_use_options_install (object_class, PROP_LIMITS);
}

static void
zu_managed_aes_gcm_codec_class_finalize (ZuManagedAesGcmCodecClass *klass)
{
}

static void
zu_managed_aes_gcm_codec_init (ZuManagedAesGcmCodec *self)
{
}

void
zu_managed_aes_gcm_codec_register (GTypeModule *module)
{
  zu_managed_aes_gcm_codec_register_type (module);
}
