/* SPDX-License-Identifier: Apache-2.0 */

#include "ex-greeter.h"

/* The plugins, found by name as any program finds them. */

#define TRACE "0b1c2d3e-0000-4000-8000-000000000001"

static ZuEvent *
event_new (void)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (ZuJson) payload = zu_json_parse ("{}", -1, NULL);
  ZuEvent *event = zu_event_new (TRACE, TRACE, NULL, "data.example", "test", payload, &error);

  g_assert_no_error (error);
  return event;
}

static GObject *
create (const char *kind, const char *name, const char *options)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (ZuJson) json = zu_json_parse (options, -1, NULL);
  GObject *object =
      zu_registry_create (zu_registry_get_default (), kind, NULL, name, json, NULL, &error);

  g_assert_no_error (error);
  return object;
}

static void
test_greeter (void)
{
  g_autoptr (ExGreeter) greeter =
      EX_GREETER (create ("ex.greeters", "friendly", "{\"mark\":\".\"}"));
  g_autoptr (ExGreeting) greeting = NULL;
  g_autoptr (GError) error = NULL;

  greeting = ex_greeter_greet (greeter, "Ada", EX_LANGUAGE_IT, NULL, &error);
  g_assert_no_error (error);
  g_assert_cmpstr (ex_greeting_get_text (greeting), ==, "Ciao, Ada.");

  g_assert_null (ex_greeter_greet (greeter, "", EX_LANGUAGE_EN, NULL, &error));
  g_assert_error (error, EX_GREETER_ERROR, EX_GREETER_ERROR_NO_NAME);
}

/* The generated adapters: the port as a channel, and a channel as the port. */
static void
test_adapters (void)
{
  g_autoptr (ExGreeter) greeter = EX_GREETER (create ("ex.greeters", "friendly", "{}"));
  g_autoptr (ZuChannel) channel =
      zu_port_channel_new (G_OBJECT (greeter), ex_greeter_get_port_info ());
  g_autoptr (ZuRemote) remote = zu_channel_remote_new (channel);
  g_autoptr (ExGreeter) proxy = ex_greeter_proxy_new (remote);
  g_autoptr (ExGreeting) greeting = NULL;
  g_autoptr (GError) error = NULL;

  greeting = ex_greeter_greet (proxy, "Ada", EX_LANGUAGE_EN, NULL, &error);
  g_assert_no_error (error);
  g_assert_cmpstr (ex_greeting_get_text (greeting), ==, "Hello, Ada!");
  g_assert_null (ex_greeter_greet (proxy, "Ada", EX_LANGUAGE_TLH, NULL, &error));
  g_assert_error (error, EX_GREETER_ERROR, EX_GREETER_ERROR_UNKNOWN_LANGUAGE);
  g_assert_cmpint (ex_greeter_count (greeter, NULL, NULL), ==, 1);
}

static void
test_ring (void)
{
  g_autoptr (ZuEventSink) ring = ZU_EVENT_SINK (create ("zu.sinks", "ring", "{\"capacity\":3}"));
  g_autoptr (GPtrArray) kept = NULL;
  g_autoptr (ZuEventPage) page = NULL;
  g_autoptr (GError) error = NULL;

  for (int i = 0; i < 5; i++)
    {
      g_autoptr (ZuEvent) event = event_new ();
      g_autoptr (ZuEvent) stored = zu_event_sink_append (ring, event, NULL, &error);

      g_assert_no_error (error);
      g_assert_true (stored == event);
    }

  kept = zu_event_sink_query (ring, NULL, 0, -1, NULL, &error);
  g_assert_no_error (error);
  g_assert_cmpuint (kept->len, ==, 3);
  page = zu_event_sink_stream (ring, NULL, 3, 1, NULL, &error);
  g_assert_no_error (error);
  g_assert_cmpint (zu_event_page_get_next_seq (page), ==, 4);
  g_assert_true (g_ptr_array_index (zu_event_page_get_events (page), 0)
                 == g_ptr_array_index (kept, 1));
}

static void
test_uri (void)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (ZuEventSink) ring = zu_open_sink ("ring:?capacity=2", &error);

  g_assert_no_error (error);
  g_assert_false (zu_event_sink_get_links (ring));
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/example/greeter", test_greeter);
  g_test_add_func ("/example/adapters", test_adapters);
  g_test_add_func ("/example/ring", test_ring);
  g_test_add_func ("/example/uri", test_uri);

  return g_test_run ();
}
