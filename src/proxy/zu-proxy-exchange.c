/* SPDX-License-Identifier: Apache-2.0 */

/* One request and its answer, over connections that may be kept for the next. */

#include "zu-proxy-client.h"

#include <errno.h>
#include <string.h>
#include <sys/socket.h>

#define CHUNK (32 * 1024)

/* Writes the request's head as it goes to its host. FALSE where it does not fit, and was refused.
 */
gboolean
zu_proxy_exchange_prepare (ZuProxyClient *self, const ZuHttpHead *head)
{
  g_autoptr (GString) text = g_string_new (NULL);

  zu_http_write_request (head, text);
  zu_proxy_buffer_clear (&self->to_server);
  if (text->len > ZU_PROXY_BUFFER_MAX)
    {
      zu_proxy_client_refuse (self, ZU_EGRESS_HEADER_TOO_LARGE);
      return FALSE;
    }
  zu_proxy_buffer_append (&self->to_server, text->str, text->len);
  zu_http_body_init (&self->request_body, head);
  self->is_request_done = head->body == ZU_HTTP_BODY_NONE;
  self->is_for_head = zu_span_is (&head->method, "HEAD");
  self->is_client_kept = head->is_kept && head->minor == 1;
  return TRUE;
}

void
zu_proxy_exchange_begin (ZuProxyClient *self)
{
  self->has_answer = self->is_answer_done = FALSE;
  self->is_client_ended = self->is_server_ended = FALSE;
  zu_proxy_client_enter (self, ZU_PROXY_EXCHANGE, 0);
  zu_proxy_client_go_on (self);
}

/* What the host says is not understood: that is told where nothing was told yet. */
static gboolean
fail (ZuProxyClient *self)
{
  zu_proxy_client_set_reason (self, ZU_EGRESS_BAD_RESPONSE);
  if (self->has_answer || self->to_client.length > 0)
    zu_proxy_client_end (self);
  else
    zu_proxy_client_refuse (self, ZU_EGRESS_BAD_RESPONSE);
  return FALSE;
}

/* Each of these returns FALSE where the exchange has ended; *HAS_MOVED tells of progress. */

static gboolean
receive (ZuProxyClient *self, ZuProxyBuffer *buffer, ZuProxyWatch *from, gboolean *is_ended,
         guint64 *count, gboolean *has_moved)
{
  gssize n;

  if (!from->is_readable || *is_ended || buffer->length >= CHUNK)
    return TRUE;
  n = zu_proxy_buffer_receive (buffer, from->fd, CHUNK);
  if (n > 0)
    {
      *has_moved = TRUE;
      *count += (guint64) n;
      return from != &self->server || zu_proxy_client_count (self, (guint64) n);
    }
  if (n == 0)
    *is_ended = *has_moved = TRUE;
  else if (errno == EAGAIN)
    from->is_readable = FALSE;
  else if (errno != EINTR)
    {
      zu_proxy_client_end (self);
      return FALSE;
    }
  return TRUE;
}

static gboolean
flush (ZuProxyClient *self, ZuProxyBuffer *buffer, ZuProxyWatch *to, gboolean *has_moved)
{
  gssize n;

  if (buffer->length == 0 || !to->is_writable)
    return TRUE;
  n = zu_proxy_buffer_send (buffer, to->fd);
  if (n > 0)
    {
      *has_moved = TRUE;
      return to != &self->server || zu_proxy_client_count (self, (guint64) n);
    }
  if (errno == EAGAIN)
    to->is_writable = FALSE;
  else if (errno != EINTR)
    {
      zu_proxy_client_end (self);
      return FALSE;
    }
  return TRUE;
}

/* What the client sends is no body of the length that it has told. */
static gboolean
fail_request (ZuProxyClient *self)
{
  zu_proxy_client_set_reason (self, ZU_EGRESS_BAD_REQUEST);
  if (self->has_answer || self->to_client.length > 0)
    zu_proxy_client_end (self);
  else
    zu_proxy_client_refuse (self, ZU_EGRESS_BAD_REQUEST);
  return FALSE;
}

/* The request's body. Bytes behind it wait until the next request is judged. */
static gboolean
read_request (ZuProxyClient *self, gboolean *has_moved)
{
  guint64 n_read = 0;
  ZuHttpStatus status;

  if (self->is_request_done)
    return TRUE;
  if (!receive (self, &self->in, &self->client, &self->is_client_ended, &n_read, has_moved))
    return FALSE;
  status = zu_http_body_pass (&self->request_body, &self->in, &self->to_server);
  self->is_request_done = status == ZU_HTTP_DONE;
  if (status == ZU_HTTP_BAD
      || (status == ZU_HTTP_MORE && self->is_client_ended && self->in.length == 0))
    return fail_request (self);
  return TRUE;
}

static gboolean
move_request (ZuProxyClient *self, gboolean *has_moved)
{
  gsize before;

  if (!read_request (self, has_moved))
    return FALSE;
  before = self->to_server.length;
  if (!flush (self, &self->to_server, &self->server, has_moved))
    return FALSE;
  self->record.bytes_out += before - self->to_server.length;
  return TRUE;
}

/* One head of an answer; those of 1xx are passed on, and another one follows. */
static gboolean
take_answer (ZuProxyClient *self, gsize size)
{
  g_autoptr (GString) text = g_string_new (NULL);
  ZuHttpHead head;

  if (zu_http_read_answer (&head, (const char *) zu_proxy_buffer_get_data (&self->from_server),
                           size, self->is_for_head)
      != ZU_HTTP_DONE)
    return fail (self);
  if (head.status >= 200)
    {
      self->has_answer = TRUE;
      zu_http_body_init (&self->answer_body, &head);
      self->is_server_kept = head.is_kept && head.body != ZU_HTTP_BODY_UNTIL_CLOSE;
      self->is_client_kept =
          self->is_client_kept && head.body != ZU_HTTP_BODY_UNTIL_CLOSE && self->is_request_done;
    }
  zu_http_write_answer (&head, self->is_client_kept, text);
  if (text->len > zu_proxy_buffer_get_room (&self->to_client))
    return fail (self);
  zu_proxy_buffer_append (&self->to_client, text->str, text->len);
  zu_proxy_buffer_drop (&self->from_server, size);
  return TRUE;
}

static gboolean
read_answer (ZuProxyClient *self)
{
  while (!self->has_answer && self->from_server.length > 0)
    {
      gsize size = 0;
      ZuHttpStatus status =
          zu_http_find_end ((const char *) zu_proxy_buffer_get_data (&self->from_server),
                            self->from_server.length, &size);

      if (status == ZU_HTTP_BAD || size >= self->proxy->settings.max_head)
        return fail (self);
      if (status == ZU_HTTP_MORE)
        break;
      if (!take_answer (self, size))
        return FALSE;
    }
  return self->has_answer || !self->is_server_ended || fail (self);
}

static gboolean
move_answer (ZuProxyClient *self, gboolean *has_moved)
{
  ZuHttpStatus status;

  if (!receive (self, &self->from_server, &self->server, &self->is_server_ended,
                &self->record.bytes_in, has_moved)
      || !read_answer (self))
    return FALSE;
  if (self->has_answer && !self->is_answer_done)
    {
      status = zu_http_body_pass (&self->answer_body, &self->from_server, &self->to_client);
      self->is_answer_done = status == ZU_HTTP_DONE;
      if (status == ZU_HTTP_BAD)
        return fail (self);
      if (self->is_server_ended && self->from_server.length == 0 && !self->is_answer_done)
        {
          if (!zu_http_body_end (&self->answer_body))
            return fail (self);
          self->is_answer_done = TRUE;
        }
    }
  return flush (self, &self->to_client, &self->client, has_moved);
}

/* The connection to the host is kept where nothing is left over on it, in either direction: a host
 * that has answered before it had all of a body takes what comes next for the rest. The client's is
 * kept for its next request. */
static void
finish (ZuProxyClient *self)
{
  zu_proxy_client_record (self);
  if (!self->is_server_kept || !self->is_request_done || self->is_server_ended
      || self->from_server.length > 0 || self->to_server.length > 0)
    zu_proxy_watch_close (&self->server);
  zu_proxy_buffer_clear (&self->from_server);
  if (!self->is_client_kept)
    {
      zu_proxy_watch_close (&self->server);
      zu_proxy_client_enter (self, ZU_PROXY_ANSWERED, 1000);
    }
  else
    {
      self->looked_at = 0;
      zu_proxy_client_enter (self, ZU_PROXY_HEAD,
                             self->in.length > 0 ? self->proxy->settings.request_ms
                                                 : self->proxy->settings.idle_ms);
    }
  zu_proxy_client_await_turn (self);
}

void
zu_proxy_exchange_pump (ZuProxyClient *self)
{
  gboolean has_moved = TRUE;

  for (guint i = 0; has_moved && i < 64; i++)
    {
      has_moved = FALSE;
      if (!move_request (self, &has_moved) || !move_answer (self, &has_moved))
        return;
      if (self->is_answer_done && self->to_client.length == 0)
        {
          finish (self);
          return;
        }
    }
  if (has_moved)
    zu_proxy_client_await_turn (self);
}
