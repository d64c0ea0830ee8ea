/* SPDX-License-Identifier: Apache-2.0 */

#include "zu-sync-rate.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#define BLOCK_SIZE   4096
#define FILE_BLOCKS  256
#define MOST_SAMPLES 1000000
#define LONGEST      60000

static gboolean
fail (const char *folder, int reason, GError **error)
{
  ZuEventMaintenanceError code = ZU_EVENT_MAINTENANCE_ERROR_READ_ONLY;

  if (reason == ENOENT || reason == ENOTDIR)
    code = ZU_EVENT_MAINTENANCE_ERROR_MISSING;
  else if (reason == ENOSPC || reason == EDQUOT)
    code = ZU_EVENT_MAINTENANCE_ERROR_FULL;
  else if (reason == EOPNOTSUPP || reason == EISDIR)
    code = ZU_EVENT_MAINTENANCE_ERROR_NOT_SUPPORTED;

  g_set_error (error, ZU_EVENT_MAINTENANCE_ERROR, code,
               "cannot measure how fast %s makes writes durable: %s (it needs a file there that "
               "this user may write)",
               folder, g_strerror (reason));
  return FALSE;
}

static int
compare (gconstpointer a, gconstpointer b)
{
  gint64 first = *(const gint64 *) a, second = *(const gint64 *) b;

  return (first > second) - (first < second);
}

/* One block after the other in a file that has them already, as a log that is written ahead does:
 * so no sample pays for a longer file. */
static gboolean
take_samples (int fd, gint64 end, GArray *samples, GCancellable *cancellable)
{
  static const char block[BLOCK_SIZE] = { 'z' };

  for (guint i = 0; i < FILE_BLOCKS; i++)
    if (pwrite (fd, block, BLOCK_SIZE, (off_t) i * BLOCK_SIZE) != BLOCK_SIZE)
      return FALSE;
  if (fsync (fd) != 0)
    return FALSE;

  do
    {
      gint64 start = g_get_monotonic_time (), taken;
      off_t place = (off_t) (samples->len % FILE_BLOCKS) * BLOCK_SIZE;

      if (pwrite (fd, block, BLOCK_SIZE, place) != BLOCK_SIZE || fdatasync (fd) != 0)
        return FALSE;
      taken = g_get_monotonic_time () - start;
      g_array_append_val (samples, taken);
    }
  while (g_get_monotonic_time () < end && samples->len < MOST_SAMPLES
         && !g_cancellable_is_cancelled (cancellable));
  return TRUE;
}

static ZuSyncFigures *
sum_up (GArray *samples)
{
  gint64 sum = 0;

  g_array_sort (samples, compare);
  for (guint i = 0; i < samples->len; i++)
    sum += g_array_index (samples, gint64, i);

  return zu_sync_figures_new (samples->len * (gdouble) G_USEC_PER_SEC / (gdouble) MAX (sum, 1),
                              (gdouble) g_array_index (samples, gint64, samples->len / 2),
                              (gdouble) g_array_index (samples, gint64, samples->len - 1));
}

/* In a file without a name, so that nothing is left whatever happens. */
ZuSyncFigures *
zu_sync_rate_measure (const char *folder, gint64 milliseconds, GCancellable *cancellable,
                      GError **error)
{
  g_autoptr (GArray) samples = g_array_new (FALSE, FALSE, sizeof (gint64));
  gint64 time = CLAMP (milliseconds, 1, LONGEST) * G_TIME_SPAN_MILLISECOND;
  int fd = open (folder, O_TMPFILE | O_RDWR | O_CLOEXEC, 0600);
  gboolean is_taken =
      fd >= 0 && take_samples (fd, g_get_monotonic_time () + time, samples, cancellable);
  int reason = errno;

  if (fd >= 0)
    close (fd);
  if (g_cancellable_set_error_if_cancelled (cancellable, error))
    return NULL;
  if (!is_taken)
    {
      fail (folder, reason, error);
      return NULL;
    }
  return sum_up (samples);
}
