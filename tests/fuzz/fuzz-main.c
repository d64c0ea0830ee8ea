/* SPDX-License-Identifier: Apache-2.0 */

/* A fuzz target as a plain test: its corpus, every beginning of each input, and each input with
 * bytes changed, always the same ones. Called with the corpus' folder. */

#include "fuzz.h"

#include <glib.h>
#include <string.h>

#define MAX_MUTATED 2048
#define MUTATIONS   400

/* From a copy of exactly that size, so that a byte read too far is seen by a sanitizer. */
static void
run (const char *data, gsize size)
{
  g_autofree guint8 *copy = g_memdup2 (data, size);

  LLVMFuzzerTestOneInput (copy, size);
}

static void
run_mutations (const char *data, gsize size)
{
  g_autoptr (GRand) random = g_rand_new_with_seed ((guint32) size);

  for (guint i = 0; size > 0 && i < MUTATIONS; i++)
    {
      g_autofree char *copy = g_memdup2 (data, size);

      for (int n = g_rand_int_range (random, 1, 4); n > 0; n--)
        {
          gsize to = (gsize) g_rand_int_range (random, 0, (gint32) size);
          gsize from = (gsize) g_rand_int_range (random, 0, (gint32) size);

          copy[to] = g_rand_boolean (random) ? copy[from] : (char) g_rand_int (random);
        }
      run (copy, size);
    }
}

static void
test_input (gconstpointer user_data)
{
  const char *path = user_data;
  g_autofree char *data = NULL;
  g_autoptr (GError) error = NULL;
  gsize size;

  g_file_get_contents (path, &data, &size, &error);
  g_assert_no_error (error);
  run (data, size);
  if (size > MAX_MUTATED)
    return;
  for (gsize i = 0; i < size; i++)
    run (data, i);
  run_mutations (data, size);
}

int
main (int argc, char **argv)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (GDir) folder = NULL;
  guint n = 0;

  g_test_init (&argc, &argv, NULL);
  g_assert_cmpint (argc, ==, 2);

  folder = g_dir_open (argv[1], 0, &error);
  g_assert_no_error (error);
  for (const char *name; (name = g_dir_read_name (folder)) != NULL; n++)
    {
      g_autofree char *test = g_strconcat ("/corpus/", name, NULL);

      g_test_add_data_func_full (test, g_build_filename (argv[1], name, NULL), test_input, g_free);
    }
  g_assert_cmpuint (n, >, 0);

  return g_test_run ();
}
