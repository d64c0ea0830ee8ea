/* SPDX-License-Identifier: Apache-2.0 */

#include "zuctl-error.h"

#include "zuctl-text.h"

#include <zu/zu.h>

#include <stdio.h>
#include <string.h>

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
         || g_error_matches (error, ZU_EVENT_SINK_ERROR, ZU_EVENT_SINK_ERROR_PLAINTEXT)
         || g_error_matches (error, ZU_CREDENTIAL_BROKER_ERROR,
                             ZU_CREDENTIAL_BROKER_ERROR_NO_SECRET)
         || g_error_matches (error, ZU_CREDENTIAL_BROKER_ERROR,
                             ZU_CREDENTIAL_BROKER_ERROR_BAD_TERMS)
         || g_error_matches (error, ZU_CREDENTIAL_BROKER_ERROR,
                             ZU_CREDENTIAL_BROKER_ERROR_NOT_FOUND);
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

static const char *
get_message (const GLogField *fields, gsize n_fields)
{
  for (gsize i = 0; i < n_fields; i++)
    if (strcmp (fields[i].key, "MESSAGE") == 0)
      return fields[i].value;
  return NULL;
}

/* What a library has to say is a line of ours, too; debugging and bugs look as they do everywhere.
 */
GLogWriterOutput
zuctl_write_log (GLogLevelFlags level, const GLogField *fields, gsize n_fields, gpointer user_data)
{
  const char *message = get_message (fields, n_fields);

  if ((level & G_LOG_LEVEL_MESSAGE) == 0 || message == NULL)
    return g_log_writer_default (level, fields, n_fields, user_data);

  zuctl_report (message);
  return G_LOG_WRITER_HANDLED;
}
