/* SPDX-License-Identifier: Apache-2.0 */

#include "zu-jsonl-minder.h"

struct _ZuJsonlMinder
{
  ZuJsonlMind mind;
  gpointer user_data;
  GMutex lock;
  GCond cond;
  GThread *thread;
  gint64 due;
  gboolean is_closing;
};

ZuJsonlMinder *
zu_jsonl_minder_new (ZuJsonlMind mind, gpointer user_data)
{
  ZuJsonlMinder *self = g_new0 (ZuJsonlMinder, 1);

  self->mind = mind;
  self->user_data = user_data;
  self->due = ZU_JSONL_MINDER_IDLE;
  g_mutex_init (&self->lock);
  g_cond_init (&self->cond);
  return self;
}

static void
sleep_until_due (ZuJsonlMinder *self)
{
  if (self->due == ZU_JSONL_MINDER_IDLE)
    g_cond_wait (&self->cond, &self->lock);
  else
    g_cond_wait_until (&self->cond, &self->lock, self->due);
}

static gpointer
work (gpointer data)
{
  ZuJsonlMinder *self = data;

  g_mutex_lock (&self->lock);
  while (!self->is_closing)
    {
      gint64 now = g_get_monotonic_time (), next;

      if (now < self->due)
        {
          sleep_until_due (self);
          continue;
        }

      self->due = ZU_JSONL_MINDER_IDLE;
      g_mutex_unlock (&self->lock);
      next = self->mind (self->user_data, now);
      g_mutex_lock (&self->lock);
      self->due = MIN (self->due, next);
    }
  g_mutex_unlock (&self->lock);
  return NULL;
}

/* Nothing is minded after this. */
void
zu_jsonl_minder_free (ZuJsonlMinder *self)
{
  g_mutex_lock (&self->lock);
  self->is_closing = TRUE;
  g_cond_signal (&self->cond);
  g_mutex_unlock (&self->lock);
  if (self->thread != NULL)
    g_thread_join (self->thread);

  g_mutex_clear (&self->lock);
  g_cond_clear (&self->cond);
  g_free (self);
}

/* At the latest at that time. */
void
zu_jsonl_minder_wake_at (ZuJsonlMinder *self, gint64 time)
{
  g_autoptr (GMutexLocker) locker = g_mutex_locker_new (&self->lock);

  if (time >= self->due)
    return;

  self->due = time;
  if (self->thread == NULL)
    self->thread = g_thread_new ("zu-jsonl", work, self);
  else
    g_cond_signal (&self->cond);
}
