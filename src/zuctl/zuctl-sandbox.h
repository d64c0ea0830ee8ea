/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "zuctl-command.h"

#include <zu/zu.h>

G_BEGIN_DECLS

extern const ZuctlCommand zuctl_sandbox_commands[];

/* zuctl-sandbox-find.c */
ZuSandboxBackend *zuctl_sandbox_open_backend (const char *name, GError **error);
ZuSandboxBackend *zuctl_sandbox_find (const char *id, GError **error);
GPtrArray *zuctl_sandbox_list_backends (void);

/* zuctl-sandbox-exec.c, zuctl-sandbox-tty.c, zuctl-sandbox-files.c */
int zuctl_sandbox_run_exec (const ZuctlCommand *command, GStrv words, GError **error);
int zuctl_sandbox_run_cp (const ZuctlCommand *command, GStrv words, GError **error);
int zuctl_sandbox_run_diff (const ZuctlCommand *command, GStrv words, GError **error);
int zuctl_sandbox_run_top (const ZuctlCommand *command, GStrv words, GError **error);

ZuExitStatus *zuctl_sandbox_exec_on_terminal (ZuSandboxBackend *backend, const char *id,
                                              ZuProcessSpec *process, GError **error);

/* zuctl-sandbox-tree.c: what is in one folder into another; at most that many bytes of files. */
gboolean zuctl_sandbox_put_tree (ZuSandboxBackend *backend, const char *id, const char *inside,
                                 const char *outside, guint64 max_size, GError **error);
gboolean zuctl_sandbox_get_tree (ZuSandboxBackend *backend, const char *id, const char *inside,
                                 const char *outside, guint64 max_size, GError **error);

G_END_DECLS
