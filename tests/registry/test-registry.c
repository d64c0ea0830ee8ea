/* SPDX-License-Identifier: Apache-2.0 */

#include <zu/zu.h>

#include <glib/gstdio.h>
#include <string.h>
#include <unistd.h>

#define IDENTITY "zu.workload_identity"

static char *module_folder;

typedef struct
{
  char *folder;
  ZuRegistry *registry;
} Fixture;

/* Each test of a module runs in a process of its own: what is loaded stays. */
static gboolean
in_child (void)
{
  if (g_test_subprocess ())
    return TRUE;
  g_test_trap_subprocess (NULL, 0, G_TEST_SUBPROCESS_INHERIT_STDERR);
  g_test_trap_assert_passed ();
  return FALSE;
}

static void
fixture_set_up (Fixture *fixture)
{
  fixture->folder = g_dir_make_tmp ("zu-registry-XXXXXX", NULL);
}

static void
fixture_clear (Fixture *fixture)
{
  g_autoptr (GDir) dir = fixture->folder != NULL ? g_dir_open (fixture->folder, 0, NULL) : NULL;
  const char *name;

  while (dir != NULL && (name = g_dir_read_name (dir)) != NULL)
    {
      g_autofree char *path = g_build_filename (fixture->folder, name, NULL);

      g_unlink (path);
    }
  if (dir != NULL)
    g_rmdir (fixture->folder);
  g_free (fixture->folder);
  g_clear_object (&fixture->registry);
}

G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC (Fixture, fixture_clear)

static void
write_file (Fixture *fixture, const char *name, const char *text)
{
  g_autofree char *path = g_build_filename (fixture->folder, name, NULL);

  g_assert_true (g_file_set_contents (path, text, -1, NULL));
}

static void
add_manifest (Fixture *fixture, const char *file, const char *port, const char *name, guint major,
              const char *module, const char *type)
{
  const char *kind = g_str_equal (port, "CredentialBroker") ? "zu.channels" : IDENTITY;
  g_autofree char *source = g_strdup_printf ("%s/lib%s.so", module_folder, module);
  g_autofree char *target = g_strdup_printf ("%s/lib%s.so", fixture->folder, module);
  g_autofree char *text =
      g_strdup_printf ("[Plugin]\nkind=%s\nport=%s\nname=%s\nmajor=%u\nmodule=lib%s.so\ntype=%s\n"
                       "uri=\n",
                       kind, port, name, major, module, type);

  write_file (fixture, file, text);
  if (symlink (source, target) != 0)
    g_assert_true (g_file_test (target, G_FILE_TEST_IS_SYMLINK));
}

static void
open_registry (Fixture *fixture)
{
  const char *dirs[] = { fixture->folder, "/nonexistent/modules", NULL };

  fixture->registry = zu_registry_new (dirs);
}

static ZuPluginInfo *
find_info (ZuRegistry *registry, const char *name)
{
  g_autoptr (GPtrArray) list = zu_registry_list (registry);

  for (guint i = 0; i < list->len; i++)
    if (g_strcmp0 (zu_plugin_info_get_name (g_ptr_array_index (list, i)), name) == 0)
      return g_object_ref (g_ptr_array_index (list, i));
  return NULL;
}

static void
assert_status (ZuRegistry *registry, const char *name, ZuPluginStatus status, const char *error)
{
  g_autoptr (ZuPluginInfo) info = find_info (registry, name);

  g_assert_nonnull (info);
  g_assert_cmpint (zu_plugin_info_get_status (info), ==, status);
  if (error == NULL)
    g_assert_null (zu_plugin_info_get_error (info));
  else
    g_assert_nonnull (strstr (zu_plugin_info_get_error (info), error));
}

static void
assert_refused (Fixture *fixture, const char *name, ZuRegistryError code, const char *text)
{
  /* Asked twice, the answer is the same. */
  for (int i = 0; i < 2; i++)
    {
      g_autoptr (GError) error = NULL;

      g_assert_cmpuint (zu_registry_lookup (fixture->registry, IDENTITY, "WorkloadIdentity", name,
                                            &error),
                        ==, G_TYPE_INVALID);
      g_assert_error (error, ZU_REGISTRY_ERROR, (int) code);
      g_assert_nonnull (strstr (error->message, text));
    }
}

static void
assert_good_works (Fixture *fixture)
{
  g_autoptr (GError) error = NULL;
  GType type = zu_registry_lookup (fixture->registry, IDENTITY, "WorkloadIdentity", "good", &error);

  g_assert_no_error (error);
  g_assert_cmpstr (g_type_name (type), ==, "ZuTestPlugin");
  assert_status (fixture->registry, "good", ZU_PLUGIN_STATUS_LOADED, NULL);
}

/* Listing loads nothing, and a look-up only what was asked for. */
static void
test_load_one (void)
{
  g_auto (Fixture) fixture = { NULL };

  if (!in_child ())
    return;
  fixture_set_up (&fixture);
  add_manifest (&fixture, "a.zuplugin", "WorkloadIdentity", "other", 1, "zu-test-other",
                "ZuTestOther");
  add_manifest (&fixture, "b.zuplugin", "WorkloadIdentity", "good", 1, "zu-test-good",
                "ZuTestPlugin");
  open_registry (&fixture);

  assert_status (fixture.registry, "good", ZU_PLUGIN_STATUS_AVAILABLE, NULL);
  g_assert_null (g_getenv ("ZU_TEST_LOADED"));
  assert_good_works (&fixture);
  g_assert_cmpstr (g_getenv ("ZU_TEST_LOADED"), ==, "ZuTestPlugin");
  g_assert_cmpuint (g_type_from_name ("ZuTestOther"), ==, 0);
  assert_status (fixture.registry, "other", ZU_PLUGIN_STATUS_AVAILABLE, NULL);
  assert_refused (&fixture, "unheard-of", ZU_REGISTRY_ERROR_NOT_FOUND, "other, good");
}

static void
test_info (void)
{
  g_auto (Fixture) fixture = { NULL };
  g_autofree char *text = NULL;
  g_autofree char *expected = NULL;
  g_autoptr (ZuPluginInfo) info = NULL;
  g_autoptr (ZuJson) json = NULL;
  g_autoptr (ZuJson) wanted = NULL;

  if (!in_child ())
    return;
  fixture_set_up (&fixture);
  add_manifest (&fixture, "a.zuplugin", "WorkloadIdentity", "good", 1, "zu-test-good",
                "ZuTestPlugin");
  open_registry (&fixture);
  info = find_info (fixture.registry, "good");
  json = zu_plugin_info_to_json (info);
  expected = g_strdup_printf ("{\"kind\": \"" IDENTITY
                              "\", \"port\": \"WorkloadIdentity\", \"name\": \"good\", "
                              "\"type\": \"ZuTestPlugin\", \"module\": \"%s/libzu-test-good.so\", "
                              "\"status\": \"available\", \"error\": null}",
                              fixture.folder);
  wanted = zu_json_parse (expected, -1, NULL);
  text = zu_json_to_string (json);
  g_test_message ("%s", text);
  g_assert_true (zu_json_equal (json, wanted));
}

/* Of another major no code runs. */
static void
test_other_major (void)
{
  g_auto (Fixture) fixture = { NULL };

  if (!in_child ())
    return;
  fixture_set_up (&fixture);
  add_manifest (&fixture, "a.zuplugin", "WorkloadIdentity", "other", 2, "zu-test-other",
                "ZuTestOther");
  add_manifest (&fixture, "b.zuplugin", "WorkloadIdentity", "good", 1, "zu-test-good",
                "ZuTestPlugin");
  open_registry (&fixture);
  assert_status (fixture.registry, "other", ZU_PLUGIN_STATUS_FAILED, "major 2");
  assert_refused (&fixture, "other", ZU_REGISTRY_ERROR_MAJOR_MISMATCH, "this is major 1");
  g_assert_null (g_getenv ("ZU_TEST_LOADED"));
  assert_good_works (&fixture);
}

static void
check_broken (const char *module, const char *type, const char *text)
{
  g_auto (Fixture) fixture = { NULL };

  if (!in_child ())
    return;
  fixture_set_up (&fixture);
  add_manifest (&fixture, "a.zuplugin", "WorkloadIdentity", "broken", 1, module, type);
  add_manifest (&fixture, "b.zuplugin", "WorkloadIdentity", "other", 1, "zu-test-other",
                "ZuTestOther");
  open_registry (&fixture);
  assert_status (fixture.registry, "broken", ZU_PLUGIN_STATUS_AVAILABLE, NULL);
  assert_refused (&fixture, "broken", ZU_REGISTRY_ERROR_LOAD_FAILED, text);
  assert_status (fixture.registry, "broken", ZU_PLUGIN_STATUS_FAILED, text);
  g_assert_cmpuint (zu_registry_lookup (fixture.registry, IDENTITY, "WorkloadIdentity", "other",
                                        NULL),
                    !=, G_TYPE_INVALID);
}

static void
test_missing_symbol (void)
{
  check_broken ("zu-test-no-symbol", "ZuTestPlugin", "zu_test_symbol_that_is_nowhere");
}

static void
test_no_load (void)
{
  check_broken ("zu-test-no-load", "ZuTestPlugin", "g_io_zu_test_no_load_load");
}

static void
test_wrong_type (void)
{
  check_broken ("zu-test-wrong-type", "ZuTestPlugin", "implements WorkloadIdentity");
}

static void
test_other_name (void)
{
  check_broken ("zu-test-good", "ZuTestPlugin", "registers no type 'broken'");
}

static void
test_missing_module (void)
{
  check_broken ("zu-test-missing", "ZuTestPlugin", "libzu-test-missing.so");
}

static void
test_other_type_name (void)
{
  g_auto (Fixture) fixture = { NULL };

  if (!in_child ())
    return;
  fixture_set_up (&fixture);
  add_manifest (&fixture, "a.zuplugin", "WorkloadIdentity", "good", 1, "zu-test-good",
                "ZuSomething");
  open_registry (&fixture);
  assert_refused (&fixture, "good", ZU_REGISTRY_ERROR_LOAD_FAILED, "ZuSomething");
}

static void
test_duplicate_name (void)
{
  g_auto (Fixture) fixture = { NULL };
  g_autoptr (GPtrArray) list = NULL;
  guint failed = 0;

  if (!in_child ())
    return;
  fixture_set_up (&fixture);
  add_manifest (&fixture, "a.zuplugin", "WorkloadIdentity", "good", 1, "zu-test-good",
                "ZuTestPlugin");
  add_manifest (&fixture, "b.zuplugin", "WorkloadIdentity", "good", 1, "zu-test-other",
                "ZuTestOther");
  open_registry (&fixture);
  assert_good_works (&fixture);
  list = zu_registry_list (fixture.registry);
  for (guint i = 0; i < list->len; i++)
    failed += zu_plugin_info_get_status (g_ptr_array_index (list, i)) == ZU_PLUGIN_STATUS_FAILED;
  g_assert_cmpuint (failed, ==, 1);
}

static void
test_bad_manifests (void)
{
  static const char *const bad[] = {
    "", "no key file", "[Plugin]\nkind=zu.sinks\n",
    "[Plugin]\nkind=zu.sinks\nport=EventSink\nname=x\nmajor=one\nmodule=x.so\ntype=X\n",
    "[Plugin]\nkind=zu.sinks\nport=EventSink\nname=x\nmajor=1\nmodule=../x.so\ntype=X\n"
  };
  g_auto (Fixture) fixture = { NULL };
  g_autoptr (GPtrArray) list = NULL;

  fixture_set_up (&fixture);
  for (gsize i = 0; i < G_N_ELEMENTS (bad); i++)
    {
      g_autofree char *name = g_strdup_printf ("%" G_GSIZE_FORMAT ".zuplugin", i);

      write_file (&fixture, name, bad[i]);
    }
  open_registry (&fixture);
  list = zu_registry_list (fixture.registry);
  g_assert_cmpuint (list->len, ==, G_N_ELEMENTS (bad));
  for (guint i = 0; i < list->len; i++)
    {
      ZuPluginInfo *info = g_ptr_array_index (list, i);

      g_assert_cmpint (zu_plugin_info_get_status (info), ==, ZU_PLUGIN_STATUS_FAILED);
      g_assert_nonnull (strstr (zu_plugin_info_get_error (info), ".zuplugin"));
    }
}

static GObject *
create (Fixture *fixture, const char *options, GError **error)
{
  g_autoptr (ZuJson) json = options != NULL ? zu_json_parse (options, -1, NULL) : NULL;

  return zu_registry_create (fixture->registry, IDENTITY, "WorkloadIdentity", "good", json, NULL,
                             error);
}

static void
check_options (Fixture *fixture, const char *options)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (GObject) object = create (fixture, options, &error);
  g_autofree char *text = NULL;
  g_auto (GStrv) words = NULL;
  gboolean flag, initialised;
  guint small;
  gint64 big;
  double ratio;
  int colour;

  g_assert_no_error (error);
  g_object_get (object, "text", &text, "flag", &flag, "small", &small, "big-number", &big, "ratio",
                &ratio, "colour", &colour, "word-list", &words, "initialised", &initialised, NULL);
  g_assert_cmpstr (text, ==, "a text");
  g_assert_true (flag);
  g_assert_cmpuint (small, ==, 7);
  g_assert_cmpint (big, ==, G_GINT64_CONSTANT (-9000000000000000001));
  g_assert_cmpfloat (ratio, ==, 0.25);
  g_assert_cmpint (colour, ==, 1);
  g_assert_cmpuint (g_strv_length (words), ==, 2);
  g_assert_cmpstr (words[1], ==, "two");
  g_assert_true (initialised);
}

static void
test_options (void)
{
  static const char *const refused[] = { "{\"unknown\": 1}",
                                         "{\"small\": 0}",
                                         "{\"small\": 10}",
                                         "{\"small\": 1.5}",
                                         "{\"small\": \"seven\"}",
                                         "{\"small\": true}",
                                         "{\"small\": null}",
                                         "{\"flag\": 1}",
                                         "{\"flag\": \"maybe\"}",
                                         "{\"text\": 5}",
                                         "{\"colour\": \"blue\"}",
                                         "{\"colour\": 1}",
                                         "{\"word-list\": [1]}",
                                         "{\"initialised\": true}",
                                         "{\"ratio\": \"0.5x\"}",
                                         "{\"big_number\": 9223372036854775808}",
                                         "{\"text\": {}}",
                                         "{\"flag\": true, \"flag \": true}",
                                         "{\"big-number\": 1, \"big_number\": 2}",
                                         "[]" };
  g_auto (Fixture) fixture = { NULL };
  g_autoptr (GError) error = NULL;
  g_autoptr (GObject) plain = NULL;

  if (!in_child ())
    return;
  fixture_set_up (&fixture);
  add_manifest (&fixture, "a.zuplugin", "WorkloadIdentity", "good", 1, "zu-test-good",
                "ZuTestPlugin");
  open_registry (&fixture);

  check_options (&fixture, "{\"text\": \"a text\", \"flag\": true, \"small\": 7, \"big_number\": "
                           "-9000000000000000001, \"ratio\": 0.25, \"colour\": \"green\", "
                           "\"word_list\": [\"one\", \"two\"], \"json\": {\"a\": 1}}");
  check_options (&fixture, "{\"text\": \"a text\", \"flag\": \"yes\", \"small\": \"7\", "
                           "\"big-number\": \"-9000000000000000001\", \"ratio\": \"0.25\", "
                           "\"colour\": \"green\", \"word-list\": \"one,two\"}");
  plain = create (&fixture, NULL, &error);
  g_assert_no_error (error);

  for (gsize i = 0; i < G_N_ELEMENTS (refused); i++)
    {
      g_test_message ("%s", refused[i]);
      g_assert_null (create (&fixture, refused[i], &error));
      g_assert_error (error, ZU_REGISTRY_ERROR, ZU_REGISTRY_ERROR_BAD_OPTION);
      g_assert_true (g_str_has_prefix (error->message, "good: "));
      g_clear_error (&error);
    }

  g_assert_null (create (&fixture, "{\"fail\": true}", &error));
  g_assert_error (error, G_IO_ERROR, G_IO_ERROR_FAILED);
}

static void
test_properties (void)
{
  const char *names[] = { "text", "small" };
  const char *unknown[] = { "text", "tiny" };
  GValue values[2] = { G_VALUE_INIT, G_VALUE_INIT };
  g_auto (Fixture) fixture = { NULL };
  g_autoptr (GObject) object = NULL;
  g_autoptr (GError) error = NULL;
  guint small;

  if (!in_child ())
    return;
  fixture_set_up (&fixture);
  add_manifest (&fixture, "a.zuplugin", "WorkloadIdentity", "good", 1, "zu-test-good",
                "ZuTestPlugin");
  open_registry (&fixture);
  g_value_init (&values[0], G_TYPE_STRING);
  g_value_set_string (&values[0], "x");
  g_value_init (&values[1], G_TYPE_INT);
  g_value_set_int (&values[1], 3);

  object = zu_registry_create_with_properties (fixture.registry, IDENTITY, NULL, "good", 2, names,
                                               values, NULL, &error);
  g_assert_no_error (error);
  g_object_get (object, "small", &small, NULL);
  g_assert_cmpuint (small, ==, 3);

  g_assert_null (zu_registry_create_with_properties (fixture.registry, IDENTITY, NULL, "good", 2,
                                                     unknown, values, NULL, &error));
  g_assert_error (error, ZU_REGISTRY_ERROR, ZU_REGISTRY_ERROR_BAD_OPTION);
  g_value_unset (&values[0]);
}

/* A narrow port is reached through the generic channel where that is asked for. */
static void
test_adapter (void)
{
  g_auto (Fixture) fixture = { NULL };
  g_autoptr (GError) error = NULL;
  g_autoptr (GObject) narrow = NULL;
  g_autoptr (GObject) channel = NULL;
  g_autoptr (ZuChannelReply) reply = NULL;
  g_autoptr (ZuJson) args = zu_json_parse ("{\"nonce\": \"n\"}", -1, NULL);
  g_autoptr (ZuJson) token = NULL;

  if (!in_child ())
    return;
  fixture_set_up (&fixture);
  add_manifest (&fixture, "a.zuplugin", "CredentialBroker", "good", 1, "zu-test-broker",
                "ZuTestPlugin");
  open_registry (&fixture);

  g_assert_cmpuint (zu_registry_lookup (fixture.registry, "zu.channels", "Channel", "good", &error),
                    ==, G_TYPE_INVALID);
  g_assert_error (error, ZU_REGISTRY_ERROR, ZU_REGISTRY_ERROR_NOT_FOUND);
  g_clear_error (&error);

  narrow = zu_registry_create (fixture.registry, "zu.channels", NULL, "good", NULL, NULL, &error);
  g_assert_no_error (error);
  g_assert_true (ZU_IS_CREDENTIAL_BROKER (narrow));
  channel =
      zu_registry_create (fixture.registry, "zu.channels", "Channel", "good", NULL, NULL, &error);
  g_assert_no_error (error);
  g_assert_true (ZU_IS_CHANNEL (channel));
  reply = zu_channel_call (ZU_CHANNEL (channel), "mint", args, NULL, &error);
  g_assert_no_error (error);
  g_assert_true (zu_channel_reply_get_ok (reply));
  token = zu_json_dup_member (zu_channel_reply_get_data (reply), "token");
  g_assert_cmpstr (zu_json_get_string (token, NULL), ==, "minted n");
}

/* A sink of this process's own, with what a URI can give it. */
typedef struct
{
  GObject parent_instance;

  char *path;
  gboolean copy;
} OwnSink;

typedef GObjectClass OwnSinkClass;

static GType own_sink_get_type (void);
static void own_sink_iface_init (ZuEventSinkInterface *iface);

G_DEFINE_TYPE_WITH_CODE (OwnSink, own_sink, G_TYPE_OBJECT,
                         G_IMPLEMENT_INTERFACE (ZU_TYPE_EVENT_SINK, own_sink_iface_init))

static void
own_sink_iface_init (ZuEventSinkInterface *iface)
{
}

static void
own_sink_set_property (GObject *object, guint id, const GValue *value, GParamSpec *pspec)
{
  OwnSink *self = (OwnSink *) object;

  if (id == 1)
    self->path = g_value_dup_string (value);
  else
    self->copy = g_value_get_boolean (value);
}

static void
own_sink_finalize (GObject *object)
{
  g_free (((OwnSink *) object)->path);
  G_OBJECT_CLASS (own_sink_parent_class)->finalize (object);
}

static void
own_sink_class_init (OwnSinkClass *klass)
{
  klass->set_property = own_sink_set_property;
  klass->finalize = own_sink_finalize;
  g_object_class_install_property (klass, 1,
                                   g_param_spec_string ("path", NULL, NULL, NULL,
                                                        G_PARAM_WRITABLE | G_PARAM_CONSTRUCT_ONLY));
  g_object_class_install_property (klass, 2,
                                   g_param_spec_boolean ("a-copy", NULL, NULL, FALSE,
                                                         G_PARAM_WRITABLE
                                                             | G_PARAM_CONSTRUCT_ONLY));
}

static void
own_sink_init (OwnSink *self)
{
}

static void
assert_opens (const char *uri, const char *path, gboolean copy)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (ZuEventSink) sink = zu_open_sink (uri, &error);

  g_assert_no_error (error);
  g_assert_true (G_TYPE_CHECK_INSTANCE_TYPE (sink, own_sink_get_type ()));
  g_assert_cmpstr (((OwnSink *) sink)->path, ==, path);
  g_assert_cmpint (((OwnSink *) sink)->copy, ==, copy);
}

static void
assert_does_not_open (const char *uri, ZuRegistryError code)
{
  g_autoptr (GError) error = NULL;

  g_assert_null (zu_open_sink (uri, &error));
  g_assert_error (error, ZU_REGISTRY_ERROR, (int) code);
}

static void
test_open_sink (void)
{
  const char *names[] = { "a-copy" };
  GValue values[1] = { G_VALUE_INIT };
  g_autoptr (GError) error = NULL;
  g_autoptr (ZuEventSink) sink = NULL;
  g_autoptr (ZuPluginInfo) info = NULL;

  if (!in_child ())
    return;
  g_io_extension_point_implement ("zu.sinks", own_sink_get_type (), "own", 0);
  info = find_info (zu_registry_get_default (), "own");
  g_assert_cmpstr (zu_plugin_info_get_port (info), ==, "EventSink");
  g_assert_cmpstr (zu_plugin_info_get_type_name (info), ==, "OwnSink");
  g_assert_null (zu_plugin_info_get_module (info));

  assert_opens ("own:", NULL, FALSE);
  assert_opens ("own:/a/b", "/a/b", FALSE);
  assert_opens ("own:a%20b%3Fc?a_copy=1", "a b?c", TRUE);
  assert_opens ("own:a?a-copy", "a", TRUE);
  assert_opens ("own:a?a%2Dcopy=no&", "a", FALSE);
  assert_does_not_open ("own", ZU_REGISTRY_ERROR_BAD_URI);
  assert_does_not_open (":x", ZU_REGISTRY_ERROR_BAD_URI);
  assert_does_not_open ("own:100%", ZU_REGISTRY_ERROR_BAD_URI);
  assert_does_not_open ("own:a?path=b", ZU_REGISTRY_ERROR_BAD_OPTION);
  assert_does_not_open ("own:a?b=c", ZU_REGISTRY_ERROR_BAD_OPTION);
  assert_does_not_open ("nobody:a", ZU_REGISTRY_ERROR_NOT_FOUND);

  g_value_init (&values[0], G_TYPE_BOOLEAN);
  g_value_set_boolean (&values[0], TRUE);
  sink = zu_open_sink_with_properties ("own:p", 1, names, values, &error);
  g_assert_no_error (error);
  g_assert_true (((OwnSink *) sink)->copy);
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  module_folder = argc > 1 ? argv[1] : g_strdup (g_getenv ("ZU_TEST_MODULES"));
  g_setenv ("ZU_TEST_MODULES", module_folder, TRUE);

  g_test_add_func ("/registry/load-one", test_load_one);
  g_test_add_func ("/registry/info", test_info);
  g_test_add_func ("/registry/other-major", test_other_major);
  g_test_add_func ("/registry/missing-symbol", test_missing_symbol);
  g_test_add_func ("/registry/no-load", test_no_load);
  g_test_add_func ("/registry/wrong-type", test_wrong_type);
  g_test_add_func ("/registry/other-name", test_other_name);
  g_test_add_func ("/registry/other-type-name", test_other_type_name);
  g_test_add_func ("/registry/missing-module", test_missing_module);
  g_test_add_func ("/registry/duplicate-name", test_duplicate_name);
  g_test_add_func ("/registry/bad-manifests", test_bad_manifests);
  g_test_add_func ("/registry/options", test_options);
  g_test_add_func ("/registry/properties", test_properties);
  g_test_add_func ("/registry/adapter", test_adapter);
  g_test_add_func ("/registry/open-sink", test_open_sink);
  return g_test_run ();
}
