/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include <glib.h>

G_BEGIN_DECLS

/* What a worker writes to its launcher when it serves: this, a blank and the measurement of the
 * module where it has one, and a line feed. Anything else is why it does not. */
#define ZU_WORKER_READY "ready"

G_END_DECLS
