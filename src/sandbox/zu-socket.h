/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include <gio/gio.h>

G_BEGIN_DECLS

/* Most descriptors that one message of ours carries; the kernel's own bound is 253. */
#define ZU_SOCKET_MAX_FDS 200

gboolean zu_socket_send (int fd, gconstpointer data, gsize size, const int *fds, guint n_fds,
                         GCancellable *cancellable, GError **error);
gssize zu_socket_receive (int fd, gpointer buffer, gsize capacity, int *fds, guint max_fds,
                          guint *n_fds, GCancellable *cancellable, GError **error);
gboolean zu_socket_is_loopback_listener (int fd, guint port);
gssize zu_write_quietly (int fd, gconstpointer data, gsize size);
void zu_close_fds (int *fds, guint n_fds);

static inline void
zu_clear_fd (int *fd)
{
  zu_close_fds (fd, 1);
}

/* A descriptor that is closed with its scope: `ZU_AUTO_FD int fd = -1;`. */
#define ZU_AUTO_FD __attribute__ ((cleanup (zu_clear_fd)))

static inline int
zu_steal_fd (int *fd)
{
  int stolen = *fd;

  *fd = -1;
  return stolen;
}

G_END_DECLS
