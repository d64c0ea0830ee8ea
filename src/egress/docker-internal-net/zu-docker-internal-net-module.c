/* SPDX-License-Identifier: Apache-2.0 */

#include "zu-docker-internal-net.h"

G_MODULE_EXPORT void g_io_zu_egress_docker_internal_net_load (GIOModule *module);
G_MODULE_EXPORT void g_io_zu_egress_docker_internal_net_unload (GIOModule *module);
G_MODULE_EXPORT char **g_io_zu_egress_docker_internal_net_query (void);

void
g_io_zu_egress_docker_internal_net_load (GIOModule *module)
{
  g_type_module_use (G_TYPE_MODULE (module));
  g_io_extension_point_implement ("zu.egress_enforcement", ZU_TYPE_DOCKER_INTERNAL_NET,
                                  "docker-internal-net", 0);
}

void
g_io_zu_egress_docker_internal_net_unload (GIOModule *module)
{
}

char **
g_io_zu_egress_docker_internal_net_query (void)
{
  const char *points[] = { "zu.egress_enforcement", NULL };

  return g_strdupv ((char **) points);
}
