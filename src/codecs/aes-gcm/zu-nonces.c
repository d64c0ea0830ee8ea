/* SPDX-License-Identifier: Apache-2.0 */

#include "zu-nonces.h"

#include <zu/zu.h>

#include <errno.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/random.h>
#include <time.h>

/* Of 256 bytes, which the kernel gives whole and without interruption. */
#define BATCH (256 / ZU_AES_GCM_NONCE_SIZE)

struct _ZuNoncePage
{
  volatile guint8 alive; /* zero in a forked child */
  guint n_left;
  guint8 nonces[BATCH][ZU_AES_GCM_NONCE_SIZE];
};

gboolean
zu_nonces_init (ZuNonces *self, GError **error)
{
  const gsize size = sizeof (ZuNoncePage);
  void *page = mmap (NULL, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

  if (page == MAP_FAILED || madvise (page, size, MADV_WIPEONFORK) != 0
      || madvise (page, size, MADV_DONTDUMP) != 0)
    {
      int code = errno;

      if (page != MAP_FAILED)
        munmap (page, size);
      g_set_error (error, G_IO_ERROR, (int) g_io_error_from_errno (code),
                   "cannot get memory that is wiped on fork: %s", g_strerror (code));
      return FALSE;
    }

  g_mutex_init (&self->lock);
  self->page = page;
  self->page->alive = TRUE;
  return TRUE;
}

void
zu_nonces_clear (ZuNonces *self)
{
  if (self->page == NULL)
    return;
  munmap (self->page, sizeof (ZuNoncePage));
  self->page = NULL;
  g_mutex_clear (&self->lock);
}

/* To be asked before any lock is taken: in a child it may be held by a thread that is not there. */
gboolean
zu_nonces_check_fork (ZuNonces *self, GError **error)
{
  if (self->page != NULL && self->page->alive)
    return TRUE;

  g_set_error_literal (error, ZU_PAYLOAD_CODEC_ERROR, ZU_PAYLOAD_CODEC_ERROR_NO_KEY,
                       "the keys were wiped when this process was forked (make the codec anew "
                       "in the child)");
  return FALSE;
}

static gboolean
refill (ZuNoncePage *page, GError **error)
{
  gssize n;

  do
    n = getrandom (page->nonces, sizeof page->nonces, 0);
  while (n < 0 && errno == EINTR);
  if (n == sizeof page->nonces)
    {
      page->n_left = BATCH;
      return TRUE;
    }

  g_set_error (error, G_IO_ERROR, G_IO_ERROR_FAILED, "cannot get random bytes for nonces: %s",
               g_strerror (errno));
  return FALSE;
}

/* The time makes another nonce of a drawn one in a virtual machine that was copied as it ran; what
 * is random stays as random, whatever is added to it. */
static void
add_time (guint8 nonce[ZU_AES_GCM_NONCE_SIZE])
{
  struct timespec now;
  guint64 time;
  guint64 part;

  clock_gettime (CLOCK_REALTIME, &now);
  time = (guint64) now.tv_sec * G_GUINT64_CONSTANT (1000000000) + (guint64) now.tv_nsec;
  memcpy (&part, nonce, sizeof part);
  part ^= time;
  memcpy (nonce, &part, sizeof part);
}

gboolean
zu_nonces_draw (ZuNonces *self, guint8 nonce[ZU_AES_GCM_NONCE_SIZE], GError **error)
{
  gboolean drawn;

  g_mutex_lock (&self->lock);
  drawn = self->page->n_left > 0 || refill (self->page, error);
  if (drawn)
    memcpy (nonce, self->page->nonces[--self->page->n_left], ZU_AES_GCM_NONCE_SIZE);
  g_mutex_unlock (&self->lock);

  if (drawn)
    add_time (nonce);
  return drawn;
}
