/* SPDX-License-Identifier: Apache-2.0 */

#include "zu-jsonl-marks.h"

#include <sys/stat.h>
#include <unistd.h>

#define DISTANCE     1024 /* events between marks that stay */
#define MOST_FILTERS 16
#define SAMPLE       64 /* bytes */

struct _ZuJsonlMarks
{
  GMutex lock;
  GHashTable *marks; /* filter as text to GArray of ZuJsonlMark */
  dev_t device;
  ino_t inode;
  gint64 furthest;
  guint generation;
};

/* A hash (FNV-1a) of what stands right before the mark. */
static guint32
take_sample (int fd, gint64 place)
{
  char bytes[SAMPLE];
  gsize n = (gsize) MIN (place, SAMPLE);
  guint32 hash = 2166136261u;

  if (n > 0 && pread (fd, bytes, n, place - (gint64) n) != (gssize) n)
    return 0;

  for (gsize i = 0; i < n; i++)
    hash = (hash ^ (guint8) bytes[i]) * 16777619u;
  return hash;
}

void
zu_jsonl_mark_sample (ZuJsonlMark *self, int fd)
{
  self->sample = take_sample (fd, self->place);
}

/* Whether the file has not been written anew since, as far as that shows. */
gboolean
zu_jsonl_mark_holds (const ZuJsonlMark *self, int fd)
{
  return self->place == 0 || take_sample (fd, self->place) == self->sample;
}

ZuJsonlMarks *
zu_jsonl_marks_new (void)
{
  ZuJsonlMarks *self = g_new0 (ZuJsonlMarks, 1);

  g_mutex_init (&self->lock);
  self->marks =
      g_hash_table_new_full (g_str_hash, g_str_equal, g_free, (GDestroyNotify) g_array_unref);
  return self;
}

void
zu_jsonl_marks_free (ZuJsonlMarks *self)
{
  g_hash_table_unref (self->marks);
  g_mutex_clear (&self->lock);
  g_free (self);
}

/* With the lock held. */
static void
forget (ZuJsonlMarks *self)
{
  g_hash_table_remove_all (self->marks);
  self->furthest = 0;
  self->generation++;
}

/* Forgets all where the file is another one, or has been cut shorter. Gives the generation that
 * marks of this file are added under. */
guint
zu_jsonl_marks_check_file (ZuJsonlMarks *self, int fd)
{
  g_autoptr (GMutexLocker) locker = g_mutex_locker_new (&self->lock);
  struct stat info = { 0 };

  if (fstat (fd, &info) != 0 || info.st_dev != self->device || info.st_ino != self->inode
      || info.st_size < self->furthest)
    {
      self->device = info.st_dev;
      self->inode = info.st_ino;
      forget (self);
    }
  return self->generation;
}

static const ZuJsonlMark *
find_last (GArray *marks, gint64 n_passed)
{
  for (guint i = marks != NULL ? marks->len : 0; i > 0; i--)
    {
      const ZuJsonlMark *mark = &g_array_index (marks, ZuJsonlMark, i - 1);

      if (mark->n_passed <= n_passed)
        return mark;
    }

  return NULL;
}

/* The last mark that is not past @n_passed events; else the beginning of the file. */
ZuJsonlMark
zu_jsonl_marks_find (ZuJsonlMarks *self, int fd, const char *filter, gint64 n_passed)
{
  g_autoptr (GMutexLocker) locker = g_mutex_locker_new (&self->lock);
  const ZuJsonlMark *mark = find_last (g_hash_table_lookup (self->marks, filter), n_passed);

  if (mark != NULL && zu_jsonl_mark_holds (mark, fd))
    return *mark;
  if (mark != NULL)
    forget (self);
  return (ZuJsonlMark){ 0 };
}

static GArray *
get_marks (ZuJsonlMarks *self, const char *filter)
{
  GArray *marks = g_hash_table_lookup (self->marks, filter);

  if (marks != NULL)
    return marks;

  if (g_hash_table_size (self->marks) >= MOST_FILTERS)
    g_hash_table_remove_all (self->marks);
  marks = g_array_new (FALSE, FALSE, sizeof (ZuJsonlMark));
  g_hash_table_insert (self->marks, g_strdup (filter), marks);
  return marks;
}

/* Only marks behind all others are taken; the last one gives way to it where the one before that
 * is near enough. */
void
zu_jsonl_marks_add (ZuJsonlMarks *self, guint generation, const char *filter,
                    const ZuJsonlMark *mark)
{
  g_autoptr (GMutexLocker) locker = g_mutex_locker_new (&self->lock);
  GArray *marks;
  const ZuJsonlMark *last;

  if (generation != self->generation)
    return;

  marks = get_marks (self, filter);
  last = marks->len > 0 ? &g_array_index (marks, ZuJsonlMark, marks->len - 1) : NULL;
  if (last != NULL && (mark->place <= last->place || mark->n_passed < last->n_passed))
    return;
  if (marks->len > 1
      && mark->n_passed - g_array_index (marks, ZuJsonlMark, marks->len - 2).n_passed < DISTANCE)
    g_array_set_size (marks, marks->len - 1);
  g_array_append_val (marks, *mark);
  self->furthest = MAX (self->furthest, mark->place);
}
