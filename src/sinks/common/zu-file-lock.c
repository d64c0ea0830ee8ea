/* SPDX-License-Identifier: Apache-2.0 */

#include "zu-file-lock.h"

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <sys/stat.h>
#include <unistd.h>

/* Two bytes of the file are locked. Whoever wants the lock takes the turn first and gives it up
 * once the lock is his: so one who takes it again and again has to queue behind one who waits. */
#define TURN 0
#define HOLD 1

/* Microseconds. A lock that is held for moments is asked for often; one that is not had for long is
 * asked for less and less. */
#define FIRST_PAUSE   50
#define SHORT_PAUSE   200
#define N_SHORT       100
#define LONGEST_PAUSE 10000

/* What the locks of one process on one file share. The kernel's lock is what counts; here only
 * those who wait for another thread of this process learn that it has finished. */
typedef struct
{
  dev_t device;
  ino_t inode;
  guint n_users; /* under the table's lock, as its place in the table */
  GMutex lock;
  GCond released;
  guint n_holders;
  guint n_sleeping; /* a wake-up is a system call: it is only paid for somebody */
} Place;

struct _ZuFileLock
{
  int fd;
  off_t start;
  Place *place;
  gboolean has_turn;
  gboolean is_held;
};

static GMutex table_lock;
static GHashTable *places; /* set of Place */
static GHashTable *locks;  /* set of ZuFileLock: what a child must not keep */
static int n_forks;

static guint
place_hash (gconstpointer key)
{
  const Place *place = key;

  return (guint) place->inode ^ (guint) place->device;
}

static gboolean
place_equal (gconstpointer a, gconstpointer b)
{
  const Place *x = a, *y = b;

  return x->inode == y->inode && x->device == y->device;
}

static void
before_fork (void)
{
  g_mutex_lock (&table_lock);
}

static void
after_fork_in_parent (void)
{
  g_mutex_unlock (&table_lock);
}

/* A child that does not go on to another program would hold its parent's locks with it. */
static void
after_fork_in_child (void)
{
  GHashTableIter iter;
  gpointer key;

  g_hash_table_iter_init (&iter, locks);
  while (g_hash_table_iter_next (&iter, &key, NULL))
    {
      ZuFileLock *lock = key;

      close (lock->fd);
      lock->fd = -1;
    }
  g_hash_table_remove_all (locks);
  g_hash_table_remove_all (places);
  n_forks++;
  g_mutex_unlock (&table_lock);
}

static void
ensure_table (void)
{
  static gsize once = 0;

  if (!g_once_init_enter (&once))
    return;

  places = g_hash_table_new (place_hash, place_equal);
  locks = g_hash_table_new (NULL, NULL);
  pthread_atfork (before_fork, after_fork_in_parent, after_fork_in_child);
  g_once_init_leave (&once, 1);
}

/* How many times this process and those it comes from have become a child since it was asked first:
 * where that has changed, what was made before is the parent's, and its mutexes may be held for
 * ever. Asked without a lock and without a system call. */
guint
zu_file_lock_count_forks (void)
{
  ensure_table ();
  return (guint) g_atomic_int_get (&n_forks);
}

/* With the table's lock held. */
static Place *
get_place (int fd)
{
  struct stat info = { 0 };
  Place *place;

  /* Without a place in the file system it is a place of its own, where nobody is woken. */
  if (fstat (fd, &info) != 0)
    info.st_ino = (ino_t) fd;

  place = g_hash_table_lookup (places, &(Place){ .device = info.st_dev, .inode = info.st_ino });
  if (place == NULL)
    {
      place = g_new0 (Place, 1);
      place->device = info.st_dev;
      place->inode = info.st_ino;
      g_mutex_init (&place->lock);
      g_cond_init (&place->released);
      g_hash_table_add (places, place);
    }
  place->n_users++;
  return place;
}

/* With the table's lock held. */
static void
put_place (Place *place)
{
  if (--place->n_users > 0)
    return;

  g_hash_table_remove (places, place);
  g_mutex_clear (&place->lock);
  g_cond_clear (&place->released);
  g_free (place);
}

/* A lock on two bytes from @start on, which may lie behind all data. Takes @fd; one that is open
 * for reading alone can be shared, no more. */
ZuFileLock *
zu_file_lock_new (int fd, gint64 start)
{
  ZuFileLock *self = g_new0 (ZuFileLock, 1);
  g_autoptr (GMutexLocker) locker = NULL;

  ensure_table ();
  locker = g_mutex_locker_new (&table_lock);
  self->fd = fd;
  self->start = (off_t) start;
  self->place = get_place (fd);
  g_hash_table_add (locks, self);
  return self;
}

static void
set_open_error (const char *path, int reason, GError **error)
{
  ZuEventSinkError code = ZU_EVENT_SINK_ERROR_READ_ONLY;
  const char *advice = "see that this user may write the log and the folder it is in";

  if (reason == ENOENT || reason == ENOTDIR)
    {
      code = ZU_EVENT_SINK_ERROR_MISSING;
      advice = "make the folder that the log is to lie in";
    }
  else if (reason == ENOSPC || reason == EDQUOT)
    {
      code = ZU_EVENT_SINK_ERROR_FULL;
      advice = "free some space";
    }

  g_set_error (error, ZU_EVENT_SINK_ERROR, code, "cannot open the lock file %s: %s (%s)", path,
               g_strerror (reason), advice);
}

/* On the side file PATH.lock, which is made where it is not there. */
ZuFileLock *
zu_file_lock_new_beside (const char *path, GError **error)
{
  g_autofree char *side = g_strconcat (path, ".lock", NULL);
  int fd = open (side, O_RDWR | O_CREAT | O_CLOEXEC | O_NOCTTY | O_NOFOLLOW, 0644);

  if (fd >= 0)
    return zu_file_lock_new (fd, 0);

  set_open_error (side, errno, error);
  return NULL;
}

/* %NULL where there is no side file, or none that this user may read: then nobody who uses it has
 * written the log. */
ZuFileLock *
zu_file_lock_new_beside_for_reading (const char *path)
{
  g_autofree char *side = g_strconcat (path, ".lock", NULL);
  int fd = open (side, O_RDONLY | O_CLOEXEC | O_NOCTTY);

  return fd >= 0 ? zu_file_lock_new (fd, 0) : NULL;
}

/* Gives up what is held, and closes the file. */
void
zu_file_lock_free (ZuFileLock *self)
{
  if (self->fd >= 0)
    {
      zu_file_lock_release (self);
      g_mutex_lock (&table_lock);
      g_hash_table_remove (locks, self);
      put_place (self->place);
      close (self->fd);
      g_mutex_unlock (&table_lock);
    }

  g_free (self);
}

static gboolean
set_range (ZuFileLock *self, short type, off_t start, off_t length)
{
  struct flock range = {
    .l_type = type, .l_whence = SEEK_SET, .l_start = self->start + start, .l_len = length
  };

  return fcntl (self->fd, F_OFD_SETLK, &range) == 0;
}

/* Asks once. Where the answer is no, a place in the queue may be kept: ask again, or release. */
gboolean
zu_file_lock_try (ZuFileLock *self, ZuFileLockMode mode)
{
  short type = mode == ZU_FILE_LOCK_EXCLUSIVE ? F_WRLCK : F_RDLCK;

  if (!self->has_turn && !set_range (self, type, TURN, 1))
    return FALSE;
  self->has_turn = TRUE;

  if (!set_range (self, type, HOLD, 1))
    return FALSE;
  self->is_held = TRUE;
  g_mutex_lock (&self->place->lock);
  self->place->n_holders++;
  g_mutex_unlock (&self->place->lock);

  set_range (self, F_UNLCK, TURN, 1);
  self->has_turn = FALSE;
  return TRUE;
}

/* Gives up what is held, the place in the queue too. */
void
zu_file_lock_release (ZuFileLock *self)
{
  if (self->fd < 0 || (!self->has_turn && !self->is_held))
    return;

  set_range (self, F_UNLCK, TURN, 2);
  self->has_turn = FALSE;
  if (!self->is_held)
    return;

  self->is_held = FALSE;
  g_mutex_lock (&self->place->lock);
  self->place->n_holders--;
  if (self->place->n_sleeping > 0)
    g_cond_broadcast (&self->place->released);
  g_mutex_unlock (&self->place->lock);
}

static gint64
get_pause (guint attempts)
{
  return attempts < N_SHORT
             ? MIN ((gint64) FIRST_PAUSE << MIN (attempts, 16), SHORT_PAUSE)
             : MIN (SHORT_PAUSE + (attempts - N_SHORT) * (gint64) SHORT_PAUSE, LONGEST_PAUSE);
}

/* Sleeps, longer each time. Ends sooner where a thread of this process gives the lock up; what
 * another process does nobody tells. */
void
zu_file_lock_pause (ZuFileLock *self, guint *attempts)
{
  gint64 pause = get_pause ((*attempts)++);
  gboolean is_near;

  g_mutex_lock (&self->place->lock);
  is_near = self->place->n_holders > 0;
  if (is_near)
    {
      self->place->n_sleeping++;
      g_cond_wait_until (&self->place->released, &self->place->lock,
                         g_get_monotonic_time () + LONGEST_PAUSE);
      self->place->n_sleeping--;
    }
  g_mutex_unlock (&self->place->lock);

  if (!is_near)
    g_usleep ((gulong) pause);
}

/* @deadline is a monotonic time; asks at least once. Where the answer is no, because of it or of
 * @cancellable, nothing is held. */
gboolean
zu_file_lock_wait (ZuFileLock *self, ZuFileLockMode mode, gint64 deadline,
                   GCancellable *cancellable)
{
  guint attempts = 0;

  while (!zu_file_lock_try (self, mode))
    {
      if (g_get_monotonic_time () >= deadline || g_cancellable_is_cancelled (cancellable))
        {
          zu_file_lock_release (self);
          return FALSE;
        }
      zu_file_lock_pause (self, &attempts);
    }

  return TRUE;
}

/* The descriptor stays the lock's. */
int
zu_file_lock_get_fd (ZuFileLock *self)
{
  return self->fd;
}

gboolean
zu_file_lock_is_held (ZuFileLock *self)
{
  return self->is_held;
}

/* Whether it is the parent's: then it can only be freed. */
gboolean
zu_file_lock_is_forked (ZuFileLock *self)
{
  return self->fd < 0;
}

/* Somebody removed the file; others would lock a new one beside us. */
gboolean
zu_file_lock_is_gone (ZuFileLock *self)
{
  struct stat info;

  return fstat (self->fd, &info) != 0 || info.st_nlink == 0;
}
