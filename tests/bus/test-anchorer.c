/* SPDX-License-Identifier: Apache-2.0 */

#include <zu/zu.h>

#include <glib/gstdio.h>

/* Every kind of log, through its registered name. */
static const char *const schemes[] = { "memory", "sqlite", "jsonl" };

typedef struct
{
  char *folder;
  ZuEventSink *sink;
  GFile *file;
} Fixture;

static void
fixture_set_up (Fixture *self, gconstpointer scheme)
{
  g_autoptr (GError) error = NULL;
  g_autofree char *name = NULL, *uri = NULL;

  self->folder = g_dir_make_tmp ("zu-anchorer-XXXXXX", &error);
  g_assert_no_error (error);
  name = g_build_filename (self->folder, "heads", NULL);
  self->file = g_file_new_for_path (name);
  uri = g_str_equal (scheme, "memory")
            ? g_strdup ("memory:")
            : g_strdup_printf ("%s:%s/log", (const char *) scheme, self->folder);
  self->sink = zu_open_sink (uri, &error);
  g_assert_no_error (error);
}

static void
remove_all (const char *folder)
{
  g_autoptr (GDir) dir = g_dir_open (folder, 0, NULL);

  for (const char *name; (name = g_dir_read_name (dir)) != NULL;)
    {
      g_autofree char *path = g_build_filename (folder, name, NULL);

      g_assert_cmpint (g_remove (path), ==, 0);
    }
  g_assert_cmpint (g_rmdir (folder), ==, 0);
}

static void
fixture_tear_down (Fixture *self, gconstpointer scheme)
{
  g_clear_object (&self->sink);
  remove_all (self->folder);
  g_object_unref (self->file);
  g_free (self->folder);
}

static void
append (ZuEventSink *sink, guint trace, guint n)
{
  for (guint i = 0; i < n; i++)
    {
      g_autofree char *trace_id = g_strdup_printf ("0b1c2d3e-0000-4000-8000-%012u", trace);
      g_autoptr (GError) error = NULL;
      g_autoptr (ZuEvent) event =
          zu_event_new (trace_id, trace_id, NULL, "data.test", "test", NULL, &error);
      g_autoptr (ZuEvent) stored = NULL;

      g_assert_no_error (error);
      stored = zu_event_sink_append (sink, event, NULL, &error);
      g_assert_no_error (error);
    }
}

static ZuAnchor *
read_anchor (Fixture *self)
{
  g_autoptr (GError) error = NULL;
  ZuAnchor *anchor = zu_anchor_new_from_file (self->file, &error);

  g_assert_no_error (error);
  return anchor;
}

/* The log agrees with its anchor file. */
static void
assert_agrees (Fixture *self)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (ZuAnchor) anchor = read_anchor (self);
  g_autoptr (GPtrArray) events = zu_event_sink_query (self->sink, NULL, 0, -1, NULL, &error);
  g_autoptr (ZuChainVerifier) verifier = zu_chain_verifier_new (NULL);

  g_assert_no_error (error);
  zu_chain_verifier_set_anchor (verifier, anchor);
  for (guint i = 0; i < events->len; i++)
    zu_chain_verifier_add (verifier, g_ptr_array_index (events, i));
  zu_chain_verifier_end (verifier);
  g_assert_cmpuint (zu_chain_verifier_get_violations (verifier)->len, ==, 0);
}

static void
test_on_demand (Fixture *self, gconstpointer scheme)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (ZuAnchorer) anchorer = NULL;
  g_autoptr (ZuAnchor) anchor = NULL;

  append (self->sink, 1, 600);
  append (self->sink, 2, 1);
  anchorer = zu_anchorer_new (self->sink, self->file, 0, 0);
  append (self->sink, 1, 3);
  g_assert_false (g_file_query_exists (self->file, NULL));
  g_assert_true (zu_anchorer_anchor (anchorer, &error));
  g_assert_no_error (error);
  /* Nothing new, nothing written. */
  g_assert_true (zu_anchorer_anchor (anchorer, NULL));
  append (self->sink, 1, 2);
  append (self->sink, 3, 2);
  g_assert_true (zu_anchorer_stop (anchorer, NULL));

  g_assert_cmpuint (zu_anchorer_get_n_anchored (anchorer), ==, 3);
  anchor = read_anchor (self);
  g_assert_cmpuint (zu_anchor_get_size (anchor), ==, 3);
  g_assert_cmpuint (zu_anchor_get_seq (anchor, 0), ==, 603);
  g_assert_cmpuint (zu_anchor_get_seq (anchor, 1) + zu_anchor_get_seq (anchor, 2), ==, 607);
  assert_agrees (self);

  /* It has stopped. */
  append (self->sink, 4, 1);
  g_assert_true (zu_anchorer_anchor (anchorer, NULL));
  g_assert_cmpuint (zu_anchorer_get_n_anchored (anchorer), ==, 3);
}

static gboolean
wait_for_heads (ZuAnchorer *anchorer, guint64 n)
{
  gint64 deadline = g_get_monotonic_time () + 20 * G_TIME_SPAN_SECOND;

  while (zu_anchorer_get_n_anchored (anchorer) < n && g_get_monotonic_time () < deadline)
    g_usleep (2000);
  return zu_anchorer_get_n_anchored (anchorer) >= n;
}

static void
test_by_number (Fixture *self, gconstpointer scheme)
{
  g_autoptr (ZuAnchorer) anchorer = zu_anchorer_new (self->sink, self->file, 10, 0);

  append (self->sink, 1, 9);
  g_usleep (50000);
  g_assert_cmpuint (zu_anchorer_get_n_anchored (anchorer), ==, 0);
  append (self->sink, 2, 1);
  g_assert_true (wait_for_heads (anchorer, 2));
  assert_agrees (self);
}

static void
test_by_time (Fixture *self, gconstpointer scheme)
{
  g_autoptr (ZuAnchorer) anchorer = zu_anchorer_new (self->sink, self->file, 0, 1);

  append (self->sink, 1, 3);
  g_assert_cmpuint (zu_anchorer_get_n_anchored (anchorer), ==, 0);
  g_assert_true (wait_for_heads (anchorer, 1));
  append (self->sink, 1, 3);
  g_assert_true (wait_for_heads (anchorer, 2));
  assert_agrees (self);
}

static gint has_enough;

static gpointer
append_many (gpointer data)
{
  for (guint i = 0; i < 20000 && !g_atomic_int_get (&has_enough); i++)
    append (data, 1 + i % 4, 1);
  return NULL;
}

static void
test_under_load (Fixture *self, gconstpointer scheme)
{
  g_autoptr (ZuAnchorer) anchorer = zu_anchorer_new (self->sink, self->file, 7, 0);
  g_autoptr (GError) error = NULL;
  GThread *threads[4];

  g_atomic_int_set (&has_enough, FALSE);
  for (guint i = 0; i < G_N_ELEMENTS (threads); i++)
    threads[i] = g_thread_new ("appender", append_many, self->sink);
  g_assert_true (wait_for_heads (anchorer, 20));
  g_atomic_int_set (&has_enough, TRUE);
  for (guint i = 0; i < G_N_ELEMENTS (threads); i++)
    g_thread_join (threads[i]);
  g_assert_true (zu_anchorer_stop (anchorer, &error));
  g_assert_no_error (error);
  g_assert_cmpuint (zu_anchorer_get_n_failures (anchorer), ==, 0);
  assert_agrees (self);
}

static void
on_failed (ZuAnchorer *anchorer, const GError *error, gpointer user_data)
{
  g_assert_nonnull (error);
  (*(guint *) user_data)++;
}

static void
test_no_file (Fixture *self, gconstpointer scheme)
{
  g_autofree char *path = g_build_filename (self->folder, "no", "heads", NULL);
  g_autoptr (GFile) file = g_file_new_for_path (path);
  g_autoptr (ZuAnchorer) anchorer = zu_anchorer_new (self->sink, file, 0, 0);
  g_autofree char *folder = g_path_get_dirname (path);
  g_autoptr (GError) error = NULL, last = NULL;
  guint n_failed = 0;

  g_signal_connect (anchorer, "failed", G_CALLBACK (on_failed), &n_failed);
  append (self->sink, 1, 1);
  g_assert_false (zu_anchorer_anchor (anchorer, &error));
  g_assert_error (error, G_IO_ERROR, G_IO_ERROR_NOT_FOUND);
  last = zu_anchorer_dup_last_error (anchorer);
  g_assert_cmpstr (last->message, ==, error->message);
  g_assert_cmpuint (n_failed, ==, 1);
  g_assert_cmpuint (zu_anchorer_get_n_failures (anchorer), ==, 1);

  /* It is still due. */
  g_assert_cmpint (g_mkdir (folder, 0700), ==, 0);
  g_assert_true (zu_anchorer_anchor (anchorer, NULL));
  g_assert_cmpuint (zu_anchorer_get_n_anchored (anchorer), ==, 1);
  g_assert_cmpint (g_remove (path), ==, 0);
  g_assert_cmpint (g_rmdir (folder), ==, 0);
}

/* A line of the log is changed behind the sink's back. */
static void
test_not_intact (void)
{
  Fixture self = { NULL };
  g_autofree char *path = NULL, *text = NULL;
  g_autoptr (GString) changed = NULL;
  g_autoptr (ZuAnchorer) anchorer = NULL;
  g_autoptr (ZuAnchor) anchor = NULL;
  g_autoptr (GError) error = NULL;

  fixture_set_up (&self, "jsonl");
  path = g_build_filename (self.folder, "log", NULL);
  append (self.sink, 1, 3);
  append (self.sink, 2, 3);
  g_assert_true (g_file_get_contents (path, &text, NULL, NULL));
  changed = g_string_new (text);
  g_assert_cmpuint (g_string_replace (changed, "\"source\":\"test\"", "\"source\":\"tess\"", 1), ==,
                    1);
  g_assert_true (g_file_set_contents (path, changed->str, -1, NULL));
  g_clear_object (&self.sink);
  {
    g_autofree char *uri = g_strconcat ("jsonl:", path, NULL);

    self.sink = zu_open_sink (uri, &error);
    g_assert_no_error (error);
  }

  anchorer = zu_anchorer_new (self.sink, self.file, 0, 0);
  append (self.sink, 1, 1);
  append (self.sink, 2, 1);
  g_assert_false (zu_anchorer_anchor (anchorer, &error));
  g_assert_error (error, ZU_CHAIN_ERROR, ZU_CHAIN_ERROR_CONFLICT);
  anchor = read_anchor (&self);
  g_assert_cmpuint (zu_anchor_get_size (anchor), ==, 1);
  g_assert_true (g_str_has_suffix (zu_anchor_get_trace_id (anchor, 0), "2"));

  g_clear_object (&anchorer);
  fixture_tear_down (&self, NULL);
}

int
main (int argc, char *argv[])
{
  static const struct
  {
    const char *name;
    void (*func) (Fixture *self, gconstpointer scheme);
  } tests[] = {
    { "on-demand", test_on_demand },   { "by-number", test_by_number }, { "by-time", test_by_time },
    { "under-load", test_under_load }, { "no-file", test_no_file },
  };

  g_test_init (&argc, &argv, G_TEST_OPTION_ISOLATE_DIRS, NULL);
  for (guint i = 0; i < G_N_ELEMENTS (schemes); i++)
    for (guint k = 0; k < G_N_ELEMENTS (tests); k++)
      {
        g_autofree char *path = g_strdup_printf ("/anchorer/%s/%s", schemes[i], tests[k].name);

        g_test_add (path, Fixture, schemes[i], fixture_set_up, tests[k].func, fixture_tear_down);
      }
  g_test_add_func ("/anchorer/not-intact", test_not_intact);
  return g_test_run ();
}
