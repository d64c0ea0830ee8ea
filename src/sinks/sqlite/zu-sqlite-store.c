/* SPDX-License-Identifier: Apache-2.0 */

#include "zu-sqlite-store.h"

#include <unistd.h>

#define MOST_QUEUED_EVENTS 65536
#define MOST_QUEUED_BYTES  (64 * 1024 * 1024)
#define MOST_BATCH_EVENTS  4096

/* Group commit. Whoever finds nobody leading leads: he takes what is queued, his own append among
 * it, commits all of it at once and answers everybody. Then whoever is first in the queue leads. A
 * lone appender so commits in his own thread, and while one batch is being committed the next one
 * gathers by itself. For callers who do not wait a worker thread leads. */
struct _ZuSqliteStore
{
  char *path;
  pid_t process;
  guint n_users; /* under the table's lock */

  GMutex lock;
  GCond room;
  guint n_without_room; /* who wait for it: a wake-up is a system call */
  GQueue queue;         /* of ZuSqliteOp */
  guint n_queued_events;
  gsize n_queued_bytes;
  gboolean is_led;
  int is_poisoned;
  int is_low_on_space;
  gboolean tells_of_space; /* under the lock: a change is still to be told */

  GThread *worker;
  GCond worker_cond;
  gboolean worker_leads;
  gboolean is_closing;
  gboolean is_orphan; /* the worker itself has dropped the last user */

  GPtrArray *sinks;     /* of GWeakRef */
  GQueue announcements; /* of GPtrArray of events, in stored order */
  gboolean is_announcing;

  ZuSqliteWriter *writer; /* of the leader */
};

/* One writer for one log in one process. */
static GMutex table_lock;
static GHashTable *table;

static void
free_weak_ref (gpointer data)
{
  g_weak_ref_clear (data);
  g_free (data);
}

static ZuSqliteStore *
store_new (const char *path)
{
  ZuSqliteStore *self = g_new0 (ZuSqliteStore, 1);

  self->path = g_strdup (path);
  self->process = getpid ();
  self->sinks = g_ptr_array_new_with_free_func (free_weak_ref);
  self->writer = zu_sqlite_writer_new (path);
  g_mutex_init (&self->lock);
  g_cond_init (&self->room);
  g_cond_init (&self->worker_cond);
  g_queue_init (&self->queue);
  g_queue_init (&self->announcements);
  return self;
}

static void
store_free (ZuSqliteStore *self)
{
  zu_sqlite_writer_free (self->writer);
  g_queue_clear_full (&self->announcements, (GDestroyNotify) g_ptr_array_unref);
  g_ptr_array_unref (self->sinks);
  g_mutex_clear (&self->lock);
  g_cond_clear (&self->room);
  g_cond_clear (&self->worker_cond);
  g_free (self->path);
  g_free (self);
}

static void
add_sink (ZuSqliteStore *self, ZuEventSink *sink)
{
  GWeakRef *weak = g_new0 (GWeakRef, 1);

  g_weak_ref_init (weak, sink);
  g_mutex_lock (&self->lock);
  g_ptr_array_add (self->sinks, weak);
  g_mutex_unlock (&self->lock);
}

/* The store of a log, for a sink of it; @path is without links and relative parts. A poisoned
 * store, and one that a parent process has opened, serves those who have it, and nobody new. */
ZuSqliteStore *
zu_sqlite_store_get (const char *path, ZuEventSink *sink)
{
  g_autoptr (GMutexLocker) locker = g_mutex_locker_new (&table_lock);
  ZuSqliteStore *self;

  if (table == NULL)
    table = g_hash_table_new (g_str_hash, g_str_equal);

  self = g_hash_table_lookup (table, path);
  if (self == NULL || zu_sqlite_store_is_poisoned (self) || self->process != getpid ())
    {
      self = store_new (path);
      g_hash_table_replace (table, self->path, self);
    }

  self->n_users++;
  add_sink (self, sink);
  return self;
}

static gboolean
drop_user (ZuSqliteStore *self)
{
  g_autoptr (GMutexLocker) locker = g_mutex_locker_new (&table_lock);

  self->n_users--;
  if (self->n_users == 0 && g_hash_table_lookup (table, self->path) == self)
    g_hash_table_remove (table, self->path);
  return self->n_users == 0;
}

/* The last user closes the log. */
void
zu_sqlite_store_release (ZuSqliteStore *self)
{
  /* A forked child has neither the worker nor a right to the connection: it leaves them alone. */
  if (!drop_user (self) || self->process != getpid ())
    return;

  g_mutex_lock (&self->lock);
  self->is_closing = TRUE;
  self->is_orphan = self->worker == g_thread_self ();
  g_cond_signal (&self->worker_cond);
  g_mutex_unlock (&self->lock);
  if (self->is_orphan)
    return;

  if (self->worker != NULL)
    g_thread_join (self->worker);
  store_free (self);
}

gboolean
zu_sqlite_store_is_poisoned (ZuSqliteStore *self)
{
  return g_atomic_int_get (&self->is_poisoned);
}

gboolean
zu_sqlite_store_is_low_on_space (ZuSqliteStore *self)
{
  return g_atomic_int_get (&self->is_low_on_space);
}

static void
dequeued (ZuSqliteStore *self, ZuSqliteOp *op)
{
  self->n_queued_events -= zu_sqlite_op_get_n_events (op);
  self->n_queued_bytes -= op->n_bytes;
  if (self->n_without_room > 0)
    g_cond_broadcast (&self->room);
}

static void
finish_all (GPtrArray *ops)
{
  for (guint i = 0; i < ops->len; i++)
    zu_sqlite_op_finish (g_ptr_array_index (ops, i));
  g_ptr_array_set_size (ops, 0);
}

/* Answers those who need not wait any longer; whether anybody is left. */
static gboolean
drop_outdated (ZuSqliteStore *self)
{
  g_autoptr (GPtrArray) out = g_ptr_array_new ();
  gint64 now = g_get_monotonic_time ();
  gboolean is_empty;

  g_mutex_lock (&self->lock);
  for (GList *link = self->queue.head, *next; link != NULL; link = next)
    {
      next = link->next;
      if (!zu_sqlite_op_is_out (link->data, now))
        continue;
      dequeued (self, link->data);
      g_ptr_array_add (out, link->data);
      g_queue_delete_link (&self->queue, link);
    }
  is_empty = g_queue_is_empty (&self->queue);
  g_mutex_unlock (&self->lock);

  finish_all (out);
  return !is_empty;
}

/* Waits for the log as long as anybody in the queue does; a leader who waits himself no longer than
 * he is willing to. */
static ZuSqliteBegin
begin (ZuSqliteStore *self, ZuSqliteOp *own, GError **error)
{
  ZuSqliteBegin result;
  guint attempts = 0;

  while ((result = zu_sqlite_writer_try_begin (self->writer, error)) == ZU_SQLITE_BEGIN_BUSY)
    {
      if (!drop_outdated (self) || (own != NULL && own->is_done))
        break;
      zu_sqlite_writer_pause (self->writer, &attempts);
    }

  return result;
}

/* Those that are to be tried now. What was cancelled while it waited is answered here. */
static GPtrArray *
take_batch (ZuSqliteStore *self, guint most)
{
  g_autoptr (GPtrArray) batch = g_ptr_array_new ();
  g_autoptr (GMutexLocker) locker = g_mutex_locker_new (&self->lock);
  guint n_events = 0;

  while (n_events < most && !g_queue_is_empty (&self->queue))
    {
      ZuSqliteOp *op = g_queue_pop_head (&self->queue);

      n_events += zu_sqlite_op_get_n_events (op);
      dequeued (self, op);
      g_ptr_array_add (batch, op);
    }

  return g_steal_pointer (&batch);
}

/* Nobody, where the log was not to be had: who still waits for it goes on waiting. */
static guint
most_to_take (ZuSqliteBegin result)
{
  switch (result)
    {
    case ZU_SQLITE_BEGIN_DONE:
      return MOST_BATCH_EVENTS;
    case ZU_SQLITE_BEGIN_FAILED:
      return G_MAXUINT;
    default:
      return 0;
    }
}

static void
refuse_all (GPtrArray *ops, const GError *error)
{
  for (guint i = 0; i < ops->len; i++)
    zu_sqlite_op_refuse (g_ptr_array_index (ops, i), error);
}

static void
commit_batch (ZuSqliteStore *self, GPtrArray *batch)
{
  g_autoptr (GError) error = NULL;

  for (guint i = 0; i < batch->len; i++)
    {
      ZuSqliteOp *op = g_ptr_array_index (batch, i);

      if (!g_cancellable_set_error_if_cancelled (op->cancellable, &op->error))
        zu_sqlite_op_perform (op, self->writer);
    }

  if (!zu_sqlite_writer_commit (self->writer, &error))
    refuse_all (batch, error);
}

/* Whoever is first leads from now on. */
static void
hand_over (ZuSqliteStore *self)
{
  g_autoptr (GMutexLocker) locker = g_mutex_locker_new (&self->lock);
  ZuSqliteOp *first = g_queue_peek_head (&self->queue);

  if (first == NULL)
    self->is_led = FALSE;
  else if (first->waiter != NULL)
    zu_sqlite_op_wake_to_lead (first);
  else
    {
      self->worker_leads = TRUE;
      g_cond_signal (&self->worker_cond);
    }
}

static GPtrArray *
dup_sinks (ZuSqliteStore *self)
{
  g_autoptr (GPtrArray) sinks = g_ptr_array_new_with_free_func (g_object_unref);

  for (guint i = self->sinks->len; i > 0; i--)
    {
      GObject *sink = g_weak_ref_get (g_ptr_array_index (self->sinks, i - 1));

      if (sink != NULL)
        g_ptr_array_add (sinks, sink);
      else
        g_ptr_array_remove_index_fast (self->sinks, i - 1);
    }

  return g_steal_pointer (&sinks);
}

static void
tell (ZuEventSink *sink, GPtrArray *events)
{
  if (!g_signal_has_handler_pending (sink, g_signal_lookup ("appended", ZU_TYPE_EVENT_SINK), 0,
                                     FALSE))
    return;

  for (guint i = 0; i < events->len; i++)
    zu_event_sink_emit_appended (sink, g_ptr_array_index (events, i));
}

static void
tell_of_space (ZuSqliteStore *self)
{
  g_autoptr (GPtrArray) sinks = NULL;

  g_mutex_lock (&self->lock);
  if (self->tells_of_space)
    sinks = dup_sinks (self);
  self->tells_of_space = FALSE;
  g_mutex_unlock (&self->lock);

  for (guint i = 0; sinks != NULL && i < sinks->len; i++)
    g_object_notify (g_ptr_array_index (sinks, i), "low-on-space");
}

/* Tells every sink of the log in this process what was stored, in stored order, without a lock: a
 * listener may append. One thread tells at a time; what comes meanwhile is left to it. */
static void
announce (ZuSqliteStore *self)
{
  GPtrArray *events;

  g_mutex_lock (&self->lock);
  if (self->is_announcing)
    {
      g_mutex_unlock (&self->lock);
      return;
    }

  self->is_announcing = TRUE;
  while ((events = g_queue_pop_head (&self->announcements)) != NULL)
    {
      g_autoptr (GPtrArray) sinks = dup_sinks (self);

      /* A sink that nobody else holds any more goes here, and comes back for the lock. */
      g_mutex_unlock (&self->lock);
      for (guint i = 0; i < sinks->len; i++)
        tell (g_ptr_array_index (sinks, i), events);
      g_ptr_array_unref (events);
      g_clear_pointer (&sinks, g_ptr_array_unref);
      g_mutex_lock (&self->lock);
    }
  self->is_announcing = FALSE;
  g_mutex_unlock (&self->lock);
}

static void
queue_announcement (ZuSqliteStore *self)
{
  GPtrArray *fresh = zu_sqlite_writer_take_fresh (self->writer);

  g_mutex_lock (&self->lock);
  g_queue_push_tail (&self->announcements, fresh);
  g_mutex_unlock (&self->lock);
}

/* While the lead is still ours. */
static void
look_at_space (ZuSqliteStore *self, GPtrArray *batch)
{
  guint64 limit = 0;
  gboolean is_low;

  for (guint i = 0; i < batch->len; i++)
    limit = MAX (limit, ((ZuSqliteOp *) g_ptr_array_index (batch, i))->params->space_warning);
  if (batch->len == 0)
    return;

  is_low = zu_sqlite_writer_look_at_space (self->writer, limit);
  if (is_low == zu_sqlite_store_is_low_on_space (self))
    return;
  g_atomic_int_set (&self->is_low_on_space, is_low);
  g_mutex_lock (&self->lock);
  self->tells_of_space = TRUE;
  g_mutex_unlock (&self->lock);
}

/* Commits one batch, answers it and gives the lead away. Called without the lock; @own is the
 * append of the leader, where he has one. */
static void
lead (ZuSqliteStore *self, ZuSqliteOp *own)
{
  g_autoptr (GPtrArray) batch = NULL;
  g_autoptr (GError) error = NULL;
  ZuSqliteBegin result = begin (self, own, &error);

  batch = take_batch (self, most_to_take (result));
  if (result == ZU_SQLITE_BEGIN_DONE)
    commit_batch (self, batch);
  else
    refuse_all (batch, error);
  queue_announcement (self);
  look_at_space (self, batch);
  g_atomic_int_set (&self->is_poisoned, zu_sqlite_writer_is_poisoned (self->writer));

  /* The next one begins while the others are being woken. For a checkpoint nobody waits with his
   * answer in hand. */
  if (zu_sqlite_writer_is_checkpoint_due (self->writer))
    {
      finish_all (batch);
      zu_sqlite_writer_checkpoint (self->writer);
    }
  zu_sqlite_writer_give_up (self->writer);
  hand_over (self);
  finish_all (batch);
  announce (self);
  tell_of_space (self);
}

static gpointer
work (gpointer data)
{
  ZuSqliteStore *self = data;
  gboolean is_orphan;

  g_mutex_lock (&self->lock);
  while (!self->is_closing)
    {
      if (!self->worker_leads)
        {
          g_cond_wait (&self->worker_cond, &self->lock);
          continue;
        }
      self->worker_leads = FALSE;
      g_mutex_unlock (&self->lock);
      lead (self, NULL);
      g_mutex_lock (&self->lock);
    }
  is_orphan = self->is_orphan;
  g_mutex_unlock (&self->lock);

  if (is_orphan)
    {
      g_thread_unref (self->worker);
      store_free (self);
    }
  return NULL;
}

static gboolean
has_room (ZuSqliteStore *self, ZuSqliteOp *op)
{
  return g_queue_is_empty (&self->queue)
         || (self->n_queued_events + zu_sqlite_op_get_n_events (op) <= MOST_QUEUED_EVENTS
             && self->n_queued_bytes + op->n_bytes <= MOST_QUEUED_BYTES);
}

static void
enqueue (ZuSqliteStore *self, ZuSqliteOp *op)
{
  g_queue_push_tail (&self->queue, op);
  self->n_queued_events += zu_sqlite_op_get_n_events (op);
  self->n_queued_bytes += op->n_bytes;
}

static gboolean
check_process (ZuSqliteStore *self, ZuSqliteOp *op)
{
  if (self->process == getpid ())
    return TRUE;

  g_set_error (&op->error, ZU_EVENT_SINK_ERROR, ZU_EVENT_SINK_ERROR_POISONED,
               "%s: the log was opened before this process was forked (open it again)", self->path);
  return FALSE;
}

static void
set_overloaded_error (ZuSqliteOp *op)
{
  g_set_error_literal (&op->error, ZU_EVENT_SINK_ERROR, ZU_EVENT_SINK_ERROR_OVERLOADED,
                       "too many appends are waiting for the log; this one was not stored (wait "
                       "for the answers to some of them)");
}

/* Waits for a place in the queue. */
static gboolean
wait_for_room (ZuSqliteStore *self, ZuSqliteOp *op)
{
  gboolean is_in_time = TRUE;

  self->n_without_room++;
  while (is_in_time && !has_room (self, op))
    is_in_time = g_cond_wait_until (&self->room, &self->lock, op->deadline);
  self->n_without_room--;
  return is_in_time;
}

/* Appends and waits for the answer. */
void
zu_sqlite_store_run (ZuSqliteStore *self, ZuSqliteOp *op)
{
  gboolean leads;

  if (g_cancellable_set_error_if_cancelled (op->cancellable, &op->error)
      || !check_process (self, op))
    return;

  g_mutex_lock (&self->lock);
  if (!wait_for_room (self, op))
    {
      g_mutex_unlock (&self->lock);
      set_overloaded_error (op);
      return;
    }
  enqueue (self, op);
  leads = !self->is_led;
  self->is_led = TRUE;
  g_mutex_unlock (&self->lock);

  if (leads)
    lead (self, op);
  while (!zu_sqlite_op_wait (op))
    lead (self, op);
}

/* Appends for a call, which is answered later; never waits. */
void
zu_sqlite_store_push (ZuSqliteStore *self, ZuSqliteOp *op)
{
  if (!check_process (self, op))
    {
      zu_sqlite_op_finish (op);
      return;
    }

  g_mutex_lock (&self->lock);
  if (!has_room (self, op))
    {
      g_mutex_unlock (&self->lock);
      set_overloaded_error (op);
      zu_sqlite_op_finish (op);
      return;
    }

  if (self->worker == NULL)
    self->worker = g_thread_new ("zu-sqlite", work, self);
  enqueue (self, op);
  if (!self->is_led)
    {
      self->is_led = self->worker_leads = TRUE;
      g_cond_signal (&self->worker_cond);
    }
  g_mutex_unlock (&self->lock);
}
