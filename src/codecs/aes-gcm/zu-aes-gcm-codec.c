/* SPDX-License-Identifier: Apache-2.0 */

#include "zu-aes-gcm-codec.h"

#include "../keys/zu-key-text.h"
#include "zu-aes-gcm-key.h"
#include "zu-use-options.h"

#define VERSION 1

/**
 * ZuAesGcmCodec:
 *
 * Version 1 of the payload blob: AES-256-GCM under one key, `[nonce 12][ciphertext][tag 16]`.
 *
 * The body does not name its key, so a key cannot be replaced: [class@Zu.ManagedAesGcmCodec] can.
 * Both verbs may be called from any thread. In a child that was forked without executing another
 * program they are refused.
 */
struct _ZuAesGcmCodec
{
  GObject parent_instance;

  ZuSecret *secret;
  ZuKeyProvider *provider;
  char *key_id;
  ZuUseLimits limits;
  ZuNonces nonces;
  ZuAesGcmKey *key;
};

enum
{
  PROP_KEY = 1,
  PROP_KEY_PROVIDER,
  PROP_KEY_ID,
  PROP_USES,
  PROP_LIMITS,
};

static void zu_aes_gcm_codec_iface_init (ZuPayloadCodecInterface *iface);
static void zu_aes_gcm_codec_initable_init (GInitableIface *iface);

G_DEFINE_DYNAMIC_TYPE_EXTENDED (ZuAesGcmCodec, zu_aes_gcm_codec, G_TYPE_OBJECT, G_TYPE_FLAG_FINAL,
                                G_IMPLEMENT_INTERFACE_DYNAMIC (ZU_TYPE_PAYLOAD_CODEC,
                                                               zu_aes_gcm_codec_iface_init)
                                    G_IMPLEMENT_INTERFACE_DYNAMIC (G_TYPE_INITABLE,
                                                                   zu_aes_gcm_codec_initable_init))

static guint
zu_aes_gcm_codec_get_version (ZuPayloadCodec *codec)
{
  return VERSION;
}

static GBytes *
zu_aes_gcm_codec_encode (ZuPayloadCodec *codec, GBytes *plaintext, GBytes *associated_data,
                         GCancellable *cancellable, GError **error)
{
  ZuAesGcmCodec *self = ZU_AES_GCM_CODEC (codec);
  guint8 nonce[ZU_AES_GCM_NONCE_SIZE];

  if (!zu_nonces_check_fork (&self->nonces, error)
      || !zu_use_options_take (&self->limits, self->key, self, error)
      || !zu_nonces_draw (&self->nonces, nonce, error))
    return NULL;
  return zu_aes_gcm_key_seal (self->key, nonce, sizeof nonce, plaintext, associated_data, error);
}

static GBytes *
zu_aes_gcm_codec_decode (ZuPayloadCodec *codec, GBytes *body, GBytes *associated_data,
                         GCancellable *cancellable, GError **error)
{
  ZuAesGcmCodec *self = ZU_AES_GCM_CODEC (codec);

  if (!zu_nonces_check_fork (&self->nonces, error))
    return NULL;
  return zu_aes_gcm_key_open (self->key, 0, body, associated_data, error);
}

static void
zu_aes_gcm_codec_iface_init (ZuPayloadCodecInterface *iface)
{
  iface->get_version = zu_aes_gcm_codec_get_version;
  iface->encode = zu_aes_gcm_codec_encode;
  iface->decode = zu_aes_gcm_codec_decode;
}

/* 32 bytes are the key; anything else is the text of one, as configurations hold it. */
static ZuAesGcmKey *
key_from_secret (ZuSecret *secret, GError **error)
{
  g_autoptr (ZuSecret) decoded = NULL;
  const char *text;
  gsize size;

  text = zu_secret_peek (secret, &size);
  if (size == ZU_KEY_SIZE)
    return zu_aes_gcm_key_new ("", secret, error);

  decoded = zu_key_text_decode (text, size, "aes-gcm: the option 'key'", error);
  return decoded != NULL ? zu_aes_gcm_key_new ("", decoded, error) : NULL;
}

/* The key of that id, or the current one: a log that was written under a key which has been
 * replaced since is still to be read. */
static ZuAesGcmKey *
key_from_provider (ZuKeyProvider *provider, const char *key_id, GCancellable *cancellable,
                   GError **error)
{
  g_autofree char *id = key_id != NULL
                            ? g_strdup (key_id)
                            : zu_key_provider_get_current_key_id (provider, cancellable, error);
  g_autoptr (ZuSecret) secret = NULL;

  if (id == NULL)
    return NULL;
  secret = zu_key_provider_get_key (provider, id, cancellable, error);
  return secret != NULL ? zu_aes_gcm_key_new (id, secret, error) : NULL;
}

static gboolean
zu_aes_gcm_codec_initable (GInitable *initable, GCancellable *cancellable, GError **error)
{
  ZuAesGcmCodec *self = ZU_AES_GCM_CODEC (initable);

  if ((self->secret != NULL) == (self->provider != NULL)
      || (self->key_id != NULL && self->provider == NULL))
    {
      g_set_error_literal (error, G_IO_ERROR, G_IO_ERROR_INVALID_ARGUMENT,
                           "aes-gcm: give it either a key or a key provider; a key's id goes with "
                           "a provider");
      return FALSE;
    }
  if (!zu_nonces_init (&self->nonces, error) || !zu_use_options_check (&self->limits, error))
    return FALSE;

  self->key = self->secret != NULL
                  ? key_from_secret (self->secret, error)
                  : key_from_provider (self->provider, self->key_id, cancellable, error);
  g_clear_pointer (&self->secret, zu_secret_unref);
  return self->key != NULL;
}

static void
zu_aes_gcm_codec_initable_init (GInitableIface *iface)
{
  iface->init = zu_aes_gcm_codec_initable;
}

static void
zu_aes_gcm_codec_get_property (GObject *object, guint id, GValue *value, GParamSpec *pspec)
{
  ZuAesGcmCodec *self = ZU_AES_GCM_CODEC (object);

  if (id == PROP_KEY_PROVIDER)
    g_value_set_object (value, self->provider);
  else if (id == PROP_KEY_ID)
    g_value_set_string (value, self->key_id);
  else if (id == PROP_USES)
    g_value_set_uint64 (value, self->key == NULL
                                   ? 0
                                   : zu_use_count_get (zu_aes_gcm_key_get_count (self->key),
                                                       &self->limits));
  else if (!zu_use_options_get (&self->limits, id - PROP_LIMITS, value))
    G_OBJECT_WARN_INVALID_PROPERTY_ID (object, id, pspec);
}

static void
zu_aes_gcm_codec_set_property (GObject *object, guint id, const GValue *value, GParamSpec *pspec)
{
  ZuAesGcmCodec *self = ZU_AES_GCM_CODEC (object);

  if (id == PROP_KEY)
    self->secret = g_value_dup_boxed (value);
  else if (id == PROP_KEY_PROVIDER)
    self->provider = g_value_dup_object (value);
  else if (id == PROP_KEY_ID)
    self->key_id = g_value_dup_string (value);
  else if (!zu_use_options_set (&self->limits, id - PROP_LIMITS, value))
    G_OBJECT_WARN_INVALID_PROPERTY_ID (object, id, pspec);
}

static void
zu_aes_gcm_codec_finalize (GObject *object)
{
  ZuAesGcmCodec *self = ZU_AES_GCM_CODEC (object);

  g_clear_pointer (&self->secret, zu_secret_unref);
  g_clear_pointer (&self->key, zu_aes_gcm_key_unref);
  g_clear_object (&self->provider);
  zu_nonces_clear (&self->nonces);
  g_free (self->limits.file);
  g_free (self->key_id);
  G_OBJECT_CLASS (zu_aes_gcm_codec_parent_class)->finalize (object);
}

static void
zu_aes_gcm_codec_class_init (ZuAesGcmCodecClass *klass)
{
  const GParamFlags construct = G_PARAM_CONSTRUCT_ONLY | G_PARAM_STATIC_STRINGS;
  GObjectClass *object_class = G_OBJECT_CLASS (klass);

  object_class->get_property = zu_aes_gcm_codec_get_property;
  object_class->set_property = zu_aes_gcm_codec_set_property;
  object_class->finalize = zu_aes_gcm_codec_finalize;

  g_object_class_install_property (
      object_class, PROP_KEY,
      g_param_spec_boxed ("key", NULL, "The key: " ZU_KEY_TEXT_EXPECTED ", or as they are",
                          ZU_TYPE_SECRET, G_PARAM_WRITABLE | construct));
  g_object_class_install_property (
      object_class, PROP_KEY_PROVIDER,
      g_param_spec_object ("key-provider", NULL, "Whose current key is the key, instead",
                           ZU_TYPE_KEY_PROVIDER, G_PARAM_READWRITE | construct));
  g_object_class_install_property (
      object_class, PROP_KEY_ID,
      g_param_spec_string ("key-id", NULL,
                           "Which of the provider's keys; left out, its current one", NULL,
                           G_PARAM_READWRITE | construct));
  g_object_class_install_property (
      object_class, PROP_USES,
      g_param_spec_uint64 ("uses", NULL, "How often the key has been used", 0, G_MAXUINT64, 0,
                           G_PARAM_READABLE | G_PARAM_STATIC_STRINGS));
  zu_use_options_install (object_class, PROP_LIMITS);
}

static void
zu_aes_gcm_codec_class_finalize (ZuAesGcmCodecClass *klass)
{
}

static void
zu_aes_gcm_codec_init (ZuAesGcmCodec *self)
{
}

void
zu_aes_gcm_codec_register (GTypeModule *module)
{
  zu_aes_gcm_codec_register_type (module);
}
