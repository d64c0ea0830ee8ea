/* SPDX-License-Identifier: Apache-2.0 */

#include "zu-address-guard.h"

#include "zu-host.h"

#include <string.h>

typedef struct
{
  ZuAddress network;
  guint8 prefix;
  enum
  {
    BLOCK_INTERNAL,
    BLOCK_PUBLIC,
    BLOCK_EMBEDS
  } verdict;
  guint8 offset; /* of the IPv4 address that it embeds */
  const char *text;
  const char *name;
} Block;

#include "zu-address-table.h"

static const Block *
find_block (const ZuAddress *address)
{
  for (gsize i = 0; i < G_N_ELEMENTS (blocks); i++)
    if (zu_address_is_within (address, &blocks[i].network, blocks[i].prefix))
      return &blocks[i];
  g_assert_not_reached (); /* each family ends in a block that holds everything */
}

static ZuAddress
get_embedded (const ZuAddress *address, guint offset)
{
  ZuAddress inner = { .length = 4 };

  memcpy (inner.bytes, address->bytes + offset, 4);
  return inner;
}

/* RFC 5214, section 6.1: the interface's identifier names an IPv4 address that packets go to. */
static gboolean
is_isatap (const ZuAddress *address)
{
  static const guint8 local[] = { 0x00, 0x00, 0x5e, 0xfe };
  static const guint8 global[] = { 0x02, 0x00, 0x5e, 0xfe };

  return address->length == 16
         && (memcmp (address->bytes + 8, local, 4) == 0
             || memcmp (address->bytes + 8, global, 4) == 0);
}

/* Whether an address is part of the public Internet. What carries an IPv4 address inside is judged
 * by that as well. */
void
zu_address_classify (const ZuAddress *address, ZuAddressClass *result)
{
  const Block *block = find_block (address);
  gboolean embeds = block->verdict == BLOCK_EMBEDS;
  ZuAddressClass inner = { FALSE };

  if (embeds || (block->verdict == BLOCK_PUBLIC && is_isatap (address)))
    {
      ZuAddress embedded = get_embedded (address, embeds ? block->offset : 12);

      zu_address_classify (&embedded, &inner);
    }
  result->is_internal = block->verdict == BLOCK_INTERNAL || inner.is_internal;
  result->block = inner.is_internal ? inner.block : block->text;
  result->name = inner.is_internal ? inner.name : block->name;
}

/* Whether all of a block is inside one that is internal: only such a rule names internal addresses,
 * and a 0.0.0.0/0 does not. */
gboolean
zu_address_block_is_internal (const ZuAddress *network, guint prefix)
{
  ZuAddressClass class;

  if (prefix == network->length * 8u)
    {
      zu_address_classify (network, &class);
      return class.is_internal;
    }
  for (gsize i = 0; i < G_N_ELEMENTS (blocks); i++)
    {
      const Block *block = &blocks[i];

      /* The longer ones come first: these are inside, then one that is around it. */
      if (block->prefix > prefix && zu_address_is_within (&block->network, network, prefix)
          && block->verdict != BLOCK_INTERNAL)
        return FALSE;
      if (block->prefix <= prefix && zu_address_is_within (network, &block->network, block->prefix))
        return block->verdict == BLOCK_INTERNAL;
    }
  return FALSE;
}

/* Names that are known to lead to this machine, its network or a cloud's metadata: RFC 6761, RFC
 * 6762, RFC 8375, ICANN's .internal, and what the clouds' own guides give. */
gboolean
zu_address_name_is_internal (const char *name)
{
  static const char *const names[] = { "metadata",
                                       "metadata.goog",
                                       "metadata.tencentyun.com",
                                       "metadata.platformequinix.com",
                                       "metadata.packet.net",
                                       "instance-data",
                                       "rancher-metadata",
                                       "kubernetes",
                                       "kubernetes.default",
                                       "kubernetes.default.svc",
                                       NULL };
  static const char *const domains[] = { "localhost", "localdomain", "local",
                                         "internal",  "home.arpa",   NULL };

  if (g_strv_contains (names, name))
    return TRUE;
  for (guint i = 0; domains[i] != NULL; i++)
    {
      gsize length = strlen (name), tail = strlen (domains[i]);

      if (length >= tail && strcmp (name + length - tail, domains[i]) == 0
          && (length == tail || name[length - tail - 1] == '.'))
        return TRUE;
    }
  return FALSE;
}

/* The same for a host as somebody has written it, with blanks around it if they like. */
gboolean
zu_address_text_is_internal (const char *text)
{
  g_autofree char *stripped = g_strstrip (g_strdup (text));
  ZuAddressClass class = { FALSE };
  ZuHost host;

  zu_host_parse (&host, stripped);
  if (host.kind == ZU_HOST_ADDRESS)
    zu_address_classify (&host.address, &class);
  return host.kind == ZU_HOST_NAME ? zu_address_name_is_internal (host.name) : class.is_internal;
}
