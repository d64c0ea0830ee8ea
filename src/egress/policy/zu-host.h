/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "zu-address.h"

G_BEGIN_DECLS

#define ZU_HOST_MAX 253 /* RFC 1035, section 2.3.4, without the dot at the end */

typedef enum
{
  ZU_HOST_BAD,
  ZU_HOST_NAME,
  ZU_HOST_ADDRESS,
} ZuHostKind;

/* A host as it is compared: a name in ASCII and lower case, or an address. */
typedef struct
{
  ZuHostKind kind;
  gboolean is_odd; /* an address that not every program reads as one */
  ZuAddress address;
  char name[ZU_HOST_MAX + 1];
} ZuHost;

gboolean zu_host_parse (ZuHost *self, const char *text);
gboolean zu_host_split_port (const char *text, char **host, guint16 *port);
char *zu_host_to_string (const ZuHost *self);
char *zu_host_to_authority (const ZuHost *self, guint16 port);

G_END_DECLS
