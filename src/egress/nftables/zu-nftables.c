/* SPDX-License-Identifier: Apache-2.0 */

#include "zu-nftables.h"

#include "zu-egress-settings.h"
#include "zu-nft-rules.h"
#include "zu-nft-run.h"
#include "zu-nft-target.h"

/**
 * ZuNftables:
 *
 * An enforcement by the kernel's packet filter, in the sandbox's own network namespace: one table a
 * policy, put there in one transaction. The rules of the host are not touched.
 *
 * It may be used from any thread, and has no state.
 */
struct _ZuNftables
{
  GObject parent_instance;
};

static void zu_nftables_iface_init (ZuEgressEnforcementInterface *iface);

G_DEFINE_FINAL_TYPE_WITH_CODE (ZuNftables, zu_nftables, G_TYPE_OBJECT,
                               G_IMPLEMENT_INTERFACE (ZU_TYPE_EGRESS_ENFORCEMENT,
                                                      zu_nftables_iface_init))

static GStrv
list_table (const ZuNftTarget *target, const char *const *lines, GError **error)
{
  g_autofree char *command = g_strdup_printf ("list table inet %s", target->table);
  g_autofree char *listing = zu_nft_run (target->fd, command, error);
  GStrv in_force;

  if (listing == NULL)
    return NULL;
  in_force = zu_nft_rules_read_back (lines, listing);
  if (in_force == NULL)
    g_set_error (error, ZU_EGRESS_ENFORCEMENT_ERROR, ZU_EGRESS_ENFORCEMENT_ERROR_FAILED,
                 "nftables: table %s is not what was put there", target->table);
  return in_force;
}

static gboolean
delete_table (const ZuNftTarget *target, GError **error)
{
  /* Added first, so that one that is gone is no error. */
  g_autofree char *command =
      g_strdup_printf ("add table inet %s\ndelete table inet %s\n", target->table, target->table);
  g_autofree char *output = zu_nft_run (target->fd, command, error);

  return output != NULL;
}

static ZuEnforcement *
new_enforcement (const ZuNftTarget *target, ZuEgressPolicy *policy, GStrv in_force, GError **error)
{
  g_autoptr (ZuJson) settings = zu_egress_settings_new (policy, error);
  g_autofree char *id = zu_nft_target_make_id (target);

  if (settings == NULL)
    return NULL;
  return g_object_new (ZU_TYPE_ENFORCEMENT, "id", id, "mechanism", "nftables", "settings", settings,
                       "in-force", in_force, NULL);
}

static ZuEnforcement *
zu_nftables_apply (ZuEgressEnforcement *enforcement, const char *target_text,
                   ZuEgressPolicy *policy, GCancellable *cancellable, GError **error)
{
  g_auto (GStrv) lines = zu_nft_rules_new (policy, error);
  g_auto (ZuNftTarget) target = { .fd = -1 };
  g_auto (GStrv) in_force = NULL;
  g_autofree char *text = NULL;
  g_autofree char *output = NULL;

  if (lines == NULL
      || !zu_nft_target_open (&target, target_text, (const char *const *) lines, error))
    return NULL;
  text = zu_nft_rules_make_table (target.table, (const char *const *) lines);
  output = zu_nft_run (target.fd, text, error);
  if (output == NULL)
    return NULL;
  in_force = list_table (&target, (const char *const *) lines, error);
  if (in_force != NULL)
    return new_enforcement (&target, policy, in_force, error);
  delete_table (&target, NULL);
  return NULL;
}

static gboolean
zu_nftables_revoke (ZuEgressEnforcement *enforcement, const char *id, GCancellable *cancellable,
                    GError **error)
{
  g_auto (ZuNftTarget) target = { .fd = -1 };

  if (!zu_nft_target_open_id (&target, id, error))
    return FALSE;
  return target.fd < 0 || delete_table (&target, error);
}

static char *
zu_nftables_locate (ZuEgressEnforcement *enforcement, const char *target_text,
                    ZuEgressPolicy *policy, GCancellable *cancellable, GError **error)
{
  g_auto (GStrv) lines = zu_nft_rules_new (policy, error);
  g_auto (ZuNftTarget) target = { .fd = -1 };

  if (lines == NULL
      || !zu_nft_target_open (&target, target_text, (const char *const *) lines, error))
    return NULL;
  return zu_nft_target_make_id (&target);
}

/* What is in force now, with what was counted. */
static ZuEnforcement *
zu_nftables_inspect (ZuEgressEnforcement *enforcement, const char *target_text,
                     ZuEgressPolicy *policy, GCancellable *cancellable, GError **error)
{
  g_auto (GStrv) lines = zu_nft_rules_new (policy, error);
  g_auto (ZuNftTarget) target = { .fd = -1 };
  g_auto (GStrv) in_force = NULL;

  if (lines == NULL
      || !zu_nft_target_open (&target, target_text, (const char *const *) lines, error))
    return NULL;
  in_force = list_table (&target, (const char *const *) lines, error);
  return in_force != NULL ? new_enforcement (&target, policy, in_force, error) : NULL;
}

static void
zu_nftables_iface_init (ZuEgressEnforcementInterface *iface)
{
  iface->apply = zu_nftables_apply;
  iface->revoke = zu_nftables_revoke;
  iface->locate = zu_nftables_locate;
  iface->inspect = zu_nftables_inspect;
}

static void
zu_nftables_class_init (ZuNftablesClass *klass)
{
}

static void
zu_nftables_init (ZuNftables *self)
{
}
