/* SPDX-License-Identifier: Apache-2.0 */

#include "zu-measure.h"

#include <zu/zu.h>

#include <errno.h>
#include <fcntl.h>
#include <glib/gstdio.h>
#include <unistd.h>

static char *
measure (int fd)
{
  g_autoptr (GChecksum) sum = g_checksum_new (G_CHECKSUM_SHA256);
  guint8 buffer[64 * 1024];
  gssize n;

  while ((n = read (fd, buffer, sizeof buffer)) > 0 || (n < 0 && errno == EINTR))
    if (n > 0)
      g_checksum_update (sum, buffer, n);
  return n == 0 ? g_strconcat ("sha256:", g_checksum_get_string (sum), NULL) : NULL;
}

int
zu_measure_open (const char *path, char **measurement, GError **error)
{
  int fd = g_open (path, O_RDONLY | O_CLOEXEC | O_NOCTTY, 0);

  *measurement = fd >= 0 ? measure (fd) : NULL;
  if (*measurement != NULL)
    return fd;
  g_set_error (error, ZU_PLUGIN_LAUNCHER_ERROR, ZU_PLUGIN_LAUNCHER_ERROR_START_FAILED,
               "cannot read the program '%s': %s", path, g_strerror (errno));
  if (fd >= 0)
    close (fd);
  return -1;
}
