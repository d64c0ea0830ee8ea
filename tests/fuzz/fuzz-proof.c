/* SPDX-License-Identifier: Apache-2.0 */

/* Any proof, presented to an identity whose own key is known: it answers nobody, or the principal
 * of a proof that it would make itself. */

#include "fuzz.h"

#include <zu/zu.h>

static ZuWorkloadIdentity *
create (const char *measurement)
{
  g_autoptr (ZuJsonBuilder) builder = zu_json_builder_new ();
  g_autoptr (ZuJson) options = NULL;
  g_autoptr (GError) error = NULL;
  GObject *identity;

  zu_json_builder_begin_object (builder);
  zu_json_builder_set_member (builder, "principal");
  zu_json_builder_add_string (builder, "me");
  zu_json_builder_set_member (builder, "key");
  zu_json_builder_add_string (builder, "me-key");
  if (measurement != NULL)
    {
      zu_json_builder_set_member (builder, "measurement");
      zu_json_builder_add_string (builder, measurement);
    }
  zu_json_builder_end_object (builder);
  options = zu_json_builder_end (builder, &error);
  identity = zu_registry_create (zu_registry_get_default (), "zu.workload_identity", NULL, "static",
                                 options, NULL, &error);
  g_assert_no_error (error);
  return ZU_WORKLOAD_IDENTITY (identity);
}

static char *
dup_member_text (ZuProof *proof, const char *name)
{
  g_autoptr (ZuJson) value = zu_json_dup_member (zu_proof_get_proof (proof), name);

  return value != NULL ? g_strdup (zu_json_get_string (value, NULL)) : NULL;
}

static void
check_accepted (ZuProof *proof, const char *principal)
{
  g_autofree char *measurement = dup_member_text (proof, "measurement");
  g_autofree char *sig = dup_member_text (proof, "sig");
  g_autofree char *right = NULL;
  g_autoptr (ZuWorkloadIdentity) identity = create (measurement);
  g_autoptr (GError) error = NULL;
  g_autoptr (ZuProof) own = zu_workload_identity_present (identity, NULL, NULL, &error);

  g_assert_no_error (error);
  right = dup_member_text (own, "sig");
  g_assert_cmpstr (principal, ==, "me");
  g_assert_cmpstr (sig, ==, right);
}

int
LLVMFuzzerTestOneInput (const uint8_t *data, size_t size)
{
  static ZuWorkloadIdentity *verifier;
  g_autoptr (ZuJson) json = zu_json_parse ((const char *) data, (gssize) size, NULL);
  g_autoptr (ZuProof) proof = json != NULL ? zu_proof_new_from_json (json, NULL) : NULL;
  g_autofree char *principal = NULL;
  g_autoptr (GError) error = NULL;

  if (proof == NULL)
    return 0;
  if (verifier == NULL)
    verifier = create (NULL);
  principal = zu_workload_identity_verify (verifier, proof, NULL, NULL, &error);
  g_assert_no_error (error);
  if (principal != NULL)
    check_accepted (proof, principal);
  return 0;
}
