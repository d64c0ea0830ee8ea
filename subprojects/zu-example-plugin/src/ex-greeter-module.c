/* SPDX-License-Identifier: Apache-2.0 */

#include "ex-friendly-greeter.h"

G_MODULE_EXPORT void g_io_ex_greeter_friendly_load (GIOModule *module);
G_MODULE_EXPORT void g_io_ex_greeter_friendly_unload (GIOModule *module);
G_MODULE_EXPORT char **g_io_ex_greeter_friendly_query (void);

void
g_io_ex_greeter_friendly_load (GIOModule *module)
{
  /* Types of a module stay; it is never unloaded. */
  g_type_module_use (G_TYPE_MODULE (module));
  /* The port is not one of zu's own, so it is made known first, and its extension point with it. */
  zu_port_register (ex_greeter_get_port_info ());
  g_io_extension_point_implement ("ex.greeters", EX_TYPE_FRIENDLY_GREETER, "friendly", 0);
}

void
g_io_ex_greeter_friendly_unload (GIOModule *module)
{
}

char **
g_io_ex_greeter_friendly_query (void)
{
  const char *points[] = { "ex.greeters", NULL };

  return g_strdupv ((char **) points);
}
