/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include <zu/zu.h>

G_BEGIN_DECLS

#define ZU_TYPE_LOCAL_DOCKER (zu_local_docker_get_type ())
G_DECLARE_FINAL_TYPE (ZuLocalDocker, zu_local_docker, ZU, LOCAL_DOCKER, GObject)

G_END_DECLS
