/* SPDX-License-Identifier: Apache-2.0 */
#include "zu-scripted-box.h"
#include "zu-label.h"
#include "zu-socket.h"
#include <unistd.h>

void
zu_scripted_box_free (ZuScriptedBox *self)
{
  g_clear_object (&self->sandbox);
  g_clear_pointer (&self->plan, zu_launch_plan_free);
  g_clear_pointer (&self->files, g_hash_table_unref);
  zu_clear_fd (&self->owner_fd);
  g_free (self);
}

/* Nothing runs, so memory and processes have nothing that holds them; the answer says so. */
static GPtrArray *
list_limits (const ZuLaunchPlan *plan, gint64 lifetime)
{
  GPtrArray *limits = g_ptr_array_new_with_free_func (g_object_unref);

  g_ptr_array_add (limits, g_object_new (ZU_TYPE_LIMIT, "name", "memory", "value", plan->memory,
                                         "enforced-by", "script", "degraded", TRUE, NULL));
  g_ptr_array_add (limits, g_object_new (ZU_TYPE_LIMIT, "name", "pids", "value", plan->pids,
                                         "enforced-by", "script", "degraded", TRUE, NULL));
  g_ptr_array_add (limits, zu_limit_new ("lifetime", lifetime, "script"));
  return limits;
}

static ZuSandbox *
describe (const ZuLaunchPlan *plan, ZuOwnership *owner, const char *id, gint64 lifetime)
{
  const char *const weaker[] = { "nothing runs here: what the script says is said", NULL };
  g_autoptr (GPtrArray) limits = list_limits (plan, lifetime);
  g_autoptr (GDateTime) now = g_date_time_new_now_utc ();
  g_autofree char *created = g_date_time_format (now, "%Y-%m-%dT%H:%M:%SZ");

  return g_object_new (ZU_TYPE_SANDBOX, "id", id, "backend", "scripted", "image", plan->image,
                       "network", plan->network, "limits", limits, "weaker", weaker, "run",
                       owner ? zu_ownership_get_run (owner) : NULL, "owner-uid",
                       (gint64) geteuid (), "created", created, NULL);
}

static void
add_folder (ZuScriptedBox *self, const char *path)
{
  g_hash_table_replace (self->files, g_strdup (path), zu_scripted_file_new (NULL, 0755));
}

static void
add_folders (ZuScriptedBox *self)
{
  static const char *const folders[] = { "/", "/etc", "/tmp", "/run", "/work" };

  for (guint i = 0; i < G_N_ELEMENTS (folders); i++)
    add_folder (self, folders[i]);
  if (self->plan->workdir)
    add_folder (self, self->plan->workdir);
  for (guint i = 0; i < self->plan->mounts->len; i++)
    add_folder (self, ((ZuMount *) self->plan->mounts->pdata[i])->destination);
}

/* Takes @plan. */
ZuScriptedBox *
zu_scripted_box_new (ZuLaunchPlan *plan, ZuOwnership *owner, const char *id, gint64 max_lifetime,
                     GError **error)
{
  g_autoptr (ZuScriptedBox) self = g_new0 (ZuScriptedBox, 1);
  gint64 lifetime = plan->lifetime ? MIN (plan->lifetime, max_lifetime) : max_lifetime;

  self->plan = plan;
  self->owner_fd = -1;
  if (!zu_ownership_check (owner, error)
      || !zu_ownership_open_process (owner, &self->owner_fd, error))
    return NULL;
  self->sandbox = describe (plan, owner, id, lifetime);
  self->until = g_get_monotonic_time () + lifetime * G_TIME_SPAN_SECOND;
  self->files = g_hash_table_new_full (g_str_hash, g_str_equal, g_free,
                                       (GDestroyNotify) zu_scripted_file_free);
  add_folders (self);
  return g_steal_pointer (&self);
}

/* Whether its lifetime is over, or its owner is gone. */
gboolean
zu_scripted_box_is_over (const ZuScriptedBox *self)
{
  GPollFD poll = { self->owner_fd, G_IO_IN, 0 };

  return g_get_monotonic_time () >= self->until
         || (self->owner_fd >= 0 && g_poll (&poll, 1, 0) > 0);
}
