/* SPDX-License-Identifier: Apache-2.0 */

#include "zu-host-backend.h"
#include "zu-note-sink.h"

#include <zu-run.h>

#include <fcntl.h>
#include <glib-unix.h>
#include <glib/gstdio.h>
#include <signal.h>
#include <string.h>
#include <unistd.h>

typedef struct
{
  ZuHostBackend *backend;
  ZuNoteSink *sink;
  ZuRun *run;
  GCancellable *cancellable;
  GError *error;
  char *folder;
  int fds[3]; /* files in the folder, stdin empty */
} Fixture;

static int
open_file (Fixture *fixture, const char *name, int flags)
{
  g_autofree char *path = g_build_filename (fixture->folder, name, NULL);
  int fd = g_open (path, flags | O_CREAT | O_CLOEXEC, 0600);

  g_assert_cmpint (fd, >=, 0);
  return fd;
}

static void
fixture_set_up (Fixture *fixture, gconstpointer data)
{
  g_autoptr (ZuEventBus) bus = NULL;

  fixture->backend = zu_host_backend_new ();
  fixture->sink = zu_note_sink_new ();
  bus = zu_event_bus_new (ZU_EVENT_SINK (fixture->sink), NULL);
  fixture->run = zu_run_new (ZU_SANDBOX_BACKEND (fixture->backend), "host", bus, "test");
  fixture->cancellable = g_cancellable_new ();
  fixture->folder = g_dir_make_tmp ("zu-run-XXXXXX", NULL);
  fixture->fds[0] = open_file (fixture, "in", O_RDONLY);
  fixture->fds[1] = open_file (fixture, "out", O_WRONLY);
  fixture->fds[2] = open_file (fixture, "err", O_WRONLY | O_APPEND);
}

static void
fixture_tear_down (Fixture *fixture, gconstpointer data)
{
  const char *const names[] = { "in", "out", "err" };

  for (int i = 0; i < 3; i++)
    {
      g_autofree char *path = g_build_filename (fixture->folder, names[i], NULL);

      close (fixture->fds[i]);
      g_unlink (path);
    }
  g_rmdir (fixture->folder);
  g_free (fixture->folder);
  g_clear_error (&fixture->error);
  g_object_unref (fixture->cancellable);
  g_object_unref (fixture->run);
  g_object_unref (fixture->sink);
  g_object_unref (fixture->backend);
}

static int
execute (Fixture *fixture, gint64 timeout_ms, const char *const *argv)
{
  g_autoptr (ZuLaunchSpec) spec = zu_launch_spec_new ();
  const char *const environment[] = { "SECRET_VALUE=hush", NULL };
  g_autoptr (ZuProcessSpec) process =
      g_object_new (ZU_TYPE_PROCESS_SPEC, "argv", argv, "environment", environment, "timeout-ms",
                    timeout_ms, "grace-ms", (gint64) 100, NULL);

  return zu_run_execute (fixture->run, spec, process, fixture->fds, fixture->cancellable,
                         &fixture->error);
}

static int
execute_shell (Fixture *fixture, const char *line)
{
  const char *const argv[] = { "sh", "-c", line, NULL };

  return execute (fixture, 0, argv);
}

static char *
dup_file (Fixture *fixture, const char *name)
{
  g_autofree char *path = g_build_filename (fixture->folder, name, NULL);
  char *text = NULL;

  g_assert_true (g_file_get_contents (path, &text, NULL, NULL));
  return text;
}

/* The types of the events, without what they have in common. */
static char *
dup_types (Fixture *fixture)
{
  g_autoptr (GString) types = g_string_new (NULL);

  for (guint i = 0; i < fixture->sink->events->len; i++)
    {
      const char *type = zu_event_get_event_type (g_ptr_array_index (fixture->sink->events, i));

      g_assert_true (g_str_has_prefix (type, "harness."));
      g_string_append_printf (types, "%s%s", i > 0 ? " " : "", type + strlen ("harness."));
    }
  return g_string_free (g_steal_pointer (&types), FALSE);
}

static void
assert_types (Fixture *fixture, const char *expected)
{
  g_autofree char *types = dup_types (fixture);

  g_assert_cmpstr (types, ==, expected);
}

static ZuJson *
dup_member (Fixture *fixture, guint index, const char *name)
{
  g_autoptr (ZuJson) payload =
      zu_event_dup_payload (g_ptr_array_index (fixture->sink->events, index));
  ZuJson *member = zu_json_dup_member (payload, name);

  if (member == NULL)
    g_error ("event %u has no %s", index, name);
  return member;
}

static void
assert_number (Fixture *fixture, guint index, const char *name, gint64 expected)
{
  g_autoptr (ZuJson) member = dup_member (fixture, index, name);
  gint64 value;

  g_assert_true (zu_json_get_int64 (member, &value));
  g_assert_cmpint (value, ==, expected);
}

static void
assert_text (Fixture *fixture, guint index, const char *name, const char *expected)
{
  g_autoptr (ZuJson) member = dup_member (fixture, index, name);

  g_assert_cmpstr (zu_json_get_string (member, NULL), ==, expected);
}

static void
assert_json (Fixture *fixture, guint index, const char *name, const char *expected)
{
  g_autoptr (ZuJson) member = dup_member (fixture, index, name);
  g_autofree char *text = zu_json_to_string (member);

  g_assert_cmpstr (text, ==, expected);
}

#define STARTED  0
#define INVOKED  1
#define RETURNED 2
#define ENDED    3

static void
test_completes (Fixture *fixture, gconstpointer data)
{
  g_autofree char *out = NULL;
  g_autofree char *err = NULL;
  g_autoptr (GPtrArray) violations = NULL;

  g_assert_cmpint (execute_shell (fixture, "printf hello; printf oops >&2; exit 7"), ==, 7);
  g_assert_no_error (fixture->error);
  out = dup_file (fixture, "out");
  err = dup_file (fixture, "err");
  g_assert_cmpstr (out, ==, "hello");
  g_assert_cmpstr (err, ==, "oops");
  g_assert_cmpuint (fixture->backend->n_destroyed, ==, 1);

  assert_types (fixture, "task.started tool.invoked tool.returned task.completed");
  assert_text (fixture, STARTED, "backend", "host");
  assert_text (fixture, STARTED, "image_id", "none");
  assert_json (fixture, STARTED, "environment", "[\"SECRET_VALUE\"]");
  assert_json (fixture, STARTED, "policy",
               "{\"network\":\"none\",\"allow\":[],\"allow_any\":false,\"observe\":false}");
  assert_number (fixture, RETURNED, "exit_status", 7);
  assert_number (fixture, RETURNED, "signal", 0);
  assert_json (fixture, RETURNED, "timed_out", "false");
  assert_json (fixture, RETURNED, "truncated", "false");
  assert_number (fixture, RETURNED, "stdout_bytes", 5);
  assert_number (fixture, RETURNED, "stderr_bytes", 4);
  assert_number (fixture, ENDED, "exit_status", 7);

  violations = zu_verify_chain (fixture->sink->events, NULL);
  g_assert_cmpuint (violations->len, ==, 0);
}

static void
test_one_trace (Fixture *fixture, gconstpointer data)
{
  execute_shell (fixture, "true");

  for (guint i = 0; i < fixture->sink->events->len; i++)
    {
      ZuEvent *event = g_ptr_array_index (fixture->sink->events, i);
      ZuEvent *before = i > 0 ? g_ptr_array_index (fixture->sink->events, i - 1) : NULL;

      g_assert_cmpstr (zu_event_get_trace_id (event), ==, zu_run_get_trace_id (fixture->run));
      g_assert_cmpstr (zu_event_get_source (event), ==, "test");
      g_assert_cmpstr (zu_event_get_parent_id (event), ==,
                       before != NULL ? zu_event_get_event_id (before) : NULL);
    }
}

static void
test_redacts (Fixture *fixture, gconstpointer data)
{
  const char *const argv[] = { "true", "--password", "hunter2", "--token=hunter2", NULL };

  g_assert_cmpint (execute (fixture, 0, argv), ==, 0);
  for (guint i = 0; i < fixture->sink->events->len; i++)
    {
      const char *text = zu_event_get_text (g_ptr_array_index (fixture->sink->events, i), NULL);

      g_assert_null (strstr (text, "hunter2"));
      g_assert_null (strstr (text, "hush"));
    }
}

static void
test_signal (Fixture *fixture, gconstpointer data)
{
  g_assert_cmpint (execute_shell (fixture, "kill -USR1 $$"), ==, 128 + SIGUSR1);
  g_assert_no_error (fixture->error);
  assert_types (fixture, "task.started tool.invoked tool.returned task.completed");
  assert_number (fixture, RETURNED, "signal", SIGUSR1);
}

static void
test_timeout (Fixture *fixture, gconstpointer data)
{
  const char *const argv[] = { "sleep", "30", NULL };

  g_assert_cmpint (execute (fixture, 200, argv), ==, ZU_RUN_EXIT_TIMED_OUT);
  g_assert_error (fixture->error, G_IO_ERROR, G_IO_ERROR_TIMED_OUT);
  assert_types (fixture, "task.started tool.invoked tool.returned task.terminal");
  assert_json (fixture, RETURNED, "timed_out", "true");
  assert_text (fixture, ENDED, "reason", "timed-out");
  assert_number (fixture, ENDED, "exit_status", ZU_RUN_EXIT_TIMED_OUT);
}

static void
test_not_found (Fixture *fixture, gconstpointer data)
{
  const char *const argv[] = { "no-such-program-anywhere", NULL };

  g_assert_cmpint (execute (fixture, 0, argv), ==, ZU_RUN_EXIT_NOT_FOUND);
  assert_types (fixture, "task.started tool.invoked tool.returned task.terminal");
  assert_number (fixture, RETURNED, "exit_status", ZU_RUN_EXIT_NOT_FOUND);
  assert_text (fixture, ENDED, "reason", "command-not-found");
  g_assert_cmpuint (fixture->backend->n_destroyed, ==, 1);
}

static void
test_not_executable (Fixture *fixture, gconstpointer data)
{
  const char *const argv[] = { "/etc/passwd", NULL };

  g_assert_cmpint (execute (fixture, 0, argv), ==, ZU_RUN_EXIT_NOT_EXECUTABLE);
  assert_text (fixture, ENDED, "reason", "command-not-executable");
}

static void
test_launch_fails (Fixture *fixture, gconstpointer data)
{
  fixture->backend->fails_launch = TRUE;

  g_assert_cmpint (execute_shell (fixture, "true"), ==, ZU_RUN_EXIT_SET_UP);
  g_assert_error (fixture->error, ZU_SANDBOX_BACKEND_ERROR, ZU_SANDBOX_BACKEND_ERROR_UNAVAILABLE);
  assert_types (fixture, "task.terminal");
  assert_text (fixture, 0, "reason", "set-up-failed");
  assert_json (fixture, 0, "argv", "[\"sh\",\"-c\",\"true\"]");
  g_assert_cmpuint (fixture->backend->n_destroyed, ==, 0);
}

static void
test_destroy_fails (Fixture *fixture, gconstpointer data)
{
  fixture->backend->fails_destroy = TRUE;

  g_assert_cmpint (execute_shell (fixture, "true"), ==, ZU_RUN_EXIT_SET_UP);
  g_assert_nonnull (strstr (fixture->error->message, "it is stuck"));
  assert_types (fixture, "task.started tool.invoked tool.returned task.terminal");
  assert_text (fixture, ENDED, "reason", "not-undone");
}

/* Whatever event cannot be stored: nothing runs on unrecorded, and everything is undone. */
static void
test_log_full (Fixture *fixture, gconstpointer data)
{
  guint capacity = GPOINTER_TO_UINT (data);
  g_autofree char *out = NULL;

  fixture->sink->capacity = capacity;
  g_assert_cmpint (execute_shell (fixture, "printf ran"), ==, ZU_RUN_EXIT_SET_UP);
  g_assert_error (fixture->error, ZU_EVENT_SINK_ERROR, ZU_EVENT_SINK_ERROR_FULL);
  g_assert_cmpuint (fixture->backend->n_launched, ==, 1);
  g_assert_cmpuint (fixture->backend->n_destroyed, ==, 1);
  out = dup_file (fixture, "out");
  g_assert_cmpstr (out, ==, capacity < 2 ? "" : "ran");
}

static gpointer
cancel_soon (gpointer data)
{
  g_usleep (200 * 1000);
  g_cancellable_cancel (data);
  return NULL;
}

static void
test_cancel (Fixture *fixture, gconstpointer data)
{
  const char *line = data;
  GThread *thread = g_thread_new ("cancel", cancel_soon, fixture->cancellable);
  gint64 began = g_get_monotonic_time ();

  execute_shell (fixture, line);
  g_thread_join (thread);
  g_assert_error (fixture->error, G_IO_ERROR, G_IO_ERROR_CANCELLED);
  g_assert_cmpint (g_get_monotonic_time () - began, <, 20 * G_USEC_PER_SEC);
  assert_types (fixture, "task.started tool.invoked tool.returned task.terminal");
  assert_text (fixture, ENDED, "reason", "cancelled");
  g_assert_cmpuint (fixture->backend->n_destroyed, ==, 1);
}

/* More than a pipe holds, by way of splice and of a descriptor that cannot be spliced to. */
static void
test_large_output (Fixture *fixture, gconstpointer data)
{
  g_autofree char *out = NULL;

  g_assert_cmpint (execute_shell (fixture, "yes | head -c 5000000; yes | head -c 3000000 >&2"), ==,
                   0);
  out = dup_file (fixture, "out");
  g_assert_cmpuint (strlen (out), ==, 5000000);
  assert_number (fixture, RETURNED, "stdout_bytes", 5000000);
  assert_number (fixture, RETURNED, "stderr_bytes", 3000000);
}

/* What a process left behind holds the pipe open; the run does not wait for it. */
static void
test_left_behind (Fixture *fixture, gconstpointer data)
{
  g_autofree char *out = NULL;

  g_assert_cmpint (execute_shell (fixture, "printf early; setsid sleep 30 & exit 3"), ==, 3);
  out = dup_file (fixture, "out");
  g_assert_cmpstr (out, ==, "early");
}

static void
test_stdin (Fixture *fixture, gconstpointer data)
{
  g_autofree char *text = g_strnfill (1 << 20, 'x');
  g_autofree char *path = g_build_filename (fixture->folder, "in", NULL);

  g_assert_true (g_file_set_contents (path, text, -1, NULL));
  close (fixture->fds[0]);
  fixture->fds[0] = open_file (fixture, "in", O_RDONLY);

  g_assert_cmpint (execute_shell (fixture, "cat"), ==, 0);
  assert_number (fixture, RETURNED, "stdout_bytes", 1 << 20);
}

/* The reader went away: the command gets a broken pipe, and the event says that output was cut. */
static void
test_reader_gone (Fixture *fixture, gconstpointer data)
{
  int ends[2];

  g_assert_true (g_unix_open_pipe (ends, FD_CLOEXEC, NULL));
  close (ends[0]);
  close (fixture->fds[1]);
  fixture->fds[1] = ends[1];

  g_assert_cmpint (execute_shell (fixture, "yes"), !=, 0);
  g_assert_no_error (fixture->error);
  assert_json (fixture, RETURNED, "truncated", "true");
}

static void
test_output_full (Fixture *fixture, gconstpointer data)
{
  close (fixture->fds[1]);
  fixture->fds[1] = g_open ("/dev/full", O_WRONLY | O_CLOEXEC);

  g_assert_cmpint (execute_shell (fixture, "printf x"), ==, ZU_RUN_EXIT_SET_UP);
  g_assert_error (fixture->error, G_IO_ERROR, G_IO_ERROR_NO_SPACE);
  assert_text (fixture, ENDED, "reason", "output-failed");
}

static void
test_no_descriptors (Fixture *fixture, gconstpointer data)
{
  for (int i = 0; i < 3; i++)
    close (fixture->fds[i]);
  fixture->fds[0] = fixture->fds[1] = fixture->fds[2] = -1;

  g_assert_cmpint (execute_shell (fixture, "cat; echo x; echo y >&2; exit 4"), ==, 4);
  assert_number (fixture, RETURNED, "stdout_bytes", 0);
}

#define ADD(path, function, data) \
  g_test_add ("/run/" path, Fixture, (data), fixture_set_up, (function), fixture_tear_down)

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  signal (SIGPIPE, SIG_IGN);

  ADD ("completes", test_completes, NULL);
  ADD ("one-trace", test_one_trace, NULL);
  ADD ("redacts", test_redacts, NULL);
  ADD ("signal", test_signal, NULL);
  ADD ("timeout", test_timeout, NULL);
  ADD ("not-found", test_not_found, NULL);
  ADD ("not-executable", test_not_executable, NULL);
  ADD ("launch-fails", test_launch_fails, NULL);
  ADD ("destroy-fails", test_destroy_fails, NULL);
  ADD ("log-full/started", test_log_full, GUINT_TO_POINTER (0));
  ADD ("log-full/invoked", test_log_full, GUINT_TO_POINTER (1));
  ADD ("log-full/returned", test_log_full, GUINT_TO_POINTER (2));
  ADD ("log-full/completed", test_log_full, GUINT_TO_POINTER (3));
  ADD ("cancel", test_cancel, "sleep 30");
  ADD ("cancel/stubborn", test_cancel, "trap '' TERM; while :; do sleep 1; done");
  ADD ("large-output", test_large_output, NULL);
  ADD ("left-behind", test_left_behind, NULL);
  ADD ("stdin", test_stdin, NULL);
  ADD ("reader-gone", test_reader_gone, NULL);
  ADD ("output-full", test_output_full, NULL);
  ADD ("no-descriptors", test_no_descriptors, NULL);

  return g_test_run ();
}
