/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "zu-state.h"

G_BEGIN_DECLS

gboolean zu_remains_remove (ZuState *state, gboolean closes);

G_END_DECLS
