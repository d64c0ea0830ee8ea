/* SPDX-License-Identifier: Apache-2.0 */

#include "zu-rpc-link-private.h"

#include "../base/zu-peer.h"

#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

/* Stands for a call whose reply nobody wants any more; its id is not free before that has come. */
ZuRpcCall zu_rpc_given_up;

ZuRpcLink *
zu_rpc_link_new (int fd)
{
  ZuRpcLink *self = g_new0 (ZuRpcLink, 1);

  g_atomic_ref_count_init (&self->ref_count);
  self->fd = fd;
  zu_rpc_reader_init (&self->reader, fd);
  zu_rpc_writer_init (&self->writer, fd);
  g_mutex_init (&self->lock);
  g_cond_init (&self->helper_cond);
  g_queue_init (&self->waiting);
  g_queue_init (&self->finished);
  self->calls = g_hash_table_new (NULL, NULL);
  return self;
}

ZuRpcLink *
zu_rpc_link_ref (ZuRpcLink *self)
{
  g_atomic_ref_count_inc (&self->ref_count);
  return self;
}

void
zu_rpc_link_unref (ZuRpcLink *self)
{
  if (!g_atomic_ref_count_dec (&self->ref_count))
    return;
  zu_rpc_reader_clear (&self->reader);
  zu_rpc_writer_clear (&self->writer);
  g_hash_table_unref (self->calls);
  g_clear_error (&self->broken);
  g_mutex_clear (&self->lock);
  g_cond_clear (&self->helper_cond);
  close (self->fd);
  g_free (self);
}

/* Under the lock. */
void
zu_rpc_link_finish_call (ZuRpcLink *self, ZuRpcCall *call, ZuJson *result, GError *error)
{
  call->result = result;
  call->error = error;
  call->done = TRUE;
  if (call->task == NULL)
    {
      g_cond_signal (&call->cond);
      return;
    }
  self->n_tasks--;
  g_queue_push_tail (&self->finished, call);
}

/* Nothing more will come: every call in flight gets the error, and so does every later one. */
static void
break_link (ZuRpcLink *self, const GError *error)
{
  GHashTableIter iter;
  gpointer call;

  g_mutex_lock (&self->lock);
  if (self->broken == NULL)
    self->broken = g_error_copy (error);
  g_hash_table_iter_init (&iter, self->calls);
  while (g_hash_table_iter_next (&iter, NULL, &call))
    if (call != &zu_rpc_given_up)
      zu_rpc_link_finish_call (self, call, NULL, g_error_copy (error));
  g_hash_table_remove_all (self->calls);
  zu_rpc_link_deliver_finished (self);
  g_cond_signal (&self->helper_cond);
  g_mutex_unlock (&self->lock);
  shutdown (self->fd, SHUT_RDWR);
}

/* Under the lock. Peers that serve one call after the other need not repeat its id. */
static ZuRpcCall *
take_call (ZuRpcLink *self, ZuJson *reply)
{
  g_autoptr (ZuJson) id = zu_json_dup_member (reply, "id");
  gint64 number = 0;
  gpointer key = NULL;
  gpointer call = NULL;

  if (id != NULL && zu_json_get_kind (id) == ZU_JSON_KIND_INTEGER)
    zu_json_get_int64 (id, &number);
  if (!g_hash_table_steal_extended (self->calls, GSIZE_TO_POINTER (number), NULL, &call)
      && g_hash_table_size (self->calls) == 1)
    {
      GHashTableIter iter;

      g_hash_table_iter_init (&iter, self->calls);
      g_hash_table_iter_next (&iter, &key, &call);
      g_hash_table_iter_remove (&iter);
    }
  return call == &zu_rpc_given_up ? NULL : call;
}

static gboolean
reply_is_ok (ZuJson *reply)
{
  g_autoptr (ZuJson) ok = zu_json_dup_member (reply, "ok");

  return ok != NULL && zu_json_get_kind (ok) == ZU_JSON_KIND_BOOLEAN && zu_json_get_boolean (ok);
}

static GError *
remote_error (ZuJson *reply)
{
  g_autoptr (ZuJson) text = zu_json_dup_member (reply, "error");

  if (text != NULL && zu_json_get_kind (text) == ZU_JSON_KIND_STRING)
    return g_error_new_literal (ZU_RPC_ERROR, ZU_RPC_ERROR_REMOTE, zu_json_get_string (text, NULL));
  return g_error_new_literal (ZU_RPC_ERROR, ZU_RPC_ERROR_REMOTE, "the peer gave no reason");
}

static gboolean
take_reply (ZuRpcLink *self, const char *body, gsize size, GError **error)
{
  g_autoptr (ZuJson) reply = zu_rpc_frame_parse (body, size, error);
  ZuRpcCall *call;

  if (reply == NULL)
    return FALSE;
  if (zu_json_get_kind (reply) != ZU_JSON_KIND_OBJECT)
    {
      g_set_error_literal (error, ZU_RPC_ERROR, ZU_RPC_ERROR_MALFORMED,
                           "a reply is no JSON object");
      return FALSE;
    }

  g_mutex_lock (&self->lock);
  call = take_call (self, reply);
  if (call != NULL && reply_is_ok (reply))
    {
      ZuJson *result = zu_json_dup_member (reply, "result");

      zu_rpc_link_finish_call (self, call,
                               result != NULL ? result : zu_json_parse ("null", 4, NULL), NULL);
    }
  else if (call != NULL)
    zu_rpc_link_finish_call (self, call, NULL, remote_error (reply));
  g_mutex_unlock (&self->lock);
  return TRUE;
}

static gboolean
take_replies (ZuRpcLink *self, GError **error)
{
  g_autoptr (GError) reason = NULL;
  const char *body;
  gsize size;

  while (zu_rpc_reader_peek (&self->reader, &body, &size, &reason))
    {
      if (!take_reply (self, body, size, error))
        return FALSE;
      zu_rpc_reader_pass (&self->reader, size);
    }
  if (reason == NULL)
    return TRUE;
  g_propagate_error (error, g_steal_pointer (&reason));
  return FALSE;
}

/* Under the lock, which is let go meanwhile: reads one batch of replies, for all who wait. */
void
zu_rpc_link_read_for_all (ZuRpcLink *self, GCancellable *cancellable)
{
  g_autoptr (GError) error = NULL;

  self->reading = TRUE;
  g_mutex_unlock (&self->lock);
  if ((!zu_rpc_reader_fill (&self->reader, cancellable, &error) || !take_replies (self, &error))
      && !g_error_matches (error, G_IO_ERROR, G_IO_ERROR_CANCELLED))
    break_link (self, error);
  g_mutex_lock (&self->lock);
  self->reading = FALSE;
  zu_rpc_link_deliver_finished (self);
}

/* Under the lock, by who has stopped reading. */
void
zu_rpc_link_hand_reading_on (ZuRpcLink *self)
{
  ZuRpcCall *next = g_queue_peek_head (&self->waiting);

  if (self->reading)
    return;
  if (self->has_helper)
    g_cond_signal (&self->helper_cond);
  else if (next != NULL)
    g_cond_signal (&next->cond);
}

static char *
make_request (gint64 id, const char *method, ZuJson *args, gsize *size, GError **error)
{
  g_autoptr (ZuJsonBuilder) builder = zu_json_builder_new ();
  g_autoptr (ZuJson) request = NULL;
  g_autofree char *text = NULL;

  zu_json_builder_begin_object (builder);
  zu_json_builder_set_member (builder, "id");
  zu_json_builder_add_int64 (builder, id);
  zu_json_builder_set_member (builder, "method");
  zu_json_builder_add_string (builder, method);
  zu_json_builder_set_member (builder, "args");
  if (args != NULL)
    zu_json_builder_add_json (builder, args);
  else
    {
      zu_json_builder_begin_object (builder);
      zu_json_builder_end_object (builder);
    }
  if (zu_peer_get () != NULL)
    {
      zu_json_builder_set_member (builder, "peer");
      zu_json_builder_add_string (builder, zu_peer_get ());
    }
  zu_json_builder_end_object (builder);
  request = zu_json_builder_end (builder, error);
  if (request == NULL)
    return NULL;

  text = zu_json_to_string (request);
  *size = strlen (text);
  if (*size <= ZU_RPC_FRAME_MAX)
    return g_steal_pointer (&text);
  g_set_error (error, ZU_RPC_ERROR, ZU_RPC_ERROR_TOO_LARGE,
               "the call of %s takes %" G_GSIZE_FORMAT " bytes, more than the %d of a frame",
               method, *size, ZU_RPC_FRAME_MAX);
  return NULL;
}

/* Under the lock. */
static void
add_call (ZuRpcLink *self, ZuRpcCall *call)
{
  g_hash_table_insert (self->calls, GSIZE_TO_POINTER (call->id), call);
  if (call->task != NULL)
    zu_rpc_link_watch_task (self, call);
}

/* Puts a call among those in flight and queues its request. */
gboolean
zu_rpc_link_start_call (ZuRpcLink *self, ZuRpcCall *call, const char *method, ZuJson *args,
                        GError **error)
{
  g_autofree char *request = NULL;
  gboolean alive;
  gsize size;

  g_mutex_lock (&self->lock);
  call->id = ++self->last_id;
  g_mutex_unlock (&self->lock);

  request = make_request (call->id, method, args, &size, error);
  if (request == NULL)
    return FALSE;

  g_mutex_lock (&self->lock);
  alive = self->broken == NULL;
  if (alive)
    add_call (self, call);
  else
    g_propagate_error (error, g_error_copy (self->broken));
  g_mutex_unlock (&self->lock);

  if (alive)
    zu_rpc_writer_push (&self->writer, request, size);
  return alive;
}

static void
wake_call (GCancellable *cancellable, gpointer data)
{
  ZuRpcCall *call = data;

  g_mutex_lock (&call->link->lock);
  g_cond_signal (&call->cond);
  g_mutex_unlock (&call->link->lock);
}

/* Waits for the reply, and reads for all while nobody else does. */
static void
await_reply (ZuRpcLink *self, ZuRpcCall *call, GCancellable *cancellable)
{
  g_mutex_lock (&self->lock);
  while (!call->done && !g_cancellable_is_cancelled (cancellable))
    {
      if (!self->reading)
        zu_rpc_link_read_for_all (self, cancellable);
      else
        {
          g_queue_push_tail_link (&self->waiting, &call->waiting);
          g_cond_wait (&call->cond, &self->lock);
          g_queue_unlink (&self->waiting, &call->waiting);
        }
    }
  if (!call->done)
    {
      g_hash_table_insert (self->calls, GSIZE_TO_POINTER (call->id), &zu_rpc_given_up);
      g_cancellable_set_error_if_cancelled (cancellable, &call->error);
    }
  zu_rpc_link_hand_reading_on (self);
  g_mutex_unlock (&self->lock);
}

ZuJson *
zu_rpc_link_call (ZuRpcLink *self, const char *method, ZuJson *args, GCancellable *cancellable,
                  GError **error)
{
  ZuRpcCall call = { .link = self, .waiting.data = &call };
  g_autoptr (GError) reason = NULL;
  gulong handler = 0;

  if (!zu_rpc_link_start_call (self, &call, method, args, &reason))
    {
      g_propagate_error (error, g_steal_pointer (&reason));
      return NULL;
    }

  g_cond_init (&call.cond);
  if (cancellable != NULL)
    handler = g_cancellable_connect (cancellable, G_CALLBACK (wake_call), &call, NULL);
  /* What cannot be sent ends the connection; replies that have come already are read before. */
  if (zu_rpc_writer_flush (&self->writer, TRUE) == ZU_RPC_FLUSH_FAILED)
    shutdown (self->fd, SHUT_RDWR);
  await_reply (self, &call, cancellable);
  g_cancellable_disconnect (cancellable, handler);
  g_cond_clear (&call.cond);

  if (call.error != NULL)
    g_propagate_error (error, call.error);
  return call.result;
}

void
zu_rpc_link_close (ZuRpcLink *self)
{
  g_autoptr (GError) error =
      g_error_new_literal (ZU_RPC_ERROR, ZU_RPC_ERROR_CLOSED, "the connection is closed");

  break_link (self, error);
}

gboolean
zu_rpc_link_is_closed (ZuRpcLink *self)
{
  gboolean closed;

  g_mutex_lock (&self->lock);
  closed = self->broken != NULL;
  g_mutex_unlock (&self->lock);
  return closed;
}
