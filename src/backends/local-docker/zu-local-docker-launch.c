/* SPDX-License-Identifier: Apache-2.0 */

/* From a spec to a container whose guest waits for its first exec. The keeper is there before the
 * engine is asked for anything, so whatever the engine has made goes if this process dies. */

#include "zu-docker-config.h"
#include "zu-label.h"
#include "zu-local-docker-private.h"
#include "zu-peek.h"
#include "zu-socket.h"
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#define REFUSED ZU_SANDBOX_BACKEND_ERROR, ZU_SANDBOX_BACKEND_ERROR_INVALID_SPEC
#define FAILED  ZU_SANDBOX_BACKEND_ERROR, ZU_SANDBOX_BACKEND_ERROR_START_FAILED

/* How often a container is looked at whose guest has not come yet. */
#define LOOK_MS 250

/* Everything that a launch makes and that goes with it. */
typedef struct
{
  ZuLocalDocker *backend;
  ZuLaunchSpec *spec;
  ZuOwnership *owner; /* nullable; the caller's, as the spec */
  ZuSandboxes *all;
  ZuDockerEngine *engine;
  ZuLaunchPlan *plan;
  ZuImageReference *reference;
  ZuDockerImage *image;
  ZuState *state;
  ZuDockerConfig *config;
  ZuSandbox *answer;
  ZuKeeperLink *link;
  char *guest;
  char *epilogue;
  GBytes *go;
  int listener;
  int owner_fd;
  gboolean is_ready; /* the keeper ends the sandbox only when it is told to */
} Launch;

static void
launch_clear (Launch *self)
{
  g_clear_pointer (&self->all, zu_sandboxes_unref);
  g_clear_pointer (&self->engine, zu_docker_engine_unref);
  g_clear_pointer (&self->plan, zu_launch_plan_free);
  g_clear_pointer (&self->reference, zu_image_reference_free);
  g_clear_pointer (&self->image, zu_docker_image_free);
  g_clear_pointer (&self->config, zu_docker_config_free);
  g_clear_pointer (&self->link, zu_keeper_link_unref);
  g_clear_pointer (&self->state, zu_state_free);
  g_clear_pointer (&self->go, g_bytes_unref);
  g_clear_object (&self->answer);
  zu_clear_fd (&self->listener);
  zu_clear_fd (&self->owner_fd);
  g_free (self->guest);
  g_free (self->epilogue);
}

G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC (Launch, launch_clear)

/* The guest's channel is a socket of this machine's, so the engine has to run on its kernel and see
 * its files. */
static gboolean
check_engine (Launch *self, GError **error)
{
  const ZuDockerAddress *address = zu_docker_engine_get_address (self->engine);
  g_autoptr (GInetAddress) host =
      address->host ? g_inet_address_new_from_string (address->host) : NULL;

  if (address->socket_path || g_ascii_strcasecmp (address->host, "localhost") == 0
      || (host && g_inet_address_get_is_loopback (host)))
    return TRUE;
  g_set_error (error, ZU_SANDBOX_BACKEND_ERROR, ZU_SANDBOX_BACKEND_ERROR_UNAVAILABLE,
               "the engine at %s is another machine's, and sandboxes need one of this machine's (a "
               "guest's channel does not go over a network yet)",
               address->text);
  return FALSE;
}

/* What is decided before the engine is asked for anything. */
static gboolean
judge (Launch *self, GError **error)
{
  g_autoptr (ZuImagePolicy) policy =
      zu_image_policy_new (zu_launch_spec_get_image_allowlist (self->spec),
                           self->backend->registries,
                           zu_launch_spec_get_require_digest (self->spec));

  if (!zu_ownership_check (self->owner, error)
      || !(self->plan = zu_launch_plan_new (self->spec, zu_sandboxes_get_root (self->all), error)))
    return FALSE;
  if (!self->plan->image)
    self->plan->image = g_strdup (self->backend->image);
  if (!self->plan->image || !*self->plan->image)
    {
      g_set_error_literal (error, REFUSED, "local-docker needs an image (set image)");
      return FALSE;
    }
  self->reference = zu_image_reference_parse (self->plan->image, error);
  return self->reference && zu_image_policy_check (policy, self->reference, error);
}

static void
on_progress (const char *text, gpointer user_data)
{
  zu_sandbox_backend_emit_progress (user_data, text);
}

static gboolean
find_image (Launch *self, GCancellable *cancellable, GError **error)
{
  self->engine = zu_local_docker_ref_engine (self->backend, error);
  if (!self->engine || !check_engine (self, error))
    return FALSE;
  self->image =
      zu_docker_image_find (self->engine, self->reference, zu_launch_spec_get_pull (self->spec),
                            on_progress, self->backend, cancellable, error);
  return self->image != NULL;
}

static gboolean
set_file_error (const char *what, GError **error)
{
  g_set_error (error, G_IO_ERROR, g_io_error_from_errno (errno), "cannot make the sandbox's %s: %s",
               what, g_strerror (errno));
  return FALSE;
}

/* The folder above is closed to everybody else; in the sandbox only this one is seen, read-only.
 * Whoever runs there may connect to the socket, which takes one connection: the guest's, which is
 * alone until it has been accepted. */
static gboolean
make_listener (Launch *self, GError **error)
{
  struct sockaddr_un address = { .sun_family = AF_UNIX };
  int on = 1, folder = self->state->fd;

  g_snprintf (address.sun_path, sizeof address.sun_path, "/proc/self/fd/%d/guest/socket", folder);
  self->listener = socket (AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0);
  if (self->listener >= 0 && mkdirat (folder, "guest", 0755) == 0
      && fchmodat (folder, "guest", 0755, 0) == 0
      && bind (self->listener, (struct sockaddr *) &address, sizeof address) == 0
      && fchmodat (folder, "guest/socket", 0666, 0) == 0
      && setsockopt (self->listener, SOL_SOCKET, SO_PASSCRED, &on, sizeof on) == 0
      && listen (self->listener, 1) == 0)
    return TRUE;
  return set_file_error ("control folder", error);
}

static gboolean
make_file (Launch *self, const char *name, const char *text, GError **error)
{
  ZU_AUTO_FD int fd =
      openat (self->state->fd, name, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, 0644);
  gsize size = strlen (text);

  if (fd >= 0 && fchmod (fd, 0644) == 0 && write (fd, text, size) == (gssize) size)
    return TRUE;
  return set_file_error (name, error);
}

static gboolean
make_files (Launch *self, GError **error)
{
  g_autofree char *more = g_strjoinv ("\n", self->plan->hosts);
  g_autofree char *hosts =
      g_strdup_printf ("127.0.0.1 localhost\n::1 localhost\n127.0.1.1 sandbox\n%s%s", more,
                       *more ? "\n" : "");

  return make_listener (self, error) && make_file (self, "hosts", hosts, error)
         && (!self->plan->ca_cert || make_file (self, "ca", self->plan->ca_cert, error));
}

static gboolean
configure (Launch *self, GError **error)
{
  g_autofree char *reference = zu_image_reference_to_string (self->reference);
  const ZuGuestLimit limits[] = { { RLIMIT_CORE, 0 } };
  const ZuDockerRequest request = {
    .plan = self->plan,
    .spec = self->spec,
    .image = self->image,
    .id = self->state->id,
    .state_root = zu_sandboxes_get_root (self->all),
    .state_path = self->state->path,
    .guest = self->guest,
    .run = self->owner ? zu_ownership_get_run (self->owner) : NULL,
    .reference = reference,
    .launcher_uid = geteuid (),
    .launcher_gid = getegid (),
  };

  self->config = zu_docker_config_new (&request, error);
  if (!self->config)
    return FALSE;
  self->go =
      zu_guest_encode_go (self->config->workdir, (const char *const *) self->config->environment,
                          limits, G_N_ELEMENTS (limits), error);
  return self->go != NULL;
}

static gint64
get_lifetime (const Launch *self)
{
  gint64 most = self->backend->max_lifetime;

  return self->plan->lifetime ? MIN (self->plan->lifetime, most) : most;
}

/* Which of its file systems were empty at the launch. */
static void
add_scratch (ZuJsonBuilder *builder, const Launch *self)
{
  zu_json_builder_set_member (builder, "scratch");
  zu_json_builder_begin_array (builder);
  zu_json_builder_add_string (builder, "/dev/shm");
  if (self->plan->read_only)
    {
      zu_json_builder_add_string (builder, "/tmp");
      zu_json_builder_add_string (builder, "/run");
    }
  if (self->config->owns_workdir)
    zu_json_builder_add_string (builder, self->config->workdir);
  zu_json_builder_end_array (builder);
}

/* What of the outside it shows. */
static void
add_mounts (ZuJsonBuilder *builder, const Launch *self)
{
  zu_json_builder_set_member (builder, "mounts");
  zu_json_builder_begin_object (builder);
  for (guint i = 0; i < self->config->mounts->len; i++)
    {
      const ZuFloorMount *mount = self->config->mounts->pdata[i];

      zu_json_builder_set_member (builder, mount->destination);
      zu_json_builder_add_string (builder, mount->source);
    }
  zu_json_builder_end_object (builder);
}

static ZuJson *
make_details (const Launch *self)
{
  const ZuDockerAddress *address = zu_docker_engine_get_address (self->engine);
  g_autoptr (ZuJsonBuilder) builder = zu_json_builder_new ();

  zu_json_builder_begin_object (builder);
  zu_json_builder_set_member (builder, "engine");
  zu_json_builder_add_string (builder, address->text);
  zu_json_builder_set_member (builder, "engine_socket");
  zu_json_builder_add_string (builder, address->socket_path ? address->socket_path : "");
  zu_json_builder_set_member (builder, "container");
  zu_json_builder_add_string (builder, self->state->id);
  zu_json_builder_set_member (builder, "read_only");
  zu_json_builder_add_boolean (builder, self->plan->read_only);
  add_scratch (builder, self);
  add_mounts (builder, self);
  zu_json_builder_end_object (builder);
  return zu_json_builder_end (builder, NULL);
}

/* All of it is known before there is a container, so the label can hold it. */
static ZuSandbox *
describe (const Launch *self)
{
  const ZuLaunchPlan *plan = self->plan;
  g_autoptr (GPtrArray) limits = g_ptr_array_new_with_free_func (g_object_unref);
  g_autoptr (GDateTime) now = g_date_time_new_now_utc ();
  g_autofree char *created = g_date_time_format (now, "%Y-%m-%dT%H:%M:%SZ");
  g_autoptr (ZuJson) details = make_details (self);
  const char *const weaker[] = { "the root file system is writable, as was asked for", NULL };

  g_ptr_array_add (limits, zu_limit_new ("memory", plan->memory, "engine"));
  g_ptr_array_add (limits, zu_limit_new ("pids", plan->pids, "engine"));
  g_ptr_array_add (limits, zu_limit_new ("lifetime", get_lifetime (self), "keeper"));
  if (plan->idle)
    g_ptr_array_add (limits, zu_limit_new ("idle", plan->idle, "keeper"));
  return g_object_new (ZU_TYPE_SANDBOX, "id", self->state->id, "backend", ZU_LOCAL_DOCKER_NAME,
                       "image", plan->image, "image-id", self->image->id, "network", plan->network,
                       "limits", limits, "weaker", plan->read_only ? NULL : weaker, "run",
                       self->owner ? zu_ownership_get_run (self->owner) : NULL, "owner-uid",
                       (gint64) geteuid (), "created", created, "details", details, NULL);
}

static gboolean
write_label (Launch *self, GError **error)
{
  g_autoptr (ZuJson) label = NULL;

  self->answer = describe (self);
  label = zu_label_new (self->answer, self->owner, NULL, error);
  return label && zu_state_write_label (self->state, label, error);
}

static gboolean
start_keeper (Launch *self, GCancellable *cancellable, GError **error)
{
  const ZuDockerAddress *address = zu_docker_engine_get_address (self->engine);
  const char *const argv[] = { address->socket_path ? address->socket_path : "", self->state->id,
                               NULL };
  ZuKeeperLaunch order = {
    .state = self->state,
    .owner_fd = self->owner_fd,
    .lifetime_ms = (guint64) get_lifetime (self) * 1000,
    .idle_ms = (guint64) self->plan->idle * 1000,
    .by_engine = TRUE,
    .inherit_fds = &self->listener,
    .n_inherit = 1,
    .argv = argv,
    .go = self->go,
  };

  if (zu_ownership_wants_event (self->owner)
      && !(self->epilogue = zu_keeper_find_program ("zu-epilogue", error)))
    return FALSE;
  order.epilogue = self->epilogue;
  self->link = zu_keeper_link_start (&order, cancellable, error);
  return self->link != NULL;
}

/* Not to be cancelled: an engine goes on with what it was asked for. */
static gboolean
create (Launch *self, GError **error)
{
  g_autofree char *path = g_strdup_printf ("/containers/create?name=%s", self->state->id);
  guint status;
  g_autoptr (ZuJson) answer =
      zu_docker_engine_call (self->engine, "POST", path, self->config->body, &status, NULL, error);

  if (!answer)
    return FALSE;
  if (status == 201)
    return TRUE;
  zu_docker_engine_set_refused (self->engine,
                                status == 404 ? ZU_SANDBOX_BACKEND_ERROR_IMAGE_MISSING
                                              : ZU_SANDBOX_BACKEND_ERROR_START_FAILED,
                                "does not make the container", status, answer, error);
  return FALSE;
}

/* What the engine has made is what was asked for, or it does not run. */
static gboolean
read_back (Launch *self, GCancellable *cancellable, GError **error)
{
  g_autofree char *path = g_strdup_printf ("/containers/%s/json", self->state->id);
  guint status;
  g_autoptr (ZuJson) answer =
      zu_docker_engine_call (self->engine, "GET", path, NULL, &status, cancellable, error);

  if (!answer)
    return FALSE;
  if (status == 200)
    return zu_floor_check_answer (&self->config->floor, answer, error);
  zu_docker_engine_set_refused (self->engine, ZU_SANDBOX_BACKEND_ERROR_START_FAILED,
                                "does not tell of the container", status, answer, error);
  return FALSE;
}

/* The host's name for an internal network that a sandbox may join; none other is isolated. */
static gboolean
check_network (Launch *self, GCancellable *cancellable, GError **error)
{
  g_autofree char *path = NULL;
  g_autoptr (ZuJson) answer = NULL;
  guint status;

  if (self->plan->network != ZU_NETWORK_MODE_ISOLATED)
    return TRUE;
  path = g_strdup_printf ("/networks/%s", self->plan->network_name);
  answer = zu_docker_engine_call (self->engine, "GET", path, NULL, &status, cancellable, error);
  if (!answer)
    return FALSE;
  if (status == 200 && zu_peek_member_boolean (answer, "Internal"))
    return TRUE;
  if (status == 200)
    g_set_error (error, REFUSED, "network '%s' is not internal, so it isolates nothing",
                 self->plan->network_name);
  else
    zu_docker_engine_set_refused (self->engine, ZU_SANDBOX_BACKEND_ERROR_INVALID_SPEC,
                                  "does not tell of the network", status, answer, error);
  return FALSE;
}

/* A volume with options may be any place of the host's. */
static gboolean
check_volume (Launch *self, GCancellable *cancellable, GError **error)
{
  const char *volume = zu_launch_spec_get_ca_volume (self->spec);
  g_autofree char *path = NULL, *driver = NULL;
  g_autoptr (ZuJson) answer = NULL, options = NULL;
  guint status;

  if (!volume)
    return TRUE;
  path = g_strdup_printf ("/volumes/%s", volume);
  answer = zu_docker_engine_call (self->engine, "GET", path, NULL, &status, cancellable, error);
  if (!answer)
    return FALSE;
  driver = zu_peek_member_text (answer, "Driver");
  options = zu_peek_member (answer, "Options");
  if (status == 200 && g_strcmp0 (driver, "local") == 0 && zu_peek_size (options) == 0)
    return TRUE;
  if (status == 200)
    g_set_error (error, REFUSED, "ca_volume '%s' is not a plain local volume", volume);
  else
    zu_docker_engine_set_refused (self->engine, ZU_SANDBOX_BACKEND_ERROR_INVALID_SPEC,
                                  "does not tell of the volume", status, answer, error);
  return FALSE;
}

static gboolean
start_container (Launch *self, GError **error)
{
  g_autofree char *path = g_strdup_printf ("/containers/%s/start", self->state->id);
  guint status;
  g_autoptr (ZuJson) answer =
      zu_docker_engine_call (self->engine, "POST", path, NULL, &status, NULL, error);

  if (!answer)
    return FALSE;
  if (status == 204 || status == 304)
    return TRUE;
  zu_docker_engine_set_refused (self->engine, ZU_SANDBOX_BACKEND_ERROR_START_FAILED,
                                "does not start the container", status, answer, error);
  return FALSE;
}

static gboolean
is_running (Launch *self, GError **error)
{
  g_autofree char *path = g_strdup_printf ("/containers/%s/json", self->state->id);
  guint status;
  g_autoptr (ZuJson) answer =
      zu_docker_engine_call (self->engine, "GET", path, NULL, &status, NULL, error);
  g_autoptr (ZuJson) state = answer ? zu_peek_member (answer, "State") : NULL;

  if (!answer)
    return FALSE;
  if (status == 200 && zu_peek_member_boolean (state, "Running"))
    return TRUE;
  g_set_error (error, FAILED,
               "the container ended before its guest spoke (does the image's machine match, and "
               "does the seccomp profile let it run?)");
  return FALSE;
}

/* What was judged is what the engine has found under its name; it looked for itself. */
static gboolean
check_mounts (Launch *self, GError **error)
{
  for (guint i = 0; i < self->plan->mounts->len; i++)
    {
      ZuMount *mount = self->plan->mounts->pdata[i];
      struct stat judged, now;

      if (fstat (mount->fd, &judged) == 0 && stat (mount->source, &now) == 0
          && judged.st_dev == now.st_dev && judged.st_ino == now.st_ino)
        continue;
      g_set_error (error, FAILED, "'%s' was exchanged while it was mounted", mount->source);
      return FALSE;
    }
  return TRUE;
}

static gboolean
await_guest (Launch *self, GCancellable *cancellable, GError **error)
{
  g_autoptr (ZuGuestChannel) channel = NULL;
  struct zu_wire_hello hello;

  while (!zu_keeper_link_has_spoken (self->link, LOOK_MS))
    if (g_cancellable_set_error_if_cancelled (cancellable, error) || !is_running (self, error))
      return FALSE;
  if (!zu_keeper_link_await_ready (self->link, &hello, &channel, cancellable, error))
    return FALSE;
  self->is_ready = TRUE;
  if (!zu_floor_check_guest (&self->config->floor, &hello, error) || !check_mounts (self, error))
    return FALSE;
  zu_sandboxes_add (self->all, self->state->id, self->link, channel);
  return TRUE;
}

/* The spec's command, if it has one, as the first process; nobody waits for it. */
static gboolean
run_command (Launch *self, GCancellable *cancellable, GError **error)
{
  const int nothing[3] = { -1, -1, -1 };
  g_autoptr (ZuProcessSpec) process = NULL;
  g_autofree char *id = NULL;

  if (!self->plan->command || !*self->plan->command)
    return TRUE;
  process = zu_process_spec_new ((const char *const *) self->plan->command);
  id = zu_sandboxes_spawn (self->all, self->state->id, process, nothing, cancellable, error);
  return id != NULL;
}

static gboolean
start (Launch *self, GCancellable *cancellable, GError **error)
{
  return make_files (self, error) && configure (self, error) && write_label (self, error)
         && check_network (self, cancellable, error) && check_volume (self, cancellable, error)
         && start_keeper (self, cancellable, error) && create (self, error)
         && read_back (self, cancellable, error)
         && !g_cancellable_set_error_if_cancelled (cancellable, error)
         && start_container (self, error) && await_guest (self, cancellable, error)
         && run_command (self, cancellable, error);
}

/* The keeper removes what there is; where there is none yet, nothing but the folder is. */
static void
undo (Launch *self)
{
  if (self->is_ready)
    zu_sandboxes_destroy (self->all, self->state->id, NULL, NULL);
  else if (self->link)
    zu_keeper_link_abandon (self->link);
  zu_state_remove (self->state);
}

static void
explain (GError *failure, GError **error)
{
  if (failure->domain != ZU_SANDBOX_BACKEND_ERROR
      && !g_error_matches (failure, G_IO_ERROR, G_IO_ERROR_CANCELLED))
    {
      failure->domain = ZU_SANDBOX_BACKEND_ERROR;
      failure->code = ZU_SANDBOX_BACKEND_ERROR_START_FAILED;
    }
  g_propagate_error (error, failure);
}

ZuSandbox *
zu_local_docker_launch (ZuSandboxBackend *backend, ZuLaunchSpec *spec, ZuOwnership *owner,
                        GCancellable *cancellable, GError **error)
{
  g_auto (Launch) self = { .backend = ZU_LOCAL_DOCKER (backend),
                           .spec = spec,
                           .owner = owner,
                           .listener = -1,
                           .owner_fd = -1 };
  GError *failure = NULL;

  self.all = zu_local_docker_ref_sandboxes (self.backend, error);
  if (!self.all || !judge (&self, error) || !find_image (&self, cancellable, error)
      || !(self.guest = zu_keeper_find_program ("zu-guest", error))
      || !zu_ownership_open_process (owner, &self.owner_fd, error)
      || !(self.state = zu_state_create (zu_sandboxes_get_root (self.all), error)))
    return NULL;
  zu_sandboxes_begin (self.all, ZU_LOCAL_DOCKER_NAME);
  if (start (&self, cancellable, &failure))
    return g_steal_pointer (&self.answer);
  undo (&self);
  explain (failure, error);
  return NULL;
}
