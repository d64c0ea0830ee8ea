/* SPDX-License-Identifier: Apache-2.0 */

#include "zu-rpc-connection-private.h"

#include "../base/zu-peer.h"
#include "zu-rpc-socket-private.h"
#include "zu-rpc-stream-private.h"

#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

/* One thread reads requests and answers them itself: short calls cost no change of thread, and the
 * replies to what came together leave together. Where calls may run side by side another thread
 * stands by, looks now and then, and takes the reading over when a call takes long. */

#define CORK_SIZE   (64 * 1024)
#define LONG_CALL   (2 * G_TIME_SPAN_MILLISECOND)
#define QUIET_LOOKS 50 /* then whoever stands by sleeps until a call wakes it */

typedef struct
{
  int fd;
  ZuRpcService service;
  char *peer; /* who is at the other end; NULL where the kernel does not say */
  GCancellable *cancellable;
  ZuJson *no_args;
  ZuRpcReader reader; /* of the thread that reads */
  ZuRpcWriter writer;

  GMutex lock;
  GCond standby_cond;
  GCond threads_cond;
  guint n_threads;
  guint64 n_calls;  /* goes up with each call that the reading thread begins */
  gboolean in_call; /* the reading thread is in a call */
  gpointer reading; /* the thread that reads */
  gboolean has_standby;
  gboolean standby_asleep;
  gboolean ended;
  gboolean orderly; /* the peer closed the connection between two requests */
  GError *error;
} Connection;

typedef struct
{
  ZuJson *id;
  ZuJson *args;
  char *method;
  ZuJson *peer; /* whom it is for, as the other end has it */
} Request;

static void
request_clear (Request *self)
{
  g_clear_pointer (&self->id, zu_json_unref);
  g_clear_pointer (&self->args, zu_json_unref);
  g_clear_pointer (&self->method, g_free);
  g_clear_pointer (&self->peer, zu_json_unref);
}

G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC (Request, request_clear)

static gpointer stand_by (gpointer data);

/* Under the lock. */
static void
add_thread (Connection *self, GThreadFunc func)
{
  self->n_threads++;
  g_thread_unref (g_thread_new ("zu-rpc-connection", func, self));
}

static gboolean
read_request (Connection *self, Request *request, GError **error)
{
  g_autoptr (GError) reason = NULL;
  g_autoptr (ZuJson) body = NULL;
  g_autoptr (ZuJson) method = NULL;
  const char *text;
  gsize size;

  while (!zu_rpc_reader_peek (&self->reader, &text, &size, &reason))
    if (reason != NULL || !zu_rpc_reader_fill (&self->reader, NULL, &reason))
      {
        g_propagate_error (error, g_steal_pointer (&reason));
        return FALSE;
      }

  body = zu_rpc_frame_parse (text, size, error);
  zu_rpc_reader_pass (&self->reader, size);
  if (body == NULL)
    return FALSE;
  if (zu_json_get_kind (body) != ZU_JSON_KIND_OBJECT)
    {
      g_set_error_literal (error, ZU_RPC_ERROR, ZU_RPC_ERROR_MALFORMED,
                           "a request is no JSON object");
      return FALSE;
    }

  method = zu_json_dup_member (body, "method");
  request->id = zu_json_dup_member (body, "id");
  request->args = zu_json_dup_member (body, "args");
  request->peer = zu_json_dup_member (body, "peer");
  if (request->args == NULL)
    request->args = zu_json_ref (self->no_args);
  if (method == NULL)
    request->method = g_strdup ("");
  else if (zu_json_get_kind (method) == ZU_JSON_KIND_STRING)
    request->method = g_strdup (zu_json_get_string (method, NULL));
  return TRUE;
}

static ZuJson *
answer (Connection *self, Request *request, GError **error)
{
  g_autoptr (GError) reason = NULL;
  ZuJson *result;

  if (request->method == NULL)
    {
      g_set_error_literal (error, ZU_RPC_ERROR, ZU_RPC_ERROR_MALFORMED, "method must be a string");
      return NULL;
    }
  result = self->service.handler (request->method, request->args, self->cancellable,
                                  self->service.user_data, &reason);
  if (result == NULL && reason == NULL)
    g_set_error (error, ZU_RPC_ERROR, ZU_RPC_ERROR_REMOTE, "%s gave no result", request->method);
  else if (result == NULL)
    g_propagate_error (error, g_steal_pointer (&reason));
  return result;
}

static char *
make_reply (Request *request, ZuJson *result, const char *error_text)
{
  g_autoptr (ZuJsonBuilder) builder = zu_json_builder_new ();
  g_autoptr (ZuJson) reply = NULL;

  zu_json_builder_begin_object (builder);
  zu_json_builder_set_member (builder, "id");
  if (request->id != NULL)
    zu_json_builder_add_json (builder, request->id);
  else
    zu_json_builder_add_null (builder);
  zu_json_builder_set_member (builder, "ok");
  zu_json_builder_add_boolean (builder, result != NULL);
  zu_json_builder_set_member (builder, result != NULL ? "result" : "error");
  if (result != NULL)
    zu_json_builder_add_json (builder, result);
  else
    zu_json_builder_add_string (builder, error_text);
  zu_json_builder_end_object (builder);
  reply = zu_json_builder_end (builder, NULL);
  return reply != NULL ? zu_json_to_string (reply) : NULL;
}

/* Whoever holds a connection that was made for it may speak for others: the broker's face on D-Bus
 * does, to its worker. */
static const char *
get_peer (Connection *self, const Request *request)
{
  if (request->peer == NULL || self->service.has_anybody
      || zu_json_get_kind (request->peer) != ZU_JSON_KIND_STRING)
    return self->peer;
  return zu_json_get_string (request->peer, NULL);
}

static void
handle (Connection *self, Request *request)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (ZuJson) result = NULL;
  g_autofree char *reply = NULL;
  gsize queued;

  zu_peer_set (get_peer (self, request));
  result = answer (self, request, &error);
  zu_peer_set (NULL);
  reply = make_reply (request, result, error != NULL ? error->message : NULL);

  if (reply == NULL || strlen (reply) > ZU_RPC_FRAME_MAX)
    {
      g_free (reply);
      reply = make_reply (request, NULL, "the result cannot be sent in one frame");
    }
  queued = zu_rpc_writer_push (&self->writer, reply, strlen (reply));
  if (queued > CORK_SIZE)
    zu_rpc_writer_flush (&self->writer, TRUE);
}

static void
begin_call (Connection *self)
{
  g_mutex_lock (&self->lock);
  self->n_calls++;
  self->in_call = TRUE;
  if (!self->has_standby && self->n_threads < self->service.concurrency)
    {
      self->has_standby = TRUE;
      add_thread (self, stand_by);
    }
  else if (self->standby_asleep)
    g_cond_signal (&self->standby_cond);
  g_mutex_unlock (&self->lock);
}

/* Whether the reading is still this thread's. */
static gboolean
end_call (Connection *self, gpointer me)
{
  gboolean mine;

  g_mutex_lock (&self->lock);
  mine = self->reading == me;
  if (mine)
    self->in_call = FALSE;
  g_mutex_unlock (&self->lock);
  return mine;
}

static void
end_connection (Connection *self, GError *error)
{
  g_mutex_lock (&self->lock);
  self->ended = TRUE;
  self->reading = NULL;
  self->error = error;
  self->orderly = g_error_matches (error, ZU_RPC_ERROR, ZU_RPC_ERROR_CLOSED)
                  && self->reader.start == self->reader.end;
  g_cond_broadcast (&self->standby_cond);
  g_mutex_unlock (&self->lock);
}

static gboolean
more_at_hand (Connection *self)
{
  const char *body;
  gsize size;

  return zu_rpc_reader_peek (&self->reader, &body, &size, NULL);
}

/* Reads and answers, until the connection ends or another thread has taken the reading over. */
static void
read_and_answer (Connection *self, gpointer me)
{
  gboolean mine = TRUE;

  while (mine)
    {
      g_auto (Request) request = { NULL };
      GError *error = NULL;

      if (!read_request (self, &request, &error))
        {
          end_connection (self, error);
          break;
        }
      if (self->service.concurrency > 1)
        begin_call (self);
      handle (self, &request);
      mine = self->service.concurrency == 1 || end_call (self, me);
      /* Replies are held back only where somebody stands by to send them when a call takes long. */
      if (mine && (self->service.concurrency == 1 || !more_at_hand (self)))
        zu_rpc_writer_flush (&self->writer, TRUE);
    }
  zu_rpc_writer_flush (&self->writer, TRUE);
}

/* Under the lock: waits until the reading thread has been in one call for long. */
static void
watch_reading (Connection *self)
{
  guint quiet = 0;

  while (!self->ended)
    {
      guint64 call = self->n_calls;
      gboolean was_in_call = self->in_call;

      self->standby_asleep = quiet >= QUIET_LOOKS;
      if (self->standby_asleep)
        g_cond_wait (&self->standby_cond, &self->lock);
      else
        g_cond_wait_until (&self->standby_cond, &self->lock, g_get_monotonic_time () + LONG_CALL);
      self->standby_asleep = FALSE;

      if (was_in_call && self->in_call && call == self->n_calls)
        return;
      quiet = call == self->n_calls ? quiet + 1 : 0;
    }
}

/* Under the lock. */
static void
take_turns (Connection *self)
{
  char me;

  while (!self->ended && !self->has_standby)
    {
      self->has_standby = TRUE;
      watch_reading (self);
      self->has_standby = FALSE;
      if (self->ended)
        break;
      self->reading = &me;
      self->in_call = FALSE;
      g_mutex_unlock (&self->lock);
      zu_rpc_writer_flush (&self->writer, TRUE);
      read_and_answer (self, &me);
      g_mutex_lock (&self->lock);
    }
}

static gpointer
stand_by (gpointer data)
{
  Connection *self = data;

  g_mutex_lock (&self->lock);
  self->has_standby = FALSE;
  take_turns (self);
  self->n_threads--;
  g_cond_signal (&self->threads_cond);
  g_mutex_unlock (&self->lock);
  return NULL;
}

static void
shut_down (GCancellable *cancellable, gpointer data)
{
  Connection *self = data;

  shutdown (self->fd, SHUT_RDWR);
}

static char *
find_peer (int fd)
{
  uid_t uid = (uid_t) -1;
  pid_t pid;

  if (!zu_rpc_socket_get_peer (fd, &uid, &pid) || uid == (uid_t) -1)
    return NULL;
  return zu_peer_dup_user (uid);
}

static void
connection_init (Connection *self, int fd)
{
  zu_rpc_socket_prepare (fd);
  self->peer = find_peer (fd);
  self->fd = fd;
  self->n_threads = 1;
  self->no_args = zu_json_parse ("{}", 2, NULL);
  zu_rpc_reader_init (&self->reader, fd);
  zu_rpc_writer_init (&self->writer, fd);
  g_mutex_init (&self->lock);
  g_cond_init (&self->standby_cond);
  g_cond_init (&self->threads_cond);
}

static void
connection_clear (Connection *self)
{
  zu_rpc_reader_clear (&self->reader);
  zu_rpc_writer_clear (&self->writer);
  zu_json_unref (self->no_args);
  g_free (self->peer);
  g_mutex_clear (&self->lock);
  g_cond_clear (&self->standby_cond);
  g_cond_clear (&self->threads_cond);
  close (self->fd);
}

gboolean
zu_rpc_connection_serve (int fd, const ZuRpcService *service, GCancellable *cancellable,
                         GError **error)
{
  Connection self = { .service = *service, .cancellable = cancellable };
  gulong watch = 0;

  connection_init (&self, fd);
  if (cancellable != NULL)
    watch = g_cancellable_connect (cancellable, G_CALLBACK (shut_down), &self, NULL);

  self.reading = &self;
  read_and_answer (&self, &self);
  g_mutex_lock (&self.lock);
  take_turns (&self);
  while (self.n_threads > 1)
    g_cond_wait (&self.threads_cond, &self.lock);
  g_mutex_unlock (&self.lock);

  g_cancellable_disconnect (cancellable, watch);
  connection_clear (&self);
  if (g_cancellable_is_cancelled (cancellable))
    {
      g_clear_error (&self.error);
      g_cancellable_set_error_if_cancelled (cancellable, &self.error);
    }
  else if (self.orderly)
    g_clear_error (&self.error);
  if (self.error == NULL)
    return TRUE;
  g_propagate_error (error, self.error);
  return FALSE;
}
