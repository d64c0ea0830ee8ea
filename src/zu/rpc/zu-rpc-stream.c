/* SPDX-License-Identifier: Apache-2.0 */

#include "zu-rpc-stream-private.h"

#include <errno.h>
#include <poll.h>
#include <string.h>
#include <sys/socket.h>

#define READ_SIZE (16 * 1024)
#define KEEP_SIZE (256 * 1024) /* a buffer that a large frame made larger is not kept */

void
zu_rpc_reader_init (ZuRpcReader *self, int fd)
{
  *self = (ZuRpcReader){ .fd = fd };
}

void
zu_rpc_reader_clear (ZuRpcReader *self)
{
  g_clear_pointer (&self->data, g_free);
}

/* Whether a whole frame is at hand. FALSE without an error: more must be read first. */
gboolean
zu_rpc_reader_peek (ZuRpcReader *self, const char **body, gsize *size, GError **error)
{
  gsize have = self->end - self->start;

  if (have < ZU_RPC_HEADER_SIZE
      || !zu_rpc_frame_check_header (self->data + self->start, size, error)
      || have - ZU_RPC_HEADER_SIZE < *size)
    return FALSE;
  *body = (const char *) self->data + self->start + ZU_RPC_HEADER_SIZE;
  return TRUE;
}

/* Lets go of the frame that was peeked at. */
void
zu_rpc_reader_pass (ZuRpcReader *self, gsize size)
{
  self->start += ZU_RPC_HEADER_SIZE + size;
  if (self->start < self->end)
    return;
  self->start = self->end = 0;
  if (self->capacity > KEEP_SIZE)
    {
      zu_rpc_reader_clear (self);
      self->capacity = 0;
    }
}

/* Grows with what has arrived, never with what a header announces. */
static void
make_room (ZuRpcReader *self)
{
  if (self->start > 0 && self->capacity - self->end < READ_SIZE)
    {
      memmove (self->data, self->data + self->start, self->end - self->start);
      self->end -= self->start;
      self->start = 0;
    }
  if (self->capacity - self->end < READ_SIZE)
    {
      self->capacity = MAX (2 * self->capacity, 2 * READ_SIZE);
      self->data = g_realloc (self->data, self->capacity);
    }
}

static gboolean
wait_readable (int fd, GCancellable *cancellable, GError **error)
{
  struct pollfd fds[2] = { { .fd = fd, .events = POLLIN }, { .fd = -1, .events = POLLIN } };
  gboolean woken;

  fds[1].fd = g_cancellable_get_fd (cancellable);
  do
    woken = poll (fds, 2, -1) >= 0;
  while (!woken && errno == EINTR);
  if (fds[1].fd >= 0)
    g_cancellable_release_fd (cancellable);
  return !g_cancellable_set_error_if_cancelled (cancellable, error);
}

/* Reads what is there, once; waits for something to be there. */
gboolean
zu_rpc_reader_fill (ZuRpcReader *self, GCancellable *cancellable, GError **error)
{
  gssize n;

  if (cancellable != NULL && !wait_readable (self->fd, cancellable, error))
    return FALSE;

  make_room (self);
  do
    n = recv (self->fd, self->data + self->end, self->capacity - self->end, 0);
  while (n < 0 && errno == EINTR);

  if (n > 0)
    {
      self->end += (gsize) n;
      return TRUE;
    }
  g_set_error (error, ZU_RPC_ERROR, ZU_RPC_ERROR_CLOSED, "the peer closed the connection%s",
               self->end > self->start ? " within a frame" : "");
  return FALSE;
}

void
zu_rpc_writer_init (ZuRpcWriter *self, int fd)
{
  *self = (ZuRpcWriter){ .fd = fd };
  g_mutex_init (&self->lock);
  self->queued = g_byte_array_new ();
  self->sending = g_byte_array_new ();
}

void
zu_rpc_writer_clear (ZuRpcWriter *self)
{
  g_mutex_clear (&self->lock);
  g_clear_pointer (&self->queued, g_byte_array_unref);
  g_clear_pointer (&self->sending, g_byte_array_unref);
}

/* Queues a frame, at most ZU_RPC_FRAME_MAX bytes of body; the answer is how much is queued now. */
gsize
zu_rpc_writer_push (ZuRpcWriter *self, const char *body, gsize size)
{
  guint32 length = GUINT32_TO_BE ((guint32) size);
  gsize queued;

  g_mutex_lock (&self->lock);
  g_byte_array_append (self->queued, (const guint8 *) &length, sizeof length);
  g_byte_array_append (self->queued, (const guint8 *) body, (guint) size);
  queued = self->queued->len;
  g_mutex_unlock (&self->lock);
  return queued;
}

static void
drop_large (GByteArray **array)
{
  if ((*array)->len > KEEP_SIZE)
    {
      g_byte_array_unref (*array);
      *array = g_byte_array_new ();
    }
  else
    g_byte_array_set_size (*array, 0);
}

/* Takes what was queued since; FALSE when there is nothing more to send. */
static gboolean
take_queued (ZuRpcWriter *self)
{
  g_mutex_lock (&self->lock);
  drop_large (&self->sending);
  self->sent = 0;
  if (self->queued->len > 0 && !self->failed)
    {
      GByteArray *swap = self->queued;

      self->queued = self->sending;
      self->sending = swap;
    }
  else
    self->busy = FALSE;
  g_mutex_unlock (&self->lock);
  return self->sending->len > 0;
}

static ZuRpcFlush
send_sending (ZuRpcWriter *self, gboolean wait)
{
  while (self->sent < self->sending->len)
    {
      gssize n = send (self->fd, self->sending->data + self->sent, self->sending->len - self->sent,
                       MSG_NOSIGNAL | (wait ? 0 : MSG_DONTWAIT));

      if (n < 0 && errno == EAGAIN && !wait)
        return ZU_RPC_FLUSH_STALLED;
      if (n < 0 && errno != EINTR)
        return ZU_RPC_FLUSH_FAILED;
      self->sent += (gsize) MAX (n, 0);
    }
  return ZU_RPC_FLUSH_DONE;
}

static ZuRpcFlush
send_all (ZuRpcWriter *self, gboolean wait)
{
  ZuRpcFlush result;

  do
    result = send_sending (self, wait);
  while (result == ZU_RPC_FLUSH_DONE && take_queued (self));

  if (result == ZU_RPC_FLUSH_FAILED)
    {
      g_mutex_lock (&self->lock);
      self->failed = TRUE;
      self->busy = FALSE;
      g_byte_array_set_size (self->queued, 0);
      g_mutex_unlock (&self->lock);
    }
  return result;
}

/* Sends what is queued, or leaves it to the thread that is sending already. After STALLED, which
 * only comes without @wait, the sending must be taken up again by zu_rpc_writer_resume(). */
ZuRpcFlush
zu_rpc_writer_flush (ZuRpcWriter *self, gboolean wait)
{
  gboolean others, failed;

  g_mutex_lock (&self->lock);
  others = self->busy;
  failed = self->failed;
  self->busy = TRUE;
  g_mutex_unlock (&self->lock);

  if (failed)
    return ZU_RPC_FLUSH_FAILED;
  if (others || !take_queued (self))
    return ZU_RPC_FLUSH_DONE;
  return send_all (self, wait);
}

ZuRpcFlush
zu_rpc_writer_resume (ZuRpcWriter *self)
{
  return send_all (self, TRUE);
}
