/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include <glib.h>

G_BEGIN_DECLS

const char *zu_peer_get (void);
void zu_peer_set (const char *peer);
char *zu_peer_dup_user (guint uid);

G_END_DECLS
