/* SPDX-License-Identifier: Apache-2.0 */

/* A label says what a sandbox is, whom it belongs to and what is to be done when its keeper is
 * dead: `sandbox` (the record that launch answers), `owner_pid`, `sink`, `task`, `cgroups`. */

#include "zu-label.h"
#include <errno.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

#define REFUSED ZU_SANDBOX_BACKEND_ERROR, ZU_SANDBOX_BACKEND_ERROR_INVALID_SPEC

static void
add_text (ZuJsonBuilder *builder, const char *name, const char *value)
{
  if (!value)
    return;
  zu_json_builder_set_member (builder, name);
  zu_json_builder_add_string (builder, value);
}

/**
 * zu_label_new: (skip)
 * @sandbox: what launch is about to answer
 * @owner: (nullable): whom it belongs to
 * @cgroups: (nullable): control groups to be removed with it
 * @error: where an error goes
 *
 * Returns: (transfer full): what is to be written into the sandbox's state folder
 */
ZuJson *
zu_label_new (ZuSandbox *sandbox, ZuOwnership *owner, const char *const *cgroups, GError **error)
{
  g_autoptr (ZuJsonBuilder) builder = zu_json_builder_new ();
  g_autoptr (ZuJson) record = zu_sandbox_to_json (sandbox);

  zu_json_builder_begin_object (builder);
  zu_json_builder_set_member (builder, "sandbox");
  zu_json_builder_add_json (builder, record);
  zu_json_builder_set_member (builder, "owner_pid");
  zu_json_builder_add_int64 (builder, getpid ());
  if (zu_ownership_wants_event (owner))
    {
      add_text (builder, "sink", zu_ownership_get_sink (owner));
      add_text (builder, "task", zu_ownership_get_task (owner));
    }
  zu_json_builder_set_member (builder, "cgroups");
  zu_json_builder_begin_array (builder);
  for (; cgroups && *cgroups; cgroups++)
    zu_json_builder_add_string (builder, *cgroups);
  zu_json_builder_end_array (builder);
  zu_json_builder_end_object (builder);
  return zu_json_builder_end (builder, error);
}

/* The text of a member without a NUL in it, or NULL. */
char *
zu_label_dup_text (ZuJson *label, const char *name)
{
  g_autoptr (ZuJson) value =
      zu_json_get_kind (label) == ZU_JSON_KIND_OBJECT ? zu_json_dup_member (label, name) : NULL;

  if (!value || zu_json_get_kind (value) != ZU_JSON_KIND_STRING)
    return NULL;
  return g_strdup (zu_json_get_string (value, NULL));
}

/* The record, but for whether it lives: that is looked up. */
static ZuJson *
make_record (ZuJson *record, gboolean live, GError **error)
{
  g_autoptr (ZuJsonBuilder) builder = zu_json_builder_new ();

  zu_json_builder_begin_object (builder);
  for (gsize i = 0; i < zu_json_get_size (record); i++)
    {
      g_autoptr (ZuJson) value = zu_json_dup_element (record, i);
      const char *name = zu_json_get_member_name (record, i, NULL);

      if (strcmp (name, "live") == 0)
        continue;
      zu_json_builder_set_member (builder, name);
      zu_json_builder_add_json (builder, value);
    }
  zu_json_builder_set_member (builder, "live");
  zu_json_builder_add_boolean (builder, live);
  zu_json_builder_end_object (builder);
  return zu_json_builder_end (builder, error);
}

/* As launch answered it; whether it lives is looked up. */
ZuSandbox *
zu_label_read_sandbox (ZuState *state, GError **error)
{
  g_autoptr (ZuJson) label = zu_state_read_label (state, error);
  g_autoptr (ZuJson) record = NULL;
  g_autoptr (ZuJson) changed = NULL;

  if (!label)
    return NULL;
  if (zu_json_get_kind (label) == ZU_JSON_KIND_OBJECT)
    record = zu_json_dup_member (label, "sandbox");
  if (record && zu_json_get_kind (record) == ZU_JSON_KIND_OBJECT)
    {
      changed = make_record (record, zu_state_is_live (state), error);
      return changed ? zu_sandbox_new_from_json (changed, error) : NULL;
    }
  g_set_error (error, G_IO_ERROR, G_IO_ERROR_INVALID_DATA, "the label of sandbox '%s' is damaged",
               state->id);
  return NULL;
}

/* Whether the end of its sandbox is to be written down by others than whoever launches it. */
gboolean
zu_ownership_wants_event (ZuOwnership *owner)
{
  return owner && zu_ownership_get_sink (owner);
}

/* ZU_SANDBOX_BACKEND_ERROR_INVALID_SPEC where it makes no sense. */
gboolean
zu_ownership_check (ZuOwnership *owner, GError **error)
{
  gint64 process = owner ? zu_ownership_get_process (owner) : 0;

  if (zu_ownership_wants_event (owner)
      && (!zu_ownership_get_run (owner) || !zu_ownership_get_task (owner)))
    g_set_error_literal (error, REFUSED, "an owner with a sink needs a run and a task too");
  else if (process < 0 || process > G_MAXINT32)
    g_set_error_literal (error, REFUSED, "the owner's process is not a process's number");
  else
    return TRUE;
  return FALSE;
}

/**
 * zu_ownership_open_process: (skip)
 * @owner: (nullable): whom a sandbox belongs to
 * @fd: (out): becomes readable when the owner has died; -1 where there is nothing to watch
 * @error: where an error goes
 *
 * Returns: whether the owner lives, or there is none
 */
gboolean
zu_ownership_open_process (ZuOwnership *owner, int *fd, GError **error)
{
  gint64 process = owner ? zu_ownership_get_process (owner) : 0;

  *fd = -1;
  if (!process)
    return TRUE;
  *fd = (int) syscall (SYS_pidfd_open, (pid_t) process, 0);
  if (*fd >= 0)
    return TRUE;
  g_set_error (error, REFUSED, "cannot watch the sandbox's owner, process %" G_GINT64_FORMAT ": %s",
               process, g_strerror (errno));
  return FALSE;
}
