/* SPDX-License-Identifier: Apache-2.0 */

#include <zu/zu.h>

#include <glib/gstdio.h>
#include <string.h>
#include <unistd.h>

#define TRACE   "0b1c2d3e-0000-4000-8000-00000000000%u"
#define TASK    "0b1c2d3e-0000-4000-8000-0000000000aa"
#define WAIT_MS 30000

/* A destination that can be told to fail, and keeps what it was offered and what it took. */
typedef struct
{
  GObject parent_instance;

  GMutex lock;
  GPtrArray *taken; /* ids */
  guint n_offered;
  guint most_at_once;
  gboolean is_down;
  char *refused; /* the source of events that it refuses, ... */
  GQuark domain; /* ... with this error */
  int code;
} Taker;

typedef GObjectClass TakerClass;

static GType taker_get_type (void);
static void taker_iface_init (ZuEventSinkInterface *iface);

G_DEFINE_TYPE_WITH_CODE (Taker, taker, G_TYPE_OBJECT,
                         G_IMPLEMENT_INTERFACE (ZU_TYPE_EVENT_SINK, taker_iface_init))

static gboolean
takes (Taker *self, ZuEvent *event, GError **error)
{
  self->n_offered++;
  if (self->is_down)
    g_set_error_literal (error, ZU_EVENT_SINK_ERROR, ZU_EVENT_SINK_ERROR_BUSY, "told to be down");
  else if (g_strcmp0 (zu_event_get_source (event), self->refused) == 0)
    g_set_error_literal (error, self->domain, self->code, "told to refuse");
  else
    {
      g_ptr_array_add (self->taken, g_strdup (zu_event_get_event_id (event)));
      return TRUE;
    }
  return FALSE;
}

static ZuEvent *
taker_append (ZuEventSink *sink, ZuEvent *event, GCancellable *cancellable, GError **error)
{
  Taker *self = (Taker *) sink;
  g_autoptr (GMutexLocker) locker = g_mutex_locker_new (&self->lock);

  return takes (self, event, error) ? g_object_ref (event) : NULL;
}

/* All or none of them, as the port says. */
static GPtrArray *
taker_append_many (ZuEventSink *sink, GPtrArray *events, GCancellable *cancellable, GError **error)
{
  Taker *self = (Taker *) sink;
  g_autoptr (GMutexLocker) locker = g_mutex_locker_new (&self->lock);
  guint had = self->taken->len;

  self->most_at_once = MAX (self->most_at_once, events->len);
  for (guint i = 0; i < events->len; i++)
    if (!takes (self, g_ptr_array_index (events, i), error))
      {
        g_ptr_array_set_size (self->taken, (int) had);
        return NULL;
      }
  return g_ptr_array_ref (events);
}

static void
taker_iface_init (ZuEventSinkInterface *iface)
{
  iface->append = taker_append;
  iface->append_many = taker_append_many;
}

static void
taker_finalize (GObject *object)
{
  Taker *self = (Taker *) object;

  g_ptr_array_unref (self->taken);
  g_free (self->refused);
  g_mutex_clear (&self->lock);
  G_OBJECT_CLASS (taker_parent_class)->finalize (object);
}

static void
taker_class_init (TakerClass *klass)
{
  klass->finalize = taker_finalize;
}

static void
taker_init (Taker *self)
{
  g_mutex_init (&self->lock);
  self->taken = g_ptr_array_new_with_free_func (g_free);
}

G_DEFINE_AUTOPTR_CLEANUP_FUNC (Taker, g_object_unref)

static void
taker_set_down (Taker *self, gboolean is_down)
{
  g_mutex_lock (&self->lock);
  self->is_down = is_down;
  g_mutex_unlock (&self->lock);
}

static void
taker_refuse (Taker *self, const char *source, GQuark domain, int code)
{
  g_mutex_lock (&self->lock);
  g_free (self->refused);
  self->refused = g_strdup (source);
  self->domain = domain;
  self->code = code;
  g_mutex_unlock (&self->lock);
}

static guint
taker_count (Taker *self)
{
  g_autoptr (GMutexLocker) locker = g_mutex_locker_new (&self->lock);

  return self->taken->len;
}

static gboolean
wait_until (Taker *self, guint n)
{
  gint64 deadline = g_get_monotonic_time () + WAIT_MS * G_TIME_SPAN_MILLISECOND;

  while (taker_count (self) < n && g_get_monotonic_time () < deadline)
    g_usleep (1000);
  return taker_count (self) >= n;
}

typedef struct
{
  char *folder;
  char *positions;
  ZuEventSink *canonical;
  Taker *taker;
} Fixture;

static ZuEventSink *
open_sink (const char *before, const char *folder, const char *behind)
{
  g_autoptr (GError) error = NULL;
  g_autofree char *uri = g_strconcat (before, folder, behind, NULL);
  ZuEventSink *sink = zu_open_sink (uri, &error);

  g_assert_no_error (error);
  return sink;
}

static void
fixture_set_up (Fixture *self, gconstpointer data)
{
  gboolean is_lines = g_strcmp0 (data, "of-lines") == 0;
  g_autoptr (GError) error = NULL;

  self->folder = g_dir_make_tmp ("zu-delivery-XXXXXX", &error);
  g_assert_no_error (error);
  self->positions = g_build_filename (self->folder, "positions", NULL);
  self->canonical = open_sink (is_lines ? "jsonl:" : "sqlite:", self->folder, "/log");
  self->taker = g_object_new (taker_get_type (), NULL);
}

static void
fixture_tear_down (Fixture *self, gconstpointer data)
{
  g_autoptr (GDir) dir = NULL;

  g_clear_object (&self->canonical);
  g_clear_object (&self->taker);
  dir = g_dir_open (self->folder, 0, NULL);
  for (const char *name; (name = g_dir_read_name (dir)) != NULL;)
    {
      g_autofree char *path = g_build_filename (self->folder, name, NULL);

      g_assert_cmpint (g_remove (path), ==, 0);
    }
  g_assert_cmpint (g_rmdir (self->folder), ==, 0);
  g_free (self->positions);
  g_free (self->folder);
}

static ZuEventBus *
new_bus (Fixture *self, ZuEventSink *destination)
{
  g_autoptr (GPtrArray) destinations = g_ptr_array_new ();
  const char *names[] = { "copy", NULL };

  g_ptr_array_add (destinations, destination);
  return g_object_new (ZU_TYPE_EVENT_BUS, "canonical", self->canonical, "destinations",
                       destinations, "names", names, "positions-file", self->positions, "patience",
                       0, NULL);
}

/* The thread of a destination goes on for a moment after its bus, and then leaves the file. */
static void
drop_bus (ZuEventBus *bus)
{
  g_assert_true (zu_event_bus_flush (bus, WAIT_MS));
  g_object_unref (bus);
}

static ZuEvent *
new_event (guint number, const char *source)
{
  g_autofree char *trace = g_strdup_printf (TRACE, number % 5);
  g_autoptr (GError) error = NULL;
  ZuEvent *event = zu_event_new (trace, TASK, NULL, "data.test", source, NULL, &error);

  g_assert_no_error (error);
  return event;
}

static void
append (Fixture *self, guint n)
{
  g_autoptr (GPtrArray) events = g_ptr_array_new_with_free_func (g_object_unref);
  g_autoptr (GPtrArray) stored = NULL;
  g_autoptr (GError) error = NULL;

  for (guint i = 0; i < n; i++)
    g_ptr_array_add (events, new_event (i, "test"));
  stored = zu_event_sink_append_many (self->canonical, events, NULL, &error);
  g_assert_no_error (error);
}

static void
publish (ZuEventBus *bus, guint n, const char *source)
{
  for (guint i = 0; i < n; i++)
    {
      g_autoptr (GError) error = NULL;
      g_autoptr (ZuEvent) event = new_event (i, source);
      g_autoptr (ZuEvent) stored = zu_event_bus_publish (bus, event, NULL, &error);

      g_assert_no_error (error);
    }
}

/* The canonical order, nothing left out, nothing twice. */
static void
assert_same (Fixture *self, const char *but_source)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (GPtrArray) events = zu_event_sink_query (self->canonical, NULL, 0, -1, NULL, &error);
  guint n = 0;

  g_assert_no_error (error);
  for (guint i = 0; i < events->len; i++)
    {
      ZuEvent *event = g_ptr_array_index (events, i);

      if (g_strcmp0 (zu_event_get_source (event), but_source) == 0)
        continue;
      g_assert_cmpuint (n, <, self->taker->taken->len);
      g_assert_cmpstr (g_ptr_array_index (self->taker->taken, n), ==,
                       zu_event_get_event_id (event));
      n++;
    }
  g_assert_cmpuint (self->taker->taken->len, ==, n);
}

static ZuDestination *
get_destination (ZuEventBus *bus)
{
  g_autoptr (GPtrArray) list = zu_event_bus_list_destinations (bus);

  return g_ptr_array_index (list, 0); /* which the bus keeps */
}

static void
test_from_the_beginning (Fixture *self, gconstpointer data)
{
  ZuEventBus *bus;

  append (self, 2000);
  bus = new_bus (self, (ZuEventSink *) self->taker);
  publish (bus, 200, "test");
  g_assert_true (zu_event_bus_flush (bus, WAIT_MS));
  assert_same (self, NULL);
  g_assert_cmpuint (self->taker->most_at_once, <=, 128);
  g_assert_cmpuint (zu_destination_get_n_delivered (get_destination (bus)), ==, 2200);
  g_assert_cmpuint (zu_destination_get_n_queued (get_destination (bus)), ==, 0);
  g_assert_cmpstr (zu_destination_get_name (get_destination (bus)), ==, "copy");
  drop_bus (bus);
}

static void
test_restart (Fixture *self, gconstpointer data)
{
  for (guint run = 0; run < 3; run++)
    {
      ZuEventBus *bus;

      append (self, 300);
      bus = new_bus (self, (ZuEventSink *) self->taker);
      publish (bus, 7, "test");
      drop_bus (bus);
      append (self, 5);
    }

  {
    ZuEventBus *bus = new_bus (self, (ZuEventSink *) self->taker);

    g_assert_true (wait_until (self->taker, 3 * 312));
    drop_bus (bus);
  }
  assert_same (self, NULL);
  /* And nothing was offered twice. */
  g_assert_cmpuint (self->taker->n_offered, ==, 3 * 312);
}

static void
test_down_for_a_while (Fixture *self, gconstpointer data)
{
  ZuEventBus *bus = new_bus (self, (ZuEventSink *) self->taker);
  g_autoptr (GError) error = NULL;

  publish (bus, 10, "test");
  g_assert_true (wait_until (self->taker, 10));
  taker_set_down (self->taker, TRUE);
  publish (bus, 500, "test");
  g_assert_false (zu_event_bus_flush (bus, 300));
  g_assert_cmpuint (taker_count (self->taker), ==, 10);
  error = zu_destination_dup_last_error (get_destination (bus));
  g_assert_error (error, ZU_EVENT_SINK_ERROR, ZU_EVENT_SINK_ERROR_BUSY);
  g_assert_cmpuint (zu_event_bus_count_failures (bus), >=, 1);
  g_assert_cmpuint (zu_destination_get_n_failed (get_destination (bus)), ==, 0);
  g_assert_cmpuint (zu_destination_get_n_queued (get_destination (bus)), ==, 500);

  taker_set_down (self->taker, FALSE);
  publish (bus, 10, "test");
  g_assert_true (zu_event_bus_flush (bus, WAIT_MS));
  assert_same (self, NULL);
  drop_bus (bus);
}

/* It is down when the process ends, and up when the next one comes. */
static void
test_down_over_a_restart (Fixture *self, gconstpointer data)
{
  ZuEventBus *bus = new_bus (self, (ZuEventSink *) self->taker);

  publish (bus, 300, "test");
  g_assert_true (zu_event_bus_flush (bus, WAIT_MS));
  taker_set_down (self->taker, TRUE);
  publish (bus, 300, "test");
  g_assert_false (zu_event_bus_flush (bus, 50));
  g_object_unref (bus);
  taker_set_down (self->taker, FALSE);

  bus = new_bus (self, (ZuEventSink *) self->taker);
  publish (bus, 1, "test");
  drop_bus (bus);
  assert_same (self, NULL);
}

static void
test_refuses_one_event (Fixture *self, gconstpointer data)
{
  ZuEventBus *bus = new_bus (self, (ZuEventSink *) self->taker);

  taker_refuse (self->taker, "bad", ZU_EVENT_SINK_ERROR, ZU_EVENT_SINK_ERROR_CONFLICT);
  publish (bus, 50, "test");
  publish (bus, 1, "bad");
  publish (bus, 50, "test");
  g_assert_true (zu_event_bus_flush (bus, WAIT_MS));
  assert_same (self, "bad");
  g_assert_cmpuint (zu_destination_get_n_failed (get_destination (bus)), ==, 1);
  g_assert_cmpuint (zu_event_bus_count_failures (bus), ==, 1);
  drop_bus (bus);

  bus = new_bus (self, (ZuEventSink *) self->taker);
  publish (bus, 1, "test");
  drop_bus (bus);
  assert_same (self, "bad");
}

/* An error that says nothing of the event: it stays due, and so does all that follows. */
static void
test_fails_at_one_event (Fixture *self, gconstpointer data)
{
  ZuEventBus *bus = new_bus (self, (ZuEventSink *) self->taker);

  taker_refuse (self->taker, "bad", G_IO_ERROR, G_IO_ERROR_FAILED);
  publish (bus, 50, "test");
  publish (bus, 1, "bad");
  publish (bus, 50, "test");
  g_assert_false (zu_event_bus_flush (bus, 500));
  g_assert_cmpuint (taker_count (self->taker), ==, 50);
  taker_refuse (self->taker, NULL, 0, 0);
  g_assert_true (zu_event_bus_flush (bus, WAIT_MS));
  assert_same (self, NULL);
  drop_bus (bus);
}

static void
expect_last_error (ZuEventBus *bus, GQuark domain, int code)
{
  gint64 deadline = g_get_monotonic_time () + WAIT_MS * G_TIME_SPAN_MILLISECOND;
  g_autoptr (GError) error = NULL;

  while ((error = zu_destination_dup_last_error (get_destination (bus))) == NULL
         && g_get_monotonic_time () < deadline)
    g_usleep (1000);
  g_assert_error (error, domain, code);
}

static void
test_damaged_positions (Fixture *self, gconstpointer data)
{
  static const char *const texts[] = {
    "nonsense\n",
    "{}\n",
    "{\"destination\":\"copy\",\"seq\":-1}\n",
    "{\"destination\":\"copy\",\"seq\":1}",
    "{\"destination\":\"copy\",\"seq\":\"1\"}\n",
    "\n",
  };

  append (self, 3);
  for (guint i = 0; i < G_N_ELEMENTS (texts); i++)
    {
      g_autoptr (ZuEventBus) bus = NULL;

      g_assert_true (g_file_set_contents (self->positions, texts[i], -1, NULL));
      bus = new_bus (self, (ZuEventSink *) self->taker);
      expect_last_error (bus, G_IO_ERROR, G_IO_ERROR_INVALID_DATA);
      g_assert_cmpuint (taker_count (self->taker), ==, 0);
    }
}

static void
test_positions_of_another_log (Fixture *self, gconstpointer data)
{
  static const char *const texts[] = {
    "{\"destination\":\"copy\",\"seq\":2,\"event_id\":\"6f9619ff-8b86-4011-b42d-00c04fc964ff\"}\n",
    "{\"destination\":\"copy\",\"seq\":99,\"event_id\":\"6f9619ff-8b86-4011-b42d-00c04fc964ff\"}\n",
  };

  append (self, 3);
  for (guint i = 0; i < G_N_ELEMENTS (texts); i++)
    {
      g_autoptr (ZuEventBus) bus = NULL;

      g_assert_true (g_file_set_contents (self->positions, texts[i], -1, NULL));
      bus = new_bus (self, (ZuEventSink *) self->taker);
      expect_last_error (bus, ZU_EVENT_SINK_ERROR, ZU_EVENT_SINK_ERROR_FOREIGN);
      g_assert_cmpuint (taker_count (self->taker), ==, 0);
    }
}

/* One delivers for both, until it goes. */
static void
test_takes_over (Fixture *self, gconstpointer data)
{
  g_autoptr (Taker) other = g_object_new (taker_get_type (), NULL);
  ZuEventBus *first = new_bus (self, (ZuEventSink *) self->taker), *second;

  publish (first, 10, "test");
  g_assert_true (zu_event_bus_flush (first, WAIT_MS));
  second = new_bus (self, (ZuEventSink *) other);
  publish (second, 10, "test");
  g_assert_true (wait_until (self->taker, 20));
  g_assert_cmpuint (taker_count (other), ==, 0);
  drop_bus (first);
  publish (second, 10, "test");
  g_assert_true (wait_until (other, 10));
  g_assert_cmpuint (taker_count (other), ==, 10);
  g_assert_cmpuint (taker_count (self->taker), ==, 20);
  drop_bus (second);
}

/* The other end of the crash test: publishes until it is killed. */
static int
run_child (char **arguments)
{
  g_autoptr (ZuEventSink) copy = open_sink ("", arguments[1], "");
  Fixture self = { .positions = arguments[2], .canonical = open_sink ("", arguments[0], "") };
  g_autoptr (ZuEventBus) bus = new_bus (&self, copy);

  publish (bus, 1, "child");
  g_assert_cmpint (write (STDOUT_FILENO, "p", 1), ==, 1);
  for (guint i = 0; i < 100000; i++)
    publish (bus, 1, "child");
  return 1;
}

/* At any time; or after the first event was stored, so that something was, however slow this is. */
static void
crash_once (char **arguments, gboolean after_first)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (GSubprocess) child =
      g_subprocess_newv ((const char *const *) arguments, G_SUBPROCESS_FLAGS_STDOUT_PIPE, &error);
  char byte;

  g_assert_no_error (error);
  if (after_first)
    g_assert_cmpint (
        g_input_stream_read (g_subprocess_get_stdout_pipe (child), &byte, 1, NULL, NULL), ==, 1);
  g_usleep ((gulong) g_random_int_range (20000, 150000));
  g_subprocess_force_exit (child);
  g_assert_true (g_subprocess_wait (child, NULL, &error));
  g_assert_no_error (error);
}

#define KILLS 20

static char *own_path;

/* Killed between commit and delivery, and anywhere else: a copy has everything once, in order. */
static void
test_killed (Fixture *self, gconstpointer scheme)
{
  g_autofree char *log = g_strdup_printf ("sqlite:%s/log", self->folder);
  g_autofree char *uri =
      g_strdup_printf ("%s:%s/copy?role=copy", (const char *) scheme, self->folder);
  char *arguments[] = { own_path, (char *) "--child", log, uri, self->positions, NULL };
  g_autoptr (ZuEventSink) copy = NULL;
  g_autoptr (GPtrArray) all = NULL, copied = NULL;
  g_autoptr (GError) error = NULL;
  ZuEventBus *bus;

  for (guint i = 0; i < KILLS; i++)
    crash_once (arguments, i % 2 == 0);
  copy = open_sink ("", uri, "");
  bus = new_bus (self, copy);
  publish (bus, 1, "last");
  drop_bus (bus);

  all = zu_event_sink_query (self->canonical, NULL, 0, -1, NULL, &error);
  g_assert_no_error (error);
  copied = zu_event_sink_query (copy, NULL, 0, -1, NULL, &error);
  g_assert_no_error (error);
  g_test_message ("%u events", all->len);
  g_assert_cmpuint (all->len, >, KILLS / 2);
  g_assert_cmpuint (copied->len, ==, all->len);
  for (guint i = 0; i < all->len; i++)
    g_assert_cmpstr (zu_event_get_text (g_ptr_array_index (copied, i), NULL), ==,
                     zu_event_get_text (g_ptr_array_index (all, i), NULL));
}

int
main (int argc, char *argv[])
{
  static const struct
  {
    const char *path;
    void (*func) (Fixture *self, gconstpointer data);
    const char *data;
  } tests[] = {
    { "/delivery/from-the-beginning", test_from_the_beginning, NULL },
    { "/delivery/restart", test_restart, NULL },
    { "/delivery/from-the-beginning/of-lines", test_from_the_beginning, "of-lines" },
    { "/delivery/restart/of-lines", test_restart, "of-lines" },
    { "/delivery/down-over-a-restart/of-lines", test_down_over_a_restart, "of-lines" },
    { "/delivery/positions-of-another-log/of-lines", test_positions_of_another_log, "of-lines" },
    { "/delivery/down-for-a-while", test_down_for_a_while, NULL },
    { "/delivery/down-over-a-restart", test_down_over_a_restart, NULL },
    { "/delivery/refuses-one-event", test_refuses_one_event, NULL },
    { "/delivery/fails-at-one-event", test_fails_at_one_event, NULL },
    { "/delivery/damaged-positions", test_damaged_positions, NULL },
    { "/delivery/positions-of-another-log", test_positions_of_another_log, NULL },
    { "/delivery/takes-over", test_takes_over, NULL },
    { "/delivery/killed/sqlite", test_killed, "sqlite" },
    { "/delivery/killed/jsonl", test_killed, "jsonl" },
  };

  if (argc == 5 && g_str_equal (argv[1], "--child"))
    return run_child (argv + 2);

  g_test_init (&argc, &argv, NULL);
  own_path = argv[0];
  for (guint i = 0; i < G_N_ELEMENTS (tests); i++)
    g_test_add (tests[i].path, Fixture, tests[i].data, fixture_set_up, tests[i].func,
                fixture_tear_down);
  return g_test_run ();
}
