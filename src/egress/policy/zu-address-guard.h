/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "zu-address.h"

G_BEGIN_DECLS

/* What the registries say of an address. */
typedef struct
{
  gboolean is_internal;
  const char *block; /* as in 10.0.0.0/8 */
  const char *name;  /* as in Private-Use */
} ZuAddressClass;

void zu_address_classify (const ZuAddress *address, ZuAddressClass *result);
gboolean zu_address_block_is_internal (const ZuAddress *network, guint prefix);
gboolean zu_address_name_is_internal (const char *name);
gboolean zu_address_text_is_internal (const char *text);

G_END_DECLS
