/* SPDX-License-Identifier: Apache-2.0 */
#include "zu-bubblewrap-private.h"
#include "zu-peek.h"

static gboolean
zu_bubblewrap_extend (ZuSandboxBackend *backend, const char *id, gint64 lifetime,
                      GCancellable *cancellable, GError **error)
{
  ZuBubblewrap *self = ZU_BUBBLEWRAP (backend);
  g_autoptr (ZuSandboxes) all = zu_bubblewrap_ref_sandboxes (self, error);

  return all && zu_sandboxes_extend (all, id, lifetime, self->max_lifetime, cancellable, error);
}

/* What was empty at the launch is what differs now. A root that may be written is not among it:
 * bubblewrap builds the view there. */
static GStrv
list_scratch (ZuSandbox *sandbox)
{
  g_autoptr (GStrvBuilder) builder = g_strv_builder_new ();
  g_autoptr (ZuJson) folders = zu_peek_member (zu_sandbox_get_details (sandbox), "scratch");
  gsize n =
      folders && zu_json_get_kind (folders) == ZU_JSON_KIND_ARRAY ? zu_json_get_size (folders) : 0;

  for (gsize i = 0; i < n; i++)
    {
      g_autoptr (ZuJson) folder = zu_json_dup_element (folders, i);

      if (zu_json_get_kind (folder) == ZU_JSON_KIND_STRING)
        g_strv_builder_add (builder, zu_json_get_string (folder, NULL));
    }
  return g_strv_builder_end (builder);
}

/* What the view is made of at the root: it was there at the launch, whatever is in it now. */
static gboolean
is_of_view (const char *path)
{
  static const char *const view[] = { "/usr",   "/bin",    "/sbin", "/lib",       "/lib32",
                                      "/lib64", "/libx32", "/etc",  "/dev",       "/proc",
                                      "/tmp",   "/run",    "/.zu",  "/.zu/guest", NULL };

  return g_strv_contains (view, path) || g_str_has_prefix (path, "/etc/");
}

static gboolean
leads_to_mount (const char *path, GPtrArray *mounts)
{
  for (guint i = 0; i < mounts->len; i++)
    if (zu_path_is_beneath (zu_mount_info_get_destination (mounts->pdata[i]), path))
      return TRUE;
  return FALSE;
}

/* The root's own file system, without what it was made with. */
static gboolean
add_root (ZuSandboxes *all, ZuSandbox *sandbox, GPtrArray *changes, GCancellable *cancellable,
          GError **error)
{
  static const char *const root[] = { "/", NULL };
  g_autoptr (GPtrArray) mounts = zu_sandboxes_mounts (all, sandbox, cancellable, error);
  g_autoptr (GPtrArray) found =
      mounts ? zu_sandboxes_find_added (all, zu_sandbox_get_id (sandbox), root, cancellable, error)
             : NULL;

  for (guint i = 0; found && i < found->len; i++)
    {
      const char *path = zu_file_change_get_path (found->pdata[i]);

      if (!is_of_view (path) && !leads_to_mount (path, mounts))
        g_ptr_array_add (changes, g_object_ref (found->pdata[i]));
    }
  return found != NULL;
}

static gboolean
has_open_root (ZuSandbox *sandbox)
{
  g_autoptr (ZuJson) read_only = zu_peek_member (zu_sandbox_get_details (sandbox), "read_only");

  return read_only && zu_json_get_kind (read_only) == ZU_JSON_KIND_BOOLEAN
         && !zu_json_get_boolean (read_only);
}

static GPtrArray *
zu_bubblewrap_fs_diff (ZuSandboxBackend *backend, const char *id, GCancellable *cancellable,
                       GError **error)
{
  g_autoptr (ZuSandboxes) all = zu_bubblewrap_ref_sandboxes (ZU_BUBBLEWRAP (backend), error);
  g_autoptr (ZuSandbox) sandbox = all ? zu_sandboxes_inspect (all, id, error) : NULL;
  g_auto (GStrv) folders = sandbox ? list_scratch (sandbox) : NULL;
  g_autoptr (GPtrArray) changes =
      sandbox ? zu_sandboxes_find_added (all, id, (const char *const *) folders, cancellable, error)
              : NULL;

  if (!changes
      || (has_open_root (sandbox) && !add_root (all, sandbox, changes, cancellable, error)))
    return NULL;
  return g_steal_pointer (&changes);
}

void
zu_bubblewrap_look_init (ZuSandboxBackendInterface *iface)
{
  iface->extend = zu_bubblewrap_extend;
  iface->fs_diff = zu_bubblewrap_fs_diff;
}
