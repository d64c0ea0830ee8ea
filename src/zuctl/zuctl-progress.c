/* SPDX-License-Identifier: Apache-2.0 */

#include "zuctl-progress.h"

#include <stdio.h>
#include <unistd.h>

#define INTERVAL (100 * G_TIME_SPAN_MILLISECOND)

void
zuctl_progress_tell (ZuctlProgress *self, gint64 done, gint64 total)
{
  gint64 now = g_get_monotonic_time ();

  if (total <= 0 || now - self->told < INTERVAL || !isatty (STDERR_FILENO))
    return;

  fprintf (stderr, "\r%s: %3.0f %%\033[K", self->what,
           100.0 * (double) MIN (done, total) / (double) total);
  fflush (stderr);
  self->told = now;
  self->is_shown = TRUE;
}

/* Takes the line away, so that what is printed next stands alone. */
void
zuctl_progress_clear (ZuctlProgress *self)
{
  if (self->is_shown)
    fprintf (stderr, "\r\033[K");
  self->is_shown = FALSE;
}
