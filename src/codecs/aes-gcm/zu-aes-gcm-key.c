/* SPDX-License-Identifier: Apache-2.0 */

#include "zu-aes-gcm-key.h"

#include "../keys/zu-key-text.h"

#include <gnutls/crypto.h>
#include <gnutls/gnutls.h>
#include <string.h>

#define FINGERPRINT_OF "zu-backends: the uses of a key"

struct _ZuAesGcmKey
{
  gatomicrefcount ref_count;
  char *id;
  ZuSecret *secret;
  ZuUseCount count;
};

typedef gnutls_aead_cipher_hd_t ZuCipher;

G_DEFINE_AUTO_CLEANUP_FREE_FUNC (ZuCipher, gnutls_aead_cipher_deinit, NULL)

ZuAesGcmKey *
zu_aes_gcm_key_new (const char *id, ZuSecret *secret, GError **error)
{
  g_autofree char *fingerprint = NULL;
  ZuAesGcmKey *self;

  if (zu_secret_get_size (secret) != ZU_KEY_SIZE)
    {
      g_autofree char *printable = zu_key_id_dup_printable (id);

      g_set_error (error, ZU_PAYLOAD_CODEC_ERROR, ZU_PAYLOAD_CODEC_ERROR_NO_KEY,
                   "the key '%s' has %" G_GSIZE_FORMAT " bytes, where AES-256 needs %d", printable,
                   zu_secret_get_size (secret), ZU_KEY_SIZE);
      return NULL;
    }

  fingerprint = zu_secret_dup_hmac_hex (secret, FINGERPRINT_OF);
  self = g_new0 (ZuAesGcmKey, 1);
  g_atomic_ref_count_init (&self->ref_count);
  self->id = g_strdup (id);
  self->secret = zu_secret_ref (secret);
  zu_use_count_init (&self->count, fingerprint);
  return self;
}

ZuAesGcmKey *
zu_aes_gcm_key_ref (ZuAesGcmKey *self)
{
  g_atomic_ref_count_inc (&self->ref_count);
  return self;
}

void
zu_aes_gcm_key_unref (ZuAesGcmKey *self)
{
  if (!g_atomic_ref_count_dec (&self->ref_count))
    return;

  zu_use_count_clear (&self->count);
  zu_secret_unref (self->secret);
  g_free (self->id);
  g_free (self);
}

const char *
zu_aes_gcm_key_get_id (ZuAesGcmKey *self)
{
  return self->id;
}

ZuUseCount *
zu_aes_gcm_key_get_count (ZuAesGcmKey *self)
{
  return &self->count;
}

/* A cipher for one message. GnuTLS expands the key into memory that is not locked, and wipes that
 * when the cipher goes: so it goes at once (the two take 0.2 µs), and no lock is needed either. */
static ZuCipher
new_cipher (ZuAesGcmKey *self, GError **error)
{
  gnutls_datum_t key = { .size = ZU_KEY_SIZE };
  ZuCipher cipher = NULL;
  int code;

  key.data = (guint8 *) zu_secret_peek (self->secret, NULL);
  code = gnutls_aead_cipher_init (&cipher, GNUTLS_CIPHER_AES_256_GCM, &key);
  if (code >= 0)
    return cipher;

  g_set_error (error, G_IO_ERROR, G_IO_ERROR_FAILED, "GnuTLS has no AES-256-GCM here: %s",
               gnutls_strerror (code));
  return NULL;
}

static void
set_associated (giovec_t associated[2], GBytes *associated_data, const guint8 *prefix,
                gsize prefix_size)
{
  gsize size;

  associated[0].iov_base = (void *) g_bytes_get_data (associated_data, &size);
  associated[0].iov_len = size;
  associated[1].iov_base = (void *) prefix;
  associated[1].iov_len = prefix_size;
}

static gboolean
encrypt (ZuAesGcmKey *self, const guint8 *nonce, guint8 *text, gsize size,
         const giovec_t associated[2], GError **error)
{
  g_auto (ZuCipher) cipher = new_cipher (self, error);
  giovec_t in_place = { text, size };
  gsize tag_size = ZU_AES_GCM_TAG_SIZE;
  int code;

  if (cipher == NULL)
    return FALSE;
  code = gnutls_aead_cipher_encryptv2 (cipher, nonce, ZU_AES_GCM_NONCE_SIZE, associated, 2,
                                       &in_place, 1, text + size, &tag_size);
  if (code >= 0 && tag_size == ZU_AES_GCM_TAG_SIZE)
    return TRUE;

  g_set_error (error, G_IO_ERROR, G_IO_ERROR_FAILED, "cannot encrypt a payload: %s",
               gnutls_strerror (code));
  return FALSE;
}

/* The caller has counted the use. */
GBytes *
zu_aes_gcm_key_seal (ZuAesGcmKey *self, const guint8 *head, gsize head_size, GBytes *plaintext,
                     GBytes *associated_data, GError **error)
{
  const gsize prefix_size = head_size - ZU_AES_GCM_NONCE_SIZE;
  gsize size, body_size;
  gconstpointer text = g_bytes_get_data (plaintext, &size);
  g_autofree guint8 *body = NULL;
  guint8 *place;
  giovec_t associated[2];

  body_size = head_size + size + ZU_AES_GCM_TAG_SIZE;
  body = g_malloc (body_size);
  place = body + head_size;
  memcpy (body, head, head_size);
  if (size > 0)
    memcpy (place, text, size);

  set_associated (associated, associated_data, body, prefix_size);
  if (!encrypt (self, body + prefix_size, place, size, associated, error))
    {
      explicit_bzero (body, body_size);
      return NULL;
    }
  return g_bytes_new_take (g_steal_pointer (&body), body_size);
}

static gboolean
decrypt (ZuAesGcmKey *self, const guint8 *nonce, guint8 *text, gsize size, const guint8 *tag,
         const giovec_t associated[2], GError **error)
{
  g_auto (ZuCipher) cipher = new_cipher (self, error);
  giovec_t in_place = { text, size };

  if (cipher == NULL)
    return FALSE;
  if (gnutls_aead_cipher_decryptv2 (cipher, nonce, ZU_AES_GCM_NONCE_SIZE, associated, 2, &in_place,
                                    1, (void *) tag, ZU_AES_GCM_TAG_SIZE)
      >= 0)
    return TRUE;

  g_set_error_literal (error, ZU_PAYLOAD_CODEC_ERROR, ZU_PAYLOAD_CODEC_ERROR_UNDECODABLE,
                       "the payload was changed, belongs to another row, or was encrypted with "
                       "another key");
  return FALSE;
}

GBytes *
zu_aes_gcm_key_open (ZuAesGcmKey *self, gsize prefix_size, GBytes *body, GBytes *associated_data,
                     GError **error)
{
  const gsize least = prefix_size + ZU_AES_GCM_NONCE_SIZE + ZU_AES_GCM_TAG_SIZE;
  gsize body_size, size;
  const guint8 *data = g_bytes_get_data (body, &body_size);
  const guint8 *nonce = data + prefix_size;
  g_autofree guint8 *text = NULL;
  giovec_t associated[2];

  if (body_size < least)
    {
      g_set_error (error, ZU_PAYLOAD_CODEC_ERROR, ZU_PAYLOAD_CODEC_ERROR_UNDECODABLE,
                   "the payload has %" G_GSIZE_FORMAT
                   " bytes, too few for a nonce of %d and a tag of %d",
                   body_size, ZU_AES_GCM_NONCE_SIZE, ZU_AES_GCM_TAG_SIZE);
      return NULL;
    }

  size = body_size - least;
  text = g_malloc (size + 1); /* never NULL, and ends in a NUL that is not counted */
  text[size] = '\0';
  if (size > 0)
    memcpy (text, nonce + ZU_AES_GCM_NONCE_SIZE, size);
  set_associated (associated, associated_data, data, prefix_size);
  if (!decrypt (self, nonce, text, size, data + body_size - ZU_AES_GCM_TAG_SIZE, associated, error))
    {
      explicit_bzero (text, size); /* nobody reads what is not authentic */
      return NULL;
    }
  return g_bytes_new_take (g_steal_pointer (&text), size);
}
