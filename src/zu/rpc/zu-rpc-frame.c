/* SPDX-License-Identifier: Apache-2.0 */

#include "zu-rpc-stream-private.h"

#include <string.h>

/**
 * ZuRpcError:
 * @ZU_RPC_ERROR_CLOSED: the peer is gone; what was in flight may or may not have been done
 * @ZU_RPC_ERROR_REMOTE: the peer answered with an error; the message is exactly its text
 * @ZU_RPC_ERROR_TOO_LARGE: a frame is larger than [const@Zu.RPC_FRAME_MAX]
 * @ZU_RPC_ERROR_MALFORMED: a frame holds no JSON object
 * @ZU_RPC_ERROR_ADDRESS: a socket cannot be made, or reached, at a path
 *
 * What can go wrong between two ends of the socket contract.
 */

/**
 * zu_rpc_error_quark:
 *
 * Gives the error domain of [error@Zu.RpcError].
 *
 * Returns: the error domain of [error@Zu.RpcError]
 */
G_DEFINE_QUARK (zu_rpc_error_quark, zu_rpc_error)

/* Reads the length in front of a frame, and refuses it before anything is read. */
gboolean
zu_rpc_frame_check_header (const guint8 header[ZU_RPC_HEADER_SIZE], gsize *size, GError **error)
{
  guint32 length;

  memcpy (&length, header, sizeof length);
  *size = GUINT32_FROM_BE (length);
  if (*size <= ZU_RPC_FRAME_MAX)
    return TRUE;

  g_set_error (error, ZU_RPC_ERROR, ZU_RPC_ERROR_TOO_LARGE,
               "a frame of %" G_GSIZE_FORMAT " bytes is larger than the %d that are allowed", *size,
               ZU_RPC_FRAME_MAX);
  return FALSE;
}

/**
 * zu_rpc_frame_encode:
 * @body: the JSON value to send
 * @error: return location for an error
 *
 * Makes a frame: the length of the body as four bytes, most significant first, and the body as
 * JSON in UTF-8.
 *
 * Errors: [error@Zu.RpcError] TOO_LARGE.
 *
 * Returns: (transfer full): the frame
 */
GBytes *
zu_rpc_frame_encode (ZuJson *body, GError **error)
{
  g_autofree char *text = NULL;
  guint32 length;
  guint8 *frame;
  gsize size;

  g_return_val_if_fail (body != NULL, NULL);

  text = zu_json_to_string (body);
  size = strlen (text);
  length = GUINT32_TO_BE ((guint32) MIN (size, G_MAXUINT32));
  if (!zu_rpc_frame_check_header ((const guint8 *) &length, &size, error))
    return NULL;

  frame = g_malloc (ZU_RPC_HEADER_SIZE + size);
  memcpy (frame, &length, ZU_RPC_HEADER_SIZE);
  memcpy (frame + ZU_RPC_HEADER_SIZE, text, size);
  return g_bytes_new_take (frame, ZU_RPC_HEADER_SIZE + size);
}

/**
 * zu_rpc_frame_decode:
 * @bytes: (array length=size): what came from a peer
 * @size: how many bytes
 * @used: (out) (optional): how many of them the frame took
 * @error: return location for an error
 *
 * Reads the first frame of some bytes.
 *
 * Errors: [error@Zu.RpcError] CLOSED where the bytes end before the frame does, TOO_LARGE,
 * MALFORMED.
 *
 * Returns: (transfer full): the body
 */
ZuJson *
zu_rpc_frame_decode (const guint8 *bytes, gsize size, gsize *used, GError **error)
{
  gsize length;

  g_return_val_if_fail (bytes != NULL || size == 0, NULL);

  if (size >= ZU_RPC_HEADER_SIZE && !zu_rpc_frame_check_header (bytes, &length, error))
    return NULL;
  if (size < ZU_RPC_HEADER_SIZE || size - ZU_RPC_HEADER_SIZE < length)
    {
      g_set_error (error, ZU_RPC_ERROR, ZU_RPC_ERROR_CLOSED,
                   "the frame ends after %" G_GSIZE_FORMAT " bytes", size);
      return NULL;
    }
  if (used != NULL)
    *used = ZU_RPC_HEADER_SIZE + length;
  return zu_rpc_frame_parse ((const char *) bytes + ZU_RPC_HEADER_SIZE, length, error);
}

ZuJson *
zu_rpc_frame_parse (const char *body, gsize size, GError **error)
{
  g_autoptr (GError) reason = NULL;
  ZuJson *json = zu_json_parse (body, (gssize) size, &reason);

  if (json == NULL)
    g_set_error (error, ZU_RPC_ERROR, ZU_RPC_ERROR_MALFORMED, "a frame holds no JSON: %s",
                 reason->message);
  return json;
}
