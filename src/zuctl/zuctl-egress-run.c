/* SPDX-License-Identifier: Apache-2.0 */

#include "zuctl-egress-run.h"

#include "zuctl-config.h"

#include <zu-egress-judge.h>

#include <stdio.h>
#include <string.h>

static gboolean
is_isolated (const ZuctlRunOptions *options)
{
  return g_strcmp0 (options->network, "isolated") == 0;
}

static gboolean
asks_for_proxy (const ZuctlRunOptions *options)
{
  return options->allow != NULL || options->is_any || options->is_observing;
}

/* A rule that is not understood is a usage error, found before anything was set up. */
gboolean
zuctl_run_egress_check (const ZuctlRunOptions *options, GError **error)
{
  static const char *const modes[] = { "require", "check", "off", NULL };
  g_autoptr (GError) why = NULL;
  g_autoptr (ZuEgressRules) rules =
      zu_egress_rules_new ((const char *const *) options->allow, options->is_any, &why);

  if (rules == NULL)
    g_set_error (error, ZUCTL_FAILURE, ZUCTL_FAILURE_USAGE, "run: %s (see man zuctl-egress)",
                 why->message);
  else if (options->sni != NULL && !g_strv_contains (modes, options->sni))
    g_set_error (error, ZUCTL_FAILURE, ZUCTL_FAILURE_USAGE,
                 "run: --sni %s: it must be require, check or off (see zuctl run --help)",
                 options->sni);
  else if (asks_for_proxy (options) && options->network != NULL
           && strcmp (options->network, "none") != 0 && !is_isolated (options))
    g_set_error (error, ZUCTL_FAILURE, ZUCTL_FAILURE_USAGE,
                 "run: --network %s and rules for egress do not go together (leave --network out)",
                 options->network);
  else if (options->enforcement != NULL && !is_isolated (options))
    g_set_error (error, ZUCTL_FAILURE, ZUCTL_FAILURE_USAGE,
                 "run: --enforcement %s is for a network to be put around (add --network isolated)",
                 options->enforcement);
  else
    return TRUE;
  return FALSE;
}

/* As named, else as configured; never one that was not chosen. */
static ZuEgressEnforcement *
open_enforcement (const ZuctlRunOptions *options, GError **error)
{
  g_autofree char *name = g_strdup (options->enforcement);
  GObject *enforcement;

  if (name == NULL && !zuctl_config_get ("run", "enforcement", &name, error))
    return NULL;
  if (name == NULL)
    {
      g_set_error_literal (error, ZUCTL_FAILURE, ZUCTL_FAILURE_USAGE,
                           "run: --network isolated needs --enforcement NAME (see zuctl plugins)");
      return NULL;
    }
  enforcement = zu_registry_create (zu_registry_get_default (), "zu.egress_enforcement",
                                    "EgressEnforcement", name, NULL, NULL, error);
  if (enforcement == NULL)
    g_prefix_error (error, "cannot use the enforcement %s: ", name);
  return (ZuEgressEnforcement *) enforcement;
}

gboolean
zuctl_run_egress_set (ZuRun *run, const ZuctlRunOptions *options, GError **error)
{
  g_autoptr (ZuEgressEnforcement) enforcement = NULL;

  if (is_isolated (options))
    {
      enforcement = open_enforcement (options, error);
      if (enforcement == NULL)
        return FALSE;
      g_object_set (run, "enforcement", enforcement, NULL);
    }
  g_object_set (run, "allow", options->allow, "allow-any", options->is_any, "observe",
                options->is_observing, "sni", options->sni, NULL);
  return TRUE;
}

/* On standard error: standard output is the command's. */
void
zuctl_run_egress_print_needed (ZuRun *run)
{
  GPtrArray *needed = zu_run_get_needed (run);

  fflush (stdout);
  for (guint i = 0; i < needed->len; i++)
    fprintf (stderr, "--allow %s\n", (const char *) g_ptr_array_index (needed, i));
}
