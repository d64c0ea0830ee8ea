/* SPDX-License-Identifier: Apache-2.0 */

/* A mechanism either makes the network that the sandbox joins, and so comes before it; or it closes
 * the network namespace that the sandbox has, and so comes after it. Either way the proxy's socket
 * is there first, since a policy names its address, and the rules are in force before the command.
 */

#include "zu-run-network.h"

#include "zu-run-address.h"
#include "zu-run-attempt.h"
#include "zu-run-json.h"

#include <errno.h>
#include <linux/sockios.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#define PROXY_HOST "zu-proxy"

struct _ZuRunNetwork
{
  ZuEgressEnforcement *mechanism; /* the attempt's */
  gboolean makes_network;
  char *target;
  ZuEgressPolicy *policy;
  ZuEnforcement *enforcement; /* NULL while nothing is in force */
  ZuLaunchSpec *spec;         /* what the sandbox is launched from */
  int listener;
  int netns;
};

static void
close_fd (int *fd)
{
  if (*fd >= 0)
    close (*fd);
  *fd = -1;
}

void
zu_run_network_free (ZuRunNetwork *self)
{
  close_fd (&self->listener);
  close_fd (&self->netns);
  g_clear_object (&self->policy);
  g_clear_object (&self->enforcement);
  g_clear_object (&self->spec);
  g_free (self->target);
  g_free (self);
}

/* The proxy's socket, for whoever accepts on it; -1 where there is none. */
int
zu_run_network_steal_listener (ZuRunNetwork *self)
{
  int listener = self->listener;

  self->listener = -1;
  return listener;
}

ZuEnforcement *
zu_run_network_get_enforcement (ZuRunNetwork *self)
{
  return self->enforcement;
}

/* The only way out is where the proxy listens; no name is asked for but by the proxy. Where nothing
 * is allowed there is no proxy, and no way. */
static ZuEgressPolicy *
make_policy (const ZuRunEgressPolicy *allowed, int listener, GError **error)
{
  g_autoptr (ZuJsonBuilder) builder = zu_json_builder_new ();
  g_autoptr (ZuJson) json = NULL;
  ZuRunAddress address;

  zu_json_builder_begin_object (builder);
  zu_json_builder_set_member (builder, "dns");
  zu_json_builder_add_string (builder, "pin");
  if (!zu_run_egress_policy_is_empty (allowed))
    {
      if (!zu_run_address_read (&address, listener, error))
        return NULL;
      zu_json_builder_set_member (builder, "proxy");
      zu_json_builder_begin_object (builder);
      zu_json_builder_set_member (builder, "host");
      zu_json_builder_add_string (builder, PROXY_HOST);
      zu_json_builder_set_member (builder, "ip");
      zu_json_builder_add_string (builder, address.ip);
      zu_json_builder_set_member (builder, "port");
      zu_json_builder_add_int64 (builder, address.port);
      zu_json_builder_end_object (builder);
    }
  zu_json_builder_end_object (builder);
  json = zu_json_builder_end (builder, error);
  return json != NULL ? zu_egress_policy_new_from_json (json, error) : NULL;
}

static gboolean
apply (ZuRunNetwork *self, ZuRunAttempt *attempt, GError **error)
{
  self->policy = make_policy (attempt->egress_policy, self->listener, error);
  if (self->policy != NULL)
    self->enforcement = zu_egress_enforcement_apply (self->mechanism, self->target, self->policy,
                                                     attempt->cancellable, error);
  return self->enforcement != NULL;
}

/* What the network asks of the sandbox comes before what was written down for it. */
static ZuLaunchSpec *
make_spec (ZuLaunchSpec *spec, const char *network_name, ZuJson *settings, GError **error)
{
  static const char *const ours[] = { "network", "network_name", "dns", "extra_hosts", NULL };
  static const char *const none[] = { NULL };
  g_autoptr (ZuJson) old = zu_launch_spec_to_json (spec);
  g_autoptr (ZuJsonBuilder) builder = zu_json_builder_new ();
  g_autoptr (ZuJson) json = NULL;

  zu_json_builder_begin_object (builder);
  zu_run_json_copy_but (builder, old, ours);
  zu_json_builder_set_member (builder, "network");
  zu_json_builder_add_string (builder, network_name != NULL ? "isolated" : "none");
  if (network_name != NULL)
    {
      zu_json_builder_set_member (builder, "network_name");
      zu_json_builder_add_string (builder, network_name);
    }
  if (settings != NULL)
    zu_run_json_copy_but (builder, settings, none);
  zu_json_builder_end_object (builder);
  json = zu_json_builder_end (builder, error);
  return json != NULL ? zu_launch_spec_new_from_json (json, error) : NULL;
}

static gboolean
set_spec (ZuRunNetwork *self, ZuRunAttempt *attempt, GError **error)
{
  ZuJson *settings =
      self->enforcement != NULL ? zu_enforcement_get_settings (self->enforcement) : NULL;

  self->spec = make_spec (attempt->spec, self->target, settings, error);
  if (self->spec != NULL)
    attempt->spec = self->spec;
  return self->spec != NULL;
}

/* Whatever is there of it. */
static gboolean
take_back (ZuRunNetwork *self, GError **error)
{
  const char *id = zu_enforcement_get_id (self->enforcement);

  if (zu_egress_enforcement_revoke (self->mechanism, id, NULL, error))
    return TRUE;
  g_prefix_error (error, "cannot revoke the enforcement %s: ", id);
  return FALSE;
}

/* A network that was made for a policy that is not in force. */
static void
undo (ZuRunNetwork *self)
{
  g_autoptr (ZuEgressPolicy) nothing = zu_egress_policy_new ();
  g_autofree char *id = NULL;

  close_fd (&self->listener);
  id = zu_egress_enforcement_locate (self->mechanism, self->target, nothing, NULL, NULL);
  if (id != NULL)
    zu_egress_enforcement_revoke (self->mechanism, id, NULL, NULL);
}

static gboolean
make (ZuRunNetwork *self, ZuRunAttempt *attempt, GError **error)
{
  self->target = g_strconcat ("zu-", zu_run_journal_get_trace_id (attempt->journal), NULL);
  self->listener =
      zu_egress_enforcement_listen (self->mechanism, self->target, 0, attempt->cancellable, error);
  if (self->listener < 0)
    return FALSE;
  if (apply (self, attempt, error) && set_spec (self, attempt, error))
    return TRUE;
  undo (self);
  return FALSE;
}

gboolean
zu_run_network_make (ZuRunAttempt *attempt, GError **error)
{
  ZuRunNetwork *self;

  if (attempt->mechanism == NULL)
    return TRUE;
  attempt->network = self = g_new0 (ZuRunNetwork, 1);
  self->mechanism = attempt->mechanism;
  self->makes_network = zu_egress_enforcement_get_makes_network (attempt->mechanism);
  self->listener = self->netns = -1;
  return self->makes_network ? make (self, attempt, error) : set_spec (self, attempt, error);
}

/* The namespace that the guest's socket is in is the sandbox's, whatever made the sandbox. */
static gboolean
find_namespace (ZuRunNetwork *self, GError **error)
{
  self->netns = ioctl (self->listener, SIOCGSKNS);
  if (self->netns < 0)
    {
      g_set_error (error, ZU_EGRESS_ENFORCEMENT_ERROR,
                   errno == EPERM ? ZU_EGRESS_ENFORCEMENT_ERROR_NOT_PERMITTED
                                  : ZU_EGRESS_ENFORCEMENT_ERROR_FAILED,
                   "cannot get at the sandbox's network: %s%s", g_strerror (errno),
                   errno == EPERM ? " (an enforcement needs CAP_NET_ADMIN; leave --network out)"
                                  : "");
      return FALSE;
    }
  self->target = g_strdup_printf ("/proc/%d/fd/%d", (int) getpid (), self->netns);
  return TRUE;
}

gboolean
zu_run_network_guard (ZuRunAttempt *attempt, GError **error)
{
  ZuRunNetwork *self = attempt->network;

  if (self == NULL || self->makes_network)
    return TRUE;
  self->listener =
      zu_sandbox_backend_listen (attempt->backend, zu_sandbox_get_id (attempt->sandbox), 0,
                                 attempt->cancellable, error);
  return self->listener >= 0 && find_namespace (self, error) && apply (self, attempt, error);
}

/* It was in force until now, or the run was not what it is said to have been. */
static gboolean
check_whole (ZuRunNetwork *self, GError **error)
{
  g_autoptr (GError) why = NULL;
  g_autoptr (ZuEnforcement) found =
      zu_egress_enforcement_inspect (self->mechanism, self->target, self->policy, NULL, &why);

  if (found != NULL || g_error_matches (why, G_IO_ERROR, G_IO_ERROR_NOT_SUPPORTED))
    return TRUE;
  g_propagate_prefixed_error (error, g_steal_pointer (&why),
                              "what was in force around the run is not whole any more: ");
  return FALSE;
}

static gboolean
end (ZuRunNetwork *self, GError **error)
{
  g_autoptr (GError) why = NULL;
  gboolean is_whole = check_whole (self, &why);

  if (!take_back (self, error))
    {
      if (!is_whole)
        g_prefix_error (error, "%s; ", why->message);
      return FALSE;
    }
  if (!is_whole)
    g_propagate_error (error, g_steal_pointer (&why));
  return is_whole;
}

gboolean
zu_run_network_unguard (ZuRunAttempt *attempt, GError **error)
{
  ZuRunNetwork *self = attempt->network;

  return self == NULL || self->makes_network || end (self, error);
}

gboolean
zu_run_network_unmake (ZuRunAttempt *attempt, GError **error)
{
  ZuRunNetwork *self = attempt->network;

  return self == NULL || !self->makes_network || end (self, error);
}
