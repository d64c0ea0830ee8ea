/* SPDX-License-Identifier: Apache-2.0 */

#include "disk-model.h"

#include <string.h>

#define SECTOR 512

/* Something that was written, or, without data, that the file was cut or grown to @offset. */
typedef struct
{
  gsize offset;
  GBytes *data;
} Change;

struct _DiskFile
{
  gatomicrefcount refs;
  ino_t inode;
  GByteArray *durable;
  GArray *pending; /* of Change */
};

/* A name that was given (and one that was given up for it), or, without a file, taken away. */
typedef struct
{
  char *name;
  char *former;
  DiskFile *file;
} Naming;

struct _DiskModel
{
  GHashTable *live;    /* name to file: what programs see */
  GHashTable *durable; /* name to file */
  GArray *pending;     /* of Naming */
  GRand *random;
};

static void
change_clear (gpointer data)
{
  g_clear_pointer (&((Change *) data)->data, g_bytes_unref);
}

static DiskFile *
file_new (ino_t inode)
{
  DiskFile *self = g_new0 (DiskFile, 1);

  g_atomic_ref_count_init (&self->refs);
  self->inode = inode;
  self->durable = g_byte_array_new ();
  self->pending = g_array_new (FALSE, TRUE, sizeof (Change));
  g_array_set_clear_func (self->pending, change_clear);
  return self;
}

static DiskFile *
file_ref (DiskFile *self)
{
  if (self != NULL)
    g_atomic_ref_count_inc (&self->refs);
  return self;
}

static void
file_unref (gpointer data)
{
  DiskFile *self = data;

  if (self == NULL || !g_atomic_ref_count_dec (&self->refs))
    return;
  g_byte_array_unref (self->durable);
  g_array_unref (self->pending);
  g_free (self);
}

static void
naming_clear (gpointer data)
{
  Naming *naming = data;

  g_free (naming->name);
  g_free (naming->former);
  file_unref (naming->file);
}

static GHashTable *
names_new (void)
{
  return g_hash_table_new_full (g_str_hash, g_str_equal, g_free, file_unref);
}

static void
names_apply (GHashTable *names, const Naming *naming)
{
  if (naming->former != NULL)
    g_hash_table_remove (names, naming->former);
  if (naming->file != NULL)
    g_hash_table_replace (names, g_strdup (naming->name), file_ref (naming->file));
  else
    g_hash_table_remove (names, naming->name);
}

DiskModel *
disk_model_new (guint32 seed)
{
  DiskModel *self = g_new0 (DiskModel, 1);

  self->live = names_new ();
  self->durable = names_new ();
  self->pending = g_array_new (FALSE, TRUE, sizeof (Naming));
  g_array_set_clear_func (self->pending, naming_clear);
  self->random = g_rand_new_with_seed (seed);
  return self;
}

void
disk_model_free (DiskModel *self)
{
  g_hash_table_unref (self->live);
  g_hash_table_unref (self->durable);
  g_array_unref (self->pending);
  g_rand_free (self->random);
  g_free (self);
}

DiskFile *
disk_model_find (DiskModel *self, ino_t inode)
{
  GHashTableIter iter;
  gpointer file;

  g_hash_table_iter_init (&iter, self->live);
  while (g_hash_table_iter_next (&iter, NULL, &file))
    if (((DiskFile *) file)->inode == inode)
      return file;
  return NULL;
}

static void
add_naming (DiskModel *self, const char *name, const char *former, DiskFile *file)
{
  Naming naming = { g_strdup (name), g_strdup (former), file };

  g_array_append_val (self->pending, naming);
  names_apply (self->live, &naming);
}

void
disk_model_link (DiskModel *self, const char *name, ino_t inode)
{
  add_naming (self, name, NULL, file_new (inode));
}

void
disk_model_unlink (DiskModel *self, const char *name)
{
  add_naming (self, name, NULL, NULL);
}

void
disk_model_rename (DiskModel *self, const char *from, const char *to)
{
  DiskFile *file = g_hash_table_lookup (self->live, from);

  if (file != NULL)
    add_naming (self, to, from, file_ref (file));
}

/* The folder itself was flushed: its names, not what is in the files. */
void
disk_model_sync (DiskModel *self)
{
  for (guint i = 0; i < self->pending->len; i++)
    names_apply (self->durable, &g_array_index (self->pending, Naming, i));
  g_array_set_size (self->pending, 0);
}

void
disk_file_write (DiskFile *self, off_t offset, const void *data, gsize size)
{
  Change change = { (gsize) offset, g_bytes_new (data, size) };

  g_array_append_val (self->pending, change);
}

void
disk_file_truncate (DiskFile *self, off_t size)
{
  Change change = { (gsize) size, NULL };

  g_array_append_val (self->pending, change);
}

static void
put (GByteArray *content, gsize offset, const guint8 *data, gsize size)
{
  guint before = content->len;

  if (content->len < offset + size)
    g_byte_array_set_size (content, (guint) (offset + size));
  if (before < offset)
    memset (content->data + before, 0, offset - before);
  if (size > 0)
    memcpy (content->data + offset, data, size);
}

static void
cut (GByteArray *content, gsize size)
{
  guint before = content->len;

  g_byte_array_set_size (content, (guint) size);
  if (before < size)
    memset (content->data + before, 0, size - before);
}

static void
apply (GByteArray *content, const Change *change)
{
  gsize size;
  const guint8 *data;

  if (change->data == NULL)
    {
      cut (content, change->offset);
      return;
    }
  data = g_bytes_get_data (change->data, &size);
  put (content, change->offset, data, size);
}

void
disk_file_sync (DiskFile *self)
{
  for (guint i = 0; i < self->pending->len; i++)
    apply (self->durable, &g_array_index (self->pending, Change, i));
  g_array_set_size (self->pending, 0);
}

/* A flush failed: the kernel says so once, and takes what it could not write for written. What
 * lies on the disk is what was there before; only the size is kept. */
void
disk_file_forget (DiskFile *self)
{
  for (guint i = 0; i < self->pending->len; i++)
    {
      const Change *change = &g_array_index (self->pending, Change, i);
      gsize end = change->offset + (change->data != NULL ? g_bytes_get_size (change->data) : 0);

      if (change->data == NULL || self->durable->len < end)
        cut (self->durable, end);
    }
  g_array_set_size (self->pending, 0);
}

static double
get_share (DiskImageKind kind)
{
  switch (kind)
    {
    case DISK_IMAGE_NOTHING:
      return 0;
    case DISK_IMAGE_ALL:
      return 1;
    case DISK_IMAGE_FEW:
      return 0.1;
    case DISK_IMAGE_MOST:
      return 0.9;
    default:
      return 0.5;
    }
}

static gboolean
toss (DiskModel *self, double share)
{
  return share >= 1 || (share > 0 && g_rand_double (self->random) < share);
}

/* What was not written where the file grew already is whatever lay there before. */
static void
put_garbage (DiskModel *self, GByteArray *content, gsize offset, gsize size)
{
  guint8 garbage[SECTOR];

  if (content->len > offset)
    return;
  for (gsize i = 0; i < size; i++)
    garbage[i] = (guint8) g_rand_int (self->random);
  put (content, offset, garbage, size);
}

/* Sector by sector, as a disk writes; each reaches it or not. */
static void
apply_partly (DiskModel *self, GByteArray *content, const Change *change, DiskImageKind kind)
{
  double share = get_share (kind);
  gsize size, done = 0;
  const guint8 *data;

  if (change->data == NULL)
    {
      if (toss (self, share))
        cut (content, change->offset);
      return;
    }

  data = g_bytes_get_data (change->data, &size);
  while (done < size)
    {
      gsize place = change->offset + done;
      gsize n = MIN (SECTOR - place % SECTOR, size - done);

      if (toss (self, share))
        put (content, place, data + done, n);
      else if (kind == DISK_IMAGE_GARBAGE)
        put_garbage (self, content, place, n);
      done += n;
    }
}

/* Writes in order, the last of them torn at a sector. */
static void
apply_beginning (DiskModel *self, GByteArray *content, DiskFile *file)
{
  guint n = file->pending->len > 0
                ? (guint) g_rand_int_range (self->random, 0, (gint32) file->pending->len)
                : 0;

  for (guint i = 0; i < n; i++)
    apply (content, &g_array_index (file->pending, Change, i));
  if (n < file->pending->len)
    {
      Change torn = g_array_index (file->pending, Change, n);
      gsize size = torn.data != NULL ? g_bytes_get_size (torn.data) : 0;
      gsize sectors = (torn.offset % SECTOR + size) / SECTOR;

      if (sectors == 0)
        return;
      sectors = (gsize) g_rand_int_range (self->random, 0, (gint32) sectors + 1);
      size = MIN (size, sectors * SECTOR - MIN (torn.offset % SECTOR, sectors * SECTOR));
      put (content, torn.offset, g_bytes_get_data (torn.data, NULL), size);
    }
}

static GByteArray *
imagine_file (DiskModel *self, DiskFile *file, DiskImageKind kind)
{
  GByteArray *content = g_byte_array_sized_new (file->durable->len);

  g_byte_array_append (content, file->durable->data, file->durable->len);
  if (kind == DISK_IMAGE_BEGIN)
    apply_beginning (self, content, file);
  else
    for (guint i = 0; i < file->pending->len; i++)
      apply_partly (self, content, &g_array_index (file->pending, Change, i), kind);
  return content;
}

/* What the folder may hold after a loss of power now. */
GHashTable *
disk_model_imagine (DiskModel *self, DiskImageKind kind)
{
  GHashTable *image =
      g_hash_table_new_full (g_str_hash, g_str_equal, g_free, (GDestroyNotify) g_byte_array_unref);
  g_autoptr (GHashTable) names = names_new ();
  GHashTableIter iter;
  gpointer name, file;

  g_hash_table_iter_init (&iter, self->durable);
  while (g_hash_table_iter_next (&iter, &name, &file))
    g_hash_table_replace (names, g_strdup (name), file_ref (file));
  for (guint i = 0; i < self->pending->len; i++)
    if (toss (self, get_share (kind)))
      names_apply (names, &g_array_index (self->pending, Naming, i));

  g_hash_table_iter_init (&iter, names);
  while (g_hash_table_iter_next (&iter, &name, &file))
    g_hash_table_insert (image, g_strdup (name), imagine_file (self, file, kind));
  return image;
}
