/* SPDX-License-Identifier: Apache-2.0 */

/* What a keeper that was killed could not remove: the kernel has ended the processes, the label
 * says what else there was. */

#include "zu-remains.h"
#include "zu-cgroup.h"
#include "zu-engine-remove.h"
#include "zu-keeper-link.h"
#include "zu-label.h"
#include "zu-peek.h"
#include <string.h>

#define ENGINE_TIMEOUT_MS 10000

/* A label is ours alone to write; still, what it names is removed only if it can be what it says.
 */
static gboolean
is_group_of (const char *path, const char *id)
{
  g_autofree char *name = g_path_get_basename (path);

  return g_str_has_prefix (path, "/sys/fs/cgroup/") && !strstr (path, "/../")
         && strcmp (name, id) == 0;
}

static void
remove_groups (ZuState *state, ZuJson *groups)
{
  gsize n =
      groups && zu_json_get_kind (groups) == ZU_JSON_KIND_ARRAY ? zu_json_get_size (groups) : 0;

  for (gsize i = 0; i < n; i++)
    {
      g_autoptr (ZuJson) group = zu_json_dup_element (groups, i);
      const char *path =
          zu_json_get_kind (group) == ZU_JSON_KIND_STRING ? zu_json_get_string (group, NULL) : "";

      if (is_group_of (path, state->id))
        zu_cgroup_remove_path (path);
    }
}

/* An engine's container is named like its sandbox. Without an engine to ask it may still be there.
 */
static gboolean
remove_container (ZuState *state, ZuJson *label)
{
  g_autoptr (ZuJson) sandbox = zu_peek_member (label, "sandbox");
  g_autoptr (ZuJson) details = zu_peek_member (sandbox, "details");
  g_autofree char *engine = zu_peek_member_text (details, "engine_socket");

  return !engine || !*engine || zu_engine_remove (engine, state->id, FALSE, ENGINE_TIMEOUT_MS);
}

/* Writes the closing event that the keeper could not; whether it is stored, or none was wanted. */
static gboolean
close_trace (ZuState *state, ZuJson *label, GLogLevelFlags level)
{
  g_autofree char *sink = zu_label_dup_text (label, "sink"), *program = NULL, *complaint = NULL;
  g_autoptr (GError) error = NULL;
  const char *argv[] = { NULL, state->path, "keeper-killed", NULL };
  int status;

  if (!sink)
    return TRUE;
  argv[0] = program = zu_keeper_find_program ("zu-epilogue", &error);
  if (program
      && g_spawn_sync (NULL, (char **) argv, NULL, G_SPAWN_STDOUT_TO_DEV_NULL, NULL, NULL, NULL,
                       &complaint, &status, &error)
      && g_spawn_check_wait_status (status, NULL))
    return TRUE;
  g_log (G_LOG_DOMAIN, level, "sandbox %s stays to be reclaimed: %s", state->id,
         error ? error->message : g_strchomp (complaint));
  return FALSE;
}

/**
 * zu_remains_remove: (skip)
 * @state: a sandbox's state folder
 * @trace: whether its trace is closed too, where its owner wanted that, and who hears that it
 *   cannot be
 *
 * Removes what is left of a sandbox whose keeper is dead.
 *
 * Returns: %FALSE where its keeper lives, and nothing was touched, or where its container may still
 * be there or its event is not stored, and its label is kept
 */
gboolean
zu_remains_remove (ZuState *state, ZuRemainsTrace trace)
{
  GLogLevelFlags level = trace == ZU_REMAINS_CLOSE ? G_LOG_LEVEL_MESSAGE : G_LOG_LEVEL_DEBUG;
  g_autoptr (ZuJson) label = NULL, groups = NULL;

  if (zu_state_is_live (state))
    return FALSE;
  label = state->label >= 0 ? zu_state_read_label (state, NULL) : NULL;
  groups = zu_peek_member (label, "cgroups");
  remove_groups (state, groups);
  if (label && (!remove_container (state, label) || (trace && !close_trace (state, label, level))))
    return FALSE;
  zu_state_remove (state);
  return TRUE;
}
