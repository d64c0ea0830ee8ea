/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include <zu/zu.h>

G_BEGIN_DECLS

#define ZU_STATIC_SCHEME "static-hmac"

ZuProof *zu_static_proof_new (const char *principal, ZuSecret *key, const char *measurement,
                              GError **error);
gboolean zu_static_proof_holds (ZuProof *proof, ZuSecret *key);
gboolean zu_static_proof_is_measured (ZuProof *proof, const char *expected);

G_END_DECLS
