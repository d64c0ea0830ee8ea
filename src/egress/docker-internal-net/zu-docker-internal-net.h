/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include <zu/zu.h>

G_BEGIN_DECLS

#define ZU_TYPE_DOCKER_INTERNAL_NET (zu_docker_internal_net_get_type ())
G_DECLARE_FINAL_TYPE (ZuDockerInternalNet, zu_docker_internal_net, ZU, DOCKER_INTERNAL_NET, GObject)

G_END_DECLS
