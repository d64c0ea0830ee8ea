/* SPDX-License-Identifier: Apache-2.0 */

/* Appending to a log of lines, beside a loop that writes the same lines. */

#include "bench-log.h"

#include "bench.h"

#include <fcntl.h>
#include <unistd.h>

#define N_LINES 20000
#define N_SYNCS 300

typedef struct
{
  ZuEventSink *sink;
  BenchTraces *traces; /* of what the sink gets */
  BenchTraces *bare_traces;
  int fd;
  guint n;
  gboolean is_linked;
  gboolean syncs;
} Lines;

static GPtrArray *
make (Lines *self)
{
  return self->is_linked ? bench_traces_make_linked (self->traces, self->n)
                         : bench_traces_make (self->traces, self->n);
}

static double
append_lines (gpointer data)
{
  Lines *self = data;
  g_autoptr (GPtrArray) events = make (self);
  double start = bench_now ();

  for (guint i = 0; i < events->len; i++)
    {
      GError *error = NULL;
      g_autoptr (ZuEvent) stored =
          zu_event_sink_append (self->sink, g_ptr_array_index (events, i), NULL, &error);

      bench_check (error);
    }
  return bench_now () - start;
}

static double
append_many (gpointer data)
{
  Lines *self = data;
  g_autoptr (GPtrArray) events = make (self);
  g_autoptr (GPtrArray) stored = NULL;
  GError *error = NULL;
  double start = bench_now ();

  stored = zu_event_sink_append_many (self->sink, events, NULL, &error);
  bench_check (error);
  return bench_now () - start;
}

static double
write_lines (gpointer data)
{
  Lines *self = data;
  g_autoptr (GPtrArray) events = bench_traces_make_linked (self->bare_traces, self->n);
  g_autoptr (GPtrArray) lines = g_ptr_array_new_with_free_func (g_free);
  double start;

  for (guint i = 0; i < events->len; i++)
    g_ptr_array_add (lines, g_strconcat (zu_event_get_text (g_ptr_array_index (events, i), NULL),
                                         "\n", NULL));
  start = bench_now ();
  for (guint i = 0; i < lines->len; i++)
    {
      const char *line = g_ptr_array_index (lines, i);
      gsize length = strlen (line);

      if (write (self->fd, line, length) != (gssize) length
          || (self->syncs && fdatasync (self->fd) != 0))
        g_error ("cannot write a line");
    }
  return bench_now () - start;
}

static void
run (const char *folder, const char *options, gboolean is_linked, Bench bench)
{
  g_autofree char *uri = g_strdup_printf ("jsonl:%s/%s?%s", folder, bench.name, options);
  g_autofree char *path = g_strdup_printf ("%s/%s.bare", folder, bench.name);
  g_autoptr (ZuEventSink) sink = NULL;
  g_autoptr (BenchTraces) traces = bench_traces_new (BENCH_TRACES);
  g_autoptr (BenchTraces) bare_traces = bench_traces_new (BENCH_TRACES);
  Lines lines = { .traces = traces, .bare_traces = bare_traces, .n = (guint) bench.n };

  if (!bench_is_wanted (bench.name))
    return;

  sink = bench_open (uri);
  lines.sink = sink;
  lines.is_linked = is_linked;
  lines.syncs = strstr (options, "always") != NULL;
  lines.fd = open (path, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600);
  g_assert_cmpint (lines.fd, >=, 0);
  bench.unit = "events";
  bench.limit = write_lines;
  bench.data = &lines;
  bench_run (&bench);
  close (lines.fd);
}

int
main (int argc, char **argv)
{
  g_autofree char *folder = bench_folder_new ();
  const char *raw = "raw=true&fsync=never", *links = "fsync=never";

  bench_init (argc, argv);
  run (folder, raw, TRUE, (Bench){ "jsonl-append", NULL, N_LINES, 0.4, .ours = append_lines });
  run (folder, raw, TRUE, (Bench){ "jsonl-append-many", NULL, N_LINES, 0.7, .ours = append_many });
  run (folder, "raw=true&fsync=always", TRUE,
       (Bench){ "jsonl-append-fsync", NULL, N_SYNCS, 0.9, .ours = append_lines });
  run (folder, links, FALSE, (Bench){ "jsonl-link", NULL, N_LINES, 0, .ours = append_lines });
  run (folder, links, FALSE, (Bench){ "jsonl-link-many", NULL, N_LINES, 0, .ours = append_many });
  bench_folder_remove (folder);
  return 0;
}
