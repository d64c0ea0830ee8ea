/* SPDX-License-Identifier: Apache-2.0 */

#include <zu/zu.h>

G_MODULE_EXPORT void g_io_zu_codec_identity_load (GIOModule *module);
G_MODULE_EXPORT void g_io_zu_codec_identity_unload (GIOModule *module);
G_MODULE_EXPORT char **g_io_zu_codec_identity_query (void);

void
g_io_zu_codec_identity_load (GIOModule *module)
{
  g_type_module_use (G_TYPE_MODULE (module));
  g_io_extension_point_implement ("zu.codecs", ZU_TYPE_IDENTITY_CODEC, "identity", 0);
}

void
g_io_zu_codec_identity_unload (GIOModule *module)
{
}

char **
g_io_zu_codec_identity_query (void)
{
  const char *points[] = { "zu.codecs", NULL };

  return g_strdupv ((char **) points);
}
