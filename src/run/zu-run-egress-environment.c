/* SPDX-License-Identifier: Apache-2.0 */

#include "zu-run-egress-environment.h"

#include "zu-egress-rule.h"
#include "zu-run-json.h"

#include <string.h>

/* Every spelling that some program looks for. */
static const char *const leading[] = { "HTTP_PROXY",  "http_proxy", "HTTPS_PROXY",
                                       "https_proxy", "ALL_PROXY",  "all_proxy" };
static const char *const passing[] = { "NO_PROXY", "no_proxy" };
/* The sandbox's own services. */
static const char *const own_hosts[] = { "localhost", "127.0.0.1", "::1" };

static gboolean
is_set (const char *const *environment, const char *name)
{
  gsize length = strlen (name);

  for (guint i = 0; environment != NULL && environment[i] != NULL; i++)
    if (strncmp (environment[i], name, length) == 0 && environment[i][length] == '=')
      return TRUE;
  return FALSE;
}

/* Whoever allows this machine's loopback means that, and not the sandbox's. */
static gboolean
is_allowed (const ZuRunEgressPolicy *policy, const char *text)
{
  ZuHost host;

  zu_host_parse (&host, text);
  for (guint i = 0; policy->allow != NULL && policy->allow[i] != NULL; i++)
    {
      g_autofree char *why = NULL;
      g_autoptr (ZuEgressRule) rule = zu_egress_rule_new (policy->allow[i], &why);

      if (rule != NULL && rule->kind != ZU_EGRESS_RULE_ANY && zu_egress_rule_has_host (rule, &host))
        return TRUE;
    }
  return FALSE;
}

static char *
make_exceptions (const ZuRunEgressPolicy *policy)
{
  g_autoptr (GStrvBuilder) hosts = g_strv_builder_new ();
  g_auto (GStrv) list = NULL;

  for (gsize i = 0; i < G_N_ELEMENTS (own_hosts); i++)
    if (!is_allowed (policy, own_hosts[i]))
      g_strv_builder_add (hosts, own_hosts[i]);
  list = g_strv_builder_end (hosts);
  return g_strjoinv (",", list);
}

static void
add (ZuJsonBuilder *builder, const char *const *environment, const char *name, const char *value)
{
  g_autofree char *variable = g_strconcat (name, "=", value, NULL);

  if (!is_set (environment, name))
    zu_json_builder_add_string (builder, variable);
}

static void
set_environment (ZuJsonBuilder *builder, const char *const *environment,
                 const ZuRunEgressPolicy *policy, const ZuRunAddress *proxy)
{
  g_autofree char *url = g_strdup_printf ("http://%s:%u", proxy->ip, proxy->port);
  g_autofree char *exceptions = make_exceptions (policy);

  zu_json_builder_set_member (builder, "environment");
  zu_json_builder_begin_array (builder);
  for (guint i = 0; environment != NULL && environment[i] != NULL; i++)
    zu_json_builder_add_string (builder, environment[i]);
  for (gsize i = 0; i < G_N_ELEMENTS (leading); i++)
    add (builder, environment, leading[i], url);
  for (gsize i = 0; i < G_N_ELEMENTS (passing); i++)
    add (builder, environment, passing[i], exceptions);
  zu_json_builder_end_array (builder);
}

/* The same process, with variables that lead to PROXY; what the caller has set stays. */
ZuProcessSpec *
zu_run_egress_new_process (ZuProcessSpec *process, const ZuRunEgressPolicy *policy,
                           const ZuRunAddress *proxy, GError **error)
{
  static const char *const replaced[] = { "environment", NULL };
  g_autoptr (ZuJson) old = zu_process_spec_to_json (process);
  g_autoptr (ZuJsonBuilder) builder = zu_json_builder_new ();
  g_autoptr (ZuJson) json = NULL;

  zu_json_builder_begin_object (builder);
  zu_run_json_copy_but (builder, old, replaced);
  set_environment (builder, zu_process_spec_get_environment (process), policy, proxy);
  zu_json_builder_end_object (builder);
  json = zu_json_builder_end (builder, error);
  return json != NULL ? zu_process_spec_new_from_json (json, error) : NULL;
}
