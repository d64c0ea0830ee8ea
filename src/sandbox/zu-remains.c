/* SPDX-License-Identifier: Apache-2.0 */

/* What a keeper that was killed could not remove: the kernel has ended the processes, the label
 * says what else there was. */

#include "zu-remains.h"
#include "zu-cgroup.h"
#include "zu-engine-remove.h"
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

/**
 * zu_remains_remove: (skip)
 * @state: a sandbox's state folder
 *
 * Removes what is left of a sandbox whose keeper is dead.
 *
 * Returns: %FALSE where its keeper lives, and nothing was touched, or where its container may still
 * be there, and its label is kept
 */
gboolean
zu_remains_remove (ZuState *state)
{
  g_autoptr (ZuJson) label = NULL, groups = NULL;

  if (zu_state_is_live (state))
    return FALSE;
  label = state->label >= 0 ? zu_state_read_label (state, NULL) : NULL;
  groups = label ? zu_json_dup_member (label, "cgroups") : NULL;
  remove_groups (state, groups);
  if (label && !remove_container (state, label))
    return FALSE;
  zu_state_remove (state);
  return TRUE;
}
