/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "zu-run-egress.h"

G_BEGIN_DECLS

/* How a tool's process went, as far as the run saw it. */
typedef struct
{
  ZuExitStatus *exit; /* NULL where it never ran */
  int exit_code;      /* what the run's own exit status is because of it */
  gint64 duration_ms;
  guint64 stdout_bytes;
  guint64 stderr_bytes;
  gboolean is_truncated;
} ZuRunReturn;

/* The payloads of a run's events: names of variables but never values, arguments redacted. */
ZuJsonBuilder *zu_run_payload_started (const char *backend, ZuLaunchSpec *spec,
                                       ZuProcessSpec *process, ZuSandbox *sandbox,
                                       const ZuRunEgressPolicy *egress, ZuEnforcement *enforcement);
ZuJsonBuilder *zu_run_payload_invoked (ZuProcessSpec *process);
ZuJsonBuilder *zu_run_payload_returned (const ZuRunReturn *result, const char *failure);
ZuJsonBuilder *zu_run_payload_completed (int exit_code, gint64 duration_ms);
ZuJsonBuilder *zu_run_payload_terminal (const char *reason, const char *failure, int exit_code,
                                        gint64 duration_ms);
ZuJsonBuilder *zu_run_payload_refused (const char *backend, ZuLaunchSpec *spec,
                                       ZuProcessSpec *process, const char *reason,
                                       const char *failure, gint64 duration_ms);

G_END_DECLS
