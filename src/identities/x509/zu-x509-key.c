/* SPDX-License-Identifier: Apache-2.0 */

#include "zu-x509-key.h"

#include <gnutls/pkcs11.h>

#define MAX_SIGNATURE 4096
#define PKCS11_PREFIX "pkcs11:"
#define MIN_RSA_BITS  2048

/* One algorithm for each kind of key: what a proof says of itself chooses nothing. */
static gnutls_sign_algorithm_t
find_algorithm (gnutls_x509_crt_t certificate)
{
  gnutls_ecc_curve_t curve = GNUTLS_ECC_CURVE_INVALID;
  unsigned int bits = 0;

  switch (gnutls_x509_crt_get_pk_algorithm (certificate, &bits))
    {
    case GNUTLS_PK_EDDSA_ED25519:
      return GNUTLS_SIGN_EDDSA_ED25519;
    case GNUTLS_PK_RSA:
    case GNUTLS_PK_RSA_PSS:
      return bits >= MIN_RSA_BITS ? GNUTLS_SIGN_RSA_PSS_RSAE_SHA256 : GNUTLS_SIGN_UNKNOWN;
    case GNUTLS_PK_ECDSA:
      gnutls_x509_crt_get_pk_ecc_raw (certificate, &curve, NULL, NULL);
      return curve == GNUTLS_ECC_CURVE_SECP384R1   ? GNUTLS_SIGN_ECDSA_SECP384R1_SHA384
             : curve == GNUTLS_ECC_CURVE_SECP256R1 ? GNUTLS_SIGN_ECDSA_SECP256R1_SHA256
                                                   : GNUTLS_SIGN_UNKNOWN;
    default:
      return GNUTLS_SIGN_UNKNOWN;
    }
}

/* By way of locked memory; what the library keeps of it is its own. */
static int
import_file (gnutls_privkey_t key, const char *path, GError **error)
{
  g_autoptr (ZuSecret) secret = zu_secret_new_from_file (path, error);
  gnutls_datum_t pem;
  gsize size;

  if (secret == NULL)
    return GNUTLS_E_FILE_ERROR;
  pem.data = (guint8 *) zu_secret_peek (secret, &size);
  pem.size = (guint) size;
  return gnutls_privkey_import_x509_raw (key, &pem, GNUTLS_X509_FMT_PEM, NULL, 0);
}

/* WHERE is a file of PEM, or a PKCS#11 URI (RFC 7512), whose key never leaves its token; a PIN
 * comes from the file that its pin-source names. */
gnutls_privkey_t
zu_x509_key_open (const char *where, GError **error)
{
  gnutls_privkey_t key = NULL;
  g_autoptr (GError) why = NULL;
  int result = gnutls_privkey_init (&key);

  if (result >= 0 && g_str_has_prefix (where, PKCS11_PREFIX))
    result = gnutls_privkey_import_pkcs11_url (key, where);
  else if (result >= 0)
    result = import_file (key, where, &why);
  if (result >= 0)
    return key;
  if (key != NULL)
    gnutls_privkey_deinit (key);
  if (why != NULL)
    g_propagate_prefixed_error (error, g_steal_pointer (&why), "the key: ");
  else
    zu_x509_set_error (error, "the key", result);
  return NULL;
}

static char *
dup_key_id (gnutls_pubkey_t key)
{
  guint8 id[64];
  gsize size = sizeof id;

  if (gnutls_pubkey_get_key_id (key, GNUTLS_KEYID_USE_SHA256, id, &size) < 0)
    return NULL;
  return g_base64_encode (id, size);
}

gboolean
zu_x509_key_matches (gnutls_privkey_t key, gnutls_x509_crt_t certificate, GError **error)
{
  g_autofree char *own = NULL;
  g_autofree char *certified = NULL;
  gnutls_pubkey_t public = NULL;

  if (gnutls_pubkey_init (&public) < 0)
    return FALSE;
  if (gnutls_pubkey_import_privkey (public, key, 0, 0) >= 0)
    own = dup_key_id (public);
  gnutls_pubkey_deinit (public);
  if (gnutls_pubkey_init (&public) < 0)
    return FALSE;
  if (gnutls_pubkey_import_x509 (public, certificate, 0) >= 0)
    certified = dup_key_id (public);
  gnutls_pubkey_deinit (public);

  if (own != NULL && g_strcmp0 (own, certified) == 0)
    return TRUE;
  g_set_error_literal (error, G_IO_ERROR, G_IO_ERROR_INVALID_DATA,
                       "the key is not the one of the certificate");
  return FALSE;
}

char *
zu_x509_key_sign (gnutls_privkey_t key, gnutls_x509_crt_t certificate, const char *text,
                  GError **error)
{
  gnutls_sign_algorithm_t algorithm = find_algorithm (certificate);
  gnutls_datum_t data = { (guint8 *) text, (guint) strlen (text) };
  gnutls_datum_t signature = { NULL, 0 };
  int result = algorithm != GNUTLS_SIGN_UNKNOWN
                   ? gnutls_privkey_sign_data2 (key, algorithm, 0, &data, &signature)
                   : GNUTLS_E_UNSUPPORTED_SIGNATURE_ALGORITHM;
  char *base64;

  if (result < 0)
    {
      zu_x509_set_error (error, "cannot sign", result);
      return NULL;
    }
  base64 = g_base64_encode (signature.data, signature.size);
  gnutls_free (signature.data);
  return base64;
}

gboolean
zu_x509_verify_text (gnutls_x509_crt_t certificate, const char *text, const char *signature)
{
  gnutls_sign_algorithm_t algorithm = find_algorithm (certificate);
  gnutls_datum_t data = { (guint8 *) text, (guint) strlen (text) };
  g_autofree guint8 *bytes = NULL;
  gnutls_pubkey_t key = NULL;
  gnutls_datum_t raw;
  gsize size = strlen (signature);
  int result;

  if (algorithm == GNUTLS_SIGN_UNKNOWN || size == 0 || size > MAX_SIGNATURE
      || gnutls_pubkey_init (&key) < 0)
    return FALSE;
  bytes = g_base64_decode (signature, &size);
  raw = (gnutls_datum_t){ bytes, (guint) size };
  result = gnutls_pubkey_import_x509 (key, certificate, 0);
  if (result >= 0)
    result = gnutls_pubkey_verify_data2 (key, algorithm, 0, &data, &raw);
  gnutls_pubkey_deinit (key);
  return result >= 0;
}
