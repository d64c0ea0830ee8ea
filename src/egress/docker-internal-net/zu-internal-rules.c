/* SPDX-License-Identifier: Apache-2.0 */

#include "zu-internal-rules.h"

#include "zu-address.h"
#include "zu-nft-rules.h"
#include "zu-nft-run.h"
#include "zu-peek.h"

#include <string.h>

#define REFUSED ZU_EGRESS_ENFORCEMENT_ERROR, ZU_EGRESS_ENFORCEMENT_ERROR_INVALID_POLICY
#define FAILED  ZU_EGRESS_ENFORCEMENT_ERROR, ZU_EGRESS_ENFORCEMENT_ERROR_FAILED

char *
zu_internal_rules_make_table_name (const char *network)
{
  g_autofree char *digits = zu_internal_network_dup_digits (network);

  return g_strconcat (ZU_INTERNAL_TABLE_PREFIX, digits, NULL);
}

static void add (GPtrArray *lines, const char *format, ...) G_GNUC_PRINTF (2, 3);

static void
add (GPtrArray *lines, const char *format, ...)
{
  va_list args;

  va_start (args, format);
  g_ptr_array_add (lines, g_strdup_vprintf (format, args));
  va_end (args);
}

/* The gateway is the proxy's address, so a policy with another one would be in force and let
 * nothing through; that is a mistake of somebody's. */
static gboolean
add_proxy (GPtrArray *lines, const ZuInternalNetwork *network, ZuJson *proxy, GError **error)
{
  g_autofree char *ip = zu_peek_member_text (proxy, "ip");
  gint64 port = zu_peek_member_int64 (proxy, "port");

  if (ip != NULL && strcmp (ip, network->gateway) != 0)
    {
      g_set_error (error, REFUSED,
                   "the proxy of the network '%s' is at its gateway %s, and cannot be at %s",
                   network->name, network->gateway, ip);
      return FALSE;
    }
  if (port > 0)
    add (lines,
         "iifname \"%s\" ip saddr %s ip daddr %s tcp dport %" G_GINT64_FORMAT " counter accept",
         network->bridge, network->subnet, network->gateway, port);
  return TRUE;
}

/* Only a list lets names be asked for, and of an internal network's neighbours only the gateway is
 * there to answer: what is elsewhere has a rule and no route. */
static void
add_resolvers (GPtrArray *lines, const ZuInternalNetwork *network, ZuJson *dns)
{
  if (zu_peek_is_absent (dns) || zu_json_get_kind (dns) != ZU_JSON_KIND_ARRAY)
    return;
  for (gsize i = 0; i < zu_peek_size (dns); i++)
    {
      g_autoptr (ZuJson) resolver = zu_json_dup_element (dns, i);
      g_autofree char *ip = NULL;
      ZuAddress address;

      /* What is no address was refused with the policy. */
      if (!zu_address_parse (&address, zu_peek_text (resolver)))
        continue;
      ip = zu_address_to_string (&address);
      for (guint k = 0; k < 2; k++)
        add (lines, "iifname \"%s\" %s daddr %s %s dport 53 counter accept", network->bridge,
             address.length == 16 ? "ip6" : "ip", ip, k == 0 ? "udp" : "tcp");
    }
}

static void
add_chain (GPtrArray *lines, const char *name)
{
  add (lines, "chain %s {", name);
  add (lines, "type filter hook %s priority filter; policy accept;", name);
}

/* What does not come from our bridge, or go to it, meets no rule here; what a chain of ours accepts
 * is still everybody else's to drop. */
GStrv
zu_internal_rules_new (const ZuInternalNetwork *network, ZuEgressPolicy *policy, GError **error)
{
  g_autoptr (GPtrArray) lines = g_ptr_array_new_with_free_func (g_free);

  add_chain (lines, "input");
  if (!add_proxy (lines, network, zu_egress_policy_get_proxy (policy), error))
    return NULL;
  add_resolvers (lines, network, zu_egress_policy_get_dns (policy));
  add (lines, "iifname \"%s\" counter drop", network->bridge);
  add (lines, "}");
  add_chain (lines, "forward");
  add (lines, "iifname \"%s\" counter drop", network->bridge);
  add (lines, "oifname \"%s\" counter drop", network->bridge);
  add (lines, "}");
  g_ptr_array_add (lines, NULL);
  return (GStrv) g_ptr_array_free (g_steal_pointer (&lines), FALSE);
}

gboolean
zu_internal_rules_put (int netns, const char *table, const char *const *lines, GError **error)
{
  g_autofree char *text = zu_nft_rules_make_table (table, lines);
  g_autofree char *output = zu_nft_run (netns, text, error);

  return output != NULL;
}

/* What is in force, a rule each; an error where it is not what LINES say. */
GStrv
zu_internal_rules_list (int netns, const char *table, const char *const *lines, GError **error)
{
  g_autofree char *command = g_strdup_printf ("list table inet %s", table);
  g_autofree char *listing = zu_nft_run (netns, command, error);
  GStrv in_force;

  if (listing == NULL)
    return NULL;
  in_force = zu_nft_rules_read_back (lines, listing);
  if (in_force == NULL)
    g_set_error (error, FAILED, "nftables: table %s is not what was put there", table);
  return in_force;
}

/* Added first, so that one that is gone is no error. */
gboolean
zu_internal_rules_delete (int netns, const char *table, GError **error)
{
  g_autofree char *command =
      g_strdup_printf ("add table inet %s\ndelete table inet %s\n", table, table);
  g_autofree char *output = zu_nft_run (netns, command, error);

  return output != NULL;
}

/* The names of the tables that are ours. */
GStrv
zu_internal_rules_list_tables (int netns, GError **error)
{
  const char *before = "table inet " ZU_INTERNAL_TABLE_PREFIX;
  g_autoptr (GStrvBuilder) names = g_strv_builder_new ();
  g_autofree char *listing = zu_nft_run (netns, "list tables inet", error);
  g_auto (GStrv) lines = NULL;

  if (listing == NULL)
    return NULL;
  lines = g_strsplit (listing, "\n", -1);
  for (guint i = 0; lines[i] != NULL; i++)
    if (g_str_has_prefix (lines[i], before))
      g_strv_builder_add (names, g_strchomp (lines[i]) + strlen ("table inet "));
  return g_strv_builder_end (names);
}
