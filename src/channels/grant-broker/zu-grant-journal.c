/* SPDX-License-Identifier: Apache-2.0 */

#include "zu-grant-journal.h"

#define BATCH 256

struct _ZuGrantJournal
{
  ZuGrantStore *store;
  ZuEventSink *sink;
  guint timeout_ms;
  GCancellable *cancellable;
  GThread *thread;

  GMutex lock;
  GCond changed;
  gint64 wanted;    /* up to here somebody waits */
  gint64 delivered; /* up to here the log has them */
  guint failures;
  char *failure;
  gboolean ending;
};

static GPtrArray *
parse_events (GPtrArray *texts, GError **error)
{
  g_autoptr (GPtrArray) events = g_ptr_array_new_with_free_func (g_object_unref);

  for (guint i = 0; i < texts->len; i++)
    {
      ZuEvent *event = zu_event_new_from_json (texts->pdata[i], -1, error);

      if (event == NULL)
        return NULL;
      g_ptr_array_add (events, event);
    }
  return g_steal_pointer (&events);
}

/* Everything up to some event; the log takes one that it has already as the same. */
static gboolean
deliver (ZuGrantJournal *self, gint64 *last_seq, GError **error)
{
  g_autoptr (GPtrArray) texts = zu_grant_store_peek_outbox (self->store, BATCH, last_seq, error);
  g_autoptr (GPtrArray) events = texts != NULL ? parse_events (texts, error) : NULL;
  g_autoptr (GPtrArray) stored = NULL;

  if (events == NULL)
    return FALSE;
  if (events->len == 0)
    return TRUE;
  stored = zu_event_sink_append_many (self->sink, events, self->cancellable, error);
  return stored != NULL && zu_grant_store_drop_outbox (self->store, *last_seq, error);
}

/* Under the lock, which is let go of meanwhile. */
static void
deliver_some (ZuGrantJournal *self)
{
  g_autoptr (GError) error = NULL;
  gint64 last_seq = self->delivered;
  gboolean delivered;

  g_mutex_unlock (&self->lock);
  delivered = deliver (self, &last_seq, &error);
  g_mutex_lock (&self->lock);
  if (delivered)
    self->delivered = MAX (self->delivered, last_seq);
  else
    {
      self->failures++;
      g_free (self->failure);
      self->failure = g_strdup (error->message);
      /* Until somebody asks again: what is not in the log stays in the outbox. */
      self->wanted = self->delivered;
    }
  g_cond_broadcast (&self->changed);
}

static gpointer
run (gpointer data)
{
  ZuGrantJournal *self = data;

  g_mutex_lock (&self->lock);
  while (!self->ending)
    if (self->wanted > self->delivered)
      deliver_some (self);
    else
      g_cond_wait (&self->changed, &self->lock);
  g_mutex_unlock (&self->lock);
  return NULL;
}

/* Waits until the log has the event of that number in the outbox. */
gboolean
zu_grant_journal_await (ZuGrantJournal *self, gint64 seq, GError **error)
{
  gint64 deadline = g_get_monotonic_time () + self->timeout_ms * G_TIME_SPAN_MILLISECOND;
  gboolean in_time = TRUE;
  gboolean delivered;
  guint failures;

  g_mutex_lock (&self->lock);
  failures = self->failures;
  self->wanted = MAX (self->wanted, seq);
  g_cond_broadcast (&self->changed);
  while (self->delivered < seq && self->failures == failures && in_time)
    in_time = g_cond_wait_until (&self->changed, &self->lock, deadline);
  delivered = self->delivered >= seq;
  if (!delivered)
    g_set_error (error, ZU_CREDENTIAL_BROKER_ERROR, ZU_CREDENTIAL_BROKER_ERROR_NO_AUDIT,
                 "nothing is answered without its event in the log: %s",
                 self->failures != failures ? self->failure : "the log took too long");
  g_mutex_unlock (&self->lock);
  return delivered;
}

ZuGrantJournal *
zu_grant_journal_new (ZuGrantStore *store, ZuEventSink *sink, guint timeout_ms)
{
  ZuGrantJournal *self = g_new0 (ZuGrantJournal, 1);

  self->store = store;
  self->sink = g_object_ref (sink);
  self->timeout_ms = timeout_ms;
  self->cancellable = g_cancellable_new ();
  g_mutex_init (&self->lock);
  g_cond_init (&self->changed);
  self->thread = g_thread_new ("zu-grant-journal", run, self);
  return self;
}

void
zu_grant_journal_free (ZuGrantJournal *self)
{
  g_mutex_lock (&self->lock);
  self->ending = TRUE;
  g_cond_broadcast (&self->changed);
  g_mutex_unlock (&self->lock);
  g_cancellable_cancel (self->cancellable);
  g_thread_join (self->thread);
  g_object_unref (self->cancellable);
  g_object_unref (self->sink);
  g_mutex_clear (&self->lock);
  g_cond_clear (&self->changed);
  g_free (self->failure);
  g_free (self);
}
