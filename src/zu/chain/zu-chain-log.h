/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "zu-anchor.h"
#include "zu-seal-verifier.h"

#include "../ports/zu-event-sink.h"

G_BEGIN_DECLS

/* A whole log, read and checked by several threads. */
gboolean zu_chain_verifier_add_log (ZuChainVerifier *self, ZuEventSink *sink, ZuFilter *filter,
                                    guint n_threads, GCancellable *cancellable, GError **error);

/* Compared while a verifier reads: what the log says of itself. */
void zu_chain_verifier_set_seals (ZuChainVerifier *self, ZuSealVerifier *seals);

G_END_DECLS
