/* SPDX-License-Identifier: Apache-2.0 */

#include "zu-jsonl-follow.h"

#include "zu-file-lock.h"
#include "zu-jsonl-file.h"

#include <fcntl.h>
#include <unistd.h>

#define MOST_FILTERS 8
#define SETTLE_WAIT  (100 * G_TIME_SPAN_MILLISECOND)

struct _ZuJsonlFollow
{
  GMutex lock;
  GHashTable *places; /* filter as text to ZuJsonlPlace */
};

void
zu_jsonl_place_clear (ZuJsonlPlace *self)
{
  if (self->fd >= 0)
    close (self->fd);
  self->fd = -1;
}

static void
place_free (gpointer data)
{
  zu_jsonl_place_clear (data);
  g_free (data);
}

ZuJsonlFollow *
zu_jsonl_follow_new (void)
{
  ZuJsonlFollow *self = g_new0 (ZuJsonlFollow, 1);

  g_mutex_init (&self->lock);
  self->places = g_hash_table_new_full (g_str_hash, g_str_equal, g_free, place_free);
  return self;
}

void
zu_jsonl_follow_free (ZuJsonlFollow *self)
{
  g_hash_table_unref (self->places);
  g_mutex_clear (&self->lock);
  g_free (self);
}

/* Where the page ended that @n_passed follows, if that was the last one. */
ZuJsonlPlace
zu_jsonl_follow_take (ZuJsonlFollow *self, const char *filter, gint64 n_passed)
{
  g_autoptr (GMutexLocker) locker = g_mutex_locker_new (&self->lock);
  ZuJsonlPlace *found = g_hash_table_lookup (self->places, filter);
  ZuJsonlPlace place = { .fd = -1 };

  if (found != NULL && found->mark.n_passed == n_passed)
    {
      place = *found;
      found->fd = -1;
      g_hash_table_remove (self->places, filter);
    }
  return place;
}

/* Takes what @place has. */
void
zu_jsonl_follow_leave (ZuJsonlFollow *self, const char *filter, ZuJsonlPlace *place)
{
  g_autoptr (GMutexLocker) locker = g_mutex_locker_new (&self->lock);

  if (g_hash_table_size (self->places) >= MOST_FILTERS
      && !g_hash_table_contains (self->places, filter))
    g_hash_table_remove_all (self->places);
  g_hash_table_replace (self->places, g_strdup (filter), g_memdup2 (place, sizeof *place));
  place->fd = -1;
}

/* Whether nothing more will come into a file that does not bear the name any longer: who takes its
 * lock after that looks at the name and leaves it, so once the lock could be had there is nobody
 * left in it. */
gboolean
zu_jsonl_place_settle (const ZuJsonlPlace *self)
{
  int fd = fcntl (self->fd, F_DUPFD_CLOEXEC, 0);
  g_autoptr (ZuFileLock) lock = fd >= 0 ? zu_file_lock_new (fd, ZU_JSONL_LOCK_START) : NULL;

  return lock != NULL
         && zu_file_lock_wait (lock, ZU_FILE_LOCK_SHARED, g_get_monotonic_time () + SETTLE_WAIT,
                               NULL);
}
