/* SPDX-License-Identifier: Apache-2.0 */

/* What a call of a renderer becomes before anything runs. */

#include "zu-observe.h"
#include "zu-render.h"
#include <string.h>

static GStrv
build (const char *args, GError **error)
{
  g_autoptr (ZuJson) json = args ? zu_json_parse (args, -1, error) : NULL;

  g_assert_true (!args || json);
  return zu_render_argv (NULL, json, error);
}

static void
test_argv (void)
{
  static const char *const cases[][2] = {
    { "{\"url\": \"http://a/\"}", "zu-render|http://a/" },
    { "{\"width\": 800, \"height\": 600, \"url\": \"http://a/\"}",
      "zu-render|http://a/|--width|800|--height|600" },
    { "{\"url\": \"u\", \"capture_network\": true, \"actions\": [{\"click\": \"#é\"}], "
      "\"wait_ms\": 250, \"wait_for\": \"#x > a\", \"wait_until\": \"networkidle\"}",
      "zu-render|u|--wait-until|networkidle|--wait-for|#x > a|--wait-ms|250|--actions|"
      "[{\"click\":\"#é\"}]|--capture-network" },
    { "{\"url\": \"u\", \"capture_network\": false, \"actions\": [], \"wait_ms\": 0, "
      "\"wait_for\": \"\", \"wait_until\": null, \"width\": null, \"height\": 0}",
      "zu-render|u" },
  };

  for (guint i = 0; i < G_N_ELEMENTS (cases); i++)
    {
      g_autoptr (GError) error = NULL;
      g_auto (GStrv) argv = build (cases[i][0], &error);
      g_autofree char *line = argv ? g_strjoinv ("|", argv) : NULL;

      g_assert_no_error (error);
      g_assert_cmpstr (line, ==, cases[i][1]);
    }
}

/* A page cannot become an option, and what is not understood is not passed over. */
static void
test_refused (void)
{
  static const char *const cases[][2] = {
    { NULL, "args" },
    { "[]", "args" },
    { "{}", "url" },
    { "{\"url\": \"\"}", "url" },
    { "{\"url\": 1}", "url" },
    { "{\"url\": \"--capture-network\"}", "url" },
    { "{\"url\": \"a\\u0000b\"}", "url" },
    { "{\"url\": \"u\", \"wait_for\": \"-x\"}", "wait_for" },
    { "{\"url\": \"u\", \"wait_until\": \"a\\nb\"}", "wait_until" },
    { "{\"url\": \"u\", \"width\": 800}", "width and height" },
    { "{\"url\": \"u\", \"width\": 800, \"height\": -1}", "height" },
    { "{\"url\": \"u\", \"width\": 65536, \"height\": 1}", "width" },
    { "{\"url\": \"u\", \"width\": \"1\", \"height\": 1}", "width" },
    { "{\"url\": \"u\", \"wait_ms\": 1.5}", "wait_ms" },
    { "{\"url\": \"u\", \"wait_ms\": 99999999999999999999}", "wait_ms" },
    { "{\"url\": \"u\", \"actions\": \"click\"}", "actions" },
    { "{\"url\": \"u\", \"capture_network\": \"yes\"}", "capture_network" },
    { "{\"url\": \"u\", \"cookies\": []}", "cookies" },
  };

  for (guint i = 0; i < G_N_ELEMENTS (cases); i++)
    {
      g_autoptr (GError) error = NULL;
      g_auto (GStrv) argv = build (cases[i][0], &error);

      g_assert_null (argv);
      g_assert_error (error, ZU_SANDBOX_BACKEND_ERROR, ZU_SANDBOX_BACKEND_ERROR_INVALID_SPEC);
      if (!strstr (error->message, cases[i][1]))
        g_error ("'%s' does not name %s", error->message, cases[i][1]);
    }
}

static ZuObservation *
observe (const char *output, int exit_status)
{
  const char *const argv[] = { NULL };
  g_autoptr (ZuToolCall) call =
      g_object_new (ZU_TYPE_TOOL_CALL, "argv", argv, "contract", ZU_TOOL_CONTRACT_RENDER, NULL);
  g_autoptr (ZuExitStatus) exit = zu_exit_status_new (exit_status);
  GString *out = g_string_new (output), *err = g_string_new ("noise\nthe last word\n");
  const ZuToolEnd end = { exit, out, err, FALSE };
  ZuObservation *observation = zu_observe (call, &end);

  g_string_free (out, TRUE);
  g_string_free (err, TRUE);
  return observation;
}

static void
test_observation (void)
{
  static const struct
  {
    const char *output;
    int exit_status;
    int status;
    const char *error; /* what it says; NULL: nothing */
  } cases[] = {
    { "{\"status\": 200, \"html\": \"<p>\", \"url\": \"u\"}\n", 0, 200, NULL },
    { "{\"status\": 404, \"html\": \"\"}\n", 0, 404, "404" },
    { "{\"status\": 500, \"error\": \"no such host\"}\n", 0, 500, "no such host" },
    { "{\"html\": \"\"}\n", 0, 200, NULL },
    { "{\"status\": \"200\"}\n", 0, 200, NULL },
    { "{\"status\": 99999}\n", 0, 200, NULL },
    { "<html>\n", 0, 500, "JSON" },
    { "{}\n{}\n", 0, 500, "JSON" },
    { "", 0, 500, "JSON" },
    { "{\"status\": 200}\n", 3, 500, "the last word" },
  };

  for (guint i = 0; i < G_N_ELEMENTS (cases); i++)
    {
      g_autoptr (ZuObservation) got = observe (cases[i].output, cases[i].exit_status);

      g_assert_cmpint (zu_observation_get_status (got), ==, cases[i].status);
      g_assert_true ((zu_observation_get_error (got) != NULL) == (cases[i].error != NULL));
      if (cases[i].error)
        g_assert_nonnull (strstr (zu_observation_get_error (got), cases[i].error));
      if (!zu_observation_get_data (got))
        g_assert_cmpstr (zu_observation_get_text (got), ==, cases[i].output);
    }
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/render/argv", test_argv);
  g_test_add_func ("/render/refused", test_refused);
  g_test_add_func ("/render/observation", test_observation);
  return g_test_run ();
}
