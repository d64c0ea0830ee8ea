/* SPDX-License-Identifier: Apache-2.0 */

#include "zu-egress-judge.h"

#include "zu-address-guard.h"

#include <zu/zu.h>

struct _ZuEgressRules
{
  GPtrArray *rules; /* of ZuEgressRule */
};

/* Reads an allowlist. `*` needs ALLOW_ANY, which means the same without being in the list. Fails
 * with INVALID_POLICY, naming the rule. */
ZuEgressRules *
zu_egress_rules_new (const char *const *rules, gboolean allow_any, GError **error)
{
  g_autoptr (ZuEgressRules) self = g_new0 (ZuEgressRules, 1);

  self->rules = g_ptr_array_new_with_free_func ((GDestroyNotify) zu_egress_rule_free);
  for (guint i = 0; rules != NULL && rules[i] != NULL; i++)
    {
      g_autofree char *why = NULL;
      g_autofree char *shown = NULL;
      ZuEgressRule *rule = zu_egress_rule_new (rules[i], &why);

      if (rule != NULL)
        g_ptr_array_add (self->rules, rule);
      if (rule != NULL && rule->kind == ZU_EGRESS_RULE_ANY && !allow_any)
        why = g_strdup ("it means every host, which has to be asked for (with --allow-any)");
      if (why == NULL)
        continue;
      shown = g_strescape (rules[i], NULL);
      g_set_error (error, ZU_EGRESS_ENFORCEMENT_ERROR, ZU_EGRESS_ENFORCEMENT_ERROR_INVALID_POLICY,
                   "the rule '%s' is not understood: %s", shown, why);
      return NULL;
    }
  if (allow_any)
    g_ptr_array_add (self->rules, zu_egress_rule_new ("*", NULL));
  return g_steal_pointer (&self);
}

void
zu_egress_rules_free (ZuEgressRules *self)
{
  g_clear_pointer (&self->rules, g_ptr_array_unref);
  g_free (self);
}

static void
set_verdict (ZuEgressVerdict *verdict, ZuEgressReason reason, const ZuEgressRule *rule)
{
  verdict->is_allowed = reason == ZU_EGRESS_ALLOWED;
  verdict->reason = reason;
  verdict->rule = rule != NULL ? rule->text : NULL;
}

/* The first rule that is about the host and the port; where none is, *NEAR is one about the host
 * alone. With OPENS only those that name what is internal. */
static const ZuEgressRule *
find_rule (const ZuEgressRules *self, const ZuHost *host, guint16 port, ZuEgressScheme scheme,
           gboolean opens, const ZuEgressRule **near)
{
  *near = NULL;
  for (guint i = 0; i < self->rules->len; i++)
    {
      const ZuEgressRule *rule = g_ptr_array_index (self->rules, i);

      if ((opens && !rule->opens) || !zu_egress_rule_has_host (rule, host))
        continue;
      if (zu_egress_rule_has_port (rule, port, scheme))
        return rule;
      *near = rule;
    }
  return NULL;
}

static void
judge_rules (const ZuEgressRules *self, const ZuHost *host, guint16 port, ZuEgressScheme scheme,
             gboolean opens, ZuEgressReason refusal, ZuEgressVerdict *verdict)
{
  const ZuEgressRule *near;
  const ZuEgressRule *rule = find_rule (self, host, port, scheme, opens, &near);

  if (rule != NULL)
    set_verdict (verdict, ZU_EGRESS_ALLOWED, rule);
  else
    set_verdict (verdict, near != NULL ? ZU_EGRESS_PORT_NOT_ALLOWED : refusal, near);
}

/* Whether some address rule opens an internal address at that port. */
static gboolean
opens_any (const ZuEgressRules *self, guint16 port, ZuEgressScheme scheme)
{
  for (guint i = 0; i < self->rules->len; i++)
    {
      const ZuEgressRule *rule = g_ptr_array_index (self->rules, i);

      if (rule->kind == ZU_EGRESS_RULE_BLOCK && rule->opens
          && zu_egress_rule_has_port (rule, port, scheme))
        return TRUE;
    }
  return FALSE;
}

static void
judge_literal (const ZuEgressRules *self, const ZuHost *host, guint16 port, ZuEgressScheme scheme,
               ZuEgressVerdict *verdict)
{
  ZuAddressClass class;

  zu_address_classify (&host->address, &class);
  judge_rules (self, host, port, scheme, class.is_internal,
               class.is_internal ? ZU_EGRESS_INTERNAL_ADDRESS : ZU_EGRESS_NOT_ALLOWED, verdict);
  if (class.is_internal)
    verdict->block = class.block;
  if (host->is_odd && (verdict->is_allowed || !class.is_internal))
    set_verdict (verdict, ZU_EGRESS_ODD_ADDRESS, NULL);
}

/* What can be said of a host before it is resolved. An address is decided by this; a name that is
 * allowed has its addresses judged as well, and one that is known to be internal needs a rule for
 * itself, and one for its address. */
void
zu_egress_rules_judge_host (const ZuEgressRules *self, const ZuHost *host, guint16 port,
                            ZuEgressScheme scheme, ZuEgressVerdict *verdict)
{
  gboolean is_internal = host->kind == ZU_HOST_NAME && zu_address_name_is_internal (host->name);

  *verdict = (ZuEgressVerdict){ FALSE };
  if (host->kind == ZU_HOST_BAD)
    set_verdict (verdict, ZU_EGRESS_BAD_HOST, NULL);
  else if (host->kind == ZU_HOST_ADDRESS)
    judge_literal (self, host, port, scheme, verdict);
  else
    judge_rules (self, host, port, scheme, is_internal,
                 is_internal ? ZU_EGRESS_INTERNAL_NAME : ZU_EGRESS_NOT_ALLOWED, verdict);

  if (is_internal && verdict->is_allowed && !opens_any (self, port, scheme))
    set_verdict (verdict, ZU_EGRESS_INTERNAL_NAME, NULL);
}

/* Whether an address that an allowed name has resolved to may be dialled: it is public, or some
 * address rule names it. */
void
zu_egress_rules_judge_address (const ZuEgressRules *self, const ZuAddress *address, guint16 port,
                               ZuEgressScheme scheme, ZuEgressVerdict *verdict)
{
  ZuHost host = { ZU_HOST_ADDRESS, FALSE, *address, "" };
  ZuAddressClass class;

  *verdict = (ZuEgressVerdict){ TRUE, ZU_EGRESS_ALLOWED };
  zu_address_unmap (&host.address);
  zu_address_classify (&host.address, &class);
  if (class.is_internal)
    {
      judge_rules (self, &host, port, scheme, TRUE, ZU_EGRESS_INTERNAL_ADDRESS, verdict);
      verdict->block = class.block;
    }
}

static const struct
{
  const char *word;
  const char *sentence;
} reasons[ZU_EGRESS_REASONS] = {
  [ZU_EGRESS_ALLOWED] = { "allowed", "a rule allows it" },
  [ZU_EGRESS_NOT_ALLOWED] = { "not-allowed", "no rule is about this host" },
  [ZU_EGRESS_PORT_NOT_ALLOWED] = { "port-not-allowed",
                                   "a rule is about this host, but not about this port" },
  [ZU_EGRESS_INTERNAL_ADDRESS] = { "internal-address",
                                   "the address is no public one, and no address rule names it" },
  [ZU_EGRESS_INTERNAL_NAME] = { "internal-name",
                                "the name leads inside, which needs a rule for the name and one "
                                "for its address" },
  [ZU_EGRESS_ODD_ADDRESS] = { "odd-address", "the address is not in its plain spelling" },
  [ZU_EGRESS_BAD_HOST] = { "bad-host", "this is neither a name nor an address" },
  [ZU_EGRESS_BAD_REQUEST] = { "bad-request", "the request is not understood" },
  [ZU_EGRESS_HEADER_TOO_LARGE] = { "header-too-large", "the request's header is too large" },
  [ZU_EGRESS_RESOLUTION_FAILED] = { "resolution-failed", "the name has no address" },
  [ZU_EGRESS_RESOLUTION_TIMEOUT] = { "resolution-timeout", "no resolver answered in time" },
  [ZU_EGRESS_CONNECT_FAILED] = { "connect-failed", "the host refuses or cannot be reached" },
  [ZU_EGRESS_CONNECT_TIMEOUT] = { "connect-timeout", "the host did not answer in time" },
  [ZU_EGRESS_NOT_TLS] = { "not-tls", "the tunnel does not begin with TLS" },
  [ZU_EGRESS_NO_SNI] = { "no-sni", "the TLS handshake names no host" },
  [ZU_EGRESS_SNI_MISMATCH] = { "sni-mismatch", "the TLS handshake names another host" },
  [ZU_EGRESS_BAD_RESPONSE] = { "bad-response", "the host's answer is not understood" },
  [ZU_EGRESS_IDLE_TIMEOUT] = { "idle-timeout", "nothing was said for too long" },
  [ZU_EGRESS_REQUEST_TIMEOUT] = { "request-timeout", "the request did not come in time" },
  [ZU_EGRESS_TOO_MANY] = { "too-many", "there are too many connections already" },
  [ZU_EGRESS_BYTE_LIMIT] = { "byte-limit", "the bytes that this run may move are used up" },
  [ZU_EGRESS_OBSERVED] = { "observed", "everything is refused, to see what is needed" },
  [ZU_EGRESS_PROXY_ENDED] = { "proxy-ended", "the proxy was ended" },
};

/* One word, for machines. */
const char *
zu_egress_reason_to_string (ZuEgressReason reason)
{
  return reasons[reason].word;
}

/* The same as a clause, for people. */
const char *
zu_egress_reason_explain (ZuEgressReason reason)
{
  return reasons[reason].sentence;
}
