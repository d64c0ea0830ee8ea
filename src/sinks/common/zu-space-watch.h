/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include <glib.h>

G_BEGIN_DECLS

/* Warns before a disk is full, while there is time to make room. Set to zero but for its limit. */
typedef struct
{
  guint64 limit; /* bytes; 0 for no warning */
  gint64 next;   /* a monotonic time; before it nothing is asked */
  gboolean is_low;
} ZuSpaceWatch;

gboolean zu_space_watch_look (ZuSpaceWatch *self, const char *path, int fd);

G_END_DECLS
