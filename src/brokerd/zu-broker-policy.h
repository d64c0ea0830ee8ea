/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include <gio/gio.h>

G_BEGIN_DECLS

/* Who a caller is, as the bus and the kernel say. */
typedef struct
{
  guint uid;
  guint *gids;
  gsize n_gids;
  char *unit; /* NULL where it was not asked for, or there is none */
} ZuBrokerCaller;

typedef enum
{
  ZU_BROKER_VERDICT_REFUSED,
  ZU_BROKER_VERDICT_ALLOWED,
  ZU_BROKER_VERDICT_ASK, /* a person, through polkit */
} ZuBrokerVerdict;

typedef struct _ZuBrokerPolicy ZuBrokerPolicy;

ZuBrokerPolicy *zu_broker_policy_new (void);
ZuBrokerPolicy *zu_broker_policy_new_from_file (const char *path, GDBusMethodInfo **verbs,
                                                GError **error);
void zu_broker_policy_free (ZuBrokerPolicy *self);

gboolean zu_broker_policy_needs_unit (ZuBrokerPolicy *self);
ZuBrokerVerdict zu_broker_policy_judge (ZuBrokerPolicy *self, const char *verb,
                                        const ZuBrokerCaller *caller);
double zu_broker_policy_get_rate (ZuBrokerPolicy *self);
double zu_broker_policy_get_burst (ZuBrokerPolicy *self);

G_DEFINE_AUTOPTR_CLEANUP_FUNC (ZuBrokerPolicy, zu_broker_policy_free)

G_END_DECLS
