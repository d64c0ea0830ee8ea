/* SPDX-License-Identifier: Apache-2.0 */

/* What there is, what goes on in it, and what was left behind. */

#include "zu-label.h"
#include "zu-peek.h"
#include "zu-records.h"
#include "zu-remains.h"
#include "zu-sandboxes-private.h"
#include <string.h>

#define NOT_FOUND ZU_SANDBOX_BACKEND_ERROR, ZU_SANDBOX_BACKEND_ERROR_NOT_FOUND

/* So many that cannot be removed, and a launch looks no further. */
#define MAX_LEFT_AT_START 4

/**
 * zu_sandboxes_inspect: (skip)
 * @self: a set
 * @id: a sandbox
 * @error: ZU_SANDBOX_BACKEND_ERROR_NOT_FOUND
 *
 * Returns: (transfer full): what it is, as launch answered it
 */
ZuSandbox *
zu_sandboxes_inspect (ZuSandboxes *self, const char *id, GError **error)
{
  GError *failure = NULL;
  g_autoptr (ZuState) state = zu_state_open (self->root, id, &failure);
  ZuSandbox *sandbox = state ? zu_label_read_sandbox (state, &failure) : NULL;

  if (!sandbox)
    zu_sandboxes_propagate (error, failure, id);
  return sandbox;
}

static int
by_creation (gconstpointer a, gconstpointer b)
{
  return g_strcmp0 (zu_sandbox_get_created (*(ZuSandbox *const *) a),
                    zu_sandbox_get_created (*(ZuSandbox *const *) b));
}

/**
 * zu_sandboxes_list: (skip)
 * @self: a set
 * @backend: the plugin that is asked
 * @error: where an error goes
 *
 * Returns: (transfer full) (element-type ZuSandbox): its sandboxes, oldest first; what has no label
 *   that can be read is left out
 */
GPtrArray *
zu_sandboxes_list (ZuSandboxes *self, const char *backend, GError **error)
{
  g_autoptr (GPtrArray) states = zu_state_list (self->root, error);
  GPtrArray *all = g_ptr_array_new_with_free_func (g_object_unref);

  for (guint i = 0; states && i < states->len; i++)
    {
      g_autoptr (ZuSandbox) sandbox = zu_label_read_sandbox (states->pdata[i], NULL);

      if (sandbox && strcmp (zu_sandbox_get_backend (sandbox), backend) == 0)
        g_ptr_array_add (all, g_steal_pointer (&sandbox));
    }
  g_ptr_array_sort (all, by_creation);
  if (!states)
    g_clear_pointer (&all, g_ptr_array_unref);
  return all;
}

/* A folder whose label was never written is nobody's in particular. */
static gboolean
is_of (ZuState *state, const char *backend)
{
  g_autoptr (ZuSandbox) sandbox = zu_label_read_sandbox (state, NULL);

  return !sandbox || strcmp (zu_sandbox_get_backend (sandbox), backend) == 0;
}

/**
 * zu_sandboxes_reclaim: (skip)
 * @self: a set
 * @backend: the plugin that is asked
 * @error: where an error goes
 *
 * Removes what has no live keeper, and closes its trace. What cannot be removed stays for the next
 * time.
 *
 * Returns: (transfer full): what was removed
 */
GStrv
zu_sandboxes_reclaim (ZuSandboxes *self, const char *backend, GError **error)
{
  g_autoptr (GPtrArray) states = zu_state_list (self->root, error);
  g_autoptr (GStrvBuilder) removed = g_strv_builder_new ();

  if (!states)
    return NULL;
  for (guint i = 0; i < states->len; i++)
    {
      ZuState *state = states->pdata[i];

      if (!zu_state_is_live (state) && is_of (state, backend)
          && zu_remains_remove (state, ZU_REMAINS_CLOSE))
        g_strv_builder_add (removed, state->id);
    }
  return g_strv_builder_end (removed);
}

/**
 * zu_sandboxes_begin: (skip)
 * @self: a set
 * @backend: the plugin that is about to launch
 *
 * At its first call reclaims what has no live keeper: whoever only launches, and never collects,
 * leaves nothing behind for ever either. What cannot be removed, because its log is gone, say, is
 * no reason not to launch, nor to be told of it or to wait for it at each: zuctl sandbox gc tells.
 */
void
zu_sandboxes_begin (ZuSandboxes *self, const char *backend)
{
  g_autoptr (GPtrArray) states = NULL;
  guint n_left = 0;

  if (!g_atomic_int_compare_and_exchange (&self->has_begun, 0, 1))
    return;
  states = zu_state_list (self->root, NULL);
  for (guint i = 0; states && i < states->len && n_left < MAX_LEFT_AT_START; i++)
    if (!zu_state_is_live (states->pdata[i]) && is_of (states->pdata[i], backend)
        && !zu_remains_remove (states->pdata[i], ZU_REMAINS_CLOSE_QUIETLY))
      n_left++;
}

/* Lives @seconds from now on. */
gboolean
zu_sandboxes_extend (ZuSandboxes *self, const char *id, gint64 seconds, gint64 max_seconds,
                     GCancellable *cancellable, GError **error)
{
  g_autoptr (ZuKeeperLink) link = NULL;
  GError *failure = NULL;

  if (seconds < 1 || seconds > max_seconds)
    {
      g_set_error (error, ZU_SANDBOX_BACKEND_ERROR, ZU_SANDBOX_BACKEND_ERROR_LIMIT,
                   "a lifetime is 1 to %" G_GINT64_FORMAT " seconds", max_seconds);
      return FALSE;
    }
  link = zu_sandboxes_ref_link (self, id, &failure);
  if (link && zu_keeper_link_extend (link, (guint64) seconds * 1000, cancellable, &failure))
    return TRUE;
  zu_sandboxes_propagate (error, failure, id);
  return FALSE;
}

/* A TCP socket that listens on the sandbox's own loopback, the caller's to close; or -1. */
int
zu_sandboxes_listen (ZuSandboxes *self, const char *id, guint port, GCancellable *cancellable,
                     GError **error)
{
  g_autoptr (ZuGuestChannel) channel = NULL;
  GError *failure = NULL;
  int listener;

  if (port > 65535)
    {
      g_set_error (error, ZU_SANDBOX_BACKEND_ERROR, ZU_SANDBOX_BACKEND_ERROR_INVALID_SPEC,
                   "port %u is not 0 to 65535", port);
      return -1;
    }
  channel = zu_sandboxes_ref_channel (self, id, cancellable, error);
  if (!channel)
    return -1;
  listener = zu_guest_channel_listen (channel, port, cancellable, &failure);
  if (listener < 0)
    zu_sandboxes_propagate (error, failure, id);
  return listener;
}

/* (element-type ZuProcessInfo): what runs in it. */
GPtrArray *
zu_sandboxes_top (ZuSandboxes *self, const char *id, GCancellable *cancellable, GError **error)
{
  g_autoptr (GByteArray) output = zu_sandboxes_capture (self, id, "top", NULL, cancellable, error);

  return output ? zu_records_read_processes (output->data, output->len, error) : NULL;
}

/**
 * zu_sandboxes_mounts: (skip)
 * @self: a set
 * @sandbox: a sandbox; the object "mounts" of its details tells what of the host stands where
 * @cancellable: (nullable): a cancellable
 * @error: where an error goes
 *
 * Returns: (transfer full) (element-type ZuMountInfo): what is mounted in it, as it sees that
 */
GPtrArray *
zu_sandboxes_mounts (ZuSandboxes *self, ZuSandbox *sandbox, GCancellable *cancellable,
                     GError **error)
{
  g_autoptr (ZuJson) sources = zu_peek_member (zu_sandbox_get_details (sandbox), "mounts");
  g_autoptr (GByteArray) output = zu_sandboxes_capture (self, zu_sandbox_get_id (sandbox), "get",
                                                        "/proc/self/mountinfo", cancellable, error);

  return output ? zu_records_read_mounts (output->data, output->len, sources, error) : NULL;
}

static void
add_changes (GPtrArray *changes, const char *folder, GPtrArray *files)
{
  for (guint i = 0; i < files->len; i++)
    {
      g_autofree char *path =
          g_build_filename (folder, zu_file_info_get_name (files->pdata[i]), NULL);

      g_ptr_array_add (changes, g_object_new (ZU_TYPE_FILE_CHANGE, "path", path, "kind",
                                              ZU_CHANGE_KIND_ADDED, NULL));
    }
}

/**
 * zu_sandboxes_find_added: (skip)
 * @self: a set
 * @id: a sandbox
 * @folders: file systems of the sandbox's own that were empty at its launch
 * @cancellable: (nullable): a cancellable
 * @error: where an error goes
 *
 * Returns: (transfer full) (element-type ZuFileChange): what is in them
 */
GPtrArray *
zu_sandboxes_find_added (ZuSandboxes *self, const char *id, const char *const *folders,
                         GCancellable *cancellable, GError **error)
{
  g_autoptr (GPtrArray) changes = g_ptr_array_new_with_free_func (g_object_unref);

  for (; *folders; folders++)
    {
      g_autoptr (GByteArray) output =
          zu_sandboxes_capture (self, id, "find", *folders, cancellable, error);
      g_autoptr (GPtrArray) files =
          output ? zu_records_read_files (output->data, output->len, error) : NULL;

      if (!files)
        return NULL;
      add_changes (changes, *folders, files);
    }
  return g_steal_pointer (&changes);
}
