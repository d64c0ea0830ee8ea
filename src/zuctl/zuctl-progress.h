/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include <glib.h>

G_BEGIN_DECLS

/* How far something has come, on a terminal at stderr only, a few times a second at most. */
typedef struct
{
  const char *what;
  gint64 told; /* monotonic */
  gboolean is_shown;
} ZuctlProgress;

void zuctl_progress_tell (ZuctlProgress *self, gint64 done, gint64 total);
void zuctl_progress_clear (ZuctlProgress *self);

G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC (ZuctlProgress, zuctl_progress_clear)

G_END_DECLS
