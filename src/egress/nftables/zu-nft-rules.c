/* SPDX-License-Identifier: Apache-2.0 */

#include "zu-nft-rules.h"

#include "zu-address.h"
#include "zu-egress-settings.h"

#include <string.h>

#define NEIGHBOURS "icmpv6 type { nd-neighbor-solicit, nd-neighbor-advert } counter accept"

static gboolean
refuse (GError **error, const char *why)
{
  g_set_error (error, ZU_EGRESS_ENFORCEMENT_ERROR, ZU_EGRESS_ENFORCEMENT_ERROR_INVALID_POLICY,
               "the egress policy is refused: %s", why);
  return FALSE;
}

/* Nothing is quoted safely for us, so no text of a policy goes into a rule: an address is read, and
 * written anew. */
static void
add_destination (GPtrArray *lines, const char *text, const char *protocol, gint64 port,
                 gboolean *has_v6)
{
  ZuAddress address;
  g_autofree char *ip = NULL;

  if (!zu_address_parse (&address, text))
    g_assert_not_reached ();
  ip = zu_address_to_string (&address);
  *has_v6 |= address.length == 16;
  g_ptr_array_add (lines,
                   g_strdup_printf ("%s daddr %s %s dport %" G_GINT64_FORMAT " counter accept",
                                    address.length == 16 ? "ip6" : "ip", ip, protocol, port));
}

static gboolean
add_proxy (GPtrArray *lines, ZuJson *proxy, gboolean *has_v6, GError **error)
{
  gboolean is_there = proxy != NULL && zu_json_get_kind (proxy) == ZU_JSON_KIND_OBJECT;
  g_autoptr (ZuJson) ip = is_there ? zu_json_dup_member (proxy, "ip") : NULL;
  g_autoptr (ZuJson) port = is_there ? zu_json_dup_member (proxy, "port") : NULL;
  const char *text = ip != NULL ? zu_json_get_string (ip, NULL) : NULL;
  gint64 number = 0;

  if (!is_there)
    return TRUE;
  if (text == NULL || port == NULL || !zu_json_get_int64 (port, &number))
    return refuse (error, "nftables needs the proxy's ip and port");
  add_destination (lines, text, "tcp", number, has_v6);
  return TRUE;
}

/* Only a list of resolvers lets names be asked for; pin and deny do not. */
static void
add_resolvers (GPtrArray *lines, ZuJson *dns, gboolean *has_v6)
{
  if (dns == NULL || zu_json_get_kind (dns) != ZU_JSON_KIND_ARRAY)
    return;
  for (gsize i = 0; i < zu_json_get_size (dns); i++)
    {
      g_autoptr (ZuJson) resolver = zu_json_dup_element (dns, i);

      add_destination (lines, zu_json_get_string (resolver, NULL), "udp", 53, has_v6);
      add_destination (lines, zu_json_get_string (resolver, NULL), "tcp", 53, has_v6);
    }
}

static void
add_chain (GPtrArray *lines, const char *name)
{
  g_ptr_array_add (lines, g_strdup_printf ("chain %s {", name));
  g_ptr_array_add (lines,
                   g_strdup_printf ("type filter hook %s priority filter; policy drop;", name));
}

static void
add_end (GPtrArray *lines)
{
  g_ptr_array_add (lines, g_strdup ("counter drop"));
  g_ptr_array_add (lines, g_strdup ("}"));
}

/* Drops what is not named, in both directions and both families. What comes in is what answers. The
 * policy is read as every enforcement does, so one that is odd anywhere is refused. */
GStrv
zu_nft_rules_new (ZuEgressPolicy *policy, GError **error)
{
  g_autoptr (GPtrArray) lines = g_ptr_array_new_with_free_func (g_free);
  g_autoptr (GPtrArray) out = g_ptr_array_new_with_free_func (g_free);
  g_autoptr (ZuJson) settings = zu_egress_settings_new (policy, error);
  gboolean has_v6 = FALSE;

  if (settings == NULL || !add_proxy (out, zu_egress_policy_get_proxy (policy), &has_v6, error))
    return NULL;
  add_resolvers (out, zu_egress_policy_get_dns (policy), &has_v6);

  add_chain (lines, "input");
  g_ptr_array_add (lines, g_strdup ("iifname \"lo\" counter accept"));
  g_ptr_array_add (lines, g_strdup ("ct state established counter accept"));
  if (has_v6)
    g_ptr_array_add (lines, g_strdup (NEIGHBOURS));
  add_end (lines);
  add_chain (lines, "forward");
  add_end (lines);
  add_chain (lines, "output");
  g_ptr_array_add (lines, g_strdup ("oifname \"lo\" counter accept"));
  for (guint i = 0; i < out->len; i++)
    g_ptr_array_add (lines, g_strdup (g_ptr_array_index (out, i)));
  if (has_v6)
    g_ptr_array_add (lines, g_strdup (NEIGHBOURS));
  add_end (lines);
  g_ptr_array_add (lines, NULL);
  return (GStrv) g_ptr_array_free (g_steal_pointer (&lines), FALSE);
}

/* One transaction that puts the table there, whatever was there by that name. */
char *
zu_nft_rules_make_table (const char *table, const char *const *lines)
{
  g_autofree char *body = g_strjoinv ("\n", (char **) lines);

  return g_strdup_printf ("add table inet %s\ndelete table inet %s\ntable inet %s {\n%s\n}\n",
                          table, table, table, body);
}

/* A line without what its counter has counted. */
static char *
strip_counts (const char *line)
{
  const char *at = strstr (line, "counter packets ");
  const char *rest;

  if (at == NULL)
    return g_strdup (line);
  rest = at + strlen ("counter packets ");
  rest += strspn (rest, "0123456789");
  if (g_str_has_prefix (rest, " bytes "))
    rest += strlen (" bytes ");
  rest += strspn (rest, "0123456789");
  return g_strdup_printf ("%.*scounter%s", (int) (at - line), line, rest);
}

/* What a listing says is in force, a rule each with its chain and counts; NULL where that is not
 * LINES in every line. */
GStrv
zu_nft_rules_read_back (const char *const *lines, const char *listing)
{
  g_auto (GStrv) listed = g_strsplit (listing, "\n", -1);
  g_autoptr (GStrvBuilder) found = g_strv_builder_new ();
  const char *chain = "";
  guint n = 0;

  for (guint i = 1; listed[i] != NULL; i++)
    {
      char *line = g_strstrip (listed[i]);
      g_autofree char *bare = strip_counts (line);
      g_autofree char *told = NULL;

      if (*line == '\0')
        continue;
      if (lines[n] == NULL)
        return strcmp (line, "}") == 0 ? g_strv_builder_end (found) : NULL;
      if (strcmp (bare, lines[n++]) != 0)
        return NULL;
      if (g_str_has_prefix (line, "chain "))
        {
          chain = line + strlen ("chain ");
          line[strlen (line) - 2] = '\0';
          continue;
        }
      told = g_strdup_printf ("%s: %s", chain, line);
      if (strcmp (line, "}") != 0)
        g_strv_builder_add (found, told);
    }
  return NULL;
}
