/* SPDX-License-Identifier: Apache-2.0 */

#include "zu-jsonl-flush.h"

#include <gio/gio.h>
#include <fcntl.h>
#include <unistd.h>

struct _ZuJsonlFlusher
{
  int fd;
  gint64 interval; /* microseconds */
  GThread *thread;
  GMutex lock;
  GCond cond;
  gboolean is_dirty;
  gboolean is_closing;
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

static void
flush (ZuJsonlFlusher *self)
{
  if (fdatasync (self->fd) != 0)
    g_atomic_int_set (&self->has_failed, TRUE);
}

static gpointer
work (gpointer data)
{
  ZuJsonlFlusher *self = data;

  g_mutex_lock (&self->lock);
  while (!self->is_closing || self->is_dirty)
    {
      gint64 until;

      while (!self->is_dirty && !self->is_closing)
        g_cond_wait (&self->cond, &self->lock);
      until = g_get_monotonic_time () + self->interval;
      while (!self->is_closing && g_cond_wait_until (&self->cond, &self->lock, until))
        ;
      if (!self->is_dirty)
        continue;

      self->is_dirty = FALSE;
      g_mutex_unlock (&self->lock);
      flush (self);
      g_mutex_lock (&self->lock);
    }
  g_mutex_unlock (&self->lock);
  return NULL;
}

ZuJsonlFlusher *
zu_jsonl_flusher_new (int fd, gint64 interval)
{
  ZuJsonlFlusher *self = g_new0 (ZuJsonlFlusher, 1);

  /* Its own descriptor of the same open file: the sink may go on to another file meanwhile. */
  self->fd = fcntl (fd, F_DUPFD_CLOEXEC, 0);
  self->interval = interval;
  g_mutex_init (&self->lock);
  g_cond_init (&self->cond);
  self->thread = g_thread_new ("zu-jsonl-flush", work, self);
  return self;
}

/* Flushes what is left. */
void
zu_jsonl_flusher_free (ZuJsonlFlusher *self)
{
  g_mutex_lock (&self->lock);
  self->is_closing = TRUE;
  g_cond_signal (&self->cond);
  g_mutex_unlock (&self->lock);
  g_thread_join (self->thread);

  if (self->fd >= 0)
    close (self->fd);
  g_mutex_clear (&self->lock);
  g_cond_clear (&self->cond);
  g_free (self);
}

void
zu_jsonl_flusher_note_write (ZuJsonlFlusher *self)
{
  g_mutex_lock (&self->lock);
  if (!self->is_dirty)
    g_cond_signal (&self->cond);
  self->is_dirty = TRUE;
  g_mutex_unlock (&self->lock);
}

gboolean
zu_jsonl_flusher_has_failed (ZuJsonlFlusher *self)
{
  return g_atomic_int_get (&self->has_failed);
}
