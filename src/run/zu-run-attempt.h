/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "zu-run-egress.h"
#include "zu-run-journal.h"
#include "zu-run-network.h"
#include "zu-run-payload.h"
#include "zu-run-process.h"

G_BEGIN_DECLS

/* What one execution knows of itself. */
typedef struct _ZuRunAttempt
{
  ZuSandboxBackend *backend;
  const char *backend_name;
  ZuRunJournal *journal;
  const char *sink; /* nullable: where the last event goes if this process is killed */
  ZuLaunchSpec *spec;
  ZuProcessSpec *process;
  const int *fds;
  GCancellable *cancellable;
  GMainContext *context;
  gint64 began;
  ZuEgressEnforcement *mechanism; /* nullable: what is around the sandbox's network */
  const ZuRunEgressPolicy *egress_policy;
  GPtrArray *egress_needed; /* of rules, as they turn out to be needed */

  guint n_entered;
  ZuSandbox *sandbox;
  ZuRunNetwork *network;
  ZuRunEgress *egress;
  ZuRunProcess *tool;
  ZuRunReturn result;

  const char *reason; /* why the run ended otherwise than by its command; the first one counts */
  GError *failure;
} ZuRunAttempt;

int zu_run_attempt_carry_out (ZuRunAttempt *self);
void zu_run_attempt_clear (ZuRunAttempt *self);

G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC (ZuRunAttempt, zu_run_attempt_clear)

G_END_DECLS
