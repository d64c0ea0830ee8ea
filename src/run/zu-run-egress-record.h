/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include <zu/zu.h>

G_BEGIN_DECLS

#define ZU_RUN_EGRESS_RECORD_MAX 8192

/* One decision as the proxy told it, looked at field by field: the proxy reads bytes from
 * strangers, so it is not taken at its word. */
typedef struct
{
  guint64 id;
  ZuJsonBuilder *payload;
  char *needed; /* the rule that a run which only observes would have needed */
} ZuRunEgressRecord;

ZuRunEgressRecord *zu_run_egress_record_new (const char *text, gsize size, GError **error);
void zu_run_egress_record_free (ZuRunEgressRecord *self);

G_DEFINE_AUTOPTR_CLEANUP_FUNC (ZuRunEgressRecord, zu_run_egress_record_free)

G_END_DECLS
