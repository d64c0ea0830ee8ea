/* SPDX-License-Identifier: Apache-2.0 */

#include "zu-docker-internal-net.h"

#include "zu-egress-settings.h"
#include "zu-engine-netns.h"
#include "zu-internal-rules.h"
#include "zu-peek.h"
#include "zu-process-mark.h"
#include "zu-socket.h"

#include <string.h>

#define NAME "docker-internal-net"

/* Seconds. Making a network takes a fraction of one. */
#define TIMEOUT 60

enum
{
  PROP_HOST = 1,
  N_PROPS
};

static GParamSpec *props[N_PROPS];

/**
 * ZuDockerInternalNet:
 *
 * An enforcement by a network of a container engine that leads nowhere: one network a target, whose
 * gateway is closed but for the proxy's port. The rules for that are one table in the engine's
 * network namespace; nobody else's are touched.
 *
 * It may be used from any thread.
 */
struct _ZuDockerInternalNet
{
  GObject parent_instance;
  char *host;

  GMutex lock; /* for what follows, which is made at the first use */
  ZuDockerEngine *engine;
};

static void zu_docker_internal_net_iface_init (ZuEgressEnforcementInterface *iface);

G_DEFINE_FINAL_TYPE_WITH_CODE (ZuDockerInternalNet, zu_docker_internal_net, G_TYPE_OBJECT,
                               G_IMPLEMENT_INTERFACE (ZU_TYPE_EGRESS_ENFORCEMENT,
                                                      zu_docker_internal_net_iface_init))

/* The engine, which is not spoken to yet. */
static ZuDockerEngine *
ref_engine (ZuEgressEnforcement *enforcement, GError **error)
{
  ZuDockerInternalNet *self = ZU_DOCKER_INTERNAL_NET (enforcement);
  g_autoptr (GMutexLocker) locker = g_mutex_locker_new (&self->lock);
  ZuDockerAddress *address;

  if (self->engine == NULL)
    {
      address = zu_docker_address_new (self->host, error);
      self->engine = address != NULL ? zu_docker_engine_new (address, TIMEOUT, error) : NULL;
    }
  return self->engine != NULL ? zu_docker_engine_ref (self->engine) : NULL;
}

/* The network at hand and where its bridge is. */
typedef struct
{
  ZuDockerEngine *engine;
  ZuInternalNetwork *network;
  char *table;
  int netns;
  gboolean is_new;
} Place;

static void
place_clear (Place *self)
{
  g_clear_pointer (&self->engine, zu_docker_engine_unref);
  g_clear_pointer (&self->network, zu_internal_network_free);
  g_clear_pointer (&self->table, g_free);
  zu_clear_fd (&self->netns);
}

G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC (Place, place_clear)

/* The network is NULL where there is none. */
static gboolean
place_open (Place *self, ZuEgressEnforcement *enforcement, const char *target,
            GCancellable *cancellable, GError **error)
{
  g_autoptr (GError) why = NULL;

  if (!zu_internal_network_check_name (target, error))
    return FALSE;
  self->table = zu_internal_rules_make_table_name (target);
  self->engine = ref_engine (enforcement, error);
  if (self->engine == NULL)
    return FALSE;
  self->network = zu_internal_network_find (self->engine, target, cancellable, &why);
  if (why == NULL)
    return TRUE;
  g_propagate_error (error, g_steal_pointer (&why));
  return FALSE;
}

static gboolean
place_enter (Place *self, GError **error)
{
  self->netns = zu_engine_netns_open (self->engine, error);
  return self->netns >= 0
         && zu_engine_netns_check_bridge (self->netns, self->network->bridge, error);
}

/* Takes away what was made for nothing; what was there before stays. */
static void
place_undo (Place *self)
{
  if (!self->is_new)
    return;
  if (zu_internal_network_remove (self->engine, self->network, NULL) && self->netns >= 0)
    zu_internal_rules_delete (self->netns, self->table, NULL);
}

static gboolean
place_make (Place *self, const char *target, const char *gateway, const char *process,
            GError **error)
{
  if (self->network == NULL)
    {
      self->network = zu_internal_network_create (self->engine, target, gateway, process, error);
      if (self->network == NULL)
        return FALSE;
      self->is_new = TRUE;
    }
  return place_enter (self, error);
}

static ZuEnforcement *
new_enforcement (const Place *place, ZuEgressPolicy *policy, GStrv rules, GError **error)
{
  g_autoptr (ZuJson) settings = zu_egress_settings_new (policy, error);
  g_autoptr (GStrvBuilder) builder = g_strv_builder_new ();
  g_auto (GStrv) in_force = NULL;
  const ZuInternalNetwork *network = place->network;
  g_autofree char *first =
      g_strdup_printf ("network %s: internal, bridge %s, subnet %s, gateway %s", network->name,
                       network->bridge, network->subnet, network->gateway);

  if (settings == NULL)
    return NULL;
  g_strv_builder_add (builder, first);
  g_strv_builder_addv (builder, (const char **) rules);
  in_force = g_strv_builder_end (builder);
  return g_object_new (ZU_TYPE_ENFORCEMENT, "id", network->name, "mechanism", NAME, "settings",
                       settings, "in-force", in_force, NULL);
}

static gboolean
put_rules (const Place *place, ZuEgressPolicy *policy, GStrv *in_force, GError **error)
{
  g_auto (GStrv) lines = zu_internal_rules_new (place->network, policy, error);
  const char *const *rules = (const char *const *) lines;

  if (lines == NULL || !zu_internal_rules_put (place->netns, place->table, rules, error))
    return FALSE;
  *in_force = zu_internal_rules_list (place->netns, place->table, rules, error);
  if (*in_force == NULL)
    zu_internal_rules_delete (place->netns, place->table, NULL);
  return *in_force != NULL;
}

static ZuEnforcement *
zu_docker_internal_net_apply (ZuEgressEnforcement *enforcement, const char *target,
                              ZuEgressPolicy *policy, GCancellable *cancellable, GError **error)
{
  g_autoptr (ZuJson) settings = zu_egress_settings_new (policy, error);
  g_autofree char *gateway = zu_peek_member_text (zu_egress_policy_get_proxy (policy), "ip");
  g_auto (Place) place = { .netns = -1 };
  g_auto (GStrv) in_force = NULL;

  if (settings == NULL || !place_open (&place, enforcement, target, cancellable, error))
    return NULL;
  if (place_make (&place, target, gateway, NULL, error)
      && put_rules (&place, policy, &in_force, error))
    return new_enforcement (&place, policy, in_force, error);
  place_undo (&place);
  return NULL;
}

/* The network first: while a container is in it, it cannot go, and its gateway stays closed. */
static gboolean
remove_place (Place *place, GError **error)
{
  if (place->network != NULL && !zu_internal_network_remove (place->engine, place->network, error))
    return FALSE;
  if (place->netns < 0)
    place->netns = zu_engine_netns_open (place->engine, error);
  return place->netns >= 0 && zu_internal_rules_delete (place->netns, place->table, error);
}

static gboolean
zu_docker_internal_net_revoke (ZuEgressEnforcement *enforcement, const char *id,
                               GCancellable *cancellable, GError **error)
{
  g_auto (Place) place = { .netns = -1 };

  return place_open (&place, enforcement, id, cancellable, error) && remove_place (&place, error);
}

static char *
zu_docker_internal_net_locate (ZuEgressEnforcement *enforcement, const char *target,
                               ZuEgressPolicy *policy, GCancellable *cancellable, GError **error)
{
  g_autoptr (ZuJson) settings = zu_egress_settings_new (policy, error);

  if (settings == NULL || !zu_internal_network_check_name (target, error))
    return NULL;
  return g_strdup (target);
}

/* What is in force now, with what was counted. */
static ZuEnforcement *
zu_docker_internal_net_inspect (ZuEgressEnforcement *enforcement, const char *target,
                                ZuEgressPolicy *policy, GCancellable *cancellable, GError **error)
{
  g_auto (Place) place = { .netns = -1 };
  g_auto (GStrv) lines = NULL;
  g_auto (GStrv) in_force = NULL;

  if (!place_open (&place, enforcement, target, cancellable, error))
    return NULL;
  if (place.network == NULL)
    {
      g_set_error (error, ZU_EGRESS_ENFORCEMENT_ERROR, ZU_EGRESS_ENFORCEMENT_ERROR_FAILED,
                   "there is no network '%s'", target);
      return NULL;
    }
  lines = place_enter (&place, error) ? zu_internal_rules_new (place.network, policy, error) : NULL;
  if (lines != NULL)
    in_force =
        zu_internal_rules_list (place.netns, place.table, (const char *const *) lines, error);
  return in_force != NULL ? new_enforcement (&place, policy, in_force, error) : NULL;
}

/* A table has a network from the moment that it is put there, so one that is listed first and whose
 * network is not listed afterwards has lost it. */
static gboolean
reclaim_tables (int netns, GStrv tables, GPtrArray *networks, GStrvBuilder *ids, GError **error)
{
  for (guint i = 0; tables[i] != NULL; i++)
    {
      gboolean has_network = FALSE;

      for (guint k = 0; k < networks->len && !has_network; k++)
        {
          const ZuInternalNetwork *network = g_ptr_array_index (networks, k);
          g_autofree char *table = zu_internal_rules_make_table_name (network->name);

          has_network = strcmp (table, tables[i]) == 0;
        }
      if (has_network)
        continue;
      if (!zu_internal_rules_delete (netns, tables[i], error))
        return FALSE;
      g_strv_builder_add (ids, tables[i]);
    }
  return TRUE;
}

static gboolean
reclaim_network (ZuDockerEngine *engine, int netns, const ZuInternalNetwork *network,
                 GStrvBuilder *ids, GError **error)
{
  g_autofree char *table = zu_internal_rules_make_table_name (network->name);

  if (network->process == NULL || zu_process_mark_is_alive (network->process))
    return TRUE;
  if (!zu_internal_network_remove (engine, network, error)
      || !zu_internal_rules_delete (netns, table, error))
    return FALSE;
  g_strv_builder_add (ids, network->name);
  return TRUE;
}

static char **
zu_docker_internal_net_reclaim (ZuEgressEnforcement *enforcement, GCancellable *cancellable,
                                GError **error)
{
  g_autoptr (ZuDockerEngine) engine = ref_engine (enforcement, error);
  g_autoptr (GStrvBuilder) ids = g_strv_builder_new ();
  g_autoptr (GPtrArray) networks = NULL;
  g_auto (GStrv) tables = NULL;
  ZU_AUTO_FD int netns = engine != NULL ? zu_engine_netns_open (engine, error) : -1;

  if (netns < 0 || (tables = zu_internal_rules_list_tables (netns, error)) == NULL
      || (networks = zu_internal_network_list (engine, cancellable, error)) == NULL
      || !reclaim_tables (netns, tables, networks, ids, error))
    return NULL;
  for (guint i = 0; i < networks->len; i++)
    if (!reclaim_network (engine, netns, g_ptr_array_index (networks, i), ids, error))
      return NULL;
  return g_strv_builder_end (ids);
}

/* What others have left is in nobody's way, so only our own part can fail this. */
static int
zu_docker_internal_net_listen (ZuEgressEnforcement *enforcement, const char *target, guint32 port,
                               GCancellable *cancellable, GError **error)
{
  g_auto (GStrv) reclaimed = zu_docker_internal_net_reclaim (enforcement, cancellable, NULL);
  g_autofree char *process = zu_process_mark_new ();
  g_auto (Place) place = { .netns = -1 };
  int listener = -1;

  if (port > G_MAXUINT16)
    {
      g_set_error (error, ZU_EGRESS_ENFORCEMENT_ERROR, ZU_EGRESS_ENFORCEMENT_ERROR_INVALID_POLICY,
                   "%u is no port", port);
      return -1;
    }
  if (!place_open (&place, enforcement, target, cancellable, error))
    return -1;
  if (place_make (&place, target, NULL, process, error))
    listener = zu_engine_netns_listen (place.netns, place.network->gateway, port, error);
  if (listener < 0)
    place_undo (&place);
  return listener;
}

static gboolean
zu_docker_internal_net_get_makes_network (ZuEgressEnforcement *enforcement)
{
  return TRUE;
}

static void
zu_docker_internal_net_iface_init (ZuEgressEnforcementInterface *iface)
{
  iface->apply = zu_docker_internal_net_apply;
  iface->revoke = zu_docker_internal_net_revoke;
  iface->locate = zu_docker_internal_net_locate;
  iface->inspect = zu_docker_internal_net_inspect;
  iface->listen = zu_docker_internal_net_listen;
  iface->reclaim = zu_docker_internal_net_reclaim;
  iface->get_makes_network = zu_docker_internal_net_get_makes_network;
}

static void
zu_docker_internal_net_finalize (GObject *object)
{
  ZuDockerInternalNet *self = ZU_DOCKER_INTERNAL_NET (object);

  g_free (self->host);
  g_clear_pointer (&self->engine, zu_docker_engine_unref);
  g_mutex_clear (&self->lock);
  G_OBJECT_CLASS (zu_docker_internal_net_parent_class)->finalize (object);
}

static void
zu_docker_internal_net_set_property (GObject *object, guint id, const GValue *value,
                                     GParamSpec *pspec)
{
  ZuDockerInternalNet *self = ZU_DOCKER_INTERNAL_NET (object);

  switch (id)
    {
    case PROP_HOST:
      self->host = g_value_dup_string (value);
      break;
    default:
      G_OBJECT_WARN_INVALID_PROPERTY_ID (object, id, pspec);
    }
}

static void
zu_docker_internal_net_class_init (ZuDockerInternalNetClass *klass)
{
  GObjectClass *object_class = G_OBJECT_CLASS (klass);

  object_class->finalize = zu_docker_internal_net_finalize;
  object_class->set_property = zu_docker_internal_net_set_property;

  /**
   * ZuDockerInternalNet:host:
   *
   * The engine's address, `unix:///path` or `tcp://host:port`; left out, what `DOCKER_HOST` says,
   * else the socket that Docker has here.
   */
  props[PROP_HOST] =
      g_param_spec_string ("host", NULL, NULL, NULL,
                           G_PARAM_WRITABLE | G_PARAM_CONSTRUCT_ONLY | G_PARAM_STATIC_STRINGS);
  g_object_class_install_properties (object_class, N_PROPS, props);
}

static void
zu_docker_internal_net_init (ZuDockerInternalNet *self)
{
  g_mutex_init (&self->lock);
}
