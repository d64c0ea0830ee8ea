/* SPDX-License-Identifier: Apache-2.0 */

#include "zu-measure.h"

#include <errno.h>
#include <linux/fsverity.h>
#include <nettle/base16.h>
#include <nettle/sha2.h>
#include <sys/ioctl.h>
#include <unistd.h>

#define CHUNK (64 * 1024)

static char *
to_text (const char *prefix, const guint8 *digest)
{
  char hex[BASE16_ENCODE_LENGTH (SHA256_DIGEST_SIZE) + 1] = "";

  base16_encode_update (hex, SHA256_DIGEST_SIZE, digest);
  return g_strconcat (prefix, hex, NULL);
}

/* The kernel checks every page of such a file against this whenever it is read, so that the file
 * cannot be changed behind whoever measured it. */
static char *
measure_verity (int fd)
{
  struct
  {
    struct fsverity_digest head;
    guint8 digest[SHA256_DIGEST_SIZE];
  } answer = { .head = { .digest_size = SHA256_DIGEST_SIZE } };

  if (ioctl (fd, FS_IOC_MEASURE_VERITY, &answer) != 0
      || answer.head.digest_algorithm != FS_VERITY_HASH_ALG_SHA256
      || answer.head.digest_size != SHA256_DIGEST_SIZE)
    return NULL;
  return to_text ("fsverity:sha256:", answer.digest);
}

static gssize
read_at (int fd, guint8 *buffer, goffset offset)
{
  gssize n;

  do
    n = pread (fd, buffer, CHUNK, offset);
  while (n < 0 && errno == EINTR);
  return n;
}

static char *
measure_contents (int fd)
{
  g_autofree guint8 *buffer = g_malloc (CHUNK);
  guint8 digest[SHA256_DIGEST_SIZE];
  struct sha256_ctx context;
  goffset offset = 0;
  gssize n;

  sha256_init (&context);
  while ((n = read_at (fd, buffer, offset)) > 0)
    {
      sha256_update (&context, (gsize) n, buffer);
      offset += n;
    }
  if (n < 0)
    return NULL;
  sha256_digest (&context, sizeof digest, digest);
  return to_text ("sha256:", digest);
}

/**
 * zu_measure_fd:
 * @fd: a regular file, open for reading; it stays the caller's, and its position does not move
 * @error: return location for an error
 *
 * Measures the file behind a descriptor: what it holds, not what has its name.
 *
 * A file protected by fs-verity, which the kernel keeps from changing, is measured by its Merkle
 * tree (`fsverity:sha256:` and 64 hexadecimal digits, as `fsverity measure` prints it); any other
 * by its bytes (`sha256:` and 64 digits, as `sha256sum` prints them), and then whoever may write to
 * the file can change it afterwards.
 *
 * Errors: [error@Gio.IOErrorEnum], where the file cannot be read.
 *
 * Returns: (transfer full): the measurement
 */
char *
zu_measure_fd (int fd, GError **error)
{
  char *measurement = NULL;

  g_return_val_if_fail (fd >= 0, NULL);

  measurement = measure_verity (fd);
  if (measurement == NULL)
    measurement = measure_contents (fd);
  if (measurement == NULL)
    g_set_error (error, G_IO_ERROR, g_io_error_from_errno (errno), "cannot measure a file: %s",
                 g_strerror (errno));
  return measurement;
}
