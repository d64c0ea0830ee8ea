/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "zuctl-command.h"

G_BEGIN_DECLS

int zuctl_egress_apply (const ZuctlCommand *command, GStrv words, GError **error);
int zuctl_egress_revoke (const ZuctlCommand *command, GStrv words, GError **error);

G_END_DECLS
