/* SPDX-License-Identifier: Apache-2.0 */

/* Appending to a log in SQLite, beside a plain loop that inserts the same rows. */

#include "bench-log.h"

#include "bench.h"

#define N_SINGLE    500
#define N_THREADED  (BENCH_TRACES * 50)
#define N_BATCH     10000
#define FEW         10000
#define MANY        100000
#define MOST        1000000
#define BARE_COMMIT 512

/* Two logs alike, one of them ours. Both grew the same way: a file that was copied is slower. */
typedef struct
{
  char *folder;
  ZuEventSink *sink;
  BenchBare *bare;
  BenchTraces *traces; /* of what the sink gets */
  BenchTraces *bare_traces;
  guint n; /* in a round */
  guint n_a_commit;
} Pair;

static void
pair_init (Pair *self, guint n_traces, guint n_stored)
{
  g_autofree char *path = NULL, *bare = NULL, *uri = NULL;

  self->folder = bench_folder_new ();
  path = g_build_filename (self->folder, "ours.db", NULL);
  bare = g_build_filename (self->folder, "bare.db", NULL);
  uri = g_strconcat ("sqlite:", path, NULL);
  bench_fill (path, BENCH_TRACES, n_stored);
  bench_fill (bare, BENCH_TRACES, n_stored);
  self->sink = bench_open (uri);
  self->bare = bench_bare_open (bare);
  self->traces = bench_traces_new (n_traces);
  self->bare_traces = bench_traces_new (n_traces);
}

static void
pair_clear (Pair *self)
{
  g_clear_object (&self->sink);
  g_clear_pointer (&self->bare, bench_bare_free);
  g_clear_pointer (&self->traces, bench_traces_free);
  g_clear_pointer (&self->bare_traces, bench_traces_free);
  bench_folder_remove (self->folder);
  g_clear_pointer (&self->folder, g_free);
}

G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC (Pair, pair_clear)

static void
append (ZuEventSink *sink, ZuEvent *event)
{
  GError *error = NULL;
  g_autoptr (ZuEvent) stored = zu_event_sink_append (sink, event, NULL, &error);

  bench_check (error);
}

static double
append_one_by_one (gpointer data)
{
  Pair *self = data;
  g_autoptr (GPtrArray) events = bench_traces_make (self->traces, self->n);
  double start = bench_now ();

  for (guint i = 0; i < events->len; i++)
    append (self->sink, g_ptr_array_index (events, i));
  return bench_now () - start;
}

static double
insert_bare (gpointer data)
{
  Pair *self = data;
  g_autoptr (GPtrArray) linked = bench_traces_make_linked (self->bare_traces, self->n);

  return bench_bare_insert (self->bare, linked, self->n_a_commit);
}

/* An appender of its own trace, which waits for each answer. */
typedef struct
{
  ZuEventSink *sink;
  GPtrArray *events;
  guint trace;
  GMutex *gate; /* held until all are there */
} Appender;

static gpointer
append_own (gpointer data)
{
  Appender *self = data;

  g_mutex_lock (self->gate);
  g_mutex_unlock (self->gate);
  for (guint i = self->trace; i < self->events->len; i += BENCH_TRACES)
    append (self->sink, g_ptr_array_index (self->events, i));
  return NULL;
}

static double
append_threaded (gpointer data)
{
  Pair *self = data;
  g_autoptr (GPtrArray) events = bench_traces_make (self->traces, self->n);
  Appender appenders[BENCH_TRACES];
  GThread *threads[BENCH_TRACES];
  GMutex gate;
  double start;

  g_mutex_init (&gate);
  g_mutex_lock (&gate);
  for (guint i = 0; i < BENCH_TRACES; i++)
    {
      appenders[i] = (Appender){ self->sink, events, i, &gate };
      threads[i] = g_thread_new ("appender", append_own, &appenders[i]);
    }
  start = bench_now ();
  g_mutex_unlock (&gate);
  for (guint i = 0; i < BENCH_TRACES; i++)
    g_thread_join (threads[i]);
  start = bench_now () - start;
  g_mutex_clear (&gate);
  return start;
}

/* Appenders in one main loop, each of its own trace. */
typedef struct
{
  GPtrArray *events;
  guint to_start;
  guint to_end;
} Loop;

static void
on_appended (GObject *source, GAsyncResult *result, gpointer user_data)
{
  Loop *loop = user_data;
  GError *error = NULL;
  g_autoptr (ZuEvent) stored = zu_event_sink_append_finish (ZU_EVENT_SINK (source), result, &error);

  bench_check (error);
  loop->to_end--;
  if (loop->to_start < loop->events->len)
    zu_event_sink_append_async (ZU_EVENT_SINK (source),
                                g_ptr_array_index (loop->events, loop->to_start++), NULL,
                                on_appended, loop);
}

static double
append_in_loop (gpointer data)
{
  Pair *self = data;
  g_autoptr (GPtrArray) events = bench_traces_make (self->traces, self->n);
  Loop loop = { events, BENCH_TRACES, events->len };
  double start = bench_now ();

  for (guint i = 0; i < BENCH_TRACES; i++)
    zu_event_sink_append_async (self->sink, g_ptr_array_index (events, i), NULL, on_appended,
                                &loop);
  while (loop.to_end > 0)
    g_main_context_iteration (NULL, TRUE);
  return bench_now () - start;
}

static double
append_many_to (ZuEventSink *sink, GPtrArray *events)
{
  GError *error = NULL;
  double start = bench_now ();
  g_autoptr (GPtrArray) stored = zu_event_sink_append_many (sink, events, NULL, &error);

  bench_check (error);
  return bench_now () - start;
}

static double
append_many (gpointer data)
{
  Pair *self = data;
  g_autoptr (GPtrArray) events = bench_traces_make (self->traces, self->n);

  return append_many_to (self->sink, events);
}

static BenchFigure
run_single (const char *name, guint n_stored, double at_least)
{
  g_auto (Pair) pair = { .n = N_SINGLE, .n_a_commit = 1 };
  const Bench bench = { name, "events", N_SINGLE, at_least, append_one_by_one, insert_bare, &pair };

  pair_init (&pair, 1, n_stored);
  return bench_run (&bench);
}

static BenchFigure
run_threaded (const char *name, guint n_stored, double at_least)
{
  g_auto (Pair) pair = { .n = N_THREADED, .n_a_commit = BENCH_TRACES };
  const Bench bench = { name, "events", N_THREADED, at_least, append_threaded, insert_bare, &pair };

  pair_init (&pair, BENCH_TRACES, n_stored);
  return bench_run (&bench);
}

static void
run_loop (void)
{
  g_auto (Pair) pair = { .n = N_THREADED, .n_a_commit = BENCH_TRACES };
  const Bench bench = { "sqlite-append-64-loop", "events",    N_THREADED, 0,
                        append_in_loop,          insert_bare, &pair };

  pair_init (&pair, BENCH_TRACES, FEW);
  bench_run (&bench);
}

/* How a ratio of this run compares with another. */
static void
print_of_ratios (const char *name, const BenchFigure *this, const BenchFigure *other,
                 double at_least)
{
  BenchFigure figure = { .name = name, .unit = "ratio", .at_least = at_least };

  figure.value = this->ratio;
  figure.limit = other->ratio;
  figure.ratio = this->ratio / other->ratio;
  figure.spread = MAX (this->spread, this->limit_spread);
  figure.limit_spread = MAX (this->limit_spread, other->limit_spread);
  figure.rounds = MIN (this->rounds, other->rounds);
  bench_print (&figure);
}

/* Alone and 64 at once, with few events in the log and with many. What 64 gain is held against what
 * the bare loop gains by committing 64 at a time; what many events cost, against what they cost
 * it. */
static void
run_appenders (void)
{
  guint many = bench_is_full () ? MOST : MANY;
  BenchFigure one = run_single ("sqlite-append-1", FEW, 0.85);
  BenchFigure all = run_threaded ("sqlite-append-64", FEW, 0.7);
  BenchFigure one_later, all_later;

  print_of_ratios ("sqlite-append-64-gain", &all, &one, 0.7);
  run_loop ();
  one_later = run_single ("sqlite-append-1-later", many, 0);
  print_of_ratios ("sqlite-append-1-growth", &one_later, &one, 1 / 1.1);
  all_later = run_threaded ("sqlite-append-64-later", many, 0);
  print_of_ratios ("sqlite-append-64-growth", &all_later, &all, 1 / 1.1);
}

static void
run_many (void)
{
  g_auto (Pair) pair = { .n = N_BATCH, .n_a_commit = BARE_COMMIT };
  const Bench bench = { "sqlite-append-many", "events",    N_BATCH, 0.7,
                        append_many,          insert_bare, &pair };

  pair_init (&pair, BENCH_TRACES, MANY);
  bench_run (&bench);
}

int
main (int argc, char **argv)
{
  bench_init (argc, argv);
  if (bench_is_wanted ("sqlite-append-1") || bench_is_wanted ("sqlite-append-64"))
    run_appenders ();
  if (bench_is_wanted ("sqlite-append-many"))
    run_many ();
  return 0;
}
