/* SPDX-License-Identifier: Apache-2.0 */
#include "zu-docker-engine.h"
#include "zu-peek.h"
#include <gio/gunixsocketaddress.h>
#include <libsoup/soup.h>
#include <string.h>

#define UNAVAILABLE ZU_SANDBOX_BACKEND_ERROR, ZU_SANDBOX_BACKEND_ERROR_UNAVAILABLE

/* The API that this was written against, and the newest whose changes were looked at. */
#define MIN_MINOR 41
#define MAX_MINOR 51

/* Beyond this an answer is none. */
#define MAX_ANSWER (16 * 1024 * 1024)
#define MAX_LINE   (1024 * 1024)

/* A session waits without an end for a free connection, cancelled or not, so there are plenty. */
#define MAX_CONNECTIONS 128

struct _ZuDockerEngine
{
  ZuDockerAddress *address;
  SoupSession *session;
  GTlsCertificate *certificate; /* nullable: who we are */
  char *base;                   /* "http://engine" */
  GMutex lock;
  guint minor; /* of the API that was agreed on; 0 before */
};

static void
engine_clear (gpointer data)
{
  ZuDockerEngine *self = data;

  g_clear_pointer (&self->address, zu_docker_address_free);
  g_clear_object (&self->session);
  g_clear_object (&self->certificate);
  g_free (self->base);
  g_mutex_clear (&self->lock);
}

ZuDockerEngine *
zu_docker_engine_ref (ZuDockerEngine *self)
{
  return g_atomic_rc_box_acquire (self);
}

void
zu_docker_engine_unref (ZuDockerEngine *self)
{
  g_atomic_rc_box_release_full (self, engine_clear);
}

const ZuDockerAddress *
zu_docker_engine_get_address (ZuDockerEngine *self)
{
  return self->address;
}

static void
add_context (ZuDockerEngine *self, GError **error)
{
  if (!error || !*error || g_error_matches (*error, G_IO_ERROR, G_IO_ERROR_CANCELLED))
    return;
  g_prefix_error (error, "cannot use the engine at %s: ", self->address->text);
  (*error)->domain = ZU_SANDBOX_BACKEND_ERROR;
  (*error)->code = ZU_SANDBOX_BACKEND_ERROR_UNAVAILABLE;
}

static gboolean
load_certificates (ZuDockerEngine *self, GError **error)
{
  const char *folder = self->address->certificates;
  g_autofree char *ca = g_build_filename (folder, "ca.pem", NULL);
  g_autofree char *certificate = g_build_filename (folder, "cert.pem", NULL);
  g_autofree char *key = g_build_filename (folder, "key.pem", NULL);
  g_autoptr (GTlsDatabase) database = g_tls_file_database_new (ca, error);

  if (database)
    self->certificate = g_tls_certificate_new_from_files (certificate, key, error);
  if (!self->certificate)
    {
      add_context (self, error);
      return FALSE;
    }
  soup_session_set_tls_database (self->session, database);
  return TRUE;
}

/**
 * zu_docker_engine_new: (skip)
 * @address: (transfer full): where it is
 * @timeout: seconds in which nothing comes until it is taken for dead
 * @error: ZU_SANDBOX_BACKEND_ERROR_UNAVAILABLE where the certificates for it are not there
 *
 * Does not connect yet.
 *
 * Returns: (transfer full): the engine
 */
ZuDockerEngine *
zu_docker_engine_new (ZuDockerAddress *address, guint timeout, GError **error)
{
  g_autoptr (ZuDockerEngine) self = g_atomic_rc_box_new0 (ZuDockerEngine);
  g_autoptr (GSocketConnectable) remote = NULL;

  self->address = address;
  g_mutex_init (&self->lock);
  if (address->socket_path)
    remote = G_SOCKET_CONNECTABLE (g_unix_socket_address_new (address->socket_path));
  self->session = g_object_new (SOUP_TYPE_SESSION, "remote-connectable", remote, "timeout", timeout,
                                "max-conns", MAX_CONNECTIONS, "max-conns-per-host", MAX_CONNECTIONS,
                                "user-agent", "zu-backends", NULL);
  if (address->socket_path)
    self->base = g_strdup ("http://engine");
  else
    self->base =
        g_strdup_printf (strchr (address->host, ':') ? "%s://[%s]:%u" : "%s://%s:%u",
                         address->certificates ? "https" : "http", address->host, address->port);
  if (address->certificates && !load_certificates (self, error))
    return NULL;
  return g_steal_pointer (&self);
}

static gboolean
on_certificate_asked (SoupMessage *message, GTlsClientConnection *connection,
                      GTlsCertificate *certificate)
{
  soup_message_set_tls_client_certificate (message, certificate);
  return TRUE;
}

static SoupMessage *
new_message (ZuDockerEngine *self, const char *method, const char *path, ZuJson *body)
{
  g_autofree char *uri = self->minor ? g_strdup_printf ("%s/v1.%u%s", self->base, self->minor, path)
                                     : g_strconcat (self->base, path, NULL);
  SoupMessage *message = soup_message_new (method, uri);

  g_assert (message);
  if (self->certificate)
    g_signal_connect_object (message, "request-certificate", G_CALLBACK (on_certificate_asked),
                             self->certificate, 0);
  /* Nothing here is for others to send us to. */
  soup_message_add_flags (message, SOUP_MESSAGE_NO_REDIRECT);
  if (body)
    {
      char *text = zu_json_to_string (body);
      g_autoptr (GBytes) bytes = g_bytes_new_take (text, strlen (text));

      soup_message_set_request_body_from_bytes (message, "application/json", bytes);
    }
  return message;
}

static GBytes *
read_all (GInputStream *stream, GCancellable *cancellable, GError **error)
{
  g_autoptr (GByteArray) all = g_byte_array_new ();
  guint8 buffer[32 * 1024];
  gssize n;

  while ((n = g_input_stream_read (stream, buffer, sizeof buffer, cancellable, error)) > 0)
    {
      g_byte_array_append (all, buffer, (guint) n);
      if (all->len <= MAX_ANSWER)
        continue;
      g_set_error (error, UNAVAILABLE, "its answer is longer than %d bytes", MAX_ANSWER);
      return NULL;
    }
  return n < 0 ? NULL : g_byte_array_free_to_bytes (g_steal_pointer (&all));
}

/* An empty answer is null. */
static ZuJson *
parse (GBytes *bytes, GError **error)
{
  gsize size;
  const char *text = g_bytes_get_data (bytes, &size);
  ZuJson *json =
      size ? zu_json_parse (text, (gssize) size, error) : zu_json_parse ("null", -1, NULL);

  if (!json)
    g_prefix_error (error, "its answer is not JSON: ");
  return json;
}

static ZuJson *
exchange (ZuDockerEngine *self, const char *method, const char *path, ZuJson *body, guint *status,
          GCancellable *cancellable, GError **error)
{
  g_autoptr (SoupMessage) message = new_message (self, method, path, body);
  g_autoptr (GInputStream) stream = soup_session_send (self->session, message, cancellable, error);
  g_autoptr (GBytes) bytes = stream ? read_all (stream, cancellable, error) : NULL;
  g_autoptr (ZuJson) answer = NULL;

  *status = soup_message_get_status (message);
  if (bytes && *status >= 200 && *status < 300)
    answer = parse (bytes, error);
  /* Whatever says no need not say it in JSON. */
  else if (bytes && !(answer = parse (bytes, NULL)))
    answer = zu_json_parse ("null", -1, NULL);
  if (!answer)
    add_context (self, error);
  return g_steal_pointer (&answer);
}

static guint
parse_minor (const char *version)
{
  guint64 minor;

  if (!version || !g_str_has_prefix (version, "1.")
      || !g_ascii_string_to_unsigned (version + 2, 10, 1, 999, &minor, NULL))
    return 0;
  return (guint) minor;
}

/* The older of what it speaks and what we do. */
static gboolean
negotiate (ZuDockerEngine *self, GCancellable *cancellable, GError **error)
{
  g_autoptr (GMutexLocker) locker = g_mutex_locker_new (&self->lock);
  g_autoptr (SoupMessage) message = NULL;
  g_autoptr (GInputStream) stream = NULL;
  g_autoptr (GBytes) bytes = NULL;
  const char *version;
  guint minor;

  if (self->minor)
    return TRUE;
  message = new_message (self, "GET", "/_ping", NULL);
  stream = soup_session_send (self->session, message, cancellable, error);
  bytes = stream ? read_all (stream, cancellable, error) : NULL;
  if (!bytes)
    {
      add_context (self, error);
      return FALSE;
    }
  version =
      soup_message_headers_get_one (soup_message_get_response_headers (message), "API-Version");
  minor = parse_minor (version);
  if (soup_message_get_status (message) != 200 || !version || !minor)
    g_set_error (error, UNAVAILABLE,
                 "cannot use the engine at %s: it does not say which version "
                 "of the Engine API it speaks (is it one?)",
                 self->address->text);
  else if (minor < MIN_MINOR)
    g_set_error (error, UNAVAILABLE,
                 "cannot use the engine at %s: it speaks version %s of the Engine API, and 1.%d is "
                 "needed (Docker 20.10 or later, podman 4 or later)",
                 self->address->text, version, MIN_MINOR);
  else
    self->minor = MIN (minor, MAX_MINOR);
  return self->minor != 0;
}

/**
 * zu_docker_engine_call: (skip)
 * @self: an engine
 * @method: the HTTP method
 * @path: from the version on, with its query
 * @body: (nullable): what is sent
 * @status: (out): the answer's status, which may well be an error
 * @cancellable: (nullable): ends the waiting; what was asked for may be done all the same
 * @error: ZU_SANDBOX_BACKEND_ERROR_UNAVAILABLE where no answer came
 *
 * Returns: (transfer full): the answer; null where that is empty
 */
ZuJson *
zu_docker_engine_call (ZuDockerEngine *self, const char *method, const char *path, ZuJson *body,
                       guint *status, GCancellable *cancellable, GError **error)
{
  if (!negotiate (self, cancellable, error))
    return NULL;
  return exchange (self, method, path, body, status, cancellable, error);
}

/* Says that the engine has refused something, in its own words. */
void
zu_docker_engine_set_refused (ZuDockerEngine *self, ZuSandboxBackendError code, const char *what,
                              guint status, ZuJson *answer, GError **error)
{
  g_autofree char *message = zu_peek_member_text (answer, "message");

  g_set_error (error, ZU_SANDBOX_BACKEND_ERROR, (int) code, "the engine at %s %s: %s (%u)",
               self->address->text, what,
               message && *message ? g_strstrip (message) : "it does not say why", status);
}

static gboolean
take_lines (GString *pending, gboolean is_last, ZuDockerLineFunc func, gpointer user_data,
            GError **error)
{
  char *end;

  while ((end = strchr (pending->str, '\n')) || (is_last && pending->len))
    {
      gsize length = end ? (gsize) (end - pending->str) : pending->len;
      g_autoptr (ZuJson) line = NULL;
      g_autofree char *text = g_strndup (pending->str, length);

      g_string_erase (pending, 0, (gssize) length + (end != NULL));
      if (!*g_strstrip (text))
        continue;
      line = zu_json_parse (text, -1, error);
      if (!line || !func (line, user_data, error))
        return FALSE;
    }
  return TRUE;
}

static gboolean
read_lines (GInputStream *stream, ZuDockerLineFunc func, gpointer user_data,
            GCancellable *cancellable, GError **error)
{
  g_autoptr (GString) pending = g_string_new (NULL);
  char buffer[8192];
  gssize n;

  while ((n = g_input_stream_read (stream, buffer, sizeof buffer, cancellable, error)) > 0)
    {
      g_string_append_len (pending, buffer, n);
      if (!take_lines (pending, FALSE, func, user_data, error))
        return FALSE;
      if (pending->len <= MAX_LINE)
        continue;
      g_set_error (error, UNAVAILABLE, "a line of its answer is longer than %d bytes", MAX_LINE);
      return FALSE;
    }
  return n == 0 && take_lines (pending, TRUE, func, user_data, error);
}

/* As zu_docker_engine_call(), for an answer of many JSON lines. */
gboolean
zu_docker_engine_stream (ZuDockerEngine *self, const char *method, const char *path,
                         ZuDockerLineFunc func, gpointer user_data, GCancellable *cancellable,
                         GError **error)
{
  g_autoptr (SoupMessage) message = NULL;
  g_autoptr (GInputStream) stream = NULL;
  g_autoptr (GBytes) bytes = NULL;
  g_autoptr (ZuJson) answer = NULL;

  if (!negotiate (self, cancellable, error))
    return FALSE;
  message = new_message (self, method, path, NULL);
  stream = soup_session_send (self->session, message, cancellable, error);
  if (stream && soup_message_get_status (message) == 200)
    return read_lines (stream, func, user_data, cancellable, error);
  bytes = stream ? read_all (stream, cancellable, error) : NULL;
  if (!bytes)
    {
      add_context (self, error);
      return FALSE;
    }
  answer = parse (bytes, NULL);
  zu_docker_engine_set_refused (self, ZU_SANDBOX_BACKEND_ERROR_IMAGE_MISSING,
                                "cannot fetch the image", soup_message_get_status (message), answer,
                                error);
  return FALSE;
}
