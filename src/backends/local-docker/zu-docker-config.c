/* SPDX-License-Identifier: Apache-2.0 */

/* From a plan and an image to what is sent to the engine. Nothing here asks or changes anything but
 * for the file of a seccomp profile, so all of it can be looked at beforehand. */

#include "zu-docker-config.h"
#include "zu-peek.h"
#include "zu-seccomp-profile.h"
#include <string.h>
#include <sys/stat.h>

#define REFUSED ZU_SANDBOX_BACKEND_ERROR, ZU_SANDBOX_BACKEND_ERROR_INVALID_SPEC

#define NOBODY        "65534:65534"
#define PATH          "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"
#define CA_VOLUME     "/ca"
#define CA_IN_VOLUME  "ca.pem"
#define SMALL_TMPFS   (G_GINT64_CONSTANT (64) << 20)
#define SHARED_TMPFS  "mode=1777"
#define TMPFS_OPTIONS "rw,exec,nosuid,nodev"

void
zu_docker_config_free (ZuDockerConfig *self)
{
  g_free (self->user);
  g_free (self->workdir);
  g_strfreev (self->environment);
  g_free (self->seccomp);
  g_clear_pointer (&self->mounts, g_ptr_array_unref);
  g_clear_pointer (&self->body, zu_json_unref);
  g_free (self);
}

static gboolean
is_root (const char *user)
{
  const char *colon = strchrnul (user, ':');
  g_autofree char *name = g_strndup (user, (gsize) (colon - user));
  guint64 uid;

  return !*name || strcmp (name, "root") == 0
         || (g_ascii_string_to_unsigned (name, 10, 0, G_MAXUINT32, &uid, NULL) && uid == 0);
}

/* Root only where the caller says so; an image does not. Else it is whoever launches it, so that it
 * can use what that user mounts; for root it is nobody. */
static void
choose_user (ZuDockerConfig *self, const ZuDockerRequest *r)
{
  if (r->plan->uid >= 0)
    self->user =
        g_strdup_printf ("%" G_GINT64_FORMAT ":%" G_GINT64_FORMAT, r->plan->uid, r->plan->gid);
  else if (!is_root (r->image->user))
    self->user = g_strdup (r->image->user);
  else if (r->launcher_uid == 0)
    self->user = g_strdup (NOBODY);
  else
    self->user = g_strdup_printf ("%u:%u", r->launcher_uid, r->launcher_gid);
}

/* Whether somebody in no other groups gets in by the mode alone. */
static gboolean
can_use (const struct stat *st, guint64 uid, guint64 gid, gboolean writable)
{
  guint shift = st->st_uid == uid ? 6 : st->st_gid == gid ? 3 : 0;
  guint needed = 4u | (writable ? 2u : 0u) | (S_ISDIR (st->st_mode) ? 1u : 0u);

  return ((st->st_mode >> shift) & needed) == needed;
}

/* FALSE where the user is a name, which only the image knows. */
static gboolean
parse_user (const char *user, guint64 *uid, guint64 *gid)
{
  g_auto (GStrv) ids = g_strsplit (user, ":", 2);

  if (!g_ascii_string_to_unsigned (ids[0], 10, 0, G_MAXUINT32, uid, NULL))
    return FALSE;
  if (!ids[1] || !g_ascii_string_to_unsigned (ids[1], 10, 0, G_MAXUINT32, gid, NULL))
    *gid = *uid;
  return TRUE;
}

/* An engine mounts what it is told, and the sandbox would find a closed door. */
static gboolean
check_access (ZuDockerConfig *self, const ZuDockerRequest *r, GError **error)
{
  guint64 uid, gid;

  if (!parse_user (self->user, &uid, &gid)
      || g_strv_contains ((const char *const *) r->plan->capabilities, "DAC_OVERRIDE"))
    return TRUE;
  for (guint i = 0; i < r->plan->mounts->len; i++)
    {
      const ZuMount *mount = r->plan->mounts->pdata[i];
      struct stat st;

      if (fstat (mount->fd, &st) == 0 && can_use (&st, uid, gid, mount->writable))
        continue;
      g_set_error (error, REFUSED,
                   "'%s' cannot be %s by user %s of the sandbox (change its mode, or set user)",
                   mount->source, mount->writable ? "written" : "read", self->user);
      return FALSE;
    }
  return TRUE;
}

/* A tmpfs there would hide what is the image's own, or what the caller mounts. */
static gboolean
is_taken (const ZuDockerRequest *r, const char *workdir)
{
  static const char *const elsewhere[] = { "/usr",   "/bin", "/sbin", "/lib",  "/lib32",
                                           "/lib64", "/etc", "/opt",  "/boot", "/proc",
                                           "/sys",   "/dev", "/.zu" };

  if (strcmp (workdir, "/") == 0 || strcmp (workdir, "/tmp") == 0 || strcmp (workdir, "/run") == 0)
    return TRUE;
  for (guint i = 0; i < G_N_ELEMENTS (elsewhere); i++)
    if (zu_path_is_beneath (workdir, elsewhere[i]))
      return TRUE;
  for (guint i = 0; i < r->plan->mounts->len; i++)
    if (zu_path_is_beneath (workdir, ((ZuMount *) r->plan->mounts->pdata[i])->destination))
      return TRUE;
  return zu_path_is_beneath (r->image->workdir, workdir)
         || (strlen (r->image->workdir) > 1 && zu_path_is_beneath (workdir, r->image->workdir));
}

static gboolean
choose_workdir (ZuDockerConfig *self, const ZuDockerRequest *r, GError **error)
{
  const char *image = r->image->workdir;
  gboolean images_own = *image && strcmp (image, "/") != 0;

  self->workdir = g_strdup (r->plan->workdir ? r->plan->workdir
                            : images_own     ? image
                                             : ZU_DOCKER_WORKDIR);
  self->owns_workdir = !is_taken (r, self->workdir);
  return zu_mount_check_workdir (self->workdir, error);
}

/* The image's, then the caller's, then what nothing works without. */
static void
choose_environment (ZuDockerConfig *self, const ZuDockerRequest *r)
{
  GStrv environment = g_strdupv (r->image->environment);

  for (guint i = 0; r->plan->environment[i]; i++)
    {
      g_auto (GStrv) parts = g_strsplit (r->plan->environment[i], "=", 2);

      environment = g_environ_setenv (environment, parts[0], parts[1], TRUE);
    }
  environment = g_environ_setenv (environment, "PATH", PATH, FALSE);
  environment =
      g_environ_setenv (environment, "HOME", self->owns_workdir ? self->workdir : "/tmp", FALSE);
  self->environment = g_environ_setenv (environment, "LANG", "C.UTF-8", FALSE);
}

/* The caller's profile, else ours, which bubblewrap's sandboxes have too. It is read here, so that
 * what is sent is understood, and an engine's own idea of a default plays no part. */
static gboolean
choose_seccomp (ZuDockerConfig *self, const ZuDockerRequest *r, GError **error)
{
  g_autoptr (GStrvBuilder) builder = g_strv_builder_new ();
  g_autoptr (ZuSeccompProfile) profile = NULL;
  g_auto (GStrv) capabilities = NULL;
  ZuSeccompHost host;

  for (guint i = 0; r->plan->capabilities[i]; i++)
    {
      g_autofree char *name = g_strconcat ("CAP_", r->plan->capabilities[i], NULL);

      g_strv_builder_add (builder, name);
    }
  capabilities = g_strv_builder_end (builder);
  zu_seccomp_host_init (&host, (const char *const *) capabilities);
  profile = zu_seccomp_profile_load (r->plan->seccomp, &host, error);
  if (!profile || !zu_floor_check_seccomp (profile->text, error))
    return FALSE;
  self->seccomp = g_strdup (profile->text);
  return TRUE;
}

static ZuFloorMount *
add_mount (ZuDockerConfig *self, const char *source, const char *destination, gboolean writable)
{
  ZuFloorMount *mount = zu_floor_mount_new (source, destination, writable);

  g_ptr_array_add (self->mounts, mount);
  return mount;
}

static void
add_own (ZuDockerConfig *self, const ZuDockerRequest *r, const char *name, const char *destination)
{
  g_autofree char *source = g_build_filename (r->state_path, name, NULL);

  add_mount (self, source, destination, FALSE)->is_own = TRUE;
}

/* A volume's name, as engines allow them: nothing that they could take for a path. */
static gboolean
add_ca_volume (ZuDockerConfig *self, const ZuDockerRequest *r, GError **error)
{
  const char *volume = zu_launch_spec_get_ca_volume (r->spec);
  const char *where = zu_launch_spec_get_ca_volume_mount (r->spec);
  g_autofree char *file = g_build_filename (where ? where : CA_VOLUME, CA_IN_VOLUME, NULL);

  if (!volume && where)
    {
      g_set_error_literal (error, REFUSED, "ca_volume_mount means nothing without ca_volume");
      return FALSE;
    }
  if (!volume)
    return TRUE;
  if (!g_ascii_isalnum (*volume)
      || strspn (volume, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_.-")
             != strlen (volume))
    {
      g_set_error (error, REFUSED, "ca_volume '%s' is not the name of a volume", volume);
      return FALSE;
    }
  if (!zu_mount_check_destination (where ? where : CA_VOLUME, error))
    return FALSE;
  add_mount (self, volume, where ? where : CA_VOLUME, FALSE)->is_volume = TRUE;
  if (!g_environ_getenv (self->environment, "SSL_CERT_FILE"))
    self->environment = g_environ_setenv (self->environment, "SSL_CERT_FILE", file, FALSE);
  if (!g_environ_getenv (self->environment, "REQUESTS_CA_BUNDLE"))
    self->environment = g_environ_setenv (self->environment, "REQUESTS_CA_BUNDLE", file, FALSE);
  return TRUE;
}

/* The caller's, then our own: the guest, its folder, the names of hosts and the certificates. */
static gboolean
choose_mounts (ZuDockerConfig *self, const ZuDockerRequest *r, GError **error)
{
  self->mounts = g_ptr_array_new_with_free_func ((GDestroyNotify) zu_floor_mount_free);
  for (guint i = 0; i < r->plan->mounts->len; i++)
    {
      ZuMount *mount = r->plan->mounts->pdata[i];

      add_mount (self, mount->source, mount->destination, mount->writable);
    }
  if (!add_ca_volume (self, r, error))
    return FALSE;
  add_mount (self, r->guest, ZU_DOCKER_GUEST, FALSE)->is_own = TRUE;
  add_own (self, r, "guest", ZU_DOCKER_CONTROL);
  if (r->plan->network == ZU_NETWORK_MODE_NONE)
    add_own (self, r, "hosts", "/etc/hosts");
  if (r->plan->ca_cert)
    add_own (self, r, "ca", r->plan->ca_mount);
  return TRUE;
}

static void
put_text (ZuJsonBuilder *b, const char *name, const char *value)
{
  zu_json_builder_set_member (b, name);
  zu_json_builder_add_string (b, value);
}

static void
put_number (ZuJsonBuilder *b, const char *name, gint64 value)
{
  zu_json_builder_set_member (b, name);
  zu_json_builder_add_int64 (b, value);
}

static void
put_boolean (ZuJsonBuilder *b, const char *name, gboolean value)
{
  zu_json_builder_set_member (b, name);
  zu_json_builder_add_boolean (b, value);
}

static void
put_texts (ZuJsonBuilder *b, const char *name, const char *const *values)
{
  zu_json_builder_set_member (b, name);
  zu_json_builder_begin_array (b);
  for (; values && *values; values++)
    zu_json_builder_add_string (b, *values);
  zu_json_builder_end_array (b);
}

/* What is dropped by name stays dropped. */
static GStrv
list_added (const ZuDockerRequest *r)
{
  const char *const *dropped = zu_launch_spec_get_cap_drop (r->spec);
  g_autoptr (GStrvBuilder) builder = g_strv_builder_new ();

  for (guint i = 0; r->plan->capabilities[i]; i++)
    {
      gboolean keep = TRUE;

      for (guint k = 0; dropped && dropped[k]; k++)
        keep &= g_strcmp0 (zu_floor_find_capability (dropped[k]), r->plan->capabilities[i]) != 0;
      if (keep)
        g_strv_builder_add (builder, r->plan->capabilities[i]);
    }
  return g_strv_builder_end (builder);
}

static void
put_security (ZuJsonBuilder *b, const ZuDockerConfig *self, const ZuDockerRequest *r)
{
  g_autofree char *seccomp = g_strconcat ("seccomp=", self->seccomp, NULL);
  g_autoptr (GStrvBuilder) options = g_strv_builder_new ();
  g_auto (GStrv) list = NULL, added = list_added (r);

  g_strv_builder_add (options, "no-new-privileges");
  for (guint i = 0; r->plan->security_options && r->plan->security_options[i]; i++)
    if (!g_str_has_prefix (r->plan->security_options[i], "no-new-privileges"))
      g_strv_builder_add (options, r->plan->security_options[i]);
  g_strv_builder_add (options, seccomp);
  list = g_strv_builder_end (options);
  put_texts (b, "CapDrop", (const char *const[]){ "ALL", NULL });
  put_texts (b, "CapAdd", (const char *const *) added);
  put_texts (b, "SecurityOpt", (const char *const *) list);
}

static void
put_tmpfs (ZuJsonBuilder *b, const char *path, gint64 size, const char *owner)
{
  g_autofree char *options =
      g_strdup_printf (TMPFS_OPTIONS ",size=%" G_GINT64_FORMAT ",%s", size, owner);

  put_text (b, path, options);
}

/* The user's own where that has a number; else open to all, with the sticky bit. The runtime gives
 * it the mode of the image's folder of that name, so it is the owner that counts. */
static char *
dup_tmpfs_owner (const char *user, const char *mode)
{
  guint64 uid, gid;

  if (!parse_user (user, &uid, &gid))
    return g_strdup (SHARED_TMPFS);
  return g_strdup_printf ("%s,uid=%" G_GUINT64_FORMAT ",gid=%" G_GUINT64_FORMAT, mode, uid, gid);
}

static void
put_scratch (ZuJsonBuilder *b, const ZuDockerConfig *self, const ZuLaunchPlan *plan)
{
  g_autofree char *owner = dup_tmpfs_owner (self->user, "mode=0755");
  g_autofree char *shared = dup_tmpfs_owner (self->user, SHARED_TMPFS);
  gint64 half = plan->memory / 2;

  zu_json_builder_set_member (b, "Tmpfs");
  zu_json_builder_begin_object (b);
  if (plan->read_only)
    {
      put_tmpfs (b, "/tmp", half, shared);
      put_tmpfs (b, "/run", MIN (SMALL_TMPFS, half), owner);
    }
  if (self->owns_workdir)
    put_tmpfs (b, self->workdir, half, owner);
  zu_json_builder_end_object (b);
}

static const char *
get_network (const ZuLaunchPlan *plan)
{
  return plan->network == ZU_NETWORK_MODE_NONE       ? "none"
         : plan->network == ZU_NETWORK_MODE_ISOLATED ? plan->network_name
                                                     : "bridge";
}

static void
put_network (ZuJsonBuilder *b, const ZuLaunchPlan *plan)
{
  put_text (b, "NetworkMode", get_network (plan));
  if (plan->network == ZU_NETWORK_MODE_NONE)
    return;
  put_texts (b, "Dns", (const char *const *) plan->dns);
  zu_json_builder_set_member (b, "ExtraHosts");
  zu_json_builder_begin_array (b);
  for (guint i = 0; plan->hosts[i]; i++)
    {
      g_auto (GStrv) parts = g_strsplit (plan->hosts[i], " ", 2);
      g_autofree char *host = g_strconcat (parts[1], ":", parts[0], NULL);

      zu_json_builder_add_string (b, host);
    }
  zu_json_builder_end_array (b);
}

static void
put_limits (ZuJsonBuilder *b, const ZuLaunchPlan *plan)
{
  put_number (b, "Memory", plan->memory);
  put_number (b, "MemorySwap", plan->memory);
  put_number (b, "ShmSize", MIN (SMALL_TMPFS, plan->memory / 2));
  put_number (b, "PidsLimit", plan->pids);
  put_boolean (b, "ReadonlyRootfs", plan->read_only);
  put_boolean (b, "AutoRemove", TRUE);
  put_boolean (b, "Privileged", FALSE);
  put_text (b, "IpcMode", "private");
  put_text (b, "CgroupnsMode", "private");
  zu_json_builder_set_member (b, "LogConfig");
  zu_json_builder_begin_object (b);
  put_text (b, "Type", "none");
  zu_json_builder_end_object (b);
}

static gboolean
is_mounted (const ZuDockerConfig *self, const char *path)
{
  for (guint i = 0; i < self->mounts->len; i++)
    if (strcmp (((ZuFloorMount *) self->mounts->pdata[i])->destination, path) == 0)
      return TRUE;
  return FALSE;
}

static void
put_mount (ZuJsonBuilder *b, const ZuFloorMount *mount)
{
  zu_json_builder_begin_object (b);
  put_text (b, "Type", mount->is_volume ? "volume" : "bind");
  put_text (b, "Source", mount->source);
  put_text (b, "Target", mount->destination);
  put_boolean (b, "ReadOnly", !mount->writable);
  zu_json_builder_end_object (b);
}

/* Where an image wants a volume it gets a tmpfs: a volume has no bound and would be left behind. */
static void
put_image_volume (ZuJsonBuilder *b, const char *path, gint64 size)
{
  zu_json_builder_begin_object (b);
  put_text (b, "Type", "tmpfs");
  put_text (b, "Target", path);
  zu_json_builder_set_member (b, "TmpfsOptions");
  zu_json_builder_begin_object (b);
  put_number (b, "SizeBytes", size);
  put_number (b, "Mode", 01777);
  zu_json_builder_end_object (b);
  zu_json_builder_end_object (b);
}

static ZuJson *
make_mounts (const ZuDockerConfig *self, const ZuDockerRequest *r)
{
  g_autoptr (ZuJsonBuilder) b = zu_json_builder_new ();

  zu_json_builder_begin_array (b);
  for (guint i = 0; i < self->mounts->len; i++)
    put_mount (b, self->mounts->pdata[i]);
  for (guint i = 0; r->image->volumes[i]; i++)
    if (!is_mounted (self, r->image->volumes[i]))
      put_image_volume (b, r->image->volumes[i], r->plan->memory / 2);
  zu_json_builder_end_array (b);
  return zu_json_builder_end (b, NULL);
}

static void
put_labels (ZuJsonBuilder *b, const ZuDockerRequest *r)
{
  g_autofree char *owner = g_strdup_printf ("%u", r->launcher_uid);

  zu_json_builder_set_member (b, "Labels");
  zu_json_builder_begin_object (b);
  put_text (b, "org.zu.sandbox", r->id);
  put_text (b, "org.zu.owner", owner);
  put_text (b, "org.zu.run", r->run ? r->run : "");
  put_text (b, "org.zu.state", r->state_root);
  put_text (b, "org.zu.image", r->reference);
  zu_json_builder_end_object (b);
}

static void
put_host (ZuJsonBuilder *b, const ZuDockerConfig *self, const ZuDockerRequest *r, ZuJson *mounts)
{
  zu_json_builder_set_member (b, "HostConfig");
  zu_json_builder_begin_object (b);
  put_limits (b, r->plan);
  put_security (b, self, r);
  put_network (b, r->plan);
  put_scratch (b, self, r->plan);
  if (mounts)
    {
      zu_json_builder_set_member (b, "Mounts");
      zu_json_builder_add_json (b, mounts);
    }
  zu_json_builder_end_object (b);
}

/* An image's own program, its health check and its ports play no part: the guest is what runs. */
static ZuJson *
make_body (const ZuDockerConfig *self, const ZuDockerRequest *r, ZuJson *mounts, GError **error)
{
  g_autoptr (ZuJsonBuilder) b = zu_json_builder_new ();

  zu_json_builder_begin_object (b);
  put_text (b, "Image", r->image->id);
  put_text (b, "Hostname", "sandbox");
  put_text (b, "User", self->user);
  put_text (b, "WorkingDir", "/");
  put_texts (b, "Env", (const char *const *) self->environment);
  put_texts (b, "Entrypoint", (const char *const[]){ ZU_DOCKER_GUEST, NULL });
  put_texts (b, "Cmd", (const char *const[]){ "--connect", ZU_DOCKER_CONTROL "/socket", NULL });
  put_boolean (b, "NetworkDisabled", r->plan->network == ZU_NETWORK_MODE_NONE);
  zu_json_builder_set_member (b, "Healthcheck");
  zu_json_builder_begin_object (b);
  put_texts (b, "Test", (const char *const[]){ "NONE", NULL });
  zu_json_builder_end_object (b);
  put_labels (b, r);
  put_host (b, self, r, mounts);
  zu_json_builder_end_object (b);
  return zu_json_builder_end (b, error);
}

static gboolean
check_image_volumes (const ZuDockerRequest *r, GError **error)
{
  for (guint i = 0; r->image->volumes[i]; i++)
    if (strcmp (r->image->volumes[i], "/") == 0
        || !zu_mount_check_workdir (r->image->volumes[i], NULL))
      {
        g_set_error (error, REFUSED, "image '%s' wants a volume on '%s'", r->reference,
                     r->image->volumes[i]);
        return FALSE;
      }
  return TRUE;
}

static void
fill_floor (ZuDockerConfig *self, const ZuDockerRequest *r)
{
  self->floor = (ZuFloor){
    .image_id = r->image->id,
    .user = self->user,
    .network = get_network (r->plan),
    .capabilities = (const char *const *) r->plan->capabilities,
    .memory = r->plan->memory,
    .pids = r->plan->pids,
    .read_only = r->plan->read_only,
    .mounts = self->mounts,
  };
}

/**
 * zu_docker_config_new: (skip)
 * @request: what a container is made from, which must outlive the result
 * @error: ZU_SANDBOX_BACKEND_ERROR_INVALID_SPEC, naming what is refused and why
 *
 * The floor is held against the finished configuration; our own mounts come after that.
 *
 * Returns: (transfer full): what is sent, and what must be read back
 */
ZuDockerConfig *
zu_docker_config_new (const ZuDockerRequest *request, GError **error)
{
  g_autoptr (ZuDockerConfig) self = g_new0 (ZuDockerConfig, 1);
  g_autoptr (ZuJson) bare = NULL, mounts = NULL;

  choose_user (self, request);
  if (!check_access (self, request, error) || !choose_workdir (self, request, error)
      || !check_image_volumes (request, error) || !choose_seccomp (self, request, error))
    return NULL;
  choose_environment (self, request);
  if (!choose_mounts (self, request, error))
    return NULL;
  fill_floor (self, request);
  bare = make_body (self, request, NULL, error);
  if (!bare || !zu_floor_check_request (&self->floor, bare, request->state_root, error))
    return NULL;
  mounts = make_mounts (self, request);
  self->body = make_body (self, request, mounts, error);
  return self->body ? g_steal_pointer (&self) : NULL;
}
