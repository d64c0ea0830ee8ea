/* SPDX-License-Identifier: Apache-2.0 */

/* A log verified by several threads. Whichever is free reads the next page, one at a time and in
 * order, and works out what it can of it: so bytes are used by the processor that read them, and
 * nobody waits for a certain other. The caller's thread is one of them; it alone takes the pages,
 * in their order, and compares links. So what is found, and its order, do not depend on how many
 * threads there are. */

#include "zu-chain-page-private.h"

#define PAGE_ROWS    512
#define MOST_THREADS 16
/* Pages a thread may be ahead of the one that is taken next. */
#define AHEAD 3
/* About a tenth of a millisecond. */
#define SPINS  64
#define PAUSES 32

typedef enum
{
  SOURCE_ROWS,
  SOURCE_AUDIT,
  SOURCE_STREAM,
} Source;

typedef struct
{
  ZuEventSink *sink;
  ZuFilter *filter;
  gboolean may_spin;
  ZuSecret *key;
  GCancellable *cancellable;

  GMutex reading; /* of what follows */
  Source source;
  gint64 after_seq;
  guint64 n_read;
  gboolean is_at_end;

  GMutex lock; /* of what follows */
  GCond changed;
  guint n_out; /* pages, or places for them, that were not taken */
  guint most_out;
  ZuChainPage **ready; /* by number, modulo most_out */
  guint64 n_taken;
  gboolean is_over; /* no more places are given */
} Log;

static inline void
pause_briefly (void)
{
#if defined(__x86_64__)
  __builtin_ia32_pause ();
#else
  __asm__ volatile("" ::: "memory");
#endif
}

static ZuChainPage *
read_rows (Log *self, GError **error)
{
  g_autoptr (ZuAuditRows) rows =
      zu_event_audit_rows (ZU_EVENT_AUDIT (self->sink), self->filter, self->after_seq, PAGE_ROWS,
                           self->cancellable, error);
  ZuChainPage *page;

  if (rows == NULL)
    return NULL;
  page = g_new0 (ZuChainPage, 1);
  page->rows = g_bytes_ref (zu_audit_rows_get_rows (rows));
  page->next_seq = zu_audit_rows_get_next_seq (rows);
  return page;
}

static ZuChainPage *
read_audit (Log *self, GError **error)
{
  g_autoptr (ZuAuditPage) audit =
      zu_event_audit_audit (ZU_EVENT_AUDIT (self->sink), self->filter, self->after_seq, PAGE_ROWS,
                            self->cancellable, error);
  ZuChainPage *page;

  if (audit == NULL)
    return NULL;
  page = g_new0 (ZuChainPage, 1);
  page->events = g_ptr_array_ref (zu_audit_page_get_events (audit));
  page->findings = g_ptr_array_ref (zu_audit_page_get_findings (audit));
  page->next_seq = zu_audit_page_get_next_seq (audit);
  return page;
}

static ZuChainPage *
read_stream (Log *self, GError **error)
{
  g_autoptr (ZuEventPage) events = zu_event_sink_stream (self->sink, self->filter, self->after_seq,
                                                         PAGE_ROWS, self->cancellable, error);
  ZuChainPage *page;

  if (events == NULL)
    return NULL;
  page = g_new0 (ZuChainPage, 1);
  page->events = g_ptr_array_ref (zu_event_page_get_events (events));
  page->next_seq = zu_event_page_get_next_seq (events);
  return page;
}

/* A sink in another process, of an older version, knows no such verb. */
static gboolean
is_not_offered (const GError *error)
{
  return g_error_matches (error, G_IO_ERROR, G_IO_ERROR_NOT_SUPPORTED)
         || g_error_matches (error, G_IO_ERROR, G_IO_ERROR_NOT_FOUND);
}

/* By the quickest verb that the sink offers, which its first page shows. */
static ZuChainPage *
read_source (Log *self, GError **error)
{
  g_autoptr (GError) why = NULL;
  ZuChainPage *page;

  if (g_cancellable_set_error_if_cancelled (self->cancellable, error))
    return NULL;
  if (self->source == SOURCE_ROWS)
    {
      page = read_rows (self, &why);
      if (page != NULL)
        return page;
      if (self->n_read > 0 || !is_not_offered (why))
        {
          g_propagate_error (error, g_steal_pointer (&why));
          return NULL;
        }
      self->source = SOURCE_AUDIT;
    }
  return self->source == SOURCE_AUDIT ? read_audit (self, error) : read_stream (self, error);
}

/* A page is read in less time than it takes to fall asleep and be woken, so the lock is tried for a
 * while first, unless there is nobody to wait for. */
static void
wait_to_read (Log *self)
{
  for (guint i = 0; self->may_spin && i < SPINS; i++)
    {
      if (g_mutex_trylock (&self->reading))
        return;
      for (guint j = 0; j < PAUSES; j++)
        pause_briefly ();
    }
  g_mutex_lock (&self->reading);
}

/* The next page and its number. One that tells of an error is the last one. */
static ZuChainPage *
read_next (Log *self, guint64 *number)
{
  g_autoptr (GError) error = NULL;
  ZuChainPage *page;

  if (self->is_at_end)
    return NULL;

  page = read_source (self, &error);
  if (page == NULL)
    {
      page = g_new0 (ZuChainPage, 1);
      page->next_seq = self->after_seq;
      page->events = g_ptr_array_new ();
      page->error = g_steal_pointer (&error);
    }
  self->is_at_end = page->next_seq == self->after_seq;
  self->after_seq = page->next_seq;
  *number = self->n_read++;
  return page;
}

static ZuChainPage *
read_page (Log *self, guint64 *number)
{
  ZuChainPage *page;

  wait_to_read (self);
  page = read_next (self, number);
  g_mutex_unlock (&self->reading);
  return page;
}

static void
put (Log *self, ZuChainPage *page, guint64 number)
{
  g_autoptr (GMutexLocker) locker = g_mutex_locker_new (&self->lock);

  if (page != NULL)
    self->ready[number % self->most_out] = page;
  else
    {
      self->n_out--;
      self->is_over = TRUE;
    }
  g_cond_broadcast (&self->changed);
}

/* Reads a page and works on it, with a place for it. */
static void
work (Log *self)
{
  guint64 number = 0;
  ZuChainPage *page = read_page (self, &number);

  if (page != NULL)
    zu_chain_page_check (page, ZU_IS_EVENT_AUDIT (self->sink) ? ZU_EVENT_AUDIT (self->sink) : NULL,
                         self->key, self->cancellable);
  put (self, page, number);
}

static gpointer
run (gpointer data)
{
  Log *self = data;

  for (;;)
    {
      g_mutex_lock (&self->lock);
      while (!self->is_over && self->n_out == self->most_out)
        g_cond_wait (&self->changed, &self->lock);
      if (self->is_over)
        {
          g_mutex_unlock (&self->lock);
          return NULL;
        }
      self->n_out++;
      g_mutex_unlock (&self->lock);

      work (self);
    }
}

typedef enum
{
  NEXT_PAGE, /* one is there to be taken */
  NEXT_WORK, /* there is a place for another */
  NEXT_END,
} Next;

/* What the caller's thread does next. */
static Next
wait_next (Log *self, ZuChainPage **page)
{
  g_autoptr (GMutexLocker) locker = g_mutex_locker_new (&self->lock);

  for (;;)
    {
      ZuChainPage **place = &self->ready[self->n_taken % self->most_out];

      if (*place != NULL)
        {
          *page = g_steal_pointer (place);
          return NEXT_PAGE;
        }
      if (!self->is_over && self->n_out < self->most_out)
        {
          self->n_out++;
          return NEXT_WORK;
        }
      if (self->is_over && self->n_out == 0)
        return NEXT_END;
      g_cond_wait (&self->changed, &self->lock);
    }
}

static void
leave_place (Log *self, gboolean is_over)
{
  g_autoptr (GMutexLocker) locker = g_mutex_locker_new (&self->lock);

  self->n_taken++;
  self->n_out--;
  self->is_over |= is_over;
  g_cond_broadcast (&self->changed);
}

static gboolean
take_pages (Log *self, ZuChainVerifier *verifier, GError **error)
{
  gboolean is_good = TRUE;

  for (;;)
    {
      g_autoptr (ZuChainPage) page = NULL;
      Next next = wait_next (self, &page);

      if (next == NEXT_END)
        return is_good;
      if (next == NEXT_WORK)
        {
          work (self);
          continue;
        }
      if (is_good)
        {
          is_good = zu_chain_page_take (page, verifier, error);
          zu_chain_verifier_tell_progress (verifier);
        }
      leave_place (self, !is_good);
    }
}

static void
log_init (Log *self, ZuEventSink *sink, ZuFilter *filter, guint n_threads)
{
  *self = (Log){ .sink = sink, .filter = filter };
  self->source = ZU_IS_EVENT_AUDIT (sink) ? SOURCE_ROWS : SOURCE_STREAM;
  self->most_out = n_threads * AHEAD;
  /* With more threads than processors, whoever spins keeps one from working. */
  self->may_spin = n_threads > 1 && n_threads <= g_get_num_processors ();
  self->ready = g_new0 (ZuChainPage *, self->most_out);
  g_mutex_init (&self->reading);
  g_mutex_init (&self->lock);
  g_cond_init (&self->changed);
}

static void
log_clear (Log *self)
{
  g_free (self->ready);
  g_mutex_clear (&self->reading);
  g_mutex_clear (&self->lock);
  g_cond_clear (&self->changed);
}

/**
 * zu_chain_verifier_add_log:
 * @self: a verifier
 * @sink: the log
 * @filter: (nullable): which of its events; %NULL for all
 * @n_threads: how many threads check, the caller's included, up to 16; 0 for one a processor
 * @cancellable: (nullable): to give up
 * @error: return location for an error
 *
 * Adds all events of a log, and what else is wrong with its rows.
 *
 * Rows are read once, in stored order, a page at a time, and go on past what is damaged where the
 * sink is a [iface@Zu.EventAudit]: what cannot be decoded, and columns that differ from the event
 * inside, are violations in their places. What is found, and in which order, does not depend on
 * @n_threads. Memory is bounded by the number of threads and the size of the largest rows, not by
 * that of the log.
 *
 * The sink's verbs are called from these threads, `reveal` from several at once, and the others one
 * at a time. [signal@Zu.ChainVerifier::violation] and [signal@Zu.ChainVerifier::progress] are given
 * in the caller's thread.
 *
 * Returns: whether all of the log was read; otherwise what was read before counts, and @error is
 *   one of the sink, %ZU_EVENT_AUDIT_ERROR_MALFORMED or %G_IO_ERROR_CANCELLED
 */
gboolean
zu_chain_verifier_add_log (ZuChainVerifier *self, ZuEventSink *sink, ZuFilter *filter,
                           guint n_threads, GCancellable *cancellable, GError **error)
{
  g_autoptr (GPtrArray) threads = g_ptr_array_new ();
  gboolean is_good;
  Log log;

  g_return_val_if_fail (ZU_IS_CHAIN_VERIFIER (self), FALSE);
  g_return_val_if_fail (ZU_IS_EVENT_SINK (sink), FALSE);

  n_threads = MIN (n_threads == 0 ? g_get_num_processors () : n_threads, MOST_THREADS);
  log_init (&log, sink, filter, n_threads);
  log.key = self->key;
  log.cancellable = cancellable;
  for (guint i = 1; i < n_threads; i++)
    {
      GThread *thread = g_thread_try_new ("zu-verify", run, &log, NULL);

      /* Fewer do the same. */
      if (thread == NULL)
        break;
      g_ptr_array_add (threads, thread);
    }

  is_good = take_pages (&log, self, error);
  for (guint i = 0; i < threads->len; i++)
    g_thread_join (g_ptr_array_index (threads, i));
  log_clear (&log);
  return is_good;
}
