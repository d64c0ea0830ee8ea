/* SPDX-License-Identifier: Apache-2.0 */

/* The verbs for which the engine is asked as well. */

#include "zu-local-docker-private.h"
#include "zu-mounts.h"
#include "zu-peek.h"
#include <string.h>
#include <unistd.h>

static gboolean
zu_local_docker_extend (ZuSandboxBackend *backend, const char *id, gint64 lifetime,
                        GCancellable *cancellable, GError **error)
{
  ZuLocalDocker *self = ZU_LOCAL_DOCKER (backend);
  g_autoptr (ZuSandboxes) all = zu_local_docker_ref_sandboxes (self, error);

  return all && zu_sandboxes_extend (all, id, lifetime, self->max_lifetime, cancellable, error);
}

/* Over TCP the keeper cannot ask the engine; it has ended the guest, and the engine removes the
 * container by itself. What is told here is that it has. */
static gboolean
remove_container (ZuDockerEngine *engine, const char *id, GCancellable *cancellable, GError **error)
{
  g_autofree char *path = g_strdup_printf ("/containers/%s?force=1&v=1", id);
  g_autoptr (ZuJson) answer = NULL;
  guint status = 409;

  while (status == 409)
    {
      g_clear_pointer (&answer, zu_json_unref);
      answer = zu_docker_engine_call (engine, "DELETE", path, NULL, &status, cancellable, error);
      if (!answer)
        return FALSE;
      if (status == 409)
        g_usleep (20000);
    }
  if (status == 200 || status == 204 || status == 404)
    return TRUE;
  zu_docker_engine_set_refused (engine, ZU_SANDBOX_BACKEND_ERROR_UNAVAILABLE,
                                "does not remove the container", status, answer, error);
  return FALSE;
}

static gboolean
zu_local_docker_destroy (ZuSandboxBackend *backend, const char *id, GCancellable *cancellable,
                         GError **error)
{
  ZuLocalDocker *self = ZU_LOCAL_DOCKER (backend);
  g_autoptr (ZuSandboxes) all = zu_local_docker_ref_sandboxes (self, error);
  g_autoptr (ZuDockerEngine) engine = NULL;

  if (!all || !zu_sandboxes_destroy (all, id, cancellable, error))
    return FALSE;
  engine = zu_local_docker_ref_engine (self, error);
  if (!engine)
    return FALSE;
  return zu_docker_engine_get_address (engine)->socket_path || !zu_state_is_id (id)
         || remove_container (engine, id, cancellable, error);
}

static ZuFileChange *
new_change (ZuJson *answer)
{
  static const ZuChangeKind kinds[] = { ZU_CHANGE_KIND_CHANGED, ZU_CHANGE_KIND_ADDED,
                                        ZU_CHANGE_KIND_DELETED };
  g_autofree char *path = zu_peek_member_text (answer, "Path");
  gint64 kind = zu_peek_member_int64 (answer, "Kind");

  if (!path || kind < 0 || kind >= (gint64) G_N_ELEMENTS (kinds))
    return NULL;
  return g_object_new (ZU_TYPE_FILE_CHANGE, "path", path, "kind", kinds[kind], NULL);
}

static gboolean
leads_to (ZuJson *folders, const char *path)
{
  for (gsize i = 0; i < zu_peek_size (folders); i++)
    {
      g_autoptr (ZuJson) value = zu_json_dup_element (folders, i);
      const char *folder = zu_json_get_kind (folders) == ZU_JSON_KIND_OBJECT
                               ? zu_json_get_member_name (folders, i, NULL)
                               : zu_peek_text (value);

      if (folder && zu_path_is_beneath (folder, path))
        return TRUE;
    }
  return FALSE;
}

/* What the engine itself puts into a container: mount points, and files of its own. */
static gboolean
is_engines (ZuSandbox *sandbox, const char *path)
{
  static const char *const names[] = { "/etc",
                                       "/etc/hostname",
                                       "/etc/hosts",
                                       "/etc/resolv.conf",
                                       "/.zu",
                                       "/etc/mtab",
                                       "/dev",
                                       "/proc",
                                       "/sys",
                                       "/.dockerenv",
                                       "/dev/shm",
                                       "/dev/pts",
                                       "/run/.containerenv",
                                       NULL };
  g_autoptr (ZuJson) scratch = zu_peek_member (zu_sandbox_get_details (sandbox), "scratch");
  g_autoptr (ZuJson) mounts = zu_peek_member (zu_sandbox_get_details (sandbox), "mounts");

  return g_strv_contains (names, path) || g_str_has_prefix (path, "/dev/")
         || leads_to (scratch, path) || leads_to (mounts, path);
}

static GPtrArray *
list_changes (ZuDockerEngine *engine, ZuSandbox *sandbox, GCancellable *cancellable, GError **error)
{
  g_autoptr (GPtrArray) changes = g_ptr_array_new_with_free_func (g_object_unref);
  g_autofree char *path = g_strdup_printf ("/containers/%s/changes", zu_sandbox_get_id (sandbox));
  guint status;
  g_autoptr (ZuJson) answer =
      zu_docker_engine_call (engine, "GET", path, NULL, &status, cancellable, error);

  if (!answer)
    return NULL;
  if (status != 200)
    {
      zu_docker_engine_set_refused (engine, ZU_SANDBOX_BACKEND_ERROR_UNAVAILABLE,
                                    "does not tell of changes", status, answer, error);
      return NULL;
    }
  for (gsize i = 0; i < zu_peek_size (answer); i++)
    {
      g_autoptr (ZuJson) element = zu_json_dup_element (answer, i);
      g_autoptr (ZuFileChange) change = new_change (element);

      if (change && !is_engines (sandbox, zu_file_change_get_path (change)))
        g_ptr_array_add (changes, g_steal_pointer (&change));
    }
  return g_steal_pointer (&changes);
}

static GStrv
list_scratch (ZuSandbox *sandbox)
{
  g_autoptr (GStrvBuilder) builder = g_strv_builder_new ();
  g_autoptr (ZuJson) folders = zu_peek_member (zu_sandbox_get_details (sandbox), "scratch");

  for (gsize i = 0; i < zu_peek_size (folders); i++)
    {
      g_autoptr (ZuJson) folder = zu_json_dup_element (folders, i);

      if (zu_peek_text (folder))
        g_strv_builder_add (builder, zu_peek_text (folder));
    }
  return g_strv_builder_end (builder);
}

/* The engine tells of the image's file system, the guest of those that were empty. */
static GPtrArray *
zu_local_docker_fs_diff (ZuSandboxBackend *backend, const char *id, GCancellable *cancellable,
                         GError **error)
{
  ZuLocalDocker *self = ZU_LOCAL_DOCKER (backend);
  g_autoptr (ZuSandboxes) all = zu_local_docker_ref_sandboxes (self, error);
  g_autoptr (ZuSandbox) sandbox = all ? zu_sandboxes_inspect (all, id, error) : NULL;
  g_autoptr (ZuDockerEngine) engine = sandbox ? zu_local_docker_ref_engine (self, error) : NULL;
  g_auto (GStrv) folders = engine ? list_scratch (sandbox) : NULL;
  g_autoptr (GPtrArray) changes =
      engine ? list_changes (engine, sandbox, cancellable, error) : NULL;
  g_autoptr (GPtrArray) added =
      changes ? zu_sandboxes_find_added (all, id, (const char *const *) folders, cancellable, error)
              : NULL;

  if (!added)
    return NULL;
  for (guint i = 0; i < added->len; i++)
    g_ptr_array_add (changes, g_object_ref (added->pdata[i]));
  return g_steal_pointer (&changes);
}

/* Containers of this user's and of this folder of sandboxes, in whatever state. */
static ZuJson *
list_containers (ZuLocalDocker *self, ZuDockerEngine *engine, const char *root,
                 GCancellable *cancellable)
{
  g_autoptr (ZuJsonBuilder) b = zu_json_builder_new ();
  g_autoptr (ZuJson) filters = NULL, answer = NULL;
  g_autofree char *owner = g_strdup_printf ("org.zu.owner=%u", (guint) geteuid ());
  g_autofree char *state = g_strconcat ("org.zu.state=", root, NULL);
  g_autofree char *text = NULL, *escaped = NULL, *path = NULL;
  guint status;

  zu_json_builder_begin_object (b);
  zu_json_builder_set_member (b, "label");
  zu_json_builder_begin_array (b);
  zu_json_builder_add_string (b, owner);
  zu_json_builder_add_string (b, state);
  zu_json_builder_end_array (b);
  zu_json_builder_end_object (b);
  filters = zu_json_builder_end (b, NULL);
  text = zu_json_to_string (filters);
  escaped = g_uri_escape_string (text, NULL, FALSE);
  path = g_strdup_printf ("/containers/json?all=1&filters=%s", escaped);
  answer = zu_docker_engine_call (engine, "GET", path, NULL, &status, cancellable, NULL);
  return answer && status == 200 ? g_steal_pointer (&answer) : NULL;
}

/* The sandbox that a container says it is, where nobody keeps that any more. */
static char *
dup_orphan (ZuJson *container, const char *root)
{
  g_autoptr (ZuJson) labels = zu_peek_member (container, "Labels");
  g_autofree char *id = zu_peek_member_text (labels, "org.zu.sandbox");
  g_autoptr (ZuState) state = id && zu_state_is_id (id) ? zu_state_open (root, id, NULL) : NULL;

  return id && zu_state_is_id (id) && !state ? g_steal_pointer (&id) : NULL;
}

/* First what has a state folder; then containers whose folder is gone. An engine that is not there
 * has no containers. */
static char **
zu_local_docker_reclaim (ZuSandboxBackend *backend, GCancellable *cancellable, GError **error)
{
  ZuLocalDocker *self = ZU_LOCAL_DOCKER (backend);
  g_autoptr (ZuSandboxes) all = zu_local_docker_ref_sandboxes (self, error);
  g_auto (GStrv) known = all ? zu_sandboxes_reclaim (all, ZU_LOCAL_DOCKER_NAME, error) : NULL;
  g_autoptr (GStrvBuilder) ids = g_strv_builder_new ();
  g_autoptr (ZuDockerEngine) engine = known ? zu_local_docker_ref_engine (self, error) : NULL;
  g_autoptr (ZuJson) containers = NULL;

  if (!engine)
    return NULL;
  g_strv_builder_addv (ids, (const char **) known);
  containers = list_containers (self, engine, zu_sandboxes_get_root (all), cancellable);
  for (gsize i = 0; i < zu_peek_size (containers); i++)
    {
      g_autoptr (ZuJson) container = zu_json_dup_element (containers, i);
      g_autofree char *id = dup_orphan (container, zu_sandboxes_get_root (all));

      if (id && remove_container (engine, id, cancellable, NULL))
        g_strv_builder_add (ids, id);
    }
  return g_strv_builder_end (ids);
}

void
zu_local_docker_look_init (ZuSandboxBackendInterface *iface)
{
  iface->extend = zu_local_docker_extend;
  iface->destroy = zu_local_docker_destroy;
  iface->fs_diff = zu_local_docker_fs_diff;
  iface->reclaim = zu_local_docker_reclaim;
}
