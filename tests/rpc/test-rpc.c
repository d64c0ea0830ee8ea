/* SPDX-License-Identifier: Apache-2.0 */

#include <zu/zu.h>

#include "vectors-support.h"

#include <fcntl.h>
#include <glib/gstdio.h>
#include <signal.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

typedef struct
{
  ZuRpcServer *server;
  ZuRpcClient *client;
  GThread *thread;
  int fd;
  gint running;
  gint most_running;
} Fixture;

static ZuJson *
json (const char *text)
{
  g_autoptr (GError) error = NULL;
  ZuJson *value = zu_json_parse (text, -1, &error);

  g_assert_no_error (error);
  return value;
}

static void
assert_json (ZuJson *got, const char *expected)
{
  g_autoptr (ZuJson) wanted = json (expected);
  g_autofree char *text = zu_json_to_string (got);

  if (!zu_json_equal (got, wanted))
    g_error ("got %s, not %s", text, expected);
}

static ZuJson *
make_echo (const char *method, ZuJson *args)
{
  g_autoptr (ZuJsonBuilder) builder = zu_json_builder_new ();

  zu_json_builder_begin_object (builder);
  zu_json_builder_set_member (builder, "method");
  zu_json_builder_add_string (builder, method);
  zu_json_builder_set_member (builder, "args");
  zu_json_builder_add_json (builder, args);
  zu_json_builder_end_object (builder);
  return zu_json_builder_end (builder, NULL);
}

static ZuJson *
make_big (gsize size)
{
  g_autoptr (ZuJsonBuilder) builder = zu_json_builder_new ();
  g_autofree char *text = g_strnfill (size, 'x');

  zu_json_builder_add_string (builder, text);
  return zu_json_builder_end (builder, NULL);
}

static ZuJson *
sleep_a_while (ZuJson *args, Fixture *fixture)
{
  g_autoptr (ZuJson) ms = zu_json_dup_member (args, "ms");
  gint64 value = 0;
  gint now = g_atomic_int_add (&fixture->running, 1) + 1;

  zu_json_get_int64 (ms, &value);
  if (now > g_atomic_int_get (&fixture->most_running))
    g_atomic_int_set (&fixture->most_running, now);
  g_usleep ((gulong) value * 1000);
  g_atomic_int_add (&fixture->running, -1);
  return zu_json_ref (args);
}

static ZuJson *
echo (const char *method, ZuJson *args, GCancellable *cancellable, gpointer data, GError **error)
{
  if (g_str_equal (method, "raise"))
    g_set_error_literal (error, G_IO_ERROR, G_IO_ERROR_FAILED, "boom é");
  else if (g_str_equal (method, "keyerror"))
    g_set_error_literal (error, G_IO_ERROR, G_IO_ERROR_FAILED, "'op'");
  else if (g_str_equal (method, "big"))
    return make_big (ZU_RPC_FRAME_MAX);
  else if (g_str_equal (method, "list"))
    return json ("[1,2]");
  else if (g_str_equal (method, "none"))
    return json ("null");
  else if (g_str_equal (method, "forgets"))
    return NULL;
  else if (g_str_equal (method, "sleep"))
    return sleep_a_while (args, data);
  else if (g_str_equal (method, "peer"))
    return make_echo (zu_peer_get () != NULL ? zu_peer_get () : "", args);
  else if (g_str_equal (method, "die"))
    raise (SIGKILL);
  else
    return make_echo (method, args);
  return NULL;
}

static gpointer
serve (gpointer data)
{
  Fixture *fixture = data;

  zu_rpc_server_serve_fd (fixture->server, fixture->fd, NULL, NULL);
  return NULL;
}

static void
fixture_set_up (Fixture *fixture, gconstpointer concurrency)
{
  int ends[2];

  g_assert_cmpint (socketpair (AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends), ==, 0);
  fixture->server = zu_rpc_server_new (echo, fixture, NULL);
  zu_rpc_server_set_concurrency (fixture->server, MAX (GPOINTER_TO_UINT (concurrency), 1));
  fixture->fd = ends[1];
  fixture->client = zu_rpc_client_new_for_fd (ends[0]);
  fixture->thread = g_thread_new ("server", serve, fixture);
}

static void
fixture_tear_down (Fixture *fixture, gconstpointer concurrency)
{
  g_clear_object (&fixture->client);
  g_thread_join (fixture->thread);
  g_clear_object (&fixture->server);
}

static void
test_call (Fixture *fixture, gconstpointer data)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (ZuJson) args = json ("{\"a\": [1, \"é\"]}");
  g_autoptr (ZuJson) result = zu_rpc_client_call (fixture->client, "m", args, NULL, &error);
  g_autoptr (ZuJson) without = zu_rpc_client_call (fixture->client, "\"m\n", NULL, NULL, &error);

  g_assert_no_error (error);
  assert_json (result, "{\"method\": \"m\", \"args\": {\"a\": [1, \"é\"]}}");
  assert_json (without, "{\"method\": \"\\\"m\\n\", \"args\": {}}");
}

static void
assert_peer (ZuRpcClient *client, const char *expected)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (ZuJson) result = zu_rpc_client_call (client, "peer", NULL, NULL, &error);
  g_autofree char *text = g_strdup_printf ("{\"method\": \"%s\", \"args\": {}}", expected);

  g_assert_no_error (error);
  assert_json (result, text);
}

/* A connection that was made for it may speak for others; what it says is not kept. */
static void
test_peer (Fixture *fixture, gconstpointer data)
{
  g_autofree char *own = g_strdup_printf ("uid:%u", geteuid ());

  assert_peer (fixture->client, own);
  zu_peer_set ("uid:4711");
  assert_peer (fixture->client, "uid:4711");
  zu_peer_set (NULL);
  assert_peer (fixture->client, own);
  g_assert_null (zu_peer_get ());
}

static void
test_remote_error (Fixture *fixture, gconstpointer data)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (ZuJson) result = NULL;

  g_assert_null (zu_rpc_client_call (fixture->client, "raise", NULL, NULL, &error));
  g_assert_error (error, ZU_RPC_ERROR, ZU_RPC_ERROR_REMOTE);
  g_assert_cmpstr (error->message, ==, "boom é");
  g_clear_error (&error);

  g_assert_null (zu_rpc_client_call (fixture->client, "forgets", NULL, NULL, &error));
  g_assert_error (error, ZU_RPC_ERROR, ZU_RPC_ERROR_REMOTE);
  g_assert_nonnull (strstr (error->message, "forgets"));
  g_clear_error (&error);

  g_assert_null (zu_rpc_client_call (fixture->client, "big", NULL, NULL, &error));
  g_assert_error (error, ZU_RPC_ERROR, ZU_RPC_ERROR_REMOTE);
  g_clear_error (&error);

  result = zu_rpc_client_call (fixture->client, "list", NULL, NULL, &error);
  g_assert_no_error (error);
  assert_json (result, "[1, 2]");
}

static void
test_too_large (Fixture *fixture, gconstpointer data)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (ZuJson) large = make_big (ZU_RPC_FRAME_MAX);
  g_autoptr (ZuJson) fits = make_big (ZU_RPC_FRAME_MAX - 100);
  g_autoptr (ZuJson) result = NULL;

  g_assert_null (zu_rpc_client_call (fixture->client, "none", large, NULL, &error));
  g_assert_error (error, ZU_RPC_ERROR, ZU_RPC_ERROR_TOO_LARGE);
  g_clear_error (&error);

  result = zu_rpc_client_call (fixture->client, "none", fits, NULL, &error);
  g_assert_no_error (error);
  assert_json (result, "null");
}

static gpointer
call_often (gpointer data)
{
  Fixture *fixture = data;

  for (int i = 0; i < 300; i++)
    {
      g_autoptr (GError) error = NULL;
      g_autofree char *text = g_strdup_printf ("{\"n\": %d, \"who\": \"%p\"}", i, &error);
      g_autofree char *expected = g_strdup_printf ("{\"method\": \"m\", \"args\": %s}", text);
      g_autoptr (ZuJson) args = json (text);
      g_autoptr (ZuJson) result = zu_rpc_client_call (fixture->client, "m", args, NULL, &error);

      g_assert_no_error (error);
      assert_json (result, expected);
    }
  return NULL;
}

static void
test_threads (Fixture *fixture, gconstpointer data)
{
  GThread *threads[8];

  for (gsize i = 0; i < G_N_ELEMENTS (threads); i++)
    threads[i] = g_thread_new ("caller", call_often, fixture);
  for (gsize i = 0; i < G_N_ELEMENTS (threads); i++)
    g_thread_join (threads[i]);
}

typedef struct
{
  guint pending;
  guint failed;
  GError *error;
} Results;

static void
on_reply (GObject *source, GAsyncResult *result, gpointer data)
{
  Results *results = data;
  g_autoptr (GError) error = NULL;
  g_autoptr (ZuJson) reply = zu_rpc_client_call_finish (ZU_RPC_CLIENT (source), result, &error);

  g_assert_true ((reply == NULL) == (error != NULL));
  results->pending--;
  results->failed += error != NULL;
  if (error != NULL && results->error == NULL)
    results->error = g_steal_pointer (&error);
}

static void
await_results (Results *results)
{
  while (results->pending > 0)
    g_main_context_iteration (NULL, TRUE);
}

static void
test_async (Fixture *fixture, gconstpointer data)
{
  Results results = { 0 };

  /* Far more than a socket holds: what cannot be sent at once is sent later. */
  for (int i = 0; i < 3000; i++)
    {
      g_autoptr (ZuJson) args = make_big (1000);

      results.pending++;
      zu_rpc_client_call_async (fixture->client, "m", args, NULL, on_reply, &results);
      if (i % 100 == 0)
        {
          g_autoptr (ZuJson) result =
              zu_rpc_client_call (fixture->client, "list", NULL, NULL, NULL);

          assert_json (result, "[1, 2]");
        }
    }
  await_results (&results);
  g_assert_cmpuint (results.failed, ==, 0);
}

static gpointer
cancel_soon (gpointer cancellable)
{
  g_usleep (30000);
  g_cancellable_cancel (cancellable);
  return NULL;
}

static void
test_cancel (Fixture *fixture, gconstpointer data)
{
  g_autoptr (GCancellable) cancellable = g_cancellable_new ();
  g_autoptr (ZuJson) args = json ("{\"ms\": 1500}");
  g_autoptr (ZuJson) result = NULL;
  g_autoptr (GError) error = NULL;
  GThread *thread = g_thread_new ("cancel", cancel_soon, cancellable);
  gint64 start = g_get_monotonic_time ();
  Results results = { .pending = 1 };

  zu_rpc_client_call_async (fixture->client, "sleep", args, cancellable, on_reply, &results);
  g_assert_null (zu_rpc_client_call (fixture->client, "sleep", args, cancellable, &error));
  g_assert_error (error, G_IO_ERROR, G_IO_ERROR_CANCELLED);
  g_clear_error (&error);
  g_thread_join (thread);
  await_results (&results);
  g_assert_error (results.error, G_IO_ERROR, G_IO_ERROR_CANCELLED);
  g_clear_error (&results.error);
  g_assert_cmpint (g_get_monotonic_time () - start, <, 1400 * G_TIME_SPAN_MILLISECOND);

  g_assert_null (zu_rpc_client_call (fixture->client, "m", NULL, cancellable, &error));
  g_assert_error (error, G_IO_ERROR, G_IO_ERROR_CANCELLED);
  g_clear_error (&error);

  /* The late replies are nobody's. */
  result = zu_rpc_client_call (fixture->client, "list", NULL, NULL, &error);
  g_assert_no_error (error);
  assert_json (result, "[1, 2]");
}

static void
test_concurrent_calls (Fixture *fixture, gconstpointer concurrency)
{
  gint most = MAX (GPOINTER_TO_INT (concurrency), 1);
  g_autoptr (ZuJson) args = json (most > 8 ? "{\"ms\": 1500}" : "{\"ms\": 150}");
  Results results = { .pending = 8 };
  g_autoptr (ZuJson) result = NULL;

  for (guint i = 0; i < 8; i++)
    zu_rpc_client_call_async (fixture->client, "sleep", args, NULL, on_reply, &results);
  if (most > 8)
    {
      /* A short call is not held up by long ones. */
      result = zu_rpc_client_call (fixture->client, "list", NULL, NULL, NULL);
      g_assert_cmpuint (results.pending, ==, 8);
    }
  await_results (&results);
  g_assert_cmpuint (results.failed, ==, 0);
  g_assert_cmpint (fixture->most_running, ==, MIN (most, 8));
}

/* Ends a forked child. Another program's end, so that memory checkers do not look at a copy of the
 * parent's. */
static void G_GNUC_NORETURN
end_child (gboolean good)
{
  execl (good ? "/bin/true" : "/bin/false", "child", NULL);
  _exit (1);
}

/* A peer in another process that ends in the middle of calls. */
static void
test_crash (void)
{
  g_autoptr (ZuRpcClient) client = NULL;
  g_autoptr (GError) error = NULL;
  Results results = { .pending = 5 };
  int ends[2];
  pid_t child;

  g_assert_cmpint (socketpair (AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends), ==, 0);
  child = fork ();
  if (child == 0)
    {
      char request[4096];

      close (ends[0]);
      if (read (ends[1], request, sizeof request) > 0)
        usleep (100000);
      end_child (TRUE);
    }
  close (ends[1]);
  client = zu_rpc_client_new_for_fd (ends[0]);
  for (guint i = 0; i < 5; i++)
    zu_rpc_client_call_async (client, "m", NULL, NULL, on_reply, &results);
  g_assert_null (zu_rpc_client_call (client, "m", NULL, NULL, &error));
  g_assert_error (error, ZU_RPC_ERROR, ZU_RPC_ERROR_CLOSED);
  g_clear_error (&error);
  await_results (&results);
  g_assert_cmpuint (results.failed, ==, 5);
  g_assert_error (results.error, ZU_RPC_ERROR, ZU_RPC_ERROR_CLOSED);
  g_clear_error (&results.error);

  g_assert_true (zu_rpc_client_is_closed (client));
  g_assert_null (zu_rpc_client_call (client, "m", NULL, NULL, &error));
  g_assert_error (error, ZU_RPC_ERROR, ZU_RPC_ERROR_CLOSED);
  waitpid (child, NULL, 0);
}

static gpointer
close_soon (gpointer client)
{
  g_usleep (30000);
  zu_rpc_client_close (client);
  return NULL;
}

static void
test_close (Fixture *fixture, gconstpointer data)
{
  g_autoptr (ZuJson) args = json ("{\"ms\": 100}");
  g_autoptr (GError) error = NULL;
  GThread *thread = g_thread_new ("close", close_soon, fixture->client);

  g_assert_null (zu_rpc_client_call (fixture->client, "sleep", args, NULL, &error));
  g_assert_error (error, ZU_RPC_ERROR, ZU_RPC_ERROR_CLOSED);
  g_thread_join (thread);
}

typedef struct
{
  ZuRpcServer *server;
  GCancellable *cancellable;
} Listener;

static gpointer
run_listener (gpointer data)
{
  Listener *listener = data;
  g_autoptr (GError) error = NULL;

  g_assert_false (zu_rpc_server_run (listener->server, listener->cancellable, &error));
  g_assert_error (error, G_IO_ERROR, G_IO_ERROR_CANCELLED);
  return NULL;
}

static void
remove_folder (const char *folder)
{
  g_assert_cmpint (g_rmdir (folder), ==, 0);
}

static void
test_listen (void)
{
  g_autofree char *parent = g_dir_make_tmp ("zu-rpc-XXXXXX", NULL);
  g_autofree char *folder = g_build_filename (parent, "run", NULL);
  g_autofree char *path = g_build_filename (folder, "socket", NULL);
  g_autofree char *own = NULL;
  g_autoptr (GError) error = NULL;
  g_autoptr (ZuRpcClient) client = NULL;
  g_autoptr (ZuRpcServer) second = zu_rpc_server_new (echo, NULL, NULL);
  g_autoptr (ZuJson) result = NULL;
  Listener listener = { zu_rpc_server_new (echo, NULL, NULL), g_cancellable_new () };
  GThread *thread;
  GStatBuf info;

  g_assert_true (zu_rpc_server_listen (listener.server, path, &error));
  g_assert_no_error (error);
  g_assert_cmpint (g_stat (path, &info), ==, 0);
  g_assert_cmpint (info.st_mode & 07777, ==, 0600);
  g_assert_cmpint (g_stat (folder, &info), ==, 0);
  g_assert_cmpint (info.st_mode & 07777, ==, 0700);
  thread = g_thread_new ("listener", run_listener, &listener);

  g_assert_false (zu_rpc_server_listen (second, path, &error));
  g_assert_error (error, ZU_RPC_ERROR, ZU_RPC_ERROR_ADDRESS);
  g_clear_error (&error);

  client = zu_rpc_client_new_for_path (path, &error);
  g_assert_no_error (error);
  result = zu_rpc_client_call (client, "list", NULL, NULL, &error);
  g_assert_no_error (error);
  assert_json (result, "[1, 2]");

  /* Whoever may connect speaks for itself, whatever it says. */
  own = g_strdup_printf ("uid:%u", geteuid ());
  zu_peer_set ("uid:4711");
  assert_peer (client, own);
  zu_peer_set (NULL);

  /* Ending the server ends its connections. */
  g_cancellable_cancel (listener.cancellable);
  g_thread_join (thread);
  g_object_unref (listener.server);
  g_object_unref (listener.cancellable);
  g_assert_false (g_file_test (path, G_FILE_TEST_EXISTS));
  g_assert_null (zu_rpc_client_new_for_path (path, &error));
  g_assert_error (error, ZU_RPC_ERROR, ZU_RPC_ERROR_ADDRESS);
  remove_folder (folder);
  remove_folder (parent);
}

static void
assert_cannot_listen (const char *path)
{
  g_autoptr (ZuRpcServer) server = zu_rpc_server_new (echo, NULL, NULL);
  g_autoptr (GError) error = NULL;

  g_assert_false (zu_rpc_server_listen (server, path, &error));
  g_assert_error (error, ZU_RPC_ERROR, ZU_RPC_ERROR_ADDRESS);
}

static void
test_listen_refused (void)
{
  g_autofree char *folder = g_dir_make_tmp ("zu-rpc-XXXXXX", NULL);
  g_autofree char *path = g_build_filename (folder, "socket", NULL);
  g_autofree char *link = g_build_filename (folder, "link", NULL);
  g_autofree char *through_link = g_build_filename (link, "socket", NULL);
  g_autofree char *missing = g_build_filename (folder, "a", "b", "socket", NULL);
  g_autofree char *long_name = g_strnfill (120, 'x');
  g_autofree char *too_long = g_build_filename (folder, long_name, NULL);

  assert_cannot_listen (missing);
  assert_cannot_listen (too_long);

  g_assert_cmpint (symlink (folder, link), ==, 0);
  assert_cannot_listen (through_link);
  g_unlink (link);

  /* What stands there and is no dead socket is left alone. */
  g_assert_true (g_file_set_contents (path, "mine", -1, NULL));
  assert_cannot_listen (path);
  g_assert_true (g_file_test (path, G_FILE_TEST_IS_REGULAR));
  g_unlink (path);

  g_assert_cmpint (chmod (folder, 0755), ==, 0);
  assert_cannot_listen (path);
  remove_folder (folder);
}

static void
test_listen_after_crash (void)
{
  g_autofree char *folder = g_dir_make_tmp ("zu-rpc-XXXXXX", NULL);
  g_autofree char *path = g_build_filename (folder, "socket", NULL);
  g_autoptr (ZuRpcServer) server = zu_rpc_server_new (echo, NULL, NULL);
  g_autoptr (GError) error = NULL;
  pid_t child = fork ();

  if (child == 0)
    {
      int fd = zu_rpc_server_open_listener (path, NULL);

      end_child (fd >= 0);
    }
  waitpid (child, NULL, 0);
  g_assert_true (g_file_test (path, G_FILE_TEST_EXISTS));
  g_assert_true (zu_rpc_server_listen (server, path, &error));
  g_assert_no_error (error);
  g_clear_object (&server);
  remove_folder (folder);
}

static gboolean
try_call (const char *path)
{
  g_autoptr (ZuRpcClient) client = zu_rpc_client_new_for_path (path, NULL);
  g_autoptr (ZuJson) result =
      client != NULL ? zu_rpc_client_call (client, "list", NULL, NULL, NULL) : NULL;

  return result != NULL;
}

/* Another user is refused, even where the socket file would let it in. */
static void
test_peer_refused (void)
{
  g_autofree char *folder = g_dir_make_tmp ("zu-rpc-XXXXXX", NULL);
  g_autofree char *path = g_build_filename (folder, "socket", NULL);
  Listener listener = { zu_rpc_server_new (echo, NULL, NULL), g_cancellable_new () };
  const guint others[] = { 65534, 65533 };
  GThread *thread;

  if (geteuid () != 0)
    {
      g_test_skip ("needs root to become another user");
      return;
    }
  g_assert_true (zu_rpc_server_listen (listener.server, path, NULL));
  zu_rpc_server_set_allowed_uid (listener.server, others[0]);
  g_assert_cmpint (chmod (path, 0666), ==, 0);
  g_assert_cmpint (chmod (folder, 0755), ==, 0);
  thread = g_thread_new ("listener", run_listener, &listener);

  for (gsize i = 0; i < G_N_ELEMENTS (others); i++)
    {
      pid_t child = fork ();
      int status;

      if (child == 0)
        {
          if (setresuid (others[i], others[i], others[i]) != 0)
            end_child (FALSE);
          end_child (try_call (path));
        }
      g_assert_cmpint (waitpid (child, &status, 0), ==, child);
      g_assert_cmpint (WEXITSTATUS (status), ==, i == 0 ? 0 : 1);
    }
  g_cancellable_cancel (listener.cancellable);
  g_thread_join (thread);
  g_object_unref (listener.server);
  g_object_unref (listener.cancellable);
  remove_folder (folder);
}

/* The recorded cases. */

static ZuJson *
load_vectors (const char *group)
{
  g_autoptr (ZuJson) all = vectors_read_json ("rpc.json");

  return zu_json_dup_member (all, group);
}

static void
test_vectors_encode (void)
{
  g_autoptr (ZuJson) cases = load_vectors ("encode");

  for (gsize i = 0; i < zu_json_get_size (cases); i++)
    {
      g_autoptr (ZuJson) one = zu_json_dup_element (cases, i);
      const char *text = row_text (one, "body_text");
      g_autoptr (GBytes) theirs = row_hex (one, "frame_hex");
      g_autoptr (ZuJson) body = json (text);
      g_autoptr (GBytes) ours = zu_rpc_frame_encode (body, NULL);
      gsize size, used;
      const guint8 *bytes = g_bytes_get_data (ours, &size);
      g_autoptr (ZuJson) again = zu_rpc_frame_decode (bytes, size, &used, NULL);
      g_autoptr (ZuJson) read = zu_rpc_frame_decode (g_bytes_get_data (theirs, NULL),
                                                     g_bytes_get_size (theirs), NULL, NULL);

      g_assert_cmpuint (used, ==, size);
      g_assert_true (zu_json_equal (again, body));
      g_assert_true (zu_json_equal (read, body));
    }
}

static void
test_vectors_decode (void)
{
  g_autoptr (ZuJson) cases = load_vectors ("decode");

  for (gsize i = 0; i < zu_json_get_size (cases); i++)
    {
      g_autoptr (ZuJson) one = zu_json_dup_element (cases, i);
      g_autoptr (ZuJson) value = zu_json_dup_member (one, "value");
      g_autoptr (ZuJson) left = zu_json_dup_member (one, "left");
      g_autoptr (GBytes) bytes = row_hex (one, "bytes_hex");
      g_autoptr (GError) error = NULL;
      gsize size, used = 0;
      const guint8 *data = g_bytes_get_data (bytes, &size);
      g_autoptr (ZuJson) got = zu_rpc_frame_decode (data, size, &used, &error);
      gint64 rest;

      if (value == NULL)
        {
          g_assert_null (got);
          g_assert_nonnull (error);
          continue;
        }
      g_assert_no_error (error);
      g_assert_true (zu_json_equal (got, value));
      g_assert_true (zu_json_get_int64 (left, &rest));
      g_assert_cmpint ((gint64) (size - used), ==, rest);
    }
}

/* Sends the bytes, ends the sending, and collects what comes back before the peer closes. */
static GByteArray *
exchange (int fd, GBytes *request)
{
  GByteArray *reply = g_byte_array_new ();
  guint8 buffer[4096];
  gsize size;
  const guint8 *bytes = g_bytes_get_data (request, &size);
  gssize n;

  g_assert_cmpint (send (fd, bytes, size, MSG_NOSIGNAL), ==, (gssize) size);
  shutdown (fd, SHUT_WR);
  while ((n = read (fd, buffer, sizeof buffer)) > 0)
    g_byte_array_append (reply, buffer, (guint) n);
  close (fd);
  return reply;
}

static void
assert_reply (ZuJson *got, ZuJson *expected)
{
  g_autofree char *text = zu_json_to_string (got);
  const char *wanted_error = row_text (expected, "error");
  g_autoptr (ZuJson) error = zu_json_dup_member (got, "error");

  if (g_strcmp0 (wanted_error, "*") == 0)
    g_assert_true (error != NULL && zu_json_get_kind (error) == ZU_JSON_KIND_STRING);
  else if (!zu_json_equal (got, expected))
    g_error ("unexpected reply: %s", text);
}

static void
check_server_case (ZuJson *one, guint concurrency)
{
  g_autoptr (GBytes) request = row_hex (one, "request_hex");
  g_autoptr (ZuJson) replies = zu_json_dup_member (one, "replies");
  g_autoptr (GByteArray) got = NULL;
  Fixture fixture = { .server = zu_rpc_server_new (echo, &fixture, NULL) };
  int ends[2];
  gsize at = 0;

  zu_rpc_server_set_concurrency (fixture.server, concurrency);
  g_assert_cmpint (socketpair (AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends), ==, 0);
  fixture.fd = ends[1];
  fixture.thread = g_thread_new ("server", serve, &fixture);
  got = exchange (ends[0], request);
  g_thread_join (fixture.thread);
  g_object_unref (fixture.server);

  for (gsize i = 0; i < zu_json_get_size (replies); i++)
    {
      g_autoptr (ZuJson) text = zu_json_dup_element (replies, i);
      g_autoptr (ZuJson) expected = json (zu_json_get_string (text, NULL));
      g_autoptr (GError) error = NULL;
      gsize used;
      g_autoptr (ZuJson) reply = zu_rpc_frame_decode (got->data + at, got->len - at, &used, &error);

      g_assert_no_error (error);
      assert_reply (reply, expected);
      at += used;
    }
  g_assert_cmpuint (at, ==, got->len);
}

static void
test_vectors_server (void)
{
  g_autoptr (ZuJson) cases = load_vectors ("server");
  guint n = 0;

  for (gsize i = 0; i < zu_json_get_size (cases); i++)
    {
      g_autoptr (ZuJson) one = zu_json_dup_element (cases, i);
      const char *handler = row_text (one, "handler");
      const char *name = row_text (one, "name");

      if (!g_str_equal (handler, "echo"))
        continue; /* the broker's own test has those */
      g_test_message ("%s", name);
      check_server_case (one, 1);
      check_server_case (one, 4);
      n++;
    }
  g_assert_cmpuint (n, >=, 12);
}

typedef struct
{
  int fd;
  GBytes *reply;
  ZuJson *request;
} Peer;

/* Takes one request and answers it with the recorded bytes. */
static gpointer
answer_once (gpointer data)
{
  Peer *peer = data;
  guint8 buffer[4096];
  gsize size;
  const guint8 *bytes = g_bytes_get_data (peer->reply, &size);
  gssize n = read (peer->fd, buffer, sizeof buffer);

  peer->request = zu_rpc_frame_decode (buffer, (gsize) MAX (n, 0), NULL, NULL);
  if (size > 0)
    g_assert_cmpint (send (peer->fd, bytes, size, MSG_NOSIGNAL), ==, (gssize) size);
  close (peer->fd);
  return NULL;
}

static void
check_client_case (ZuJson *one)
{
  g_autoptr (ZuJson) args = json ("{\"op\": \"introspect\", \"args\": {}}");
  const char *request_text = row_text (one, "request_text");
  g_autoptr (ZuJson) expected = zu_json_dup_member (one, "result");
  g_autoptr (GBytes) reply = row_hex (one, "reply_hex");
  g_autoptr (ZuRpcClient) client = NULL;
  g_autoptr (GError) error = NULL;
  g_autoptr (ZuJson) result = NULL;
  Peer peer = { .reply = reply };
  GThread *thread;
  int ends[2];

  g_assert_cmpint (socketpair (AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends), ==, 0);
  peer.fd = ends[1];
  client = zu_rpc_client_new_for_fd (ends[0]);
  thread = g_thread_new ("peer", answer_once, &peer);
  result = zu_rpc_client_call (client, "call", args, NULL, &error);
  g_thread_join (thread);

  assert_json (peer.request, request_text);
  zu_json_unref (peer.request);
  g_assert_true ((expected != NULL) == (result != NULL));
  if (expected != NULL)
    g_assert_true (zu_json_equal (result, expected));
  else
    g_assert_nonnull (error);
}

static void
test_vectors_client (void)
{
  g_autoptr (ZuJson) cases = load_vectors ("client");

  g_assert_cmpuint (zu_json_get_size (cases), >=, 8);
  for (gsize i = 0; i < zu_json_get_size (cases); i++)
    {
      g_autoptr (ZuJson) one = zu_json_dup_element (cases, i);
      const char *name = row_text (one, "name");

      g_test_message ("%s", name);
      check_client_case (one);
    }
}

#define ADD(path, concurrency, func)                                               \
  g_test_add (path, Fixture, GUINT_TO_POINTER (concurrency), fixture_set_up, func, \
              fixture_tear_down)

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);

  ADD ("/rpc/call", 1, test_call);
  ADD ("/rpc/peer", 1, test_peer);
  ADD ("/rpc/peer-side-by-side", 8, test_peer);
  ADD ("/rpc/remote-error", 1, test_remote_error);
  ADD ("/rpc/too-large", 1, test_too_large);
  ADD ("/rpc/threads", 1, test_threads);
  ADD ("/rpc/threads/concurrent", 4, test_threads);
  ADD ("/rpc/async", 1, test_async);
  ADD ("/rpc/async/concurrent", 4, test_async);
  ADD ("/rpc/cancel", 4, test_cancel);
  ADD ("/rpc/close", 1, test_close);
  ADD ("/rpc/concurrency/1", 1, test_concurrent_calls);
  ADD ("/rpc/concurrency/2", 2, test_concurrent_calls);
  ADD ("/rpc/concurrency/16", 16, test_concurrent_calls);
  g_test_add_func ("/rpc/crash", test_crash);
  g_test_add_func ("/rpc/listen", test_listen);
  g_test_add_func ("/rpc/listen/refused", test_listen_refused);
  g_test_add_func ("/rpc/listen/after-crash", test_listen_after_crash);
  g_test_add_func ("/rpc/listen/peer-refused", test_peer_refused);
  g_test_add_func ("/rpc/vectors/encode", test_vectors_encode);
  g_test_add_func ("/rpc/vectors/decode", test_vectors_decode);
  g_test_add_func ("/rpc/vectors/server", test_vectors_server);
  g_test_add_func ("/rpc/vectors/client", test_vectors_client);
  return g_test_run ();
}
