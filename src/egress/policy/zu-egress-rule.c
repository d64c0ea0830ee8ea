/* SPDX-License-Identifier: Apache-2.0 */

#include "zu-egress-rule.h"

#include "zu-address-guard.h"

#include <string.h>

static gboolean
refuse (char **why, const char *text)
{
  *why = g_strdup (text);
  return FALSE;
}

/* ADDRESS/BITS, ADDRESS without brackets. A block with bits behind its prefix is somebody's
 * mistake, and which one cannot be told. */
static gboolean
read_block (ZuEgressRule *self, const char *address, const char *bits, char **why)
{
  guint64 prefix;

  if (!zu_address_parse (&self->host.address, address))
    return refuse (why, "its block begins with no address");
  if (!g_ascii_isdigit (*bits)
      || !g_ascii_string_to_unsigned (bits, 10, 0, self->host.address.length * 8u, &prefix, NULL))
    return refuse (why, "its block has no length of 0 to 32, or to 128 for IPv6");
  for (guint bit = (guint) prefix; bit < self->host.address.length * 8u; bit++)
    if (self->host.address.bytes[bit / 8] & (0x80 >> (bit % 8)))
      return refuse (why, "its block does not begin where one of that length does");

  self->kind = ZU_EGRESS_RULE_BLOCK;
  self->host.kind = ZU_HOST_ADDRESS;
  self->prefix = (guint) prefix;
  return TRUE;
}

static gboolean
read_host (ZuEgressRule *self, const char *host, char **why)
{
  gboolean is_below = g_str_has_prefix (host, "*.");

  if (!zu_host_parse (&self->host, is_below ? host + 2 : host) || self->host.is_odd
      || (is_below && self->host.kind != ZU_HOST_NAME)
      || (strchr (host, ':') != NULL && host[0] != '['))
    return refuse (why, "its host is no name, no *.NAME and no address ([ADDRESS] for IPv6)");

  self->kind = is_below                             ? ZU_EGRESS_RULE_BELOW
               : self->host.kind == ZU_HOST_ADDRESS ? ZU_EGRESS_RULE_BLOCK
                                                    : ZU_EGRESS_RULE_NAME;
  self->prefix = self->host.kind == ZU_HOST_ADDRESS ? self->host.address.length * 8u : 0;
  return TRUE;
}

/* BLOCK[:PORT]: 10.0.0.0/8, 2001:db8::/32, [2001:db8::]/32 and [2001:db8::/32]. */
static gboolean
read_block_rule (ZuEgressRule *self, const char *text, const char **rest, char **why)
{
  gsize length = strcspn (text, "/");
  gboolean is_whole = text[0] == '[' && memchr (text, ']', length) == NULL;
  gboolean is_closed = text[0] == '[' && !is_whole && text[length - 1] == ']';
  g_autofree char *address = g_strndup (text + (is_whole || is_closed), length
                                                                            - (is_whole    ? 1
                                                                               : is_closed ? 2
                                                                                           : 0));
  const char *bits = text + length + 1;
  gsize n_bits = strspn (bits, "0123456789");
  g_autofree char *number = g_strndup (bits, n_bits);

  *rest = bits + n_bits;
  if (is_whole && *(*rest)++ != ']')
    return refuse (why, "its bracket is not closed");
  if ((is_whole || is_closed) && strchr (address, ':') == NULL)
    return refuse (why, "its brackets hold no IPv6 block");
  return read_block (self, address, number, why);
}

static gboolean
read_rule (ZuEgressRule *self, const char *text, char **why)
{
  g_autofree char *host = NULL;
  g_autofree char *behind = NULL;
  const char *rest;

  if (strchr (text, '/') == NULL)
    {
      if (!zu_host_split_port (text, &host, &self->port))
        return refuse (why, "behind its host is no port from 1 to 65535");
      if (strcmp (host, "*") != 0)
        return read_host (self, host, why);
      self->kind = ZU_EGRESS_RULE_ANY;
      return TRUE;
    }

  if (!read_block_rule (self, text, &rest, why))
    return FALSE;
  behind = g_strconcat ("x", rest, NULL);
  return zu_host_split_port (behind, &host, &self->port) && strcmp (host, "x") == 0
             ? TRUE
             : refuse (why, "behind its block is no port from 1 to 65535");
}

/* Reads HOST[:PORT]; NULL where it is not one, and *WHY says why. */
ZuEgressRule *
zu_egress_rule_new (const char *text, char **why)
{
  g_autoptr (ZuEgressRule) self = g_new0 (ZuEgressRule, 1);

  if (!read_rule (self, text, why))
    return NULL;

  self->text = g_strdup (text);
  if (self->kind == ZU_EGRESS_RULE_BLOCK)
    self->opens = zu_address_block_is_internal (&self->host.address, self->prefix);
  else if (self->kind != ZU_EGRESS_RULE_ANY)
    self->opens = zu_address_name_is_internal (self->host.name);
  return g_steal_pointer (&self);
}

void
zu_egress_rule_free (ZuEgressRule *self)
{
  g_free (self->text);
  g_free (self);
}

static gboolean
is_below (const char *name, const char *domain)
{
  gsize length = strlen (name), tail = strlen (domain);

  return length > tail + 1 && name[length - tail - 1] == '.'
         && strcmp (name + length - tail, domain) == 0;
}

/* Whether a rule is about a host, whatever the port. */
gboolean
zu_egress_rule_has_host (const ZuEgressRule *self, const ZuHost *host)
{
  switch (self->kind)
    {
    case ZU_EGRESS_RULE_NAME:
      return host->kind == ZU_HOST_NAME && strcmp (host->name, self->host.name) == 0;
    case ZU_EGRESS_RULE_BELOW:
      return host->kind == ZU_HOST_NAME && is_below (host->name, self->host.name);
    case ZU_EGRESS_RULE_BLOCK:
      return host->kind == ZU_HOST_ADDRESS
             && zu_address_is_within (&host->address, &self->host.address, self->prefix);
    default:
      return TRUE;
    }
}

/* A rule without a port means the scheme's own, but `*` means what it says. */
gboolean
zu_egress_rule_has_port (const ZuEgressRule *self, guint16 port, ZuEgressScheme scheme)
{
  if (self->port != 0)
    return self->port == port;
  return self->kind == ZU_EGRESS_RULE_ANY || port == (scheme == ZU_EGRESS_SCHEME_HTTP ? 80 : 443);
}

/* An address in the one plain spelling of its family. */
gboolean
zu_egress_is_address (const char *text)
{
  ZuAddress address;

  return zu_address_parse (&address, text);
}

/* A host's name in ASCII, without a dot at the end. */
gboolean
zu_egress_is_name (const char *text)
{
  ZuHost host;

  return g_str_is_ascii (text) && !g_str_has_suffix (text, ".") && zu_host_parse (&host, text)
         && host.kind == ZU_HOST_NAME;
}

/* Whether a rule may stand in an allowlist; if not, *WHY says what is wrong with it. */
gboolean
zu_egress_check_rule (const char *rule, char **why)
{
  g_autoptr (ZuEgressRule) read = zu_egress_rule_new (rule, why);

  if (read == NULL)
    return FALSE;
  if (read->kind == ZU_EGRESS_RULE_ANY)
    return refuse (why, "it means every host, which has to be asked for by its own switch");
  return TRUE;
}
