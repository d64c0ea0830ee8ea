/* SPDX-License-Identifier: Apache-2.0 */

#include "zu-event-private.h"

/* What a thread keeps for its next event; more than this goes back. */
#define KEEP (256 * 1024)

static void
scratch_free (gpointer data)
{
  ZuScratch *self = data;

  zu_buffer_clear (&self->text);
  zu_buffer_clear (&self->out);
  zu_json_tape_clear (&self->tape);
  g_free (self);
}

/* The calling thread's scratch; nobody holds on to it across a call that may use it too. */
ZuScratch *
zu_scratch_get (void)
{
  static GPrivate scratch = G_PRIVATE_INIT (scratch_free);
  ZuScratch *self = g_private_get (&scratch);

  if (G_UNLIKELY (self == NULL))
    {
      self = g_new0 (ZuScratch, 1);
      g_private_set (&scratch, self);
    }
  return self;
}

/* A copy of TEXT that a reader may change, with padding behind it. */
char *
zu_scratch_load (ZuScratch *self, const char *text, gsize length)
{
  char *copy;

  self->text.length = 0;
  copy = zu_buffer_reserve (&self->text, length + ZU_JSON_PADDING);
  if (length > 0)
    memcpy (copy, text, length);
  memset (copy + length, 0, ZU_JSON_PADDING);
  return copy;
}

void
zu_scratch_trim (ZuScratch *self)
{
  if (G_LIKELY (self->text.allocated + self->out.allocated
                    + self->tape.allocated * sizeof (ZuJsonNode)
                <= KEEP))
    return;
  zu_buffer_clear (&self->text);
  zu_buffer_clear (&self->out);
  zu_json_tape_clear (&self->tape);
}
