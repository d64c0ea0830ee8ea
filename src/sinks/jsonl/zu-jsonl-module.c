/* SPDX-License-Identifier: Apache-2.0 */

#include "zu-jsonl-sink.h"

G_MODULE_EXPORT void g_io_zu_sink_jsonl_load (GIOModule *module);
G_MODULE_EXPORT void g_io_zu_sink_jsonl_unload (GIOModule *module);
G_MODULE_EXPORT char **g_io_zu_sink_jsonl_query (void);

void
g_io_zu_sink_jsonl_load (GIOModule *module)
{
  g_type_module_use (G_TYPE_MODULE (module));
  g_io_extension_point_implement ("zu.sinks", ZU_TYPE_JSONL_SINK, "jsonl", 0);
}

void
g_io_zu_sink_jsonl_unload (GIOModule *module)
{
}

char **
g_io_zu_sink_jsonl_query (void)
{
  const char *points[] = { "zu.sinks", NULL };

  return g_strdupv ((char **) points);
}
