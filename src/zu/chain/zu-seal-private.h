/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "zu-seal-verifier.h"

G_BEGIN_DECLS

#pragma GCC visibility push(hidden)

/* What is known of the log's own seal while its pages are read. */
gint64 zu_seal_verifier_get_last_seq (ZuSealVerifier *self);
void zu_seal_verifier_forget (ZuSealVerifier *self);

#pragma GCC visibility pop

G_END_DECLS
