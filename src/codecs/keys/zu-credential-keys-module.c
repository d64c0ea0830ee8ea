/* SPDX-License-Identifier: Apache-2.0 */

#include "zu-credential-keys.h"

G_MODULE_EXPORT void g_io_zu_keys_credentials_load (GIOModule *module);
G_MODULE_EXPORT void g_io_zu_keys_credentials_unload (GIOModule *module);
G_MODULE_EXPORT char **g_io_zu_keys_credentials_query (void);

void
g_io_zu_keys_credentials_load (GIOModule *module)
{
  g_type_module_use (G_TYPE_MODULE (module));
  zu_credential_keys_register (G_TYPE_MODULE (module));
  g_io_extension_point_implement ("zu.key_providers", ZU_TYPE_CREDENTIAL_KEYS, "credentials", 0);
}

void
g_io_zu_keys_credentials_unload (GIOModule *module)
{
}

char **
g_io_zu_keys_credentials_query (void)
{
  const char *points[] = { "zu.key_providers", NULL };

  return g_strdupv ((char **) points);
}
