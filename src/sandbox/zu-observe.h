/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include <zu/zu.h>

G_BEGIN_DECLS

/* What came of a tool. */
typedef struct
{
  ZuExitStatus *exit;
  GString *output;
  GString *complaint; /* the end of what it said on stderr */
  gboolean truncated; /* whether there was more output */
} ZuToolEnd;

ZuObservation *zu_observe (ZuToolCall *call, const ZuToolEnd *end);
ZuObservation *zu_observe_failure (GError *failure);

G_END_DECLS
