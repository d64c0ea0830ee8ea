/* SPDX-License-Identifier: Apache-2.0 */

#include "zu-scripted-instrument.h"

G_MODULE_EXPORT void g_io_zu_instrument_scripted_load (GIOModule *module);
G_MODULE_EXPORT void g_io_zu_instrument_scripted_unload (GIOModule *module);
G_MODULE_EXPORT char **g_io_zu_instrument_scripted_query (void);

void
g_io_zu_instrument_scripted_load (GIOModule *module)
{
  g_type_module_use (G_TYPE_MODULE (module));
  zu_scripted_instrument_register (G_TYPE_MODULE (module));
  g_io_extension_point_implement ("zu.instruments", ZU_TYPE_SCRIPTED_INSTRUMENT, "scripted", 0);
}

void
g_io_zu_instrument_scripted_unload (GIOModule *module)
{
}

char **
g_io_zu_instrument_scripted_query (void)
{
  const char *points[] = { "zu.instruments", NULL };

  return g_strdupv ((char **) points);
}
