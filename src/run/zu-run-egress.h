/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include <zu/zu.h>

G_BEGIN_DECLS

/* What a run may reach besides itself. */
typedef struct
{
  GStrv allow;
  gboolean is_any;
  gboolean is_observing;
  char *sni; /* nullable */
} ZuRunEgressPolicy;

void zu_run_egress_policy_clear (ZuRunEgressPolicy *self);
gboolean zu_run_egress_policy_is_empty (const ZuRunEgressPolicy *self);

/* The proxy of a run and what it has told. */
typedef struct _ZuRunEgress ZuRunEgress;

struct _ZuRunAttempt;

gboolean zu_run_egress_enter (struct _ZuRunAttempt *attempt, GError **error);
gboolean zu_run_egress_leave (struct _ZuRunAttempt *attempt, GError **error);
void zu_run_egress_free (ZuRunEgress *self);

G_END_DECLS
