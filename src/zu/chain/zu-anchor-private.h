/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "zu-anchor.h"

G_BEGIN_DECLS

#pragma GCC visibility push(hidden)

typedef struct
{
  char *trace_id;
  guint64 seq;
  char *head;
} ZuAnchorRecord;

const ZuAnchorRecord *zu_anchor_peek (ZuAnchor *self, guint index);

#pragma GCC visibility pop

G_END_DECLS
