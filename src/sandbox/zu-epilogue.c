/* SPDX-License-Identifier: Apache-2.0 */

/* Writes a sandbox's last event when everybody who could have is dead: the keeper starts it, and so
 * does whoever collects what a dead keeper has left. What to write and where is in the label.
 *
 * usage: zu-epilogue STATE-FOLDER REASON
 * 0: the event is stored, or none was wanted; 1: it could not be stored; 2: wrong usage. */

#include "zu-state.h"
#include <string.h>

static char *
dup_text (ZuJson *label, const char *name)
{
  g_autoptr (ZuJson) value = zu_json_dup_member (label, name);

  if (!value || zu_json_get_kind (value) != ZU_JSON_KIND_STRING)
    return NULL;
  return g_strdup (zu_json_get_string (value, NULL));
}

static ZuJson *
make_payload (ZuState *state, ZuJson *label, const char *reason, GError **error)
{
  g_autoptr (ZuJsonBuilder) builder = zu_json_builder_new ();
  g_autofree char *backend = dup_text (label, "backend");

  zu_json_builder_begin_object (builder);
  zu_json_builder_set_member (builder, "reason");
  zu_json_builder_add_string (builder, reason);
  zu_json_builder_set_member (builder, "sandbox");
  zu_json_builder_add_string (builder, state->id);
  zu_json_builder_set_member (builder, "backend");
  zu_json_builder_add_string (builder, backend ? backend : "");
  zu_json_builder_end_object (builder);
  return zu_json_builder_end (builder, error);
}

static gboolean
write_event (ZuState *state, const char *reason, GError **error)
{
  g_autoptr (ZuJson) label = zu_state_read_label (state, error);
  g_autofree char *uri = label ? dup_text (label, "sink") : NULL;
  g_autofree char *trace_id = label ? dup_text (label, "trace_id") : NULL;
  g_autofree char *task_id = label ? dup_text (label, "task_id") : NULL;
  g_autoptr (ZuJson) payload = NULL;
  g_autoptr (ZuEvent) event = NULL, stored = NULL;
  g_autoptr (ZuEventSink) sink = NULL;

  if (!label)
    return FALSE;
  if (!uri || !trace_id || !task_id)
    return TRUE;
  payload = make_payload (state, label, reason, error);
  if (!payload
      || !(event = zu_event_new (trace_id, task_id, NULL, "harness.task.terminal", "zu-keeper",
                                 payload, error))
      || !(sink = zu_open_sink (uri, error)))
    return FALSE;
  stored = zu_event_sink_append (sink, event, NULL, error);
  return stored != NULL;
}

int
main (int argc, char **argv)
{
  g_autoptr (GError) error = NULL;
  g_autofree char *root = argc == 3 ? g_path_get_dirname (argv[1]) : NULL;
  g_autofree char *id = argc == 3 ? g_path_get_basename (argv[1]) : NULL;
  g_autoptr (ZuState) state = id ? zu_state_open (root, id, &error) : NULL;

  if (state && write_event (state, argv[2], &error))
    return 0;
  g_printerr ("zu-epilogue: cannot write the closing event: %s\n",
              error ? error->message : "usage: zu-epilogue STATE-FOLDER REASON");
  return state ? 1 : 2;
}
