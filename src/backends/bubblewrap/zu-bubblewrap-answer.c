/* SPDX-License-Identifier: Apache-2.0 */
#include "zu-bubblewrap-private.h"
#include "zu-label.h"
#include <unistd.h>

typedef ZuBubblewrapLaunch Launch;

/* In seconds. */
gint64
zu_bubblewrap_get_lifetime (ZuBubblewrap *self, const ZuLaunchPlan *plan)
{
  return plan->lifetime ? MIN (plan->lifetime, self->max_lifetime) : self->max_lifetime;
}

static GPtrArray *
list_limits (ZuBubblewrap *self, const Launch *launch)
{
  GPtrArray *limits = g_ptr_array_new_with_free_func (g_object_unref);
  const ZuLaunchPlan *plan = launch->plan;

  g_ptr_array_add (limits,
                   g_object_new (ZU_TYPE_LIMIT, "name", "memory", "value", plan->memory,
                                 "enforced-by", launch->memory_by_cgroup ? "cgroup" : "rlimit",
                                 "degraded", launch->degraded, NULL));
  g_ptr_array_add (limits, zu_limit_new ("pids", plan->pids,
                                         launch->cgroup->holds_pids ? "cgroup" : "rlimit"));
  g_ptr_array_add (limits,
                   zu_limit_new ("lifetime", zu_bubblewrap_get_lifetime (self, plan), "keeper"));
  if (plan->idle)
    g_ptr_array_add (limits, zu_limit_new ("idle", plan->idle, "keeper"));
  return limits;
}

static void
add_mounts (ZuJsonBuilder *builder, const ZuLaunchPlan *plan)
{
  zu_json_builder_set_member (builder, "mounts");
  zu_json_builder_begin_object (builder);
  for (guint i = 0; i < plan->mounts->len; i++)
    {
      const ZuMount *mount = plan->mounts->pdata[i];

      zu_json_builder_set_member (builder, mount->destination);
      zu_json_builder_add_string (builder, mount->source);
    }
  zu_json_builder_end_object (builder);
}

/* What the caller's profile names and this machine has not. */
static void
add_unknown (ZuJsonBuilder *builder, const ZuSeccompProfile *profile)
{
  zu_json_builder_set_member (builder, "seccomp_unknown");
  zu_json_builder_begin_array (builder);
  for (guint i = 0; i < profile->unknown->len; i++)
    zu_json_builder_add_string (builder, profile->unknown->pdata[i]);
  zu_json_builder_end_array (builder);
}

/* Which of its file systems were empty at the launch, and what of the host it shows. */
static ZuJson *
make_details (const Launch *launch, GError **error)
{
  static const char *const scratch[] = { "/tmp", "/run", "/dev/shm" };
  g_autoptr (ZuJsonBuilder) builder = zu_json_builder_new ();

  zu_json_builder_begin_object (builder);
  zu_json_builder_set_member (builder, "read_only");
  zu_json_builder_add_boolean (builder, launch->plan->read_only);
  zu_json_builder_set_member (builder, "scratch");
  zu_json_builder_begin_array (builder);
  for (guint i = 0; i < G_N_ELEMENTS (scratch); i++)
    zu_json_builder_add_string (builder, scratch[i]);
  if (launch->owns_workdir)
    zu_json_builder_add_string (builder, launch->workdir);
  zu_json_builder_end_array (builder);
  add_mounts (builder, launch->plan);
  if (launch->profile)
    add_unknown (builder, launch->profile);
  zu_json_builder_end_object (builder);
  return zu_json_builder_end (builder, error);
}

/* All of it is known before there is a sandbox, so the label can hold it. */
static ZuSandbox *
describe (ZuBubblewrap *self, const Launch *launch, ZuJson *details)
{
  g_autoptr (GPtrArray) limits = list_limits (self, launch);
  g_autoptr (GDateTime) now = g_date_time_new_now_utc ();
  g_autofree char *created = g_date_time_format (now, "%Y-%m-%dT%H:%M:%SZ");
  const char *const weaker[] = {
    "memory is limited for each process and not for the sandbox: no memory control group may be "
    "made here",
    NULL,
  };

  return g_object_new (ZU_TYPE_SANDBOX, "id", launch->state->id, "backend", ZU_BUBBLEWRAP_NAME,
                       "image", launch->plan->image, "network", ZU_NETWORK_MODE_NONE, "limits",
                       limits, "weaker", launch->degraded ? weaker : NULL, "run",
                       launch->owner ? zu_ownership_get_run (launch->owner) : NULL, "owner-uid",
                       (gint64) geteuid (), "created", created, "details", details, NULL);
}

gboolean
zu_bubblewrap_write_label (ZuBubblewrap *self, Launch *launch, GError **error)
{
  g_autoptr (ZuJson) details = make_details (launch, error), label = NULL;

  if (!details)
    return FALSE;
  launch->answer = describe (self, launch, details);
  label = zu_label_new (launch->answer, launch->owner,
                        (const char *const *) launch->cgroup->paths->pdata, error);
  return label && zu_state_write_label (launch->state, label, error);
}
