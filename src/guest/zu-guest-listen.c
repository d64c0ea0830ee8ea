/* SPDX-License-Identifier: Apache-2.0 */
#include "zu-guest.h"
#include <errno.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

static int
listen_on (int fd, uint32_t *port)
{
  struct sockaddr_in address = { .sin_family = AF_INET,
                                 .sin_port = htons ((uint16_t) *port),
                                 .sin_addr = { htonl (INADDR_LOOPBACK) } };
  socklen_t size = sizeof address;
  int on = 1;

  if (setsockopt (fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on) != 0
      || bind (fd, (struct sockaddr *) &address, sizeof address) != 0 || listen (fd, 128) != 0
      || getsockname (fd, (struct sockaddr *) &address, &size) != 0)
    return -errno;
  *port = ntohs (address.sin_port);
  return 0;
}

int
guest_listen (uint32_t *port)
{
  int fd = socket (AF_INET, SOCK_STREAM | SOCK_CLOEXEC, IPPROTO_TCP), failed;

  if (fd < 0)
    return -errno;
  failed = listen_on (fd, port);
  if (!failed)
    return fd;
  close (fd);
  return failed;
}
