/* SPDX-License-Identifier: Apache-2.0 */

#include "zu-file-lock.h"

#include <fcntl.h>
#include <unistd.h>

#define HELD        (G_MAXINT64 - 2)
#define WAITED_FOR  (G_MAXINT64 - 1)
#define CHECK_AFTER G_TIME_SPAN_MILLISECOND
#define YIELD       300 /* microseconds */
#define FIRST_PAUSE 100
#define LATER_PAUSE 1000
#define N_FIRST     1000

static gboolean
set_byte (int fd, short type, off_t start)
{
  struct flock range = { .l_type = type, .l_whence = SEEK_SET, .l_start = start, .l_len = 1 };

  return fcntl (fd, F_OFD_SETLK, &range) == 0;
}

static gboolean
is_waited_for (int fd)
{
  struct flock range = {
    .l_type = F_WRLCK, .l_whence = SEEK_SET, .l_start = WAITED_FOR, .l_len = 1
  };

  return fcntl (fd, F_OFD_GETLK, &range) == 0 && range.l_type != F_UNLCK;
}

static void
let_others_pass (ZuFileLock *self)
{
  gint64 now = g_get_monotonic_time ();

  if (now - self->checked < CHECK_AFTER)
    return;

  self->checked = now;
  if (is_waited_for (self->fd))
    g_usleep (YIELD);
}

/* @deadline is a monotonic time. */
gboolean
zu_file_lock_acquire (ZuFileLock *self, gint64 deadline)
{
  gboolean is_held;

  let_others_pass (self);
  if (set_byte (self->fd, F_WRLCK, HELD))
    return TRUE;

  set_byte (self->fd, F_RDLCK, WAITED_FOR);
  is_held = set_byte (self->fd, F_WRLCK, HELD);
  for (guint i = 0; !is_held && g_get_monotonic_time () < deadline; i++)
    {
      g_usleep (i < N_FIRST ? FIRST_PAUSE : LATER_PAUSE);
      is_held = set_byte (self->fd, F_WRLCK, HELD);
    }
  set_byte (self->fd, F_UNLCK, WAITED_FOR);
  return is_held;
}

void
zu_file_lock_release (ZuFileLock *self)
{
  set_byte (self->fd, F_UNLCK, HELD);
}
