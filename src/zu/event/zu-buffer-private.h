/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include <glib.h>
#include <string.h>

G_BEGIN_DECLS

#pragma GCC visibility push(hidden)

/* A byte buffer that grows and is written in place: what GString is, without a call a character. */
typedef struct
{
  char *data;
  gsize length;
  gsize allocated;
} ZuBuffer;

void zu_buffer_grow (ZuBuffer *self, gsize size);
void zu_buffer_clear (ZuBuffer *self);
char *zu_buffer_steal (ZuBuffer *self);

/* Room for SIZE bytes and a terminator; whoever writes them adds to `length`. */
static inline char *
zu_buffer_reserve (ZuBuffer *self, gsize size)
{
  if (G_UNLIKELY (self->allocated - self->length <= size))
    zu_buffer_grow (self, size);
  return self->data + self->length;
}

static inline void
zu_buffer_append (ZuBuffer *self, const char *data, gsize size)
{
  memcpy (zu_buffer_reserve (self, size), data, size);
  self->length += size;
}

static inline void
zu_buffer_append_char (ZuBuffer *self, char c)
{
  *zu_buffer_reserve (self, 1) = c;
  self->length++;
}

#define zu_buffer_append_literal(self, literal) \
  zu_buffer_append ((self), "" literal, sizeof (literal) - 1)

G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC (ZuBuffer, zu_buffer_clear)

#pragma GCC visibility pop

G_END_DECLS
