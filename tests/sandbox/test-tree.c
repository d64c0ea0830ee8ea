/* SPDX-License-Identifier: Apache-2.0 */

/* Folders out of a sandbox that lies about what it has: zuctl's own code against a backend that
 * answers whatever a test says. */

#include "zuctl-sandbox.h"
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

/* A backend whose every folder has the same in it. */
#define LIAR_TYPE (liar_get_type ())
G_DECLARE_FINAL_TYPE (Liar, liar, LIAR, BACKEND, GObject)

struct _Liar
{
  GObject parent_instance;
  const char *const *names;
  ZuFileKind kind;
  guint repeat;
  gboolean endless;
  guint fetched;
};

static GPtrArray *
liar_list_files (ZuSandboxBackend *backend, const char *id, const char *path,
                 GCancellable *cancellable, GError **error)
{
  Liar *self = LIAR_BACKEND (backend);
  GPtrArray *files = g_ptr_array_new_with_free_func (g_object_unref);

  for (guint i = 0; i < self->repeat; i++)
    for (const char *const *name = self->names; *name; name++)
      g_ptr_array_add (files, g_object_new (ZU_TYPE_FILE_INFO, "name", *name, "kind", self->kind,
                                            "mode", 06777, NULL));
  return files;
}

static gboolean
liar_get_file (ZuSandboxBackend *backend, const char *id, const char *path, int target_fd,
               GCancellable *cancellable, GError **error)
{
  Liar *self = LIAR_BACKEND (backend);
  char data[4096] = "";

  self->fetched++;
  while (self->endless)
    if (write (target_fd, data, sizeof data) < 0)
      {
        g_set_error_literal (error, ZU_SANDBOX_BACKEND_ERROR, ZU_SANDBOX_BACKEND_ERROR_FILE,
                             g_strerror (errno));
        return FALSE;
      }
  return TRUE;
}

static void
liar_iface_init (ZuSandboxBackendInterface *iface)
{
  iface->list_files = liar_list_files;
  iface->get_file = liar_get_file;
}

G_DEFINE_FINAL_TYPE_WITH_CODE (Liar, liar, G_TYPE_OBJECT,
                               G_IMPLEMENT_INTERFACE (ZU_TYPE_SANDBOX_BACKEND, liar_iface_init))

static void
liar_class_init (LiarClass *klass)
{
}

static void
liar_init (Liar *self)
{
  self->repeat = 1;
}

typedef struct
{
  Liar *liar;
  char *dir;
  char *target; /* in it, not made yet */
} TreeFixture;

static void
tree_set_up (TreeFixture *f, gconstpointer data)
{
  f->liar = g_object_new (LIAR_TYPE, NULL);
  f->dir = g_dir_make_tmp ("zu-tree-XXXXXX", NULL);
  g_assert_nonnull (f->dir);
  f->target = g_build_filename (f->dir, "target", NULL);
}

static void
tree_tear_down (TreeFixture *f, gconstpointer data)
{
  g_autofree char *command = g_strdup_printf ("rm -rf '%s'", f->dir);

  g_assert_cmpint (system (command), ==, 0);
  g_clear_object (&f->liar);
  g_free (f->dir);
  g_free (f->target);
}

static gboolean
get_tree (TreeFixture *f, const char *const *names, ZuFileKind kind, GError **error)
{
  f->liar->names = names;
  f->liar->kind = kind;
  return zuctl_sandbox_get_tree (ZU_SANDBOX_BACKEND (f->liar), "x", "/", f->target, 1 << 20, error);
}

/* Nothing was asked for, and nothing was made beside the target or in it. */
static void
assert_refused (TreeFixture *f, const char *name, ZuFileKind kind)
{
  const char *const names[] = { name, NULL };
  g_autoptr (GError) error = NULL;

  g_assert_false (get_tree (f, names, kind, &error));
  g_assert_nonnull (strstr (error->message, "a name that is none"));
  g_assert_cmpuint (f->liar->fetched, ==, 0);
  g_assert_cmpint (rmdir (f->target), ==, 0);
  g_assert_cmpint (rmdir (f->dir), ==, 0);
  g_assert_cmpint (mkdir (f->dir, 0700), ==, 0);
}

static void
test_names (TreeFixture *f, gconstpointer data)
{
  g_autofree char *longest = g_strnfill (256, 'x');
  const char *const names[] = { "", ".", "..", "../out", "a/b", "/etc", longest };

  for (guint i = 0; i < G_N_ELEMENTS (names); i++)
    {
      assert_refused (f, names[i], ZU_FILE_KIND_FILE);
      assert_refused (f, names[i], ZU_FILE_KIND_FOLDER);
    }
}

static void
test_no_bits (TreeFixture *f, gconstpointer data)
{
  const char *const names[] = { "file", NULL };
  g_autofree char *path = g_build_filename (f->target, "file", NULL);
  g_autoptr (GError) error = NULL;
  struct stat st;

  get_tree (f, names, ZU_FILE_KIND_FILE, &error);
  g_assert_no_error (error);
  g_assert_cmpint (stat (path, &st), ==, 0);
  g_assert_cmpuint (st.st_mode & 07777, ==, 0777);
}

/* Every folder has a folder. */
static void
test_depth (TreeFixture *f, gconstpointer data)
{
  const char *const names[] = { "d", NULL };
  g_autoptr (GError) error = NULL;

  g_assert_false (get_tree (f, names, ZU_FILE_KIND_FOLDER, &error));
  g_assert_nonnull (strstr (error->message, "64 deep"));
}

static void
test_entries (TreeFixture *f, gconstpointer data)
{
  const char *const names[] = { "link", NULL };
  g_autoptr (GError) error = NULL;

  f->liar->repeat = 100001;
  if (g_test_subprocess ())
    {
      g_assert_false (get_tree (f, names, ZU_FILE_KIND_LINK, &error));
      g_assert_nonnull (strstr (error->message, "more than 100000"));
      return;
    }
  g_test_trap_subprocess (NULL, 0, G_TEST_SUBPROCESS_DEFAULT);
  g_test_trap_assert_passed ();
}

/* A file without an end ends where the copy may have no more; nothing of it stays. */
static void
test_endless (TreeFixture *f, gconstpointer data)
{
  const char *const names[] = { "file", NULL };
  g_autoptr (GError) error = NULL;
  struct rlimit limit;

  if (g_test_subprocess ())
    {
      f->liar->endless = TRUE;
      g_assert_false (get_tree (f, names, ZU_FILE_KIND_FILE, &error));
      g_assert_nonnull (strstr (error->message, "max-size"));
      g_assert_cmpint (rmdir (f->target), ==, 0);
      g_assert_cmpint (getrlimit (RLIMIT_FSIZE, &limit), ==, 0);
      g_assert_cmpuint (limit.rlim_cur, ==, 1 << 20);
      return;
    }
  g_test_trap_subprocess (NULL, 0, G_TEST_SUBPROCESS_DEFAULT);
  g_test_trap_assert_passed ();
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
#define ADD(name, function) \
  g_test_add ("/tree/" name, TreeFixture, NULL, tree_set_up, function, tree_tear_down)
  ADD ("names", test_names);
  ADD ("no-bits", test_no_bits);
  ADD ("depth", test_depth);
  ADD ("entries", test_entries);
  ADD ("endless", test_endless);
  return g_test_run ();
}
