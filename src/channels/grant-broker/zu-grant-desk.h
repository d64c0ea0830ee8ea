/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "zu-grant-caller.h"
#include "zu-grant-journal.h"
#include "zu-grant-store.h"

G_BEGIN_DECLS

/* Where a use is asked for: it is reserved, carried out, and captured or released, each durably
 * before the next, and nothing is answered that is not in the log. */
typedef struct
{
  ZuGrantCallers *callers;
  ZuGrantStore *store;
  ZuGrantJournal *journal;
  ZuInstrument *instrument;
} ZuGrantDesk;

ZuUseOutcome *zu_grant_desk_use (const ZuGrantDesk *self, ZuGrantUse *use, GError **error);

G_END_DECLS
