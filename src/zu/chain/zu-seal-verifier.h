/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "zu-chain.h"
#include "zu-seal.h"

#include <zu/ports/zu-event-audit.h>

G_BEGIN_DECLS

#define ZU_TYPE_SEAL_VERIFIER (zu_seal_verifier_get_type ())
G_DECLARE_FINAL_TYPE (ZuSealVerifier, zu_seal_verifier, ZU, SEAL_VERIFIER, GObject)

ZuSealVerifier *zu_seal_verifier_new (ZuSecret *key, gboolean is_required);
void zu_seal_verifier_set_trace (ZuSealVerifier *self, const char *trace_id);

/* First the seals ... */
gboolean zu_seal_verifier_read (ZuSealVerifier *self, ZuEventAudit *audit,
                                GCancellable *cancellable, GError **error);
void zu_seal_verifier_add_page (ZuSealVerifier *self, ZuSealPage *page);
const char *zu_seal_verifier_get_head (ZuSealVerifier *self, const char *trace_id);

/* ... then what was found of each trace. */
void zu_seal_verifier_add_trace (ZuSealVerifier *self, const char *trace_id, guint64 n_events,
                                 guint64 n_unreadable, guint64 n_to_head, gboolean is_intact);
void zu_seal_verifier_end (ZuSealVerifier *self);

GPtrArray *zu_seal_verifier_get_violations (ZuSealVerifier *self);
gboolean zu_seal_verifier_is_sealed (ZuSealVerifier *self);
ZuSealTrust zu_seal_verifier_get_trust (ZuSealVerifier *self);
guint64 zu_seal_verifier_get_n_unsealed (ZuSealVerifier *self);
GStrv zu_seal_verifier_dup_notes (ZuSealVerifier *self);

G_END_DECLS
