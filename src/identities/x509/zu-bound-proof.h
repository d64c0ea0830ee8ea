/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "zu-x509-key.h"
#include "zu-x509-trust.h"

G_BEGIN_DECLS

/* What makes and checks a proof that is bound to a challenge and a moment. */
typedef struct
{
  const char *scheme;
  const char *measurement;          /* own, or NULL */
  const char *expected_measurement; /* of others, or NULL */
  gboolean require_measurement;
  guint max_age; /* seconds */
} ZuBoundProofRules;

ZuProof *zu_bound_proof_make (const ZuBoundProofRules *rules, const char *principal,
                              const ZuX509Chain *chain, gnutls_privkey_t key,
                              ZuChallenge *challenge, GError **error);
gboolean zu_bound_proof_read_chain (ZuProof *proof, ZuX509Chain *chain);
gboolean zu_bound_proof_check (const ZuBoundProofRules *rules, ZuProof *proof,
                               const ZuX509Chain *chain, ZuChallenge *challenge);
gboolean zu_bound_challenge_check (ZuChallenge *challenge, GError **error);

G_END_DECLS
