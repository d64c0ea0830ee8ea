/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "zu-host.h"

G_BEGIN_DECLS

typedef enum
{
  ZU_EGRESS_SCHEME_CONNECT,
  ZU_EGRESS_SCHEME_HTTP,
} ZuEgressScheme;

typedef enum
{
  ZU_EGRESS_RULE_NAME,
  ZU_EGRESS_RULE_BELOW, /* *.NAME */
  ZU_EGRESS_RULE_BLOCK, /* an address or all of a block */
  ZU_EGRESS_RULE_ANY,   /* * */
} ZuEgressRuleKind;

typedef struct
{
  ZuEgressRuleKind kind;
  guint16 port;   /* 0 where it names none */
  guint prefix;   /* of a block */
  ZuHost host;    /* a block's network, or a name without the *. */
  char *text;     /* as it is told in a decision */
  gboolean opens; /* whether it names internal addresses */
} ZuEgressRule;

ZuEgressRule *zu_egress_rule_new (const char *text, char **why);
void zu_egress_rule_free (ZuEgressRule *self);
gboolean zu_egress_rule_has_host (const ZuEgressRule *self, const ZuHost *host);
gboolean zu_egress_rule_has_port (const ZuEgressRule *self, guint16 port, ZuEgressScheme scheme);

gboolean zu_egress_is_address (const char *text);
gboolean zu_egress_is_name (const char *text);
gboolean zu_egress_check_rule (const char *rule, char **why);

G_DEFINE_AUTOPTR_CLEANUP_FUNC (ZuEgressRule, zu_egress_rule_free)

G_END_DECLS
