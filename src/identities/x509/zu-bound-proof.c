/* SPDX-License-Identifier: Apache-2.0 */

#include "zu-bound-proof.h"

#define DOMAIN     "zu-bound-proof-1\n"
#define MAX_FUTURE 60 /* seconds that clocks may differ */

static gboolean
is_text (const char *text)
{
  return text != NULL && *text != '\0';
}

/* Without both, whoever sees a proof can present it too. */
gboolean
zu_bound_challenge_check (ZuChallenge *challenge, GError **error)
{
  if (challenge != NULL && is_text (zu_challenge_get_audience (challenge))
      && is_text (zu_challenge_get_nonce (challenge)))
    return TRUE;
  g_set_error_literal (
      error, ZU_WORKLOAD_IDENTITY_ERROR, ZU_WORKLOAD_IDENTITY_ERROR_BAD_CHALLENGE,
      "this scheme binds a proof to an audience and a nonce: a challenge has both");
  return FALSE;
}

static void
add (ZuJsonBuilder *builder, const char *name, const char *text)
{
  if (text == NULL)
    return;
  zu_json_builder_set_member (builder, name);
  zu_json_builder_add_string (builder, text);
}

/* What is signed: canonical JSON behind a line of its own, so that it is no text of any other use
 * of the key. */
static char *
dup_signed_text (const char *scheme, const char *principal, ZuChallenge *challenge,
                 const char *time, const char *measurement)
{
  g_autoptr (ZuJsonBuilder) builder = zu_json_builder_new ();
  g_autoptr (ZuJson) json = NULL;
  g_autofree char *text = NULL;

  zu_json_builder_begin_object (builder);
  add (builder, "scheme", scheme);
  add (builder, "principal", principal);
  add (builder, "audience", zu_challenge_get_audience (challenge));
  add (builder, "nonce", zu_challenge_get_nonce (challenge));
  add (builder, "time", time);
  add (builder, "measurement", measurement);
  zu_json_builder_end_object (builder);
  json = zu_json_builder_end (builder, NULL);
  text = zu_json_to_canonical_string (json);
  return g_strconcat (DOMAIN, text, NULL);
}

static ZuJson *
new_members (const ZuX509Chain *chain, const char *time, const char *measurement,
             const char *signature)
{
  g_autoptr (ZuJsonBuilder) builder = zu_json_builder_new ();
  g_autoptr (ZuJson) certificates = zu_x509_chain_to_json (chain);

  zu_json_builder_begin_object (builder);
  zu_json_builder_set_member (builder, "chain");
  zu_json_builder_add_json (builder, certificates);
  add (builder, "time", time);
  add (builder, "measurement", measurement);
  add (builder, "sig", signature);
  zu_json_builder_end_object (builder);
  return zu_json_builder_end (builder, NULL);
}

ZuProof *
zu_bound_proof_make (const ZuBoundProofRules *rules, const char *principal,
                     const ZuX509Chain *chain, gnutls_privkey_t key, ZuChallenge *challenge,
                     GError **error)
{
  g_autoptr (GDateTime) now = g_date_time_new_now_utc ();
  g_autofree char *time = g_date_time_format (now, "%Y-%m-%dT%H:%M:%SZ");
  g_autofree char *text = NULL;
  g_autofree char *signature = NULL;
  g_autoptr (ZuJson) members = NULL;

  if (!zu_bound_challenge_check (challenge, error))
    return NULL;
  text = dup_signed_text (rules->scheme, principal, challenge, time, rules->measurement);
  signature = zu_x509_key_sign (key, chain->certificates[0], text, error);
  if (signature == NULL)
    return NULL;
  members = new_members (chain, time, rules->measurement, signature);
  return g_object_new (ZU_TYPE_PROOF, "scheme", rules->scheme, "principal", principal, "proof",
                       members, NULL);
}

gboolean
zu_bound_proof_read_chain (ZuProof *proof, ZuX509Chain *chain)
{
  ZuJson *members = zu_proof_get_proof (proof);
  g_autoptr (ZuJson) json = NULL;

  if (members == NULL || zu_json_get_kind (members) != ZU_JSON_KIND_OBJECT)
    return FALSE;
  json = zu_json_dup_member (members, "chain");
  return zu_x509_chain_read_json (chain, json);
}

/* NULL where it is not there, or is no text. */
static char *
dup_text (ZuJson *members, const char *name)
{
  g_autoptr (ZuJson) member = zu_json_dup_member (members, name);
  const char *text;
  gsize size;

  if (member == NULL || zu_json_get_kind (member) != ZU_JSON_KIND_STRING)
    return NULL;
  text = zu_json_get_string (member, &size);
  return strlen (text) == size ? g_strdup (text) : NULL;
}

static gboolean
is_recent (const char *time, guint max_age)
{
  g_autoptr (GTimeZone) utc = g_time_zone_new_utc ();
  g_autoptr (GDateTime) made =
      time != NULL && strlen (time) == 20 ? g_date_time_new_from_iso8601 (time, utc) : NULL;
  gint64 age;

  if (made == NULL)
    return FALSE;
  age = g_get_real_time () / G_USEC_PER_SEC - g_date_time_to_unix (made);
  return age >= -MAX_FUTURE && age <= (gint64) max_age;
}

static gboolean
is_expected (const ZuBoundProofRules *rules, const char *measurement)
{
  if (rules->expected_measurement != NULL)
    return g_strcmp0 (measurement, rules->expected_measurement) == 0;
  return measurement != NULL || !rules->require_measurement;
}

/* Everything but the chain, which is for whoever knows the roots. */
gboolean
zu_bound_proof_check (const ZuBoundProofRules *rules, ZuProof *proof, const ZuX509Chain *chain,
                      ZuChallenge *challenge)
{
  ZuJson *members = zu_proof_get_proof (proof);
  g_autofree char *time = dup_text (members, "time");
  g_autofree char *measurement = dup_text (members, "measurement");
  g_autofree char *signature = dup_text (members, "sig");
  g_autofree char *text = NULL;

  if (!g_str_equal (zu_proof_get_scheme (proof), rules->scheme) || signature == NULL
      || !is_recent (time, rules->max_age) || !is_expected (rules, measurement))
    return FALSE;
  text =
      dup_signed_text (rules->scheme, zu_proof_get_principal (proof), challenge, time, measurement);
  return zu_x509_verify_text (chain->certificates[0], text, signature);
}
