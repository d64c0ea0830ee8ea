/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include <gio/gio.h>

G_BEGIN_DECLS

/* Runs commands of nft(8) in the network namespace that NETNS is open on; the output is the
 * caller's. The caller's own namespace is left as it is. */
char *zu_nft_run (int netns, const char *commands, GError **error);

G_END_DECLS
