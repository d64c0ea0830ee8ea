/* SPDX-License-Identifier: Apache-2.0 */

#include "zu-sink-link.h"

/* The columns of a log; a registered field of payload.ctx cannot have one of these names. */
static const char *const column_names[] = { "event_id", "trace_id", "task_id", "parent_id",
                                            "type",     "source",   NULL };

gboolean
zu_sink_role_parse (const char *text, ZuSinkRole *role, GError **error)
{
  *role = g_strcmp0 (text, "copy") == 0 ? ZU_SINK_ROLE_COPY : ZU_SINK_ROLE_CANONICAL;
  if (text == NULL || *role == ZU_SINK_ROLE_COPY || strcmp (text, "canonical") == 0)
    return TRUE;

  g_set_error (error, G_IO_ERROR, G_IO_ERROR_INVALID_ARGUMENT,
               "a sink's role is 'canonical' or 'copy', not '%s'", text);
  return FALSE;
}

static void
set_sink_error (GError **error, GError *cause)
{
  g_autoptr (GError) owned = cause;
  ZuEventSinkError code = ZU_EVENT_SINK_ERROR_CONFLICT;

  if (g_error_matches (cause, ZU_CHAIN_ERROR, ZU_CHAIN_ERROR_WRONG_HASH))
    code = ZU_EVENT_SINK_ERROR_INVALID_EVENT;
  g_set_error_literal (error, ZU_EVENT_SINK_ERROR, code, cause->message);
}

/* The event as it is to be stored behind @head. A copy takes what the canonical sink has linked,
 * and follows that sink's order, so there the event's own predecessor is the head. */
ZuEvent *
zu_sink_link (ZuEvent *event, const char *head, ZuSinkRole role, ZuSecret *sign_key, GError **error)
{
  GError *local_error = NULL;
  ZuEvent *linked;

  if (role == ZU_SINK_ROLE_COPY)
    {
      if (!zu_event_is_linked (event))
        {
          g_set_error (error, ZU_EVENT_SINK_ERROR, ZU_EVENT_SINK_ERROR_INVALID_EVENT,
                       "event %s is not linked, and this log is a copy, which links nothing",
                       zu_event_get_event_id (event));
          return NULL;
        }
      head = zu_event_get_prev_hash (event);
    }

  linked = zu_chain_link (event, head, sign_key, &local_error);
  if (linked == NULL)
    set_sink_error (error, local_error);
  return linked;
}

gboolean
zu_sink_check_repeat (ZuEvent *event, ZuEvent *stored, GError **error)
{
  if (zu_event_has_same_content (event, stored))
    return TRUE;

  g_set_error (error, ZU_EVENT_SINK_ERROR, ZU_EVENT_SINK_ERROR_CONFLICT,
               "event %s is stored already, with other content (give it an id of its own)",
               zu_event_get_event_id (event));
  return FALSE;
}

gboolean
zu_sink_check_filter (ZuFilter *filter, const char *const *fields, GError **error)
{
  g_autoptr (GError) cause = NULL;

  if (filter == NULL || zu_filter_check_fields (filter, fields, &cause))
    return TRUE;

  g_set_error_literal (error, ZU_EVENT_SINK_ERROR, ZU_EVENT_SINK_ERROR_UNKNOWN_FIELD,
                       cause->message);
  return FALSE;
}

/* Whether these can be registered as fields of payload.ctx. */
gboolean
zu_sink_check_fields (const char *const *fields, GError **error)
{
  for (gsize i = 0; fields != NULL && fields[i] != NULL; i++)
    if (*fields[i] == '\0' || g_strv_contains (column_names, fields[i]))
      {
        g_set_error (error, G_IO_ERROR, G_IO_ERROR_INVALID_ARGUMENT,
                     "'%s' cannot be registered as a field of payload.ctx: %s", fields[i],
                     *fields[i] == '\0' ? "it is empty" : "it is one of the event's own fields");
        return FALSE;
      }

  return TRUE;
}

/* Says which of several events an error is about. */
void
zu_sink_prefix_index (GError **error, guint index, guint n_events)
{
  g_prefix_error (error, "event %u of %u: ", index + 1, n_events);
}
