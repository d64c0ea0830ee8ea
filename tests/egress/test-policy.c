/* SPDX-License-Identifier: Apache-2.0 */

#include "vectors-support.h"
#include "zu-egress-rule.h"
#include "zu-egress-settings.h"

#include <string.h>

static ZuJson *
derive (ZuJson *spec, GError **error)
{
  g_autoptr (ZuEgressPolicy) policy = zu_egress_policy_new_from_json (spec, error);

  return policy != NULL ? zu_egress_settings_new (policy, error) : NULL;
}

static void
test_vectors (void)
{
  g_autoptr (ZuJson) file = vectors_read_json ("netpolicy.json");
  g_autoptr (ZuJson) rows = row_member (file, "cases");

  g_assert_cmpuint (zu_json_get_size (rows), >, 0);
  for (gsize i = 0; i < zu_json_get_size (rows); i++)
    {
      g_autoptr (ZuJson) row = zu_json_dup_element (rows, i);
      g_autoptr (ZuJson) spec = row_member (row, "spec");
      g_autoptr (ZuJson) expected = row_member (row, "policy");
      g_autofree char *text = zu_json_to_string (spec);
      g_autoptr (GError) error = NULL;
      g_autoptr (ZuJson) settings = derive (spec, &error);

      g_test_message ("%s", text);
      if (expected == NULL)
        {
          g_assert_nonnull (error);
          continue;
        }
      g_assert_no_error (error);
      g_assert_true (zu_json_equal (settings, expected));
    }
}

static void
test_refused (void)
{
  static const char *const specs[] = {
    "{\"proxy\":\"p\"}",
    "{\"proxy\":[]}",
    "{\"proxy\":{\"host\":5}}",
    "{\"proxy\":{\"host\":\"\",\"ip\":\"10.0.0.5\"}}",
    "{\"proxy\":{\"host\":\"a b\",\"ip\":\"10.0.0.5\"}}",
    "{\"proxy\":{\"host\":\"a\\u0000b\",\"ip\":\"10.0.0.5\"}}",
    "{\"proxy\":{\"host\":\"a:1\",\"ip\":\"10.0.0.5\"}}",
    "{\"proxy\":{\"host\":\"p\",\"ip\":\"p\"}}",
    "{\"proxy\":{\"host\":\"p\",\"ip\":\"10.0.0\"}}",
    "{\"proxy\":{\"host\":\"p\",\"ip\":\"010.0.0.5\"}}",
    "{\"proxy\":{\"host\":\"p\",\"ip\":\"fe80::1%eth0\"}}",
    "{\"proxy\":{\"host\":\"p\",\"ip\":\"10.0.0.5\\u0000x\"}}",
    "{\"proxy\":{\"host\":\"p\",\"ip\":\"10.0.0.5\",\"port\":0}}",
    "{\"proxy\":{\"host\":\"p\",\"ip\":\"10.0.0.5\",\"port\":65536}}",
    "{\"proxy\":{\"host\":\"p\",\"ip\":\"10.0.0.5\",\"port\":8080.0}}",
    "{\"proxy\":{\"host\":\"p\",\"ip\":\"10.0.0.5\",\"port\":\"8080\"}}",
    "{\"proxy\":{\"host\":\"p\",\"ip\":\"10.0.0.5\",\"prot\":8080}}",
    "{\"dns\":\"host\"}",
    "{\"dns\":\"Pin\"}",
    "{\"dns\":true}",
    "{\"dns\":{}}",
    "{\"dns\":[]}",
    "{\"dns\":[\"resolver\"]}",
    "{\"dns\":[\"1.1.1.1\",5]}",
    "{\"allowlist\":[\"\"]}",
    "{\"allowlist\":[\"a\",\"http://a\"]}",
  };

  for (gsize i = 0; i < G_N_ELEMENTS (specs); i++)
    {
      g_autoptr (GError) error = NULL;
      g_autoptr (ZuJson) spec = zu_json_parse (specs[i], -1, &error);

      g_assert_no_error (error);
      g_test_message ("%s", specs[i]);
      g_assert_null (derive (spec, &error));
      g_assert_error (error, ZU_EGRESS_ENFORCEMENT_ERROR,
                      ZU_EGRESS_ENFORCEMENT_ERROR_INVALID_POLICY);
    }
}

static void
test_good_rules (void)
{
  static const char *const rules[] = {
    "a",
    "example.org",
    "example.org:443",
    "*.example.org",
    "*.example.org:8443",
    "10.0.0.5",
    "10.0.0.5:80",
    "[2001:db8::1]",
    "[::1]:443",
    "my_container:3128",
    "xn--bcher-kva.example",
    "EXAMPLE.org",
    "a:65535",
    "a.",
    "b\xc3\xbc"
    "cher.example",
    "*.b\xc3\xbc"
    "cher.example:8443",
    "10.0.0.0/8",
    "10.0.0.0/8:5432",
    "0.0.0.0/0",
    "1.2.3.4/32",
    "2001:db8::/32",
    "2001:db8::/32:443",
    "[2001:db8::]/32",
    "[2001:db8::]/32:443",
    "[2001:db8::/32]",
    "[2001:db8::/32]:443",
  };

  for (gsize i = 0; i < G_N_ELEMENTS (rules); i++)
    {
      g_autofree char *why = NULL;

      g_test_message ("%s", rules[i]);
      g_assert_true (zu_egress_check_rule (rules[i], &why));
      g_assert_null (why);
    }
}

static void
test_bad_rules (void)
{
  static const char *const rules[] = {
    "",
    "*",
    "*.",
    "*.*.a",
    "a.*",
    "*a.b",
    "a..",
    ".",
    ".a",
    "a..b",
    "-a",
    "a-",
    "a b",
    " a",
    "a\n",
    "a:",
    "a:0",
    "a:080",
    "a:65536",
    "a:+1",
    "a:80:80",
    "a:http",
    "::1",
    "2001:db8::1",
    "[::1",
    "[::1]443",
    "[::1]:",
    "[a]",
    "[10.0.0.5]",
    "[fe80::1%eth0]",
    "127.1",
    "0x7f000001",
    "2130706433",
    "010.0.0.5",
    "1.2.3.256",
    "a.0x10",
    "*.10.0.0.5",
    "a/b",
    "a@b",
    "u:p@a",
    "b\xff.example",
    "\xef\xbc\x91.2.3.4",
    "a,b",
    "10.0.0.5/8",
    "10.0.0.0/33",
    "10.0.0.0/",
    "10.0.0.0/8/8",
    "10.0.0.0/-1",
    "10.0.0.0/8:",
    "10.0.0.0/8:0",
    "10.0.0.0/8x",
    "10.0/8",
    "a/8",
    "*/8",
    "[2001:db8::/32",
    "[2001:db8::]/129",
    "[2001:db8::1]/32",
    "[10.0.0.0]/8",
    "[10.0.0.0/8]",
    "2001:db8::/32]",
    "[[2001:db8::]/32",
    "/8",
    "/",
    "[/8",
    "[]/8",
    "a%41",
    "[]",
    "[]:80",
    ":80",
    "*:80",
  };
  char *long_label = g_strnfill (64, 'a');
  g_autofree char *why_long = NULL;

  for (gsize i = 0; i < G_N_ELEMENTS (rules); i++)
    {
      g_autofree char *why = NULL;

      g_test_message ("bad rule %" G_GSIZE_FORMAT, i);
      g_assert_false (zu_egress_check_rule (rules[i], &why));
      g_assert_nonnull (why);
    }
  g_assert_false (zu_egress_check_rule (long_label, &why_long));
  long_label[63] = '\0';
  g_assert_true (zu_egress_check_rule (long_label, NULL));
  g_free (long_label);
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);

  g_test_add_func ("/egress/policy/vectors", test_vectors);
  g_test_add_func ("/egress/policy/refused", test_refused);
  g_test_add_func ("/egress/policy/good-rules", test_good_rules);
  g_test_add_func ("/egress/policy/bad-rules", test_bad_rules);
  return g_test_run ();
}
