/* SPDX-License-Identifier: Apache-2.0 */

#include "conform-match.h"

/* What matches, and what must not: a contract test that cannot fail tests nothing. */

static void
check (const char *expected, const char *actual, const char *message)
{
  g_autoptr (GHashTable) bindings = conform_bindings_new ();
  g_autoptr (ZuJson) wanted = zu_json_parse (expected, -1, NULL);
  g_autoptr (ZuJson) got = zu_json_parse (actual, -1, NULL);
  g_autoptr (GError) error = NULL;

  g_hash_table_insert (bindings, g_strdup ("one"), zu_json_parse ("1", -1, NULL));
  g_assert_cmpint (conform_match (wanted, got, bindings, &error), ==, message == NULL);
  if (message != NULL)
    g_assert_cmpstr (error->message, ==, message);
}

static void
test_values (void)
{
  check ("1", "1", NULL);
  check ("1", "2", "expected 1, got 2");
  check ("1", "\"1\"", "expected 1, got \"1\"");
  check ("null", "null", NULL);
  check ("null", "false", "expected null, got false");
}

static void
test_objects (void)
{
  check ("{}", "{\"a\":1}", NULL);
  check ("{\"a\":1}", "{\"a\":1,\"b\":2}", NULL);
  check ("{\"a\":{\"b\":1}}", "{\"a\":{\"b\":2}}", "in 'a': in 'b': expected 1, got 2");
  check ("{\"a\":1}", "{}", "'a' is missing");
  check ("{}", "[]", "expected {}, got []");
}

static void
test_arrays (void)
{
  check ("[]", "[]", NULL);
  check ("[]", "[1]", "expected [], got [1]");
  check ("[1,{}]", "[1,{\"a\":1}]", NULL);
  check ("[1,2]", "[1,3]", "in element 1: expected 2, got 3");
}

static void
test_matchers (void)
{
  check ("{\"matches\":\"^a+$\"}", "\"aa\"", NULL);
  check ("{\"matches\":\"^a+$\"}", "\"ab\"", "expected {\"matches\":\"^a+$\"}, got \"ab\"");
  check ("{\"matches\":\"1\"}", "1", "expected {\"matches\":\"1\"}, got 1");
  check ("{\"type\":\"integer\"}", "7", NULL);
  check ("{\"type\":\"integer\"}", "7.0", "expected {\"type\":\"integer\"}, got 7.0");
  check ("{\"type\":\"data.one\"}", "{\"type\":\"data.one\"}", NULL);
  check ("{\"bound\":\"one\"}", "1", NULL);
  check ("{\"bound\":\"one\"}", "2", "expected 1, got 2");
  check ("{\"bound\":\"two\"}", "2", "nothing was bound to 'two'");
}

static void
test_bind (void)
{
  g_autoptr (GHashTable) bindings = conform_bindings_new ();
  g_autoptr (GError) error = NULL;
  g_autoptr (ZuJson) wanted = zu_json_parse ("{\"id\":{\"bind\":\"x\"}}", -1, NULL);
  g_autoptr (ZuJson) got = zu_json_parse ("{\"id\":[1,2]}", -1, NULL);
  g_autoptr (ZuJson) next = zu_json_parse ("{\"a\":[{\"bound\":\"x\"},{\"y\":null}]}", -1, NULL);
  g_autoptr (ZuJson) filled = NULL;
  g_autofree char *text = NULL;

  g_assert_true (conform_match (wanted, got, bindings, &error));
  filled = conform_fill_in (next, bindings, &error);
  g_assert_no_error (error);
  text = zu_json_to_string (filled);
  g_assert_cmpstr (text, ==, "{\"a\":[[1,2],{\"y\":null}]}");
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/conformance/match/values", test_values);
  g_test_add_func ("/conformance/match/objects", test_objects);
  g_test_add_func ("/conformance/match/arrays", test_arrays);
  g_test_add_func ("/conformance/match/matchers", test_matchers);
  g_test_add_func ("/conformance/match/bind", test_bind);

  return g_test_run ();
}
