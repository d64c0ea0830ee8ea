/* SPDX-License-Identifier: Apache-2.0 */

/* The warm pool, with real sandboxes. */

#include "zu-sandbox-pool.h"

#include <errno.h>
#include <unistd.h>

typedef struct
{
  ZuSandboxBackend *backend;
  ZuSandboxPool *pool;
  char *dir;
} PoolFixture;

static ZuSandboxPool *
new_pool (PoolFixture *f, const char *text, guint size)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (ZuJson) json = zu_json_parse (text, -1, &error);
  g_autoptr (ZuLaunchSpec) spec = zu_launch_spec_new_from_json (json, &error);

  g_assert_no_error (error);
  return zu_sandbox_pool_new (f->backend, spec, size);
}

static void
set_up (PoolFixture *f, gconstpointer data)
{
  g_autoptr (GError) error = NULL;
  g_autofree char *text = NULL;
  g_autoptr (ZuJson) options = NULL;

  f->dir = g_dir_make_tmp ("zu-pool-XXXXXX", &error);
  g_assert_no_error (error);
  text = g_strdup_printf ("{\"state_dir\": \"%s/state\"}", f->dir);
  options = zu_json_parse (text, -1, &error);
  f->backend = ZU_SANDBOX_BACKEND (zu_registry_create (zu_registry_get_default (), "zu.backends",
                                                       "SandboxBackend", "bubblewrap", options,
                                                       NULL, &error));
  g_assert_no_error (error);
  if (data != NULL)
    f->pool = new_pool (f, data, 3);
}

static guint
count (PoolFixture *f)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (GPtrArray) all = zu_sandbox_backend_list (f->backend, NULL, &error);

  g_assert_no_error (error);
  return all->len;
}

static void
tear_down (PoolFixture *f, gconstpointer data)
{
  g_autofree char *state = g_build_filename (f->dir, "state", NULL);

  g_clear_object (&f->pool);
  g_assert_cmpuint (count (f), ==, 0);
  g_assert_true (rmdir (state) == 0 || errno == ENOENT);
  g_assert_cmpint (rmdir (f->dir), ==, 0);
  g_object_unref (f->backend);
  g_free (f->dir);
}

static void
run_true (PoolFixture *f, ZuSandbox *sandbox)
{
  const char *const argv[] = { "true", NULL };
  g_autoptr (ZuProcessSpec) process = zu_process_spec_new (argv);
  g_autoptr (GError) error = NULL;
  g_autofree char *id = zu_sandbox_backend_spawn (f->backend, zu_sandbox_get_id (sandbox), process,
                                                  -1, -1, -1, NULL, &error);
  g_autoptr (ZuExitStatus) exit = NULL;

  g_assert_no_error (error);
  exit = zu_sandbox_backend_wait (f->backend, zu_sandbox_get_id (sandbox), id, NULL, &error);
  g_assert_no_error (error);
  g_assert_cmpint (zu_exit_status_get_exit_status (exit), ==, 0);
}

static void
fill (PoolFixture *f)
{
  g_autoptr (GError) error = NULL;

  zu_sandbox_pool_wait_ready (f->pool, NULL, &error);
  g_assert_no_error (error);
}

/* Each one once, more than wait too, and the pool is full again. */
static void
test_claim (PoolFixture *f, gconstpointer data)
{
  g_autoptr (GHashTable) seen = g_hash_table_new_full (g_str_hash, g_str_equal, g_free, NULL);
  g_autoptr (GError) error = NULL;

  fill (f);
  g_assert_cmpuint (count (f), ==, 3);
  for (guint i = 0; i < 6; i++)
    {
      g_autoptr (ZuSandbox) sandbox = zu_sandbox_pool_claim (f->pool, NULL, &error);

      g_assert_no_error (error);
      g_assert_true (g_hash_table_add (seen, g_strdup (zu_sandbox_get_id (sandbox))));
      run_true (f, sandbox);
      g_assert_true (
          zu_sandbox_backend_destroy (f->backend, zu_sandbox_get_id (sandbox), NULL, &error));
    }
  fill (f);
  g_assert_cmpuint (zu_sandbox_pool_get_n_ready (f->pool), ==, 3);
  g_assert_cmpuint (count (f), ==, 3);
}

/* Those that have ended while they waited are replaced. */
static void
test_health (PoolFixture *f, gconstpointer data)
{
  g_autoptr (GPtrArray) all = NULL;
  g_autoptr (GError) error = NULL;
  g_autoptr (ZuSandbox) sandbox = NULL;

  fill (f);
  all = zu_sandbox_backend_list (f->backend, NULL, &error);
  for (guint i = 0; i < all->len; i++)
    g_assert_true (
        zu_sandbox_backend_destroy (f->backend, zu_sandbox_get_id (all->pdata[i]), NULL, &error));
  for (guint tries = 0; tries < 120 && count (f) < 3; tries++)
    g_usleep (100000);
  g_assert_cmpuint (count (f), ==, 3);
  sandbox = zu_sandbox_pool_claim (f->pool, NULL, &error);
  g_assert_no_error (error);
  run_true (f, sandbox);
  g_assert_true (
      zu_sandbox_backend_destroy (f->backend, zu_sandbox_get_id (sandbox), NULL, &error));
}

/* One whose time is nearly over is not handed out. */
static void
test_stale (PoolFixture *f, gconstpointer data)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (ZuSandbox) sandbox = NULL;

  fill (f);
  g_usleep (1200000);
  sandbox = zu_sandbox_pool_claim (f->pool, NULL, &error);
  g_assert_no_error (error);
  run_true (f, sandbox);
  g_assert_true (
      zu_sandbox_backend_destroy (f->backend, zu_sandbox_get_id (sandbox), NULL, &error));
}

static void
test_close (PoolFixture *f, gconstpointer data)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (ZuSandbox) claimed = NULL;

  fill (f);
  claimed = zu_sandbox_pool_claim (f->pool, NULL, &error);
  zu_sandbox_pool_close (f->pool);
  zu_sandbox_pool_close (f->pool);
  g_assert_cmpuint (count (f), ==, 1);
  run_true (f, claimed);
  g_assert_null (zu_sandbox_pool_claim (f->pool, NULL, &error));
  g_assert_error (error, G_IO_ERROR, G_IO_ERROR_CLOSED);
  g_clear_error (&error);
  g_assert_true (
      zu_sandbox_backend_destroy (f->backend, zu_sandbox_get_id (claimed), NULL, &error));
}

/* Closed in the middle of a launch. */
static void
test_close_early (PoolFixture *f, gconstpointer data)
{
  g_usleep (3000);
  g_clear_object (&f->pool);
  g_assert_cmpuint (count (f), ==, 0);
}

/* A spec that cannot be is told to whoever waits and to whoever claims. */
static void
test_refused (PoolFixture *f, gconstpointer data)
{
  g_autoptr (GError) error = NULL;

  f->pool = new_pool (f, "{\"cap_add\": [\"CHOWN\"]}", 2);
  g_assert_false (zu_sandbox_pool_wait_ready (f->pool, NULL, &error));
  g_assert_error (error, ZU_SANDBOX_BACKEND_ERROR, ZU_SANDBOX_BACKEND_ERROR_INVALID_SPEC);
  g_clear_error (&error);
  g_assert_null (zu_sandbox_pool_claim (f->pool, NULL, &error));
  g_assert_error (error, ZU_SANDBOX_BACKEND_ERROR, ZU_SANDBOX_BACKEND_ERROR_INVALID_SPEC);
}

#define ADD(name, spec, function) \
  g_test_add ("/pool/" name, PoolFixture, spec, set_up, function, tear_down)

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  ADD ("claim", "{}", test_claim);
  ADD ("health", "{}", test_health);
  ADD ("stale", "{\"lifetime\": 2}", test_stale);
  ADD ("close", "{}", test_close);
  ADD ("close-early", "{}", test_close_early);
  ADD ("refused", NULL, test_refused);
  return g_test_run ();
}
