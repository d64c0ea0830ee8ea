/* SPDX-License-Identifier: Apache-2.0 */

#include "zu-grant-broker.h"

G_MODULE_EXPORT void g_io_zu_channel_grant_broker_load (GIOModule *module);
G_MODULE_EXPORT void g_io_zu_channel_grant_broker_unload (GIOModule *module);
G_MODULE_EXPORT char **g_io_zu_channel_grant_broker_query (void);

void
g_io_zu_channel_grant_broker_load (GIOModule *module)
{
  g_type_module_use (G_TYPE_MODULE (module));
  zu_grant_broker_register (G_TYPE_MODULE (module));
  g_io_extension_point_implement ("zu.channels", ZU_TYPE_GRANT_BROKER, "grant-broker", 0);
}

void
g_io_zu_channel_grant_broker_unload (GIOModule *module)
{
}

char **
g_io_zu_channel_grant_broker_query (void)
{
  const char *points[] = { "zu.channels", NULL };

  return g_strdupv ((char **) points);
}
