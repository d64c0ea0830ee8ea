/* SPDX-License-Identifier: Apache-2.0 */

#include "zu-mtls-identity.h"

G_MODULE_EXPORT void g_io_zu_identity_mtls_load (GIOModule *module);
G_MODULE_EXPORT void g_io_zu_identity_mtls_unload (GIOModule *module);
G_MODULE_EXPORT char **g_io_zu_identity_mtls_query (void);

void
g_io_zu_identity_mtls_load (GIOModule *module)
{
  g_type_module_use (G_TYPE_MODULE (module));
  g_io_extension_point_implement ("zu.workload_identity", ZU_TYPE_MTLS_IDENTITY, "mtls", 0);
}

void
g_io_zu_identity_mtls_unload (GIOModule *module)
{
}

char **
g_io_zu_identity_mtls_query (void)
{
  const char *points[] = { "zu.workload_identity", NULL };

  return g_strdupv ((char **) points);
}
