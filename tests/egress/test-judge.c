/* SPDX-License-Identifier: Apache-2.0 */

#include "vectors-support.h"
#include "zu-egress-judge.h"

#include <zu/zu.h>

#include <string.h>

#define CONNECT ZU_EGRESS_SCHEME_CONNECT
#define HTTP    ZU_EGRESS_SCHEME_HTTP

static ZuEgressRules *
read_rules (const char *rules)
{
  g_auto (GStrv) list = g_strsplit (rules, " ", -1);
  gboolean is_any = g_strv_contains ((const char *const *) list, "*");
  g_autoptr (GError) error = NULL;
  ZuEgressRules *self =
      zu_egress_rules_new (*rules != '\0' ? (const char *const *) list : NULL, is_any, &error);

  g_assert_no_error (error);
  return self;
}

static const char *
judge (ZuEgressRules *rules, const char *text, guint16 port, ZuEgressScheme scheme)
{
  ZuEgressVerdict verdict;
  ZuHost host;

  zu_host_parse (&host, text);
  zu_egress_rules_judge_host (rules, &host, port, scheme, &verdict);
  g_assert_cmpint (verdict.is_allowed, ==, verdict.reason == ZU_EGRESS_ALLOWED);
  g_assert_true (!verdict.is_allowed || verdict.rule != NULL);
  return zu_egress_reason_to_string (verdict.reason);
}

static void
test_hosts (void)
{
  static const struct
  {
    const char *rules;
    const char *host;
    guint16 port;
    ZuEgressScheme scheme;
    const char *reason;
  } cases[] = {
    { "", "example.com", 443, CONNECT, "not-allowed" },
    { "example.com", "example.com", 443, CONNECT, "allowed" },
    { "example.com", "EXAMPLE.com.", 443, CONNECT, "allowed" },
    { "EXAMPLE.com.", "example.com", 443, CONNECT, "allowed" },
    { "example.com", "example.com", 80, CONNECT, "port-not-allowed" },
    { "example.com", "example.com", 80, HTTP, "allowed" },
    { "example.com", "example.com", 443, HTTP, "port-not-allowed" },
    { "example.com", "example.com", 8443, CONNECT, "port-not-allowed" },
    { "example.com:8443", "example.com", 8443, CONNECT, "allowed" },
    { "example.com:8443", "example.com", 443, CONNECT, "port-not-allowed" },
    { "a.example example.com", "example.com", 443, CONNECT, "allowed" },
    { "example.com", "sub.example.com", 443, CONNECT, "not-allowed" },
    { "example.com", "badexample.com", 443, CONNECT, "not-allowed" },
    { "example.com", "example.com.evil.net", 443, CONNECT, "not-allowed" },
    { "*.example.com", "sub.example.com", 443, CONNECT, "allowed" },
    { "*.example.com", "a.b.example.com", 443, CONNECT, "allowed" },
    { "*.example.com", "example.com", 443, CONNECT, "not-allowed" },
    { "*.example.com", "badexample.com", 443, CONNECT, "not-allowed" },
    { "xn--bcher-kva.example",
      "b\xc3\xbc"
      "cher.example",
      443, CONNECT, "allowed" },
    { "b\xc3\xbc"
      "cher.example",
      "xn--bcher-kva.example", 443, CONNECT, "allowed" },
    { "*", "example.com", 443, CONNECT, "allowed" },
    { "*", "example.com", 12345, CONNECT, "allowed" },
    { "*", "8.8.8.8", 443, CONNECT, "allowed" },
    { "*", "127.0.0.1", 443, CONNECT, "internal-address" },
    { "*", "localhost", 443, CONNECT, "internal-name" },
    { "*", "169.254.169.254", 80, HTTP, "internal-address" },
    { "*", "metadata.google.internal", 80, HTTP, "internal-name" },
    { "*", "0x7f.1", 443, CONNECT, "internal-address" },
    { "*", "134744072", 443, CONNECT, "odd-address" },
    { "*", "256.1.1.1", 443, CONNECT, "bad-host" },
    { "*", "a..b", 443, CONNECT, "bad-host" },
    { "1.1.1.1", "1.1.1.1", 443, CONNECT, "allowed" },
    { "1.1.1.1", "1.1.1.1", 53, CONNECT, "port-not-allowed" },
    { "1.1.1.1", "1.1.1.2", 443, CONNECT, "not-allowed" },
    { "1.1.1.0/24", "1.1.1.2", 443, CONNECT, "allowed" },
    { "1.1.1.0/24:53", "1.1.1.2", 53, CONNECT, "allowed" },
    { "1.1.1.1", "::ffff:1.1.1.1", 443, CONNECT, "allowed" },
    { "1.1.1.1", "one.one.one.one", 443, CONNECT, "not-allowed" },
    { "127.0.0.1", "127.0.0.1", 443, CONNECT, "allowed" },
    { "127.0.0.1:8080", "127.0.0.1", 8080, HTTP, "allowed" },
    { "127.0.0.1:8080", "127.0.0.1", 8081, HTTP, "port-not-allowed" },
    { "127.0.0.1:8080", "127.1", 8080, HTTP, "odd-address" },
    { "127.0.0.1:8080", "[::ffff:7f00:1]", 8080, HTTP, "allowed" },
    { "10.0.0.0/8", "10.2.3.4", 443, CONNECT, "allowed" },
    { "10.0.0.0/8", "11.2.3.4", 443, CONNECT, "not-allowed" },
    { "10.0.0.0/7", "10.2.3.4", 443, CONNECT, "internal-address" },
    { "0.0.0.0/0", "10.2.3.4", 443, CONNECT, "internal-address" },
    { "0.0.0.0/0", "1.2.3.4", 443, CONNECT, "allowed" },
    { "[fd00::]/8", "fd00::1", 443, CONNECT, "allowed" },
    { "[::1]:80", "::1", 80, HTTP, "allowed" },
    { "[::1]:80", "127.0.0.1", 80, HTTP, "internal-address" },
    { "localhost", "localhost", 443, CONNECT, "internal-name" },
    { "localhost 127.0.0.1:80", "localhost", 443, CONNECT, "internal-name" },
    { "localhost 127.0.0.1", "localhost", 443, CONNECT, "allowed" },
    { "* 127.0.0.1", "localhost", 443, CONNECT, "internal-name" },
    { "*.corp.internal 10.0.0.0/8", "db.corp.internal", 443, CONNECT, "allowed" },
    { "*.corp.internal", "db.corp.internal", 443, CONNECT, "internal-name" },
  };

  for (gsize i = 0; i < G_N_ELEMENTS (cases); i++)
    {
      g_autoptr (ZuEgressRules) rules = read_rules (cases[i].rules);

      g_test_message ("[%s] %s:%u", cases[i].rules, cases[i].host, cases[i].port);
      g_assert_cmpstr (judge (rules, cases[i].host, cases[i].port, cases[i].scheme), ==,
                       cases[i].reason);
    }
}

/* After a name was allowed and resolved. */
static void
test_addresses (void)
{
  static const struct
  {
    const char *rules;
    const char *address;
    const char *reason;
  } cases[] = {
    { "example.com", "93.184.216.34", "allowed" },
    { "example.com", "10.0.0.1", "internal-address" },
    { "example.com", "::ffff:10.0.0.1", "internal-address" },
    { "example.com", "64:ff9b::a00:1", "internal-address" },
    { "example.com", "2002:7f00:1::", "internal-address" },
    { "example.com", "fe80::1", "internal-address" },
    { "*", "127.0.0.1", "internal-address" },
    { "example.com 10.0.0.0/8", "10.0.0.1", "allowed" },
    { "example.com 10.0.0.0/8:80", "10.0.0.1", "port-not-allowed" },
    { "example.com 10.0.0.0/8", "192.168.0.1", "internal-address" },
    { "example.com 0.0.0.0/0", "10.0.0.1", "internal-address" },
  };

  for (gsize i = 0; i < G_N_ELEMENTS (cases); i++)
    {
      g_autoptr (ZuEgressRules) rules = read_rules (cases[i].rules);
      ZuEgressVerdict verdict;
      ZuAddress address;

      g_test_message ("[%s] %s", cases[i].rules, cases[i].address);
      g_assert_true (zu_address_parse (&address, cases[i].address));
      zu_egress_rules_judge_address (rules, &address, 443, CONNECT, &verdict);
      g_assert_cmpstr (zu_egress_reason_to_string (verdict.reason), ==, cases[i].reason);
      g_assert_cmpint (verdict.is_allowed, ==, verdict.reason == ZU_EGRESS_ALLOWED);
    }
}

/* The recorded proxy compares names byte by byte, and lets no rule open an internal address. Ours
 * compares them as DNS does, and an address rule that names one opens it. */
static gboolean
is_decided_otherwise (const char *host)
{
  return strcmp (host, "EXAMPLE.com") == 0 || strcmp (host, "127.0.0.1") == 0;
}

static void
test_vectors (void)
{
  g_autoptr (ZuJson) file = vectors_read_json ("netguard.json");
  g_autoptr (ZuJson) rows = row_member (file, "proxy_allowed");

  g_assert_cmpuint (zu_json_get_size (rows), >, 5);
  for (gsize i = 0; i < zu_json_get_size (rows); i++)
    {
      g_autoptr (ZuJson) row = zu_json_dup_element (rows, i);
      g_autoptr (ZuJson) list = row_member (row, "allowlist");
      g_autoptr (ZuJson) first = zu_json_get_size (list) > 0 ? zu_json_dup_element (list, 0) : NULL;
      g_autoptr (ZuJson) allowed = row_member (row, "allowed");
      const char *host = row_text (row, "host");
      g_autoptr (ZuEgressRules) rules =
          read_rules (first != NULL ? zu_json_get_string (first, NULL) : "");
      gboolean is_allowed = strcmp (judge (rules, host, 443, CONNECT), "allowed") == 0;

      g_test_message ("%s", host);
      g_assert_cmpint (is_allowed, ==,
                       is_decided_otherwise (host) || zu_json_get_boolean (allowed));
    }
}

static void
test_opt_in (void)
{
  static const char *const any[] = { "*", NULL };
  static const char *const bad[] = { "a", "http://b", NULL };
  g_autoptr (GError) error = NULL;

  g_assert_null (zu_egress_rules_new (any, FALSE, &error));
  g_assert_error (error, ZU_EGRESS_ENFORCEMENT_ERROR, ZU_EGRESS_ENFORCEMENT_ERROR_INVALID_POLICY);
  g_assert_nonnull (strstr (error->message, "--allow-any"));
  g_clear_error (&error);
  g_assert_null (zu_egress_rules_new (bad, TRUE, &error));
  g_assert_error (error, ZU_EGRESS_ENFORCEMENT_ERROR, ZU_EGRESS_ENFORCEMENT_ERROR_INVALID_POLICY);
  g_assert_nonnull (strstr (error->message, "http://b"));
}

static void
test_words (void)
{
  g_autoptr (GHashTable) seen = g_hash_table_new (g_str_hash, g_str_equal);

  for (guint i = 0; i < ZU_EGRESS_REASONS; i++)
    {
      g_assert_nonnull (zu_egress_reason_explain (i));
      g_assert_true (g_hash_table_add (seen, (gpointer) zu_egress_reason_to_string (i)));
    }
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);

  g_test_add_func ("/egress/judge/hosts", test_hosts);
  g_test_add_func ("/egress/judge/addresses", test_addresses);
  g_test_add_func ("/egress/judge/vectors", test_vectors);
  g_test_add_func ("/egress/judge/opt-in", test_opt_in);
  g_test_add_func ("/egress/judge/words", test_words);
  return g_test_run ();
}
