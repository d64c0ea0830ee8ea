/* SPDX-License-Identifier: Apache-2.0 */

/* Calls on the disk that fail, each in its turn: what was acknowledged stays, what was refused is
 * not there, and after an error that leaves it open nothing is taken until the log is opened anew.
 */

#include "disk.h"
#include "log-support.h"

#include <errno.h>
#include <string.h>

#define N_BATCH    5
#define MOST_CALLS 400

typedef struct
{
  const char *kind;
  DiskCall calls;
  int reason;
  gboolean is_lasting;
} Sweep;

typedef struct
{
  const Sweep *sweep;
  char *folder;
  char *images;
  Promises promises;
  GPtrArray *refused; /* ids that are not to be there */
  gboolean is_poisoned;
} Attempt;

static void
attempt_init (Attempt *self, const Sweep *sweep)
{
  self->sweep = sweep;
  self->folder = make_folder ();
  self->images = make_folder ();
  self->refused = g_ptr_array_new_with_free_func (g_free);
  self->is_poisoned = FALSE;
  promises_init (&self->promises);
  disk_watch (self->folder, self->images, 1);
}

static void
attempt_clear (Attempt *self)
{
  disk_unwatch ();
  remove_tree (self->folder);
  remove_tree (self->images);
  g_free (self->folder);
  g_free (self->images);
  g_ptr_array_unref (self->refused);
  promises_clear (&self->promises);
}

G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC (Attempt, attempt_clear)

static ZuEventSink *
attempt_open (Attempt *self)
{
  self->is_poisoned = FALSE;
  return open_log (self->sweep->kind, self->folder,
                   strcmp (self->sweep->kind, "jsonl") == 0 ? "?fsync=always" : NULL);
}

/* An error says whether the event may be there: only a poisoned log leaves that open. */
static void
note_error (Attempt *self, GPtrArray *events, const GError *error)
{
  gboolean is_open = g_error_matches (error, ZU_EVENT_SINK_ERROR, ZU_EVENT_SINK_ERROR_POISONED);

  g_assert_nonnull (error);
  g_test_message ("%s", error->message);
  g_assert_true (error->domain == ZU_EVENT_SINK_ERROR);
  g_assert_true (is_open || !self->is_poisoned);
  if (self->sweep->reason == ENOSPC && (self->sweep->calls & (DISK_WRITE | DISK_TRUNCATE)) != 0)
    g_assert_error (error, ZU_EVENT_SINK_ERROR, ZU_EVENT_SINK_ERROR_FULL);
  self->is_poisoned = is_open;
  for (guint i = 0; !is_open && i < events->len; i++)
    g_ptr_array_add (self->refused,
                     g_strdup (zu_event_get_event_id (g_ptr_array_index (events, i))));
}

static GPtrArray *
make_batch (guint first, guint n)
{
  GPtrArray *events = g_ptr_array_new_with_free_func (g_object_unref);

  for (guint i = 0; i < n; i++)
    g_ptr_array_add (events, make_sized_event (first + i, 300 * (i + 1)));
  return events;
}

static void
note_ids (GPtrArray *batches, GPtrArray *events)
{
  GPtrArray *ids = g_ptr_array_new_with_free_func (g_free);

  for (guint i = 0; i < events->len; i++)
    g_ptr_array_add (ids, g_strdup (zu_event_get_event_id (g_ptr_array_index (events, i))));
  g_ptr_array_add (batches, ids);
}

static void
append (Attempt *self, ZuEventSink *sink, guint first, guint n)
{
  g_autoptr (GPtrArray) events = make_batch (first, n), stored = NULL;
  g_autoptr (GError) error = NULL;

  note_ids (self->promises.batches, events);
  stored = zu_event_sink_append_many (sink, events, NULL, &error);
  if (stored == NULL)
    {
      note_error (self, events, error);
      return;
    }
  g_assert_false (self->is_poisoned);
  for (guint i = 0; i < stored->len; i++)
    promises_add (&self->promises, g_ptr_array_index (stored, i));
}

static void
append_alone (Attempt *self, ZuEventSink *sink, guint n)
{
  g_autoptr (ZuEvent) event = make_sized_event (n, 100), stored = NULL;
  g_autoptr (GPtrArray) alone = g_ptr_array_new ();
  g_autoptr (GError) error = NULL;

  g_ptr_array_add (alone, event);
  stored = zu_event_sink_append (sink, event, NULL, &error);
  if (stored == NULL)
    note_error (self, alone, error);
  else
    promises_add (&self->promises, stored);
  g_assert_true (stored == NULL || !self->is_poisoned);
}

static void
use_log (Attempt *self)
{
  for (guint round = 0; round < 2; round++)
    {
      g_autoptr (ZuEventSink) sink = attempt_open (self);

      for (guint i = 0; i < 3; i++)
        append_alone (self, sink, i);
      append (self, sink, round, N_BATCH);
      append_alone (self, sink, round);
    }
}

static void
check_batches (Attempt *self, LogState *state)
{
  for (guint i = 0; i < self->promises.batches->len; i++)
    {
      GPtrArray *batch = g_ptr_array_index (self->promises.batches, i);
      guint n = log_state_count_of (state, batch);

      g_assert_true (n == 0 || n == batch->len);
    }
}

static void
check_state (Attempt *self, LogState *state)
{
  log_state_assert_sound (state);
  log_state_assert_kept (state, &self->promises, self->promises.promised->len);
  g_assert_cmpuint (log_state_count_of (state, self->refused), ==, 0);
  check_batches (self, state);
}

/* The disk works again. The log is opened anew and written to; what is acknowledged from now on
 * stays too, whatever the kernel has forgotten meanwhile. */
static void
check_after (Attempt *self)
{
  g_autoptr (ZuEventSink) sink = attempt_open (self);
  g_autoptr (LogState) state = NULL, late = NULL;
  g_autoptr (GPtrArray) images = NULL;
  g_autoptr (ZuEventSink) image_sink = NULL;

  for (guint i = 0; i < 3; i++)
    append_alone (self, sink, i);
  g_assert_false (self->is_poisoned);
  state = log_state_read (sink);
  check_state (self, state);

  disk_make_image (DISK_IMAGE_NOTHING);
  images = disk_take_images ();
  image_sink =
      open_log (self->sweep->kind, ((DiskImage *) g_ptr_array_index (images, 0))->folder, NULL);
  late = log_state_read (image_sink);
  check_state (self, late);
}

/* Whether there was such a call. */
static gboolean
attempt (const Sweep *sweep, guint nth)
{
  g_auto (Attempt) self;
  gboolean has_failed;

  attempt_init (&self, sweep);
  disk_fail (sweep->calls, nth, sweep->reason, sweep->is_lasting);
  use_log (&self);
  has_failed = disk_has_failed ();
  disk_heal ();
  check_after (&self);
  return has_failed;
}

static void
test_sweep (gconstpointer data)
{
  guint nth = 1;

  for (; attempt (data, nth); nth++)
    g_assert_cmpuint (nth, <, MOST_CALLS);
  g_test_message ("%u calls", nth - 1);
  g_assert_cmpuint (nth, >, 1);
}

#define N_WAITING 40

/* Appends that wait at the same moment. */
typedef struct
{
  guint n_left;
  guint n_stored;
  guint n_full;
  guint n_poisoned;
} Waiting;

static void
answered (GObject *source, GAsyncResult *result, gpointer user_data)
{
  Waiting *waiting = user_data;
  g_autoptr (GError) error = NULL;
  g_autoptr (ZuEvent) stored = zu_event_sink_append_finish (ZU_EVENT_SINK (source), result, &error);

  waiting->n_left--;
  waiting->n_stored += stored != NULL;
  waiting->n_full += g_error_matches (error, ZU_EVENT_SINK_ERROR, ZU_EVENT_SINK_ERROR_FULL);
  waiting->n_poisoned += g_error_matches (error, ZU_EVENT_SINK_ERROR, ZU_EVENT_SINK_ERROR_POISONED);
}

static Waiting
append_at_once (ZuEventSink *sink)
{
  Waiting waiting = { N_WAITING, 0, 0, 0 };

  for (guint i = 0; i < N_WAITING; i++)
    {
      g_autoptr (ZuEvent) event = make_sized_event (i, 500);

      zu_event_sink_append_async (sink, event, NULL, answered, &waiting);
    }
  while (waiting.n_left > 0)
    g_main_context_iteration (NULL, TRUE);
  return waiting;
}

/* The disk is full in the middle of what several wait for: each is told so, nothing of it is there,
 * and the same sink goes on once there is space. */
static void
test_full_while_many_wait (gconstpointer kind)
{
  const Sweep sweep = { kind, DISK_WRITE, ENOSPC, TRUE };
  g_auto (Attempt) self;
  g_autoptr (ZuEventSink) sink = NULL;
  g_autoptr (LogState) state = NULL, after = NULL;
  Waiting waiting;

  attempt_init (&self, &sweep);
  sink = attempt_open (&self);
  append_alone (&self, sink, 0);
  disk_fail (DISK_WRITE, 1, ENOSPC, TRUE);
  waiting = append_at_once (sink);
  g_assert_cmpuint (waiting.n_full, >, 0);
  g_assert_cmpuint (waiting.n_stored + waiting.n_full, ==, N_WAITING);
  state = log_state_read (sink);
  log_state_assert_sound (state);
  g_assert_cmpuint (state->n_events, ==, waiting.n_stored + 1);

  disk_heal ();
  waiting = append_at_once (sink);
  g_assert_cmpuint (waiting.n_stored, ==, N_WAITING);
  after = log_state_read (sink);
  log_state_assert_sound (after);
  g_assert_cmpuint (after->n_events, ==, state->n_events + N_WAITING);
}

/* A flush fails: whoever waits is told, and so is whoever comes later; another sink goes on. */
static void
test_poisoned_while_many_wait (gconstpointer kind)
{
  const Sweep sweep = { kind, DISK_SYNC, EIO, FALSE };
  g_auto (Attempt) self;
  g_autoptr (ZuEventSink) sink = NULL, again = NULL;
  g_autoptr (LogState) state = NULL;
  Waiting waiting, later;

  attempt_init (&self, &sweep);
  sink = attempt_open (&self);
  append_alone (&self, sink, 0);
  disk_fail (DISK_SYNC, 1, EIO, FALSE);
  waiting = append_at_once (sink);
  g_assert_cmpuint (waiting.n_poisoned, >, 0);
  g_assert_cmpuint (waiting.n_stored + waiting.n_poisoned, ==, N_WAITING);
  later = append_at_once (sink);
  g_assert_cmpuint (later.n_poisoned, ==, N_WAITING);

  again = attempt_open (&self);
  append_alone (&self, again, 1);
  g_assert_false (self.is_poisoned);
  state = log_state_read (again);
  log_state_assert_sound (state);
  log_state_assert_kept (state, &self.promises, self.promises.promised->len);
  g_assert_cmpuint (state->n_events, >=, waiting.n_stored + 2);
}

static const Sweep sweeps[] = {
  { "sqlite", DISK_SYNC, EIO, FALSE },
  { "sqlite", DISK_WRITE, EIO, FALSE },
  { "sqlite", DISK_WRITE, ENOSPC, TRUE },
  { "sqlite", DISK_WRITE, EDQUOT, TRUE },
  { "sqlite", DISK_TRUNCATE, EIO, FALSE },
  { "sqlite", DISK_OPEN, EIO, FALSE },
  { "sqlite", DISK_OPEN, EMFILE, TRUE },
  { "sqlite", DISK_UNLINK, EIO, FALSE },
  { "jsonl", DISK_SYNC, EIO, FALSE },
  { "jsonl", DISK_WRITE, EIO, FALSE },
  { "jsonl", DISK_WRITE, ENOSPC, TRUE },
  { "jsonl", DISK_WRITE, EDQUOT, TRUE },
  { "jsonl", DISK_WRITE | DISK_TRUNCATE, EIO, TRUE },
  { "jsonl", DISK_OPEN, EIO, FALSE },
  { "jsonl", DISK_OPEN, EMFILE, TRUE },
};

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  silence_messages ();
  for (guint i = 0; i < G_N_ELEMENTS (sweeps); i++)
    {
      const Sweep *sweep = &sweeps[i];
      static const char *const names[] = { "open", "write", "truncate", "sync", "unlink" };
      g_autofree char *path = g_strdup_printf ("/faults/io/%s/%s%s-%d", sweep->kind,
                                               names[g_bit_nth_lsf (sweep->calls, -1)],
                                               sweep->is_lasting ? "s" : "", sweep->reason);

      g_test_add_data_func (path, sweep, test_sweep);
    }
  g_test_add_data_func ("/faults/io/sqlite/full-while-many-wait", "sqlite",
                        test_full_while_many_wait);
  g_test_add_data_func ("/faults/io/jsonl/full-while-many-wait", "jsonl",
                        test_full_while_many_wait);
  g_test_add_data_func ("/faults/io/sqlite/poisoned-while-many-wait", "sqlite",
                        test_poisoned_while_many_wait);
  g_test_add_data_func ("/faults/io/jsonl/poisoned-while-many-wait", "jsonl",
                        test_poisoned_while_many_wait);
  return g_test_run ();
}
