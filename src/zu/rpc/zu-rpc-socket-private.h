/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include <glib.h>
#include <sys/types.h>

G_BEGIN_DECLS

#pragma GCC visibility push(hidden)

void zu_rpc_socket_prepare (int fd);
int zu_rpc_socket_connect (const char *path, GError **error);
int zu_rpc_socket_listen (const char *path, GError **error);
gboolean zu_rpc_socket_get_peer (int fd, uid_t *uid, pid_t *pid);

#pragma GCC visibility pop

G_END_DECLS
