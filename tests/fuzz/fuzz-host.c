/* SPDX-License-Identifier: Apache-2.0 */

/* Any host: what it is read as is read as the same again, in its plain spelling; and whatever rules
 * there are, an internal address is let through by a rule that names it only. */

#include "fuzz.h"

#include "zu-address-guard.h"
#include "zu-egress-judge.h"

#include <string.h>

static void
check_again (const ZuHost *host)
{
  g_autofree char *text = zu_host_to_string (host);
  ZuHost again;

  g_assert_true (zu_host_parse (&again, text));
  g_assert_cmpint (again.kind, ==, host->kind);
  g_assert_false (again.is_odd);
  if (host->kind == ZU_HOST_NAME)
    g_assert_cmpstr (again.name, ==, host->name);
  else
    g_assert_true (zu_address_is_equal (&again.address, &host->address));
}

static void
check_verdict (const ZuHost *host)
{
  static const char *const rules[] = { "*.example.com", "0.0.0.0/0", "[::]/0", "10.0.0.0/8", NULL };
  g_autoptr (ZuEgressRules) list = zu_egress_rules_new (rules, TRUE, NULL);
  ZuAddressClass class = { FALSE };
  ZuEgressVerdict verdict;
  gboolean is_private;

  zu_egress_rules_judge_host (list, host, 443, ZU_EGRESS_SCHEME_CONNECT, &verdict);
  if (host->kind == ZU_HOST_ADDRESS)
    zu_address_classify (&host->address, &class);
  is_private = host->address.length == 4 && host->address.bytes[0] == 10;
  if (class.is_internal && host->address.length == 4)
    g_assert_true (!verdict.is_allowed || (is_private && !host->is_odd));
  if (host->is_odd)
    g_assert_false (verdict.is_allowed);
}

int
LLVMFuzzerTestOneInput (const uint8_t *data, size_t size)
{
  g_autofree char *text = size > 0 ? g_strndup ((const char *) data, size) : g_strdup ("");
  ZuHost host;

  zu_address_text_is_internal (text);
  if (!zu_host_parse (&host, text))
    return 0;
  check_again (&host);
  check_verdict (&host);
  return 0;
}
