/* SPDX-License-Identifier: Apache-2.0 */

#include "zuctl-egress-enforce.h"

#include "zuctl-input.h"
#include "zuctl-output.h"

#define KIND "zu.egress_enforcement"
#define PORT "EgressEnforcement"

typedef struct
{
  char *mechanism;
  char *netns;
  char *spec;
  gboolean is_json;
} EnforceOptions;

static void
options_clear (EnforceOptions *options)
{
  g_free (options->mechanism);
  g_free (options->netns);
  g_free (options->spec);
}

G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC (EnforceOptions, options_clear)

static gboolean
parse (const ZuctlCommand *command, GStrv words, EnforceOptions *options, ZuctlParsed *parsed,
       GError **error)
{
  const GOptionEntry entries[] = {
    { "mechanism", 0, 0, G_OPTION_ARG_STRING, &options->mechanism,
      "The enforcement plugin, as in nftables", "NAME" },
    { "netns", 0, 0, G_OPTION_ARG_FILENAME, &options->netns,
      "The network namespace's path, or the id of a process in it", "PATH" },
    { "spec", 0, 0, G_OPTION_ARG_FILENAME, &options->spec, "The policy, a JSON object", "FILE" },
    { "json", 0, 0, G_OPTION_ARG_NONE, &options->is_json, "Print a JSON object", NULL },
    G_OPTION_ENTRY_NULL
  };
  const char *missing;

  if (!zuctl_parse (command, words, entries, NULL, parsed, error))
    return FALSE;
  missing = options->mechanism == NULL ? "mechanism"
            : options->netns == NULL   ? "netns"
            : options->spec == NULL    ? "spec"
                                       : NULL;
  if (missing == NULL)
    return TRUE;
  g_set_error (error, ZUCTL_FAILURE, ZUCTL_FAILURE_USAGE,
               "%s: --%s is missing (see zuctl %s --help)", command->name, missing, command->name);
  return FALSE;
}

static ZuEgressEnforcement *
open_mechanism (const EnforceOptions *options, GError **error)
{
  GObject *mechanism = zu_registry_create (zu_registry_get_default (), KIND, PORT,
                                           options->mechanism, NULL, NULL, error);

  if (mechanism == NULL)
    g_prefix_error (error, "cannot use the enforcement %s: ", options->mechanism);
  return (ZuEgressEnforcement *) mechanism;
}

static ZuEgressPolicy *
read_policy (const EnforceOptions *options, GError **error)
{
  g_autoptr (ZuJson) json = zuctl_read_json_file (options->spec, error);
  ZuEgressPolicy *policy = json != NULL ? zu_egress_policy_new_from_json (json, error) : NULL;

  if (json != NULL && policy == NULL)
    g_prefix_error (error, "the policy in %s is refused: ", options->spec);
  return policy;
}

static void
print_enforcement (ZuEnforcement *enforcement, gboolean is_json)
{
  const char *const *in_force = zu_enforcement_get_in_force (enforcement);

  if (is_json)
    {
      g_autoptr (ZuJson) json = zu_enforcement_to_json (enforcement);

      zuctl_print_json (json);
      return;
    }
  zuctl_print ("%s\n", zu_enforcement_get_id (enforcement));
  for (guint i = 0; in_force != NULL && in_force[i] != NULL; i++)
    zuctl_print ("  %s\n", in_force[i]);
}

int
zuctl_egress_apply (const ZuctlCommand *command, GStrv words, GError **error)
{
  g_auto (EnforceOptions) options = { NULL };
  g_auto (ZuctlParsed) parsed = { 0 };
  g_autoptr (ZuEgressEnforcement) mechanism = NULL;
  g_autoptr (ZuEgressPolicy) policy = NULL;
  g_autoptr (ZuEnforcement) enforcement = NULL;

  if (!parse (command, words, &options, &parsed, error))
    return parsed.status;
  mechanism = open_mechanism (&options, error);
  policy = mechanism != NULL ? read_policy (&options, error) : NULL;
  if (policy == NULL)
    return ZUCTL_ERROR;
  enforcement = zu_egress_enforcement_apply (mechanism, options.netns, policy, NULL, error);
  if (enforcement == NULL)
    return ZUCTL_ERROR;
  print_enforcement (enforcement, options.is_json);
  return ZUCTL_DONE;
}

/* What is not in force there, or not any more, is nothing to take away. */
int
zuctl_egress_revoke (const ZuctlCommand *command, GStrv words, GError **error)
{
  g_auto (EnforceOptions) options = { NULL };
  g_auto (ZuctlParsed) parsed = { 0 };
  g_autoptr (ZuEgressEnforcement) mechanism = NULL;
  g_autoptr (ZuEgressPolicy) policy = NULL;
  g_autofree char *id = NULL;

  if (!parse (command, words, &options, &parsed, error))
    return parsed.status;
  mechanism = open_mechanism (&options, error);
  policy = mechanism != NULL ? read_policy (&options, error) : NULL;
  if (policy == NULL)
    return ZUCTL_ERROR;
  id = zu_egress_enforcement_locate (mechanism, options.netns, policy, NULL, error);
  if (id == NULL || !zu_egress_enforcement_revoke (mechanism, id, NULL, error))
    return ZUCTL_ERROR;
  return ZUCTL_DONE;
}
