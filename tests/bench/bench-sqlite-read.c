/* SPDX-License-Identifier: Apache-2.0 */

/* Reading a log in SQLite, and verifying it, beside plain loops over the same rows. */

#include "bench-log.h"

#include "bench.h"

#include <nettle/sha2.h>
#include <string.h>
#include <unistd.h>

#define N       100000
#define N_FULL  1000000
#define PAGE    512
#define N_PARTS 20000
#define MOST_KB (16 * 1024)

typedef struct
{
  char *path;
  char *uri;
  guint n;
  guint n_threads;
  guint64 sum; /* so that no reading is left out */

  GPtrArray *stored; /* of GBytes: the texts of some rows */
  GPtrArray *canonical;
} Data;

static sqlite3_stmt *
open_rows (Data *data, sqlite3 **db)
{
  sqlite3_stmt *rows = NULL;

  if (sqlite3_open_v2 (data->path, db, SQLITE_OPEN_READONLY | SQLITE_OPEN_NOMUTEX, NULL) != 0
      || sqlite3_prepare_v2 (*db, "SELECT seq, data FROM events ORDER BY seq", -1, &rows, NULL)
             != 0)
    g_error ("%s", sqlite3_errmsg (*db));
  return rows;
}

/* A read of each cache line. */
static guint64
touch (const guint8 *bytes, gsize size)
{
  guint64 sum = 0;

  for (gsize i = 0; i < size; i += 64)
    sum += bytes[i];
  return sum;
}

static double
step_and_touch (gpointer user_data)
{
  Data *data = user_data;
  g_autoptr (sqlite3) db = NULL;
  g_autoptr (sqlite3_stmt) rows = NULL;
  double start = bench_now ();

  rows = open_rows (data, &db);
  while (sqlite3_step (rows) == SQLITE_ROW)
    data->sum += touch (sqlite3_column_blob (rows, 1), (gsize) sqlite3_column_bytes (rows, 1));
  return bench_now () - start;
}

/* Follows @sink page by page; calls @func after each. Gives how many events there were. */
static guint
stream (Data *data, ZuEventSink *sink, void (*func) (gpointer), gpointer func_data)
{
  gint64 after = 0;
  guint n = 0;

  for (;;)
    {
      GError *error = NULL;
      g_autoptr (ZuEventPage) page = zu_event_sink_stream (sink, NULL, after, PAGE, NULL, &error);
      GPtrArray *events;

      bench_check (error);
      events = zu_event_page_get_events (page);
      if (events->len == 0)
        return n;
      for (guint i = 0; i < events->len; i++)
        {
          ZuEvent *event = g_ptr_array_index (events, i);
          gsize length;
          const char *payload = zu_event_get_payload_text (event, &length);

          data->sum += touch ((const guint8 *) payload, length)
                       + (guint64) *zu_event_get_event_type (event)
                       + (guint64) *zu_event_get_ts (event);
        }
      n += events->len;
      after = zu_event_page_get_next_seq (page);
      if (func != NULL)
        func (func_data);
    }
}

static double
stream_events (gpointer user_data)
{
  Data *data = user_data;
  double start = bench_now ();
  g_autoptr (ZuEventSink) sink = bench_open (data->uri);

  g_assert_cmpuint (stream (data, sink, NULL, NULL), ==, data->n);
  return bench_now () - start;
}

/* As `zuctl log verify` does, on two processors. */
static double
verify (gpointer user_data)
{
  Data *data = user_data;
  double start = bench_now ();
  g_autoptr (ZuEventSink) sink = bench_open (data->uri);
  g_autoptr (ZuChainVerifier) verifier = zu_chain_verifier_new (NULL);
  GError *error = NULL;

  zu_chain_verifier_add_log (verifier, sink, NULL, data->n_threads, NULL, &error);
  bench_check (error);
  zu_chain_verifier_end (verifier);
  start = bench_now () - start;
  g_assert_cmpuint (zu_chain_verifier_get_n_events (verifier), ==, data->n);
  g_assert_cmpuint (zu_chain_verifier_get_n_violations (verifier), ==, 0);
  return start;
}

static void
hash (Data *data, const guint8 *bytes, gsize size)
{
  struct sha256_ctx context;
  guint8 digest[SHA256_DIGEST_SIZE];

  sha256_init (&context);
  sha256_update (&context, size, bytes);
  sha256_digest (&context, sizeof digest, digest);
  data->sum += digest[0];
}

/* The stored text is a little longer than what is hashed of it, by the links. */
static double
step_and_hash (gpointer user_data)
{
  Data *data = user_data;
  const gsize links = strlen (",\"hash\":\"\",\"sig\":null") + 64;
  g_autoptr (sqlite3) db = NULL;
  g_autoptr (sqlite3_stmt) rows = NULL;
  double start = bench_now ();

  rows = open_rows (data, &db);
  while (sqlite3_step (rows) == SQLITE_ROW)
    {
      const guint8 *blob = sqlite3_column_blob (rows, 1);

      hash (data, blob + 1, (gsize) sqlite3_column_bytes (rows, 1) - 1 - links);
    }
  return bench_now () - start;
}

static void
load_parts (Data *data)
{
  g_autoptr (sqlite3) db = NULL;
  g_autoptr (sqlite3_stmt) rows = open_rows (data, &db);

  data->stored = g_ptr_array_new_with_free_func ((GDestroyNotify) g_bytes_unref);
  data->canonical = g_ptr_array_new_with_free_func (g_free);
  while (data->stored->len < N_PARTS && sqlite3_step (rows) == SQLITE_ROW)
    {
      const char *blob = sqlite3_column_blob (rows, 1);
      gsize size = (gsize) sqlite3_column_bytes (rows, 1);
      GBytes *text = g_bytes_new (blob + 1, size - 1);
      g_autoptr (ZuEvent) event = zu_event_new_from_stored (text, NULL);

      g_ptr_array_add (data->stored, text);
      g_ptr_array_add (data->canonical,
                       zu_event_dup_canonical (event, zu_event_get_prev_hash (event)));
    }
}

static double
parse_part (Data *data)
{
  double start = bench_now ();

  for (guint i = 0; i < data->stored->len; i++)
    {
      g_autoptr (ZuEvent) event =
          zu_event_new_from_stored (g_ptr_array_index (data->stored, i), NULL);

      data->sum += event != NULL;
    }
  return bench_now () - start;
}

static double
hash_part (Data *data)
{
  double start = bench_now ();

  for (guint i = 0; i < data->canonical->len; i++)
    {
      const char *text = g_ptr_array_index (data->canonical, i);

      hash (data, (const guint8 *) text, strlen (text));
    }
  return bench_now () - start;
}

/* Parsing included. */
static double
digest_part (Data *data)
{
  double start = bench_now ();

  for (guint i = 0; i < data->stored->len; i++)
    {
      g_autoptr (ZuEvent) event =
          zu_event_new_from_stored (g_ptr_array_index (data->stored, i), NULL);
      g_autofree char *digest = zu_event_dup_own_digest (event);

      data->sum += (guint64) *digest;
    }
  return bench_now () - start;
}

static void
print_part (const char *name, double part, double whole)
{
  const BenchFigure figure = {
    .name = name, .unit = "us/event", .value = part, .limit = whole, .ratio = part / whole
  };

  bench_print (&figure);
}

/* Where the time of verifying goes: each part of it, as a share of the whole. */
static void
print_parts (Data *data, const BenchFigure *verified)
{
  double whole = 1e6 / verified->value;
  double read, parse, digest, hashed;

  load_parts (data);
  read = 1e6 * step_and_touch (data) / data->n;
  parse = 1e6 * parse_part (data) / data->stored->len;
  digest = 1e6 * digest_part (data) / data->stored->len;
  hashed = 1e6 * hash_part (data) / data->stored->len;
  print_part ("sqlite-verify-read", read, whole);
  print_part ("sqlite-verify-parse", parse, whole);
  print_part ("sqlite-verify-canonicalise", digest - parse - hashed, whole);
  print_part ("sqlite-verify-hash", hashed, whole);
  g_ptr_array_unref (data->stored);
  g_ptr_array_unref (data->canonical);
}

static gint64
get_resident_kb (void)
{
  g_autofree char *text = NULL;
  char *end;

  if (!g_file_get_contents ("/proc/self/statm", &text, NULL, NULL))
    return 0;
  g_ascii_strtoll (text, &end, 10);
  return g_ascii_strtoll (end, NULL, 10) * (sysconf (_SC_PAGESIZE) / 1024);
}

static void
note_most (gpointer user_data)
{
  gint64 *most = user_data;

  *most = MAX (*most, get_resident_kb ());
}

/* In a process of its own, in which nothing has left room behind. */
static int
print_growth (const char *path)
{
  Data data = { .path = g_strdup (path), .uri = g_strconcat ("sqlite:", path, NULL) };
  g_autoptr (ZuEventSink) sink = bench_open (data.uri);
  gint64 before = get_resident_kb (), most = before;

  stream (&data, sink, note_most, &most);
  g_print ("%" G_GINT64_FORMAT "\n", most - before);
  return 0;
}

static void
run_memory (Data *data, const char *program)
{
  const char *argv[] = { program, "--growth", data->path, NULL };
  g_autofree char *output = NULL;
  GError *error = NULL;
  BenchFigure figure = { .name = "sqlite-stream-memory", .unit = "KiB", .at_least = 1 };

  g_spawn_sync (NULL, (char **) argv, NULL, 0, NULL, NULL, &output, NULL, NULL, &error);
  bench_check (error);
  figure.value = g_ascii_strtod (output, NULL);
  figure.limit = MOST_KB;
  figure.ratio = figure.limit / MAX (figure.value, 1);
  figure.rounds = 1;
  bench_print (&figure);
}

int
main (int argc, char **argv)
{
  g_autofree char *folder = NULL;
  Data data = { NULL };

  if (argc == 3 && g_str_equal (argv[1], "--growth"))
    return print_growth (argv[2]);
  bench_init (argc, argv);
  if (!bench_is_wanted ("sqlite-stream") && !bench_is_wanted ("sqlite-verify"))
    return 0;

  folder = bench_folder_new ();
  data.path = g_build_filename (folder, "log.db", NULL);
  data.uri = g_strconcat ("sqlite:", data.path, NULL);
  data.n = bench_is_full () ? N_FULL : N;
  data.n_threads = 2;
  bench_fill (data.path, BENCH_TRACES, data.n);

  if (bench_is_wanted ("sqlite-stream"))
    {
      const Bench bench = { "sqlite-stream", "events",       data.n, 0.25,
                            stream_events,   step_and_touch, &data };

      bench_run (&bench);
      run_memory (&data, argv[0]);
    }
  if (bench_is_wanted ("sqlite-verify"))
    {
      const Bench bench = { "sqlite-verify", "events", data.n, 1, verify, step_and_hash, &data };
      BenchFigure figure = bench_run (&bench);

      print_parts (&data, &figure);
    }

  bench_folder_remove (folder);
  g_free (data.path);
  g_free (data.uri);
  return 0;
}
