/* SPDX-License-Identifier: Apache-2.0 */

#include "zu-fork-guard.h"

#include <zu/zu.h>

#include <errno.h>
#include <sys/mman.h>
#include <unistd.h>

gboolean
zu_fork_guard_init (ZuForkGuard *self, GError **error)
{
  gsize size = (gsize) sysconf (_SC_PAGESIZE);
  void *page = mmap (NULL, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

  if (page == MAP_FAILED || madvise (page, size, MADV_WIPEONFORK) != 0)
    {
      int code = errno;

      if (page != MAP_FAILED)
        munmap (page, size);
      g_set_error (error, G_IO_ERROR, (int) g_io_error_from_errno (code),
                   "cannot get memory that is wiped on fork: %s", g_strerror (code));
      return FALSE;
    }

  self->page = page;
  *self->page = TRUE;
  return TRUE;
}

void
zu_fork_guard_clear (ZuForkGuard *self)
{
  if (self->page != NULL)
    munmap ((void *) self->page, (gsize) sysconf (_SC_PAGESIZE));
  self->page = NULL;
}

/* To be asked before any lock is taken: in a child it may be held by a thread that is not there. */
gboolean
zu_fork_guard_check (const ZuForkGuard *self, GError **error)
{
  if (self->page != NULL && *self->page)
    return TRUE;

  g_set_error_literal (error, ZU_PAYLOAD_CODEC_ERROR, ZU_PAYLOAD_CODEC_ERROR_NO_KEY,
                       "the keys were wiped when this process was forked (make the codec anew "
                       "in the child)");
  return FALSE;
}
