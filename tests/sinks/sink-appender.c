/* SPDX-License-Identifier: Apache-2.0 */

/* Appends to a log from a process of its own: URI TRACE N [async|large]. */

#include "sinks-support.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static int n_left;
static int n_in_flight;

static void
acknowledge (ZuEvent *stored)
{
  printf ("%s\n", zu_event_get_event_id (stored));
  fflush (stdout);
}

static void
appended (GObject *source, GAsyncResult *result, gpointer user_data)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (ZuEvent) stored = zu_event_sink_append_finish (ZU_EVENT_SINK (source), result, &error);

  if (stored == NULL)
    g_error ("append: %s", error->message);
  acknowledge (stored);
  n_in_flight--;
}

static void
append_async (ZuEventSink *sink, const char *trace_id)
{
  while (n_left > 0 || n_in_flight > 0)
    {
      for (; n_left > 0 && n_in_flight < 64; n_left--, n_in_flight++)
        {
          g_autoptr (ZuEvent) event = make_event (trace_id, n_left);

          zu_event_sink_append_async (sink, event, NULL, appended, NULL);
        }
      g_main_context_iteration (NULL, TRUE);
    }
}

static ZuEvent *
make_large_event (const char *trace_id)
{
  g_autofree char *text = g_strnfill (400 * 1024, 'x');
  g_autofree char *payload = g_strdup_printf ("{\"n\":%d,\"x\":\"%s\"}", n_left, text);

  return make_event_with (trace_id, "data.large", payload);
}

int
main (int argc, char **argv)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (ZuEventSink) sink = NULL;

  g_assert_cmpint (argc, >=, 4);
  sink = zu_open_sink (argv[1], &error);
  if (sink == NULL)
    g_error ("%s", error->message);

  n_left = atoi (argv[3]);
  if (argc > 4 && strcmp (argv[4], "async") == 0)
    append_async (sink, argv[2]);
  for (; n_left > 0; n_left--)
    {
      g_autoptr (ZuEvent) event =
          argc > 4 ? make_large_event (argv[2]) : make_event (argv[2], n_left);
      g_autoptr (ZuEvent) stored = append_ok (sink, event);

      acknowledge (stored);
    }
  return 0;
}
