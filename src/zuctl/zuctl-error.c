/* SPDX-License-Identifier: Apache-2.0 */

#include "zuctl-error.h"

#include "zuctl-text.h"

#include <zu/zu.h>

#include <stdio.h>

G_DEFINE_QUARK (zuctl - failure - quark, zuctl_failure)

/* Errors that say no to what was asked or given, by their domains; the others are the
 * environment's. */
static gboolean
is_refusal (const GError *error)
{
  return error->domain == ZU_EVENT_ERROR || error->domain == ZU_JSON_ERROR
         || error->domain == ZU_FILTER_ERROR
         || g_error_matches (error, ZUCTL_FAILURE, ZUCTL_FAILURE_INPUT)
         || g_error_matches (error, ZU_EVENT_SINK_ERROR, ZU_EVENT_SINK_ERROR_CONFLICT)
         || g_error_matches (error, ZU_EVENT_SINK_ERROR, ZU_EVENT_SINK_ERROR_INVALID_EVENT)
         || g_error_matches (error, ZU_EVENT_SINK_ERROR, ZU_EVENT_SINK_ERROR_UNDECODABLE)
         || g_error_matches (error, ZU_CREDENTIAL_BROKER_ERROR,
                             ZU_CREDENTIAL_BROKER_ERROR_NO_SECRET);
}

/* The exit status that goes with an error. */
int
zuctl_get_failure_status (const GError *error)
{
  return is_refusal (error) ? ZUCTL_NO : ZUCTL_ERROR;
}

/* One line on stderr. What came from elsewhere cannot break it or speak to the terminal. */
void
zuctl_report (const char *text)
{
  g_autofree char *line = zuctl_dup_printable (text);

  fflush (stdout);
  fprintf (stderr, "zuctl: %s\n", line);
}
