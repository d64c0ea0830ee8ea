/* SPDX-License-Identifier: Apache-2.0 */

#include "zu-buffer-private.h"

/* Makes room for SIZE more bytes and a terminator. */
void
zu_buffer_grow (ZuBuffer *self, gsize size)
{
  gsize needed = self->length + size + 1;

  g_assert (needed > self->length);
  self->allocated = MAX (needed, MAX (self->allocated * 2, 256));
  self->data = g_realloc (self->data, self->allocated);
}

void
zu_buffer_clear (ZuBuffer *self)
{
  g_clear_pointer (&self->data, g_free);
  self->length = 0;
  self->allocated = 0;
}

/* The text, terminated; the buffer is empty afterwards. */
char *
zu_buffer_steal (ZuBuffer *self)
{
  char *data = zu_buffer_reserve (self, 0);

  *data = '\0';
  data = self->data;
  memset (self, 0, sizeof *self);
  return data;
}
