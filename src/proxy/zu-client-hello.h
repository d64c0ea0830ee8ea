/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include <glib.h>

G_BEGIN_DECLS

#define ZU_CLIENT_HELLO_MAX (32 * 1024)

typedef enum
{
  ZU_CLIENT_HELLO_MORE, /* it is not all there yet */
  ZU_CLIENT_HELLO_DONE,
  ZU_CLIENT_HELLO_NOT_TLS,
} ZuClientHelloStatus;

/* What the first message of a TLS connection tells in the clear. */
typedef struct
{
  char name[256]; /* the host that it names; empty where it names none */
  gboolean has_ech;
} ZuClientHello;

ZuClientHelloStatus zu_client_hello_read (ZuClientHello *self, const guint8 *data, gsize size);

G_END_DECLS
