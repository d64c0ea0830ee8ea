/* SPDX-License-Identifier: Apache-2.0 */

/* The way out of a run: a socket that listens on the sandbox's own loopback, whose connections the
 * proxy accepts. The sandbox has no other, and needs none. */

#include "zu-run-egress.h"

#include "zu-egress-judge.h"
#include "zu-run-attempt.h"
#include "zu-run-egress-environment.h"
#include "zu-run-egress-proxy.h"
#include "zu-run-egress-record.h"

#include <glib-unix.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

struct _ZuRunEgress
{
  ZuRunEgressProxy *proxy;
  ZuRunJournal *journal;
  ZuProcessSpec *process; /* with the variables that lead to the proxy */
  GPtrArray *needed;      /* rules that would have let it through */
  GSource *source;
  gboolean is_over;
  GError *failure;
};

void
zu_run_egress_policy_clear (ZuRunEgressPolicy *self)
{
  g_clear_pointer (&self->allow, g_strfreev);
  g_clear_pointer (&self->sni, g_free);
}

/* Whether there is nothing to let through, and so no proxy. */
gboolean
zu_run_egress_policy_is_empty (const ZuRunEgressPolicy *self)
{
  return (self->allow == NULL || self->allow[0] == NULL) && !self->is_any && !self->is_observing;
}

void
zu_run_egress_free (ZuRunEgress *self)
{
  if (self->source != NULL)
    g_source_destroy (self->source);
  g_clear_pointer (&self->source, g_source_unref);
  g_clear_pointer (&self->proxy, zu_run_egress_proxy_free);
  g_clear_object (&self->process);
  g_clear_error (&self->failure);
  g_free (self);
}

/* Nothing is said to have been committed that was not. */
static void
take_record (ZuRunEgress *self, const char *text, gsize size)
{
  g_autoptr (ZuRunEgressRecord) record = NULL;

  if (self->failure != NULL)
    return;
  record = zu_run_egress_record_new (text, size, &self->failure);
  if (record == NULL
      || !zu_run_journal_write (self->journal, "harness.egress.observed", record->payload,
                                &self->failure))
    return;
  if (record->needed != NULL
      && !g_ptr_array_find_with_equal_func (self->needed, record->needed, g_str_equal, NULL))
    g_ptr_array_add (self->needed, g_strdup (record->needed));
  zu_run_egress_proxy_commit (self->proxy, record->id);
}

/* Takes what is there. FALSE once the proxy has ended. */
static gboolean
take_records (ZuRunEgress *self)
{
  char text[ZU_RUN_EGRESS_RECORD_MAX];
  gssize size;

  while ((size = zu_run_egress_proxy_receive (self->proxy, text, sizeof text)) > 0)
    take_record (self, text, (gsize) size);
  return size < 0;
}

static gboolean
on_proxy (int fd, GIOCondition condition, gpointer data)
{
  ZuRunEgress *self = data;

  if (take_records (self))
    return G_SOURCE_CONTINUE;
  if (self->failure == NULL && !self->is_over)
    self->failure =
        g_error_new_literal (G_IO_ERROR, G_IO_ERROR_CLOSED, "the egress proxy has ended by itself");
  return G_SOURCE_REMOVE;
}

static gboolean
refuse_network (ZuNetworkMode mode, GError **error)
{
  g_set_error (error, ZU_EGRESS_ENFORCEMENT_ERROR, ZU_EGRESS_ENFORCEMENT_ERROR_INVALID_POLICY,
               "rules for egress cannot be enforced on the network '%s' (leave it out, or name an "
               "enforcement)",
               mode == ZU_NETWORK_MODE_UNRESTRICTED ? "unrestricted" : "isolated");
  return FALSE;
}

static gboolean
start (ZuRunEgress *self, ZuRunAttempt *attempt, int listener, GError **error)
{
  ZuRunAddress address;

  if (!zu_run_address_read (&address, listener, error))
    return FALSE;
  self->proxy =
      zu_run_egress_proxy_start (attempt->egress_policy, listener, attempt->cancellable, error);
  if (self->proxy == NULL)
    return FALSE;
  self->process =
      zu_run_egress_new_process (attempt->process, attempt->egress_policy, &address, error);
  if (self->process == NULL)
    return FALSE;
  self->source =
      g_unix_fd_source_new (zu_run_egress_proxy_get_fd (self->proxy), G_IO_IN | G_IO_HUP);
  g_source_set_callback (self->source, G_SOURCE_FUNC (on_proxy), self, NULL);
  g_source_attach (self->source, attempt->context);
  attempt->process = self->process;
  return TRUE;
}

/* On the network that was made for the run, or else on the sandbox's own loopback. */
static int
open_listener (ZuRunAttempt *attempt, GError **error)
{
  if (attempt->network != NULL)
    return zu_run_network_steal_listener (attempt->network);
  return zu_sandbox_backend_listen (attempt->backend, zu_sandbox_get_id (attempt->sandbox), 0,
                                    attempt->cancellable, error);
}

/* Before anything of the command's runs. */
gboolean
zu_run_egress_enter (ZuRunAttempt *attempt, GError **error)
{
  const ZuRunEgressPolicy *policy = attempt->egress_policy;
  g_autoptr (ZuEgressRules) rules = NULL;
  ZuNetworkMode mode = zu_sandbox_get_network (attempt->sandbox);
  int listener;
  gboolean is_done;

  if (zu_run_egress_policy_is_empty (policy))
    return TRUE;
  if (attempt->network == NULL && mode != ZU_NETWORK_MODE_NONE)
    return refuse_network (mode, error);
  rules = zu_egress_rules_new ((const char *const *) policy->allow, policy->is_any, error);
  if (rules == NULL)
    return FALSE;
  listener = open_listener (attempt, error);
  if (listener < 0)
    return FALSE;

  attempt->egress = g_new0 (ZuRunEgress, 1);
  attempt->egress->journal = attempt->journal;
  attempt->egress->needed = attempt->egress_needed;
  is_done = start (attempt->egress, attempt, listener, error);
  close (listener);
  if (!is_done)
    g_clear_pointer (&attempt->egress, zu_run_egress_free);
  return is_done;
}

/* The proxy tells of what is still open, and ends. */
gboolean
zu_run_egress_leave (ZuRunAttempt *attempt, GError **error)
{
  ZuRunEgress *self = attempt->egress;

  if (self == NULL)
    return TRUE;
  self->is_over = TRUE;
  zu_run_egress_proxy_end (self->proxy);
  while (zu_run_egress_proxy_await (self->proxy) && take_records (self))
    ;
  if (!zu_run_egress_proxy_reap (self->proxy, error))
    return FALSE;
  if (self->failure == NULL)
    return TRUE;
  g_propagate_prefixed_error (error, g_steal_pointer (&self->failure),
                              "not all that was reached is recorded: ");
  return FALSE;
}
