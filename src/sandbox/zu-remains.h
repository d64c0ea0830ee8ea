/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "zu-state.h"

G_BEGIN_DECLS

/* What becomes of a dead sandbox's trace. */
typedef enum
{
  ZU_REMAINS_LEAVE,
  ZU_REMAINS_CLOSE,
  ZU_REMAINS_CLOSE_QUIETLY
} ZuRemainsTrace;

gboolean zu_remains_remove (ZuState *state, ZuRemainsTrace trace);

G_END_DECLS
