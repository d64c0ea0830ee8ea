/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "zu-rpc-server.h"

G_BEGIN_DECLS

ZuRpcServer *zu_rpc_server_new_for_port (GObject *object, const char *port);

G_END_DECLS
