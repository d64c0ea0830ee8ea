/* SPDX-License-Identifier: Apache-2.0 */

#include "kit-plain-sink.h"

/* What a stranger on the bus sends to the adapter; the well-behaved are with the kitchen sink. */

typedef struct
{
  GTestDBus *bus;
  GDBusConnection *connection;
  GDBusInterfaceSkeleton *adapter;
} Fixture;

static void
fixture_set_up (Fixture *fixture, gconstpointer data)
{
  const ZuPortInfo *info = kit_kitchen_sink_get_port_info ();
  g_autoptr (KitKitchenSink) sink = kit_plain_sink_new ();
  g_autoptr (GError) error = NULL;

  fixture->bus = g_test_dbus_new (G_TEST_DBUS_NONE);
  g_test_dbus_up (fixture->bus);
  fixture->connection =
      g_dbus_connection_new_for_address_sync (g_test_dbus_get_bus_address (fixture->bus),
                                              G_DBUS_CONNECTION_FLAGS_AUTHENTICATION_CLIENT
                                                  | G_DBUS_CONNECTION_FLAGS_MESSAGE_BUS_CONNECTION,
                                              NULL, NULL, &error);
  g_assert_no_error (error);
  fixture->adapter = zu_dbus_adapter_new (G_OBJECT (sink), info);
  g_dbus_interface_skeleton_export (fixture->adapter, fixture->connection, info->dbus_path, &error);
  g_assert_no_error (error);
}

static void
fixture_tear_down (Fixture *fixture, gconstpointer data)
{
  g_dbus_interface_skeleton_unexport (fixture->adapter);
  g_clear_object (&fixture->adapter);
  g_dbus_connection_close_sync (fixture->connection, NULL, NULL);
  g_clear_object (&fixture->connection);
  g_test_dbus_down (fixture->bus);
  g_clear_object (&fixture->bus);
}

static void
keep_result (GObject *source, GAsyncResult *result, gpointer data)
{
  *(GAsyncResult **) data = g_object_ref (result);
}

static GVariant *
call (Fixture *fixture, const char *method, GVariant *args, GError **error)
{
  const ZuPortInfo *info = kit_kitchen_sink_get_port_info ();
  g_autoptr (GAsyncResult) result = NULL;

  g_dbus_connection_call (fixture->connection,
                          g_dbus_connection_get_unique_name (fixture->connection), info->dbus_path,
                          info->dbus_interface->name, method, args, NULL, G_DBUS_CALL_FLAGS_NONE,
                          5000, NULL, keep_result, &result);
  while (result == NULL)
    g_main_context_iteration (NULL, TRUE);

  return g_dbus_connection_call_finish (fixture->connection, result, error);
}

static void
check_refused (Fixture *fixture, const char *method, const char *args, const char *name)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (GVariant) reply = call (fixture, method, g_variant_new_parsed (args), &error);
  g_autofree char *got = NULL;

  g_assert_null (reply);
  got = g_dbus_error_get_remote_error (error);
  g_assert_cmpstr (got, ==, name);
}

#define OURS(code) "org.zu.kit.KitchenSink1.Error." code

static void
test_refused (Fixture *fixture, gconstpointer data)
{
  check_refused (fixture, "NoSuch", "()", "org.freedesktop.DBus.Error.UnknownMethod");
  check_refused (fixture, "OpenPipe", "(1,)", "org.freedesktop.DBus.Error.UnknownMethod");
  check_refused (fixture, "EchoInt64", "('x',)", "org.freedesktop.DBus.Error.InvalidArgs");
  check_refused (fixture, "EchoJson", "('{',)", OURS ("InvalidArgument"));
  check_refused (fixture, "EchoHeat", "('lava',)", OURS ("InvalidArgument"));
  check_refused (fixture, "EchoEvent", "('{}',)", OURS ("InvalidArgument"));
  check_refused (fixture, "EchoPlates", "([{'colour': <'red'>}],)", OURS ("InvalidArgument"));
  check_refused (fixture, "EchoPlates", "([@a{sv} {}],)", OURS ("InvalidArgument"));
  check_refused (fixture, "EchoPlates", "([{'name': <1>}],)", OURS ("InvalidArgument"));
  check_refused (fixture, "Wash", "({'plates': <[<1>]>}, 'hot')", OURS ("InvalidArgument"));
  check_refused (fixture, "Wash",
                 "({'plates': <[{'name': <'a'>}, {'name': <'a'>}, {'name': <'a'>}, "
                 "{'name': <'a'>}]>}, 'hot')",
                 OURS ("TooFull"));
}

static void
test_answered (Fixture *fixture, gconstpointer data)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (GVariant) drained = call (fixture, "Drain", NULL, &error);
  g_autoptr (GVariant) plates = NULL;
  g_autofree char *text = NULL;

  g_assert_no_error (error);
  g_assert_cmpstr (g_variant_get_type_string (drained), ==, "()");

  plates = call (fixture, "EchoPlates",
                 g_variant_new_parsed ("([{'name': <'a'>}, {'name': <'b'>, 'weight': <1.5>}],)"),
                 &error);
  g_assert_no_error (error);
  text = g_variant_print (plates, FALSE);
  g_assert_cmpstr (text, ==,
                   "([{'name': <'a'>, 'weight': <0.25>}, {'name': <'b'>, 'weight': <1.5>}],)");
}

static gboolean
refuse (GDBusInterfaceSkeleton *skeleton, GDBusMethodInvocation *invocation, gpointer data)
{
  g_dbus_method_invocation_return_error_literal (invocation, G_DBUS_ERROR,
                                                 G_DBUS_ERROR_ACCESS_DENIED, "not you");
  return FALSE;
}

static void
test_unauthorised (Fixture *fixture, gconstpointer data)
{
  g_signal_connect (fixture->adapter, "g-authorize-method", G_CALLBACK (refuse), NULL);
  check_refused (fixture, "Drain", "()", "org.freedesktop.DBus.Error.AccessDenied");
  check_refused (fixture, "EchoInt64", "(@x 1,)", "org.freedesktop.DBus.Error.AccessDenied");
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  g_test_add ("/dbus/refused", Fixture, NULL, fixture_set_up, test_refused, fixture_tear_down);
  g_test_add ("/dbus/answered", Fixture, NULL, fixture_set_up, test_answered, fixture_tear_down);
  g_test_add ("/dbus/unauthorised", Fixture, NULL, fixture_set_up, test_unauthorised,
              fixture_tear_down);

  return g_test_run ();
}
