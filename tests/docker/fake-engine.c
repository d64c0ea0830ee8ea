/* SPDX-License-Identifier: Apache-2.0 */
#include "fake-engine.h"
#include <gio/gunixsocketaddress.h>
#include <glib/gstdio.h>
#include <string.h>

typedef struct
{
  guint status;
  char *body;
  gboolean stalls;
  gboolean hangs_up;
  guint count;
  char *last; /* what was sent along */
} Answer;

struct _FakeEngine
{
  char *dir;
  char *socket; /* NULL where it is reached by TCP */
  char *host;
  char *version;
  GMutex lock;
  GHashTable *answers; /* "GET /path" without the version and the query, to Answer */
  GMainContext *context;
  GMainLoop *loop;
  GThread *thread;
  SoupServer *server;
};

static void
answer_free (Answer *answer)
{
  g_free (answer->body);
  g_free (answer->last);
  g_free (answer);
}

/* Without the version; an id of a sandbox is a star. */
static char *
dup_key (const char *method, const char *path)
{
  g_autoptr (GRegex) version = g_regex_new ("^/v1\\.[0-9]+", 0, 0, NULL);
  g_autoptr (GRegex) id = g_regex_new ("zu-[0-9a-f]{16}", 0, 0, NULL);
  g_autofree char *bare = g_regex_replace (version, path, -1, 0, "", 0, NULL);
  g_autofree char *plain = g_regex_replace_literal (id, bare, -1, 0, "*", 0, NULL);

  return g_strconcat (method, " ", plain, NULL);
}

static void
on_request (SoupServer *server, SoupServerMessage *message, const char *path, GHashTable *query,
            gpointer data)
{
  FakeEngine *self = data;
  g_autofree char *key = dup_key (soup_server_message_get_method (message), path);
  g_autoptr (GMutexLocker) locker = g_mutex_locker_new (&self->lock);
  SoupMessageHeaders *headers = soup_server_message_get_response_headers (message);
  SoupMessageBody *sent = soup_server_message_get_request_body (message);
  Answer *answer = g_hash_table_lookup (self->answers, key);
  const char *body = answer ? answer->body : "{\"message\": \"no such thing\"}";

  if (self->version)
    soup_message_headers_append (headers, "API-Version", self->version);
  if (answer)
    {
      g_autoptr (GBytes) bytes = soup_message_body_flatten (sent);

      answer->count++;
      g_free (answer->last);
      answer->last = g_strndup (g_bytes_get_data (bytes, NULL), g_bytes_get_size (bytes));
    }
  if (answer && answer->stalls)
    {
      soup_server_message_pause (message);
      return;
    }
  if (answer && answer->hangs_up)
    {
      g_autoptr (GIOStream) stream = soup_server_message_steal_connection (message);
      const char *half = "HTTP/1.1 200 OK\r\nContent-Length: 1000\r\n\r\n{\"half\":";

      g_output_stream_write_all (g_io_stream_get_output_stream (stream), half, strlen (half), NULL,
                                 NULL, NULL);
      g_io_stream_close (stream, NULL, NULL);
      return;
    }
  soup_server_message_set_status (message, answer ? answer->status : 404, NULL);
  soup_server_message_set_response (message, "application/json", SOUP_MEMORY_COPY, body,
                                    strlen (body));
}

static gpointer
serve_engine (gpointer data)
{
  FakeEngine *self = data;

  g_main_context_push_thread_default (self->context);
  g_main_loop_run (self->loop);
  g_main_context_pop_thread_default (self->context);
  return NULL;
}

static FakeEngine *
fake_engine_make (void)
{
  FakeEngine *self = g_new0 (FakeEngine, 1);

  g_mutex_init (&self->lock);
  self->version = g_strdup ("1.41");
  self->answers =
      g_hash_table_new_full (g_str_hash, g_str_equal, g_free, (GDestroyNotify) answer_free);
  self->context = g_main_context_new ();
  self->loop = g_main_loop_new (self->context, FALSE);
  fake_engine_answer (self, "GET", "/_ping", 200, "OK");
  return self;
}

static void
start (FakeEngine *self)
{
  self->thread = g_thread_new ("engine", serve_engine, self);
}

FakeEngine *
fake_engine_new_at (const char *path)
{
  FakeEngine *self = fake_engine_make ();
  g_autoptr (GSocketAddress) address = g_unix_socket_address_new (path);
  g_autoptr (GError) error = NULL;

  self->socket = g_strdup (path);
  self->host = g_strconcat ("unix://", path, NULL);
  g_main_context_push_thread_default (self->context);
  self->server = soup_server_new (NULL, NULL);
  soup_server_add_handler (self->server, NULL, on_request, self, NULL);
  soup_server_listen (self->server, address, 0, &error);
  g_main_context_pop_thread_default (self->context);
  g_assert_no_error (error);
  start (self);
  return self;
}

FakeEngine *
fake_engine_new (void)
{
  char *dir = g_dir_make_tmp ("zu-fake-XXXXXX", NULL);
  g_autofree char *path = g_build_filename (dir, "socket", NULL);
  FakeEngine *self = fake_engine_new_at (path);

  self->dir = dir;
  return self;
}

static gboolean
accept_known (SoupServerMessage *message, GTlsCertificate *peer, GTlsCertificateFlags flags,
              gpointer data)
{
  return flags == 0;
}

static void
on_started (SoupServer *server, SoupServerMessage *message, gpointer data)
{
  g_signal_connect (message, "accept-certificate", G_CALLBACK (accept_known), NULL);
}

/* By TCP and TLS on this machine's loopback, for whoever has a certificate of @ca. */
FakeEngine *
fake_engine_new_tls (const char *ca, const char *certificate, const char *key)
{
  FakeEngine *self = fake_engine_make ();
  g_autoptr (GError) error = NULL;
  g_autoptr (GTlsCertificate) own = g_tls_certificate_new_from_files (certificate, key, &error);
  g_autoptr (GTlsDatabase) database = own ? g_tls_file_database_new (ca, &error) : NULL;
  GSList *uris;

  g_assert_no_error (error);
  g_main_context_push_thread_default (self->context);
  self->server = soup_server_new ("tls-certificate", own, "tls-database", database, "tls-auth-mode",
                                  G_TLS_AUTHENTICATION_REQUIRED, NULL);
  soup_server_add_handler (self->server, NULL, on_request, self, NULL);
  g_signal_connect (self->server, "request-started", G_CALLBACK (on_started), NULL);
  soup_server_listen_local (self->server, 0,
                            SOUP_SERVER_LISTEN_HTTPS | SOUP_SERVER_LISTEN_IPV4_ONLY, &error);
  g_main_context_pop_thread_default (self->context);
  g_assert_no_error (error);
  uris = soup_server_get_uris (self->server);
  self->host = g_strdup_printf ("tcp://127.0.0.1:%d", g_uri_get_port (uris->data));
  g_slist_free_full (uris, (GDestroyNotify) g_uri_unref);
  start (self);
  return self;
}

static gboolean
stop (gpointer data)
{
  FakeEngine *self = data;

  soup_server_disconnect (self->server);
  g_main_loop_quit (self->loop);
  return G_SOURCE_REMOVE;
}

void
fake_engine_free (FakeEngine *self)
{
  g_main_context_invoke (self->context, stop, self);
  g_thread_join (self->thread);
  /* A handshake that was under way ends when it sees that its connection was closed. */
  while (g_main_context_iteration (self->context, FALSE))
    continue;
  g_object_unref (self->server);
  g_main_loop_unref (self->loop);
  g_main_context_unref (self->context);
  g_hash_table_unref (self->answers);
  g_mutex_clear (&self->lock);
  if (self->socket)
    g_unlink (self->socket);
  if (self->dir)
    g_rmdir (self->dir);
  g_free (self->socket);
  g_free (self->host);
  g_free (self->dir);
  g_free (self->version);
  g_free (self);
}

char *
fake_engine_dup_host (FakeEngine *self)
{
  return g_strdup (self->host);
}

/* NULL: it does not say. */
void
fake_engine_set_version (FakeEngine *self, const char *version)
{
  g_mutex_lock (&self->lock);
  g_free (self->version);
  self->version = g_strdup (version);
  g_mutex_unlock (&self->lock);
}

static Answer *
add (FakeEngine *self, const char *method, const char *path, guint status, const char *body)
{
  Answer *answer = g_new0 (Answer, 1);

  answer->status = status;
  answer->body = g_strdup (body);
  g_hash_table_replace (self->answers, dup_key (method, path), answer);
  return answer;
}

void
fake_engine_answer (FakeEngine *self, const char *method, const char *path, guint status,
                    const char *body)
{
  g_mutex_lock (&self->lock);
  add (self, method, path, status, body);
  g_mutex_unlock (&self->lock);
}

/* Takes the request and says nothing. */
void
fake_engine_stall (FakeEngine *self, const char *method, const char *path)
{
  g_mutex_lock (&self->lock);
  add (self, method, path, 200, "")->stalls = TRUE;
  g_mutex_unlock (&self->lock);
}

/* Breaks off in the middle of an answer. */
void
fake_engine_hang_up (FakeEngine *self, const char *method, const char *path)
{
  g_mutex_lock (&self->lock);
  add (self, method, path, 200, "")->hangs_up = TRUE;
  g_mutex_unlock (&self->lock);
}

guint
fake_engine_count (FakeEngine *self, const char *method, const char *path)
{
  g_autofree char *key = dup_key (method, path);
  g_autoptr (GMutexLocker) locker = g_mutex_locker_new (&self->lock);
  Answer *answer = g_hash_table_lookup (self->answers, key);

  return answer ? answer->count : 0;
}

char *
fake_engine_dup_body (FakeEngine *self, const char *method, const char *path)
{
  g_autofree char *key = dup_key (method, path);
  g_autoptr (GMutexLocker) locker = g_mutex_locker_new (&self->lock);
  Answer *answer = g_hash_table_lookup (self->answers, key);

  return answer ? g_strdup (answer->last) : NULL;
}
