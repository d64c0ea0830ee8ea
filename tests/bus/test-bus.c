/* SPDX-License-Identifier: Apache-2.0 */

#include <zu/zu.h>

#include <string.h>

#define TRACE "0b1c2d3e-0000-4000-8000-000000000001"
#define TASK  "0b1c2d3e-0000-4000-8000-0000000000aa"

/* A sink that keeps what it is given, and can be told to misbehave. */
typedef struct
{
  GObject parent_instance;

  GMutex lock;
  GPtrArray *events;
  char *head;
  gboolean links;
  gboolean no_batches;
  gboolean fails;
  gboolean busy;
  guint n_asked;
  char *refused_source;
  gulong delay;
  guint n_batches;
  GMutex *gate; /* held by whoever wants it stuck */
} TestSink;

typedef GObjectClass TestSinkClass;

static GType test_sink_get_type (void);
static void test_sink_iface_init (ZuEventSinkInterface *iface);

G_DEFINE_TYPE_WITH_CODE (TestSink, test_sink, G_TYPE_OBJECT,
                         G_IMPLEMENT_INTERFACE (ZU_TYPE_EVENT_SINK, test_sink_iface_init))

static gboolean
test_sink_get_links (ZuEventSink *sink)
{
  return ((TestSink *) sink)->links;
}

static gboolean
refuses (TestSink *self, ZuEvent *event, GError **error)
{
  g_atomic_int_inc ((gint *) &self->n_asked);
  if (self->busy)
    {
      g_set_error_literal (error, ZU_EVENT_SINK_ERROR, ZU_EVENT_SINK_ERROR_BUSY, "told to be busy");
      return TRUE;
    }
  if (!self->fails && g_strcmp0 (zu_event_get_source (event), self->refused_source) != 0)
    return FALSE;
  g_set_error_literal (error, ZU_EVENT_SINK_ERROR, ZU_EVENT_SINK_ERROR_CONFLICT, "told to refuse");
  return TRUE;
}

static ZuEvent *
store (TestSink *self, ZuEvent *event)
{
  ZuEvent *stored = self->links ? zu_event_link (event, self->head, NULL) : g_object_ref (event);

  g_free (self->head);
  self->head = g_strdup (zu_event_get_hash (stored));
  g_ptr_array_add (self->events, g_object_ref (stored));
  return stored;
}

static void
pass_gate (TestSink *self)
{
  if (self->gate != NULL)
    {
      g_mutex_lock (self->gate);
      g_mutex_unlock (self->gate);
    }
  g_usleep (self->delay);
}

static ZuEvent *
test_sink_append (ZuEventSink *sink, ZuEvent *event, GCancellable *cancellable, GError **error)
{
  TestSink *self = (TestSink *) sink;
  ZuEvent *stored = NULL;

  pass_gate (self);
  g_mutex_lock (&self->lock);
  if (!refuses (self, event, error))
    stored = store (self, event);
  g_mutex_unlock (&self->lock);
  return stored;
}

static GPtrArray *
test_sink_append_many (ZuEventSink *sink, GPtrArray *events, GCancellable *cancellable,
                       GError **error)
{
  TestSink *self = (TestSink *) sink;
  g_autoptr (GPtrArray) stored = g_ptr_array_new_with_free_func (g_object_unref);

  if (self->no_batches)
    {
      g_set_error_literal (error, G_IO_ERROR, G_IO_ERROR_NOT_SUPPORTED, "no batches");
      return NULL;
    }
  pass_gate (self);
  for (guint i = 0; i < events->len; i++)
    if (refuses (self, g_ptr_array_index (events, i), error))
      return NULL;
  g_mutex_lock (&self->lock);
  self->n_batches++;
  for (guint i = 0; i < events->len; i++)
    g_ptr_array_add (stored, store (self, g_ptr_array_index (events, i)));
  g_mutex_unlock (&self->lock);
  return g_steal_pointer (&stored);
}

static void
test_sink_iface_init (ZuEventSinkInterface *iface)
{
  iface->get_links = test_sink_get_links;
  iface->append = test_sink_append;
  iface->append_many = test_sink_append_many;
}

static void
test_sink_finalize (GObject *object)
{
  TestSink *self = (TestSink *) object;

  g_ptr_array_unref (self->events);
  g_free (self->head);
  g_free (self->refused_source);
  g_mutex_clear (&self->lock);
  G_OBJECT_CLASS (test_sink_parent_class)->finalize (object);
}

static void
test_sink_class_init (TestSinkClass *klass)
{
  klass->finalize = test_sink_finalize;
}

static void
test_sink_init (TestSink *self)
{
  g_mutex_init (&self->lock);
  self->events = g_ptr_array_new_with_free_func (g_object_unref);
}

typedef struct
{
  TestSink *canonical;
  TestSink *first;
  TestSink *second;
  ZuEventBus *bus;
} Fixture;

static void
fixture_set_up (Fixture *fixture, gconstpointer data)
{
  g_autoptr (GPtrArray) destinations = g_ptr_array_new ();

  fixture->canonical = g_object_new (test_sink_get_type (), NULL);
  fixture->canonical->links = TRUE;
  fixture->first = g_object_new (test_sink_get_type (), NULL);
  fixture->second = g_object_new (test_sink_get_type (), NULL);
  g_ptr_array_add (destinations, fixture->first);
  g_ptr_array_add (destinations, fixture->second);
  fixture->bus = zu_event_bus_new ((ZuEventSink *) fixture->canonical, destinations);
}

static void
fixture_tear_down (Fixture *fixture, gconstpointer data)
{
  g_clear_object (&fixture->bus);
  g_clear_object (&fixture->canonical);
  g_clear_object (&fixture->first);
  g_clear_object (&fixture->second);
}

static ZuEvent *
make_event (const char *source)
{
  g_autoptr (ZuJson) payload = zu_json_parse ("{}", -1, NULL);
  g_autoptr (GError) error = NULL;
  ZuEvent *event = zu_event_new (TRACE, TASK, NULL, "data.test", source, payload, &error);

  g_assert_no_error (error);
  return event;
}

static void
publish (Fixture *fixture, const char *source)
{
  g_autoptr (ZuEvent) event = make_event (source);
  g_autoptr (GError) error = NULL;
  g_autoptr (ZuEvent) stored = zu_event_bus_publish (fixture->bus, event, NULL, &error);

  g_assert_no_error (error);
  g_assert_true (zu_event_is_linked (stored));
}

static guint
count (TestSink *sink)
{
  guint n;

  g_mutex_lock (&sink->lock);
  n = sink->events->len;
  g_mutex_unlock (&sink->lock);
  return n;
}

/* Whether a sink has what the canonical one has, in its order. */
static void
assert_same (TestSink *sink, TestSink *canonical)
{
  g_assert_cmpuint (sink->events->len, ==, canonical->events->len);
  for (guint i = 0; i < sink->events->len; i++)
    g_assert_cmpstr (zu_event_get_hash (g_ptr_array_index (sink->events, i)), ==,
                     zu_event_get_hash (g_ptr_array_index (canonical->events, i)));
}

static void
test_publish (Fixture *fixture, gconstpointer data)
{
  for (int i = 0; i < 5; i++)
    publish (fixture, "me");
  g_assert_cmpuint (count (fixture->canonical), ==, 5);
  assert_same (fixture->first, fixture->canonical);
  assert_same (fixture->second, fixture->canonical);
  g_assert_cmpuint (zu_event_bus_count_failures (fixture->bus), ==, 0);
  g_assert_true ((gpointer) zu_event_bus_get_canonical (fixture->bus) == fixture->canonical);
}

/* What the canonical sink refuses goes nowhere. */
static void
test_canonical_refuses (Fixture *fixture, gconstpointer data)
{
  g_autoptr (ZuEvent) event = make_event ("me");
  g_autoptr (GError) error = NULL;

  fixture->canonical->fails = TRUE;
  g_assert_null (zu_event_bus_publish (fixture->bus, event, NULL, &error));
  g_assert_error (error, ZU_EVENT_SINK_ERROR, ZU_EVENT_SINK_ERROR_CONFLICT);
  g_assert_cmpuint (count (fixture->first), ==, 0);

  fixture->canonical->fails = FALSE;
  publish (fixture, "me");
  g_assert_cmpuint (count (fixture->first), ==, 1);
}

static void
test_canonical_must_link (Fixture *fixture, gconstpointer data)
{
  g_autoptr (ZuEvent) event = make_event ("me");
  g_autoptr (GError) error = NULL;

  fixture->canonical->links = FALSE;
  g_assert_null (zu_event_bus_publish (fixture->bus, event, NULL, &error));
  g_assert_error (error, G_IO_ERROR, G_IO_ERROR_NOT_SUPPORTED);
  g_assert_cmpuint (count (fixture->canonical), ==, 0);
}

static void
note_failure (ZuEventBus *bus, ZuEventSink *sink, ZuEvent *event, const GError *error, gint *seen)
{
  g_assert_error (error, ZU_EVENT_SINK_ERROR, ZU_EVENT_SINK_ERROR_CONFLICT);
  g_atomic_int_inc (seen);
}

static void
test_destination_fails (Fixture *fixture, gconstpointer data)
{
  g_autoptr (GPtrArray) failures = NULL;
  gint seen = 0;

  g_signal_connect (fixture->bus, "destination-failed", G_CALLBACK (note_failure), &seen);
  fixture->first->refused_source = g_strdup ("bad");
  publish (fixture, "good");
  publish (fixture, "bad");
  publish (fixture, "good");
  g_assert_cmpuint (count (fixture->first), ==, 2);
  assert_same (fixture->second, fixture->canonical);

  failures = zu_event_bus_list_failures (fixture->bus);
  g_assert_cmpuint (failures->len, ==, 1);
  g_assert_cmpint (g_atomic_int_get (&seen), ==, 1);
  g_assert_true ((gpointer) zu_delivery_failure_get_destination (failures->pdata[0])
                 == fixture->first);
  g_assert_cmpstr (zu_event_get_source (zu_delivery_failure_get_event (failures->pdata[0])), ==,
                   "bad");
  g_assert_error (zu_delivery_failure_get_error (failures->pdata[0]), ZU_EVENT_SINK_ERROR,
                  ZU_EVENT_SINK_ERROR_CONFLICT);
}

/* One that is stuck holds nobody back for longer than the patience, once, and gets all later. */
static void
test_destination_stuck (Fixture *fixture, gconstpointer data)
{
  GMutex gate;
  gint64 start = g_get_monotonic_time ();

  g_mutex_init (&gate);
  g_mutex_lock (&gate);
  fixture->first->gate = &gate;
  zu_event_bus_set_patience (fixture->bus, 100);
  for (int i = 0; i < 20; i++)
    publish (fixture, "me");
  g_assert_cmpint (g_get_monotonic_time () - start, <, 1000 * G_TIME_SPAN_MILLISECOND);
  assert_same (fixture->second, fixture->canonical);
  g_assert_cmpuint (count (fixture->first), ==, 0);

  g_mutex_unlock (&gate);
  while (count (fixture->first) < 20)
    g_usleep (1000);
  assert_same (fixture->first, fixture->canonical);
  g_mutex_clear (&gate);
}

static gpointer
publish_often (gpointer data)
{
  for (int i = 0; i < 100; i++)
    publish (data, "me");
  return NULL;
}

static void
on_published (GObject *source, GAsyncResult *result, gpointer data)
{
  guint *left = data;
  g_autoptr (GError) error = NULL;
  g_autoptr (ZuEvent) stored = zu_event_bus_publish_finish (ZU_EVENT_BUS (source), result, &error);

  g_assert_no_error (error);
  g_assert_nonnull (stored);
  (*left)--;
}

/* From many threads, and without waiting: the order of all sinks is the canonical one. */
static void
test_order (Fixture *fixture, gconstpointer no_batches)
{
  GThread *threads[4];
  guint left = 500;

  fixture->canonical->no_batches = fixture->first->no_batches = no_batches != NULL;
  for (gsize i = 0; i < G_N_ELEMENTS (threads); i++)
    threads[i] = g_thread_new ("publisher", publish_often, fixture);
  for (guint i = 0; i < 500; i++)
    {
      g_autoptr (ZuEvent) event = make_event ("async");

      zu_event_bus_publish_async (fixture->bus, event, NULL, on_published, &left);
    }
  while (left > 0)
    g_main_context_iteration (NULL, TRUE);
  for (gsize i = 0; i < G_N_ELEMENTS (threads); i++)
    g_thread_join (threads[i]);

  g_assert_cmpuint (count (fixture->canonical), ==, 900);
  assert_same (fixture->first, fixture->canonical);
  assert_same (fixture->second, fixture->canonical);
  g_assert_true (no_batches != NULL || fixture->canonical->n_batches > 0);
}

/* In a batch with a bad event the others are stored. */
static void
test_bad_event_in_batch (Fixture *fixture, gconstpointer data)
{
  GMutex gate;
  guint left = 20;
  g_autoptr (ZuEvent) bad = make_event ("bad");
  g_autoptr (GError) error = NULL;

  g_mutex_init (&gate);
  g_mutex_lock (&gate);
  fixture->canonical->gate = &gate;
  fixture->canonical->refused_source = g_strdup ("bad");
  for (guint i = 0; i < 20; i++)
    {
      g_autoptr (ZuEvent) event = make_event ("good");

      zu_event_bus_publish_async (fixture->bus, event, NULL, on_published, &left);
    }
  g_mutex_unlock (&gate);
  g_assert_null (zu_event_bus_publish (fixture->bus, bad, NULL, &error));
  g_assert_error (error, ZU_EVENT_SINK_ERROR, ZU_EVENT_SINK_ERROR_CONFLICT);
  while (left > 0)
    g_main_context_iteration (NULL, TRUE);
  g_assert_cmpuint (count (fixture->canonical), ==, 20);
  g_mutex_clear (&gate);
}

static void
test_cancelled (Fixture *fixture, gconstpointer data)
{
  g_autoptr (GCancellable) cancellable = g_cancellable_new ();
  g_autoptr (ZuEvent) event = make_event ("me");
  g_autoptr (GError) error = NULL;

  g_cancellable_cancel (cancellable);
  g_assert_null (zu_event_bus_publish (fixture->bus, event, cancellable, &error));
  g_assert_error (error, G_IO_ERROR, G_IO_ERROR_CANCELLED);
  g_assert_cmpuint (count (fixture->canonical), ==, 0);
}

static ZuDestination *
get_destination (Fixture *fixture, guint i)
{
  g_autoptr (GPtrArray) list = zu_event_bus_list_destinations (fixture->bus);

  g_assert_cmpuint (list->len, ==, 2);
  return g_object_ref (g_ptr_array_index (list, i));
}

static void
test_destination_state (Fixture *fixture, gconstpointer data)
{
  g_autoptr (ZuDestination) first = get_destination (fixture, 0);
  g_autoptr (ZuDestination) second = get_destination (fixture, 1);
  g_autofree char *name = NULL;
  g_autofree char *none = zu_destination_dup_last_event_id (first);
  g_autofree char *last = NULL;
  g_autoptr (GError) no_error = NULL;
  g_autoptr (GError) last_error = NULL;
  g_autoptr (ZuEventSink) sink = NULL;
  guint64 n_delivered, n_failed;
  guint n_queued;

  g_assert_null (none);
  fixture->first->refused_source = g_strdup ("bad");
  publish (fixture, "good");
  publish (fixture, "bad");
  publish (fixture, "good");
  publish (fixture, "bad");

  g_object_get (first, "name", &name, "sink", &sink, "n-delivered", &n_delivered, "n-failed",
                &n_failed, "n-queued", &n_queued, "last-error", &last_error, "last-event-id", &last,
                NULL);
  g_assert_cmpstr (name, ==, "TestSink[0]");
  g_assert_cmpstr (zu_destination_get_name (second), ==, "TestSink[1]");
  g_assert_true ((gpointer) sink == fixture->first);
  g_assert_cmpuint (n_delivered, ==, 2);
  g_assert_cmpuint (n_failed, ==, 2);
  g_assert_cmpuint (n_queued, ==, 0);
  g_assert_error (last_error, ZU_EVENT_SINK_ERROR, ZU_EVENT_SINK_ERROR_CONFLICT);
  g_assert_cmpstr (last, ==,
                   zu_event_get_event_id (g_ptr_array_index (fixture->canonical->events, 2)));

  no_error = zu_destination_dup_last_error (second);
  g_assert_no_error (no_error);
  g_assert_cmpuint (zu_destination_get_n_delivered (second), ==, 4);
  g_assert_cmpuint (zu_destination_get_n_failed (second), ==, 0);
}

static void
test_properties (Fixture *fixture, gconstpointer data)
{
  g_autoptr (ZuEventSink) canonical = NULL;
  g_autoptr (GPtrArray) sinks = NULL;
  guint patience;

  g_object_get (fixture->bus, "canonical", &canonical, "destinations", &sinks, "patience",
                &patience, NULL);
  g_assert_true ((gpointer) canonical == fixture->canonical);
  g_assert_cmpuint (sinks->len, ==, 2);
  g_assert_true (g_ptr_array_index (sinks, 0) == fixture->first);
  g_assert_true (g_ptr_array_index (sinks, 1) == fixture->second);
  g_assert_cmpuint (patience, ==, zu_event_bus_get_patience (fixture->bus));
}

/* Only when it is asked for is a sink canonical that does not link. */
static void
test_accept_unlinked (Fixture *fixture, gconstpointer data)
{
  g_autoptr (ZuEventBus) bus =
      g_object_new (ZU_TYPE_EVENT_BUS, "canonical", fixture->first, "accept-unlinked", TRUE, NULL);
  g_autoptr (ZuEvent) event = make_event ("me");
  g_autoptr (GError) error = NULL;
  g_autoptr (ZuEvent) stored = zu_event_bus_publish (bus, event, NULL, &error);

  g_assert_no_error (error);
  g_assert_nonnull (stored);
  g_assert_cmpuint (count (fixture->first), ==, 1);
}

static void
test_no_canonical (Fixture *fixture, gconstpointer data)
{
  g_autoptr (ZuEventBus) bus = g_object_new (ZU_TYPE_EVENT_BUS, NULL);
  g_autoptr (ZuEvent) event = make_event ("me");
  g_autoptr (GError) error = NULL;

  g_assert_null (zu_event_bus_publish (bus, event, NULL, &error));
  g_assert_error (error, G_IO_ERROR, G_IO_ERROR_NOT_INITIALIZED);
}

static void
on_refused (GObject *source, GAsyncResult *result, gpointer data)
{
  guint *left = data;
  g_autoptr (GError) error = NULL;

  g_assert_null (zu_event_bus_publish_finish (ZU_EVENT_BUS (source), result, &error));
  g_assert_error (error, ZU_EVENT_SINK_ERROR, ZU_EVENT_SINK_ERROR_BUSY);
  (*left)--;
}

/* A sink that cannot store at all is asked once for a batch, and not once an event: each asking may
 * cost its whole timeout. */
static void
test_busy_sink_is_asked_once (Fixture *fixture, gconstpointer no_batches)
{
  guint left = 100;
  GMutex gate;

  fixture->canonical->busy = TRUE;
  fixture->canonical->no_batches = no_batches != NULL;
  g_mutex_init (&gate);
  g_mutex_lock (&gate);
  fixture->canonical->gate = &gate;
  for (guint i = 0; i < 100; i++)
    {
      g_autoptr (ZuEvent) event = make_event ("me");

      zu_event_bus_publish_async (fixture->bus, event, NULL, on_refused, &left);
      /* The first is on its way alone, the others queue up behind it. */
      g_usleep (i == 0 ? 50 * 1000 : 0);
    }
  g_mutex_unlock (&gate);
  while (left > 0)
    g_main_context_iteration (NULL, TRUE);
  g_assert_cmpuint (fixture->canonical->n_asked, <=, 2);
  g_assert_cmpuint (count (fixture->first), ==, 0);
  g_mutex_clear (&gate);
}

static void
test_flush (Fixture *fixture, gconstpointer data)
{
  GMutex gate;

  g_mutex_init (&gate);
  g_mutex_lock (&gate);
  fixture->first->gate = &gate;
  zu_event_bus_set_patience (fixture->bus, 0);
  g_assert_true (zu_event_bus_flush (fixture->bus, 0));
  for (int i = 0; i < 10; i++)
    publish (fixture, "me");
  g_assert_false (zu_event_bus_flush (fixture->bus, 20));
  g_mutex_unlock (&gate);
  g_assert_true (zu_event_bus_flush (fixture->bus, 60 * 1000));
  assert_same (fixture->first, fixture->canonical);
  assert_same (fixture->second, fixture->canonical);
  g_mutex_clear (&gate);
}

/* What no longer fits is a failure, and what fits is delivered once the destination moves. */
static void
test_queue_is_bounded (Fixture *fixture, gconstpointer data)
{
  g_autoptr (ZuDestination) first = get_destination (fixture, 0);
  const guint n = 17000;
  guint64 n_failed;
  GMutex gate;

  g_mutex_init (&gate);
  g_mutex_lock (&gate);
  fixture->first->gate = &gate;
  zu_event_bus_set_patience (fixture->bus, 0);
  for (guint i = 0; i < n; i++)
    publish (fixture, "me");
  n_failed = zu_destination_get_n_failed (first);
  g_assert_cmpuint (n_failed, >, 0);
  g_assert_cmpuint (zu_destination_get_n_queued (first), ==, 16384);
  g_assert_cmpuint (zu_event_bus_count_failures (fixture->bus), ==, n_failed);
  g_mutex_unlock (&gate);
  g_assert_true (zu_event_bus_flush (fixture->bus, 60 * 1000));
  g_assert_cmpuint (zu_destination_get_n_delivered (first), ==, n - n_failed);
  assert_same (fixture->second, fixture->canonical);
  g_mutex_clear (&gate);
}

static void
publish_failure (ZuEventBus *bus, ZuEventSink *sink, ZuEvent *event, const GError *error,
                 Fixture *fixture)
{
  publish (fixture, "handler");
}

/* Who is told of a failure may publish: a destination's own thread does not wait for itself. */
static void
test_handler_publishes (Fixture *fixture, gconstpointer data)
{
  gint64 start = g_get_monotonic_time ();

  g_signal_connect (fixture->bus, "destination-failed", G_CALLBACK (publish_failure), fixture);
  zu_event_bus_set_patience (fixture->bus, 60 * 1000);
  fixture->first->refused_source = g_strdup ("bad");
  publish (fixture, "bad");
  g_assert_true (zu_event_bus_flush (fixture->bus, 60 * 1000));
  g_assert_cmpint (g_get_monotonic_time () - start, <, 30 * G_TIME_SPAN_SECOND);
  g_assert_cmpuint (count (fixture->canonical), ==, 2);
  g_assert_cmpuint (count (fixture->first), ==, 1);
  assert_same (fixture->second, fixture->canonical);
}

/* The next batch is committed while a slow destination is waited for. */
static void
test_slow_destination_leaves_the_lead (Fixture *fixture, gconstpointer data)
{
  g_autoptr (ZuEvent) event = make_event ("async");
  GMutex gate;
  guint left = 1;

  g_mutex_init (&gate);
  g_mutex_lock (&gate);
  fixture->first->gate = &gate;
  zu_event_bus_set_patience (fixture->bus, 60 * 1000);
  zu_event_bus_publish_async (fixture->bus, event, NULL, on_published, &left);
  while (count (fixture->canonical) < 1)
    g_usleep (1000);
  zu_event_bus_set_patience (fixture->bus, 0);
  publish (fixture, "me");
  g_assert_cmpuint (count (fixture->canonical), ==, 2);
  g_assert_cmpuint (left, ==, 1);
  g_mutex_unlock (&gate);
  while (left > 0)
    g_main_context_iteration (NULL, TRUE);
  g_assert_true (zu_event_bus_flush (fixture->bus, 60 * 1000));
  assert_same (fixture->first, fixture->canonical);
  g_mutex_clear (&gate);
}

#define ADD(path, data, func) \
  g_test_add (path, Fixture, data, fixture_set_up, func, fixture_tear_down)

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);

  ADD ("/bus/publish", NULL, test_publish);
  ADD ("/bus/canonical-refuses", NULL, test_canonical_refuses);
  ADD ("/bus/canonical-must-link", NULL, test_canonical_must_link);
  ADD ("/bus/destination-fails", NULL, test_destination_fails);
  ADD ("/bus/destination-stuck", NULL, test_destination_stuck);
  ADD ("/bus/order", NULL, test_order);
  ADD ("/bus/order/no-batches", "", test_order);
  ADD ("/bus/bad-event-in-batch", NULL, test_bad_event_in_batch);
  ADD ("/bus/cancelled", NULL, test_cancelled);
  ADD ("/bus/destination-state", NULL, test_destination_state);
  ADD ("/bus/properties", NULL, test_properties);
  ADD ("/bus/accept-unlinked", NULL, test_accept_unlinked);
  ADD ("/bus/no-canonical", NULL, test_no_canonical);
  ADD ("/bus/busy-sink-is-asked-once", NULL, test_busy_sink_is_asked_once);
  ADD ("/bus/busy-sink-is-asked-once/no-batches", "", test_busy_sink_is_asked_once);
  ADD ("/bus/flush", NULL, test_flush);
  ADD ("/bus/queue-is-bounded", NULL, test_queue_is_bounded);
  ADD ("/bus/handler-publishes", NULL, test_handler_publishes);
  ADD ("/bus/slow-destination-leaves-the-lead", NULL, test_slow_destination_leaves_the_lead);
  return g_test_run ();
}
