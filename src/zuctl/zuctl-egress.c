/* SPDX-License-Identifier: Apache-2.0 */

#include "zuctl-command.h"
#include "zuctl-egress-answer.h"
#include "zuctl-egress-enforce.h"

#include <gio/gio.h>
#include <string.h>

typedef struct
{
  GStrv rules;
  char *scheme;
  gboolean is_any;
  gboolean is_resolved;
  gboolean is_json;
} CheckOptions;

static void
options_clear (CheckOptions *options)
{
  g_strfreev (options->rules);
  g_free (options->scheme);
}

G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC (CheckOptions, options_clear)

static gboolean
parse (const ZuctlCommand *command, GStrv words, CheckOptions *options, ZuctlParsed *parsed,
       GError **error)
{
  const GOptionEntry entries[] = {
    { "allow", 0, 0, G_OPTION_ARG_STRING_ARRAY, &options->rules,
      "A rule, as in zuctl run; may be given again", "RULE" },
    { "allow-any", 0, 0, G_OPTION_ARG_NONE, &options->is_any, "Allow every public host", NULL },
    { "resolve", 0, 0, G_OPTION_ARG_NONE, &options->is_resolved,
      "Look the name up if it is allowed, and judge its addresses", NULL },
    { "scheme", 0, 0, G_OPTION_ARG_STRING, &options->scheme,
      "connect or http; left out, http for port 80 and connect for all others", "SCHEME" },
    { "json", 0, 0, G_OPTION_ARG_NONE, &options->is_json, "Print a JSON object", NULL },
    G_OPTION_ENTRY_NULL
  };

  return zuctl_parse (command, words, entries, NULL, parsed, error);
}

static gboolean
refuse_usage (GError **error, const char *what, const char *value)
{
  g_set_error (error, ZUCTL_FAILURE, ZUCTL_FAILURE_USAGE,
               "egress check: %s: '%s' (see zuctl egress check --help)", what, value);
  return FALSE;
}

/* Without a port it is the scheme's own, and without a scheme it is the port's. */
static gboolean
read_target (const CheckOptions *options, const char *text, ZuctlEgressAnswer *answer,
             GError **error)
{
  g_autofree char *host = NULL;

  if (options->scheme != NULL && strcmp (options->scheme, "http") != 0
      && strcmp (options->scheme, "connect") != 0)
    return refuse_usage (error, "the scheme is neither connect nor http", options->scheme);
  if (!zu_host_split_port (text, &host, &answer->port))
    return refuse_usage (error, "this is not HOST[:PORT] (an IPv6 address is [ADDRESS])", text);

  zu_host_parse (&answer->host, host);
  if (options->scheme != NULL ? strcmp (options->scheme, "http") == 0 : answer->port == 80)
    answer->scheme = ZU_EGRESS_SCHEME_HTTP;
  if (answer->port == 0)
    answer->port = answer->scheme == ZU_EGRESS_SCHEME_HTTP ? 80 : 443;
  return TRUE;
}

static ZuEgressRules *
read_rules (const CheckOptions *options, GError **error)
{
  g_autoptr (GError) why = NULL;
  ZuEgressRules *rules =
      zu_egress_rules_new ((const char *const *) options->rules, options->is_any, &why);

  if (rules == NULL)
    g_set_error (error, ZUCTL_FAILURE, ZUCTL_FAILURE_USAGE, "egress check: %s", why->message);
  return rules;
}

static void
judge (const ZuEgressRules *rules, gboolean is_resolved, ZuctlEgressAnswer *answer)
{
  zu_egress_rules_judge_host (rules, &answer->host, answer->port, answer->scheme, &answer->verdict);
  if (is_resolved && answer->verdict.is_allowed && answer->host.kind == ZU_HOST_NAME)
    zuctl_egress_answer_resolve (answer, rules);
}

static int
run_check (const ZuctlCommand *command, GStrv words, GError **error)
{
  g_auto (CheckOptions) options = { NULL };
  g_auto (ZuctlParsed) parsed = { 0 };
  g_auto (ZuctlEgressAnswer) answer = { { 0 } };
  g_autoptr (ZuEgressRules) rules = NULL;

  if (!parse (command, words, &options, &parsed, error))
    return parsed.status;
  rules = read_rules (&options, error);
  if (rules == NULL || !read_target (&options, parsed.rest[0], &answer, error))
    return ZUCTL_ERROR;

  answer.text = parsed.rest[0];
  judge (rules, options.is_resolved, &answer);
  zuctl_egress_answer_print (&answer, options.is_json);
  return answer.verdict.is_allowed ? ZUCTL_DONE : ZUCTL_NO;
}

const ZuctlCommand zuctl_egress_commands[] = {
  { "egress check", "HOST[:PORT]", "Say what the proxy would, and why", run_check, 1, 1 },
  { "egress apply", "", "Put a policy in force in a network namespace", zuctl_egress_apply },
  { "egress revoke", "", "Take a policy out of force there", zuctl_egress_revoke },
  { NULL },
};
