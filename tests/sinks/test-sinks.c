/* SPDX-License-Identifier: Apache-2.0 */

/* What every sink that links must do, asked of each by its name; what any sink must do is in the
 * port's contract (zu-conformance). */

#include "sinks-support.h"

#include <string.h>

static void
test_links (SinkFixture *fixture, gconstpointer kind)
{
  g_autoptr (ZuEventSink) sink = fixture_open (fixture, NULL);
  g_autoptr (ZuEvent) one = make_event (TRACE_A, 1), two = make_event (TRACE_B, 2),
                      three = make_event (TRACE_A, 3);
  g_autoptr (ZuEvent) s1 = append_ok (sink, one), s2 = append_ok (sink, two),
                      s3 = append_ok (sink, three);

  g_assert_true (zu_event_sink_get_links (sink));
  g_assert_null (zu_event_get_prev_hash (s1));
  g_assert_null (zu_event_get_prev_hash (s2));
  g_assert_cmpstr (zu_event_get_prev_hash (s3), ==, zu_event_get_hash (s1));
  assert_intact (sink, 3);
}

static void
test_repeated (SinkFixture *fixture, gconstpointer kind)
{
  g_autoptr (ZuEventSink) sink = fixture_open (fixture, NULL);
  g_autoptr (ZuEvent) event = make_event (TRACE_A, 1);
  g_autoptr (ZuEvent) other = change_payload (event, "{\"n\":2}");
  g_autoptr (ZuEvent) stored = append_ok (sink, event);
  g_autoptr (ZuEvent) again = NULL, linked_again = NULL, refused = NULL;
  g_autoptr (GError) error = NULL;

  append_some (sink, TRACE_A, 2);
  again = append_ok (sink, event);
  linked_again = append_ok (sink, stored);
  g_assert_cmpstr (zu_event_get_text (again, NULL), ==, zu_event_get_text (stored, NULL));
  g_assert_cmpstr (zu_event_get_text (linked_again, NULL), ==, zu_event_get_text (stored, NULL));

  refused = zu_event_sink_append (sink, other, NULL, &error);
  g_assert_null (refused);
  g_assert_error (error, ZU_EVENT_SINK_ERROR, ZU_EVENT_SINK_ERROR_CONFLICT);
  assert_intact (sink, 3);
}

static void
assert_refused (ZuEventSink *sink, ZuEvent *event, ZuEventSinkError code)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (ZuEvent) stored = zu_event_sink_append (sink, event, NULL, &error);

  g_assert_null (stored);
  g_assert_error (error, ZU_EVENT_SINK_ERROR, (int) code);
}

static void
test_arrives_linked (SinkFixture *fixture, gconstpointer kind)
{
  g_autoptr (ZuEventSink) sink = fixture_open (fixture, NULL);
  g_autoptr (ZuEvent) first = make_event (TRACE_A, 1), second = make_event (TRACE_A, 2),
                      third = make_event (TRACE_A, 3);
  g_autoptr (ZuEvent) l1 = zu_event_link (first, NULL, NULL);
  g_autoptr (ZuEvent) l2 = zu_event_link (second, zu_event_get_hash (l1), NULL);
  g_autoptr (ZuEvent) elsewhere = zu_event_link (third, NULL, NULL);
  g_autofree char *text = g_strdup (zu_event_get_text (l2, NULL));
  g_autoptr (ZuEvent) forged = NULL, s1 = append_ok (sink, l1), s2 = NULL;
  g_autoptr (GError) error = NULL;

  g_assert_cmpstr (zu_event_get_hash (s1), ==, zu_event_get_hash (l1));
  assert_refused (sink, elsewhere, ZU_EVENT_SINK_ERROR_CONFLICT);

  strstr (text, "\"n\":2")[4] = '7';
  forged = zu_event_new_from_json (text, -1, &error);
  g_assert_no_error (error);
  assert_refused (sink, forged, ZU_EVENT_SINK_ERROR_INVALID_EVENT);

  s2 = append_ok (sink, l2);
  g_assert_cmpstr (zu_event_get_hash (s2), ==, zu_event_get_hash (l2));
  assert_intact (sink, 2);
}

static void
test_copy (SinkFixture *fixture, gconstpointer kind)
{
  g_autoptr (ZuEventSink) copy = fixture_open (fixture, "?role=copy");
  g_autoptr (ZuEvent) first = make_event (TRACE_A, 1), second = make_event (TRACE_A, 2);
  g_autoptr (ZuEvent) l1 = zu_event_link (first, NULL, NULL);
  g_autoptr (ZuEvent) l2 = zu_event_link (second, zu_event_get_hash (l1), NULL);
  g_autoptr (ZuEvent) s2 = NULL, again = NULL;

  assert_refused (copy, first, ZU_EVENT_SINK_ERROR_INVALID_EVENT);
  /* It came to this copy late: the canonical sink knows the order. */
  s2 = append_ok (copy, l2);
  again = append_ok (copy, l2);
  g_assert_cmpstr (zu_event_get_hash (s2), ==, zu_event_get_hash (l2));
  g_assert_cmpstr (zu_event_get_hash (again), ==, zu_event_get_hash (l2));
  assert_count (copy, 1);
}

static void
test_signs (SinkFixture *fixture, gconstpointer kind)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (ZuSecret) key = zu_secret_new_random (32, &error);
  g_autofree char *uri = fixture_uri (fixture, NULL);
  g_autoptr (ZuEventSink) sink = open_signing (uri, key);
  g_autoptr (GPtrArray) events = NULL, violations = NULL;

  append_some (sink, TRACE_A, 3);
  events = query_ok (sink, NULL);
  violations = zu_verify_chain (events, key);
  g_assert_cmpuint (violations->len, ==, 0);
  g_assert_nonnull (zu_event_get_sig (g_ptr_array_index (events, 2)));
}

static void
test_many (SinkFixture *fixture, gconstpointer kind)
{
  g_autoptr (ZuEventSink) sink = fixture_open (fixture, NULL);
  g_autoptr (GPtrArray) events = g_ptr_array_new_with_free_func (g_object_unref);
  g_autoptr (GPtrArray) stored = NULL, refused = NULL;
  g_autoptr (GError) error = NULL;
  g_autoptr (ZuEvent) known = make_event (TRACE_A, 0), s0 = append_ok (sink, known);
  g_autoptr (ZuEvent) after = NULL;

  g_ptr_array_add (events, make_event (TRACE_A, 1));
  g_ptr_array_add (events, make_event (TRACE_B, 2));
  g_ptr_array_add (events, g_object_ref (known));
  g_ptr_array_add (events, g_object_ref (g_ptr_array_index (events, 0)));
  g_ptr_array_add (events, make_event (TRACE_A, 3));
  stored = zu_event_sink_append_many (sink, events, NULL, &error);
  g_assert_no_error (error);
  g_assert_cmpuint (stored->len, ==, 5);
  g_assert_cmpstr (zu_event_get_hash (g_ptr_array_index (stored, 3)), ==,
                   zu_event_get_hash (g_ptr_array_index (stored, 0)));
  assert_intact (sink, 4);

  /* The last one is a conflict: none is stored, and no head has moved. */
  g_ptr_array_set_size (events, 0);
  g_ptr_array_add (events, make_event (TRACE_A, 4));
  g_ptr_array_add (events, make_event ("0b1c2d3e-0000-4000-8000-000000000003", 5));
  g_ptr_array_add (events, change_payload (known, "{}"));
  refused = zu_event_sink_append_many (sink, events, NULL, &error);
  g_assert_null (refused);
  g_assert_error (error, ZU_EVENT_SINK_ERROR, ZU_EVENT_SINK_ERROR_CONFLICT);
  g_assert_true (g_str_has_prefix (error->message, "event 3 of 3: "));
  assert_intact (sink, 4);

  after = append_ok (sink, g_ptr_array_index (events, 0));
  g_assert_cmpstr (zu_event_get_prev_hash (after), ==,
                   zu_event_get_hash (g_ptr_array_index (stored, 4)));
  append_some (sink, "0b1c2d3e-0000-4000-8000-000000000003", 2);
  assert_intact (sink, 7);
}

static void
test_filters (SinkFixture *fixture, gconstpointer kind)
{
  const char *fields[] = { "grant_id", NULL };
  g_autofree char *uri = fixture_uri (fixture, NULL);
  g_autoptr (ZuEventSink) sink = open_indexed (uri, fields);
  g_autoptr (ZuFilter) grant = filter_of ("grant_id", "g1"), type = filter_of ("type", "data.odd"),
                       none = filter_of ("grant_id", NULL), other = filter_of ("peer", "x"),
                       both = filter_of ("grant_id", "g1"), parent = filter_of ("parent_id", NULL);
  g_autoptr (ZuEvent) bare = make_event_with (TRACE_B, "data.bare", "{}"),
                      s = append_ok (sink, bare);
  g_autoptr (GPtrArray) by_grant = NULL, by_type = NULL, by_none = NULL, by_both = NULL,
                        by_parent = NULL, refused = NULL;
  g_autoptr (GError) error = NULL;

  zu_filter_add (both, "type", "data.odd");
  append_some (sink, TRACE_A, 9);
  by_grant = query_ok (sink, grant);
  by_type = query_ok (sink, type);
  by_none = query_ok (sink, none);
  by_both = query_ok (sink, both);
  by_parent = query_ok (sink, parent);
  g_assert_cmpuint (by_grant->len, ==, 3);
  g_assert_cmpuint (by_type->len, ==, 4);
  g_assert_cmpuint (by_none->len, ==, 1);
  g_assert_cmpuint (by_both->len, ==, 2);
  g_assert_cmpuint (by_parent->len, ==, 10);
  g_assert_cmpint (zu_event_sink_count (sink, both, NULL, &error), ==, 2);
  g_assert_no_error (error);

  refused = zu_event_sink_query (sink, other, 0, -1, NULL, &error);
  g_assert_null (refused);
  g_assert_error (error, ZU_EVENT_SINK_ERROR, ZU_EVENT_SINK_ERROR_UNKNOWN_FIELD);
}

static void
test_pages (SinkFixture *fixture, gconstpointer kind)
{
  g_autoptr (ZuEventSink) sink = fixture_open (fixture, NULL);
  g_autoptr (ZuFilter) odd = filter_of ("type", "data.odd");
  g_autoptr (GError) error = NULL;
  gint64 seq = 0;
  guint n = 0;

  append_some (sink, TRACE_A, 25);
  for (;;)
    {
      g_autoptr (ZuEventPage) page = zu_event_sink_stream (sink, odd, seq, 5, NULL, &error);
      GPtrArray *events;

      g_assert_no_error (error);
      events = zu_event_page_get_events (page);
      if (events->len == 0)
        {
          g_assert_cmpint (zu_event_page_get_next_seq (page), ==, seq);
          break;
        }
      g_assert_cmpuint (events->len, <=, 5);
      n += events->len;
      seq = zu_event_page_get_next_seq (page);
    }
  g_assert_cmpuint (n, ==, 12);

  /* What is appended later is found from there on. */
  append_some (sink, TRACE_B, 2);
  g_clear_error (&error);
  {
    g_autoptr (ZuEventPage) page = zu_event_sink_stream (sink, odd, seq, 5, NULL, &error);

    g_assert_no_error (error);
    g_assert_cmpuint (zu_event_page_get_events (page)->len, ==, 1);
  }
}

static void
note_event (ZuEventSink *sink, ZuEvent *event, gpointer user_data)
{
  g_ptr_array_add (user_data, g_object_ref (event));
}

static void
append_another (ZuEventSink *sink, ZuEvent *event, gpointer user_data)
{
  int *n_left = user_data;

  if ((*n_left)-- > 0)
    append_some (sink, TRACE_B, 1);
}

static void
test_signal (SinkFixture *fixture, gconstpointer kind)
{
  g_autoptr (ZuEventSink) sink = fixture_open (fixture, NULL);
  g_autoptr (GPtrArray) heard = g_ptr_array_new_with_free_func (g_object_unref);
  g_autoptr (ZuEvent) event = make_event (TRACE_A, 1), s = NULL, again = NULL;
  g_autoptr (GPtrArray) all = NULL;
  int n_left = 3;

  g_signal_connect (sink, "appended", G_CALLBACK (note_event), heard);
  s = append_ok (sink, event);
  again = append_ok (sink, event);
  g_assert_cmpuint (heard->len, ==, 1);

  /* A listener may append. */
  g_signal_connect (sink, "appended", G_CALLBACK (append_another), &n_left);
  append_some (sink, TRACE_A, 1);
  all = query_ok (sink, NULL);
  g_assert_cmpuint (all->len, ==, 5);
  g_assert_cmpuint (heard->len, ==, 5);
}

typedef struct
{
  int n_left;
  int n_errors;
} Flight;

static void
landed (GObject *source, GAsyncResult *result, gpointer user_data)
{
  Flight *flight = user_data;
  g_autoptr (GError) error = NULL;
  g_autoptr (ZuEvent) stored = zu_event_sink_append_finish (ZU_EVENT_SINK (source), result, &error);

  if (stored == NULL)
    flight->n_errors++;
  flight->n_left--;
}

static void
test_async (SinkFixture *fixture, gconstpointer kind)
{
  g_autoptr (ZuEventSink) sink = fixture_open (fixture, NULL);
  Flight flight = { 200, 0 };

  for (int i = 0; i < 200; i++)
    {
      g_autoptr (ZuEvent) event = make_event (i % 2 == 0 ? TRACE_A : TRACE_B, i);

      zu_event_sink_append_async (sink, event, NULL, landed, &flight);
    }
  while (flight.n_left > 0)
    g_main_context_iteration (NULL, TRUE);

  g_assert_cmpint (flight.n_errors, ==, 0);
  assert_intact (sink, 200);
}

static void
test_cancelled (SinkFixture *fixture, gconstpointer kind)
{
  g_autoptr (ZuEventSink) sink = fixture_open (fixture, NULL);
  g_autoptr (GCancellable) cancellable = g_cancellable_new ();
  g_autoptr (ZuEvent) event = make_event (TRACE_A, 1), stored = NULL;
  g_autoptr (GError) error = NULL;

  append_some (sink, TRACE_A, 1);
  g_cancellable_cancel (cancellable);
  stored = zu_event_sink_append (sink, event, cancellable, &error);
  g_assert_null (stored);
  g_assert_error (error, G_IO_ERROR, G_IO_ERROR_CANCELLED);
  assert_count (sink, 1);
}

static gpointer
append_in_thread (gpointer data)
{
  append_some (data, TRACE_A, 50);
  return NULL;
}

static void
test_threads (SinkFixture *fixture, gconstpointer kind)
{
  g_autoptr (ZuEventSink) sink = fixture_open (fixture, NULL);
  GThread *threads[8];

  for (guint i = 0; i < G_N_ELEMENTS (threads); i++)
    threads[i] = g_thread_new ("append", append_in_thread, sink);
  for (guint i = 0; i < G_N_ELEMENTS (threads); i++)
    g_thread_join (threads[i]);
  assert_intact (sink, 8 * 50);
}

static void
test_bad_options (SinkFixture *fixture, gconstpointer kind)
{
  g_autofree char *uri = fixture_uri (fixture, "?role=chief");
  const char *fields[] = { "trace_id", NULL };
  g_autofree char *plain = fixture_uri (fixture, NULL);
  g_auto (GValue) value = G_VALUE_INIT;
  const char *names[] = { "index-fields" };
  g_autoptr (GError) error = NULL;

  g_assert_null (zu_open_sink (uri, &error));
  g_assert_nonnull (error);
  g_clear_error (&error);

  g_value_init (&value, G_TYPE_STRV);
  g_value_set_boxed (&value, fields);
  g_assert_null (zu_open_sink_with_properties (plain, 1, names, &value, &error));
  g_assert_nonnull (error);
}

static const struct
{
  const char *name;
  void (*func) (SinkFixture *, gconstpointer);
} tests[] = {
  { "links", test_links },
  { "repeated", test_repeated },
  { "arrives-linked", test_arrives_linked },
  { "copy", test_copy },
  { "signs", test_signs },
  { "many", test_many },
  { "filters", test_filters },
  { "pages", test_pages },
  { "signal", test_signal },
  { "async", test_async },
  { "cancelled", test_cancelled },
  { "threads", test_threads },
  { "bad-options", test_bad_options },
};

static void
append_refused (ZuEventSink *sink, ZuEvent *event)
{
  g_autoptr (GError) error = NULL;

  g_assert_null (zu_event_sink_append (sink, event, NULL, &error));
  g_assert_error (error, ZU_EVENT_SINK_ERROR, ZU_EVENT_SINK_ERROR_FULL);
}

/* At its bound a log in memory refuses, loses nothing, and still knows what it has. */
static void
test_memory_bounds (void)
{
  g_autoptr (ZuEventSink) few = zu_open_sink ("memory:?max-events=3", NULL),
                          small = zu_open_sink ("memory:?max-bytes=2000", NULL);
  g_autoptr (ZuEvent) first = make_event (TRACE_A, 1), last = make_event (TRACE_A, 2),
                      stored = append_ok (few, first), again = NULL;
  g_autoptr (GPtrArray) batch = g_ptr_array_new_with_free_func (g_object_unref);
  g_autoptr (GError) error = NULL;

  for (int i = 0; i < 3; i++)
    g_ptr_array_add (batch, make_event (TRACE_A, i));
  g_assert_null (zu_event_sink_append_many (few, batch, NULL, &error));
  g_assert_error (error, ZU_EVENT_SINK_ERROR, ZU_EVENT_SINK_ERROR_FULL);
  assert_intact (few, 1);
  append_some (few, TRACE_B, 2);
  append_refused (few, last);
  again = append_ok (few, first);
  g_assert_true (again == stored);
  assert_intact (few, 3);

  /* What was taken back does not count. */
  append_some (small, TRACE_A, 2);
  for (int i = 0; i < 10; i++)
    {
      g_clear_error (&error);
      g_assert_null (zu_event_sink_append_many (small, batch, NULL, &error));
      g_assert_error (error, ZU_EVENT_SINK_ERROR, ZU_EVENT_SINK_ERROR_FULL);
    }
  append_some (small, TRACE_A, 1);
  append_some (small, TRACE_A, 1);
  append_refused (small, last);
  assert_intact (small, 4);
}

int
main (int argc, char **argv)
{
  static const char *const kinds[] = { "memory", "jsonl", "sqlite" };

  g_test_init (&argc, &argv, NULL);
  for (guint k = 0; k < G_N_ELEMENTS (kinds); k++)
    for (guint i = 0; i < G_N_ELEMENTS (tests); i++)
      {
        g_autofree char *path = g_strdup_printf ("/sinks/%s/%s", kinds[k], tests[i].name);

        g_test_add (path, SinkFixture, kinds[k], sink_set_up, tests[i].func, sink_tear_down);
      }
  g_test_add_func ("/sinks/memory/bounds", test_memory_bounds);
  return g_test_run ();
}
