/* SPDX-License-Identifier: Apache-2.0 */

#include "zu-static-proof.h"

#include <nettle/memops.h>
#include <string.h>

#define DIGEST_SIZE 32

/* What is signed: the compact JSON of [principal, measurement or null], in ASCII. A JSON array and
 * no separator of its own, so that "a|b" and "a", "b" are two things. */
static char *
dup_signed_text (const char *principal, ZuJson *measurement, GError **error)
{
  g_autoptr (ZuJsonBuilder) builder = zu_json_builder_new ();
  g_autoptr (ZuJson) array = NULL;

  zu_json_builder_begin_array (builder);
  zu_json_builder_add_string (builder, principal);
  if (measurement != NULL)
    zu_json_builder_add_json (builder, measurement);
  else
    zu_json_builder_add_null (builder);
  zu_json_builder_end_array (builder);
  array = zu_json_builder_end (builder, error);
  return array != NULL ? zu_json_to_canonical_string (array) : NULL;
}

static ZuJson *
new_text (const char *text, GError **error)
{
  g_autoptr (ZuJsonBuilder) builder = zu_json_builder_new ();

  zu_json_builder_add_string (builder, text);
  return zu_json_builder_end (builder, error);
}

static ZuJson *
new_members (const char *sig, ZuJson *measurement, GError **error)
{
  g_autoptr (ZuJsonBuilder) builder = zu_json_builder_new ();

  zu_json_builder_begin_object (builder);
  zu_json_builder_set_member (builder, "sig");
  zu_json_builder_add_string (builder, sig);
  if (measurement != NULL)
    {
      zu_json_builder_set_member (builder, "measurement");
      zu_json_builder_add_json (builder, measurement);
    }
  zu_json_builder_end_object (builder);
  return zu_json_builder_end (builder, error);
}

/* Fails where a text is not UTF-8. */
ZuProof *
zu_static_proof_new (const char *principal, ZuSecret *key, const char *measurement, GError **error)
{
  g_autoptr (ZuJson) measured = NULL;
  g_autoptr (ZuJson) members = NULL;
  g_autofree char *text = NULL;
  g_autofree char *sig = NULL;

  if (measurement != NULL)
    {
      measured = new_text (measurement, error);
      if (measured == NULL)
        return NULL;
    }
  text = dup_signed_text (principal, measured, error);
  if (text == NULL)
    return NULL;
  sig = zu_secret_dup_hmac_hex (key, text);
  members = new_members (sig, measured, error);
  return members != NULL ? zu_proof_new (ZU_STATIC_SCHEME, principal, members) : NULL;
}

/* Reads 64 digits in lower case, the one spelling that other implementations accept. */
static gboolean
read_signature (ZuJson *members, guint8 digest[DIGEST_SIZE])
{
  static const char digits[] = "0123456789abcdef";
  g_autoptr (ZuJson) value = zu_json_dup_member (members, "sig");
  gsize length;
  const char *hex = value != NULL ? zu_json_get_string (value, &length) : NULL;

  if (hex == NULL || length != 2 * DIGEST_SIZE)
    return FALSE;
  for (gsize i = 0; i < DIGEST_SIZE; i++)
    {
      const char *high = memchr (digits, hex[2 * i], 16);
      const char *low = memchr (digits, hex[2 * i + 1], 16);

      if (high == NULL || low == NULL)
        return FALSE;
      digest[i] = (guint8) ((high - digits) << 4 | (low - digits));
    }
  return TRUE;
}

/* The measurement as presented, in *MEASUREMENT; NULL where there is none. FALSE for what is no
 * text. */
static gboolean
read_measurement (ZuJson *members, ZuJson **measurement)
{
  g_autoptr (ZuJson) value = zu_json_dup_member (members, "measurement");

  *measurement = NULL;
  if (value == NULL || zu_json_get_kind (value) == ZU_JSON_KIND_NULL)
    return TRUE;
  if (zu_json_get_kind (value) != ZU_JSON_KIND_STRING)
    return FALSE;
  *measurement = g_steal_pointer (&value);
  return TRUE;
}

/* Whether a proof's signature is the one that KEY makes of its principal and measurement. */
gboolean
zu_static_proof_holds (ZuProof *proof, ZuSecret *key)
{
  ZuJson *members = zu_proof_get_proof (proof);
  g_autoptr (ZuJson) measurement = NULL;
  g_autofree char *text = NULL;
  guint8 presented[DIGEST_SIZE];
  guint8 right[DIGEST_SIZE];
  gboolean holds;

  if (zu_json_get_kind (members) != ZU_JSON_KIND_OBJECT || !read_signature (members, presented)
      || !read_measurement (members, &measurement))
    return FALSE;
  text = dup_signed_text (zu_proof_get_principal (proof), measurement, NULL);
  if (text == NULL)
    return FALSE;

  zu_secret_hmac (key, text, strlen (text), right);
  holds = memeql_sec (right, presented, DIGEST_SIZE) != 0;
  /* Of a proof that does not hold this is the forgery that was looked for. */
  explicit_bzero (right, sizeof right);
  return holds;
}

/* Whether a proof, whose signature holds, is of the expected measurement. */
gboolean
zu_static_proof_is_measured (ZuProof *proof, const char *expected)
{
  g_autoptr (ZuJson) measurement = NULL;
  const char *text;
  gsize length;

  if (!read_measurement (zu_proof_get_proof (proof), &measurement) || measurement == NULL)
    return FALSE;
  text = zu_json_get_string (measurement, &length);
  return length == strlen (expected) && memcmp (text, expected, length) == 0;
}
