/* SPDX-License-Identifier: Apache-2.0 */

#include "zu-jwt-svid.h"

#include "zu-spiffe-id.h"

#include <gnutls/abstract.h>
#include <gnutls/crypto.h>
#include <string.h>

#define MAX_FUTURE   60 /* seconds that clocks may differ */
#define MIN_RSA_BITS 2048

/* JWT-SVID, section 2.1. What a token says of itself only chooses among these. */
static const struct
{
  const char *name;
  gnutls_sign_algorithm_t algorithm;
  const char *curve; /* NULL: an RSA key */
  gnutls_ecc_curve_t curve_id;
  gsize size; /* of a number of an ECDSA signature */
} algorithms[] = {
  { "RS256", GNUTLS_SIGN_RSA_SHA256, NULL, 0, 0 },
  { "RS384", GNUTLS_SIGN_RSA_SHA384, NULL, 0, 0 },
  { "RS512", GNUTLS_SIGN_RSA_SHA512, NULL, 0, 0 },
  { "PS256", GNUTLS_SIGN_RSA_PSS_RSAE_SHA256, NULL, 0, 0 },
  { "PS384", GNUTLS_SIGN_RSA_PSS_RSAE_SHA384, NULL, 0, 0 },
  { "PS512", GNUTLS_SIGN_RSA_PSS_RSAE_SHA512, NULL, 0, 0 },
  { "ES256", GNUTLS_SIGN_ECDSA_SHA256, "P-256", GNUTLS_ECC_CURVE_SECP256R1, 32 },
  { "ES384", GNUTLS_SIGN_ECDSA_SHA384, "P-384", GNUTLS_ECC_CURVE_SECP384R1, 48 },
  { "ES512", GNUTLS_SIGN_ECDSA_SHA512, "P-521", GNUTLS_ECC_CURVE_SECP521R1, 66 },
};

typedef struct
{
  guint8 *data;
  gsize size;
} Bytes;

static void
bytes_clear (Bytes *self)
{
  g_clear_pointer (&self->data, g_free);
}

G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC (Bytes, bytes_clear)

static gnutls_datum_t
to_datum (const Bytes *bytes)
{
  return (gnutls_datum_t){ bytes->data, (guint) bytes->size };
}

/* RFC 4648, section 5, without padding, and nothing else between. */
static gboolean
decode (const char *text, Bytes *bytes)
{
  gsize size = strlen (text);
  g_autofree char *plain = g_malloc0 (size + 4);

  if (size == 0 || size % 4 == 1)
    return FALSE;
  for (gsize i = 0; i < size; i++)
    {
      if (!g_ascii_isalnum (text[i]) && text[i] != '-' && text[i] != '_')
        return FALSE;
      plain[i] = text[i] == '-' ? '+' : text[i] == '_' ? '/' : text[i];
    }
  for (gsize i = size; i % 4 != 0; i++)
    plain[i] = '=';
  bytes->data = g_base64_decode (plain, &bytes->size);
  return bytes->size > 0;
}

static ZuJson *
parse_part (const char *text)
{
  g_auto (Bytes) bytes = { NULL, 0 };
  g_autoptr (ZuJson) json = NULL;

  if (!decode (text, &bytes))
    return NULL;
  json = zu_json_parse ((const char *) bytes.data, (gssize) bytes.size, NULL);
  return json != NULL && zu_json_get_kind (json) == ZU_JSON_KIND_OBJECT ? g_steal_pointer (&json)
                                                                        : NULL;
}

/* NULL where it is not there, or is no text. */
static char *
dup_text (ZuJson *object, const char *name)
{
  g_autoptr (ZuJson) member = zu_json_dup_member (object, name);
  const char *text;
  gsize size;

  if (member == NULL || zu_json_get_kind (member) != ZU_JSON_KIND_STRING)
    return NULL;
  text = zu_json_get_string (member, &size);
  return strlen (text) == size ? g_strdup (text) : NULL;
}

static gboolean
is_text (ZuJson *json, const char *text)
{
  gsize size;

  if (zu_json_get_kind (json) != ZU_JSON_KIND_STRING)
    return FALSE;
  return g_strcmp0 (zu_json_get_string (json, &size), text) == 0 && size == strlen (text);
}

/* A moment in whole seconds; FALSE where there is none. */
static gboolean
read_moment (ZuJson *claims, const char *name, gint64 *moment)
{
  g_autoptr (ZuJson) member = zu_json_dup_member (claims, name);

  return member != NULL && zu_json_get_kind (member) == ZU_JSON_KIND_INTEGER
         && zu_json_get_int64 (member, moment);
}

static gboolean
is_for (ZuJson *claims, const char *audience)
{
  g_autoptr (ZuJson) member = zu_json_dup_member (claims, "aud");

  if (member == NULL)
    return FALSE;
  if (zu_json_get_kind (member) != ZU_JSON_KIND_ARRAY)
    return is_text (member, audience);
  for (gsize i = 0; i < zu_json_get_size (member); i++)
    {
      g_autoptr (ZuJson) element = zu_json_dup_element (member, i);

      if (is_text (element, audience))
        return TRUE;
    }
  return FALSE;
}

static gboolean
is_of_now (ZuJson *claims)
{
  gint64 now = g_get_real_time () / G_USEC_PER_SEC;
  gint64 expires;
  gint64 begins;

  if (!read_moment (claims, "exp", &expires) || expires <= now)
    return FALSE;
  return !read_moment (claims, "nbf", &begins) || begins <= now + MAX_FUTURE;
}

static gboolean
import_rsa (gnutls_pubkey_t key, ZuJson *jwk)
{
  g_autofree char *modulus_text = dup_text (jwk, "n");
  g_autofree char *exponent_text = dup_text (jwk, "e");
  g_auto (Bytes) modulus = { NULL, 0 };
  g_auto (Bytes) exponent = { NULL, 0 };
  gnutls_datum_t n, e;
  unsigned int bits = 0;

  if (modulus_text == NULL || exponent_text == NULL || !decode (modulus_text, &modulus)
      || !decode (exponent_text, &exponent))
    return FALSE;
  n = to_datum (&modulus);
  e = to_datum (&exponent);
  return gnutls_pubkey_import_rsa_raw (key, &n, &e) >= 0
         && gnutls_pubkey_get_pk_algorithm (key, &bits) >= 0 && bits >= MIN_RSA_BITS;
}

static gboolean
import_ecc (gnutls_pubkey_t key, ZuJson *jwk, gsize i)
{
  g_autofree char *curve = dup_text (jwk, "crv");
  g_autofree char *x_text = dup_text (jwk, "x");
  g_autofree char *y_text = dup_text (jwk, "y");
  g_auto (Bytes) x = { NULL, 0 };
  g_auto (Bytes) y = { NULL, 0 };
  gnutls_datum_t x_datum, y_datum;

  if (g_strcmp0 (curve, algorithms[i].curve) != 0 || x_text == NULL || y_text == NULL
      || !decode (x_text, &x) || !decode (y_text, &y))
    return FALSE;
  x_datum = to_datum (&x);
  y_datum = to_datum (&y);
  return gnutls_pubkey_import_ecc_raw (key, algorithms[i].curve_id, &x_datum, &y_datum) >= 0;
}

/* RFC 7518, section 3.4: the two numbers side by side, which the library wants in DER. */
static gboolean
to_der (const Bytes *signature, gsize i, gnutls_datum_t *der)
{
  gsize size = algorithms[i].size;
  gnutls_datum_t r = { signature->data, (guint) size };
  gnutls_datum_t s = { signature->data + size, (guint) size };

  return signature->size == 2 * size && gnutls_encode_rs_value (der, &r, &s) >= 0;
}

static gboolean
verify_signature (ZuJson *jwk, gsize i, const char *signed_text, const Bytes *signature)
{
  g_autofree char *type = dup_text (jwk, "kty");
  gnutls_datum_t data = { (guint8 *) signed_text, (guint) strlen (signed_text) };
  gnutls_datum_t der = { NULL, 0 };
  gnutls_datum_t raw = to_datum (signature);
  gboolean is_ecc = algorithms[i].curve != NULL;
  gnutls_pubkey_t key = NULL;
  gboolean good = FALSE;

  if (g_strcmp0 (type, is_ecc ? "EC" : "RSA") != 0 || gnutls_pubkey_init (&key) < 0)
    return FALSE;
  if (is_ecc)
    good = import_ecc (key, jwk, i) && to_der (signature, i, &der)
           && gnutls_pubkey_verify_data2 (key, algorithms[i].algorithm, 0, &data, &der) >= 0;
  else
    good = import_rsa (key, jwk)
           && gnutls_pubkey_verify_data2 (key, algorithms[i].algorithm, 0, &data, &raw) >= 0;
  gnutls_free (der.data);
  gnutls_pubkey_deinit (key);
  return good;
}

/* The bundle's key of that name which is for JWT-SVIDs (SPIFFE bundle, section 4.2). */
static ZuJson *
find_key (ZuJson *bundle, const char *kid)
{
  g_autoptr (ZuJson) keys = zu_json_dup_member (bundle, "keys");

  if (keys == NULL || zu_json_get_kind (keys) != ZU_JSON_KIND_ARRAY)
    return NULL;
  for (gsize i = 0; i < zu_json_get_size (keys); i++)
    {
      g_autoptr (ZuJson) key = zu_json_dup_element (keys, i);
      g_autofree char *use = NULL;
      g_autofree char *id = NULL;

      if (zu_json_get_kind (key) != ZU_JSON_KIND_OBJECT)
        continue;
      use = dup_text (key, "use");
      id = dup_text (key, "kid");
      if (g_strcmp0 (use, "jwt-svid") == 0 && g_strcmp0 (id, kid) == 0)
        return g_steal_pointer (&key);
    }
  return NULL;
}

/* G_N_ELEMENTS where the header is none that is understood. */
static gsize
find_algorithm (ZuJson *header)
{
  g_autofree char *name = dup_text (header, "alg");
  g_autoptr (ZuJson) type = zu_json_dup_member (header, "typ");
  g_autoptr (ZuJson) critical = zu_json_dup_member (header, "crit");
  gsize i = 0;

  if (critical != NULL || (type != NULL && !is_text (type, "JWT") && !is_text (type, "JOSE")))
    return G_N_ELEMENTS (algorithms);
  while (i < G_N_ELEMENTS (algorithms) && g_strcmp0 (algorithms[i].name, name) != 0)
    i++;
  return i;
}

static gboolean
is_signed (char **parts, ZuJson *bundle)
{
  g_autoptr (ZuJson) header = parse_part (parts[0]);
  g_autofree char *kid = header != NULL ? dup_text (header, "kid") : NULL;
  g_autoptr (ZuJson) key = kid != NULL ? find_key (bundle, kid) : NULL;
  g_autofree char *signed_text = g_strconcat (parts[0], ".", parts[1], NULL);
  g_auto (Bytes) signature = { NULL, 0 };
  gsize i = key != NULL ? find_algorithm (header) : G_N_ELEMENTS (algorithms);

  return i < G_N_ELEMENTS (algorithms) && decode (parts[2], &signature)
         && verify_signature (key, i, signed_text, &signature);
}

/* The SPIFFE ID of a token that holds, or NULL. */
char *
zu_jwt_svid_verify (const char *token, ZuJson *bundle, const char *trust_domain,
                    const char *audience)
{
  g_auto (GStrv) parts = NULL;
  g_autoptr (ZuJson) claims = NULL;
  g_autofree char *subject = NULL;

  if (strlen (token) > ZU_JWT_MAX_SIZE)
    return NULL;
  parts = g_strsplit (token, ".", 4);
  if (g_strv_length (parts) != 3 || !is_signed (parts, bundle))
    return NULL;
  claims = parse_part (parts[1]);
  subject = claims != NULL ? dup_text (claims, "sub") : NULL;
  if (subject == NULL || !zu_spiffe_is_workload (subject, trust_domain)
      || !is_for (claims, audience) || !is_of_now (claims))
    return NULL;
  return g_steal_pointer (&subject);
}
