/* SPDX-License-Identifier: Apache-2.0 */

#include "zu-anchorer.h"

#include "zu-anchor-heads-private.h"

/* After a failure, before it is tried again; twice as long each time. */
#define FIRST_RETRY_SECONDS 5
#define LAST_RETRY_SECONDS  320

/**
 * ZuAnchorer:
 *
 * Writes the heads of a log's traces to an anchor file as events are stored.
 *
 * It listens to a sink, whichever it is, and anchors the traces that got events since: after so
 * many events, so many seconds after the first of them, and whenever it is asked to. Each trace is
 * verified before its head is written, the whole of it the first time, then what has come since;
 * one that is not intact is not anchored, and that is a failure. The file is flushed to the disk
 * each time. It is of use where whoever can write the log cannot write it.
 *
 * Anchoring is done in a thread of its own, so appending does not wait for it. Functions may be
 * called from any thread. Only what is stored through this very sink, or another of the same log
 * that tells this one, is noticed; other processes anchor what they store.
 */

/* What the thread and the sink's handler have in common. It outlives the object for as long as one
 * of them runs. */
typedef struct
{
  gatomicrefcount refs;
  GWeakRef owner; /* for the signal */
  ZuEventSink *sink;
  GFile *file;
  guint every_events;
  guint every_seconds;

  GMutex write_lock; /* of whoever anchors */
  ZuAnchorHeads *heads;

  GMutex lock;
  GCond cond;
  GHashTable *due; /* ids of traces */
  guint n_due;     /* events */
  gint64 deadline; /* monotonic; 0 for none */
  guint retry;     /* seconds; 0 where the last time was good */
  gboolean stopped;
  guint64 n_anchored;
  guint64 n_failures;
  GError *last_error;
} Work;

struct _ZuAnchorer
{
  GObject parent_instance;

  Work *work;
  gulong handler;
  GThread *thread;
};

G_DEFINE_FINAL_TYPE (ZuAnchorer, zu_anchorer, G_TYPE_OBJECT)

static guint failed_signal;

static GHashTable *
new_set (void)
{
  return g_hash_table_new_full (g_str_hash, g_str_equal, g_free, NULL);
}

static Work *
work_ref (Work *work)
{
  g_atomic_ref_count_inc (&work->refs);
  return work;
}

static void
work_unref (gpointer data)
{
  Work *work = data;

  if (!g_atomic_ref_count_dec (&work->refs))
    return;

  g_weak_ref_clear (&work->owner);
  zu_anchor_heads_free (work->heads);
  g_object_unref (work->sink);
  g_object_unref (work->file);
  g_hash_table_unref (work->due);
  g_clear_error (&work->last_error);
  g_mutex_clear (&work->write_lock);
  g_mutex_clear (&work->lock);
  g_cond_clear (&work->cond);
  g_free (work);
}

static void
drop_work (gpointer data, GClosure *closure)
{
  work_unref (data);
}

static gint64
in_seconds (guint seconds)
{
  return g_get_monotonic_time () + seconds * (gint64) G_TIME_SPAN_SECOND;
}

static void
note (Work *work, ZuEvent *event)
{
  g_mutex_lock (&work->lock);
  g_hash_table_add (work->due, g_strdup (zu_event_get_trace_id (event)));
  work->n_due++;
  if (work->deadline == 0 && work->every_seconds > 0)
    work->deadline = in_seconds (work->every_seconds);
  g_cond_signal (&work->cond);
  g_mutex_unlock (&work->lock);
}

static void
on_appended (ZuEventSink *sink, ZuEvent *event, gpointer user_data)
{
  note (user_data, event);
}

static GHashTable *
take_due (Work *work)
{
  GHashTable *due;

  g_mutex_lock (&work->lock);
  due = g_steal_pointer (&work->due);
  work->due = new_set ();
  work->n_due = 0;
  work->deadline = 0;
  g_mutex_unlock (&work->lock);
  return due;
}

/* What could not be anchored stays due. */
static void
record_failure (Work *work, GHashTable *due, const GError *error)
{
  g_autoptr (ZuAnchorer) owner = g_weak_ref_get (&work->owner);
  GHashTableIter iter;
  gpointer trace_id;

  g_mutex_lock (&work->lock);
  g_hash_table_iter_init (&iter, due);
  while (g_hash_table_iter_next (&iter, &trace_id, NULL))
    {
      g_hash_table_add (work->due, trace_id);
      g_hash_table_iter_steal (&iter);
    }
  work->retry = MIN (work->retry > 0 ? work->retry * 2 : FIRST_RETRY_SECONDS, LAST_RETRY_SECONDS);
  if (work->every_events > 0 || work->every_seconds > 0)
    work->deadline = in_seconds (work->retry);
  work->n_failures++;
  g_clear_error (&work->last_error);
  work->last_error = g_error_copy (error);
  g_mutex_unlock (&work->lock);

  if (owner != NULL)
    g_signal_emit (owner, failed_signal, 0, error);
}

/* Those traces that are intact are anchored even where others are not. */
static gboolean
add_heads (Work *work, GHashTable *due, ZuAnchor *anchor, GPtrArray *good, GError **error)
{
  GHashTableIter iter;
  gpointer trace_id;
  gboolean all = TRUE;

  g_hash_table_iter_init (&iter, due);
  while (g_hash_table_iter_next (&iter, &trace_id, NULL))
    {
      g_autoptr (GError) why = NULL;

      if (zu_anchor_heads_add (work->heads, trace_id, anchor, &why))
        {
          g_ptr_array_add (good, trace_id);
          continue;
        }
      if (all)
        g_propagate_error (error, g_steal_pointer (&why));
      all = FALSE;
    }

  return all;
}

/* What is written is no longer due. */
static gboolean
write_anchor (Work *work, ZuAnchor *anchor, GPtrArray *good, GHashTable *due, GError **error)
{
  if (zu_anchor_get_size (anchor) > 0 && !zu_anchor_append_to_file (anchor, work->file, error))
    {
      g_prefix_error (error, "cannot write the anchor: ");
      return FALSE;
    }

  for (guint i = 0; i < good->len; i++)
    g_hash_table_remove (due, g_ptr_array_index (good, i));
  g_mutex_lock (&work->lock);
  work->n_anchored += zu_anchor_get_size (anchor);
  g_mutex_unlock (&work->lock);
  return TRUE;
}

static gboolean
anchor_due (Work *work, GError **error)
{
  g_autoptr (GMutexLocker) locker = g_mutex_locker_new (&work->write_lock);
  g_autoptr (GHashTable) due = take_due (work);
  g_autoptr (GPtrArray) good = g_ptr_array_new ();
  g_autoptr (ZuAnchor) anchor = zu_anchor_new ();
  g_autoptr (GError) why = NULL, unwritten = NULL;

  add_heads (work, due, anchor, good, &why);
  if (!write_anchor (work, anchor, good, due, &unwritten))
    {
      g_clear_error (&why);
      why = g_steal_pointer (&unwritten);
    }
  if (why != NULL)
    {
      record_failure (work, due, why);
      g_propagate_error (error, g_steal_pointer (&why));
      return FALSE;
    }

  g_mutex_lock (&work->lock);
  work->retry = 0;
  g_mutex_unlock (&work->lock);
  return TRUE;
}

/* Under the lock. */
static gboolean
is_due (Work *work)
{
  gboolean is_many =
      work->every_events > 0 && work->n_due >= work->every_events && work->retry == 0;
  gboolean is_late = work->deadline != 0 && g_get_monotonic_time () >= work->deadline;

  return is_many || is_late;
}

static gpointer
run (gpointer data)
{
  Work *work = data;

  g_mutex_lock (&work->lock);
  while (!work->stopped)
    {
      if (is_due (work))
        {
          g_mutex_unlock (&work->lock);
          anchor_due (work, NULL);
          g_mutex_lock (&work->lock);
        }
      else if (work->deadline != 0)
        g_cond_wait_until (&work->cond, &work->lock, work->deadline);
      else
        g_cond_wait (&work->cond, &work->lock);
    }
  g_mutex_unlock (&work->lock);
  work_unref (work);
  return NULL;
}

static void
stop (ZuAnchorer *self)
{
  g_clear_signal_handler (&self->handler, self->work->sink);
  g_mutex_lock (&self->work->lock);
  self->work->stopped = TRUE;
  g_cond_signal (&self->work->cond);
  g_mutex_unlock (&self->work->lock);
  /* A handler of the signal may hold the last reference; then this is that very thread. */
  if (self->thread != NULL && self->thread == g_thread_self ())
    g_clear_pointer (&self->thread, g_thread_unref);
  else
    g_clear_pointer (&self->thread, g_thread_join);
}

static void
zu_anchorer_finalize (GObject *object)
{
  ZuAnchorer *self = ZU_ANCHORER (object);

  if (self->work != NULL)
    {
      stop (self);
      work_unref (self->work);
    }
  G_OBJECT_CLASS (zu_anchorer_parent_class)->finalize (object);
}

static void
zu_anchorer_class_init (ZuAnchorerClass *klass)
{
  G_OBJECT_CLASS (klass)->finalize = zu_anchorer_finalize;

  /**
   * ZuAnchorer::failed:
   * @self: the anchorer
   * @error: why
   *
   * After anchoring has failed, from the thread that did it. What could not be anchored stays due;
   * it is tried again some seconds later.
   */
  failed_signal = g_signal_new ("failed", ZU_TYPE_ANCHORER, G_SIGNAL_RUN_LAST, 0, NULL, NULL, NULL,
                                G_TYPE_NONE, 1, G_TYPE_ERROR);
}

static void
zu_anchorer_init (ZuAnchorer *self)
{
}

/**
 * zu_anchorer_new:
 * @sink: the log; its events must be linked
 * @file: the anchor file on this machine; made where it does not exist
 * @every_events: after how many events to anchor; 0 is not by number
 * @every_seconds: how many seconds after the first event that is not anchored; 0 is not by time
 *
 * Begins to anchor what is stored from now on. With both zero it is done only on demand.
 *
 * Returns: (transfer full): the anchorer
 */
ZuAnchorer *
zu_anchorer_new (ZuEventSink *sink, GFile *file, guint every_events, guint every_seconds)
{
  ZuAnchorer *self;
  Work *work;

  g_return_val_if_fail (ZU_IS_EVENT_SINK (sink), NULL);
  g_return_val_if_fail (G_IS_FILE (file), NULL);

  self = g_object_new (ZU_TYPE_ANCHORER, NULL);
  self->work = work = g_new0 (Work, 1);
  g_atomic_ref_count_init (&work->refs);
  g_weak_ref_init (&work->owner, self);
  work->sink = g_object_ref (sink);
  work->file = g_object_ref (file);
  work->every_events = every_events;
  work->every_seconds = every_seconds;
  work->heads = zu_anchor_heads_new (sink);
  work->due = new_set ();
  g_mutex_init (&work->write_lock);
  g_mutex_init (&work->lock);
  g_cond_init (&work->cond);

  self->handler = g_signal_connect_data (sink, "appended", G_CALLBACK (on_appended),
                                         work_ref (work), drop_work, 0);
  self->thread = g_thread_new ("zu-anchorer", run, work_ref (work));
  return self;
}

/**
 * zu_anchorer_note:
 * @self: an anchorer
 * @event: an event that is stored in the log
 *
 * Makes the event's trace due: for events that the sink did not tell of, as those are that stood in
 * the log before.
 */
void
zu_anchorer_note (ZuAnchorer *self, ZuEvent *event)
{
  g_return_if_fail (ZU_IS_ANCHORER (self));
  g_return_if_fail (ZU_IS_EVENT (event));

  note (self->work, event);
}

/**
 * zu_anchorer_anchor:
 * @self: an anchorer
 * @error: return location for an error
 *
 * Anchors at once what is due, and returns when that is on the disk.
 *
 * Errors: [error@Zu.ChainError] CONFLICT where a trace is not intact; the sink's own where it
 * cannot be read, [error@Zu.AnchorError] or #GIOError where the file cannot be written.
 *
 * Returns: whether all of it was anchored; if not, what is intact was
 */
gboolean
zu_anchorer_anchor (ZuAnchorer *self, GError **error)
{
  g_return_val_if_fail (ZU_IS_ANCHORER (self), FALSE);

  return anchor_due (self->work, error);
}

/**
 * zu_anchorer_stop:
 * @self: an anchorer
 * @error: return location for an error
 *
 * Stops listening, and anchors what is due a last time. To be called before the process ends: what
 * is due when an anchorer is let go of is not anchored.
 *
 * Errors: as of [method@Zu.Anchorer.anchor].
 *
 * Returns: whether all of it was anchored
 */
gboolean
zu_anchorer_stop (ZuAnchorer *self, GError **error)
{
  g_return_val_if_fail (ZU_IS_ANCHORER (self), FALSE);

  stop (self);
  return anchor_due (self->work, error);
}

/**
 * zu_anchorer_get_n_anchored:
 * @self: an anchorer
 *
 * Counts the heads that it has written.
 *
 * Returns: how many
 */
guint64
zu_anchorer_get_n_anchored (ZuAnchorer *self)
{
  guint64 n;

  g_return_val_if_fail (ZU_IS_ANCHORER (self), 0);

  g_mutex_lock (&self->work->lock);
  n = self->work->n_anchored;
  g_mutex_unlock (&self->work->lock);
  return n;
}

/**
 * zu_anchorer_get_n_failures:
 * @self: an anchorer
 *
 * Counts how often anchoring has failed.
 *
 * Returns: how often
 */
guint64
zu_anchorer_get_n_failures (ZuAnchorer *self)
{
  guint64 n;

  g_return_val_if_fail (ZU_IS_ANCHORER (self), 0);

  g_mutex_lock (&self->work->lock);
  n = self->work->n_failures;
  g_mutex_unlock (&self->work->lock);
  return n;
}

/**
 * zu_anchorer_dup_last_error:
 * @self: an anchorer
 *
 * Tells why anchoring failed, the last time.
 *
 * Returns: (transfer full) (nullable): the error; %NULL where it never did
 */
GError *
zu_anchorer_dup_last_error (ZuAnchorer *self)
{
  GError *error;

  g_return_val_if_fail (ZU_IS_ANCHORER (self), NULL);

  g_mutex_lock (&self->work->lock);
  error = self->work->last_error != NULL ? g_error_copy (self->work->last_error) : NULL;
  g_mutex_unlock (&self->work->lock);
  return error;
}
