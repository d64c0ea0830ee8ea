/* SPDX-License-Identifier: Apache-2.0 */

/* What is told about sandboxes, their files, and what is left of those whose keeper was killed. */

#include "sandbox-support.h"
#include "zu-records.h"
#include "zu-seccomp-profile.h"
#include "zu-guest-records.h"
#include "zu-socket.h"
#include "zu-state.h"
#include <errno.h>
#include <fcntl.h>
#include <glib/gstdio.h>
#include <netinet/in.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#define TRACE "11111111-1111-4111-8111-111111111111"
#define TASK  "22222222-2222-4222-8222-222222222222"

static int
make_file (const char *text)
{
  int fd = memfd_create ("file", MFD_CLOEXEC);

  g_assert_cmpint (write (fd, text, strlen (text)), ==, (gssize) strlen (text));
  g_assert_cmpint (lseek (fd, 0, SEEK_SET), ==, 0);
  return fd;
}

static char *
get_text (SandboxFixture *f, const char *path, GError **error)
{
  int fd = memfd_create ("file", MFD_CLOEXEC);

  if (!zu_sandbox_backend_get_file (f->backend, f->id, path, fd, NULL, error))
    {
      close (fd);
      return NULL;
    }
  g_assert_cmpint (lseek (fd, 0, SEEK_SET), ==, 0);
  return sandbox_read_all (fd);
}

static void
test_files (SandboxFixture *f, gconstpointer data)
{
  ZU_AUTO_FD int source = make_file ("text\n");
  g_autoptr (GError) error = NULL;
  g_autoptr (GPtrArray) files = NULL;
  g_autofree char *text = NULL;
  g_auto (Ran) ran = { 0 };

  zu_sandbox_backend_put_file (f->backend, f->id, "/work/file", source, 0640, NULL, &error);
  g_assert_no_error (error);
  text = get_text (f, "/work/file", &error);
  g_assert_no_error (error);
  g_assert_cmpstr (text, ==, "text\n");
  ran = sandbox_run (f->backend, f->id,
                     "cd /work; cat file; ln -s file link; mkdir folder; stat -c %a file", 0);
  g_assert_cmpstr (ran.out, ==, "text\n640\n");
  files = zu_sandbox_backend_list_files (f->backend, f->id, "/work", NULL, &error);
  g_assert_no_error (error);
  g_assert_cmpuint (files->len, ==, 3);
  g_assert_cmpstr (zu_file_info_get_name (files->pdata[0]), ==, "file");
  g_assert_cmpint (zu_file_info_get_size (files->pdata[0]), ==, 5);
  g_assert_cmpuint (zu_file_info_get_mode (files->pdata[0]), ==, 0640);
  g_assert_cmpint (zu_file_info_get_kind (files->pdata[1]), ==, ZU_FILE_KIND_FOLDER);
  g_assert_cmpstr (zu_file_info_get_target (files->pdata[2]), ==, "file");
}

/* A path that ends in a slash is a folder's: made once, and left as it is where it is there. */
static void
test_folder (SandboxFixture *f, gconstpointer data)
{
  ZU_AUTO_FD int source = make_file ("unread");
  g_autoptr (GError) error = NULL;
  g_auto (Ran) ran = { 0 };

  for (int i = 0; i < 2; i++)
    {
      zu_sandbox_backend_put_file (f->backend, f->id, "/work/new/", source, i ? 0700 : 0750, NULL,
                                   &error);
      g_assert_no_error (error);
    }
  ran = sandbox_run (f->backend, f->id, "cd /work; stat -c '%F %a' new; echo x > file", 0);
  g_assert_cmpstr (ran.out, ==, "directory 750\n");
  g_assert_false (
      zu_sandbox_backend_put_file (f->backend, f->id, "/work/file/", source, 0700, NULL, &error));
  g_assert_error (error, ZU_SANDBOX_BACKEND_ERROR, ZU_SANDBOX_BACKEND_ERROR_FILE);
  g_clear_error (&error);
  g_assert_false (
      zu_sandbox_backend_put_file (f->backend, f->id, "/work/no/new/", source, 0700, NULL, &error));
  g_assert_error (error, ZU_SANDBOX_BACKEND_ERROR, ZU_SANDBOX_BACKEND_ERROR_FILE);
}

/* 8 MiB, through a pipe that is written slowly on the way in. */
static gpointer
write_slowly (gpointer data)
{
  g_autofree char *bytes = g_strnfill (1 << 20, 'x');
  int fd = GPOINTER_TO_INT (data);

  for (int i = 0; i < 8; i++)
    {
      gsize left = 1 << 20;

      while (left)
        left -= (gsize) write (fd, bytes, left);
      g_usleep (5000);
    }
  close (fd);
  return NULL;
}

static void
test_large_file (SandboxFixture *f, gconstpointer data)
{
  g_autoptr (GError) error = NULL;
  g_autofree char *text = NULL;
  GThread *writer;
  int ends[2];

  g_assert_cmpint (pipe2 (ends, O_CLOEXEC), ==, 0);
  writer = g_thread_new ("writer", write_slowly, GINT_TO_POINTER (ends[1]));
  zu_sandbox_backend_put_file (f->backend, f->id, "/tmp/large", ends[0], 0600, NULL, &error);
  g_assert_no_error (error);
  g_thread_join (writer);
  close (ends[0]);
  text = get_text (f, "/tmp/large", &error);
  g_assert_no_error (error);
  g_assert_cmpuint (strlen (text), ==, 8 << 20);
}

static void
assert_no_file (SandboxFixture *f, const char *path, const char *word)
{
  g_autoptr (GError) error = NULL;

  g_assert_null (get_text (f, path, &error));
  g_assert_error (error, ZU_SANDBOX_BACKEND_ERROR, ZU_SANDBOX_BACKEND_ERROR_FILE);
  if (!strstr (error->message, word))
    g_error ("%s: '%s' does not say '%s'", path, error->message, word);
}

/* A pipe that nobody writes would be waited for; a device has no end. */
static void
test_no_files (SandboxFixture *f, gconstpointer data)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (GCancellable) cancelled = g_cancellable_new ();
  ZU_AUTO_FD int source = make_file ("x"), nothing = open ("/dev/null", O_RDWR | O_CLOEXEC);
  g_auto (Ran) ran = sandbox_run (f->backend, f->id, "mkfifo /tmp/fifo", 0);

  assert_no_file (f, "/no/such", "No such file");
  assert_no_file (f, "/tmp", "directory");
  assert_no_file (f, "/tmp/fifo", "Invalid");
  assert_no_file (f, "/dev/zero", "Invalid");
  assert_no_file (f, "/proc/1/environ", "denied");
  g_assert_false (
      zu_sandbox_backend_get_file (f->backend, f->id, "relative", nothing, NULL, &error));
  g_assert_error (error, ZU_SANDBOX_BACKEND_ERROR, ZU_SANDBOX_BACKEND_ERROR_INVALID_SPEC);
  g_clear_error (&error);
  g_assert_false (
      zu_sandbox_backend_put_file (f->backend, f->id, "/usr/x", source, 0600, NULL, &error));
  g_assert_error (error, ZU_SANDBOX_BACKEND_ERROR, ZU_SANDBOX_BACKEND_ERROR_FILE);
  g_clear_error (&error);
  g_assert_null (zu_sandbox_backend_list_files (f->backend, f->id, "/no/such", NULL, &error));
  g_assert_error (error, ZU_SANDBOX_BACKEND_ERROR, ZU_SANDBOX_BACKEND_ERROR_FILE);
  g_clear_error (&error);
  g_cancellable_cancel (cancelled);
  g_assert_false (
      zu_sandbox_backend_get_file (f->backend, f->id, "/etc/passwd", nothing, cancelled, &error));
  g_assert_error (error, G_IO_ERROR, G_IO_ERROR_CANCELLED);
  g_clear_error (&error);
  g_assert_null (
      zu_sandbox_backend_list_files (f->backend, "zu-0000000000000000", "/", NULL, &error));
  g_assert_error (error, ZU_SANDBOX_BACKEND_ERROR, ZU_SANDBOX_BACKEND_ERROR_NOT_FOUND);
}

static void
test_top (SandboxFixture *f, gconstpointer data)
{
  g_autoptr (GError) error = NULL;
  g_autofree char *process = sandbox_start (f->backend, f->id, "exec sleep 1000", -1, &error);
  g_autoptr (GPtrArray) processes = NULL;

  g_assert_no_error (error);
  g_usleep (300000); /* the shell has become sleep */
  processes = zu_sandbox_backend_top (f->backend, f->id, NULL, &error);
  g_assert_no_error (error);
  g_assert_cmpuint (processes->len, ==, 1);
  g_assert_cmpstr (zu_process_info_get_command (processes->pdata[0]), ==, "sleep 1000");
  g_assert_cmpstr (zu_process_info_get_state (processes->pdata[0]), ==, "S");
  g_assert_cmpint (zu_process_info_get_memory (processes->pdata[0]), >, 0);
  g_assert_cmpint (zu_process_info_get_pid (processes->pdata[0]), >, 1);
}

static ZuMountInfo *
find_mount (GPtrArray *mounts, const char *destination)
{
  for (guint i = 0; i < mounts->len; i++)
    if (g_str_equal (zu_mount_info_get_destination (mounts->pdata[i]), destination))
      return mounts->pdata[i];
  g_error ("nothing is mounted at %s", destination);
}

static void
test_mounts (SandboxFixture *f, gconstpointer data)
{
  g_autofree char *spec =
      g_strdup_printf ("{\"volumes\": {\"%s\": {\"bind\": \"/a place\"}}}", f->dir);
  g_autofree char *folder = g_build_filename (f->dir, "folder", NULL), *shown = NULL;
  g_autoptr (GError) error = NULL;
  g_autoptr (GPtrArray) mounts = NULL;
  g_autofree char *id = NULL;

  g_assert_cmpint (g_mkdir_with_parents (folder, 0755), ==, 0);
  g_free (spec);
  spec = g_strdup_printf ("{\"volumes\": {\"%s\": {\"bind\": \"/a place\"}}}", folder);
  id = sandbox_launch (f->backend, spec, &error);
  g_assert_no_error (error);
  mounts = zu_sandbox_backend_mounts (f->backend, id, NULL, &error);
  g_assert_no_error (error);
  g_assert_false (zu_mount_info_get_writable (find_mount (mounts, "/")));
  g_assert_false (zu_mount_info_get_writable (find_mount (mounts, "/usr")));
  g_assert_true (zu_mount_info_get_writable (find_mount (mounts, "/tmp")));
  g_assert_cmpstr (zu_mount_info_get_filesystem (find_mount (mounts, "/tmp")), ==, "tmpfs");
  g_assert_cmpstr (zu_mount_info_get_source (find_mount (mounts, "/a place")), ==, folder);
  g_assert_true (zu_sandbox_backend_destroy (f->backend, id, NULL, &error));
}

static char *
join_changes (SandboxFixture *f, const char *id)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (GPtrArray) changes = zu_sandbox_backend_fs_diff (f->backend, id, NULL, &error);
  GString *text = g_string_new (NULL);

  g_assert_no_error (error);
  for (guint i = 0; i < changes->len; i++)
    {
      g_assert_cmpint (zu_file_change_get_kind (changes->pdata[i]), ==, ZU_CHANGE_KIND_ADDED);
      g_string_append_printf (text, "%s ", zu_file_change_get_path (changes->pdata[i]));
    }
  return g_string_free (text, FALSE);
}

static void
test_diff (SandboxFixture *f, gconstpointer data)
{
  g_autofree char *before = join_changes (f, f->id), *after = NULL, *id = NULL;
  g_autoptr (GError) error = NULL;
  g_auto (Ran) ran = sandbox_run (f->backend, f->id, "mkdir /tmp/a; echo > /tmp/a/b; echo > c", 0);

  g_assert_cmpstr (before, ==, "");
  after = join_changes (f, f->id);
  g_assert_cmpstr (after, ==, "/tmp/a /tmp/a/b /work/c ");
  g_clear_pointer (&after, g_free);
  id = sandbox_launch (f->backend, "{\"read_only\": false}", &error);
  g_assert_no_error (error);
  after = join_changes (f, id);
  g_assert_cmpstr (after, ==, "");
  g_clear_pointer (&after, g_free);
  ran_clear (&ran);
  ran = sandbox_run (f->backend, id, "mkdir /new; echo > /new/file", 0);
  after = join_changes (f, id);
  g_assert_cmpstr (after, ==, "/new /new/file ");
  g_assert_true (zu_sandbox_backend_destroy (f->backend, id, NULL, &error));
}

/* A client in the sandbox speaks with whoever accepts outside; nobody else is there. */
static void
test_listen (SandboxFixture *f, gconstpointer data)
{
  g_autoptr (GError) error = NULL;
  ZU_AUTO_FD int listener = zu_sandbox_backend_listen (f->backend, f->id, 8080, NULL, &error);
  ZU_AUTO_FD int accepted = -1, again = -1;
  g_autofree char *process = NULL;
  char line[16] = "";

  g_assert_no_error (error);
  process = sandbox_start (f->backend, f->id,
                           "exec python3 -c 'import socket\n"
                           "socket.create_connection ((\"127.0.0.1\", 8080)).sendall (b\"hello\")'",
                           -1, &error);
  g_assert_no_error (error);
  accepted = accept4 (listener, NULL, NULL, SOCK_CLOEXEC);
  g_assert_cmpint (accepted, >=, 0);
  g_assert_cmpint (recv (accepted, line, 5, MSG_WAITALL), ==, 5);
  g_assert_cmpstr (line, ==, "hello");
  again = zu_sandbox_backend_listen (f->backend, f->id, 8080, NULL, &error);
  g_assert_cmpint (again, ==, -1);
  g_assert_error (error, ZU_SANDBOX_BACKEND_ERROR, ZU_SANDBOX_BACKEND_ERROR_START_FAILED);
}

static void
test_list (SandboxFixture *f, gconstpointer data)
{
  g_autoptr (ZuOwnership) owner =
      g_object_new (ZU_TYPE_OWNERSHIP, "run", TRACE, "process", (gint64) getpid (), NULL);
  g_autoptr (ZuSandboxBackend) other = sandbox_new_backend (f->state);
  g_autoptr (GError) error = NULL;
  g_autofree char *id = sandbox_launch_for (f->backend, "{\"idle\": 500}", owner, &error);
  g_autoptr (GPtrArray) all = NULL;
  g_autoptr (ZuSandbox) sandbox = NULL;

  g_assert_no_error (error);
  all = zu_sandbox_backend_list (other, NULL, &error);
  g_assert_no_error (error);
  g_assert_cmpuint (all->len, ==, 2);
  sandbox = zu_sandbox_backend_inspect (other, id, NULL, &error);
  g_assert_no_error (error);
  g_assert_cmpstr (zu_sandbox_get_id (sandbox), ==, id);
  g_assert_cmpstr (zu_sandbox_get_run (sandbox), ==, TRACE);
  g_assert_cmpint (zu_sandbox_get_owner_uid (sandbox), ==, getuid ());
  g_assert_true (zu_sandbox_get_live (sandbox));
  g_assert_true (zu_sandbox_backend_destroy (other, id, NULL, &error));
  g_assert_null (zu_sandbox_backend_inspect (f->backend, id, NULL, &error));
  g_assert_error (error, ZU_SANDBOX_BACKEND_ERROR, ZU_SANDBOX_BACKEND_ERROR_NOT_FOUND);
}

static void
kill_keeper (SandboxFixture *f, const char *id)
{
  g_autofree char *path = g_build_filename (f->state, id, "control", NULL);
  struct sockaddr_un address = { .sun_family = AF_UNIX };
  ZU_AUTO_FD int fd = socket (AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0);
  struct ucred peer;
  socklen_t size = sizeof peer;

  g_strlcpy (address.sun_path, path, sizeof address.sun_path);
  g_assert_cmpint (connect (fd, (struct sockaddr *) &address, sizeof address), ==, 0);
  g_assert_cmpint (getsockopt (fd, SOL_SOCKET, SO_PEERCRED, &peer, &size), ==, 0);
  g_assert_cmpint (kill (peer.pid, SIGKILL), ==, 0);
  for (guint i = 0; i < 5000; i++)
    {
      g_autoptr (ZuState) state = zu_state_open (f->state, id, NULL);

      if (!zu_state_is_live (state))
        return;
      g_usleep (1000);
    }
  g_error ("the keeper does not die");
}

static guint
count_terminal_events (const char *uri)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (ZuEventSink) sink = zu_open_sink (uri, &error);
  g_autoptr (ZuFilter) filter = zu_filter_new ();
  g_autoptr (GPtrArray) events = NULL;
  guint n = 0;

  g_assert_no_error (error);
  events = zu_event_sink_query (sink, filter, 0, -1, NULL, &error);
  g_assert_no_error (error);
  for (guint i = 0; i < events->len; i++)
    n +=
        strstr (zu_event_get_text (events->pdata[i], NULL), "\"reason\":\"keeper-killed\"") != NULL;
  return n;
}

/* A killed process lets go of its lock a moment after it can be waited for. */
static ZuSandbox *
inspect_once_dead (SandboxFixture *f, const char *id)
{
  for (guint i = 0;; i++)
    {
      g_autoptr (GError) error = NULL;
      g_autoptr (ZuSandbox) sandbox = zu_sandbox_backend_inspect (f->backend, id, NULL, &error);

      g_assert_no_error (error);
      if (!zu_sandbox_get_live (sandbox) || i == 500)
        return g_steal_pointer (&sandbox);
      g_usleep (10000);
    }
}

/* Keeper killed: what is left is listed as such, is removed once, and its trace is closed; what
 * lives is not touched. */
static void
test_reclaim (SandboxFixture *f, gconstpointer data)
{
  g_autofree char *uri = g_strdup_printf ("sqlite:%s/log.db", f->dir);
  g_autoptr (ZuOwnership) owner =
      g_object_new (ZU_TYPE_OWNERSHIP, "run", TRACE, "task", TASK, "sink", uri, NULL);
  g_autoptr (GError) error = NULL;
  g_autofree char *id = sandbox_launch_for (f->backend, "{}", owner, &error);
  g_autoptr (ZuSandbox) left = NULL;
  g_auto (GStrv) removed = NULL;
  g_auto (Ran) ran = { NULL };

  g_assert_no_error (error);
  kill_keeper (f, id);
  left = inspect_once_dead (f, id);
  g_assert_false (zu_sandbox_get_live (left));
  removed = zu_sandbox_backend_reclaim (f->backend, NULL, &error);
  g_assert_no_error (error);
  g_assert_cmpuint (g_strv_length (removed), ==, 1);
  g_assert_cmpstr (removed[0], ==, id);
  g_assert_cmpuint (count_terminal_events (uri), ==, 1);
  g_strfreev (removed);
  removed = zu_sandbox_backend_reclaim (f->backend, NULL, &error);
  g_assert_no_error (error);
  g_assert_cmpuint (g_strv_length (removed), ==, 0);
  ran = sandbox_run (f->backend, f->id, "true", 0);
}

/* Another object, as the next process has, launches: that is enough. */
static void
test_reclaim_at_start (SandboxFixture *f, gconstpointer data)
{
  g_autofree char *uri = g_strdup_printf ("sqlite:%s/log.db", f->dir);
  g_autoptr (ZuOwnership) owner =
      g_object_new (ZU_TYPE_OWNERSHIP, "run", TRACE, "task", TASK, "sink", uri, NULL);
  g_autoptr (ZuSandboxBackend) next = sandbox_new_backend (f->state);
  g_autoptr (GError) error = NULL;
  g_autofree char *id = sandbox_launch_for (f->backend, "{}", owner, &error), *other = NULL;
  g_autoptr (ZuSandbox) left = NULL;
  g_auto (Ran) ran = { NULL };

  g_assert_no_error (error);
  kill_keeper (f, id);
  left = inspect_once_dead (f, id);
  other = sandbox_launch (next, "{}", &error);
  g_assert_no_error (error);
  g_clear_object (&left);
  left = zu_sandbox_backend_inspect (next, id, NULL, &error);
  g_assert_null (left);
  g_assert_error (error, ZU_SANDBOX_BACKEND_ERROR, ZU_SANDBOX_BACKEND_ERROR_NOT_FOUND);
  g_assert_cmpuint (count_terminal_events (uri), ==, 1);
  ran = sandbox_run (f->backend, f->id, "true", 0);
  g_clear_error (&error);
  g_assert_true (zu_sandbox_backend_destroy (next, other, NULL, &error));
  g_assert_no_error (error);
}

/* Where its log is gone, it stays for gc to tell of, and the launch goes on without a word. */
static void
test_no_log_at_start (SandboxFixture *f, gconstpointer data)
{
  g_autofree char *uri = g_strdup_printf ("sqlite:%s/none/log.db", f->dir);
  g_autofree char *none = g_build_filename (f->dir, "none", NULL);
  g_autoptr (ZuOwnership) owner =
      g_object_new (ZU_TYPE_OWNERSHIP, "run", TRACE, "task", TASK, "sink", uri, NULL);
  g_autoptr (ZuSandboxBackend) next = sandbox_new_backend (f->state);
  g_autoptr (GError) error = NULL;
  g_autofree char *id = sandbox_launch_for (f->backend, "{}", owner, &error), *other = NULL;
  g_autoptr (ZuSandbox) left = NULL;
  g_auto (GStrv) removed = NULL;
  GLogLevelFlags fatal;

  g_assert_no_error (error);
  kill_keeper (f, id);
  left = inspect_once_dead (f, id);
  fatal = g_log_set_always_fatal (G_LOG_LEVEL_MESSAGE | G_LOG_LEVEL_WARNING | G_LOG_FATAL_MASK);
  other = sandbox_launch (next, "{}", &error);
  g_log_set_always_fatal (fatal);
  g_assert_no_error (error);
  g_clear_object (&left);
  left = zu_sandbox_backend_inspect (next, id, NULL, &error);
  g_assert_no_error (error);
  g_assert_false (zu_sandbox_get_live (left));
  g_assert_true (zu_sandbox_backend_destroy (next, other, NULL, &error));
  g_assert_cmpint (g_mkdir (none, 0700), ==, 0);
  removed = zu_sandbox_backend_reclaim (next, NULL, &error);
  g_assert_no_error (error);
  g_assert_cmpstr (removed[0], ==, id);
  g_assert_cmpuint (count_terminal_events (uri), ==, 1);
}

static void
assert_lives (SandboxFixture *f, const char *id, gboolean lives)
{
  g_autoptr (ZuSandbox) sandbox = zu_sandbox_backend_inspect (f->backend, id, NULL, NULL);

  g_assert_cmpint (sandbox != NULL, ==, lives);
}

static void
test_extend (SandboxFixture *f, gconstpointer data)
{
  g_autoptr (GError) error = NULL;
  g_autofree char *id = sandbox_launch (f->backend, "{\"lifetime\": 1}", &error);

  g_assert_no_error (error);
  zu_sandbox_backend_extend (f->backend, id, 100, NULL, &error);
  g_assert_no_error (error);
  g_usleep (1500000);
  assert_lives (f, id, TRUE);
  zu_sandbox_backend_extend (f->backend, id, 1, NULL, &error);
  g_assert_no_error (error);
  g_usleep (1800000);
  assert_lives (f, id, FALSE);
  g_assert_false (zu_sandbox_backend_extend (f->backend, f->id, 0, NULL, &error));
  g_assert_error (error, ZU_SANDBOX_BACKEND_ERROR, ZU_SANDBOX_BACKEND_ERROR_LIMIT);
  g_clear_error (&error);
  g_assert_false (zu_sandbox_backend_extend (f->backend, f->id, 100000, NULL, &error));
  g_assert_error (error, ZU_SANDBOX_BACKEND_ERROR, ZU_SANDBOX_BACKEND_ERROR_LIMIT);
}

/* A process keeps it alive; a second without one does not. */
static void
test_idle (SandboxFixture *f, gconstpointer data)
{
  g_autoptr (GError) error = NULL;
  g_autofree char *id = sandbox_launch (f->backend, "{\"idle\": 1}", &error);
  g_autofree char *path = g_build_filename (f->state, id, NULL);
  g_auto (Ran) ran = { 0 };

  g_assert_no_error (error);
  ran = sandbox_run (f->backend, id, "sleep 2.5; echo on", 0);
  g_assert_cmpstr (ran.out, ==, "on\n");
  g_assert_true (sandbox_gone_within (path, 5000));
}

static void
test_user (SandboxFixture *f, gconstpointer data)
{
  const char *const argv[] = { "true", NULL };
  g_autoptr (ZuProcessSpec) process =
      g_object_new (ZU_TYPE_PROCESS_SPEC, "argv", argv, "user", "12345", NULL);
  g_autoptr (GError) error = NULL;

  g_assert_null (zu_sandbox_backend_spawn (f->backend, f->id, process, -1, -1, -1, NULL, &error));
  g_assert_error (error, ZU_SANDBOX_BACKEND_ERROR, ZU_SANDBOX_BACKEND_ERROR_START_FAILED);
  g_assert_nonnull (strstr (error->message, "user"));
}

/* A profile of the caller's, inline and in a file, in place of our own; what no profile may allow
 * is refused all the same. */
static void
test_profile (SandboxFixture *f, gconstpointer data)
{
  g_autoptr (GError) error = NULL;
  g_autofree char *path = g_build_filename (f->dir, "profile.json", NULL), *text = NULL;
  ZuSeccompHost host;
  g_autoptr (ZuSeccompProfile) own = NULL;
  g_auto (GStrv) parts = NULL;

  zu_seccomp_host_init (&host, NULL);
  own = zu_seccomp_profile_load (NULL, &host, &error);
  g_assert_no_error (error);
  parts = g_strsplit (own->text, "\"mkdir\", \"mkdirat\",", 2);
  text = g_strdup_printf ("%s\"no_such_call\",%s", parts[0], parts[1]);
  g_assert_true (g_file_set_contents (path, text, -1, &error));
  for (guint i = 0; i < 2; i++)
    {
      g_autoptr (ZuLaunchSpec) spec =
          g_object_new (ZU_TYPE_LAUNCH_SPEC, "seccomp", i ? path : text, NULL);
      g_autoptr (ZuSandbox) sandbox =
          zu_sandbox_backend_launch (f->backend, spec, NULL, NULL, &error);
      g_autofree char *details = NULL;
      g_auto (Ran) ran = { 0 };

      g_assert_no_error (error);
      details = zu_json_to_string (zu_sandbox_get_details (sandbox));
      g_assert_nonnull (strstr (details, "no_such_call"));
      ran = sandbox_run (f->backend, zu_sandbox_get_id (sandbox),
                         "mkdir x; unshare -U true; touch y && echo fine", 0);
      g_assert_cmpstr (ran.out, ==, "fine\n");
      g_assert_nonnull (strstr (ran.err, "Function not implemented"));
      g_assert_nonnull (strstr (ran.err, "Operation not permitted"));
      g_assert_true (
          zu_sandbox_backend_destroy (f->backend, zu_sandbox_get_id (sandbox), NULL, &error));
    }
}

static void
test_profiles_refused (void)
{
  static const char *const texts[] = {
    "{}",
    "{\"defaultAction\": \"SCMP_ACT_ALLOW\", \"syscalls\": []}",
    "{\"defaultAction\": \"SCMP_ACT_LOG\", \"syscalls\": []}",
    "{\"defaultAction\": \"SCMP_ACT_ERRNO\", \"syscalls\": [], \"more\": 1}",
    "{\"defaultAction\": \"SCMP_ACT_ERRNO\", \"syscalls\": [{\"names\": [1]}]}",
    "{\"defaultAction\": \"SCMP_ACT_ERRNO\", \"defaultErrnoRet\": 4096, \"syscalls\": []}",
    "{\"defaultAction\": \"SCMP_ACT_ERRNO\", \"architectures\": [\"VAX\"], \"syscalls\": []}",
    "/no/such/profile",
    "relative",
    "/dev/zero",
  };
  ZuSeccompHost host;

  zu_seccomp_host_init (&host, NULL);
  for (guint i = 0; i < G_N_ELEMENTS (texts); i++)
    {
      g_autoptr (GError) error = NULL;

      if (zu_seccomp_profile_load (texts[i], &host, &error))
        g_error ("taken: %s", texts[i]);
      g_assert_error (error, ZU_SANDBOX_BACKEND_ERROR, ZU_SANDBOX_BACKEND_ERROR_INVALID_SPEC);
    }
}

static guint
count_rules (const char *condition)
{
  static const char *const capabilities[] = { "CAP_CHOWN", NULL };
  const ZuSeccompHost host = { capabilities, "amd64", 5, 10 };
  g_autofree char *text = g_strdup_printf (
      "{\"defaultAction\": \"SCMP_ACT_ERRNO\", \"syscalls\": [{\"names\": [\"read\"], "
      "\"action\": \"SCMP_ACT_ALLOW\", %s}]}",
      condition);
  g_autoptr (GError) error = NULL;
  g_autoptr (ZuSeccompProfile) profile = zu_seccomp_profile_parse (text, -1, &host, &error);

  g_assert_no_error (error);
  return profile->rules->len;
}

static void
test_profile_conditions (void)
{
  g_assert_cmpuint (count_rules ("\"comment\": \"\""), ==, 1);
  g_assert_cmpuint (count_rules ("\"includes\": {}"), ==, 1);
  g_assert_cmpuint (count_rules ("\"includes\": {\"caps\": [\"CAP_CHOWN\"]}"), ==, 1);
  g_assert_cmpuint (count_rules ("\"includes\": {\"caps\": [\"CAP_KILL\"]}"), ==, 0);
  g_assert_cmpuint (count_rules ("\"excludes\": {\"caps\": [\"CAP_CHOWN\"]}"), ==, 0);
  g_assert_cmpuint (count_rules ("\"includes\": {\"arches\": [\"arm\", \"amd64\"]}"), ==, 1);
  g_assert_cmpuint (count_rules ("\"excludes\": {\"arches\": [\"amd64\"]}"), ==, 0);
  g_assert_cmpuint (count_rules ("\"includes\": {\"minKernel\": \"5.10\"}"), ==, 1);
  g_assert_cmpuint (count_rules ("\"includes\": {\"minKernel\": \"5.9\"}"), ==, 1);
  g_assert_cmpuint (count_rules ("\"includes\": {\"minKernel\": \"6.0\"}"), ==, 0);
}

/* Answers that no guest of ours gives. */
static void
test_records (void)
{
  guint8 data[64] = { 0 };
  struct zu_wire_writer w = zu_record_begin (data, sizeof data);
  g_autoptr (GPtrArray) good = NULL, hostile = NULL;
  gsize size;

  zu_record_put_file (&w, &(struct zu_record_file){ 0100644, 1, 2, 3, 4, "a\nb\xff", "" });
  size = zu_wire_end (&w);
  good = zu_records_read_files (data, size, NULL);
  g_assert_cmpuint (good->len, ==, 1);
  g_assert_cmpstr (zu_file_info_get_name (good->pdata[0]), ==, "a?b\xef\xbf\xbd");
  for (gsize cut = 1; cut < size; cut++)
    g_assert_null (zu_records_read_files (data, cut, NULL));
  data[0]++;
  g_assert_null (zu_records_read_files (data, size, NULL));
  data[0] = 3;
  g_assert_null (zu_records_read_files (data, size, NULL));
  g_assert_null (zu_records_read_mounts ("1 2 3", 5, NULL, NULL));
  g_assert_null (zu_records_read_mounts ("1 2 3 4 5 6 7 8 9", 17, NULL, NULL));
}

#define ADD(name, function) \
  g_test_add ("/look/" name, SandboxFixture, NULL, sandbox_set_up, function, sandbox_tear_down)

int
main (int argc, char **argv)
{
  sandbox_test_init (&argc, &argv);
  ADD ("files", test_files);
  ADD ("folder", test_folder);
  ADD ("large-file", test_large_file);
  ADD ("no-files", test_no_files);
  ADD ("top", test_top);
  ADD ("mounts", test_mounts);
  ADD ("diff", test_diff);
  ADD ("listen", test_listen);
  ADD ("list", test_list);
  ADD ("reclaim", test_reclaim);
  ADD ("reclaim-at-start", test_reclaim_at_start);
  ADD ("no-log-at-start", test_no_log_at_start);
  ADD ("extend", test_extend);
  ADD ("idle", test_idle);
  ADD ("user", test_user);
  ADD ("profile", test_profile);
  g_test_add_func ("/look/profiles-refused", test_profiles_refused);
  g_test_add_func ("/look/profile-conditions", test_profile_conditions);
  g_test_add_func ("/look/records", test_records);
  return sandbox_test_run ();
}
