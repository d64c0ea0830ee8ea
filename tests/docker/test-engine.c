/* SPDX-License-Identifier: Apache-2.0 */

/* The backend against an engine that says what it should not, or nothing: whatever it says, the
 * error names it, nothing is left, and what was begun is asked to be removed. */

#include "fake-engine.h"
#include <glib/gstdio.h>
#include <stdlib.h>
#include <string.h>
#include <zu/zu.h>

#define IMAGE                                                                              \
  "{\"Id\": \"sha256:1111111111111111111111111111111111111111111111111111111111111111\", " \
  "\"Config\": {}}"
#define CONTAINER "/containers/zu-0123456789abcdef"

typedef struct
{
  FakeEngine *engine;
  char *state;
  ZuSandboxBackend *backend;
} Fixture;

static ZuSandboxBackend *
new_backend (const char *host, const char *state)
{
  g_autoptr (GError) error = NULL;
  g_autofree char *text =
      g_strdup_printf ("{\"host\": \"%s\", \"state_dir\": \"%s\", \"timeout\": 2}", host, state);
  g_autoptr (ZuJson) options = zu_json_parse (text, -1, &error);
  GObject *backend = zu_registry_create (zu_registry_get_default (), "zu.backends",
                                         "SandboxBackend", "local-docker", options, NULL, &error);

  g_assert_no_error (error);
  return ZU_SANDBOX_BACKEND (backend);
}

static void
set_up (Fixture *f, gconstpointer data)
{
  g_autofree char *host = NULL;

  f->engine = fake_engine_new ();
  host = fake_engine_dup_host (f->engine);
  f->state = g_dir_make_tmp ("zu-state-XXXXXX", NULL);
  f->backend = new_backend (host, f->state);
  fake_engine_answer (f->engine, "GET", "/images/x:latest/json", 200, IMAGE);
  fake_engine_answer (f->engine, "POST", "/containers/create", 201, "{\"Id\": \"abc\"}");
  fake_engine_answer (f->engine, "DELETE", CONTAINER, 204, "");
}

static void
assert_empty (Fixture *f)
{
  g_autoptr (GDir) dir = g_dir_open (f->state, 0, NULL);

  g_assert_nonnull (dir);
  g_assert_null (g_dir_read_name (dir));
}

static void
tear_down (Fixture *f, gconstpointer data)
{
  assert_empty (f);
  g_clear_object (&f->backend);
  g_clear_pointer (&f->engine, fake_engine_free);
  g_rmdir (f->state);
  g_free (f->state);
}

/* Fails with @code, and says all of @says between bars. */
static void
assert_fails (Fixture *f, const char *spec_text, ZuSandboxBackendError code, const char *says)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (ZuJson) json = zu_json_parse (spec_text, -1, &error);
  g_autoptr (ZuLaunchSpec) spec = zu_launch_spec_new_from_json (json, &error);
  g_autoptr (ZuSandbox) sandbox = NULL;
  g_auto (GStrv) words = g_strsplit (says, "|", -1);

  g_assert_no_error (error);
  sandbox = zu_sandbox_backend_launch (f->backend, spec, NULL, NULL, &error);
  g_assert_null (sandbox);
  g_test_message ("%s", error->message);
  g_assert_error (error, ZU_SANDBOX_BACKEND_ERROR, (int) code);
  for (guint i = 0; words[i]; i++)
    if (!strstr (error->message, words[i]))
      g_error ("'%s' does not say '%s'", error->message, words[i]);
  assert_empty (f);
}

#define SPEC "{\"image\": \"x\"}"

static void
test_not_there (Fixture *f, gconstpointer data)
{
  g_autofree char *host = fake_engine_dup_host (f->engine);

  g_clear_object (&f->backend);
  f->backend = new_backend ("unix:///nonexistent/engine.sock", f->state);
  assert_fails (f, SPEC, ZU_SANDBOX_BACKEND_ERROR_UNAVAILABLE, "/nonexistent/engine.sock");
  g_clear_object (&f->backend);
  f->backend = new_backend ("tcp://192.0.2.1:2375", f->state);
  assert_fails (f, SPEC, ZU_SANDBOX_BACKEND_ERROR_UNAVAILABLE, "192.0.2.1|DOCKER_TLS_VERIFY");
  g_clear_object (&f->backend);
  f->backend = new_backend ("ssh://host", f->state);
  assert_fails (f, SPEC, ZU_SANDBOX_BACKEND_ERROR_UNAVAILABLE, "ssh://host");
  g_clear_object (&f->backend);
  f->backend = new_backend ("tcp://127.0.0.1:1", f->state);
  assert_fails (f, SPEC, ZU_SANDBOX_BACKEND_ERROR_UNAVAILABLE, "127.0.0.1:1");
}

static void
test_remote (Fixture *f, gconstpointer data)
{
  g_autofree char *certificates = g_build_filename (f->state, "none", NULL);

  g_clear_object (&f->backend);
  f->backend = new_backend ("tcp://192.0.2.1:2376", f->state);
  g_setenv ("DOCKER_TLS_VERIFY", "1", TRUE);
  g_setenv ("DOCKER_CERT_PATH", certificates, TRUE);
  assert_fails (f, SPEC, ZU_SANDBOX_BACKEND_ERROR_UNAVAILABLE, "192.0.2.1|ca.pem");
  g_unsetenv ("DOCKER_TLS_VERIFY");
  g_unsetenv ("DOCKER_CERT_PATH");
}

static void
test_versions (Fixture *f, gconstpointer data)
{
  const struct
  {
    const char *version;
    const char *says;
  } cases[] = {
    { "1.40", "1.40|1.41|20.10" }, { "1.24", "1.24" },  { "2.0", "version" },
    { "one", "version" },          { NULL, "version" },
  };

  for (guint i = 0; i < G_N_ELEMENTS (cases); i++)
    {
      fake_engine_set_version (f->engine, cases[i].version);
      assert_fails (f, SPEC, ZU_SANDBOX_BACKEND_ERROR_UNAVAILABLE, cases[i].says);
    }
}

static void
test_image (Fixture *f, gconstpointer data)
{
  assert_fails (f, "{\"image\": \"y\"}", ZU_SANDBOX_BACKEND_ERROR_IMAGE_MISSING,
                "'y'|--pull missing|docker pull y");
  assert_fails (f, "{}", ZU_SANDBOX_BACKEND_ERROR_INVALID_SPEC, "image");
  assert_fails (f, "{\"image\": \"X\"}", ZU_SANDBOX_BACKEND_ERROR_INVALID_SPEC, "'X'");
  assert_fails (f, "{\"image\": \"ghcr.io/x\"}", ZU_SANDBOX_BACKEND_ERROR_INVALID_SPEC,
                "ghcr.io|image_allowlist");
  fake_engine_answer (f->engine, "GET", "/images/x:latest/json", 500, "{\"message\": \"boom\"}");
  assert_fails (f, SPEC, ZU_SANDBOX_BACKEND_ERROR_START_FAILED, "boom|500");
  fake_engine_answer (f->engine, "GET", "/images/x:latest/json", 200, "{\"Id\": \"x\"}");
  assert_fails (f, SPEC, ZU_SANDBOX_BACKEND_ERROR_UNAVAILABLE, "id");
}

/* What was found is not what was pinned. */
static void
test_digest (Fixture *f, gconstpointer data)
{
  const char *reference =
      "x@sha256:aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa";
  g_autofree char *path = g_strdup_printf ("/images/%s/json", reference);
  g_autofree char *spec = g_strdup_printf ("{\"image\": \"%s\"}", reference);

  fake_engine_answer (f->engine, "GET", path, 200, IMAGE);
  assert_fails (f, spec, ZU_SANDBOX_BACKEND_ERROR_IMAGE_MISSING, "another image");
}

static void
on_progress (ZuSandboxBackend *backend, const char *text, GString *all)
{
  g_string_append_printf (all, "%s\n", text);
}

static void
test_pull (Fixture *f, gconstpointer data)
{
  g_autoptr (GString) told = g_string_new (NULL);
  const char *spec = "{\"image\": \"y\", \"pull\": \"missing\"}";

  g_signal_connect (f->backend, "progress", G_CALLBACK (on_progress), told);
  fake_engine_answer (f->engine, "POST", "/images/create", 200,
                      "{\"status\": \"Pulling\", \"id\": \"a1\"}\r\n"
                      "{\"status\": \"Downloading\", \"id\": \"a1\", \"progress\": \"[=> ]\"}\r\n");
  assert_fails (f, spec, ZU_SANDBOX_BACKEND_ERROR_IMAGE_MISSING, "'y'|fetched");
  g_assert_cmpstr (told->str, ==, "a1: Pulling\na1: Downloading [=> ]\n");
  g_assert_cmpuint (fake_engine_count (f->engine, "POST", "/images/create"), ==, 1);
  fake_engine_answer (f->engine, "POST", "/images/create", 200,
                      "{\"status\": \"Pulling\"}\n{\"error\": \"toomanyrequests\"}\n");
  assert_fails (f, spec, ZU_SANDBOX_BACKEND_ERROR_IMAGE_MISSING, "toomanyrequests");
  fake_engine_answer (f->engine, "POST", "/images/create", 404, "{\"message\": \"denied\"}");
  assert_fails (f, spec, ZU_SANDBOX_BACKEND_ERROR_IMAGE_MISSING, "denied");
  /* Nobody asked for it. */
  assert_fails (f, "{\"image\": \"z\"}", ZU_SANDBOX_BACKEND_ERROR_IMAGE_MISSING, "'z'");
  g_assert_cmpuint (fake_engine_count (f->engine, "POST", "/images/create"), ==, 1);
}

/* Whatever breaks after the container may have been made, it is asked to be removed. */
static void
assert_removed (Fixture *f, guint times)
{
  g_assert_cmpuint (fake_engine_count (f->engine, "DELETE", CONTAINER), >=, times);
}

static void
test_create (Fixture *f, gconstpointer data)
{
  fake_engine_answer (f->engine, "POST", "/containers/create", 400,
                      "{\"message\": \"invalid mount config\"}");
  assert_fails (f, SPEC, ZU_SANDBOX_BACKEND_ERROR_START_FAILED, "invalid mount config|400");
  assert_removed (f, 1);
  fake_engine_answer (f->engine, "POST", "/containers/create", 404, "{\"message\": \"No image\"}");
  assert_fails (f, SPEC, ZU_SANDBOX_BACKEND_ERROR_IMAGE_MISSING, "No image");
  fake_engine_answer (f->engine, "POST", "/containers/create", 500, "<html>");
  assert_fails (f, SPEC, ZU_SANDBOX_BACKEND_ERROR_START_FAILED, "500");
  assert_removed (f, 3);
}

/* The engine has made something weaker than was asked for. */
static void
test_read_back (Fixture *f, gconstpointer data)
{
  g_autofree char *body = NULL;

  fake_engine_answer (f->engine, "GET", CONTAINER "/json", 200,
                      "{\"HostConfig\": {\"Privileged\": true}}");
  assert_fails (f, SPEC, ZU_SANDBOX_BACKEND_ERROR_START_FAILED, "floor|Privileged");
  assert_removed (f, 1);
  g_assert_cmpuint (fake_engine_count (f->engine, "POST", CONTAINER "/start"), ==, 0);
  body = fake_engine_dup_body (f->engine, "POST", "/containers/create");
  g_assert_nonnull (strstr (body, "\"CapDrop\":[\"ALL\"]"));
  g_assert_nonnull (strstr (body, "\"Target\":\"/.zu/guest\""));
}

static void
test_broken (Fixture *f, gconstpointer data)
{
  fake_engine_answer (f->engine, "GET", "/images/x:latest/json", 200, "not json");
  assert_fails (f, SPEC, ZU_SANDBOX_BACKEND_ERROR_UNAVAILABLE, "not JSON");
  fake_engine_answer (f->engine, "GET", "/images/x:latest/json", 200, "[[[[[[");
  assert_fails (f, SPEC, ZU_SANDBOX_BACKEND_ERROR_UNAVAILABLE, "not JSON");
  fake_engine_hang_up (f->engine, "GET", "/images/x:latest/json");
  assert_fails (f, SPEC, ZU_SANDBOX_BACKEND_ERROR_UNAVAILABLE, "engine");
  fake_engine_answer (f->engine, "GET", "/images/x:latest/json", 200, IMAGE);
  fake_engine_hang_up (f->engine, "POST", "/containers/create");
  assert_fails (f, SPEC, ZU_SANDBOX_BACKEND_ERROR_UNAVAILABLE, "engine");
  assert_removed (f, 1);
}

static void
test_slow (Fixture *f, gconstpointer data)
{
  fake_engine_stall (f->engine, "GET", "/images/x:latest/json");
  assert_fails (f, SPEC, ZU_SANDBOX_BACKEND_ERROR_UNAVAILABLE, "engine");
  fake_engine_answer (f->engine, "GET", "/images/x:latest/json", 200, IMAGE);
  fake_engine_stall (f->engine, "POST", "/containers/create");
  assert_fails (f, SPEC, ZU_SANDBOX_BACKEND_ERROR_UNAVAILABLE, "engine");
  assert_removed (f, 1);
}

/* An isolated network that is none, a volume that is any place of the host's. */
static void
test_surroundings (Fixture *f, gconstpointer data)
{
  const char *isolated = "{\"image\": \"x\", \"network\": \"isolated\", \"network_name\": \"n\"}";
  const char *volume = "{\"image\": \"x\", \"ca_volume\": \"v\"}";

  assert_fails (f, isolated, ZU_SANDBOX_BACKEND_ERROR_INVALID_SPEC, "network");
  fake_engine_answer (f->engine, "GET", "/networks/n", 200, "{\"Internal\": false}");
  assert_fails (f, isolated, ZU_SANDBOX_BACKEND_ERROR_INVALID_SPEC, "'n'|internal");
  assert_fails (f, volume, ZU_SANDBOX_BACKEND_ERROR_INVALID_SPEC, "volume");
  fake_engine_answer (f->engine, "GET", "/volumes/v", 200,
                      "{\"Driver\": \"local\", \"Options\": {\"device\": \"/\", \"o\": \"bind\"}}");
  assert_fails (f, volume, ZU_SANDBOX_BACKEND_ERROR_INVALID_SPEC, "'v'");
  g_assert_cmpuint (fake_engine_count (f->engine, "POST", "/containers/create"), ==, 0);
}

/* Containers of this folder that nobody keeps are removed; others are not touched. */
static void
test_reclaim (Fixture *f, gconstpointer data)
{
  g_autoptr (GError) error = NULL;
  g_auto (GStrv) ids = NULL;

  fake_engine_answer (f->engine, "GET", "/containers/json", 200,
                      "[{\"Labels\": {\"org.zu.sandbox\": \"zu-0123456789abcdef\"}},"
                      "{\"Labels\": {\"org.zu.sandbox\": \"../x\"}}, {\"Labels\": null}, 7]");
  ids = zu_sandbox_backend_reclaim (f->backend, NULL, &error);
  g_assert_no_error (error);
  g_assert_cmpuint (g_strv_length (ids), ==, 1);
  g_assert_cmpstr (ids[0], ==, "zu-0123456789abcdef");
  assert_removed (f, 1);
}

#define ADD(name, function) g_test_add ("/engine/" name, Fixture, NULL, set_up, function, tear_down)

int
main (int argc, char **argv)
{
  g_unsetenv ("DOCKER_HOST");
  g_unsetenv ("DOCKER_TLS_VERIFY");
  g_test_init (&argc, &argv, NULL);
  ADD ("not-there", test_not_there);
  ADD ("remote", test_remote);
  ADD ("versions", test_versions);
  ADD ("image", test_image);
  ADD ("digest", test_digest);
  ADD ("pull", test_pull);
  ADD ("create", test_create);
  ADD ("read-back", test_read_back);
  ADD ("broken", test_broken);
  ADD ("slow", test_slow);
  ADD ("surroundings", test_surroundings);
  ADD ("reclaim", test_reclaim);
  return g_test_run ();
}
