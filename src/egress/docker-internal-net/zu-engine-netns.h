/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "zu-docker-engine.h"

G_BEGIN_DECLS

/* The network namespace that an engine makes its bridges in. */
int zu_engine_netns_open (ZuDockerEngine *engine, GError **error);
gboolean zu_engine_netns_check_bridge (int netns, const char *bridge, GError **error);
int zu_engine_netns_listen (int netns, const char *address, guint port, GError **error);

G_END_DECLS
