/* SPDX-License-Identifier: Apache-2.0 */

/* Anchor files: what is written is read again, grows only, and what is missing is an error. */

#include <zu/chain/zu-anchor.h>

#include <glib/gstdio.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#define TRACE "0b1c2d3e-0000-4000-8000-000000000001"

typedef struct
{
  char *folder;
  char *path;
  GFile *file;
} AnchorFixture;

static void
anchor_set_up (AnchorFixture *self, gconstpointer data)
{
  g_autoptr (GError) error = NULL;

  self->folder = g_dir_make_tmp ("zu-anchor-XXXXXX", &error);
  g_assert_no_error (error);
  self->path = g_build_filename (self->folder, "anchor.jsonl", NULL);
  self->file = g_file_new_for_path (self->path);
}

static void
anchor_tear_down (AnchorFixture *self, gconstpointer data)
{
  g_remove (self->path);
  g_rmdir (self->folder);
  g_object_unref (self->file);
  g_free (self->path);
  g_free (self->folder);
}

static void
append_record (GFile *file, guint64 seq)
{
  g_autoptr (ZuAnchor) anchor = zu_anchor_new ();
  g_autoptr (GError) error = NULL;

  zu_anchor_add (anchor, TRACE, seq, "abc");
  zu_anchor_append_to_file (anchor, file, &error);
  g_assert_no_error (error);
}

static void
test_append (AnchorFixture *self, gconstpointer data)
{
  g_autoptr (ZuAnchor) anchor = NULL;
  g_autoptr (GError) error = NULL;
  g_autofree char *text = NULL;

  append_record (self->file, 1);
  append_record (self->file, G_MAXINT64);
  g_file_get_contents (self->path, &text, NULL, &error);
  g_assert_no_error (error);
  g_assert_cmpstr (text, ==,
                   "{\"trace_id\":\"" TRACE "\",\"seq\":1,\"head\":\"abc\"}\n"
                   "{\"trace_id\":\"" TRACE "\",\"seq\":9223372036854775807,\"head\":\"abc\"}\n");

  anchor = zu_anchor_new_from_file (self->file, &error);
  g_assert_no_error (error);
  g_assert_cmpuint (zu_anchor_get_size (anchor), ==, 2);
  g_assert_cmpstr (zu_anchor_get_trace_id (anchor, 0), ==, TRACE);
  g_assert_cmpuint (zu_anchor_get_seq (anchor, 1), ==, G_MAXINT64);
  g_assert_cmpstr (zu_anchor_get_head (anchor, 1), ==, "abc");
}

static void
test_missing (AnchorFixture *self, gconstpointer data)
{
  g_autoptr (GError) error = NULL;

  g_assert_null (zu_anchor_new_from_file (self->file, &error));
  g_assert_error (error, G_IO_ERROR, G_IO_ERROR_NOT_FOUND);
}

static void
test_not_writable (AnchorFixture *self, gconstpointer data)
{
  g_autoptr (ZuAnchor) anchor = zu_anchor_new ();
  g_autoptr (GFile) folder = g_file_new_for_path (self->folder);
  g_autoptr (GFile) nowhere = g_file_get_child (self->file, "below");
  g_autoptr (GFile) remote = g_file_new_for_uri ("http://localhost/anchor");
  g_autoptr (GError) error = NULL;

  zu_anchor_add (anchor, TRACE, 1, "abc");
  g_assert_false (zu_anchor_append_to_file (anchor, folder, &error));
  g_assert_error (error, G_IO_ERROR, G_IO_ERROR_IS_DIRECTORY);
  g_clear_error (&error);
  g_assert_false (zu_anchor_append_to_file (anchor, nowhere, &error));
  g_assert_error (error, G_IO_ERROR, G_IO_ERROR_NOT_FOUND);
  g_clear_error (&error);
  g_assert_false (zu_anchor_append_to_file (anchor, remote, &error));
  g_assert_error (error, G_IO_ERROR, G_IO_ERROR_NOT_SUPPORTED);
}

/* A disk that is full: half a record does not stay. */
static void
test_full (void)
{
  g_autoptr (ZuAnchor) anchor = zu_anchor_new ();
  g_autoptr (GFile) full = g_file_new_for_path ("/dev/full");
  g_autoptr (GError) error = NULL;

  zu_anchor_add (anchor, TRACE, 1, "abc");
  g_assert_false (zu_anchor_append_to_file (anchor, full, &error));
  g_assert_error (error, G_IO_ERROR, G_IO_ERROR_NO_SPACE);
}

/* The last line was cut by a crash: neither read over nor written over. */
static void
test_cut (AnchorFixture *self, gconstpointer data)
{
  g_autoptr (ZuAnchor) anchor = zu_anchor_new ();
  g_autoptr (GError) error = NULL;
  g_autofree char *before = NULL;
  g_autofree char *after = NULL;

  append_record (self->file, 1);
  g_file_get_contents (self->path, &before, NULL, NULL);
  before[strlen (before) - 10] = '\0';
  g_file_set_contents (self->path, before, -1, NULL);

  g_assert_null (zu_anchor_new_from_file (self->file, &error));
  g_assert_error (error, ZU_ANCHOR_ERROR, ZU_ANCHOR_ERROR_MALFORMED);
  g_assert_nonnull (strstr (error->message, "line 1"));
  g_clear_error (&error);

  zu_anchor_add (anchor, TRACE, 2, "abc");
  g_assert_false (zu_anchor_append_to_file (anchor, self->file, &error));
  g_assert_error (error, ZU_ANCHOR_ERROR, ZU_ANCHOR_ERROR_MALFORMED);
  g_file_get_contents (self->path, &after, NULL, NULL);
  g_assert_cmpstr (after, ==, before);
}

static void
test_malformed (void)
{
  static const char *const texts[] = {
    "nonsense",
    "[]",
    "{\"trace_id\":\"t\",\"seq\":1}",
    "{\"trace_id\":\"t\",\"seq\":-1,\"head\":\"h\"}",
    "{\"trace_id\":\"t\",\"seq\":1.5,\"head\":\"h\"}",
    "{\"trace_id\":\"t\",\"seq\":99999999999999999999,\"head\":\"h\"}",
    "{\"trace_id\":\"t\",\"seq\":1,\"head\":null}",
    "{\"trace_id\":\"t\\u0000\",\"seq\":1,\"head\":\"h\"}",
    "{\"trace_id\":7,\"seq\":1,\"head\":\"h\"}",
  };

  for (guint i = 0; i < G_N_ELEMENTS (texts); i++)
    {
      g_autofree char *text =
          g_strdup_printf ("{\"trace_id\":\"t\",\"seq\":1,\"head\":\"h\"}\n\n%s\n", texts[i]);
      g_autoptr (GError) error = NULL;

      g_assert_null (zu_anchor_new_from_text (text, -1, &error));
      g_assert_error (error, ZU_ANCHOR_ERROR, ZU_ANCHOR_ERROR_MALFORMED);
      g_assert_nonnull (strstr (error->message, "line 3"));
    }
}

static void
test_blank_lines (void)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (ZuAnchor) anchor =
      zu_anchor_new_from_text ("\n{\"head\":\"h\",\"seq\":0,\"trace_id\":\"t\",\"more\":[]}\r\n \n",
                               -1, &error);
  g_autoptr (ZuAnchor) empty = zu_anchor_new_from_text ("", 0, &error);

  g_assert_no_error (error);
  g_assert_cmpuint (zu_anchor_get_size (anchor), ==, 1);
  g_assert_cmpuint (zu_anchor_get_size (empty), ==, 0);
}

/* Two processes that append at once: every record is whole. */
static void
test_two_processes (AnchorFixture *self, gconstpointer data)
{
  g_autoptr (ZuAnchor) anchor = NULL;
  g_autoptr (GError) error = NULL;
  pid_t child = fork ();
  int status;

  g_assert_cmpint (child, >=, 0);
  for (guint64 i = 1; i <= 50; i++)
    append_record (self->file, i);
  if (child == 0)
    _exit (0);
  g_assert_cmpint (waitpid (child, &status, 0), ==, child);
  g_assert_cmpint (status, ==, 0);

  anchor = zu_anchor_new_from_file (self->file, &error);
  g_assert_no_error (error);
  g_assert_cmpuint (zu_anchor_get_size (anchor), ==, 100);
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);

#define ADD(path, func) \
  g_test_add (path, AnchorFixture, NULL, anchor_set_up, func, anchor_tear_down)
  ADD ("/anchor/append", test_append);
  ADD ("/anchor/missing", test_missing);
  ADD ("/anchor/not-writable", test_not_writable);
  ADD ("/anchor/cut", test_cut);
  ADD ("/anchor/two-processes", test_two_processes);
  g_test_add_func ("/anchor/full", test_full);
  g_test_add_func ("/anchor/malformed", test_malformed);
  g_test_add_func ("/anchor/blank-lines", test_blank_lines);

  return g_test_run ();
}
