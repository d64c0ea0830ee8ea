/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include <glib.h>

/* A page that the kernel wipes in a forked child. A process id would not do: it comes again. */
typedef struct
{
  volatile guint8 *page;
} ZuForkGuard;

gboolean zu_fork_guard_init (ZuForkGuard *self, GError **error);
void zu_fork_guard_clear (ZuForkGuard *self);
gboolean zu_fork_guard_check (const ZuForkGuard *self, GError **error);
