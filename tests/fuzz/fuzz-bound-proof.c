/* SPDX-License-Identifier: Apache-2.0 */

/* Any proof with a chain of certificates, which no input has made for this challenge: it is read or
 * refused, and never holds. */

#include "fuzz.h"

#include "zu-bound-proof.h"

int
LLVMFuzzerTestOneInput (const uint8_t *data, size_t size)
{
  const ZuBoundProofRules rules = { .scheme = "mtls-x509", .max_age = G_MAXINT };
  g_autoptr (ZuJson) json = zu_json_parse ((const char *) data, (gssize) size, NULL);
  g_autoptr (ZuProof) proof = json != NULL ? zu_proof_new_from_json (json, NULL) : NULL;
  g_autoptr (ZuChallenge) challenge =
      g_object_new (ZU_TYPE_CHALLENGE, "audience", "fuzz", "nonce", "not the one", NULL);
  g_auto (ZuX509Chain) chain = { NULL, 0 };
  g_autoptr (ZuJson) again = NULL;

  if (proof == NULL || !zu_bound_proof_read_chain (proof, &chain))
    return 0;
  again = zu_x509_chain_to_json (&chain);
  g_assert_cmpuint (zu_json_get_size (again), ==, chain.n);
  g_assert_false (zu_bound_proof_check (&rules, proof, &chain, challenge));
  return 0;
}
