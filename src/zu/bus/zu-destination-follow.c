/* SPDX-License-Identifier: Apache-2.0 */

#include "zu-destination-private.h"

#include "zu-follower-private.h"

/* How often the log is asked for what other processes have stored, and the file of positions for
 * whether its owner has gone. */
#define POLL       G_TIME_SPAN_SECOND
#define POLL_TAKEN (200 * G_TIME_SPAN_MILLISECOND)

#define FIRST_RETRY (100 * G_TIME_SPAN_MILLISECOND)
#define LAST_RETRY  (30 * G_TIME_SPAN_SECOND)

static void
note_delivered (ZuDestination *self, ZuEvent *event)
{
  g_mutex_lock (&self->lock);
  self->n_delivered++;
  g_free (self->last_event_id);
  self->last_event_id = g_strdup (zu_event_get_event_id (event));
  g_mutex_unlock (&self->lock);
}

/* What is not final is tried again, and so not lost; it is told all the same. */
static void
on_followed (ZuEvent *event, const GError *error, gboolean is_final, gpointer user_data)
{
  ZuDestination *self = user_data;

  if (error == NULL)
    {
      note_delivered (self, event);
      return;
    }

  g_mutex_lock (&self->lock);
  self->n_failed += is_final;
  g_clear_error (&self->last_error);
  self->last_error = g_error_copy (error);
  g_mutex_unlock (&self->lock);
  if (event != NULL)
    self->failed (self->sink, event, error, self->user_data);
}

/* Under the lock: sleeps until then, or until it is stopped, or, where WAKES, until something is
 * sent. */
static void
sleep_until (ZuDestination *self, gint64 deadline, gboolean wakes)
{
  guint64 n_sent = self->n_sent;

  while (!self->stopped && (!wakes || self->n_sent == n_sent))
    if (!g_cond_wait_until (&self->work_cond, &self->lock, deadline))
      return;
}

/* Under the lock: it has all that was sent when the log was asked. */
static void
catch_up (ZuDestination *self, ZuFollower *follower, guint64 n_sent)
{
  gint64 deadline = g_get_monotonic_time () + POLL;
  gint64 save_due = zu_follower_get_save_due (follower);

  self->n_done = MAX (self->n_done, n_sent);
  self->lags = self->n_done < self->n_sent && self->lags;
  g_cond_broadcast (&self->done_cond);
  if (self->n_sent == n_sent)
    sleep_until (self, save_due >= 0 ? MIN (deadline, save_due) : deadline, TRUE);
}

/* Under the lock: nobody is to wait for it before it has caught up. */
static void
fall_behind (ZuDestination *self, gint64 pause)
{
  self->lags = TRUE;
  g_cond_broadcast (&self->done_cond);
  sleep_until (self, g_get_monotonic_time () + pause, FALSE);
}

static void
save_when_due (ZuFollower *follower)
{
  gint64 due = zu_follower_get_save_due (follower);

  if (due >= 0 && g_get_monotonic_time () >= due)
    zu_follower_save (follower);
}

static ZuFollowResult
step (ZuDestination *self, ZuFollower *follower)
{
  ZuFollowResult result;

  g_mutex_unlock (&self->lock);
  result = zu_follower_step (follower);
  save_when_due (follower);
  g_mutex_lock (&self->lock);
  return result;
}

/* The thread of a destination that reads the log itself, and is only woken by what is sent. What is
 * in memory is one page, however far behind it is. */
gpointer
zu_destination_follow (gpointer data)
{
  g_autoptr (ZuDestination) self = data;
  g_autoptr (ZuFollower) follower =
      zu_follower_new (self->canonical, self->sink, self->name, self->positions, on_followed, self);
  gint64 pause = FIRST_RETRY;

  g_mutex_lock (&self->lock);
  while (!self->stopped)
    {
      guint64 n_sent = self->n_sent;
      ZuFollowResult result = step (self, follower);

      if (result == ZU_FOLLOW_FAILED)
        {
          fall_behind (self, pause);
          pause = MIN (pause * 2, LAST_RETRY);
          continue;
        }
      pause = FIRST_RETRY;
      if (result == ZU_FOLLOW_TAKEN)
        fall_behind (self, POLL_TAKEN);
      else if (result == ZU_FOLLOW_END)
        catch_up (self, follower, n_sent);
    }
  g_mutex_unlock (&self->lock);
  zu_follower_save (follower);
  return NULL;
}
