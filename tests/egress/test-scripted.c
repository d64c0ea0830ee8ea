/* SPDX-License-Identifier: Apache-2.0 */

#include <zu/zu.h>

#include "vectors-support.h"

#include <string.h>

#define POLICY "{\"proxy\":{\"host\":\"zu-proxy\",\"ip\":\"127.0.0.2\",\"port\":3128}}"

static ZuJson *
parse (const char *text)
{
  g_autoptr (GError) error = NULL;
  ZuJson *json = zu_json_parse (text, -1, &error);

  g_assert_no_error (error);
  return json;
}

static GObject *
create (const char *script, GError **error)
{
  g_autofree char *text = g_strdup_printf ("{\"script\":%s}", script);
  g_autoptr (ZuJson) options = parse (text);

  return zu_registry_create (zu_registry_get_default (), "zu.egress_enforcement",
                             "EgressEnforcement", "scripted", options, NULL, error);
}

static GObject *
create_good (const char *script)
{
  g_autoptr (GError) error = NULL;
  GObject *object = create (script, &error);

  g_assert_no_error (error);
  return object;
}

static ZuEnforcement *
do_apply (GObject *object, const char *target, const char *policy, GError **error)
{
  g_autoptr (ZuJson) json = parse (policy);
  g_autoptr (ZuEgressPolicy) record = zu_egress_policy_new_from_json (json, error);

  if (record == NULL)
    return NULL;
  return zu_egress_enforcement_apply (ZU_EGRESS_ENFORCEMENT (object), target, record, NULL, error);
}

static gboolean
do_revoke (GObject *object, const char *id, GError **error)
{
  return zu_egress_enforcement_revoke (ZU_EGRESS_ENFORCEMENT (object), id, NULL, error);
}

static void
assert_json (ZuJson *json, const char *expected)
{
  g_autofree char *text = zu_json_to_string (json);

  g_assert_cmpstr (text, ==, expected);
}

static void
assert_active (GObject *object, const char *expected)
{
  g_auto (GStrv) active = NULL;
  g_autofree char *text = NULL;

  g_object_get (object, "active", &active, NULL);
  text = g_strjoinv (",", active);
  g_assert_cmpstr (text, ==, expected);
}

static void
test_apply_and_revoke (void)
{
  g_autoptr (GObject) object = create_good ("null");
  g_autoptr (GError) error = NULL;
  g_autoptr (ZuEnforcement) first = do_apply (object, "one", POLICY, &error);
  g_autoptr (ZuEnforcement) second = NULL;
  g_autoptr (ZuJson) calls = NULL;

  g_assert_no_error (error);
  second = do_apply (object, "two", "{\"allowlist\":[\"a:443\"],\"dns\":\"deny\"}", &error);
  g_assert_no_error (error);
  g_assert_cmpstr (zu_enforcement_get_mechanism (first), ==, "scripted");
  assert_json (zu_enforcement_get_settings (first),
               "{\"extra_hosts\":{\"zu-proxy\":\"127.0.0.2\"},\"dns\":[\"127.0.0.1\"]}");
  g_assert_cmpstr (zu_enforcement_get_in_force (second)[0], ==, "recorded, not enforced");
  g_assert_cmpstr (zu_enforcement_get_in_force (second)[1], ==,
                   "recorded, not enforced: allow a:443");
  g_assert_null (zu_enforcement_get_in_force (second)[2]);
  assert_active (object, "scripted-1,scripted-2");

  for (int i = 0; i < 2; i++)
    {
      g_assert_true (do_revoke (object, zu_enforcement_get_id (first), &error));
      g_assert_no_error (error);
      assert_active (object, "scripted-2");
    }
  g_assert_true (do_revoke (object, "never-was", &error));
  g_assert_no_error (error);

  g_object_get (object, "calls", &calls, NULL);
  assert_json (calls, "[{\"verb\":\"apply\",\"target\":\"one\",\"policy\":{\"proxy\":{\"host\":"
                      "\"zu-proxy\",\"ip\":\"127.0.0.2\",\"port\":3128},\"dns\":null,"
                      "\"allowlist\":null},\"id\":\"scripted-1\",\"error\":null},"
                      "{\"verb\":\"apply\",\"target\":\"two\",\"policy\":{\"proxy\":null,"
                      "\"dns\":\"deny\",\"allowlist\":[\"a:443\"]},\"id\":\"scripted-2\","
                      "\"error\":null},"
                      "{\"verb\":\"revoke\",\"id\":\"scripted-1\",\"error\":null},"
                      "{\"verb\":\"revoke\",\"id\":\"scripted-1\",\"error\":null},"
                      "{\"verb\":\"revoke\",\"id\":\"never-was\",\"error\":null}]");
}

static void
test_script (void)
{
  g_autoptr (GObject) object = create_good (
      "[{\"verb\":\"apply\",\"error\":\"not-permitted\",\"message\":\"no privilege here\"},"
      "{\"verb\":\"revoke\",\"error\":\"failed\"},"
      "{\"verb\":\"apply\",\"in_force\":[\"rule\"],\"settings\":{\"dns\":[\"10.0.0.53\"]}}]");
  g_autoptr (GError) error = NULL;
  g_autoptr (ZuEnforcement) enforcement = NULL;
  g_autoptr (ZuEnforcement) later = NULL;

  g_assert_null (do_apply (object, "t", POLICY, &error));
  g_assert_error (error, ZU_EGRESS_ENFORCEMENT_ERROR, ZU_EGRESS_ENFORCEMENT_ERROR_NOT_PERMITTED);
  g_assert_cmpstr (error->message, ==, "no privilege here");
  g_clear_error (&error);
  assert_active (object, "");

  enforcement = do_apply (object, "t", POLICY, &error);
  g_assert_no_error (error);
  g_assert_cmpstr (zu_enforcement_get_in_force (enforcement)[0], ==, "rule");
  assert_json (zu_enforcement_get_settings (enforcement), "{\"dns\":[\"10.0.0.53\"]}");

  g_assert_false (do_revoke (object, zu_enforcement_get_id (enforcement), &error));
  g_assert_error (error, ZU_EGRESS_ENFORCEMENT_ERROR, ZU_EGRESS_ENFORCEMENT_ERROR_FAILED);
  g_clear_error (&error);
  assert_active (object, zu_enforcement_get_id (enforcement));
  g_assert_true (do_revoke (object, zu_enforcement_get_id (enforcement), &error));
  g_assert_no_error (error);
  assert_active (object, "");

  later = do_apply (object, "t", POLICY, &error);
  g_assert_no_error (error);
  g_assert_cmpstr (zu_enforcement_get_in_force (later)[0], ==, "recorded, not enforced");
}

/* A double refuses what a real one would, takes no step of the script for it, and records it. */
static void
test_invalid_policy (void)
{
  g_autoptr (GObject) object =
      create_good ("[{\"verb\":\"apply\",\"in_force\":[\"from the script\"]}]");
  g_autoptr (GError) error = NULL;
  g_autoptr (ZuEnforcement) enforcement = NULL;
  g_autoptr (ZuJson) calls = NULL;
  g_autoptr (ZuJson) call = NULL;

  g_assert_null (do_apply (object, "t", "{\"dns\":\"anything\"}", &error));
  g_assert_error (error, ZU_EGRESS_ENFORCEMENT_ERROR, ZU_EGRESS_ENFORCEMENT_ERROR_INVALID_POLICY);
  g_clear_error (&error);
  assert_active (object, "");
  g_object_get (object, "calls", &calls, NULL);
  g_assert_cmpuint (zu_json_get_size (calls), ==, 1);
  call = zu_json_dup_element (calls, 0);
  g_assert_cmpstr (row_text (call, "error"), ==, "invalid-policy");

  enforcement = do_apply (object, "t", POLICY, &error);
  g_assert_no_error (error);
  g_assert_cmpstr (zu_enforcement_get_in_force (enforcement)[0], ==, "from the script");
}

static void
test_bad_scripts (void)
{
  static const char *const scripts[] = {
    "{}",
    "\"apply\"",
    "[1]",
    "[{}]",
    "[{\"verb\":\"launch\"}]",
    "[{\"verb\":5}]",
    "[{\"verb\":\"apply\",\"error\":\"no-such-code\"}]",
    "[{\"verb\":\"apply\",\"error\":5}]",
    "[{\"verb\":\"apply\",\"message\":\"x\"}]",
    "[{\"verb\":\"apply\",\"in_force\":\"x\"}]",
    "[{\"verb\":\"apply\",\"in_force\":[1]}]",
    "[{\"verb\":\"apply\",\"settings\":[]}]",
    "[{\"verb\":\"apply\",\"error\":\"failed\",\"in_force\":[]}]",
    "[{\"verb\":\"revoke\",\"in_force\":[]}]",
    "[{\"verb\":\"apply\"},{\"verb\":\"apply\",\"answer\":1}]",
  };

  for (gsize i = 0; i < G_N_ELEMENTS (scripts); i++)
    {
      g_autoptr (GError) error = NULL;

      g_test_message ("%s", scripts[i]);
      g_assert_null (create (scripts[i], &error));
      g_assert_error (error, ZU_REGISTRY_ERROR, ZU_REGISTRY_ERROR_BAD_OPTION);
    }
}

static void
test_cancelled (void)
{
  g_autoptr (GObject) object = create_good ("[]");
  g_autoptr (GCancellable) cancellable = g_cancellable_new ();
  g_autoptr (GError) error = NULL;
  g_autoptr (ZuEgressPolicy) policy = zu_egress_policy_new ();

  g_cancellable_cancel (cancellable);
  g_assert_null (zu_egress_enforcement_apply (ZU_EGRESS_ENFORCEMENT (object), "t", policy,
                                              cancellable, &error));
  g_assert_error (error, G_IO_ERROR, G_IO_ERROR_CANCELLED);
  assert_active (object, "");
}

static ZuJson *
dispatch (GObject *object, const char *method, const char *args, GError **error)
{
  g_autoptr (ZuJson) json = parse (args);

  return zu_port_dispatch (zu_egress_enforcement_get_port_info (), object, method, json, NULL,
                           error);
}

/* The port's scenario, and every recorded policy, as JSON. */
static void
test_dispatch (void)
{
  g_autoptr (GObject) object = create_good ("[]");
  g_autoptr (GError) error = NULL;
  g_autoptr (ZuJson) answer =
      dispatch (object, "apply", "{\"target\":\"contract\",\"policy\":" POLICY "}", &error);
  g_autofree char *args = NULL;

  g_assert_no_error (error);
  g_assert_cmpstr (row_text (answer, "mechanism"), ==, "scripted");
  args = g_strdup_printf ("{\"id\":\"%s\"}", row_text (answer, "id"));
  for (int i = 0; i < 2; i++)
    {
      g_autoptr (ZuJson) done = dispatch (object, "revoke", args, &error);

      g_assert_no_error (error);
      g_assert_nonnull (done);
    }
  assert_active (object, "");
  g_assert_null (dispatch (object, "apply", "{\"target\":\"t\",\"policy\":{\"dns\":[]}}", &error));
  g_assert_error (error, ZU_EGRESS_ENFORCEMENT_ERROR, ZU_EGRESS_ENFORCEMENT_ERROR_INVALID_POLICY);
}

static void
test_dispatch_vectors (void)
{
  g_autoptr (GObject) object = create_good ("[]");
  g_autoptr (ZuJson) file = vectors_read_json ("netpolicy.json");
  g_autoptr (ZuJson) rows = row_member (file, "cases");

  for (gsize i = 0; i < zu_json_get_size (rows); i++)
    {
      g_autoptr (ZuJson) row = zu_json_dup_element (rows, i);
      g_autoptr (ZuJson) spec = row_member (row, "spec");
      g_autoptr (ZuJson) expected = row_member (row, "policy");
      g_autofree char *text = zu_json_to_string (spec);
      g_autofree char *args = g_strdup_printf ("{\"target\":\"t\",\"policy\":%s}", text);
      g_autoptr (GError) error = NULL;
      g_autoptr (ZuJson) answer = dispatch (object, "apply", args, &error);
      g_autoptr (ZuJson) settings = NULL;

      g_assert_no_error (error);
      settings = row_member (answer, "settings");
      g_assert_true (zu_json_equal (settings, expected));
    }
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);

  g_test_add_func ("/egress/scripted/apply-and-revoke", test_apply_and_revoke);
  g_test_add_func ("/egress/scripted/script", test_script);
  g_test_add_func ("/egress/scripted/invalid-policy", test_invalid_policy);
  g_test_add_func ("/egress/scripted/bad-scripts", test_bad_scripts);
  g_test_add_func ("/egress/scripted/cancelled", test_cancelled);
  g_test_add_func ("/egress/scripted/dispatch", test_dispatch);
  g_test_add_func ("/egress/scripted/dispatch-vectors", test_dispatch_vectors);
  return g_test_run ();
}
