/* SPDX-License-Identifier: Apache-2.0 */

#include "zu-peer.h"

/* Of each thread, as a main context can be. */
static GPrivate current = G_PRIVATE_INIT (g_free);

/**
 * zu_peer_get:
 *
 * Tells whom the call is for that this thread carries out.
 *
 * Whatever serves a port over a wire says so before it calls the implementation: `uid:` and the
 * number of the user whom the kernel or the bus names. An implementation asks within its verb, in
 * the thread that it was called in.
 *
 * Returns: (transfer none) (nullable): who, until the verb returns; %NULL where the call came from
 *   this process itself
 */
const char *
zu_peer_get (void)
{
  return g_private_get (&current);
}

/**
 * zu_peer_set: (skip)
 * @peer: (nullable): who; %NULL is this process itself
 *
 * Says whom the calls are for that this thread makes from now on. What goes out over a connection
 * of the socket contract takes it along; whether it is believed there is for the other side to say.
 */
void
zu_peer_set (const char *peer)
{
  if (peer != NULL || g_private_get (&current) != NULL)
    g_private_replace (&current, g_strdup (peer));
}

/**
 * zu_peer_dup_user: (skip)
 * @uid: a user's number
 *
 * Gives the text that stands for a user of this machine.
 *
 * Returns: (transfer full): `uid:` and the number
 */
char *
zu_peer_dup_user (guint uid)
{
  return g_strdup_printf ("uid:%u", uid);
}
