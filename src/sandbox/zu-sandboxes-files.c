/* SPDX-License-Identifier: Apache-2.0 */

/* Files of a sandbox, through the guest's own programs: they see what the sandbox's user sees. */

#include "zu-guest-records.h"
#include "zu-records.h"
#include "zu-sandboxes-private.h"
#include <string.h>

static gboolean
check_path (const char *path, GError **error)
{
  if (g_path_is_absolute (path) && strlen (path) <= 4096)
    return TRUE;
  g_set_error (error, ZU_SANDBOX_BACKEND_ERROR, ZU_SANDBOX_BACKEND_ERROR_INVALID_SPEC,
               "path '%.200s' is not absolute, or longer than 4096 bytes", path);
  return FALSE;
}

static gboolean
run (ZuSandboxes *self, const char *id, ZuOwnTool *tool, GCancellable *cancellable, GError **error)
{
  g_autoptr (ZuGuestChannel) channel = zu_sandboxes_ref_channel (self, id, cancellable, error);
  GError *failure = NULL;

  if (!channel)
    return FALSE;
  if (zu_own_tool_run (tool, channel, cancellable, &failure))
    return TRUE;
  zu_sandboxes_propagate (error, failure, id);
  return FALSE;
}

/**
 * zu_sandboxes_put_file: (skip)
 * @self: a set
 * @id: a sandbox
 * @path: where in it, absolute
 * @source_fd: read to its end; the caller's
 * @mode: the file's permissions
 * @cancellable: (nullable): ends it; the file is as it was then
 * @error: ZU_SANDBOX_BACKEND_ERROR_FILE with the reason
 *
 * Returns: whether it was written
 */
gboolean
zu_sandboxes_put_file (ZuSandboxes *self, const char *id, const char *path, int source_fd,
                       guint mode, GCancellable *cancellable, GError **error)
{
  g_autofree char *octal = g_strdup_printf ("%o", mode & 0777);
  const char *const argv[] = { "zu-guest", "put", path, octal, NULL };
  g_autoptr (GByteArray) output = g_byte_array_new ();
  ZuOwnTool tool = { argv, source_fd, -1, output };

  return check_path (path, error) && run (self, id, &tool, cancellable, error);
}

/* As put_file, the other way; what was written before an error stays. */
gboolean
zu_sandboxes_get_file (ZuSandboxes *self, const char *id, const char *path, int target_fd,
                       GCancellable *cancellable, GError **error)
{
  const char *const argv[] = { "zu-guest", "get", path, NULL };
  ZuOwnTool tool = { argv, -1, target_fd, NULL };

  return check_path (path, error) && run (self, id, &tool, cancellable, error);
}

/* What one of the guest's own programs prints. */
GByteArray *
zu_sandboxes_capture (ZuSandboxes *self, const char *id, const char *verb, const char *path,
                      GCancellable *cancellable, GError **error)
{
  const char *const argv[] = { "zu-guest", verb, path, NULL };
  g_autoptr (GByteArray) output = g_byte_array_new ();
  ZuOwnTool tool = { argv, -1, -1, output };

  return run (self, id, &tool, cancellable, error) ? g_steal_pointer (&output) : NULL;
}

/**
 * zu_sandboxes_list_files: (skip)
 * @self: a set
 * @id: a sandbox
 * @path: a folder or a file, absolute
 * @cancellable: (nullable): a cancellable
 * @error: ZU_SANDBOX_BACKEND_ERROR_FILE with the reason
 *
 * Returns: (transfer full) (element-type ZuFileInfo): what is there, by name
 */
GPtrArray *
zu_sandboxes_list_files (ZuSandboxes *self, const char *id, const char *path,
                         GCancellable *cancellable, GError **error)
{
  g_autoptr (GByteArray) output = NULL;

  if (!check_path (path, error)
      || !(output = zu_sandboxes_capture (self, id, "list", path, cancellable, error)))
    return NULL;
  return zu_records_read_files (output->data, output->len, error);
}
