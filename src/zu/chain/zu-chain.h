/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "../event/zu-event.h"

G_BEGIN_DECLS

#define ZU_TYPE_VIOLATION      (zu_violation_get_type ())
#define ZU_TYPE_CHAIN_VERIFIER (zu_chain_verifier_get_type ())
#define ZU_CHAIN_ERROR         (zu_chain_error_quark ())

G_DECLARE_FINAL_TYPE (ZuViolation, zu_violation, ZU, VIOLATION, GObject)
G_DECLARE_FINAL_TYPE (ZuChainVerifier, zu_chain_verifier, ZU, CHAIN_VERIFIER, GObject)

typedef enum
{
  ZU_CHAIN_ERROR_CONFLICT,
  ZU_CHAIN_ERROR_WRONG_HASH,
} ZuChainError;

typedef enum
{
  ZU_VIOLATION_KIND_NOT_LINKED,
  ZU_VIOLATION_KIND_PREV_HASH_BREAK,
  ZU_VIOLATION_KIND_CONTENT_TAMPER,
  ZU_VIOLATION_KIND_SIGNATURE_MISMATCH,
  ZU_VIOLATION_KIND_ANCHOR_OUT_OF_RANGE,
  ZU_VIOLATION_KIND_ANCHOR_DIVERGENCE,
  ZU_VIOLATION_KIND_TAIL_TRUNCATED,
  ZU_VIOLATION_KIND_TRACE_MISSING,
  ZU_VIOLATION_KIND_SEAL_MISSING,
  ZU_VIOLATION_KIND_INDEX_MISMATCH,
  ZU_VIOLATION_KIND_UNDECODABLE,
} ZuViolationKind;

GQuark zu_chain_error_quark (void);
const char *zu_violation_kind_to_string (ZuViolationKind kind);

ZuViolation *zu_violation_new (ZuViolationKind kind, const char *subject, const char *text);
ZuViolationKind zu_violation_get_kind (ZuViolation *self);
const char *zu_violation_get_subject (ZuViolation *self);
const char *zu_violation_get_text (ZuViolation *self);

/* What appending does with an event, given its trace's head. */
ZuEvent *zu_chain_link (ZuEvent *event, const char *head, ZuSecret *sign_key, GError **error);

ZuChainVerifier *zu_chain_verifier_new (ZuSecret *key);
void zu_chain_verifier_expect_head (ZuChainVerifier *self, const char *trace_id, const char *head);
void zu_chain_verifier_add (ZuChainVerifier *self, ZuEvent *event);
void zu_chain_verifier_add_violation (ZuChainVerifier *self, ZuViolation *violation);
guint64 zu_chain_verifier_get_n_events (ZuChainVerifier *self);
guint64 zu_chain_verifier_get_n_signed (ZuChainVerifier *self);
guint zu_chain_verifier_get_n_traces (ZuChainVerifier *self);
const char *zu_chain_verifier_get_trace_id (ZuChainVerifier *self, guint index);
const char *zu_chain_verifier_get_trace (ZuChainVerifier *self, guint index, guint64 *n_events,
                                         gint64 *last_seq);

void zu_chain_verifier_set_most_kept (ZuChainVerifier *self, guint most);
guint64 zu_chain_verifier_get_n_violations (ZuChainVerifier *self);
GPtrArray *zu_chain_verifier_get_violations (ZuChainVerifier *self);

GPtrArray *zu_verify_chain (GPtrArray *events, ZuSecret *key);

G_END_DECLS
