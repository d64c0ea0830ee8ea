/* SPDX-License-Identifier: Apache-2.0 */

/* How an engine is found and reached: over TLS with both sides known to each other, at the sockets
 * that Docker and podman have, and with what podman says. */

#include "fake-engine.h"
#include "zu-docker-engine.h"
#include <glib/gstdio.h>
#include <string.h>
#include <unistd.h>

typedef struct
{
  char *dir;
} Fixture;

/* Certificates of two authorities that do not know each other: "ours" and "theirs". */
static void
run_certtool (Fixture *f, const char *const *argv)
{
  g_autoptr (GError) error = NULL;
  g_autofree char *complaint = NULL;
  int status;

  g_assert_true (g_spawn_sync (f->dir, (GStrv) argv, NULL, G_SPAWN_SEARCH_PATH, NULL, NULL, NULL,
                               &complaint, &status, &error));
  g_assert_no_error (error);
  if (status != 0)
    g_error ("%s: %s", argv[1], complaint);
}

static char *
make_template (Fixture *f, const char *name, const char *lines)
{
  g_autofree char *path = g_strdup_printf ("%s/%s.cfg", f->dir, name);

  g_assert_true (g_file_set_contents (path, lines, -1, NULL));
  return g_strdup_printf ("--template=%s.cfg", name);
}

static void
make_key (Fixture *f, const char *name)
{
  g_autofree char *out = g_strdup_printf ("--outfile=%s.key", name);
  const char *const argv[] = {
    "certtool", "--generate-privkey", "--key-type=ecdsa", "--no-text", out, NULL
  };

  run_certtool (f, argv);
}

static void
make_authority (Fixture *f, const char *name)
{
  g_autofree char *lines = g_strdup_printf ("cn = \"%s\"\nca\ncert_signing_key\n", name);
  g_autofree char *template = make_template (f, name, lines);
  g_autofree char *key = g_strdup_printf ("--load-privkey=%s.key", name);
  g_autofree char *out = g_strdup_printf ("--outfile=%s.pem", name);
  const char *const argv[] = {
    "certtool", "--generate-self-signed", "--no-text", key, template, out, NULL
  };

  make_key (f, name);
  run_certtool (f, argv);
}

static void
make_certificate (Fixture *f, const char *name, const char *authority, const char *lines)
{
  g_autofree char *template = make_template (f, name, lines);
  g_autofree char *key = g_strdup_printf ("--load-privkey=%s.key", name);
  g_autofree char *ca = g_strdup_printf ("--load-ca-certificate=%s.pem", authority);
  g_autofree char *ca_key = g_strdup_printf ("--load-ca-privkey=%s.key", authority);
  g_autofree char *out = g_strdup_printf ("--outfile=%s.pem", name);
  const char *const argv[] = {
    "certtool", "--generate-certificate", "--no-text", key, ca, ca_key, template, out, NULL
  };

  make_key (f, name);
  run_certtool (f, argv);
}

#define SERVER "cn = \"engine\"\nip_address = \"127.0.0.1\"\ntls_www_server\nsigning_key\n"
#define OTHER  "cn = \"other\"\ndns_name = \"elsewhere.example\"\ntls_www_server\nsigning_key\n"
#define CLIENT "cn = \"us\"\ntls_www_client\nsigning_key\n"

static void
set_up (Fixture *f, gconstpointer data)
{
  f->dir = g_dir_make_tmp ("zu-reach-XXXXXX", NULL);
}

static void
tear_down (Fixture *f, gconstpointer data)
{
  g_autofree char *command = g_strdup_printf ("rm -rf '%s'", f->dir);

  g_unsetenv ("DOCKER_TLS_VERIFY");
  g_unsetenv ("DOCKER_CERT_PATH");
  g_unsetenv ("DOCKER_HOST");
  g_assert_true (g_spawn_command_line_sync (command, NULL, NULL, NULL, NULL));
  g_free (f->dir);
}

/* A folder as docker(1) has it: @authority is believed, @certificate shown. */
static void
make_folder (Fixture *f, const char *name, const char *authority, const char *certificate)
{
  g_autofree char *command = g_strdup_printf (
      "sh -c 'cd %s && mkdir %s && cp %s.pem %s/ca.pem && cp %s.pem %s/cert.pem && cp %s.key "
      "%s/key.pem'",
      f->dir, name, authority, name, certificate, name, certificate, name);
  int status = -1;

  g_assert_true (g_spawn_command_line_sync (command, NULL, NULL, &status, NULL));
  g_assert_cmpint (status, ==, 0);
}

static void
make_all (Fixture *f)
{
  make_authority (f, "ours");
  make_authority (f, "theirs");
  make_certificate (f, "server", "ours", SERVER);
  make_certificate (f, "other", "ours", OTHER);
  make_certificate (f, "client", "ours", CLIENT);
  make_certificate (f, "stranger", "theirs", CLIENT);
  make_folder (f, "good", "ours", "client");
  make_folder (f, "wrong-ca", "theirs", "client");
  make_folder (f, "stranger-client", "ours", "stranger");
}

static FakeEngine *
new_engine (Fixture *f, const char *certificate)
{
  g_autofree char *ca = g_build_filename (f->dir, "ours.pem", NULL);
  g_autofree char *pem = g_strdup_printf ("%s/%s.pem", f->dir, certificate);
  g_autofree char *key = g_strdup_printf ("%s/%s.key", f->dir, certificate);

  return fake_engine_new_tls (ca, pem, key);
}

/* What an engine that is found by the environment answers for an image. */
static ZuJson *
ask (Fixture *f, FakeEngine *engine, const char *folder, guint *status, GError **error)
{
  g_autofree char *host = fake_engine_dup_host (engine);
  g_autofree char *path = folder ? g_build_filename (f->dir, folder, NULL) : NULL;
  g_autoptr (ZuDockerEngine) client = NULL;
  ZuDockerAddress *address;

  g_setenv ("DOCKER_HOST", host, TRUE);
  if (path)
    {
      g_setenv ("DOCKER_TLS_VERIFY", "1", TRUE);
      g_setenv ("DOCKER_CERT_PATH", path, TRUE);
    }
  address = zu_docker_address_new (NULL, error);
  client = address ? zu_docker_engine_new (address, 5, error) : NULL;
  return client ? zu_docker_engine_call (client, "GET", "/images/x/json", NULL, status, NULL, error)
                : NULL;
}

static void
test_tls (Fixture *f, gconstpointer data)
{
  g_autoptr (FakeEngine) engine = NULL;
  g_autoptr (GError) error = NULL;
  g_autoptr (ZuJson) answer = NULL;
  guint status = 0;

  make_all (f);
  engine = new_engine (f, "server");
  fake_engine_answer (engine, "GET", "/images/x/json", 200, "{\"Id\": \"y\"}");
  answer = ask (f, engine, "good", &status, &error);
  g_assert_no_error (error);
  g_assert_cmpuint (status, ==, 200);
  g_assert_cmpuint (fake_engine_count (engine, "GET", "/images/x/json"), ==, 1);
}

/* Nothing is asked of an engine that another authority has signed, nor of one with another's name;
 * and a client that the engine does not know gets nothing. */
static void
test_tls_refused (Fixture *f, gconstpointer data)
{
  static const struct
  {
    const char *server;
    const char *folder;
  } cases[] = {
    { "server", "wrong-ca" },
    { "other", "good" },
    { "server", "stranger-client" },
  };

  make_all (f);
  for (guint i = 0; i < G_N_ELEMENTS (cases); i++)
    {
      g_autoptr (FakeEngine) engine = new_engine (f, cases[i].server);
      g_autoptr (GError) error = NULL;
      g_autofree char *host = fake_engine_dup_host (engine);
      guint status = 0;

      fake_engine_answer (engine, "GET", "/images/x/json", 200, "{\"Id\": \"y\"}");
      g_assert_null (ask (f, engine, cases[i].folder, &status, &error));
      g_assert_error (error, ZU_SANDBOX_BACKEND_ERROR, ZU_SANDBOX_BACKEND_ERROR_UNAVAILABLE);
      g_assert_nonnull (strstr (error->message, host));
      g_assert_cmpuint (fake_engine_count (engine, "GET", "/_ping"), ==, 0);
      g_assert_cmpuint (fake_engine_count (engine, "GET", "/images/x/json"), ==, 0);
    }
}

/* An engine that speaks TLS, and a client that was not told to. */
static void
test_tls_in_the_clear (Fixture *f, gconstpointer data)
{
  g_autoptr (FakeEngine) engine = NULL;
  g_autoptr (GError) error = NULL;
  guint status = 0;

  make_all (f);
  engine = new_engine (f, "server");
  g_assert_null (ask (f, engine, NULL, &status, &error));
  g_assert_error (error, ZU_SANDBOX_BACKEND_ERROR, ZU_SANDBOX_BACKEND_ERROR_UNAVAILABLE);
}

/* Nobody says where it is: Docker's socket where there is one, else podman's, the user's own. */
static void
test_podman (Fixture *f, gconstpointer data)
{
  gboolean has_docker = access ("/var/run/docker.sock", R_OK | W_OK) == 0;
  g_autofree char *folder = g_build_filename (g_get_user_runtime_dir (), "podman", NULL);
  g_autofree char *path = g_build_filename (folder, "podman.sock", NULL), *host = NULL;
  g_autoptr (ZuDockerEngine) client = NULL;
  g_autoptr (FakeEngine) engine = NULL;
  g_autoptr (GError) error = NULL;
  g_autoptr (ZuJson) answer = NULL;
  ZuDockerAddress *address;
  guint status = 0;

  g_assert_cmpint (g_mkdir_with_parents (folder, 0700), ==, 0);
  engine = fake_engine_new_at (path);
  fake_engine_answer (engine, "GET", "/images/x/json", 404,
                      "{\"cause\": \"no such image\", \"message\": \"x: image not known\", "
                      "\"response\": 404}");
  address = zu_docker_address_new (NULL, &error);
  g_assert_no_error (error);
  g_assert_cmpstr (address->socket_path, ==, has_docker ? "/var/run/docker.sock" : path);
  zu_docker_address_free (address);

  host = fake_engine_dup_host (engine);
  address = zu_docker_address_new (host, &error);
  client = zu_docker_engine_new (address, 5, &error);
  answer = zu_docker_engine_call (client, "GET", "/images/x/json", NULL, &status, NULL, &error);
  g_assert_no_error (error);
  g_assert_cmpuint (status, ==, 404);
  zu_docker_engine_set_refused (client, ZU_SANDBOX_BACKEND_ERROR_IMAGE_MISSING, "has no image",
                                status, answer, &error);
  g_assert_nonnull (strstr (error->message, "x: image not known"));
  g_clear_pointer (&engine, fake_engine_free);
  g_rmdir (folder);
}

#define ADD(name, function) g_test_add ("/reach/" name, Fixture, NULL, set_up, function, tear_down)

int
main (int argc, char **argv)
{
  g_autofree char *runtime = g_dir_make_tmp ("zu-runtime-XXXXXX", NULL);
  int failed;

  /* Looked up once in a process. */
  g_setenv ("XDG_RUNTIME_DIR", runtime, TRUE);
  g_unsetenv ("DOCKER_HOST");
  g_unsetenv ("DOCKER_TLS_VERIFY");
  g_test_init (&argc, &argv, NULL);
  ADD ("tls", test_tls);
  ADD ("tls-refused", test_tls_refused);
  ADD ("tls-in-the-clear", test_tls_in_the_clear);
  ADD ("podman", test_podman);
  failed = g_test_run ();
  g_rmdir (runtime);
  return failed;
}
