/* SPDX-License-Identifier: Apache-2.0 */

#include "zuctl-egress-run.h"

#include <zu-egress-judge.h>

#include <stdio.h>
#include <string.h>

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
           && strcmp (options->network, "none") != 0)
    g_set_error (error, ZUCTL_FAILURE, ZUCTL_FAILURE_USAGE,
                 "run: --network %s and rules for egress do not go together (leave --network out)",
                 options->network);
  else
    return TRUE;
  return FALSE;
}

void
zuctl_run_egress_set (ZuRun *run, const ZuctlRunOptions *options)
{
  g_object_set (run, "allow", options->allow, "allow-any", options->is_any, "observe",
                options->is_observing, "sni", options->sni, NULL);
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
