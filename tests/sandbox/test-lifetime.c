/* SPDX-License-Identifier: Apache-2.0 */

/* How sandboxes end when nobody says destroy, and what is mounted into them. */

#include "sandbox-support.h"
#include "zu-socket.h"
#include "zu-state.h"
#include <errno.h>
#include <fcntl.h>
#include <glib/gstdio.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

/* The read end of a pipe whose other end a process of the sandbox holds: it ends with that process,
 * wherever that is. */
static int
start_witness (SandboxFixture *f)
{
  g_autoptr (GError) error = NULL;
  g_autofree char *process = NULL;
  char line[8];
  int out[2];

  g_assert_cmpint (pipe2 (out, O_CLOEXEC), ==, 0);
  process = sandbox_start (f->backend, f->id,
                           "setsid sh -c 'trap \"\" TERM HUP; echo up; sleep 1000' & sleep 1000",
                           out[1], &error);
  g_assert_no_error (error);
  close (out[1]);
  g_assert_cmpint (read (out[0], line, sizeof line), ==, 3);
  return out[0];
}

static void
assert_ends (int witness)
{
  g_autofree char *rest = NULL;
  GPollFD poll = { witness, G_IO_IN, 0 };

  g_assert_cmpint (g_poll (&poll, 1, 10000), ==, 1);
  rest = sandbox_read_all (witness);
  g_assert_cmpstr (rest, ==, "");
}

/* Whoever listens on the control socket. */
static pid_t
find_keeper (SandboxFixture *f)
{
  g_autofree char *path = g_build_filename (f->state, f->id, "control", NULL);
  struct sockaddr_un address = { .sun_family = AF_UNIX };
  ZU_AUTO_FD int fd = socket (AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0);
  struct ucred peer;
  socklen_t size = sizeof peer;

  g_assert_cmpuint (g_strlcpy (address.sun_path, path, sizeof address.sun_path), <,
                    sizeof address.sun_path);
  g_assert_cmpint (connect (fd, (struct sockaddr *) &address, sizeof address), ==, 0);
  g_assert_cmpint (getsockopt (fd, SOL_SOCKET, SO_PEERCRED, &peer, &size), ==, 0);
  return peer.pid;
}

static void
test_keeper_killed (SandboxFixture *f, gconstpointer data)
{
  g_autofree char *path = g_build_filename (f->state, f->id, NULL);
  g_autoptr (GError) error = NULL;
  int witness = start_witness (f);
  pid_t keeper = find_keeper (f);

  g_assert_cmpint (keeper, >, 1);
  g_assert_cmpint (kill (keeper, SIGKILL), ==, 0);
  assert_ends (witness);
  g_assert_cmpint (access (path, F_OK), ==, 0); /* what gc looks for, and destroy removes */
  g_assert_true (zu_sandbox_backend_destroy (f->backend, f->id, NULL, &error));
  g_assert_cmpint (access (path, F_OK), ==, -1);
}

static void
test_owner_gone (SandboxFixture *f, gconstpointer data)
{
  pid_t pid = sandbox_start_owner ();
  g_autoptr (ZuOwnership) owner = g_object_new (ZU_TYPE_OWNERSHIP, "process", (gint64) pid, NULL);
  g_autofree char *path = NULL;
  g_autoptr (GError) error = NULL;
  int witness;

  g_assert_true (zu_sandbox_backend_destroy (f->backend, f->id, NULL, &error));
  g_free (f->id);
  f->id = sandbox_launch_for (f->backend, "{}", owner, &error);
  g_assert_no_error (error);
  path = g_build_filename (f->state, f->id, NULL);
  witness = start_witness (f);
  sandbox_kill_owner (pid);
  assert_ends (witness);
  g_assert_true (sandbox_gone_within (path, 5000));
  g_assert_null (sandbox_launch_for (f->backend, "{}", owner, &error));
  g_assert_error (error, ZU_SANDBOX_BACKEND_ERROR, ZU_SANDBOX_BACKEND_ERROR_INVALID_SPEC);
}

/* The process that launched it, and owns it, was killed. */
static void
test_launcher_killed (SandboxFixture *f, gconstpointer data)
{
  g_autofree char *path = NULL, *text = NULL;
  int told[2];
  pid_t child;

  g_assert_cmpint (pipe2 (told, O_CLOEXEC), ==, 0);
  child = fork ();
  if (child == 0)
    {
      g_autoptr (ZuSandboxBackend) mine = sandbox_new_backend (f->state);
      g_autofree char *id = sandbox_launch (mine, "{}", NULL);

      if (!id || write (told[1], id, strlen (id)) < 0)
        _exit (1);
      close (told[1]);
      pause ();
    }
  close (told[1]);
  text = sandbox_read_all (told[0]);
  path = g_build_filename (f->state, text, NULL);
  g_assert_true (zu_state_is_id (text));
  g_assert_cmpint (access (path, F_OK), ==, 0);
  g_assert_cmpint (kill (child, SIGKILL), ==, 0);
  g_assert_cmpint (waitpid (child, NULL, 0), ==, child);
  g_assert_true (sandbox_gone_within (path, 5000));
}

static void
test_lifetime (SandboxFixture *f, gconstpointer data)
{
  g_autofree char *path = g_build_filename (f->state, f->id, NULL);
  g_autoptr (GError) error = NULL;
  int witness = start_witness (f);
  g_autofree char *process = sandbox_start (f->backend, f->id, "sleep 1000", -1, &error);

  g_assert_no_error (error);
  g_assert_null (zu_sandbox_backend_wait (f->backend, f->id, process, NULL, &error));
  g_assert_error (error, ZU_SANDBOX_BACKEND_ERROR, ZU_SANDBOX_BACKEND_ERROR_NOT_FOUND);
  g_assert_nonnull (strstr (error->message, "lifetime-passed"));
  assert_ends (witness);
  g_assert_true (sandbox_gone_within (path, 5000));
}

/* A launch thread that ends takes nothing with it. */
static gpointer
launch_elsewhere (gpointer data)
{
  g_autoptr (GError) error = NULL;
  SandboxFixture *f = data;
  char *id = sandbox_launch (f->backend, "{}", &error);

  g_assert_no_error (error);
  return id;
}

static void
test_launching_thread_ends (SandboxFixture *f, gconstpointer data)
{
  g_autofree char *id = g_thread_join (g_thread_new ("launch", launch_elsewhere, f));
  g_autoptr (GError) error = NULL;
  g_auto (Ran) ran = { 0 };

  g_usleep (300000);
  ran = sandbox_run (f->backend, id, "echo alive", 0);
  g_assert_cmpstr (ran.out, ==, "alive\n");
  g_assert_true (zu_sandbox_backend_destroy (f->backend, id, NULL, &error));
}

static char *
read_only_event (const char *uri)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (ZuEventSink) sink = zu_open_sink (uri, &error);
  g_autoptr (ZuFilter) filter = zu_filter_new ();
  g_autoptr (GPtrArray) events = NULL;

  g_assert_no_error (error);
  events = zu_event_sink_query (sink, filter, 0, -1, NULL, &error);
  g_assert_no_error (error);
  g_assert_cmpuint (events->len, ==, 1);
  return g_strdup (zu_event_get_text (events->pdata[0], NULL));
}

#define TRACE "11111111-1111-4111-8111-111111111111"
#define TASK  "22222222-2222-4222-8222-222222222222"

static char *
launch_owned (SandboxFixture *f, const char *uri, pid_t pid)
{
  g_autoptr (ZuOwnership) owner = g_object_new (ZU_TYPE_OWNERSHIP, "run", TRACE, "task", TASK,
                                                "sink", uri, "process", (gint64) pid, NULL);
  g_autoptr (GError) error = NULL;
  char *id = sandbox_launch_for (f->backend, "{}", owner, &error);

  g_assert_no_error (error);
  return id;
}

/* The run that died without a word is closed in the log, with the reason. */
static void
test_closing_event (SandboxFixture *f, gconstpointer data)
{
  g_autofree char *uri = g_strdup_printf ("sqlite:%s/log.db", f->dir);
  pid_t owner = sandbox_start_owner ();
  g_autofree char *id = launch_owned (f, uri, owner);
  g_autofree char *path = g_build_filename (f->state, id, NULL), *text = NULL, *expected = NULL;

  sandbox_kill_owner (owner);
  g_assert_true (sandbox_gone_within (path, 10000));
  text = read_only_event (uri);
  expected = g_strdup_printf ("\"reason\":\"owner-gone\",\"sandbox\":\"%s\"", id);
  g_assert_nonnull (strstr (text, "\"harness.task.terminal\""));
  g_assert_nonnull (strstr (text, TRACE));
  g_assert_nonnull (strstr (text, TASK));
  g_assert_nonnull (strstr (text, expected));
}

/* A sink that cannot be opened keeps the label, for whoever collects what is left. */
static void
test_closing_event_kept (SandboxFixture *f, gconstpointer data)
{
  pid_t owner = sandbox_start_owner ();
  g_autofree char *id = launch_owned (f, "sqlite:/no/such/folder/log.db", owner);
  g_autofree char *control = g_build_filename (f->state, id, "control", NULL);
  g_autoptr (GError) error = NULL;
  g_autoptr (ZuState) state = NULL;

  sandbox_kill_owner (owner);
  g_assert_true (sandbox_gone_within (control, 10000));
  g_usleep (500000);
  state = zu_state_open (f->state, id, &error);
  g_assert_no_error (error);
  g_assert_false (zu_state_is_live (state));
  zu_state_remove (state);
}

static char *
launch_with (SandboxFixture *f, const char *source, const char *mode, GError **error)
{
  g_autofree char *spec = g_strdup_printf (
      "{\"volumes\": {\"%s\": {\"bind\": \"/data\", \"mode\": \"%s\"}}, \"workdir\": \"/data\"}",
      source, mode);

  return sandbox_launch (f->backend, spec, error);
}

/* Everybody's own folder, closed to all others, beneath one that is closed too: root's is mapped.
 */
static void
test_mount (SandboxFixture *f, gconstpointer data)
{
  const char *mode = data;
  g_autofree char *folder = g_build_filename (f->dir, "closed", NULL);
  g_autofree char *file = g_build_filename (folder, "file", NULL), *made = NULL, *id = NULL;
  g_autoptr (GError) error = NULL;
  g_auto (Ran) ran = { 0 };
  struct stat st;

  g_assert_cmpint (g_mkdir (folder, 0700), ==, 0);
  g_assert_true (g_file_set_contents_full (file, "secret", 6, 0, 0600, &error));
  id = launch_with (f, folder, mode, &error);
  g_assert_no_error (error);
  ran = sandbox_run (f->backend, id, "pwd; cat file; echo; echo new > made; ls", 0);
  g_assert_cmpstr (ran.out, ==,
                   g_str_equal (mode, "rw") ? "/data\nsecret\nfile\nmade\n"
                                            : "/data\nsecret\nfile\n");
  made = g_build_filename (folder, "made", NULL);
  if (g_str_equal (mode, "rw"))
    {
      g_assert_cmpint (g_stat (made, &st), ==, 0);
      g_assert_cmpuint (st.st_uid, ==, getuid ());
    }
  g_assert_true (zu_sandbox_backend_destroy (f->backend, id, NULL, &error));
}

static void
test_mount_file (SandboxFixture *f, gconstpointer data)
{
  g_autofree char *file = g_build_filename (f->dir, "a file", NULL), *spec = NULL, *id = NULL;
  g_autoptr (GError) error = NULL;
  g_auto (Ran) ran = { 0 };

  g_assert_true (g_file_set_contents_full (file, "text", 4, 0, 0600, &error));
  spec = g_strdup_printf ("{\"volumes\": {\"%s\": {\"bind\": \"/opt/the/file\"}}}", file);
  id = sandbox_launch (f->backend, spec, &error);
  g_assert_no_error (error);
  ran = sandbox_run (f->backend, id, "cat /opt/the/file; echo x > /opt/the/file", 0);
  g_assert_cmpstr (ran.out, ==, "text");
  g_assert_cmpint (zu_exit_status_get_exit_status (ran.exit), !=, 0);
  g_assert_true (zu_sandbox_backend_destroy (f->backend, id, NULL, &error));
}

static void
assert_refused (SandboxFixture *f, const char *spec, ZuSandboxBackendError code, const char *word)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (GDir) left = NULL;
  g_autofree char *id = sandbox_launch (f->backend, spec, &error);
  guint n = 0;

  g_assert_null (id);
  g_assert_error (error, ZU_SANDBOX_BACKEND_ERROR, (int) code);
  if (!strstr (error->message, word))
    g_error ("%s: '%s' does not say '%s'", spec, error->message, word);
  left = g_dir_open (f->state, 0, NULL);
  while (g_dir_read_name (left))
    n++;
  g_assert_cmpuint (n, ==, 1); /* the fixture's own */
}

/* What cannot be set up leaves nothing, whoever notices it. */
static void
test_refused (SandboxFixture *f, gconstpointer data)
{
  const ZuSandboxBackendError invalid = ZU_SANDBOX_BACKEND_ERROR_INVALID_SPEC;
  g_autofree char *state =
      g_strdup_printf ("{\"volumes\": {\"%s\": {\"bind\": \"/x\"}}}", f->state);
  g_autofree char *around = g_strdup_printf ("{\"volumes\": {\"%s\": {\"bind\": \"/x\"}}}", f->dir);

  assert_refused (f, "{\"image\": \"x\"}", ZU_SANDBOX_BACKEND_ERROR_IMAGE_MISSING, "'x'");
  assert_refused (f, "{\"network\": true, \"allow_unrestricted_egress\": true}", invalid,
                  "network");
  assert_refused (f, "{\"cap_add\": [\"CHOWN\"]}", invalid, "cap_add");
  assert_refused (f, "{\"volumes\": {\"/etc\": {\"bind\": \"/x\"}}}", invalid, "/etc");
  assert_refused (f, "{\"volumes\": {\"/no/such\": {\"bind\": \"/x\"}}}", invalid, "/no/such");
  assert_refused (f, "{\"volumes\": {\"/dev/null\": {\"bind\": \"/x\"}}}", invalid, "/dev/null");
  assert_refused (f, state, invalid, "state");
  assert_refused (f, around, invalid, "state");
  assert_refused (f, "{\"volumes\": {\"/usr/bin\": {\"bind\": \"/usr/no/such\"}}}",
                  ZU_SANDBOX_BACKEND_ERROR_START_FAILED, "/usr/no");
  assert_refused (f, "{\"command\": [\"no-such-program\"]}",
                  ZU_SANDBOX_BACKEND_ERROR_COMMAND_NOT_FOUND, "no-such-program");
  if (getuid () != 0)
    assert_refused (f, "{\"mem_limit\": \"64m\"}", ZU_SANDBOX_BACKEND_ERROR_LIMIT, "best_effort");
}

/* A socket is nothing to mount, under whatever name. */
static void
test_socket_refused (SandboxFixture *f, gconstpointer data)
{
  g_autofree char *path = g_build_filename (f->dir, "socket", NULL);
  g_autofree char *link = g_build_filename (f->dir, "link", NULL), *spec = NULL;
  g_autoptr (GSocketAddress) address = g_unix_socket_address_new (path);
  g_autoptr (GError) error = NULL;
  g_autoptr (GSocket) socket =
      g_socket_new (G_SOCKET_FAMILY_UNIX, G_SOCKET_TYPE_STREAM, G_SOCKET_PROTOCOL_DEFAULT, &error);

  g_assert_true (g_socket_bind (socket, address, FALSE, &error));
  g_assert_cmpint (symlink (path, link), ==, 0);
  spec = g_strdup_printf ("{\"volumes\": {\"%s\": {\"bind\": \"/x\"}}}", link);
  assert_refused (f, spec, ZU_SANDBOX_BACKEND_ERROR_INVALID_SPEC, "neither a folder nor a file");
}

static void
test_unavailable (SandboxFixture *f, gconstpointer data)
{
  g_autoptr (GError) error = NULL;
  g_autofree char *text =
      g_strdup_printf ("{\"state_dir\": \"%s\", \"program\": \"/no/such/bwrap\"}", f->state);
  g_autoptr (ZuJson) options = zu_json_parse (text, -1, &error);
  g_autoptr (GObject) backend =
      zu_registry_create (zu_registry_get_default (), "zu.backends", "SandboxBackend", "bubblewrap",
                          options, NULL, &error);

  g_assert_null (sandbox_launch (ZU_SANDBOX_BACKEND (backend), "{}", &error));
  g_assert_error (error, ZU_SANDBOX_BACKEND_ERROR, ZU_SANDBOX_BACKEND_ERROR_UNAVAILABLE);
  g_assert_nonnull (strstr (error->message, "install"));
}

static void
test_environment (SandboxFixture *f, gconstpointer data)
{
  g_auto (Ran) ran =
      sandbox_run (f->backend, f->id, "env | sort | grep -v ^_; cat $SSL_CERT_FILE", 0);

  g_assert_cmpstr (ran.out, ==,
                   "A=b c\nHOME=/tmp\nLANG=C.UTF-8\nPATH=/bin\nPWD=/tmp/place\n"
                   "REQUESTS_CA_BUNDLE=/zu-redteam-ca.pem\nSSL_CERT_FILE=/zu-redteam-ca.pem\nPEM");
  g_clear_pointer (&ran.out, g_free);
  g_clear_pointer (&ran.err, g_free);
  g_clear_object (&ran.exit);
  ran = sandbox_run (f->backend, f->id, "grep other /etc/hosts", 0);
  g_assert_cmpstr (ran.out, ==, "10.1.2.3 other\n");
}

#define ADD(name, spec, function) \
  g_test_add ("/lifetime/" name, SandboxFixture, spec, sandbox_set_up, function, sandbox_tear_down)

static void
mount_set_up (SandboxFixture *f, gconstpointer data)
{
  sandbox_set_up (f, NULL);
}

int
main (int argc, char **argv)
{
  sandbox_test_init (&argc, &argv);
  ADD ("keeper-killed", NULL, test_keeper_killed);
  ADD ("owner-gone", NULL, test_owner_gone);
  ADD ("launcher-killed", NULL, test_launcher_killed);
  ADD ("lifetime", "{\"lifetime\": 1}", test_lifetime);
  ADD ("launching-thread-ends", NULL, test_launching_thread_ends);
  ADD ("closing-event", NULL, test_closing_event);
  ADD ("closing-event-kept", NULL, test_closing_event_kept);
  g_test_add ("/lifetime/mount/ro", SandboxFixture, "ro", mount_set_up, test_mount,
              sandbox_tear_down);
  g_test_add ("/lifetime/mount/rw", SandboxFixture, "rw", mount_set_up, test_mount,
              sandbox_tear_down);
  ADD ("mount/file", NULL, test_mount_file);
  ADD ("refused", NULL, test_refused);
  ADD ("socket-refused", NULL, test_socket_refused);
  ADD ("unavailable", NULL, test_unavailable);
  ADD ("environment",
       "{\"environment\": {\"A\": \"b c\", \"PATH\": \"/bin\"}, \"workdir\": \"/tmp/place\","
       "\"ca_cert\": \"PEM\", \"extra_hosts\": {\"other\": \"10.1.2.3\"}}",
       test_environment);
  return sandbox_test_run ();
}
