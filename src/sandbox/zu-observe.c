/* SPDX-License-Identifier: Apache-2.0 */

/* What a tool call brought back, as its contract reads it. The output is from inside: it is parsed
 * by libzu's own reader, and what is no JSON is kept as text and never taken for an answer. */

#include "zu-observe.h"
#include "zu-peek.h"
#include <string.h>

#define DONE     200
#define FAILED   500
#define TOO_LATE 504

#define MAX_COMPLAINT 500

/* What the tool said last on stderr, made printable. */
static char *
dup_complaint (GString *complaint)
{
  g_autofree char *text = g_utf8_make_valid (complaint->str, (gssize) complaint->len);
  char *line = g_strstrip (text), *last = strrchr (line, '\n');

  for (char *at = line; *at; at++)
    if (g_ascii_iscntrl (*at))
      *at = ' ';
  return g_utf8_substring (last ? last + 1 : line, 0,
                           MIN (g_utf8_strlen (last ? last + 1 : line, -1), MAX_COMPLAINT));
}

static char *
describe (const ZuToolEnd *end)
{
  g_autofree char *complaint = dup_complaint (end->complaint);
  const char *colon = *complaint ? ": " : "";

  if (zu_exit_status_get_timed_out (end->exit))
    return g_strdup ("the tool did not end in time");
  if (zu_exit_status_get_signal (end->exit))
    return g_strdup_printf ("the tool was ended by signal %d%s%s",
                            zu_exit_status_get_signal (end->exit), colon, complaint);
  if (zu_exit_status_get_exit_status (end->exit))
    return g_strdup_printf ("the tool's exit status is %d%s%s",
                            zu_exit_status_get_exit_status (end->exit), colon, complaint);
  return g_strdup (end->truncated ? "the tool printed more than max_output"
                                  : "the tool did not print one JSON value");
}

/* A renderer's object says itself how the page was. */
static int
read_status (ZuJson *data)
{
  gint64 status = zu_peek_member_int64 (data, "status");

  return status >= 100 && status <= 599 ? (int) status : DONE;
}

static char *
describe_page (ZuJson *data, int status)
{
  char *said = status == DONE ? NULL : zu_peek_member_text (data, "error");

  return said || status == DONE ? said : g_strdup_printf ("the renderer says status %d", status);
}

static ZuObservation *
observe_data (ZuToolCall *call, const ZuToolEnd *end, ZuJson *data)
{
  gboolean renders = zu_tool_call_get_contract (call) == ZU_TOOL_CONTRACT_RENDER;
  int status = renders ? read_status (data) : DONE;
  g_autofree char *problem = describe_page (data, status);

  return g_object_new (ZU_TYPE_OBSERVATION, "status", status, "data", data, "error", problem,
                       "exit", end->exit, NULL);
}

/**
 * zu_observe: (skip)
 * @call: what was asked for
 * @end: what came of it
 *
 * Returns: (transfer full): what the call brought back
 */
ZuObservation *
zu_observe (ZuToolCall *call, const ZuToolEnd *end)
{
  gboolean timed_out = zu_exit_status_get_timed_out (end->exit);
  gboolean succeeded =
      zu_exit_status_get_exit_status (end->exit) == 0 && !timed_out && !end->truncated;
  g_autoptr (ZuJson) data =
      succeeded ? zu_json_parse (end->output->str, (gssize) end->output->len, NULL) : NULL;
  g_autofree char *text = NULL, *problem = NULL;

  if (data)
    return observe_data (call, end, data);
  text = g_utf8_make_valid (end->output->str, (gssize) end->output->len);
  problem = describe (end);
  return g_object_new (ZU_TYPE_OBSERVATION, "status", timed_out ? TOO_LATE : FAILED, "text", text,
                       "error", problem, "exit", end->exit, "truncated", end->truncated, NULL);
}

/**
 * zu_observe_failure: (skip)
 * @failure: why a tool could not be run
 *
 * A program that is not there is the tool's failure, not the caller's.
 *
 * Returns: (transfer full) (nullable): the observation of that; %NULL where it is an error
 */
ZuObservation *
zu_observe_failure (GError *failure)
{
  if (!g_error_matches (failure, ZU_SANDBOX_BACKEND_ERROR,
                        ZU_SANDBOX_BACKEND_ERROR_COMMAND_NOT_FOUND)
      && !g_error_matches (failure, ZU_SANDBOX_BACKEND_ERROR,
                           ZU_SANDBOX_BACKEND_ERROR_COMMAND_NOT_EXECUTABLE))
    return NULL;
  return g_object_new (ZU_TYPE_OBSERVATION, "status", FAILED, "error", failure->message, NULL);
}
