/* SPDX-License-Identifier: Apache-2.0 */
#include "zu-image-reference.h"
#include "zu-scripted-private.h"
#include "zu-socket.h"
#include <arpa/inet.h>
#include <errno.h>
#include <signal.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#define REFUSED ZU_SANDBOX_BACKEND_ERROR, ZU_SANDBOX_BACKEND_ERROR_INVALID_SPEC

/* As the real backends have it. */
#define MAX_LIFETIME 86400

/* Where no real backend keeps its sandboxes, so that no mount is refused for it. */
#define NO_STATE "/nonexistent/zu"

#define MAX_FILE (64 << 20)

enum
{
  PROP_SCRIPT = 1,
  PROP_IMAGES,
  N_PROPS
};

static GParamSpec *props[N_PROPS];

static void zu_scripted_iface_init (ZuSandboxBackendInterface *iface);
static void zu_scripted_initable_init (GInitableIface *iface);

/**
 * ZuScripted:
 *
 * A sandbox backend that runs nothing: it answers from a script, for the tests of harnesses. It is
 * never chosen by default.
 */
G_DEFINE_FINAL_TYPE_WITH_CODE (ZuScripted, zu_scripted, G_TYPE_OBJECT,
                               G_IMPLEMENT_INTERFACE (ZU_TYPE_SANDBOX_BACKEND,
                                                      zu_scripted_iface_init)
                                   G_IMPLEMENT_INTERFACE (G_TYPE_INITABLE,
                                                          zu_scripted_initable_init))

/* What is still played ends with the object. */
static void
kill_process (gpointer key, gpointer value, gpointer data)
{
  zu_scripted_process_kill (value, SIGKILL);
}

static void
zu_scripted_finalize (GObject *object)
{
  ZuScripted *self = ZU_SCRIPTED (object);

  g_hash_table_foreach (self->processes, kill_process, NULL);
  g_clear_pointer (&self->rules, zu_json_unref);
  g_clear_pointer (&self->script, zu_script_free);
  g_clear_pointer (&self->images, zu_json_unref);
  g_hash_table_unref (self->sandboxes);
  g_hash_table_unref (self->processes);
  g_hash_table_unref (self->sessions);
  g_mutex_clear (&self->lock);
  G_OBJECT_CLASS (zu_scripted_parent_class)->finalize (object);
}

static void
zu_scripted_set_property (GObject *object, guint id, const GValue *value, GParamSpec *pspec)
{
  if (id == PROP_SCRIPT)
    ZU_SCRIPTED (object)->rules = g_value_dup_boxed (value);
  else if (id == PROP_IMAGES)
    ZU_SCRIPTED (object)->images = g_value_dup_boxed (value);
  else
    G_OBJECT_WARN_INVALID_PROPERTY_ID (object, id, pspec);
}

static void
zu_scripted_class_init (ZuScriptedClass *klass)
{
  GObjectClass *object_class = G_OBJECT_CLASS (klass);

  object_class->finalize = zu_scripted_finalize;
  object_class->set_property = zu_scripted_set_property;

  /**
   * ZuScripted:script:
   *
   * An array of rules, tried in order; see this plugin's README. Left out: echo, cat, true, false.
   */
  props[PROP_SCRIPT] =
      g_param_spec_boxed ("script", NULL, NULL, ZU_TYPE_JSON,
                          G_PARAM_WRITABLE | G_PARAM_CONSTRUCT_ONLY | G_PARAM_STATIC_STRINGS);
  /**
   * ZuScripted:images:
   *
   * An array of the references of images that are here. Left out: all are.
   */
  props[PROP_IMAGES] =
      g_param_spec_boxed ("images", NULL, NULL, ZU_TYPE_JSON,
                          G_PARAM_WRITABLE | G_PARAM_CONSTRUCT_ONLY | G_PARAM_STATIC_STRINGS);
  g_object_class_install_properties (object_class, N_PROPS, props);
}

static void
zu_scripted_init (ZuScripted *self)
{
  g_mutex_init (&self->lock);
  self->sandboxes = g_hash_table_new_full (g_str_hash, g_str_equal, g_free,
                                           (GDestroyNotify) zu_scripted_box_free);
  self->processes = g_hash_table_new_full (g_str_hash, g_str_equal, g_free,
                                           (GDestroyNotify) zu_scripted_process_unref);
  self->sessions = zu_scripted_sessions_new ();
}

static gboolean
check_images (ZuJson *images, GError **error)
{
  gboolean good = !images || zu_json_get_kind (images) == ZU_JSON_KIND_ARRAY;

  for (gsize i = 0; good && images && i < zu_json_get_size (images); i++)
    {
      g_autoptr (ZuJson) element = zu_json_dup_element (images, i);

      good = zu_json_get_kind (element) == ZU_JSON_KIND_STRING;
    }
  if (!good)
    g_set_error_literal (error, REFUSED, "images is not an array of references");
  return good;
}

static gboolean
zu_scripted_initable_start (GInitable *initable, GCancellable *cancellable, GError **error)
{
  ZuScripted *self = ZU_SCRIPTED (initable);

  self->script = zu_script_new (self->rules, error);
  return self->script && check_images (self->images, error);
}

static void
zu_scripted_initable_init (GInitableIface *iface)
{
  iface->init = zu_scripted_initable_start;
}

/* With the lock held. */
char *
zu_scripted_next_name (ZuScripted *self, const char *prefix)
{
  return g_strdup_printf ("%s%u", prefix, ++self->last);
}

static gboolean
is_of_sandbox (gpointer key, gpointer value, gpointer id)
{
  gsize length = strlen (id);

  if (strncmp (key, id, length) != 0 || ((char *) key)[length] != ' ')
    return FALSE;
  zu_scripted_process_kill (value, SIGKILL);
  return TRUE;
}

/* With the lock held: it, and all of it. */
static void
end_box (ZuScripted *self, const char *id)
{
  g_autofree char *copy = g_strdup (id);

  g_hash_table_foreach_remove (self->processes, is_of_sandbox, copy);
  zu_scripted_sessions_end (self->sessions, copy);
  g_hash_table_remove (self->sandboxes, copy);
}

/* With the lock held. */
ZuScriptedBox *
zu_scripted_find_box (ZuScripted *self, const char *id, GError **error)
{
  ZuScriptedBox *box = g_hash_table_lookup (self->sandboxes, id);

  if (box && !zu_scripted_box_is_over (box))
    return box;
  if (box)
    end_box (self, id);
  g_set_error (error, ZU_SCRIPTED_NOT_FOUND, "there is no sandbox '%s'", id);
  return NULL;
}

/* The script may say which images there are; one that is fetched is there. */
static gboolean
has_image (ZuScripted *self, const ZuImageReference *reference)
{
  g_autofree char *wanted = zu_image_reference_to_string (reference);

  for (gsize i = 0; self->images && i < zu_json_get_size (self->images); i++)
    {
      g_autoptr (ZuJson) element = zu_json_dup_element (self->images, i);
      g_autoptr (ZuImageReference) here =
          zu_image_reference_parse (zu_json_get_string (element, NULL), NULL);
      g_autofree char *text = here ? zu_image_reference_to_string (here) : NULL;

      if (g_strcmp0 (text, wanted) == 0)
        return TRUE;
    }
  return self->images == NULL;
}

static gboolean
check_image (ZuScripted *self, ZuLaunchSpec *spec, const char *image, GError **error)
{
  g_autoptr (ZuImagePolicy) policy =
      zu_image_policy_new (zu_launch_spec_get_image_allowlist (spec), NULL,
                           zu_launch_spec_get_require_digest (spec));
  g_autoptr (ZuImageReference) reference = image ? zu_image_reference_parse (image, error) : NULL;

  if (!image)
    return TRUE;
  if (!reference || !zu_image_policy_check (policy, reference, error))
    return FALSE;
  if (zu_launch_spec_get_pull (spec) == ZU_PULL_POLICY_MISSING || has_image (self, reference))
    return TRUE;
  g_set_error (error, ZU_SANDBOX_BACKEND_ERROR, ZU_SANDBOX_BACKEND_ERROR_IMAGE_MISSING,
               "the script has no image '%s' (set pull to missing)", image);
  return FALSE;
}

/* The spec's command, if it has one, as the first process; nobody waits for it. */
static gboolean
run_command (ZuScripted *self, const char *id, const ZuLaunchPlan *plan, GError **error)
{
  const int nothing[3] = { -1, -1, -1 };
  g_autofree char *process = NULL;

  if (!plan->command || !*plan->command)
    return TRUE;
  process = zu_scripted_start (self, id, (const char *const *) plan->command, nothing, 0, error);
  return process != NULL;
}

static ZuSandbox *
zu_scripted_launch (ZuSandboxBackend *backend, ZuLaunchSpec *spec, ZuOwnership *owner,
                    GCancellable *cancellable, GError **error)
{
  ZuScripted *self = ZU_SCRIPTED (backend);
  g_autoptr (GMutexLocker) locker = g_mutex_locker_new (&self->lock);
  g_autoptr (ZuLaunchPlan) plan = zu_launch_plan_new (spec, NO_STATE, error);
  g_autofree char *id = NULL;
  ZuScriptedBox *box;

  if (!plan || !check_image (self, spec, plan->image, error))
    return NULL;
  id = zu_scripted_next_name (self, "scripted-");
  box = zu_scripted_box_new (g_steal_pointer (&plan), owner, id, MAX_LIFETIME, error);
  if (!box)
    return NULL;
  g_hash_table_insert (self->sandboxes, g_strdup (id), box);
  if (run_command (self, id, box->plan, error))
    return g_object_ref (box->sandbox);
  end_box (self, id);
  return NULL;
}

static gboolean
zu_scripted_destroy (ZuSandboxBackend *backend, const char *id, GCancellable *cancellable,
                     GError **error)
{
  ZuScripted *self = ZU_SCRIPTED (backend);
  g_autoptr (GMutexLocker) locker = g_mutex_locker_new (&self->lock);

  end_box (self, id);
  return TRUE;
}

static ZuSandbox *
zu_scripted_inspect (ZuSandboxBackend *backend, const char *id, GCancellable *cancellable,
                     GError **error)
{
  ZuScripted *self = ZU_SCRIPTED (backend);
  g_autoptr (GMutexLocker) locker = g_mutex_locker_new (&self->lock);
  ZuScriptedBox *box = zu_scripted_find_box (self, id, error);

  return box ? g_object_ref (box->sandbox) : NULL;
}

/* Those of this object: they live in it and nowhere else. */
static GPtrArray *
zu_scripted_list (ZuSandboxBackend *backend, GCancellable *cancellable, GError **error)
{
  ZuScripted *self = ZU_SCRIPTED (backend);
  g_autoptr (GMutexLocker) locker = g_mutex_locker_new (&self->lock);
  g_autoptr (GList) ids = g_hash_table_get_keys (self->sandboxes);
  GPtrArray *sandboxes = g_ptr_array_new_with_free_func (g_object_unref);

  for (GList *at = ids; at; at = at->next)
    {
      ZuScriptedBox *box = zu_scripted_find_box (self, at->data, NULL);

      if (box)
        g_ptr_array_add (sandboxes, g_object_ref (box->sandbox));
    }
  return sandboxes;
}

/* Nothing outlives the object, so nothing can be left behind. */
static char **
zu_scripted_reclaim (ZuSandboxBackend *backend, GCancellable *cancellable, GError **error)
{
  return g_new0 (char *, 1);
}

static gboolean
zu_scripted_extend (ZuSandboxBackend *backend, const char *id, gint64 lifetime,
                    GCancellable *cancellable, GError **error)
{
  ZuScripted *self = ZU_SCRIPTED (backend);
  g_autoptr (GMutexLocker) locker = g_mutex_locker_new (&self->lock);
  ZuScriptedBox *box;

  if (lifetime < 1 || lifetime > MAX_LIFETIME)
    {
      g_set_error (error, ZU_SANDBOX_BACKEND_ERROR, ZU_SANDBOX_BACKEND_ERROR_LIMIT,
                   "a lifetime is 1 to %d seconds", MAX_LIFETIME);
      return FALSE;
    }
  box = zu_scripted_find_box (self, id, error);
  if (!box)
    return FALSE;
  box->until = g_get_monotonic_time () + lifetime * G_TIME_SPAN_SECOND;
  zu_scripted_set_until (self, id, box->until);
  return TRUE;
}

/* There is no loopback of its own, so it is this machine's: a test connects in the sandbox's place.
 */
static int
zu_scripted_listen (ZuSandboxBackend *backend, const char *id, guint tcp_port,
                    GCancellable *cancellable, GError **error)
{
  ZuScripted *self = ZU_SCRIPTED (backend);
  g_autoptr (GMutexLocker) locker = g_mutex_locker_new (&self->lock);
  struct sockaddr_in address = { .sin_family = AF_INET,
                                 .sin_port = htons ((guint16) tcp_port),
                                 .sin_addr.s_addr = htonl (INADDR_LOOPBACK) };
  ZU_AUTO_FD int fd = -1;

  if (!zu_scripted_find_box (self, id, error))
    return -1;
  if (tcp_port <= G_MAXUINT16 && (fd = socket (AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0)) >= 0
      && bind (fd, (struct sockaddr *) &address, sizeof address) == 0 && listen (fd, 64) == 0)
    return zu_steal_fd (&fd);
  g_set_error (error, ZU_SANDBOX_BACKEND_ERROR, ZU_SANDBOX_BACKEND_ERROR_START_FAILED,
               "cannot listen on port %u: %s", tcp_port,
               g_strerror (tcp_port > G_MAXUINT16 ? EINVAL : errno));
  return -1;
}

static GBytes *
read_source (int fd, GCancellable *cancellable, GError **error)
{
  g_autoptr (GByteArray) all = g_byte_array_new ();
  guint8 buffer[32 * 1024];
  gssize n;

  while ((n = read (fd, buffer, sizeof buffer)) != 0)
    {
      if (g_cancellable_set_error_if_cancelled (cancellable, error))
        return NULL;
      if ((n < 0 && errno != EINTR) || all->len > MAX_FILE)
        {
          g_set_error (error, ZU_SANDBOX_BACKEND_ERROR, ZU_SANDBOX_BACKEND_ERROR_FILE,
                       "cannot read what is to be written: %s", g_strerror (n < 0 ? errno : EFBIG));
          return NULL;
        }
      g_byte_array_append (all, buffer, (guint) MAX (n, 0));
    }
  return g_byte_array_free_to_bytes (g_steal_pointer (&all));
}

static gboolean
zu_scripted_put_file (ZuSandboxBackend *backend, const char *id, const char *path, int source_fd,
                      guint mode, GCancellable *cancellable, GError **error)
{
  ZuScripted *self = ZU_SCRIPTED (backend);
  g_autoptr (GBytes) bytes = read_source (source_fd, cancellable, error);
  g_autoptr (GMutexLocker) locker = g_mutex_locker_new (&self->lock);
  ZuScriptedBox *box = bytes ? zu_scripted_find_box (self, id, error) : NULL;

  return box && zu_scripted_box_put (box, path, bytes, mode, error);
}

static gboolean
zu_scripted_get_file (ZuSandboxBackend *backend, const char *id, const char *path, int target_fd,
                      GCancellable *cancellable, GError **error)
{
  ZuScripted *self = ZU_SCRIPTED (backend);
  g_autoptr (GBytes) bytes = NULL;
  ZuScriptedBox *box;
  const char *at;
  gsize left;

  g_mutex_lock (&self->lock);
  box = zu_scripted_find_box (self, id, error);
  bytes = box ? zu_scripted_box_get (box, path, error) : NULL;
  g_mutex_unlock (&self->lock);
  at = bytes ? g_bytes_get_data (bytes, &left) : NULL;
  while (bytes && left)
    {
      gssize n = zu_write_quietly (target_fd, at, left);

      if (n < 0 && errno != EINTR && errno != EAGAIN)
        {
          g_set_error (error, ZU_SANDBOX_BACKEND_ERROR, ZU_SANDBOX_BACKEND_ERROR_FILE,
                       "cannot write what was read: %s", g_strerror (errno));
          return FALSE;
        }
      at += MAX (n, 0);
      left -= (gsize) MAX (n, 0);
    }
  return bytes != NULL;
}

static GPtrArray *
zu_scripted_list_files (ZuSandboxBackend *backend, const char *id, const char *path,
                        GCancellable *cancellable, GError **error)
{
  ZuScripted *self = ZU_SCRIPTED (backend);
  g_autoptr (GMutexLocker) locker = g_mutex_locker_new (&self->lock);
  ZuScriptedBox *box = zu_scripted_find_box (self, id, error);

  return box ? zu_scripted_box_list (box, path, error) : NULL;
}

static GPtrArray *
zu_scripted_mounts (ZuSandboxBackend *backend, const char *id, GCancellable *cancellable,
                    GError **error)
{
  ZuScripted *self = ZU_SCRIPTED (backend);
  g_autoptr (GMutexLocker) locker = g_mutex_locker_new (&self->lock);
  ZuScriptedBox *box = zu_scripted_find_box (self, id, error);

  return box ? zu_scripted_box_list_mounts (box) : NULL;
}

static GPtrArray *
zu_scripted_fs_diff (ZuSandboxBackend *backend, const char *id, GCancellable *cancellable,
                     GError **error)
{
  ZuScripted *self = ZU_SCRIPTED (backend);
  g_autoptr (GMutexLocker) locker = g_mutex_locker_new (&self->lock);
  ZuScriptedBox *box = zu_scripted_find_box (self, id, error);

  return box ? zu_scripted_box_list_added (box) : NULL;
}

static void
zu_scripted_iface_init (ZuSandboxBackendInterface *iface)
{
  iface->launch = zu_scripted_launch;
  iface->destroy = zu_scripted_destroy;
  iface->inspect = zu_scripted_inspect;
  iface->list = zu_scripted_list;
  iface->reclaim = zu_scripted_reclaim;
  iface->extend = zu_scripted_extend;
  iface->listen = zu_scripted_listen;
  iface->put_file = zu_scripted_put_file;
  iface->get_file = zu_scripted_get_file;
  iface->list_files = zu_scripted_list_files;
  iface->mounts = zu_scripted_mounts;
  iface->fs_diff = zu_scripted_fs_diff;
  zu_scripted_run_init (iface);
  zu_scripted_session_init (iface);
}
