/* SPDX-License-Identifier: Apache-2.0 */

#include "zu-proxy-buffer.h"

#include <string.h>
#include <sys/socket.h>

#define LEAST 4096

void
zu_proxy_buffer_clear (ZuProxyBuffer *self)
{
  g_free (self->data);
  memset (self, 0, sizeof *self);
}

const guint8 *
zu_proxy_buffer_get_data (const ZuProxyBuffer *self)
{
  return self->data + self->start;
}

gsize
zu_proxy_buffer_get_room (const ZuProxyBuffer *self)
{
  return ZU_PROXY_BUFFER_MAX - self->length;
}

/* Room for LENGTH more bytes, behind the others. */
static void
reserve (ZuProxyBuffer *self, gsize length)
{
  gsize size = MAX (self->size, LEAST);

  g_assert (length <= zu_proxy_buffer_get_room (self));
  if (self->size - self->start - self->length >= length && self->data != NULL)
    return;
  while (size < self->length + length)
    size *= 2;
  if (self->start > 0)
    memmove (self->data, self->data + self->start, self->length);
  self->start = 0;
  if (size != self->size)
    self->data = g_realloc (self->data, size);
  self->size = size;
}

void
zu_proxy_buffer_append (ZuProxyBuffer *self, const void *data, gsize length)
{
  if (length == 0)
    return;
  reserve (self, length);
  memcpy (self->data + self->start + self->length, data, length);
  self->length += length;
}

void
zu_proxy_buffer_drop (ZuProxyBuffer *self, gsize length)
{
  g_assert (length <= self->length);
  self->start += length;
  self->length -= length;
  if (self->length == 0)
    zu_proxy_buffer_clear (self);
}

/* Moves at most MOST bytes, as far as there is room; returns how many. */
gsize
zu_proxy_buffer_move (ZuProxyBuffer *self, ZuProxyBuffer *from, guint64 most)
{
  gsize length = (gsize) MIN (most, MIN (from->length, zu_proxy_buffer_get_room (self)));

  if (length == 0)
    return 0;
  zu_proxy_buffer_append (self, zu_proxy_buffer_get_data (from), length);
  zu_proxy_buffer_drop (from, length);
  return length;
}

/* As recv(), which does not wait. */
gssize
zu_proxy_buffer_receive (ZuProxyBuffer *self, int fd, gsize most)
{
  gsize room = MIN (most, zu_proxy_buffer_get_room (self));
  gssize n;

  reserve (self, room);
  n = recv (fd, self->data + self->start + self->length, room, MSG_DONTWAIT);
  if (n > 0)
    self->length += (gsize) n;
  else if (self->length == 0)
    zu_proxy_buffer_clear (self);
  return n;
}

/* As send(), which does not wait. */
gssize
zu_proxy_buffer_send (ZuProxyBuffer *self, int fd)
{
  gssize n = send (fd, zu_proxy_buffer_get_data (self), self->length, MSG_DONTWAIT | MSG_NOSIGNAL);

  if (n > 0)
    zu_proxy_buffer_drop (self, (gsize) n);
  return n;
}
