/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include <gio/gio.h>
#include <netinet/in.h>

G_BEGIN_DECLS

/* Where a socket listens. */
typedef struct
{
  char ip[INET_ADDRSTRLEN];
  guint port;
} ZuRunAddress;

gboolean zu_run_address_read (ZuRunAddress *self, int listener, GError **error);

G_END_DECLS
