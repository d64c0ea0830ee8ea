/* SPDX-License-Identifier: Apache-2.0 */

#include "zu-spiffe-identity.h"

G_MODULE_EXPORT void g_io_zu_identity_spiffe_load (GIOModule *module);
G_MODULE_EXPORT void g_io_zu_identity_spiffe_unload (GIOModule *module);
G_MODULE_EXPORT char **g_io_zu_identity_spiffe_query (void);

void
g_io_zu_identity_spiffe_load (GIOModule *module)
{
  g_type_module_use (G_TYPE_MODULE (module));
  g_io_extension_point_implement ("zu.workload_identity", ZU_TYPE_SPIFFE_IDENTITY, "spiffe", 0);
}

void
g_io_zu_identity_spiffe_unload (GIOModule *module)
{
}

char **
g_io_zu_identity_spiffe_query (void)
{
  const char *points[] = { "zu.workload_identity", NULL };

  return g_strdupv ((char **) points);
}
