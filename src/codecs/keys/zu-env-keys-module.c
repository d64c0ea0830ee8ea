/* SPDX-License-Identifier: Apache-2.0 */

#include "zu-env-keys.h"

G_MODULE_EXPORT void g_io_zu_keys_env_load (GIOModule *module);
G_MODULE_EXPORT void g_io_zu_keys_env_unload (GIOModule *module);
G_MODULE_EXPORT char **g_io_zu_keys_env_query (void);

void
g_io_zu_keys_env_load (GIOModule *module)
{
  g_type_module_use (G_TYPE_MODULE (module));
  zu_env_keys_register (G_TYPE_MODULE (module));
  g_io_extension_point_implement ("zu.key_providers", ZU_TYPE_ENV_KEYS, "env", 0);
}

void
g_io_zu_keys_env_unload (GIOModule *module)
{
}

char **
g_io_zu_keys_env_query (void)
{
  const char *points[] = { "zu.key_providers", NULL };

  return g_strdupv ((char **) points);
}
