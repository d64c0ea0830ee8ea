/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "zu-egress-rule.h"

G_BEGIN_DECLS

/* Why a connection was let through or not; the words of zu_egress_reason_to_string. */
typedef enum
{
  ZU_EGRESS_ALLOWED,
  ZU_EGRESS_NOT_ALLOWED,      /* no rule is about the host */
  ZU_EGRESS_PORT_NOT_ALLOWED, /* one is, but not about the port */
  ZU_EGRESS_INTERNAL_ADDRESS, /* and no address rule names it */
  ZU_EGRESS_INTERNAL_NAME,    /* and no rule names it */
  ZU_EGRESS_ODD_ADDRESS,      /* not in its plain spelling */
  ZU_EGRESS_BAD_HOST,
  ZU_EGRESS_BAD_REQUEST,
  ZU_EGRESS_HEADER_TOO_LARGE,
  ZU_EGRESS_RESOLUTION_FAILED,
  ZU_EGRESS_RESOLUTION_TIMEOUT,
  ZU_EGRESS_CONNECT_FAILED,
  ZU_EGRESS_CONNECT_TIMEOUT,
  ZU_EGRESS_NOT_TLS,
  ZU_EGRESS_NO_SNI,
  ZU_EGRESS_SNI_MISMATCH,
  ZU_EGRESS_BAD_RESPONSE,
  ZU_EGRESS_IDLE_TIMEOUT,
  ZU_EGRESS_REQUEST_TIMEOUT,
  ZU_EGRESS_TOO_MANY,   /* connections at once */
  ZU_EGRESS_BYTE_LIMIT, /* of the run */
  ZU_EGRESS_OBSERVED,   /* nothing is let through, only noted */
  ZU_EGRESS_PROXY_ENDED,
  ZU_EGRESS_REASONS
} ZuEgressReason;

typedef struct
{
  gboolean is_allowed;
  ZuEgressReason reason;
  const char *rule;  /* the one that decided; lives as long as the rules */
  const char *block; /* of an internal address, as in 10.0.0.0/8 */
} ZuEgressVerdict;

typedef struct _ZuEgressRules ZuEgressRules;

ZuEgressRules *zu_egress_rules_new (const char *const *rules, gboolean allow_any, GError **error);
void zu_egress_rules_free (ZuEgressRules *self);

void zu_egress_rules_judge_host (const ZuEgressRules *self, const ZuHost *host, guint16 port,
                                 ZuEgressScheme scheme, ZuEgressVerdict *verdict);
void zu_egress_rules_judge_address (const ZuEgressRules *self, const ZuAddress *address,
                                    guint16 port, ZuEgressScheme scheme, ZuEgressVerdict *verdict);
const char *zu_egress_reason_to_string (ZuEgressReason reason);
const char *zu_egress_reason_explain (ZuEgressReason reason);

G_DEFINE_AUTOPTR_CLEANUP_FUNC (ZuEgressRules, zu_egress_rules_free)

G_END_DECLS
