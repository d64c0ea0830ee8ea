/* SPDX-License-Identifier: Apache-2.0 */

/* Writes to a log until it is killed: URI. Several threads append to several traces; now and then
 * the log is closed and opened again. Each id is printed once its append was answered, and the ids
 * of a batch, in a line that begins with '?', before it is tried. */

#include "log-support.h"

#include <string.h>
#include <unistd.h>

#define N_THREADS  4
#define MOST_TURNS 40
#define N_BATCH    6

typedef struct
{
  ZuEventSink *sink;
  guint n;
} Appender;

/* In one piece, so that lines of several threads do not mix. */
static void
say (const char *line)
{
  gsize length = strlen (line);

  if (write (STDOUT_FILENO, line, length) != (gssize) length)
    _exit (1);
}

static void
acknowledge (ZuEvent *event)
{
  g_autofree char *line = g_strconcat (zu_event_get_event_id (event), "\n", NULL);

  say (line);
}

static void
append_batch (Appender *self)
{
  g_autoptr (GPtrArray) events = g_ptr_array_new_with_free_func (g_object_unref), stored = NULL;
  g_autoptr (GString) line = g_string_new ("?");
  g_autoptr (GError) error = NULL;

  for (guint i = 0; i < N_BATCH; i++)
    {
      ZuEvent *event = make_sized_event (self->n + i, 2000);

      g_ptr_array_add (events, event);
      g_string_append_printf (line, "%s ", zu_event_get_event_id (event));
    }
  g_string_append_c (line, '\n');
  say (line->str);

  stored = zu_event_sink_append_many (self->sink, events, NULL, &error);
  g_assert_no_error (error);
  for (guint i = 0; i < stored->len; i++)
    acknowledge (g_ptr_array_index (stored, i));
}

static gpointer
append_in_thread (gpointer data)
{
  Appender *self = data;
  guint n_turns = g_random_int () % MOST_TURNS;

  for (guint i = 0; i < n_turns; i++)
    {
      g_autoptr (GError) error = NULL;
      g_autoptr (ZuEvent) stored = append_one (self->sink, self->n, 50, &error);

      g_assert_no_error (error);
      acknowledge (stored);
      if (i % 8 == 3)
        append_batch (self);
    }
  return NULL;
}

int
main (int argc, char **argv)
{
  silence_messages ();
  g_assert_cmpint (argc, ==, 2);
  for (;;)
    {
      g_autoptr (GError) error = NULL;
      g_autoptr (ZuEventSink) sink = zu_open_sink (argv[1], &error);
      Appender appenders[N_THREADS];
      GThread *threads[N_THREADS];

      g_assert_no_error (error);
      for (guint i = 0; i < N_THREADS; i++)
        {
          appenders[i] = (Appender){ sink, i };
          threads[i] = g_thread_new ("append", append_in_thread, &appenders[i]);
        }
      for (guint i = 0; i < N_THREADS; i++)
        g_thread_join (threads[i]);
    }
}
