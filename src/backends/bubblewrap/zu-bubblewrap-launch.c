/* SPDX-License-Identifier: Apache-2.0 */

/* From a spec to a sandbox whose guest waits for its first exec. */

#include "zu-bubblewrap-private.h"
#include "zu-cgroup.h"
#include "zu-image-reference.h"
#include "zu-label.h"
#include "zu-socket.h"
#include <fcntl.h>
#include <sys/resource.h>
#include <unistd.h>

#define REFUSED ZU_SANDBOX_BACKEND_ERROR, ZU_SANDBOX_BACKEND_ERROR_INVALID_SPEC

typedef ZuBubblewrapLaunch Launch;

/* Whom root's sandboxes run as, on the host. */
#define NOBODY 65534

/* Processes that are the sandbox's own: bubblewrap, the guest, and its supervisors that wait. */
#define OWN_PROCESSES 8

static void
launch_clear (Launch *self)
{
  g_clear_pointer (&self->plan, zu_launch_plan_free);
  g_clear_pointer (&self->state, zu_state_free);
  g_clear_pointer (&self->cgroup, zu_cgroup_free);
  g_clear_pointer (&self->go, g_bytes_unref);
  if (self->inherit)
    zu_close_fds ((int *) self->inherit->data, self->inherit->len);
  g_clear_pointer (&self->inherit, g_array_unref);
  g_clear_object (&self->answer);
  zu_clear_fd (&self->owner_fd);
  g_clear_pointer (&self->profile, zu_seccomp_profile_free);
  g_clear_pointer (&self->image, zu_bwrap_image_free);
  zu_close_fds (self->filters, 2);
  g_free (self->program);
  g_free (self->workdir);
  g_free (self->epilogue);
}

G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC (Launch, launch_clear)

static gboolean
refuse_option (const char *key, const char *why, GError **error)
{
  g_set_error (error, REFUSED, "bubblewrap does not do %s: %s", key, why);
  return FALSE;
}

/* What other backends can and this one cannot; never passed over in silence. */
static gboolean
check_backend (const ZuLaunchPlan *plan, ZuLaunchSpec *spec, GError **error)
{
  const char *const *capabilities = zu_launch_spec_get_cap_add (spec);
  const char *const *option = zu_launch_spec_get_security_opt (spec);

  if (plan->network != ZU_NETWORK_MODE_NONE)
    return refuse_option ("a network", "leave network out", error);
  if (capabilities && *capabilities)
    return refuse_option ("cap_add", "its sandboxes have no capabilities", error);
  if (zu_launch_spec_get_ca_volume (spec) || zu_launch_spec_get_ca_volume_mount (spec))
    return refuse_option ("ca_volume", "it has no volumes (use ca_cert)", error);
  for (; option && *option; option++)
    if (!g_str_has_prefix (*option, "no-new-privileges"))
      return refuse_option ("security_opt", *option, error);
  return TRUE;
}

/* A folder of this machine's is an image of this machine's, and nothing says that it is what it
 * was.
 */
static gboolean
check_image (const ZuLaunchPlan *plan, ZuLaunchSpec *spec, GError **error)
{
  g_autoptr (ZuImagePolicy) policy =
      zu_image_policy_new (zu_launch_spec_get_image_allowlist (spec), NULL,
                           zu_launch_spec_get_require_digest (spec));
  const ZuImageReference here = { plan->image, (char *) "localhost", plan->image, NULL, NULL };

  if (policy->require_digest)
    g_set_error (error, REFUSED, "image '%s' is a folder, which no digest pins", plan->image);
  else if (!plan->read_only)
    return refuse_option ("read_only false with an image",
                          "it shows images read-only (mount a folder with mode rw)", error);
  else
    return zu_image_policy_check (policy, &here, error);
  return FALSE;
}

static gboolean
open_image (Launch *launch, ZuLaunchSpec *spec, const char *state_root, GError **error)
{
  if (!launch->plan->image)
    return TRUE;
  if (check_image (launch->plan, spec, error))
    launch->image = zu_bwrap_image_open (launch->plan->image, state_root, error);
  return launch->image != NULL;
}

static gboolean
probe (ZuBubblewrap *self, Launch *launch, GError **error)
{
  g_autoptr (ZuBwrapSwitches) switches = zu_bwrap_switches_new (self->program);
  g_autofree char *obstacle = zu_bwrap_dup_obstacle (switches);

  launch->program = g_strdup (switches->program);
  if (!obstacle)
    return TRUE;
  g_set_error_literal (error, ZU_SANDBOX_BACKEND_ERROR, ZU_SANDBOX_BACKEND_ERROR_UNAVAILABLE,
                       obstacle);
  return FALSE;
}

static gboolean
make_filters (const ZuSeccompProfile *profile, int filters[2], GError **error)
{
  filters[0] = zu_seccomp_make_filter (profile, error);
  if (filters[0] >= 0)
    filters[1] = zu_seccomp_make_refused (profile, error);
  return filters[0] >= 0 && filters[1] >= 0;
}

/* Our own profile's filters are made once: they take two milliseconds. */
static gboolean
prepare (ZuBubblewrap *self, Launch *launch, GError **error)
{
  g_autoptr (GMutexLocker) locker = g_mutex_locker_new (&self->lock);
  ZuSeccompHost host;

  zu_seccomp_host_init (&host, NULL);
  if (!self->view)
    self->view = zu_bwrap_view_new ();
  if (!self->profile && !(self->profile = zu_seccomp_profile_load (NULL, &host, error)))
    return FALSE;
  if (self->filters[1] < 0 && !make_filters (self->profile, self->filters, error))
    return FALSE;
  if (!launch->plan->seccomp)
    return TRUE;
  launch->profile = zu_seccomp_profile_load (launch->plan->seccomp, &host, error);
  return launch->profile && make_filters (launch->profile, launch->filters, error);
}

/* What an image has there is shown, and not hidden by a tmpfs. */
static gboolean
choose_workdir (Launch *launch, GError **error)
{
  launch->workdir = g_strdup (launch->plan->workdir ? launch->plan->workdir : ZU_BWRAP_WORKDIR);
  launch->owns_workdir = zu_bwrap_owns_workdir (launch->plan, launch->workdir)
                         && !(launch->image && zu_bwrap_image_has (launch->image, launch->workdir));
  return !launch->image
         || zu_bwrap_image_check (launch->image, launch->plan, launch->workdir,
                                  launch->owns_workdir, error);
}

/* Root's sandboxes really are somebody else's processes; everybody else's are their own. */
static void
choose_identity (Launch *launch)
{
  launch->drops = geteuid () == 0;
  launch->uid = launch->drops ? NOBODY : geteuid ();
  launch->gid = launch->drops ? NOBODY : getegid ();
  if (launch->plan->uid >= 0)
    {
      launch->uid = (guint32) launch->plan->uid;
      launch->gid = (guint32) launch->plan->gid;
    }
}

/* Control groups hold the whole sandbox; without them a limit holds each process, except for the
 * number of processes, which the kernel counts for a user namespace. */
static gboolean
set_limits (Launch *launch, GError **error)
{
  ZuLaunchPlan *plan = launch->plan;

  launch->cgroup = zu_cgroup_create (launch->state->id, plan->memory, plan->pids + OWN_PROCESSES);
  launch->memory_by_cgroup = launch->cgroup->holds_memory;
  launch->degraded = !launch->memory_by_cgroup;
  if (!launch->degraded || !plan->memory_asked || plan->best_effort)
    return TRUE;
  g_set_error_literal (error, ZU_SANDBOX_BACKEND_ERROR, ZU_SANDBOX_BACKEND_ERROR_LIMIT,
                       "mem_limit can only be enforced for each process here, not for the whole "
                       "sandbox: no memory control group may be made (allow best_effort, or run "
                       "as root)");
  return FALSE;
}

static GStrv
make_environment (Launch *launch)
{
  GStrv environment = g_strdupv (launch->plan->environment);

  environment =
      g_environ_setenv (environment, "PATH",
                        "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin", FALSE);
  environment = g_environ_setenv (environment, "HOME",
                                  launch->owns_workdir ? launch->workdir : "/tmp", FALSE);
  return g_environ_setenv (environment, "LANG", "C.UTF-8", FALSE);
}

static gboolean
encode_go (Launch *launch, GError **error)
{
  g_auto (GStrv) environment = make_environment (launch);
  ZuGuestLimit limits[4] = { { RLIMIT_CORE, 0 },
                             { RLIMIT_NPROC, (guint64) launch->plan->pids + OWN_PROCESSES },
                             { RLIMIT_DATA, (guint64) launch->plan->memory } };

  launch->go = zu_guest_encode_go (launch->workdir, (const char *const *) environment, limits,
                                   launch->memory_by_cgroup ? 2 : 3, error);
  return launch->go != NULL;
}

/* Root's mounts go to the keeper, to be mapped; the image comes last. */
static GArray *
collect_mounts (Launch *launch)
{
  GArray *fds = g_array_new (FALSE, FALSE, sizeof (int));

  for (guint i = 0; launch->drops && i < launch->plan->mounts->len; i++)
    g_array_append_val (fds, ((ZuMount *) launch->plan->mounts->pdata[i])->fd);
  if (launch->drops && launch->image)
    g_array_append_val (fds, launch->image->fd);
  return fds;
}

static ZuKeeperLink *
start_keeper (ZuBubblewrap *self, Launch *launch, struct zu_wire_hello *hello,
              ZuGuestChannel **channel, GCancellable *cancellable, GError **error)
{
  g_autofree char *staged = g_strdup_printf (ZU_KEEPER_STAGE "/%u", launch->plan->mounts->len);
  const ZuBwrapRequest request = {
    .program = launch->program,
    .plan = launch->plan,
    .view = launch->image ? launch->image->view : self->view,
    .workdir = launch->workdir,
    .owns_workdir = launch->owns_workdir,
    .image = !launch->image  ? NULL
             : launch->drops ? staged
                             : launch->image->path,
    .uid = launch->uid,
    .gid = launch->gid,
    .staged = launch->drops,
    .first_mount = launch->first_mount,
    .fds = launch->fds,
  };
  g_auto (GStrv) argv = zu_bwrap_build_argv (&request);
  g_autoptr (GArray) mounts = collect_mounts (launch);
  const ZuKeeperLaunch order = {
    .state = launch->state,
    .owner_fd = launch->owner_fd,
    .lifetime_ms = (guint64) zu_bubblewrap_get_lifetime (self, launch->plan) * 1000,
    .idle_ms = (guint64) launch->plan->idle * 1000,
    .epilogue = launch->epilogue,
    .drops = launch->drops,
    .uid = NOBODY,
    .gid = NOBODY,
    .cgroup_paths = (const char *const *) launch->cgroup->paths->pdata,
    .cgroup_fds = (const int *) launch->cgroup->fds->data,
    .mount_fds = (const int *) mounts->data,
    .n_mounts = mounts->len,
    .inherit_fds = (const int *) launch->inherit->data,
    .n_inherit = launch->inherit->len,
    .argv = (const char *const *) argv,
    .go = launch->go,
  };

  return zu_keeper_link_launch (&order, hello, channel, cancellable, error);
}

/* The floor as the guest has found it from inside, before anything else has run there. */
static gboolean
check_floor (const Launch *launch, const struct zu_wire_hello *hello, GError **error)
{
  const char *missing = NULL;

  if (hello->pid != 1)
    missing = "process 1 is not the guest";
  else if (hello->cap_effective || hello->cap_bounding)
    missing = "it has capabilities";
  else if (!hello->no_new_privs)
    missing = "privileges can be gained";
  else if (hello->seccomp != 2)
    missing = "there is no seccomp filter";
  else if (hello->uid != launch->uid || hello->gid != launch->gid)
    missing = "it is not the user that was chosen";
  if (!missing)
    return TRUE;
  g_set_error (error, ZU_SANDBOX_BACKEND_ERROR, ZU_SANDBOX_BACKEND_ERROR_START_FAILED,
               "the hardening floor does not hold: %s", missing);
  return FALSE;
}

/* In the port's words, with what is likely behind bubblewrap's. */
static void
explain (ZuBubblewrap *self, GError *failure, GError **error)
{
  g_autoptr (ZuBwrapSwitches) switches = zu_bwrap_switches_new (self->program);
  g_autofree char *hint = zu_bwrap_dup_hint (switches, failure->message);

  if (failure->domain == ZU_SANDBOX_BACKEND_ERROR
      || g_error_matches (failure, G_IO_ERROR, G_IO_ERROR_CANCELLED))
    g_propagate_error (error, g_error_copy (failure));
  else if (hint)
    g_set_error (error, ZU_SANDBOX_BACKEND_ERROR, ZU_SANDBOX_BACKEND_ERROR_UNAVAILABLE, "%s: %s",
                 hint, failure->message);
  else
    g_set_error_literal (error, ZU_SANDBOX_BACKEND_ERROR, ZU_SANDBOX_BACKEND_ERROR_START_FAILED,
                         failure->message);
}

/* Whatever had begun; a keeper that had got far is told, one that had not notices by itself. */
static void
undo (ZuSandboxes *all, Launch *launch)
{
  zu_sandboxes_destroy (all, launch->state->id, NULL, NULL);
  zu_state_remove (launch->state);
  if (launch->cgroup)
    zu_cgroup_remove (launch->cgroup);
}

/* The spec's command, if it has one, as the first process; nobody waits for it. */
static gboolean
run_command (ZuSandboxes *all, const Launch *launch, GCancellable *cancellable, GError **error)
{
  const int nothing[3] = { -1, -1, -1 };
  g_autoptr (ZuProcessSpec) process = NULL;
  g_autofree char *id = NULL;

  if (!launch->plan->command || !*launch->plan->command)
    return TRUE;
  process = zu_process_spec_new ((const char *const *) launch->plan->command);
  id = zu_sandboxes_spawn (all, launch->state->id, process, nothing, cancellable, error);
  return id != NULL;
}

static gboolean
find_epilogue (Launch *launch, GError **error)
{
  if (!zu_ownership_wants_event (launch->owner))
    return TRUE;
  launch->epilogue = zu_keeper_find_program ("zu-epilogue", error);
  return launch->epilogue != NULL;
}

static gboolean
start (ZuBubblewrap *self, ZuSandboxes *all, Launch *launch, GCancellable *cancellable,
       GError **error)
{
  g_autoptr (ZuKeeperLink) link = NULL;
  g_autoptr (ZuGuestChannel) channel = NULL;
  struct zu_wire_hello hello;

  if (!set_limits (launch, error) || !zu_bubblewrap_pass_files (self, launch, error)
      || !encode_go (launch, error) || !zu_bubblewrap_write_label (self, launch, error)
      || !find_epilogue (launch, error))
    return FALSE;
  link = start_keeper (self, launch, &hello, &channel, cancellable, error);
  if (!link || !check_floor (launch, &hello, error))
    return FALSE;
  zu_sandboxes_add (all, launch->state->id, link, channel);
  return run_command (all, launch, cancellable, error);
}

ZuSandbox *
zu_bubblewrap_launch (ZuSandboxBackend *backend, ZuLaunchSpec *spec, ZuOwnership *owner,
                      GCancellable *cancellable, GError **error)
{
  ZuBubblewrap *self = ZU_BUBBLEWRAP (backend);
  g_autoptr (ZuSandboxes) all = zu_bubblewrap_ref_sandboxes (self, error);
  g_autoptr (GError) failure = NULL;
  g_auto (Launch) launch = { .owner = owner, .owner_fd = -1, .filters = { -1, -1 } };

  if (!all || !zu_ownership_check (owner, error)
      || !(launch.plan = zu_launch_plan_new (spec, zu_sandboxes_get_root (all), error))
      || !check_backend (launch.plan, spec, error)
      || !open_image (&launch, spec, zu_sandboxes_get_root (all), error)
      || !choose_workdir (&launch, error) || !probe (self, &launch, error)
      || !prepare (self, &launch, error)
      || !zu_ownership_open_process (owner, &launch.owner_fd, error))
    return NULL;
  zu_sandboxes_begin (all, ZU_BUBBLEWRAP_NAME);
  choose_identity (&launch);
  launch.state = zu_state_create (zu_sandboxes_get_root (all), error);
  if (!launch.state)
    return NULL;
  if (start (self, all, &launch, cancellable, &failure))
    return g_steal_pointer (&launch.answer);
  undo (all, &launch);
  explain (self, failure, error);
  return NULL;
}
