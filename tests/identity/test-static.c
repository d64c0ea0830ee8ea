/* SPDX-License-Identifier: Apache-2.0 */

#include <zu/zu.h>

#include "vectors-support.h"

#include <string.h>

#define KIND "zu.workload_identity"

static ZuWorkloadIdentity *
create (ZuJson *options, GError **error)
{
  GObject *object = zu_registry_create (zu_registry_get_default (), KIND, "WorkloadIdentity",
                                        "static", options, NULL, error);

  return object != NULL ? ZU_WORKLOAD_IDENTITY (object) : NULL;
}

static ZuJson *
parse (const char *text)
{
  g_autoptr (GError) error = NULL;
  ZuJson *json = zu_json_parse (text, -1, &error);

  g_assert_no_error (error);
  return json;
}

static ZuWorkloadIdentity *
create_from_text (const char *options)
{
  g_autoptr (ZuJson) json = parse (options);
  g_autoptr (GError) error = NULL;
  ZuWorkloadIdentity *identity = create (json, &error);

  g_assert_no_error (error);
  return identity;
}

/* Copies a member of a row into an object that is being built, under another name. */
static void
copy_member (ZuJsonBuilder *builder, ZuJson *row, const char *from, const char *to)
{
  g_autoptr (ZuJson) value = row_member (row, from);

  zu_json_builder_set_member (builder, to);
  if (value != NULL)
    zu_json_builder_add_json (builder, value);
  else
    zu_json_builder_add_null (builder);
}

static ZuWorkloadIdentity *
create_for_row (ZuJson *row, const char *const names[][2], gsize n)
{
  g_autoptr (ZuJsonBuilder) builder = zu_json_builder_new ();
  g_autoptr (ZuJson) options = NULL;
  g_autoptr (GError) error = NULL;
  ZuWorkloadIdentity *identity;

  zu_json_builder_begin_object (builder);
  for (gsize i = 0; i < n; i++)
    copy_member (builder, row, names[i][0], names[i][1]);
  zu_json_builder_end_object (builder);
  options = zu_json_builder_end (builder, &error);
  g_assert_no_error (error);
  identity = create (options, &error);
  g_assert_no_error (error);
  return identity;
}

static void
test_present_vectors (void)
{
  static const char *const names[][2] = { { "principal", "principal" },
                                          { "key", "key" },
                                          { "measurement", "measurement" } };
  g_autoptr (ZuJson) file = vectors_read_json ("identity.json");
  g_autoptr (ZuJson) rows = row_member (file, "present");

  g_assert_cmpuint (zu_json_get_size (rows), >, 0);
  for (gsize i = 0; i < zu_json_get_size (rows); i++)
    {
      g_autoptr (ZuJson) row = zu_json_dup_element (rows, i);
      g_autoptr (ZuJson) expected = row_member (row, "proof");
      g_autoptr (ZuWorkloadIdentity) identity = create_for_row (row, names, G_N_ELEMENTS (names));
      g_autoptr (GError) error = NULL;
      g_autoptr (ZuProof) proof = zu_workload_identity_present (identity, NULL, NULL, &error);
      g_autoptr (ZuJson) json = NULL;

      g_assert_no_error (error);
      json = zu_proof_to_json (proof);
      g_test_message ("%s", row_text (row, "name"));
      g_assert_true (zu_json_equal (json, expected));
    }
}

static void
test_verify_vectors (void)
{
  static const char *const names[][2] = { { "own_principal", "principal" },
                                          { "own_key", "key" },
                                          { "trusted_keys", "trusted_keys" },
                                          { "expected_measurement", "expected_measurement" } };
  g_autoptr (ZuJson) file = vectors_read_json ("identity.json");
  g_autoptr (ZuJson) rows = row_member (file, "verify");
  guint n_accepted = 0;

  g_assert_cmpuint (zu_json_get_size (rows), >, 0);
  for (gsize i = 0; i < zu_json_get_size (rows); i++)
    {
      g_autoptr (ZuJson) row = zu_json_dup_element (rows, i);
      g_autoptr (ZuJson) json = row_member (row, "proof");
      g_autoptr (ZuWorkloadIdentity) identity = create_for_row (row, names, G_N_ELEMENTS (names));
      g_autoptr (GError) error = NULL;
      g_autoptr (ZuProof) proof = zu_proof_new_from_json (json, &error);
      g_autofree char *principal = NULL;

      g_assert_no_error (error);
      principal = zu_workload_identity_verify (identity, proof, NULL, NULL, &error);
      g_assert_no_error (error);
      g_test_message ("%s", row_text (row, "name"));
      g_assert_cmpstr (principal, ==, row_text (row, "principal"));
      n_accepted += principal != NULL;
    }
  g_assert_cmpuint (n_accepted, >, 0);
}

static char *
verify_text (ZuWorkloadIdentity *identity, const char *text)
{
  g_autoptr (ZuJson) json = parse (text);
  g_autoptr (GError) error = NULL;
  g_autoptr (ZuProof) proof = zu_proof_new_from_json (json, &error);
  char *principal;

  g_assert_no_error (error);
  principal = zu_workload_identity_verify (identity, proof, NULL, NULL, &error);
  g_assert_no_error (error);
  return principal;
}

#define SIG "b74c1d279d7f0b54fd7fe424aefc9c8148217b83196d3c54db0cb740b5b87694"

/* Whatever a peer sends, the answer is nobody; only the spelling of the formats is somebody. */
static void
test_malformed_proofs (void)
{
  static const char *const proofs[] = {
    "{}",
    "[]",
    "null",
    "\"" SIG "\"",
    "{\"sig\":null}",
    "{\"sig\":5}",
    "{\"sig\":\"\"}",
    "{\"sig\":\"b74c\"}",
    "{\"sig\":\"" SIG "0\"}",
    "{\"sig\":\"" SIG "\\u0000\"}",
    "{\"sig\":\"B74C1D279D7F0B54FD7FE424AEFC9C8148217B83196D3C54DB0CB740B5B87694\"}",
    "{\"sig\":\"b74c1d279d7f0b54fd7fe424aefc9c8148217b83196d3c54db0cb740b5b8769\\u0000\"}",
    "{\"sig\":\"g74c1d279d7f0b54fd7fe424aefc9c8148217b83196d3c54db0cb740b5b87694\"}",
    "{\"sig\":\"" SIG "\",\"measurement\":\"\"}",
    "{\"sig\":\"" SIG "\",\"measurement\":5}",
    "{\"sig\":\"" SIG "\",\"measurement\":{}}",
    "{\"sig\":\"" SIG "\",\"measurement\":false}",
  };
  g_autoptr (ZuWorkloadIdentity) identity =
      create_from_text ("{\"principal\":\"me\",\"key\":\"me-key\"}");
  g_autofree char *good =
      verify_text (identity, "{\"scheme\":\"static-hmac\",\"principal\":\"me\",\"proof\":"
                             "{\"sig\":\"" SIG "\",\"measurement\":null}}");

  g_assert_cmpstr (good, ==, "me");
  for (gsize i = 0; i < G_N_ELEMENTS (proofs); i++)
    {
      g_autofree char *text =
          g_strdup_printf ("{\"scheme\":\"static-hmac\",\"principal\":\"me\",\"proof\":%s}",
                           proofs[i]);

      g_test_message ("%s", proofs[i]);
      g_assert_null (verify_text (identity, text));
    }
}

/* A measurement is text, even where the holder of the key has signed something else. */
static void
test_signed_nonsense (void)
{
  static const char *const measurements[] = { "5", "1.5", "true", "[]", "{}", "[\"a\"]" };
  g_autoptr (ZuWorkloadIdentity) identity =
      create_from_text ("{\"principal\":\"me\",\"key\":\"me-key\"}");
  char key[] = "me-key";
  g_autoptr (ZuSecret) secret = zu_secret_new_wiping (key, strlen (key), NULL);

  for (gsize i = 0; i < G_N_ELEMENTS (measurements); i++)
    {
      g_autofree char *text = g_strdup_printf ("[\"me\",%s]", measurements[i]);
      g_autofree char *sig = zu_secret_dup_hmac_hex (secret, text);
      g_autofree char *proof =
          g_strdup_printf ("{\"scheme\":\"static-hmac\",\"principal\":\"me\",\"proof\":"
                           "{\"sig\":\"%s\",\"measurement\":%s}}",
                           sig, measurements[i]);

      g_test_message ("%s", measurements[i]);
      g_assert_null (verify_text (identity, proof));
    }
}

/* Each digit of a signature counts. */
static void
test_every_digit_counts (void)
{
  g_autoptr (ZuWorkloadIdentity) identity =
      create_from_text ("{\"principal\":\"me\",\"key\":\"me-key\"}");

  for (gsize i = 0; i < strlen (SIG); i++)
    {
      g_autofree char *sig = g_strdup (SIG);
      g_autofree char *text = NULL;

      sig[i] = sig[i] == '0' ? '1' : '0';
      text = g_strdup_printf (
          "{\"scheme\":\"static-hmac\",\"principal\":\"me\",\"proof\":{\"sig\":\"%s\"}}", sig);
      g_assert_null (verify_text (identity, text));
    }
}

static void
test_bad_options (void)
{
  static const char *const options[] = {
    "{\"principal\":\"me\",\"key\":\"\"}",
    "{\"principal\":\"me\",\"key\":5}",
    "{\"principal\":\"me\",\"key\":[\"canary\"]}",
    "{\"principal\":\"\",\"key\":\"canary\"}",
    "{\"key\":\"canary\"}",
    "{\"principal\":\"me\",\"key\":\"canary\",\"measurement\":\"\"}",
    "{\"principal\":\"me\",\"key\":\"canary\",\"expected_measurement\":\"\"}",
    "{\"trusted_keys\":[\"canary\"]}",
    "{\"trusted_keys\":\"canary\"}",
    "{\"trusted_keys\":{\"a\":\"\"}}",
    "{\"trusted_keys\":{\"a\":5}}",
    "{\"trusted_keys\":{\"a\":null}}",
    "{\"trusted_keys\":{\"\":\"canary\"}}",
    "{\"trusted_keys\":{\"a\\u0000b\":\"canary\"}}",
    "{\"principal\":\"me\",\"key\":\"canary\",\"secret\":\"x\"}",
  };

  for (gsize i = 0; i < G_N_ELEMENTS (options); i++)
    {
      g_autoptr (ZuJson) json = parse (options[i]);
      g_autoptr (GError) error = NULL;

      g_test_message ("%s", options[i]);
      g_assert_null (create (json, &error));
      g_assert_error (error, ZU_REGISTRY_ERROR, ZU_REGISTRY_ERROR_BAD_OPTION);
      g_assert_null (strstr (error->message, "canary"));
    }
}

static void
test_challenge (void)
{
  g_autoptr (ZuWorkloadIdentity) identity =
      create_from_text ("{\"principal\":\"me\",\"key\":\"me-key\"}");
  g_autoptr (ZuChallenge) empty = zu_challenge_new ();
  g_autoptr (ZuChallenge) nonce = g_object_new (ZU_TYPE_CHALLENGE, "nonce", "n", NULL);
  g_autoptr (ZuChallenge) audience = g_object_new (ZU_TYPE_CHALLENGE, "audience", "a", NULL);
  g_autoptr (GError) error = NULL;
  g_autoptr (ZuProof) proof = zu_workload_identity_present (identity, empty, NULL, &error);
  g_autofree char *principal = NULL;

  g_assert_no_error (error);
  principal = zu_workload_identity_verify (identity, proof, empty, NULL, &error);
  g_assert_no_error (error);
  g_assert_cmpstr (principal, ==, "me");

  g_assert_null (zu_workload_identity_verify (identity, proof, nonce, NULL, &error));
  g_assert_no_error (error);
  g_assert_null (zu_workload_identity_verify (identity, proof, audience, NULL, &error));
  g_assert_no_error (error);
  g_assert_null (zu_workload_identity_present (identity, nonce, NULL, &error));
  g_assert_error (error, ZU_WORKLOAD_IDENTITY_ERROR, ZU_WORKLOAD_IDENTITY_ERROR_BAD_CHALLENGE);
  g_clear_error (&error);
  g_assert_null (zu_workload_identity_present (identity, audience, NULL, &error));
  g_assert_error (error, ZU_WORKLOAD_IDENTITY_ERROR, ZU_WORKLOAD_IDENTITY_ERROR_BAD_CHALLENGE);
}

static void
test_only_verifies (void)
{
  g_autoptr (ZuWorkloadIdentity) identity =
      create_from_text ("{\"trusted_keys\":{\"me\":\"me-key\"}}");
  g_autoptr (ZuWorkloadIdentity) nobody = create_from_text ("{}");
  const char *text = "{\"scheme\":\"static-hmac\",\"principal\":\"me\",\"proof\":"
                     "{\"sig\":\"" SIG "\"}}";
  g_autofree char *principal = verify_text (identity, text);
  g_autoptr (GError) error = NULL;

  g_assert_cmpstr (principal, ==, "me");
  g_assert_null (verify_text (nobody, text));
  g_assert_null (zu_workload_identity_present (identity, NULL, NULL, &error));
  g_assert_error (error, ZU_WORKLOAD_IDENTITY_ERROR, ZU_WORKLOAD_IDENTITY_ERROR_NO_KEY);
}

/* Who names others does not trust itself. */
static void
test_trusts_only_the_named (void)
{
  g_autoptr (ZuWorkloadIdentity) identity = create_from_text (
      "{\"principal\":\"me\",\"key\":\"me-key\",\"trusted_keys\":{\"other\":\"k\"}}");

  g_assert_null (verify_text (identity,
                              "{\"scheme\":\"static-hmac\",\"principal\":\"me\",\"proof\":"
                              "{\"sig\":\"" SIG "\"}}"));
}

/* A key that never was text. */
static void
test_key_secret (void)
{
  char key[] = "me-key";
  g_autoptr (GError) error = NULL;
  g_autoptr (ZuSecret) secret = zu_secret_new_wiping (key, strlen (key), &error);
  const char *names[] = { "principal", "key-secret", "key" };
  GValue values[3] = { G_VALUE_INIT, G_VALUE_INIT, G_VALUE_INIT };
  g_autoptr (ZuJson) json = parse ("\"me-key\"");
  g_autoptr (GObject) identity = NULL;
  g_autoptr (ZuProof) proof = NULL;
  g_autoptr (ZuJson) sig = NULL;

  g_assert_no_error (error);
  g_value_init (&values[0], G_TYPE_STRING);
  g_value_set_static_string (&values[0], "me");
  g_value_init (&values[1], ZU_TYPE_SECRET);
  g_value_set_boxed (&values[1], secret);
  g_value_init (&values[2], ZU_TYPE_JSON);
  g_value_set_boxed (&values[2], json);

  g_assert_null (zu_registry_create_with_properties (zu_registry_get_default (), KIND, NULL,
                                                     "static", 3, names, values, NULL, &error));
  g_assert_error (error, ZU_REGISTRY_ERROR, ZU_REGISTRY_ERROR_BAD_OPTION);
  g_clear_error (&error);

  identity = zu_registry_create_with_properties (zu_registry_get_default (), KIND, NULL, "static",
                                                 2, names, values, NULL, &error);
  g_assert_no_error (error);
  proof = zu_workload_identity_present (ZU_WORKLOAD_IDENTITY (identity), NULL, NULL, &error);
  g_assert_no_error (error);
  sig = zu_json_dup_member (zu_proof_get_proof (proof), "sig");
  g_assert_cmpstr (zu_json_get_string (sig, NULL), ==, SIG);
  for (gsize i = 0; i < G_N_ELEMENTS (values); i++)
    g_value_unset (&values[i]);
}

/* No property gives a key back. */
static void
test_keys_are_write_only (void)
{
  g_autoptr (ZuWorkloadIdentity) identity =
      create_from_text ("{\"principal\":\"me\",\"key\":\"me-key\"}");
  guint n;
  g_autofree GParamSpec **all = g_object_class_list_properties (G_OBJECT_GET_CLASS (identity), &n);
  guint n_hidden = 0;

  for (guint i = 0; i < n; i++)
    if (strstr (all[i]->name, "key") != NULL)
      {
        g_assert_cmpuint (all[i]->flags & G_PARAM_READABLE, ==, 0);
        n_hidden++;
      }
  g_assert_cmpuint (n_hidden, ==, 3);
}

static ZuJson *
dispatch (GObject *object, const char *method, const char *args)
{
  g_autoptr (ZuJson) json = parse (args);
  g_autoptr (GError) error = NULL;
  ZuJson *answer =
      zu_port_dispatch (zu_workload_identity_get_port_info (), object, method, json, NULL, &error);

  g_assert_no_error (error);
  return answer;
}

/* The port's scenario and example, as JSON. */
static void
test_dispatch (void)
{
  g_autoptr (ZuWorkloadIdentity) identity =
      create_from_text ("{\"principal\":\"me\",\"key\":\"me-key\",\"measurement\":\"sha256:aa\"}");
  g_autoptr (ZuJson) proof = dispatch (G_OBJECT (identity), "present", "{}");
  g_autofree char *proof_text = zu_json_to_string (proof);
  g_autofree char *args = g_strdup_printf ("{\"proof\":%s}", proof_text);
  g_autoptr (ZuJson) answer = dispatch (G_OBJECT (identity), "verify", args);
  g_autoptr (ZuJson) nobody = dispatch (
      G_OBJECT (identity), "verify",
      "{\"proof\":{\"scheme\":\"no-such-scheme\",\"principal\":\"nobody\",\"proof\":{}}}");
  g_autoptr (ZuJson) me = parse ("{\"principal\":\"me\"}");
  g_autoptr (ZuJson) none = parse ("{\"principal\":null}");

  g_assert_true (zu_json_equal (answer, me));
  g_assert_true (zu_json_equal (nobody, none));
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);

  g_test_add_func ("/identity/static/vectors/present", test_present_vectors);
  g_test_add_func ("/identity/static/vectors/verify", test_verify_vectors);
  g_test_add_func ("/identity/static/malformed-proofs", test_malformed_proofs);
  g_test_add_func ("/identity/static/signed-nonsense", test_signed_nonsense);
  g_test_add_func ("/identity/static/every-digit-counts", test_every_digit_counts);
  g_test_add_func ("/identity/static/bad-options", test_bad_options);
  g_test_add_func ("/identity/static/challenge", test_challenge);
  g_test_add_func ("/identity/static/only-verifies", test_only_verifies);
  g_test_add_func ("/identity/static/trusts-only-the-named", test_trusts_only_the_named);
  g_test_add_func ("/identity/static/key-secret", test_key_secret);
  g_test_add_func ("/identity/static/keys-are-write-only", test_keys_are_write_only);
  g_test_add_func ("/identity/static/dispatch", test_dispatch);
  return g_test_run ();
}
