/* SPDX-License-Identifier: Apache-2.0 */

/* Any egress policy: it is refused, or what follows from it pins every name and has only addresses
 * for resolvers; and a rule that is understood is one word. */

#include "fuzz.h"

#include "zu-egress-rule.h"
#include "zu-egress-settings.h"

#include <string.h>

static void
check_rule (const uint8_t *data, size_t size)
{
  g_autofree char *rule = size > 0 ? g_strndup ((const char *) data, size) : g_strdup ("");
  g_autofree char *why = NULL;

  if (!zu_egress_check_rule (rule, &why))
    {
      g_assert_nonnull (why);
      return;
    }
  g_assert_null (why);
  for (const char *c = rule; *c != '\0'; c++)
    g_assert_true (strchr (" @%,\\?#\n\r\t", *c) == NULL);
}

static void
check_settings (ZuJson *settings)
{
  g_autoptr (ZuJson) dns = zu_json_dup_member (settings, "dns");
  g_autoptr (ZuJson) hosts = zu_json_dup_member (settings, "extra_hosts");

  g_assert_cmpuint (zu_json_get_size (dns), >, 0);
  for (gsize i = 0; i < zu_json_get_size (dns); i++)
    {
      g_autoptr (ZuJson) resolver = zu_json_dup_element (dns, i);

      g_assert_true (zu_egress_is_address (zu_json_get_string (resolver, NULL)));
    }
  if (hosts != NULL)
    {
      const char *host = zu_json_get_member_name (hosts, 0, NULL);
      g_autoptr (ZuJson) ip = zu_json_dup_member (hosts, host);

      g_assert_cmpuint (zu_json_get_size (hosts), ==, 1);
      g_assert_true (zu_egress_is_address (zu_json_get_string (ip, NULL)));
    }
}

int
LLVMFuzzerTestOneInput (const uint8_t *data, size_t size)
{
  g_autoptr (ZuJson) json = zu_json_parse ((const char *) data, (gssize) size, NULL);
  g_autoptr (ZuEgressPolicy) policy = NULL;
  g_autoptr (ZuJson) settings = NULL;
  g_autoptr (GError) error = NULL;

  check_rule (data, size);
  policy = json != NULL ? zu_egress_policy_new_from_json (json, NULL) : NULL;
  if (policy == NULL)
    return 0;
  settings = zu_egress_settings_new (policy, &error);
  if (settings == NULL)
    g_assert_error (error, ZU_EGRESS_ENFORCEMENT_ERROR, ZU_EGRESS_ENFORCEMENT_ERROR_INVALID_POLICY);
  else
    check_settings (settings);
  return 0;
}
