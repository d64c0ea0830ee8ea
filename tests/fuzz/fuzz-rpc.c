/* SPDX-License-Identifier: Apache-2.0 */

/* Any bytes from a peer: a frame that is read is written as one that is read as the same; a server
 * answers each request that it can read, and ends; a client takes them for replies, and ends. */

#include "fuzz.h"

#include <zu/zu.h>

#include <sys/socket.h>
#include <unistd.h>

#define MAX_SIZE (16 * 1024) /* what a socket holds without a reader */

static void
check_decode (const guint8 *data, gsize size)
{
  gsize used;
  g_autoptr (ZuJson) body = zu_rpc_frame_decode (data, size, &used, NULL);
  g_autoptr (ZuJson) again = NULL;
  g_autoptr (GBytes) frame = NULL;

  if (body == NULL)
    return;
  g_assert_cmpuint (used, <=, size);
  frame = zu_rpc_frame_encode (body, NULL);
  if (frame == NULL)
    return; /* escapes can make it longer than a frame may be */
  again =
      zu_rpc_frame_decode (g_bytes_get_data (frame, NULL), g_bytes_get_size (frame), &used, NULL);
  g_assert_cmpuint (used, ==, g_bytes_get_size (frame));
  g_assert_true (zu_json_equal (again, body));
}

/* One end of a socket pair, at the other end of which the bytes were sent, and no more will be. */
static int
socket_with (const guint8 *data, gsize size, int *other)
{
  int ends[2];

  g_assert_cmpint (socketpair (AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends), ==, 0);
  if (size > 0)
    g_assert_cmpint (send (ends[0], data, size, MSG_NOSIGNAL), ==, (gssize) size);
  g_assert_cmpint (shutdown (ends[0], SHUT_WR), ==, 0);
  *other = ends[0];
  return ends[1];
}

static ZuJson *
refuse (const char *method, ZuJson *args, GCancellable *cancellable, gpointer data, GError **error)
{
  g_set_error_literal (error, G_IO_ERROR, G_IO_ERROR_FAILED, "no");
  return NULL;
}

int
LLVMFuzzerTestOneInput (const guint8 *data, gsize size)
{
  g_autoptr (ZuRpcServer) server = zu_rpc_server_new (refuse, NULL, NULL);
  g_autoptr (ZuRpcClient) client = NULL;
  g_autoptr (ZuJson) result = NULL;
  int other;

  size = MIN (size, (gsize) MAX_SIZE);
  check_decode (data, size);

  zu_rpc_server_serve_fd (server, socket_with (data, size, &other), NULL, NULL);
  close (other);

  client = zu_rpc_client_new_for_fd (socket_with (data, size, &other));
  result = zu_rpc_client_call (client, "m", NULL, NULL, NULL);
  close (other);
  return 0;
}
