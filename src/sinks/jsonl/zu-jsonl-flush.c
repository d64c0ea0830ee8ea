/* SPDX-License-Identifier: Apache-2.0 */

#include "zu-jsonl-flush.h"

#include "zu-jsonl-unflushed.h"

#include <errno.h>
#include <gio/gio.h>
#include <unistd.h>

struct _ZuJsonlFlush
{
  char *path;
  GMutex lock;
  GCond flushed;
  int fd;            /* borrowed; -1 for none */
  guint64 n_written; /* counts writes */
  guint64 n_flushed; /* up to which of them all is on the disk */
  gint64 end;        /* behind the last write */
  gint64 flushed_to;
  guint n_sleeping;
  gboolean is_flushing;
  int has_failed;
};

gboolean
zu_jsonl_flush_policy_parse (const char *text, ZuJsonlFlushPolicy *policy, GError **error)
{
  static const char *const names[] = { "always", "interval", "never" };

  for (guint i = 0; i < G_N_ELEMENTS (names); i++)
    if (g_strcmp0 (text, names[i]) == 0)
      {
        *policy = (ZuJsonlFlushPolicy) i;
        return TRUE;
      }

  g_set_error (error, G_IO_ERROR, G_IO_ERROR_INVALID_ARGUMENT,
               "a jsonl sink is flushed 'always', 'interval' or 'never', not '%s'",
               text != NULL ? text : "");
  return FALSE;
}

ZuJsonlFlush *
zu_jsonl_flush_new (const char *path)
{
  ZuJsonlFlush *self = g_new0 (ZuJsonlFlush, 1);

  self->path = g_strdup (path);
  self->fd = -1;
  g_mutex_init (&self->lock);
  g_cond_init (&self->flushed);
  return self;
}

void
zu_jsonl_flush_free (ZuJsonlFlush *self)
{
  g_mutex_clear (&self->lock);
  g_cond_clear (&self->flushed);
  g_free (self->path);
  g_free (self);
}

/* From now on it is this file that is written; it has so many bytes already. */
void
zu_jsonl_flush_begin_file (ZuJsonlFlush *self, int fd, gint64 size)
{
  g_autoptr (GMutexLocker) locker = g_mutex_locker_new (&self->lock);

  self->fd = fd;
  self->end = self->flushed_to = size;
}

static void
wait_for_other (ZuJsonlFlush *self)
{
  self->n_sleeping++;
  g_cond_wait (&self->flushed, &self->lock);
  self->n_sleeping--;
}

/* With the lock held, which is given up meanwhile. A failed flush is final: the kernel forgets what
 * it could not write, and the next flush would succeed without it. */
static void
flush (ZuJsonlFlush *self)
{
  guint64 up_to = self->n_written;
  gint64 end = self->end;
  gboolean is_flushed;

  self->is_flushing = TRUE;
  g_mutex_unlock (&self->lock);
  do
    is_flushed = fdatasync (self->fd) == 0;
  while (!is_flushed && errno == EINTR);
  if (!is_flushed)
    zu_jsonl_unflushed_note (self->path, self->flushed_to);
  g_mutex_lock (&self->lock);

  self->is_flushing = FALSE;
  self->n_flushed = up_to;
  if (is_flushed)
    self->flushed_to = end;
  else
    g_atomic_int_set (&self->has_failed, TRUE);
  if (self->n_sleeping > 0)
    g_cond_broadcast (&self->flushed);
}

/* Before the file is closed: flushes what somebody may yet wait for. */
void
zu_jsonl_flush_end_file (ZuJsonlFlush *self)
{
  g_autoptr (GMutexLocker) locker = g_mutex_locker_new (&self->lock);

  while (self->is_flushing)
    wait_for_other (self);
  if (self->fd >= 0 && self->n_flushed < self->n_written)
    flush (self);
  self->fd = -1;
}

/* Called in the order of the writes, before the file can be closed; @end is behind the write. */
guint64
zu_jsonl_flush_note_write (ZuJsonlFlush *self, gint64 end)
{
  g_autoptr (GMutexLocker) locker = g_mutex_locker_new (&self->lock);

  self->end = end;
  return ++self->n_written;
}

/* Whether that write, and every one before it, is on the disk; returns when it is, or cannot be. */
gboolean
zu_jsonl_flush_wait (ZuJsonlFlush *self, guint64 ticket)
{
  g_autoptr (GMutexLocker) locker = g_mutex_locker_new (&self->lock);

  while (self->n_flushed < ticket && !self->has_failed)
    if (self->is_flushing)
      wait_for_other (self);
    else
      flush (self);

  return !self->has_failed;
}

gboolean
zu_jsonl_flush_has_failed (ZuJsonlFlush *self)
{
  return g_atomic_int_get (&self->has_failed);
}
