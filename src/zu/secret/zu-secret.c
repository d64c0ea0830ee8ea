/* SPDX-License-Identifier: Apache-2.0 */

#include "zu-secret-private.h"

#include <errno.h>
#include <fcntl.h>
#include <glib/gstdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/random.h>
#include <unistd.h>

/**
 * ZuSecret:
 *
 * Bytes in memory that is locked, left out of core dumps, wiped in forked children and when freed.
 *
 * The bytes lie between two guard pages and nowhere else: they are read straight into their place,
 * and hashing them happens beside them in the same pages. Where the system refuses to lock memory
 * there is no secret, only an error.
 *
 * A secret may be used from any thread. It must not be used in a child that was forked without
 * executing another program; such use ends the child.
 */

/**
 * ZuSecretError:
 * @ZU_SECRET_ERROR_UNAVAILABLE: the source cannot be read, or holds nothing
 * @ZU_SECRET_ERROR_TOO_LARGE: the source holds more than [const@Zu.SECRET_MAX_SIZE] bytes
 * @ZU_SECRET_ERROR_UNPROTECTED: the system refuses to protect the memory as asked
 *
 * Why there is no secret.
 */

/**
 * zu_secret_error_quark:
 *
 * Gives the error domain of [error@Zu.SecretError].
 *
 * Returns: the error domain of [error@Zu.SecretError]
 */
G_DEFINE_QUARK (zu_secret_error_quark, zu_secret_error)
G_DEFINE_BOXED_TYPE (ZuSecret, zu_secret, zu_secret_ref, zu_secret_unref)

static gsize
page_size (void)
{
  return (gsize) sysconf (_SC_PAGESIZE);
}

/* mlock2 and not mlock, which the sanitizers turn into nothing. */
static gboolean
protect (guint8 *start, gsize size, GError **error)
{
  if (mprotect (start, size, PROT_READ | PROT_WRITE) == 0 && mlock2 (start, size, 0) == 0
      && madvise (start, size, MADV_DONTDUMP) == 0 && madvise (start, size, MADV_WIPEONFORK) == 0)
    return TRUE;

  g_set_error (error, ZU_SECRET_ERROR, ZU_SECRET_ERROR_UNPROTECTED,
               "cannot lock %" G_GSIZE_FORMAT " bytes of memory for a secret: %s "
               "(raise the limit on locked memory)",
               size, g_strerror (errno));
  return FALSE;
}

static ZuSecret *
secret_alloc (gsize capacity, GError **error)
{
  g_autoptr (ZuSecret) self = NULL;
  gsize page = page_size ();
  gsize locked = (sizeof (ZuSecretPages) + capacity + page - 1) / page * page;
  guint8 *map = mmap (NULL, locked + 2 * page, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

  if (map == MAP_FAILED)
    {
      g_set_error (error, ZU_SECRET_ERROR, ZU_SECRET_ERROR_UNPROTECTED,
                   "cannot get memory for a secret: %s", g_strerror (errno));
      return NULL;
    }
  if (!protect (map + page, locked, error))
    {
      munmap (map, locked + 2 * page);
      return NULL;
    }

  self = g_new0 (ZuSecret, 1);
  g_atomic_ref_count_init (&self->ref_count);
  g_mutex_init (&self->lock);
  self->locked_size = locked;
  self->capacity = locked - sizeof (ZuSecretPages);
  self->pages = (ZuSecretPages *) (map + page);
  self->pages->alive = TRUE;
  self->bytes = (guint8 *) (self->pages + 1);
  return g_steal_pointer (&self);
}

static void
secret_free (ZuSecret *self)
{
  gsize page = page_size ();

  explicit_bzero (self->pages, self->locked_size);
  munmap ((guint8 *) self->pages - page, self->locked_size + 2 * page);
  g_mutex_clear (&self->lock);
  g_free (self);
}

/* Makes room for the largest secret, and one byte more that shows a larger one. */
static ZuSecret *
secret_grow (ZuSecret *self, GError **error)
{
  ZuSecret *larger = secret_alloc (ZU_SECRET_MAX_SIZE + 1, error);

  if (larger != NULL)
    {
      memcpy (larger->bytes, self->bytes, self->size);
      larger->size = self->size;
    }
  zu_secret_unref (self);
  return larger;
}

static gboolean
check_size (ZuSecret *self, const char *source, GError **error)
{
  if (self->size > ZU_SECRET_MAX_SIZE)
    {
      g_set_error (error, ZU_SECRET_ERROR, ZU_SECRET_ERROR_TOO_LARGE,
                   "%s holds more than %d bytes, which is the most a secret may have", source,
                   ZU_SECRET_MAX_SIZE);
      return FALSE;
    }
  if (self->size == 0)
    {
      g_set_error (error, ZU_SECRET_ERROR, ZU_SECRET_ERROR_UNAVAILABLE, "%s is empty", source);
      return FALSE;
    }
  return TRUE;
}

/* A sealed memfd shares its position with whoever else holds it, so what can be is read by place.
 */
static gssize
read_at (int fd, gboolean seekable, guint8 *into, gsize size, gsize position)
{
  return seekable ? pread (fd, into, size, (off_t) position) : read (fd, into, size);
}

static ZuSecret *
secret_read (int fd, const char *source, GError **error)
{
  g_autoptr (ZuSecret) self = secret_alloc (1, error);
  gboolean seekable = lseek (fd, 0, SEEK_CUR) >= 0;

  while (self != NULL && self->size <= ZU_SECRET_MAX_SIZE)
    {
      gssize n;

      if (self->size == self->capacity)
        {
          self = secret_grow (g_steal_pointer (&self), error);
          continue;
        }
      n = read_at (fd, seekable, self->bytes + self->size, self->capacity - self->size, self->size);
      if (n == 0)
        break;
      if (n < 0 && errno != EINTR)
        {
          g_set_error (error, ZU_SECRET_ERROR, ZU_SECRET_ERROR_UNAVAILABLE, "cannot read %s: %s",
                       source, g_strerror (errno));
          return NULL;
        }
      self->size += (gsize) MAX (n, 0);
    }

  if (self == NULL || !check_size (self, source, error))
    return NULL;
  return g_steal_pointer (&self);
}

/**
 * zu_secret_new_random:
 * @size: how many bytes, 1 to [const@Zu.SECRET_MAX_SIZE]
 * @error: return location for an error
 *
 * Makes a secret of random bytes from the system's generator.
 *
 * Errors: [error@Zu.SecretError] UNAVAILABLE, UNPROTECTED.
 *
 * Returns: (transfer full): the secret
 */
ZuSecret *
zu_secret_new_random (gsize size, GError **error)
{
  g_autoptr (ZuSecret) self = NULL;

  g_return_val_if_fail (size > 0 && size <= ZU_SECRET_MAX_SIZE, NULL);

  self = secret_alloc (size, error);
  while (self != NULL && self->size < size)
    {
      gssize n = getrandom (self->bytes + self->size, size - self->size, 0);

      if (n < 0 && errno != EINTR)
        {
          g_set_error (error, ZU_SECRET_ERROR, ZU_SECRET_ERROR_UNAVAILABLE,
                       "cannot get random bytes: %s", g_strerror (errno));
          return NULL;
        }
      self->size += (gsize) MAX (n, 0);
    }
  return g_steal_pointer (&self);
}

/**
 * zu_secret_new_from_fd:
 * @fd: a descriptor that can be read; it stays the caller's to close
 * @error: return location for an error
 *
 * Reads a secret up to the end of a pipe, or the whole of a memfd or file.
 *
 * The bytes go straight from the kernel into the locked pages. The descriptor must be blocking.
 * An empty source is an error.
 *
 * Errors: [error@Zu.SecretError] UNAVAILABLE, TOO_LARGE, UNPROTECTED.
 *
 * Returns: (transfer full): the secret
 */
ZuSecret *
zu_secret_new_from_fd (int fd, GError **error)
{
  g_autofree char *source = g_strdup_printf ("the secret on descriptor %d", fd);

  return secret_read (fd, source, error);
}

/**
 * zu_secret_new_from_file:
 * @path: (type filename): the file
 * @error: return location for an error
 *
 * Reads a secret from a file: its bytes as they are, a final line break among them.
 *
 * Errors: [error@Zu.SecretError] UNAVAILABLE, TOO_LARGE, UNPROTECTED.
 *
 * Returns: (transfer full): the secret
 */
ZuSecret *
zu_secret_new_from_file (const char *path, GError **error)
{
  g_autofree char *source = NULL;
  ZuSecret *self;
  int fd;

  g_return_val_if_fail (path != NULL, NULL);

  fd = g_open (path, O_RDONLY | O_CLOEXEC | O_NOCTTY, 0);
  if (fd < 0)
    {
      g_set_error (error, ZU_SECRET_ERROR, ZU_SECRET_ERROR_UNAVAILABLE,
                   "cannot open the secret file '%s': %s", path, g_strerror (errno));
      return NULL;
    }
  source = g_strdup_printf ("the secret file '%s'", path);
  self = secret_read (fd, source, error);
  close (fd);
  return self;
}

/**
 * zu_secret_new_from_environment:
 * @variable: the name of an environment variable
 * @error: return location for an error
 *
 * Copies a secret out of the environment, and warns: it stays readable there.
 *
 * This exists for older set-ups. Whoever may read `/proc/PID/environ` has the secret, and so has
 * every program that the process starts; [ctor@Zu.Secret.new_from_fd] has neither fault.
 *
 * Errors: [error@Zu.SecretError] UNAVAILABLE where the variable is unset or empty, TOO_LARGE,
 * UNPROTECTED.
 *
 * Returns: (transfer full): the secret
 */
ZuSecret *
zu_secret_new_from_environment (const char *variable, GError **error)
{
  g_autoptr (ZuSecret) self = NULL;
  const char *value;
  gsize size;

  g_return_val_if_fail (variable != NULL, NULL);

  value = g_getenv (variable);
  size = value != NULL ? strlen (value) : 0;
  if (size == 0 || size > ZU_SECRET_MAX_SIZE)
    {
      g_set_error (error, ZU_SECRET_ERROR,
                   size == 0 ? ZU_SECRET_ERROR_UNAVAILABLE : ZU_SECRET_ERROR_TOO_LARGE,
                   "the environment variable %s %s", variable,
                   size == 0 ? "holds no secret" : "holds more than a secret may have");
      return NULL;
    }

  self = secret_alloc (size, error);
  if (self == NULL)
    return NULL;
  memcpy (self->bytes, value, size);
  self->size = size;
  g_warning ("the secret in the environment variable %s can be read by others: "
             "hand it over on a file descriptor instead",
             variable);
  return g_steal_pointer (&self);
}

/**
 * zu_secret_new_wiping: (skip)
 * @data: the bytes; they are wiped, in case of an error too
 * @size: how many, 0 to [const@Zu.SECRET_MAX_SIZE]
 * @error: return location for an error
 *
 * Moves bytes into a secret: they are copied into locked memory, and wiped where they were.
 *
 * Errors: [error@Zu.SecretError] TOO_LARGE, UNPROTECTED.
 *
 * Returns: (transfer full): the secret
 */
ZuSecret *
zu_secret_new_wiping (gpointer data, gsize size, GError **error)
{
  ZuSecret *self = NULL;

  g_return_val_if_fail (data != NULL || size == 0, NULL);

  if (size > ZU_SECRET_MAX_SIZE)
    g_set_error (error, ZU_SECRET_ERROR, ZU_SECRET_ERROR_TOO_LARGE,
                 "a secret may have at most %d bytes", ZU_SECRET_MAX_SIZE);
  else
    self = secret_alloc (MAX (size, 1), error);

  if (self != NULL && size > 0)
    memcpy (self->bytes, data, size);
  if (self != NULL)
    self->size = size;
  if (size > 0)
    explicit_bzero (data, size);
  return self;
}

/**
 * zu_secret_ref:
 * @self: a secret
 *
 * Takes one more reference.
 *
 * Returns: (transfer full): @self
 */
ZuSecret *
zu_secret_ref (ZuSecret *self)
{
  g_return_val_if_fail (self != NULL, NULL);

  g_atomic_ref_count_inc (&self->ref_count);
  return self;
}

/**
 * zu_secret_unref:
 * @self: (transfer full): a secret
 *
 * Drops a reference; with the last one the bytes are wiped and the memory is given back.
 */
void
zu_secret_unref (ZuSecret *self)
{
  g_return_if_fail (self != NULL);

  if (g_atomic_ref_count_dec (&self->ref_count))
    secret_free (self);
}

/**
 * zu_secret_get_size:
 * @self: a secret
 *
 * Tells how long the secret is.
 *
 * Returns: its size in bytes
 */
gsize
zu_secret_get_size (ZuSecret *self)
{
  g_return_val_if_fail (self != NULL, 0);

  return self->size;
}

/**
 * zu_secret_peek: (skip)
 * @self: a secret
 * @size: (out) (optional): its size in bytes
 *
 * Gives the bytes where they lie, for code that works on them in place.
 *
 * Nothing may copy them to memory that is not locked.
 *
 * Returns: (transfer none): the bytes, as long as @self is held
 */
gconstpointer
zu_secret_peek (ZuSecret *self, gsize *size)
{
  g_return_val_if_fail (self != NULL, NULL);

  if (!self->pages->alive)
    g_error ("a secret was used in a forked child, where it is wiped");
  if (size != NULL)
    *size = self->size;
  return self->bytes;
}

static gboolean
write_all (int fd, const guint8 *bytes, gsize size)
{
  while (size > 0)
    {
      gssize n = write (fd, bytes, size);

      if (n < 0 && errno != EINTR)
        return FALSE;
      bytes += MAX (n, 0);
      size -= (gsize) MAX (n, 0);
    }
  return TRUE;
}

/**
 * zu_secret_dup_memfd:
 * @self: a secret
 * @error: return location for an error
 *
 * Writes the secret into a new memfd, sealed against every change, to be passed to one process.
 *
 * The memfd has the close-on-exec flag. It is not locked memory: close it as soon as the other
 * process has it.
 *
 * Errors: [error@Zu.SecretError] UNAVAILABLE.
 *
 * Returns: the descriptor, the caller's to close; -1 in case of an error
 */
int
zu_secret_dup_memfd (ZuSecret *self, GError **error)
{
  const int seals = F_SEAL_SEAL | F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_WRITE;
  int fd;

  g_return_val_if_fail (self != NULL, -1);

  fd = memfd_create ("zu-secret", MFD_CLOEXEC | MFD_ALLOW_SEALING);
  if (fd >= 0 && write_all (fd, zu_secret_peek (self, NULL), self->size)
      && fcntl (fd, F_ADD_SEALS, seals) == 0)
    return fd;

  g_set_error (error, ZU_SECRET_ERROR, ZU_SECRET_ERROR_UNAVAILABLE,
               "cannot put a secret into a memfd: %s", g_strerror (errno));
  if (fd >= 0)
    close (fd);
  return -1;
}
