/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include <glib.h>

G_BEGIN_DECLS

/* What a worker writes to its launcher when it serves; anything else is why it does not. */
#define ZU_WORKER_READY "ready\n"

G_END_DECLS
