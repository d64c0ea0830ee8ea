/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "zu-chain-verify-private.h"
#include "zu-rows-private.h"

G_BEGIN_DECLS

#pragma GCC visibility push(hidden)

/* One row on its way: what is wrong with it, or beside it, and the event. */
typedef struct
{
  ZuViolation *violation;
  char *unreadable; /* the trace that its columns say it is of, where it has no event */
  gboolean has_item;
  ZuChainItem item;
} ZuChainRow;

/* A page of a log: read by one thread at a time, checked by any, taken in order by one. */
typedef struct
{
  GBytes *rows;      /* either this, which the items point into */
  GPtrArray *events; /* or these, and what was found among them */
  GPtrArray *findings;
  gint64 next_seq;

  GArray *checked; /* of ZuChainRow */
  GError *error;
} ZuChainPage;

void zu_chain_page_check (ZuChainPage *self, ZuEventAudit *audit, ZuSecret *key,
                          GCancellable *cancellable);
gboolean zu_chain_page_take (ZuChainPage *self, ZuChainVerifier *verifier, GError **error);
void zu_chain_page_free (ZuChainPage *self);

G_DEFINE_AUTOPTR_CLEANUP_FUNC (ZuChainPage, zu_chain_page_free)

#pragma GCC visibility pop

G_END_DECLS
