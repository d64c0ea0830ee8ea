/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "zu-anchor-private.h"
#include "zu-chain-log.h"

#include "../event/zu-event-private.h"

G_BEGIN_DECLS

#pragma GCC visibility push(hidden)

/* What the events of a log are checked by, one after the other. What depends on an event alone (its
 * fields, its own digest, its signature) is worked out beforehand, by any thread. */
typedef struct
{
  const char *text; /* as it is stored; of the event, where there is one */
  gsize length;
  ZuEvent *event; /* %NULL where it was not needed */
  gint64 seq;
  ZuEventText fields[ZU_EVENT_N_FIELDS]; /* in the text, or of the event */
  gboolean has_right_signature;
  char own[ZU_EVENT_DIGEST_SIZE]; /* behind its own prev_hash */
} ZuChainItem;

typedef struct
{
  const char *id;
  gsize id_length;
  guint64 n_events;
  guint64 n_unreadable;
  guint64 n_violations;
  gint64 last_seq;

  ZuEventText expected; /* what the next event's prev_hash must be; NULL for null */
  char expected_digest[ZU_EVENT_DIGEST_SIZE - 1]; /* where it is one */
  ZuBuffer expected_text;                         /* where it is something else */
  gboolean has_derived;
  char derived[ZU_EVENT_DIGEST_SIZE];

  GArray *anchored; /* %NULL, or of guint: records that are still to come, the nearest last */
  ZuEventText sealed_head; /* NULL where it has no seal */
  guint64 n_to_head;       /* events up to the one that has it */
} ZuChainTrace;

struct _ZuChainVerifier
{
  GObject parent_instance;

  ZuSecret *key;
  guint64 n_events;
  guint64 n_signed;
  GHashTable *by_id; /* a set of ZuChainTrace, which `traces` owns */
  GPtrArray *traces;
  ZuChainTrace *last; /* of the last event: the next one is often of the same */
  GPtrArray *seen;    /* of them, in the order of their first events */
  GPtrArray *violations;
  guint64 n_violations;
  guint most_kept;

  ZuAnchor *anchor;
  guint n_anchored;
  char **derived; /* by record: the head at its place; NULL until it is reached */
  ZuSealVerifier *seals;
};

void zu_chain_item_set_event (ZuChainItem *self, ZuEvent *event, ZuSecret *key);
gboolean zu_chain_item_read (ZuChainItem *self, const char *text, gsize length, ZuSecret *key,
                             GError **error);
void zu_chain_item_write_digest (const ZuChainItem *self, const char *prev_hash,
                                 char out[ZU_EVENT_DIGEST_SIZE]);
void zu_chain_item_clear (ZuChainItem *self);

ZuChainTrace *zu_chain_verifier_ensure_trace (ZuChainVerifier *self, const char *id, gsize length);
void zu_chain_trace_set_sealed_head (ZuChainTrace *self, ZuSealVerifier *seals);
void zu_chain_verifier_take (ZuChainVerifier *self, const ZuChainItem *item);
void zu_chain_verifier_report (ZuChainVerifier *self, ZuViolationKind kind, const char *subject,
                               const char *text);
void zu_chain_verifier_forget_anchor (ZuChainVerifier *self);
void zu_chain_verifier_tell_progress (ZuChainVerifier *self);

static inline const ZuEventText *
zu_chain_item_get (const ZuChainItem *self, ZuEventField field)
{
  return &self->fields[field];
}

#pragma GCC visibility pop

G_END_DECLS
