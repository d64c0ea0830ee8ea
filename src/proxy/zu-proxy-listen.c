/* SPDX-License-Identifier: Apache-2.0 */

#include "zu-proxy-listen.h"

#include "zu-host.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <gio/gio.h>
#include <netinet/in.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#define BACKLOG 4096

static int
fail (GError **error, int number, const char *what)
{
  g_set_error (error, G_IO_ERROR, g_io_error_from_errno (number), "%s: %s", what,
               g_strerror (number));
  return -1;
}

/* ADDRESS:PORT, a port of 0 for any; never a name. */
static gboolean
read_address (const char *text, struct sockaddr_storage *storage, socklen_t *size)
{
  struct sockaddr_in *v4 = (struct sockaddr_in *) storage;
  struct sockaddr_in6 *v6 = (struct sockaddr_in6 *) storage;
  const char *colon = strrchr (text, ':');
  g_autofree char *host = colon != NULL ? g_strndup (text, (gsize) (colon - text)) : NULL;
  guint64 port;
  ZuHost read;

  if (host == NULL || !g_ascii_string_to_unsigned (colon + 1, 10, 0, 65535, &port, NULL)
      || !zu_host_parse (&read, host) || read.kind != ZU_HOST_ADDRESS || read.is_odd
      || (read.address.length == 16) != (host[0] == '['))
    return FALSE;
  memset (storage, 0, sizeof *storage);
  if (read.address.length == 4)
    {
      v4->sin_family = AF_INET;
      v4->sin_port = htons ((guint16) port);
      memcpy (&v4->sin_addr, read.address.bytes, 4);
      *size = sizeof *v4;
      return TRUE;
    }
  v6->sin6_family = AF_INET6;
  v6->sin6_port = htons ((guint16) port);
  memcpy (&v6->sin6_addr, read.address.bytes, 16);
  *size = sizeof *v6;
  return TRUE;
}

static int
listen_at (const char *address, GError **error)
{
  struct sockaddr_storage storage;
  socklen_t size;
  const int on = 1;
  int fd;

  if (!read_address (address, &storage, &size))
    {
      g_set_error (error, G_IO_ERROR, G_IO_ERROR_INVALID_ARGUMENT,
                   "cannot listen at '%s': it must be ADDRESS:PORT", address);
      return -1;
    }
  fd = socket (storage.ss_family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
  if (fd >= 0 && setsockopt (fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on) == 0
      && bind (fd, (struct sockaddr *) &storage, size) == 0 && listen (fd, BACKLOG) == 0)
    return fd;

  fail (error, errno, address);
  g_prefix_error (error, "cannot listen at ");
  if (fd >= 0)
    close (fd);
  return -1;
}

/* A descriptor may come from somewhere that is not trusted, so it is looked at: a TCP socket that
 * listens. */
static int
check_listener (int fd, GError **error)
{
  int type = 0, domain = 0, protocol = 0, listens = 0;
  socklen_t size = sizeof (int);

  if (getsockopt (fd, SOL_SOCKET, SO_TYPE, &type, &size) != 0
      || getsockopt (fd, SOL_SOCKET, SO_DOMAIN, &domain, &size) != 0
      || getsockopt (fd, SOL_SOCKET, SO_PROTOCOL, &protocol, &size) != 0
      || getsockopt (fd, SOL_SOCKET, SO_ACCEPTCONN, &listens, &size) != 0)
    return fail (error, errno, "cannot use the listening descriptor");
  if (type != SOCK_STREAM || (domain != AF_INET && domain != AF_INET6) || protocol != IPPROTO_TCP
      || listens == 0)
    return fail (error, EINVAL, "cannot use the listening descriptor");
  if (fcntl (fd, F_SETFD, FD_CLOEXEC) != 0
      || fcntl (fd, F_SETFL, fcntl (fd, F_GETFL) | O_NONBLOCK) != 0)
    return fail (error, errno, "cannot use the listening descriptor");
  return fd;
}

/* ADDRESS, or FD where that is NULL. */
int
zu_proxy_open_listener (const char *address, int fd, GError **error)
{
  return address != NULL ? listen_at (address, error) : check_listener (fd, error);
}

/* Whoever asked for port 0 reads here which one it is. */
void
zu_proxy_print_listener (int fd)
{
  struct sockaddr_storage storage;
  socklen_t size = sizeof storage;
  const struct sockaddr_in *v4 = (const struct sockaddr_in *) &storage;
  const struct sockaddr_in6 *v6 = (const struct sockaddr_in6 *) &storage;
  char text[INET6_ADDRSTRLEN];

  if (getsockname (fd, (struct sockaddr *) &storage, &size) != 0)
    return;
  if (storage.ss_family == AF_INET)
    fprintf (stderr, "zu-egress-proxy: listening on %s:%u\n",
             inet_ntop (AF_INET, &v4->sin_addr, text, sizeof text), ntohs (v4->sin_port));
  else
    fprintf (stderr, "zu-egress-proxy: listening on [%s]:%u\n",
             inet_ntop (AF_INET6, &v6->sin6_addr, text, sizeof text), ntohs (v6->sin6_port));
}
