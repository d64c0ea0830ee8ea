/* SPDX-License-Identifier: Apache-2.0 */

#include "disk.h"

#include "disk-calls.h"
#include "disk-model.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

typedef struct
{
  DiskCall calls;
  guint nth;
  int reason;
  gboolean is_lasting;
  gboolean has_failed;
  gboolean was_partial;
} Fault;

static GMutex lock;
static int is_watching;
static char *folder;
static ino_t folder_inode;
static char *images_folder;
static DiskModel *model;
static GPtrArray *images;
static guint image_kinds;
static guint n_points;
static int promised;
static guint counts[8];
static Fault fault;

static void
image_free (gpointer data)
{
  DiskImage *image = data;

  g_free (image->folder);
  g_free (image);
}

/* The folder is empty, and named without links. */
void
disk_watch (const char *path, const char *images_path, guint32 seed)
{
  struct stat info;

  g_assert_cmpint (stat (path, &info), ==, 0);
  folder = g_strdup (path);
  folder_inode = info.st_ino;
  images_folder = g_strdup (images_path);
  images = g_ptr_array_new_with_free_func (image_free);
  model = disk_model_new (seed);
  n_points = 0;
  promised = 0;
  image_kinds = 0;
  disk_heal ();
  g_atomic_int_set (&is_watching, TRUE);
}

void
disk_unwatch (void)
{
  g_atomic_int_set (&is_watching, FALSE);
  g_clear_pointer (&folder, g_free);
  g_clear_pointer (&images_folder, g_free);
  g_clear_pointer (&images, g_ptr_array_unref);
  g_clear_pointer (&model, disk_model_free);
}

/* Of these kinds, a bit each, at every flush from now on. */
void
disk_make_images (guint kinds)
{
  image_kinds = kinds;
}

/* How much a caller was told to be stored by now. */
void
disk_promise (guint n)
{
  g_atomic_int_set (&promised, (int) n);
}

GPtrArray *
disk_take_images (void)
{
  GPtrArray *taken = g_steal_pointer (&images);

  images = g_ptr_array_new_with_free_func (image_free);
  return taken;
}

/* The @nth of these calls from now on fails, and where it lasts, each that follows. */
void
disk_fail (DiskCall calls, guint nth, int reason, gboolean is_lasting)
{
  g_mutex_lock (&lock);
  memset (counts, 0, sizeof counts);
  fault = (Fault){ calls, nth, reason, is_lasting, FALSE, FALSE };
  g_mutex_unlock (&lock);
}

void
disk_heal (void)
{
  disk_fail (0, 0, 0, FALSE);
}

gboolean
disk_has_failed (void)
{
  return fault.has_failed;
}

guint
disk_count (DiskCall calls)
{
  guint n = 0;

  for (guint i = 0; i < G_N_ELEMENTS (counts); i++)
    if ((calls & (1u << i)) != 0)
      n += counts[i];
  return n;
}

/* Whether this call is to fail; then with errno set. Called with the lock held. */
static gboolean
fails (DiskCall call)
{
  counts[g_bit_nth_lsf (call, -1)]++;
  if ((fault.calls & call) == 0 || (fault.has_failed && !fault.is_lasting))
    return FALSE;
  if (!fault.has_failed && disk_count (fault.calls) < fault.nth)
    return FALSE;

  fault.has_failed = TRUE;
  errno = fault.reason;
  return TRUE;
}

/* Of a file of the folder that counts; what SQLite shares between processes is rebuilt. */
static const char *
get_name (const char *path)
{
  gsize length = strlen (folder);

  if (strncmp (path, folder, length) != 0 || path[length] != '/'
      || strchr (path + length + 1, '/') != NULL || g_str_has_suffix (path, "-shm"))
    return NULL;
  return path + length + 1;
}

static gssize
write_raw (int fd, const void *data, gsize size)
{
  return syscall (SYS_write, fd, data, size);
}

/* By way of the kernel: our own calls would come back here. */
static void
save_file (const char *path, GByteArray *content)
{
  int fd = (int) syscall (SYS_openat, AT_FDCWD, path, O_WRONLY | O_CREAT | O_CLOEXEC, 0644);
  guint done = 0;

  g_assert_cmpint (fd, >=, 0);
  while (done < content->len)
    {
      gssize n = write_raw (fd, content->data + done, content->len - done);

      g_assert_cmpint (n, >, 0);
      done += (guint) n;
    }
  close (fd);
}

/* What SQLite shares between processes is never flushed: after a crash anything may stand in it. */
static void
save_shared_index (const char *wal)
{
  g_autoptr (GByteArray) garbage = g_byte_array_new ();
  g_autofree char *path = g_strdup (wal);

  memcpy (path + strlen (path) - 4, "-shm", 4);
  g_byte_array_set_size (garbage, 32768);
  for (guint i = 0; i < garbage->len; i++)
    garbage->data[i] = (guint8) (i * 2654435761u >> 24);
  save_file (path, garbage);
}

static void
save_image (DiskImageKind kind)
{
  g_autoptr (GHashTable) content = disk_model_imagine (model, kind);
  DiskImage *image = g_new0 (DiskImage, 1);
  GHashTableIter iter;
  gpointer name, bytes;

  image->folder = g_strdup_printf ("%s/%u-%u", images_folder, n_points, kind);
  image->kind = kind;
  image->point = n_points;
  image->promised = (guint) g_atomic_int_get (&promised);
  g_assert_cmpint (mkdir (image->folder, 0700), ==, 0);

  g_hash_table_iter_init (&iter, content);
  while (g_hash_table_iter_next (&iter, &name, &bytes))
    {
      g_autofree char *path = g_build_filename (image->folder, name, NULL);

      save_file (path, bytes);
      if (kind == DISK_IMAGE_GARBAGE && g_str_has_suffix (path, "-wal"))
        save_shared_index (path);
    }
  g_ptr_array_add (images, image);
}

/* Every byte that the files hold came by here. */
void
disk_assert_seen_all (void)
{
  g_autoptr (GHashTable) content = disk_model_imagine (model, DISK_IMAGE_ALL);
  g_autoptr (GDir) dir = g_dir_open (folder, 0, NULL);
  guint n = 0;

  for (const char *name; (name = g_dir_read_name (dir)) != NULL;)
    {
      g_autofree char *path = g_build_filename (folder, name, NULL);
      g_autofree char *bytes = NULL;
      GByteArray *seen = g_hash_table_lookup (content, name);
      gsize size;

      if (g_str_has_suffix (name, "-shm"))
        continue;
      g_assert_true (g_file_get_contents (path, &bytes, &size, NULL));
      g_assert_nonnull (seen);
      g_assert_cmpmem (seen->data, seen->len, bytes, size);
      n++;
    }
  g_assert_cmpuint (g_hash_table_size (content), ==, n);
}

int
disk_open (int dir, const char *path, int flags, mode_t mode)
{
  const char *name = NULL;
  gboolean is_new = FALSE, is_refused = FALSE;
  struct stat info;
  int fd;

  if (!g_atomic_int_get (&is_watching) || *path != '/' || (name = get_name (path)) == NULL)
    return (int) syscall (SYS_openat, dir, path, flags | O_LARGEFILE, mode);

  g_mutex_lock (&lock);
  is_refused = (flags & O_ACCMODE) != O_RDONLY && fails (DISK_OPEN);
  fd = is_refused ? -1 : (int) syscall (SYS_openat, dir, path, flags | O_LARGEFILE, mode);
  if (fd >= 0 && fstat (fd, &info) == 0 && S_ISREG (info.st_mode))
    {
      is_new = disk_model_find (model, info.st_ino) == NULL;
      if (is_new)
        disk_model_link (model, name, info.st_ino);
      else if ((flags & O_TRUNC) != 0)
        disk_file_truncate (disk_model_find (model, info.st_ino), 0);
    }
  g_mutex_unlock (&lock);
  return fd;
}

/* The watched file behind a descriptor; then the lock is held. */
static DiskFile *
enter (int fd)
{
  DiskFile *file = NULL;
  struct stat info;
  int before = errno;

  if (!g_atomic_int_get (&is_watching) || fstat (fd, &info) != 0 || !S_ISREG (info.st_mode))
    {
      errno = before;
      return NULL;
    }

  g_mutex_lock (&lock);
  file = model != NULL ? disk_model_find (model, info.st_ino) : NULL;
  if (file == NULL)
    g_mutex_unlock (&lock);
  errno = before;
  return file;
}

static void
leave (void)
{
  int before = errno;

  g_mutex_unlock (&lock);
  errno = before;
}

/* How much of a write is taken: of a disk that fills, the beginning of the first that fails. */
static gsize
get_size_taken (gsize size)
{
  if (!fails (DISK_WRITE))
    return size;
  if (fault.reason != ENOSPC || fault.was_partial || size < 2)
    return 0;
  fault.was_partial = TRUE;
  return size / 2;
}

gssize
disk_write (int fd, const void *data, gsize size, off_t offset)
{
  DiskFile *file = enter (fd);
  off_t place = offset;
  struct stat info;
  gsize most;
  gssize n = -1;

  if (file == NULL)
    return offset < 0 ? write_raw (fd, data, size) : syscall (SYS_pwrite64, fd, data, size, offset);

  if (offset < 0 && (fcntl (fd, F_GETFL) & O_APPEND) != 0 && fstat (fd, &info) == 0)
    place = info.st_size;
  else if (offset < 0)
    place = lseek (fd, 0, SEEK_CUR);
  most = get_size_taken (size);
  if (most > 0)
    n = offset < 0 ? write_raw (fd, data, most) : syscall (SYS_pwrite64, fd, data, most, offset);
  else
    errno = fault.reason;
  if (n > 0)
    disk_file_write (file, place, data, (gsize) n);
  leave ();
  return n;
}

int
disk_truncate (int fd, off_t size)
{
  DiskFile *file = enter (fd);
  int result;

  if (file == NULL)
    return (int) syscall (SYS_ftruncate, fd, size);

  result = fails (DISK_TRUNCATE) ? -1 : (int) syscall (SYS_ftruncate, fd, size);
  if (result == 0)
    disk_file_truncate (file, size);
  leave ();
  return result;
}

/* An image of this moment. */
void
disk_make_image (DiskImageKind kind)
{
  g_mutex_lock (&lock);
  n_points++;
  save_image (kind);
  g_mutex_unlock (&lock);
}

static void
note_sync (void)
{
  n_points++;
  for (guint kind = 0; kind < N_DISK_IMAGES; kind++)
    if ((image_kinds & (1u << kind)) != 0)
      save_image ((DiskImageKind) kind);
}

static gboolean
sync_folder (int fd)
{
  struct stat info;

  if (!g_atomic_int_get (&is_watching) || fstat (fd, &info) != 0 || !S_ISDIR (info.st_mode)
      || info.st_ino != folder_inode)
    return FALSE;

  g_mutex_lock (&lock);
  note_sync ();
  disk_model_sync (model);
  g_mutex_unlock (&lock);
  return TRUE;
}

/* The disk is played here: no real one need be waited for. */
int
disk_sync (int fd)
{
  DiskFile *file;
  int result = 0;

  if (sync_folder (fd))
    return 0;
  file = enter (fd);
  if (file == NULL)
    return 0;

  note_sync ();
  if (fails (DISK_SYNC))
    {
      disk_file_forget (file);
      errno = fault.reason;
      result = -1;
    }
  else
    disk_file_sync (file);
  leave ();
  return result;
}

int
disk_unlink (const char *path)
{
  const char *name;
  int result;

  if (!g_atomic_int_get (&is_watching) || (name = get_name (path)) == NULL)
    return (int) syscall (SYS_unlinkat, AT_FDCWD, path, 0);

  g_mutex_lock (&lock);
  result = fails (DISK_UNLINK) ? -1 : (int) syscall (SYS_unlinkat, AT_FDCWD, path, 0);
  if (result == 0)
    disk_model_unlink (model, name);
  leave ();
  return result;
}

int
disk_rename (const char *from, const char *to)
{
  const char *old, *new;
  int result;

  if (!g_atomic_int_get (&is_watching) || (old = get_name (from)) == NULL
      || (new = get_name (to)) == NULL)
    return (int) syscall (SYS_renameat, AT_FDCWD, from, AT_FDCWD, to);

  g_mutex_lock (&lock);
  result = fails (DISK_RENAME) ? -1 : (int) syscall (SYS_renameat, AT_FDCWD, from, AT_FDCWD, to);
  if (result == 0)
    disk_model_rename (model, old, new);
  leave ();
  return result;
}
