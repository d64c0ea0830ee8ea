/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "zuctl-command.h"

G_BEGIN_DECLS

int zuctl_log_append (const ZuctlCommand *command, GStrv words, GError **error);
int zuctl_log_query (const ZuctlCommand *command, GStrv words, GError **error);
int zuctl_log_count (const ZuctlCommand *command, GStrv words, GError **error);
int zuctl_log_tail (const ZuctlCommand *command, GStrv words, GError **error);
int zuctl_log_verify (const ZuctlCommand *command, GStrv words, GError **error);
int zuctl_log_anchor (const ZuctlCommand *command, GStrv words, GError **error);
int zuctl_log_stat (const ZuctlCommand *command, GStrv words, GError **error);
int zuctl_log_backup (const ZuctlCommand *command, GStrv words, GError **error);
int zuctl_log_rekey (const ZuctlCommand *command, GStrv words, GError **error);
int zuctl_log_reindex (const ZuctlCommand *command, GStrv words, GError **error);
int zuctl_log_init (const ZuctlCommand *command, GStrv words, GError **error);

G_END_DECLS
