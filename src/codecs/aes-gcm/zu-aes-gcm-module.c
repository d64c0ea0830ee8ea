/* SPDX-License-Identifier: Apache-2.0 */

#include "zu-aes-gcm-codec.h"

G_MODULE_EXPORT void g_io_zu_codec_aes_gcm_load (GIOModule *module);
G_MODULE_EXPORT void g_io_zu_codec_aes_gcm_unload (GIOModule *module);
G_MODULE_EXPORT char **g_io_zu_codec_aes_gcm_query (void);

void
g_io_zu_codec_aes_gcm_load (GIOModule *module)
{
  g_type_module_use (G_TYPE_MODULE (module));
  zu_aes_gcm_codec_register (G_TYPE_MODULE (module));
  g_io_extension_point_implement ("zu.codecs", ZU_TYPE_AES_GCM_CODEC, "aes-gcm", 0);
}

void
g_io_zu_codec_aes_gcm_unload (GIOModule *module)
{
}

char **
g_io_zu_codec_aes_gcm_query (void)
{
  const char *points[] = { "zu.codecs", NULL };

  return g_strdupv ((char **) points);
}
