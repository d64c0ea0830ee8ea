/* SPDX-License-Identifier: Apache-2.0 */

#include "zuctl-command.h"
#include "zuctl-output.h"
#include "zuctl-table.h"

static const char *
get_status (ZuPluginInfo *info)
{
  g_autoptr (GEnumClass) klass = g_type_class_ref (ZU_TYPE_PLUGIN_STATUS);
  GEnumValue *value = g_enum_get_value (klass, zu_plugin_info_get_status (info));

  return value != NULL ? value->value_nick : NULL;
}

static void
add_row (ZuctlTable *table, ZuPluginInfo *info)
{
  const char *cells[] = { zu_plugin_info_get_kind (info),      zu_plugin_info_get_port (info),
                          zu_plugin_info_get_name (info),      get_status (info),
                          zu_plugin_info_get_type_name (info), zu_plugin_info_get_module (info),
                          zu_plugin_info_get_error (info) };

  zuctl_table_add (table, cells);
}

static void
print_plugins (GPtrArray *plugins, gboolean is_json)
{
  const char *const titles[] = {
    "KIND", "PORT", "NAME", "STATUS", "TYPE", "MODULE", "ERROR", NULL
  };
  g_autoptr (ZuctlTable) table = zuctl_table_new (titles);

  for (guint i = 0; i < plugins->len; i++)
    {
      ZuPluginInfo *info = g_ptr_array_index (plugins, i);

      if (is_json)
        {
          g_autoptr (ZuJson) json = zu_plugin_info_to_json (info);

          zuctl_print_json (json);
        }
      else
        add_row (table, info);
    }

  if (!is_json)
    zuctl_table_flush (table);
}

static int
run_plugins (const ZuctlCommand *command, GStrv words, GError **error)
{
  gboolean is_json = FALSE;
  const GOptionEntry entries[] = { { "json", 0, 0, G_OPTION_ARG_NONE, &is_json,
                                     "One JSON object a plugin", NULL },
                                   G_OPTION_ENTRY_NULL };
  g_auto (ZuctlParsed) parsed = { 0 };
  g_autoptr (GPtrArray) plugins = NULL;

  if (!zuctl_parse (command, words, entries, NULL, &parsed, error))
    return parsed.status;

  plugins = zu_registry_list (zu_registry_get_default ());
  print_plugins (plugins, is_json);
  return ZUCTL_DONE;
}

const ZuctlCommand zuctl_plugin_commands[] = {
  { "plugins", "", "List what is registered, and what failed to load", run_plugins },
  { NULL },
};
