/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "../event/zu-json.h"

G_BEGIN_DECLS

#define ZU_RPC_ERROR (zu_rpc_error_quark ())

/**
 * ZU_RPC_FRAME_MAX:
 *
 * The most bytes that the body of a frame may have; a longer one is refused before it is read.
 */
#define ZU_RPC_FRAME_MAX (16 * 1024 * 1024)

typedef enum
{
  ZU_RPC_ERROR_CLOSED,
  ZU_RPC_ERROR_REMOTE,
  ZU_RPC_ERROR_TOO_LARGE,
  ZU_RPC_ERROR_MALFORMED,
  ZU_RPC_ERROR_ADDRESS,
} ZuRpcError;

GQuark zu_rpc_error_quark (void);

GBytes *zu_rpc_frame_encode (ZuJson *body, GError **error);
ZuJson *zu_rpc_frame_decode (const guint8 *bytes, gsize size, gsize *used, GError **error);

G_END_DECLS
