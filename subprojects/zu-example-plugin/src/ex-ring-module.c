/* SPDX-License-Identifier: Apache-2.0 */

#include "ex-ring-sink.h"

G_MODULE_EXPORT void g_io_ex_sink_ring_load (GIOModule *module);
G_MODULE_EXPORT void g_io_ex_sink_ring_unload (GIOModule *module);
G_MODULE_EXPORT char **g_io_ex_sink_ring_query (void);

void
g_io_ex_sink_ring_load (GIOModule *module)
{
  g_type_module_use (G_TYPE_MODULE (module));
  g_io_extension_point_implement ("zu.sinks", EX_TYPE_RING_SINK, "ring", 0);
}

void
g_io_ex_sink_ring_unload (GIOModule *module)
{
}

char **
g_io_ex_sink_ring_query (void)
{
  const char *points[] = { "zu.sinks", NULL };

  return g_strdupv ((char **) points);
}
