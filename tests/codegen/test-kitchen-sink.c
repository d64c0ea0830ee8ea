/* SPDX-License-Identifier: Apache-2.0 */

#include "kit-late-sink.h"
#include "kit-loop-remote.h"
#include "kit-plain-sink.h"

/* One body of checks for every way to a port: at once, later, over JSON, a channel and D-Bus. */

#define EVENT                                                                            \
  "{\"event_id\": \"6f9619ff-8b86-4011-b42d-00c04fc964ff\", \"trace_id\": "              \
  "\"0b1c2d3e-0000-4000-8000-000000000001\", \"task_id\": "                              \
  "\"0b1c2d3e-0000-4000-8000-0000000000aa\", \"type\": \"data.one\", \"ts\": "           \
  "\"2024-03-05T06:07:08Z\", \"source\": \"test\", \"payload\": {\"n\": null, \"big\": " \
  "123456789012345678901234567890, \"list\": [1, null, 1.5]}}"

typedef struct
{
  KitKitchenSink *sink;
  GTestDBus *bus;
  GDBusInterfaceSkeleton *adapter;
  GDBusConnection *server;
  GDBusConnection *client;
  GThread *thread;
  GMainContext *context;
  GMainLoop *loop;
} Fixture;

static void
plain_set_up (Fixture *fixture, gconstpointer data)
{
  fixture->sink = kit_plain_sink_new ();
}

static void
late_set_up (Fixture *fixture, gconstpointer data)
{
  fixture->sink = kit_late_sink_new ();
}

static void
remote_set_up (Fixture *fixture, gconstpointer data)
{
  g_autoptr (KitKitchenSink) plain = kit_plain_sink_new ();
  g_autoptr (ZuRemote) remote =
      kit_loop_remote_new (G_OBJECT (plain), kit_kitchen_sink_get_port_info ());

  fixture->sink = kit_kitchen_sink_proxy_new (remote);
}

static void
channel_set_up (Fixture *fixture, gconstpointer data)
{
  g_autoptr (KitKitchenSink) plain = kit_plain_sink_new ();
  g_autoptr (ZuChannel) channel =
      zu_port_channel_new (G_OBJECT (plain), kit_kitchen_sink_get_port_info ());
  g_autoptr (ZuRemote) remote = zu_channel_remote_new (channel);

  fixture->sink = kit_kitchen_sink_proxy_new (remote);
}

static gpointer
serve (gpointer data)
{
  Fixture *fixture = data;

  g_main_context_push_thread_default (fixture->context);
  g_main_loop_run (fixture->loop);
  g_main_context_pop_thread_default (fixture->context);

  return NULL;
}

static GDBusConnection *
connect_to_bus (GTestDBus *bus)
{
  g_autoptr (GError) error = NULL;
  GDBusConnection *connection =
      g_dbus_connection_new_for_address_sync (g_test_dbus_get_bus_address (bus),
                                              G_DBUS_CONNECTION_FLAGS_AUTHENTICATION_CLIENT
                                                  | G_DBUS_CONNECTION_FLAGS_MESSAGE_BUS_CONNECTION,
                                              NULL, NULL, &error);

  g_assert_no_error (error);
  return connection;
}

static void
dbus_set_up (Fixture *fixture, gconstpointer data)
{
  const ZuPortInfo *info = kit_kitchen_sink_get_port_info ();
  g_autoptr (KitKitchenSink) plain = kit_plain_sink_new ();
  g_autoptr (ZuRemote) remote = NULL;
  g_autoptr (GError) error = NULL;

  fixture->adapter = zu_dbus_adapter_new (G_OBJECT (plain), info);
  fixture->bus = g_test_dbus_new (G_TEST_DBUS_NONE);
  g_test_dbus_up (fixture->bus);
  fixture->server = connect_to_bus (fixture->bus);
  fixture->client = connect_to_bus (fixture->bus);

  /* Calls arrive in the context in which the object was exported. */
  fixture->context = g_main_context_new ();
  fixture->loop = g_main_loop_new (fixture->context, FALSE);
  g_main_context_push_thread_default (fixture->context);
  g_dbus_interface_skeleton_export (fixture->adapter, fixture->server, info->dbus_path, &error);
  g_main_context_pop_thread_default (fixture->context);
  g_assert_no_error (error);
  fixture->thread = g_thread_new ("server", serve, fixture);

  remote = zu_dbus_remote_new (fixture->client, g_dbus_connection_get_unique_name (fixture->server),
                               NULL, info);
  fixture->sink = kit_kitchen_sink_proxy_new (remote);
}

static void
close_connection (GDBusConnection **connection)
{
  g_dbus_connection_close_sync (*connection, NULL, NULL);
  g_clear_object (connection);
}

static gboolean
quit (gpointer loop)
{
  g_main_loop_quit (loop);
  return G_SOURCE_REMOVE;
}

static void
tear_down (Fixture *fixture, gconstpointer data)
{
  g_autoptr (GSource) idle = NULL;

  g_clear_object (&fixture->sink);
  if (fixture->bus == NULL)
    return;

  /* From within: the loop may not have begun yet. */
  idle = g_idle_source_new ();
  g_source_set_callback (idle, quit, fixture->loop, NULL);
  g_source_attach (idle, fixture->context);
  g_thread_join (fixture->thread);
  g_dbus_interface_skeleton_unexport (fixture->adapter);
  g_clear_object (&fixture->adapter);
  close_connection (&fixture->client);
  close_connection (&fixture->server);
  g_main_loop_unref (fixture->loop);
  g_main_context_unref (fixture->context);
  g_test_dbus_down (fixture->bus);
  g_object_unref (fixture->bus);
}

static void
check_numbers (Fixture *fixture, gconstpointer data)
{
  KitKitchenSink *sink = fixture->sink;
  g_autoptr (GError) error = NULL;

  g_assert_true (kit_kitchen_sink_echo_boolean (sink, TRUE, NULL, &error));
  g_assert_false (kit_kitchen_sink_echo_boolean (sink, FALSE, NULL, &error));
  g_assert_cmpint (kit_kitchen_sink_echo_int32 (sink, G_MININT32, NULL, &error), ==, G_MININT32);
  g_assert_cmpuint (kit_kitchen_sink_echo_uint32 (sink, G_MAXUINT32, NULL, &error), ==,
                    G_MAXUINT32);
  g_assert_cmpint (kit_kitchen_sink_echo_int64 (sink, G_MININT64, NULL, &error), ==, G_MININT64);
  g_assert_cmpint (kit_kitchen_sink_echo_int64 (sink, 9007199254740993, NULL, &error), ==,
                   9007199254740993);
  g_assert_cmpuint (kit_kitchen_sink_echo_uint64 (sink, G_MAXUINT64, NULL, &error), ==,
                    G_MAXUINT64);
  g_assert_cmpfloat (kit_kitchen_sink_echo_double (sink, 0.1, NULL, &error), ==, 0.1);
  g_assert_cmpint ((int) kit_kitchen_sink_echo_heat (sink, KIT_HEAT_LUKE_WARM, NULL, &error), ==,
                   KIT_HEAT_LUKE_WARM);
  g_assert_no_error (error);
}

static void
check_texts (Fixture *fixture, gconstpointer data)
{
  const char *const words[] = { "a", "", "ü", NULL };
  const char bytes[] = { 0, 1, 2, (char) 255 };
  g_autoptr (GError) error = NULL;
  g_autoptr (GBytes) blob = g_bytes_new (bytes, sizeof bytes);
  g_autofree char *text = kit_kitchen_sink_echo_text (fixture->sink, "né\n", "?", NULL, &error);
  g_autofree char *some = kit_kitchen_sink_echo_maybe_text (fixture->sink, "x", NULL, &error);
  g_autofree char *none = kit_kitchen_sink_echo_maybe_text (fixture->sink, NULL, NULL, &error);
  g_auto (GStrv) back = kit_kitchen_sink_echo_words (fixture->sink, words, NULL, &error);
  g_autoptr (GBytes) blob_back = kit_kitchen_sink_echo_bytes (fixture->sink, blob, NULL, &error);
  g_autoptr (GBytes) no_blob =
      kit_kitchen_sink_echo_maybe_bytes (fixture->sink, NULL, NULL, &error);

  g_assert_no_error (error);
  g_assert_cmpstr (text, ==, "né\n?");
  g_assert_cmpstr (some, ==, "x");
  g_assert_null (none);
  g_assert_cmpstrv (back, words);
  g_assert_true (g_bytes_equal (blob_back, blob));
  g_assert_null (no_blob);
}

static void
check_json (Fixture *fixture, gconstpointer data)
{
  static const char *const texts[] = { "null", "[1,null,{}]",
                                       "{\"a\":123456789012345678901234567890,\"b\":1.0}",
                                       "\"\\u0000\"" };

  for (guint i = 0; i < G_N_ELEMENTS (texts); i++)
    {
      g_autoptr (GError) error = NULL;
      g_autoptr (ZuJson) json = zu_json_parse (texts[i], -1, NULL);
      g_autoptr (ZuJson) back = kit_kitchen_sink_echo_json (fixture->sink, json, NULL, &error);
      g_autofree char *text = NULL;

      g_assert_no_error (error);
      text = zu_json_to_string (back);
      g_assert_true (zu_json_equal (back, json));
    }
}

static void
check_records (Fixture *fixture, gconstpointer data)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (GPtrArray) plates = g_ptr_array_new_with_free_func (g_object_unref);
  g_autoptr (GPtrArray) back = NULL;
  g_autoptr (ZuEvent) event = zu_event_new_from_json (EVENT, -1, &error);
  g_autoptr (ZuEvent) event_back = NULL;
  g_autoptr (ZuJson) json = zu_json_parse ("[null, 5]", -1, NULL);
  g_autoptr (KitEverything) full = NULL;
  g_autoptr (KitEverything) full_back = NULL;
  g_autoptr (KitEverything) bare = kit_everything_new ("t");
  g_autoptr (KitEverything) bare_back = NULL;

  g_assert_no_error (error);
  g_ptr_array_add (plates, kit_plate_new ("one"));
  g_ptr_array_add (plates, g_object_new (KIT_TYPE_PLATE, "name", "two", "weight", 1.25, NULL));
  back = kit_kitchen_sink_echo_plates (fixture->sink, plates, NULL, &error);
  g_assert_no_error (error);
  g_assert_cmpuint (back->len, ==, 2);
  for (guint i = 0; i < 2; i++)
    g_assert_true (zu_record_equal (g_ptr_array_index (back, i), g_ptr_array_index (plates, i)));

  full = g_object_new (KIT_TYPE_EVERYTHING, "text", "t", "maybe-text", "m", "plate",
                       g_ptr_array_index (plates, 0), "plates", plates, "event", event, "data",
                       json, "heat", KIT_HEAT_HOT, "huge", G_MAXUINT64, NULL);
  full_back = kit_kitchen_sink_echo_everything (fixture->sink, full, NULL, &error);
  g_assert_no_error (error);
  g_assert_true (zu_record_equal (ZU_RECORD (full_back), ZU_RECORD (full)));
  g_assert_cmpuint (kit_everything_get_huge (full_back), ==, G_MAXUINT64);

  bare_back = kit_kitchen_sink_echo_everything (fixture->sink, bare, NULL, &error);
  g_assert_no_error (error);
  g_assert_true (zu_record_equal (ZU_RECORD (bare_back), ZU_RECORD (bare)));
  g_assert_cmpstr (kit_everything_get_default_text (bare_back), ==,
                   "say \"hi\" \\ to\tall\nof you ?\?= ü");
  g_assert_cmpint (kit_everything_get_large (bare_back), ==, G_MININT64);
  g_assert_cmpuint (kit_everything_get_huge (bare_back), ==, G_MAXUINT64);
  g_assert_cmpint ((int) kit_everything_get_heat (bare_back), ==, KIT_HEAT_LUKE_WARM);
  g_assert_null (kit_everything_get_plates (bare_back));

  event_back = kit_kitchen_sink_echo_event (fixture->sink, event, NULL, &error);
  g_assert_no_error (error);
  g_assert_cmpstr (zu_event_get_text (event_back, NULL), ==, zu_event_get_text (event, NULL));
}

static KitLoad *
load_new (guint n)
{
  g_autoptr (GPtrArray) plates = g_ptr_array_new_with_free_func (g_object_unref);

  for (guint i = 0; i < n; i++)
    g_ptr_array_add (plates, kit_plate_new ("p"));

  return kit_load_new (plates);
}

static void
check_errors (Fixture *fixture, gconstpointer data)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (KitLoad) three = load_new (3);
  g_autoptr (KitLoad) four = load_new (4);

  g_assert_true (kit_kitchen_sink_wash (fixture->sink, three, KIT_HEAT_HOT, NULL, &error));
  g_assert_no_error (error);
  g_assert_true (kit_kitchen_sink_drain (fixture->sink, NULL, &error));
  g_assert_no_error (error);

  g_assert_false (kit_kitchen_sink_wash (fixture->sink, four, KIT_HEAT_HOT, NULL, &error));
  g_assert_error (error, KIT_KITCHEN_SINK_ERROR, KIT_KITCHEN_SINK_ERROR_TOO_FULL);
  g_assert_cmpstr (error->message, ==, "4 plates, and there is room for 3");
}

static void
keep_result (GObject *source, GAsyncResult *result, gpointer data)
{
  *(GAsyncResult **) data = g_object_ref (result);
}

static GAsyncResult *
wait_for (GAsyncResult **result)
{
  while (*result == NULL)
    g_main_context_iteration (NULL, TRUE);

  return *result;
}

static void
check_async (Fixture *fixture, gconstpointer data)
{
  KitKitchenSink *sink = fixture->sink;
  g_autoptr (GError) error = NULL;
  g_autoptr (GAsyncResult) one = NULL;
  g_autoptr (GAsyncResult) two = NULL;
  g_autoptr (GAsyncResult) three = NULL;
  g_autoptr (KitLoad) four = load_new (4);
  g_autofree char *text = NULL;

  kit_kitchen_sink_echo_text_async (sink, "a", "b", NULL, keep_result, &one);
  kit_kitchen_sink_echo_int64_async (sink, -1, NULL, keep_result, &two);
  kit_kitchen_sink_wash_async (sink, four, KIT_HEAT_HOT, NULL, keep_result, &three);

  text = kit_kitchen_sink_echo_text_finish (sink, wait_for (&one), &error);
  g_assert_no_error (error);
  g_assert_cmpstr (text, ==, "ab");
  g_assert_cmpint (kit_kitchen_sink_echo_int64_finish (sink, wait_for (&two), &error), ==, -1);
  g_assert_no_error (error);
  g_assert_false (kit_kitchen_sink_wash_finish (sink, wait_for (&three), &error));
  g_assert_error (error, KIT_KITCHEN_SINK_ERROR, KIT_KITCHEN_SINK_ERROR_TOO_FULL);
}

static void
check_cancelled (Fixture *fixture, gconstpointer data)
{
  g_autoptr (GCancellable) cancellable = g_cancellable_new ();
  g_autoptr (GAsyncResult) result = NULL;
  g_autoptr (GError) error = NULL;

  g_cancellable_cancel (cancellable);
  kit_kitchen_sink_drain_async (fixture->sink, cancellable, keep_result, &result);
  g_assert_false (kit_kitchen_sink_drain_finish (fixture->sink, wait_for (&result), &error));
  g_assert_error (error, G_IO_ERROR, G_IO_ERROR_CANCELLED);
  g_clear_error (&error);

  g_assert_false (kit_kitchen_sink_drain (fixture->sink, cancellable, &error));
  g_assert_error (error, G_IO_ERROR, G_IO_ERROR_CANCELLED);
}

/* What crosses no wire works in the process, and is refused beyond it. */
static void
check_local (Fixture *fixture, gconstpointer data)
{
  gboolean is_proxy = G_TYPE_CHECK_INSTANCE_TYPE (fixture->sink, KIT_TYPE_KITCHEN_SINK_PROXY);
  g_autoptr (GError) error = NULL;
  g_autoptr (KitKitchenSink) other = NULL;
  int fd = kit_kitchen_sink_open_pipe (fixture->sink, 7, NULL, &error);

  if (is_proxy)
    {
      g_assert_error (error, G_IO_ERROR, G_IO_ERROR_NOT_SUPPORTED);
      return;
    }

  g_assert_no_error (error);
  g_assert_cmpint (fd, ==, 7);
  other = kit_kitchen_sink_plumb (fixture->sink, fixture->sink, NULL, NULL, &error);
  g_assert_no_error (error);
  g_assert_true (other == fixture->sink);
  g_clear_object (&other);
  other = kit_kitchen_sink_plumb (fixture->sink, NULL, NULL, NULL, &error);
  g_assert_no_error (error);
  g_assert_null (other);
}

static void
count_drops (KitKitchenSink *sink, gint64 drops, KitPlate *plate, gpointer data)
{
  g_assert_cmpstr (kit_plate_get_name (plate), ==, "p");
  *(gint64 *) data = drops;
}

static void
test_signals_and_properties (void)
{
  g_autoptr (KitKitchenSink) sink = kit_plain_sink_new ();
  g_autoptr (KitKitchenSink) late = kit_late_sink_new ();
  g_autoptr (KitLoad) load = load_new (2);
  gint64 drops = 0;

  g_signal_connect (sink, "dripped", G_CALLBACK (count_drops), &drops);
  g_assert_true (kit_kitchen_sink_wash (sink, load, KIT_HEAT_HOT, NULL, NULL));
  g_assert_cmpint (drops, ==, 2);

  g_assert_cmpint (kit_kitchen_sink_get_depth (sink), ==, 42);
  g_assert_cmpint (kit_kitchen_sink_get_depth (late), ==, 30);
  g_assert_false (kit_kitchen_sink_get_is_clean (late));
  g_assert_cmpstr (kit_kitchen_sink_get_material (late), ==, "stone");
  g_assert_null (kit_kitchen_sink_get_label (late));
  g_assert_cmpint ((int) kit_kitchen_sink_get_heat (late), ==, KIT_HEAT_HOT);
}

static void
test_info (void)
{
  const ZuPortInfo *info = kit_kitchen_sink_get_port_info ();
  g_autoptr (GError) error = NULL;
  g_autoptr (ZuJson) json = zu_json_parse (info->description, -1, &error);

  g_assert_no_error (error);
  g_assert_cmpuint (zu_json_get_size (json), >, 8);
  g_assert_cmpuint (info->major, ==, 3);
  g_assert_false (zu_port_find_method (info, "plumb")->is_wire);

  g_assert_null (zu_port_lookup ("KitchenSink"));
  zu_port_register (info);
  zu_port_register (info);
  g_assert_true (zu_port_lookup ("KitchenSink") == info);
}

static void
add (const char *way, const char *name, void (*set_up) (Fixture *, gconstpointer),
     void (*check) (Fixture *, gconstpointer))
{
  g_autofree char *path = g_strdup_printf ("/kitchen-sink/%s/%s", way, name);

  g_test_add (path, Fixture, NULL, set_up, check, tear_down);
}

int
main (int argc, char **argv)
{
  static const struct
  {
    const char *name;
    void (*set_up) (Fixture *fixture, gconstpointer data);
  } ways[] = {
    { "plain", plain_set_up },     { "late", late_set_up }, { "remote", remote_set_up },
    { "channel", channel_set_up }, { "dbus", dbus_set_up },
  };

  g_test_init (&argc, &argv, NULL);
  for (guint i = 0; i < G_N_ELEMENTS (ways); i++)
    {
      add (ways[i].name, "numbers", ways[i].set_up, check_numbers);
      add (ways[i].name, "texts", ways[i].set_up, check_texts);
      add (ways[i].name, "json", ways[i].set_up, check_json);
      add (ways[i].name, "records", ways[i].set_up, check_records);
      add (ways[i].name, "errors", ways[i].set_up, check_errors);
      add (ways[i].name, "async", ways[i].set_up, check_async);
      add (ways[i].name, "cancelled", ways[i].set_up, check_cancelled);
      add (ways[i].name, "local", ways[i].set_up, check_local);
    }
  g_test_add_func ("/kitchen-sink/signals-and-properties", test_signals_and_properties);
  g_test_add_func ("/kitchen-sink/info", test_info);

  return g_test_run ();
}
