/* SPDX-License-Identifier: Apache-2.0 */

/* Writes a sandbox's last event when everybody who could have is dead: the keeper starts it, and so
 * does whoever collects what a dead keeper has left. What to write and where is in the label.
 *
 * usage: zu-epilogue STATE-FOLDER REASON
 * 0: the event is stored, or none was wanted; 1: it could not be stored; 2: wrong usage. */

#include "zu-label.h"

static ZuJson *
make_payload (ZuSandbox *sandbox, const char *reason, GError **error)
{
  g_autoptr (ZuJsonBuilder) builder = zu_json_builder_new ();

  zu_json_builder_begin_object (builder);
  zu_json_builder_set_member (builder, "reason");
  zu_json_builder_add_string (builder, reason);
  zu_json_builder_set_member (builder, "sandbox");
  zu_json_builder_add_string (builder, zu_sandbox_get_id (sandbox));
  zu_json_builder_set_member (builder, "backend");
  zu_json_builder_add_string (builder, zu_sandbox_get_backend (sandbox));
  zu_json_builder_end_object (builder);
  return zu_json_builder_end (builder, error);
}

static gboolean
write_event (ZuState *state, const char *reason, GError **error)
{
  g_autoptr (ZuJson) label = zu_state_read_label (state, error);
  g_autoptr (ZuSandbox) sandbox = label ? zu_label_read_sandbox (state, error) : NULL;
  g_autofree char *uri = sandbox ? zu_label_dup_text (label, "sink") : NULL;
  g_autofree char *task_id = sandbox ? zu_label_dup_text (label, "task") : NULL;
  g_autoptr (ZuJson) payload = NULL;
  g_autoptr (ZuEvent) event = NULL, stored = NULL;
  g_autoptr (ZuEventSink) sink = NULL;

  if (!sandbox)
    return FALSE;
  if (!uri || !task_id || !zu_sandbox_get_run (sandbox))
    return TRUE;
  payload = make_payload (sandbox, reason, error);
  if (!payload
      || !(event = zu_event_new (zu_sandbox_get_run (sandbox), task_id, NULL,
                                 "harness.task.terminal", "zu-keeper", payload, error))
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
