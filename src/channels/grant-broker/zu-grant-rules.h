/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "zu-amount.h"

#include <zu/zu.h>

G_BEGIN_DECLS

/* What has been used of a grant, what is reserved included. */
typedef struct
{
  ZuAmount amount;
  gint64 n_uses;
  gint64 expires; /* microseconds since 1970, UTC */
  gboolean revoked;
} ZuGrantState;

/* A refusal by the terms: its code, and a sentence. NULL: the use is within them. */
typedef struct
{
  const char *code;
  const char *text;
} ZuGrantRefusal;

gboolean zu_grant_terms_check (ZuGrantTerms *terms, GError **error);
gboolean zu_grant_use_check (ZuGrantTerms *terms, ZuGrantUse *use, ZuAmount *amount,
                             GError **error);
const ZuGrantRefusal *zu_grant_judge (ZuGrantTerms *terms, const ZuGrantState *state,
                                      ZuGrantUse *use, ZuAmount amount, gint64 now);
char *zu_grant_dup_remaining (ZuGrantTerms *terms, ZuAmount used);

extern const ZuGrantRefusal zu_grant_replay;

G_END_DECLS
