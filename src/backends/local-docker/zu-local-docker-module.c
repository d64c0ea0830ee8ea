/* SPDX-License-Identifier: Apache-2.0 */

#include "zu-local-docker-private.h"

G_MODULE_EXPORT void g_io_zu_backend_local_docker_load (GIOModule *module);
G_MODULE_EXPORT void g_io_zu_backend_local_docker_unload (GIOModule *module);
G_MODULE_EXPORT char **g_io_zu_backend_local_docker_query (void);

void
g_io_zu_backend_local_docker_load (GIOModule *module)
{
  g_type_module_use (G_TYPE_MODULE (module));
  g_io_extension_point_implement ("zu.backends", ZU_TYPE_LOCAL_DOCKER, ZU_LOCAL_DOCKER_NAME, 0);
}

void
g_io_zu_backend_local_docker_unload (GIOModule *module)
{
}

char **
g_io_zu_backend_local_docker_query (void)
{
  const char *points[] = { "zu.backends", NULL };

  return g_strdupv ((char **) points);
}
