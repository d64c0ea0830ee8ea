/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include <glib.h>

G_BEGIN_DECLS

/* An address of either family, in network order. */
typedef struct
{
  guint8 bytes[16];
  guint8 length; /* 4 or 16 */
} ZuAddress;

gboolean zu_address_parse (ZuAddress *self, const char *text);
gboolean zu_address_parse_spelling (ZuAddress *self, const char *text, gboolean *is_plain);
char *zu_address_to_string (const ZuAddress *self);
void zu_address_unmap (ZuAddress *self);
gboolean zu_address_is_equal (const ZuAddress *self, const ZuAddress *other);
gboolean zu_address_is_within (const ZuAddress *self, const ZuAddress *network, guint prefix);

G_END_DECLS
