/* SPDX-License-Identifier: Apache-2.0 */

#include "zu-run-address.h"

#include <arpa/inet.h>

gboolean
zu_run_address_read (ZuRunAddress *self, int listener, GError **error)
{
  struct sockaddr_in address = { 0 };
  socklen_t size = sizeof address;

  if (getsockname (listener, (struct sockaddr *) &address, &size) == 0
      && address.sin_family == AF_INET
      && inet_ntop (AF_INET, &address.sin_addr, self->ip, sizeof self->ip) != NULL)
    {
      self->port = ntohs (address.sin_port);
      return TRUE;
    }
  g_set_error_literal (error, G_IO_ERROR, G_IO_ERROR_FAILED,
                       "the proxy's socket does not listen at an IPv4 address");
  return FALSE;
}
