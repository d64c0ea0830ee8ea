/* SPDX-License-Identifier: Apache-2.0 */

#include "zuctl-grant-text.h"

#include "zuctl-output.h"
#include "zuctl-table.h"

static const char *
get_state (ZuGrant *grant)
{
  g_autoptr (GDateTime) expires = g_date_time_new_from_iso8601 (zu_grant_get_expires (grant), NULL);
  g_autoptr (GDateTime) now = g_date_time_new_now_utc ();

  if (zu_grant_get_revoked (grant))
    return "revoked";
  return expires != NULL && g_date_time_compare (now, expires) >= 0 ? "expired" : "good";
}

/* What was used, and of how much. */
static char *
make_uses (ZuGrant *grant)
{
  gint64 most = zu_grant_terms_get_uses (zu_grant_get_terms (grant));

  if (most == 0)
    return g_strdup_printf ("%" G_GINT64_FORMAT, zu_grant_get_n_uses (grant));
  return g_strdup_printf ("%" G_GINT64_FORMAT "/%" G_GINT64_FORMAT, zu_grant_get_n_uses (grant),
                          most);
}

static char *
make_used (ZuGrant *grant)
{
  ZuGrantTerms *terms = zu_grant_get_terms (grant);
  const char *most = zu_grant_terms_get_cumulative (terms);
  const char *unit = zu_grant_terms_get_unit (terms);

  if (unit == NULL)
    return g_strdup ("-");
  return g_strdup_printf ("%s%s%s %s", zu_grant_get_used (grant), most != NULL ? "/" : "",
                          most != NULL ? most : "", unit);
}

static void
add_row (ZuctlTable *table, ZuGrant *grant)
{
  ZuGrantTerms *terms = zu_grant_get_terms (grant);
  g_autofree char *uses = make_uses (grant);
  g_autofree char *used = make_used (grant);
  g_autofree char *operations = g_strjoinv (", ", (GStrv) zu_grant_terms_get_operations (terms));
  const char *cells[] = {
    zu_grant_get_id (grant), get_state (grant), zu_grant_get_expires (grant), uses, used, operations
  };

  zuctl_table_add (table, cells);
}

void
zuctl_grant_print_list (GPtrArray *grants, gboolean is_json)
{
  const char *const titles[] = { "GRANT", "STATE", "EXPIRES", "USES", "USED", "OPERATIONS", NULL };
  g_autoptr (ZuctlTable) table = zuctl_table_new (titles);

  for (guint i = 0; i < grants->len; i++)
    if (is_json)
      {
        g_autoptr (ZuJson) json = zu_grant_to_json (grants->pdata[i]);

        zuctl_print_json (json);
      }
    else
      add_row (table, grants->pdata[i]);
  if (!is_json)
    zuctl_table_flush (table);
}

/* What the instrument gave back, a line each; or all of it. */
void
zuctl_grant_print_outcome (ZuUseOutcome *outcome, gboolean is_json)
{
  g_autoptr (ZuJson) json = is_json ? zu_use_outcome_to_json (outcome) : NULL;
  ZuJson *result = zu_use_outcome_get_result (outcome);
  ZuJson *answer = zu_use_outcome_get_answer (outcome);

  if (is_json)
    {
      zuctl_print_json (json);
      return;
    }
  if (!zu_use_outcome_get_done (outcome))
    zuctl_print ("refused: %s\n", zu_use_outcome_get_refusal (outcome));
  if (result != NULL)
    zuctl_print_json (result);
  if (answer != NULL)
    zuctl_print_json (answer);
}
