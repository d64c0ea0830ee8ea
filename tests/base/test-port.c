/* SPDX-License-Identifier: Apache-2.0 */

#include "kit-loop-remote.h"
#include "kit-plain-sink.h"

/* The dispatcher of a port, errors both ways, and proxies over a remote that misbehaves. */

/* Answers everything with one text, or with nothing at all. */
#define TEST_TYPE_REMOTE (test_remote_get_type ())
G_DECLARE_FINAL_TYPE (TestRemote, test_remote, TEST, REMOTE, GObject)

struct _TestRemote
{
  GObject parent_instance;
  const char *answer;
  GError *error;
};

static ZuJson *
test_remote_call (ZuRemote *remote, const char *method, ZuJson *args, GCancellable *cancellable,
                  GError **error)
{
  TestRemote *self = TEST_REMOTE (remote);

  if (self->answer != NULL)
    return zu_json_parse (self->answer, -1, error);
  if (self->error != NULL)
    g_propagate_error (error, g_error_copy (self->error));
  return NULL;
}

static void
test_remote_iface_init (ZuRemoteInterface *iface)
{
  iface->call = test_remote_call;
}

G_DEFINE_FINAL_TYPE_WITH_CODE (TestRemote, test_remote, G_TYPE_OBJECT,
                               G_IMPLEMENT_INTERFACE (ZU_TYPE_REMOTE, test_remote_iface_init))

static void
test_remote_finalize (GObject *object)
{
  g_clear_error (&TEST_REMOTE (object)->error);

  G_OBJECT_CLASS (test_remote_parent_class)->finalize (object);
}

static void
test_remote_class_init (TestRemoteClass *klass)
{
  G_OBJECT_CLASS (klass)->finalize = test_remote_finalize;
}

static void
test_remote_init (TestRemote *self)
{
}

static char *
dispatch (const char *method, const char *text)
{
  const ZuPortInfo *info = kit_kitchen_sink_get_port_info ();
  g_autoptr (KitKitchenSink) sink = kit_plain_sink_new ();
  g_autoptr (ZuJson) args = text != NULL ? zu_json_parse (text, -1, NULL) : NULL;
  g_autoptr (GError) error = NULL;
  g_autoptr (ZuJson) result = zu_port_dispatch (info, G_OBJECT (sink), method, args, NULL, &error);

  return result != NULL ? zu_json_to_string (result) : zu_port_dup_error_text (info, error);
}

static void
check_dispatch (const char *method, const char *args, const char *wanted)
{
  g_autofree char *got = dispatch (method, args);

  g_assert_cmpstr (got, ==, wanted);
}

static void
test_dispatch (void)
{
  check_dispatch ("echo_text", "{\"text\":\"a\"}", "{\"value\":\"a!\"}");
  check_dispatch ("echo_text", "{\"suffix\":\"?\",\"text\":\"a\"}", "{\"value\":\"a?\"}");
  check_dispatch ("echo_maybe_text", "{}", "{\"text\":null}");
  check_dispatch ("echo_maybe_text", NULL, "{\"text\":null}");
  check_dispatch ("echo_heat", "{\"heat\":\"luke-warm\"}", "{\"heat\":\"luke-warm\"}");
  check_dispatch ("drain", "{}", "{}");

  check_dispatch ("echo_text", "{}", "invalid-argument: 'text' is missing");
  check_dispatch ("echo_text", "{\"text\":\"a\",\"x\":1}", "invalid-argument: unknown key 'x'");
  check_dispatch ("echo_text", "[]", "invalid-argument: must be an object");
  check_dispatch ("no_such", "{}", "not-found: unknown method 'no_such'");
  check_dispatch ("open_pipe", "{\"pipe\":0}", "not-found: unknown method 'open_pipe'");
  check_dispatch ("a\"\n", "{}", "not-found: unknown method 'a\\\"\\n'");
  check_dispatch ("wash",
                  "{\"load\":{\"plates\":[{\"name\":\"a\"},{\"name\":\"a\"},{\"name\":\"a\"},"
                  "{\"name\":\"a\"}]}}",
                  "too-full: 4 plates, and there is room for 3");
}

static void
check_error (const char *text, GQuark domain, int code, const char *message)
{
  g_autoptr (GError) error = zu_port_error_from_text (kit_kitchen_sink_get_port_info (), text);

  g_assert_error (error, domain, code);
  g_assert_cmpstr (error->message, ==, message);
}

static void
test_errors_from_text (void)
{
  check_error ("too-full: a: b", KIT_KITCHEN_SINK_ERROR, KIT_KITCHEN_SINK_ERROR_TOO_FULL, "a: b");
  check_error ("no-water: x", KIT_KITCHEN_SINK_ERROR, KIT_KITCHEN_SINK_ERROR_NO_WATER, "x");
  check_error ("invalid-argument: x", G_IO_ERROR, G_IO_ERROR_INVALID_ARGUMENT, "x");
  check_error ("timed-out: x", G_IO_ERROR, G_IO_ERROR_TIMED_OUT, "x");
  check_error ("no-such-code: x", G_IO_ERROR, G_IO_ERROR_FAILED, "no-such-code: x");
  check_error ("just words", G_IO_ERROR, G_IO_ERROR_FAILED, "just words");
  check_error ("", G_IO_ERROR, G_IO_ERROR_FAILED, "");
}

static void
check_text (GError *given, const char *wanted)
{
  g_autoptr (GError) error = given;
  g_autofree char *text = zu_port_dup_error_text (kit_kitchen_sink_get_port_info (), error);

  g_assert_cmpstr (text, ==, wanted);
}

static void
test_errors_to_text (void)
{
  check_text (g_error_new_literal (KIT_KITCHEN_SINK_ERROR, 1, "x"), "no-water: x");
  check_text (g_error_new_literal (KIT_KITCHEN_SINK_ERROR, 99, "x"), "failed: x");
  check_text (g_error_new_literal (KIT_KITCHEN_SINK_ERROR, -1, "x"), "failed: x");
  check_text (g_error_new_literal (G_IO_ERROR, G_IO_ERROR_CANCELLED, "x"), "cancelled: x");
  check_text (g_error_new_literal (ZU_EVENT_ERROR, ZU_EVENT_ERROR_FIELD, "x"),
              "invalid-argument: x");
  check_text (g_error_new_literal (G_FILE_ERROR, 1, "x"), "failed: x");
}

/* What the other side sends is not believed: each answer here is wrong in its own way. */
static void
test_bad_answers (void)
{
  static const char *const answers[] = {
    "{}", "[]", "null", "{\"number\":\"1\"}", "{\"number\":1.5}", "{\"number\":1,\"x\":2}"
  };

  for (guint i = 0; i < G_N_ELEMENTS (answers); i++)
    {
      g_autoptr (TestRemote) remote = g_object_new (TEST_TYPE_REMOTE, NULL);
      g_autoptr (KitKitchenSink) proxy = kit_kitchen_sink_proxy_new (ZU_REMOTE (remote));
      g_autoptr (GError) error = NULL;

      remote->answer = answers[i];
      g_assert_cmpint (kit_kitchen_sink_echo_int64 (proxy, 1, NULL, &error), ==, -1);
      g_assert_error (error, G_IO_ERROR, G_IO_ERROR_INVALID_ARGUMENT);
    }
}

static void
test_no_answer (void)
{
  g_autoptr (TestRemote) remote = g_object_new (TEST_TYPE_REMOTE, NULL);
  g_autoptr (KitKitchenSink) proxy = kit_kitchen_sink_proxy_new (ZU_REMOTE (remote));
  g_autoptr (GError) error = NULL;

  g_assert_false (kit_kitchen_sink_drain (proxy, NULL, &error));
  g_assert_error (error, G_IO_ERROR, G_IO_ERROR_FAILED);
  g_clear_error (&error);

  remote->error =
      g_error_new_literal (ZU_REMOTE_ERROR, ZU_REMOTE_ERROR_REFUSED, "no-water: it is shut");
  g_assert_false (kit_kitchen_sink_drain (proxy, NULL, &error));
  g_assert_error (error, KIT_KITCHEN_SINK_ERROR, KIT_KITCHEN_SINK_ERROR_NO_WATER);
  g_clear_error (&error);

  /* An error of the way there is no refusal, and stays what it was. */
  g_clear_error (&remote->error);
  remote->error = g_error_new_literal (G_IO_ERROR, G_IO_ERROR_BROKEN_PIPE, "no-water: gone");
  g_assert_false (kit_kitchen_sink_drain (proxy, NULL, &error));
  g_assert_error (error, G_IO_ERROR, G_IO_ERROR_BROKEN_PIPE);
}

static void
test_channel (void)
{
  g_autoptr (KitKitchenSink) sink = kit_plain_sink_new ();
  g_autoptr (ZuChannel) channel =
      zu_port_channel_new (G_OBJECT (sink), kit_kitchen_sink_get_port_info ());
  g_autoptr (ZuChannelReply) unknown = NULL;
  g_autoptr (ZuChannelReply) reply = NULL;
  g_autoptr (ZuJson) args = zu_json_parse ("{\"number\":7}", -1, NULL);
  g_autoptr (GError) error = NULL;
  g_autofree char *text = NULL;

  unknown = zu_channel_call (channel, "nothing", NULL, NULL, &error);
  g_assert_no_error (error);
  g_assert_false (zu_channel_reply_get_ok (unknown));
  g_assert_cmpstr (zu_channel_reply_get_error (unknown), ==, "unknown op: nothing");

  reply = zu_channel_call (channel, "echo_int64", args, NULL, &error);
  g_assert_no_error (error);
  g_assert_true (zu_channel_reply_get_ok (reply));
  text = zu_json_to_string (zu_channel_reply_get_data (reply));
  g_assert_cmpstr (text, ==, "{\"number\":7}");
}

static void
test_list (void)
{
  g_autoptr (GPtrArray) ports = zu_port_list ();
  g_autoptr (KitKitchenSink) sink = kit_plain_sink_new ();

  g_assert_cmpuint (ports->len, >=, 9);
  g_assert_cmpstr (zu_port_lookup ("EventSink")->kind, ==, "zu.sinks");
  g_assert_null (zu_port_lookup ("NoSuchPort"));
  g_assert_null (zu_port_lookup_for_object (G_OBJECT (sink), NULL));
  zu_port_register (kit_kitchen_sink_get_port_info ());
  g_assert_cmpstr (zu_port_lookup_for_object (G_OBJECT (sink), "kit.sinks")->name, ==,
                   "KitchenSink");
  g_assert_nonnull (g_io_extension_point_lookup ("kit.sinks"));
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/port/dispatch", test_dispatch);
  g_test_add_func ("/port/errors-from-text", test_errors_from_text);
  g_test_add_func ("/port/errors-to-text", test_errors_to_text);
  g_test_add_func ("/port/bad-answers", test_bad_answers);
  g_test_add_func ("/port/no-answer", test_no_answer);
  g_test_add_func ("/port/channel", test_channel);
  g_test_add_func ("/port/list", test_list);

  return g_test_run ();
}
