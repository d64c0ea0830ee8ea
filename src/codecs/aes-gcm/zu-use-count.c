/* SPDX-License-Identifier: Apache-2.0 */

#include "zu-use-count.h"

#include "zu-use-file.h"

#include <zu/zu.h>

/* A process that ends leaves at most one step unused, so steps begin small: short runs would
 * otherwise use a key up by their number alone. */
#define FIRST_STEP 64
#define LAST_STEP  65536

void
zu_use_count_init (ZuUseCount *self, const char *fingerprint)
{
  g_mutex_init (&self->lock);
  self->fingerprint = g_strdup (fingerprint);
  self->step = FIRST_STEP;
}

void
zu_use_count_clear (ZuUseCount *self)
{
  g_mutex_clear (&self->lock);
  g_free (self->fingerprint);
}

guint64
zu_use_count_get (ZuUseCount *self, const ZuUseLimits *limits)
{
  guint64 uses;

  g_mutex_lock (&self->lock);
  uses = limits->uses_before + self->uses;
  g_mutex_unlock (&self->lock);
  return uses;
}

/* Uses are set aside on the disk before one of them is made. */
static gboolean
reserve (ZuUseCount *self, const ZuUseLimits *limits, GError **error)
{
  guint64 first;

  if (limits->file == NULL || self->uses < self->reserved)
    return TRUE;
  if (!zu_use_file_reserve (limits->file, self->fingerprint, self->step, &first, error))
    return FALSE;

  self->uses = first;
  self->reserved = first + self->step;
  self->step = MIN (self->step * 2, LAST_STEP);
  return TRUE;
}

static gboolean
take (ZuUseCount *self, const ZuUseLimits *limits, gboolean *is_due, GError **error)
{
  if (!reserve (self, limits, error))
    return FALSE;
  if (limits->uses_before + self->uses >= limits->max_uses)
    {
      g_set_error (error, ZU_PAYLOAD_CODEC_ERROR, ZU_PAYLOAD_CODEC_ERROR_EXHAUSTED,
                   "the key has been used %" G_GUINT64_FORMAT
                   " times, which is as often as is safe (make another key current)",
                   limits->uses_before + self->uses);
      return FALSE;
    }

  self->uses++;
  *is_due = !self->warned && limits->uses_before + self->uses >= limits->warn_after;
  self->warned |= *is_due;
  return TRUE;
}

/* Counts one use more before it is made. @is_due tells, once, that the key should be replaced. */
gboolean
zu_use_count_take (ZuUseCount *self, const ZuUseLimits *limits, gboolean *is_due, GError **error)
{
  gboolean taken;

  g_mutex_lock (&self->lock);
  taken = take (self, limits, is_due, error);
  g_mutex_unlock (&self->lock);
  return taken;
}
