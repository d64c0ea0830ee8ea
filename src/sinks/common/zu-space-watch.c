/* SPDX-License-Identifier: Apache-2.0 */

#include "zu-space-watch.h"

#include <sys/statvfs.h>

#define INTERVAL G_TIME_SPAN_SECOND

/* Called as often as one likes: looks once a second at the file system that @fd, the log at @path
 * or a file beside it, lies on. Warns once when there is less room than the limit, and again only
 * after there was clearly more. Tells whether there is too little. */
gboolean
zu_space_watch_look (ZuSpaceWatch *self, const char *path, int fd)
{
  gint64 now = g_get_monotonic_time ();
  struct statvfs info;
  guint64 left;

  if (self->limit == 0 || now < self->next)
    return self->is_low;
  self->next = now + INTERVAL;
  if (fstatvfs (fd, &info) != 0)
    return self->is_low;

  left = (guint64) info.f_bavail * info.f_frsize;
  if (left >= self->limit + self->limit / 4)
    self->is_low = FALSE;
  else if (left < self->limit && !self->is_low)
    {
      g_autofree char *size = g_format_size_full (left, G_FORMAT_SIZE_IEC_UNITS);

      self->is_low = TRUE;
      g_warning ("%s: only %s are left on its disk (make room before appends are refused)", path,
                 size);
    }
  return self->is_low;
}
