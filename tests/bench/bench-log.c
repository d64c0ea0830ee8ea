/* SPDX-License-Identifier: Apache-2.0 */

/* What benchmarks of logs share: folders, events, and logs that are filled. */

#include "bench-log.h"

#include <glib/gstdio.h>

#define FILL_BATCH 2000

struct _BenchTraces
{
  guint n_traces;
  guint next;
  ZuEvent **last; /* of each trace, linked */
  char **ids;
  char **tasks;
  ZuJson *payload;
};

void
bench_check (GError *error)
{
  if (error != NULL)
    g_error ("%s", error->message);
}

char *
bench_folder_new (void)
{
  GError *error = NULL;
  char *folder = g_dir_make_tmp ("zu-bench-XXXXXX", &error);

  bench_check (error);
  return folder;
}

void
bench_folder_remove (const char *folder)
{
  g_autoptr (GDir) dir = g_dir_open (folder, 0, NULL);
  const char *name;

  while (dir != NULL && (name = g_dir_read_name (dir)) != NULL)
    {
      g_autofree char *path = g_build_filename (folder, name, NULL);

      g_unlink (path);
    }
  g_rmdir (folder);
}

static ZuJson *
make_payload (void)
{
  return zu_json_parse ("{\"url\":\"https://example.org/a/b?c=d\",\"n\":12345,\"ratio\":0.25,"
                        "\"items\":[\"item number 0\",\"item number 1\",\"item number 2\","
                        "\"item number 3\",\"item number 4\",\"item number 5\"]}",
                        -1, NULL);
}

BenchTraces *
bench_traces_new (guint n_traces)
{
  BenchTraces *self = g_new0 (BenchTraces, 1);

  self->n_traces = n_traces;
  self->last = g_new0 (ZuEvent *, n_traces);
  self->ids = g_new0 (char *, n_traces + 1);
  self->tasks = g_new0 (char *, n_traces + 1);
  self->payload = make_payload ();
  for (guint i = 0; i < n_traces; i++)
    {
      self->ids[i] = g_uuid_string_random ();
      self->tasks[i] = g_uuid_string_random ();
    }
  return self;
}

void
bench_traces_free (BenchTraces *self)
{
  for (guint i = 0; i < self->n_traces; i++)
    g_clear_object (&self->last[i]);
  g_free (self->last);
  g_strfreev (self->ids);
  g_strfreev (self->tasks);
  zu_json_unref (self->payload);
  g_free (self);
}

static ZuEvent *
make_event (BenchTraces *self, guint trace)
{
  static const char *const types[] = { "data.source.fetched", "data.tool.output",
                                       "harness.tool.started", "harness.tool.ended" };
  GError *error = NULL;
  ZuEvent *event =
      zu_event_new (self->ids[trace], self->tasks[trace], NULL,
                    types[self->next % G_N_ELEMENTS (types)], "loop", self->payload, &error);

  bench_check (error);
  return event;
}

/* Dealt to the traces in turn. */
GPtrArray *
bench_traces_make (BenchTraces *self, guint n)
{
  GPtrArray *events = g_ptr_array_new_full (n, g_object_unref);

  for (guint i = 0; i < n; i++, self->next++)
    g_ptr_array_add (events, make_event (self, self->next % self->n_traces));
  return events;
}

/* The same, each following the one before it in its trace. */
GPtrArray *
bench_traces_make_linked (BenchTraces *self, guint n)
{
  GPtrArray *events = g_ptr_array_new_full (n, g_object_unref);

  for (guint i = 0; i < n; i++, self->next++)
    {
      guint trace = self->next % self->n_traces;
      ZuEvent *last = self->last[trace];
      g_autoptr (ZuEvent) event = make_event (self, trace);
      ZuEvent *linked = zu_event_link (event, last != NULL ? zu_event_get_hash (last) : NULL, NULL);

      g_set_object (&self->last[trace], linked);
      g_ptr_array_add (events, linked);
    }
  return events;
}

ZuEventSink *
bench_open (const char *uri)
{
  GError *error = NULL;
  ZuEventSink *sink = zu_open_sink (uri, &error);

  bench_check (error);
  return sink;
}

/* A log with N events, closed, and on the disk. */
void
bench_fill (const char *path, guint n_traces, guint n)
{
  g_autofree char *uri = g_strconcat ("sqlite:", path, NULL);
  g_autoptr (ZuEventSink) sink = bench_open (uri);
  g_autoptr (BenchTraces) traces = bench_traces_new (n_traces);

  for (guint left = n; left > 0; left -= MIN (left, FILL_BATCH))
    {
      g_autoptr (GPtrArray) events = bench_traces_make (traces, MIN (left, FILL_BATCH));
      g_autoptr (GPtrArray) stored = NULL;
      GError *error = NULL;

      stored = zu_event_sink_append_many (sink, events, NULL, &error);
      bench_check (error);
    }
}
