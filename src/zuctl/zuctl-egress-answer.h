/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include <zu-egress-judge.h>

#include <gio/gio.h>

G_BEGIN_DECLS

/* What `egress check` has found out. */
typedef struct
{
  ZuHost host;
  guint16 port;
  ZuEgressScheme scheme;
  const char *text; /* as it was asked for */
  ZuEgressVerdict verdict;
  GList *addresses; /* of GInetAddress, where the name was resolved */
  GArray *verdicts; /* of ZuEgressVerdict, one an address */
} ZuctlEgressAnswer;

void zuctl_egress_answer_clear (ZuctlEgressAnswer *self);
void zuctl_egress_answer_resolve (ZuctlEgressAnswer *self, const ZuEgressRules *rules);
void zuctl_egress_answer_print (const ZuctlEgressAnswer *self, gboolean is_json);

G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC (ZuctlEgressAnswer, zuctl_egress_answer_clear)

G_END_DECLS
