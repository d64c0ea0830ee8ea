/* SPDX-License-Identifier: Apache-2.0 */

#include "zuctl-command.h"
#include "zuctl-output.h"
#include "zuctl-table.h"

#include <string.h>

static char *
dup_text (ZuJson *object, const char *name)
{
  g_autoptr (ZuJson) member = zu_json_dup_member (object, name);

  if (member == NULL || zu_json_get_kind (member) == ZU_JSON_KIND_NULL)
    return NULL;
  if (zu_json_get_kind (member) == ZU_JSON_KIND_STRING)
    return g_strdup (zu_json_get_string (member, NULL));
  return zu_json_to_string (member);
}

static gboolean
has_true (ZuJson *object, const char *name)
{
  g_autoptr (ZuJson) member = zu_json_dup_member (object, name);

  return member != NULL && zu_json_get_kind (member) == ZU_JSON_KIND_BOOLEAN
         && zu_json_get_boolean (member);
}

/* "name: type or null = default": how a field reads in one line. */
static char *
dup_field (const char *name, ZuJson *field)
{
  g_autofree char *type = dup_text (field, "type");
  g_autoptr (ZuJson) preset = zu_json_dup_member (field, "default");
  g_autofree char *value = preset != NULL ? zu_json_to_string (preset) : NULL;

  return g_strdup_printf ("%s: %s%s%s%s", name, type != NULL ? type : "?",
                          has_true (field, "nullable") ? " or null" : "",
                          value != NULL ? " = " : "", value != NULL ? value : "");
}

static char *
dup_fields (ZuJson *fields)
{
  GString *out = g_string_new (NULL);

  for (gsize i = 0; fields != NULL && i < zu_json_get_size (fields); i++)
    {
      const char *name = zu_json_get_member_name (fields, i, NULL);
      g_autoptr (ZuJson) field = zu_json_dup_member (fields, name);
      g_autofree char *text = dup_field (name, field);

      g_string_append_printf (out, "%s%s", i > 0 ? ", " : "", text);
    }
  return g_string_free (out, FALSE);
}

/* The result: a record's name, or fields, or nothing. */
static char *
dup_result (ZuJson *method)
{
  g_autoptr (ZuJson) out = zu_json_dup_member (method, "out");

  if (out == NULL)
    return NULL;
  if (zu_json_get_kind (out) == ZU_JSON_KIND_STRING)
    return g_strdup (zu_json_get_string (out, NULL));
  return dup_fields (out);
}

static char *
dup_list (ZuJson *object, const char *name)
{
  g_autoptr (ZuJson) list = zu_json_dup_member (object, name);
  GString *out = g_string_new (NULL);

  for (gsize i = 0; list != NULL && i < zu_json_get_size (list); i++)
    {
      g_autoptr (ZuJson) element = zu_json_dup_element (list, i);

      g_string_append_printf (out, "%s%s", i > 0 ? ", " : "", zu_json_get_string (element, NULL));
    }
  return g_string_free (out, FALSE);
}

static void
print_method (const char *name, ZuJson *method)
{
  g_autoptr (ZuJson) in = zu_json_dup_member (method, "in");
  g_autofree char *arguments = dup_fields (in);
  g_autofree char *result = dup_result (method);
  g_autofree char *brief = dup_text (method, "brief");
  g_autofree char *errors = dup_list (method, "errors");

  zuctl_print ("\n  ");
  zuctl_set_style (ZUCTL_STYLE_TITLE);
  zuctl_print ("%s", name);
  zuctl_set_style (ZUCTL_STYLE_PLAIN);
  zuctl_print (" (%s)%s%s\n    %s\n", arguments, result != NULL ? " -> " : "",
               result != NULL ? result : "", brief);
  if (*errors != '\0')
    zuctl_print ("    refused with: %s\n", errors);
}

static void
print_methods (ZuJson *port)
{
  g_autoptr (ZuJson) methods = zu_json_dup_member (port, "methods");

  zuctl_print ("\nVerbs:\n");
  for (gsize i = 0; methods != NULL && i < zu_json_get_size (methods); i++)
    {
      const char *name = zu_json_get_member_name (methods, i, NULL);
      g_autoptr (ZuJson) method = zu_json_dup_member (methods, name);

      print_method (name, method);
    }
}

static void
print_errors (ZuJson *port)
{
  g_autoptr (ZuJson) errors = zu_json_dup_member (port, "errors");

  if (errors == NULL || zu_json_get_size (errors) == 0)
    return;

  zuctl_print ("\nErrors:\n");
  for (gsize i = 0; i < zu_json_get_size (errors); i++)
    {
      const char *name = zu_json_get_member_name (errors, i, NULL);
      g_autofree char *brief = dup_text (errors, name);

      zuctl_print ("  %-24s %s\n", name, brief);
    }
}

static void
print_port (const ZuPortInfo *info, ZuJson *port)
{
  g_autofree char *brief = dup_text (port, "brief");
  g_autofree char *description = dup_text (port, "description");

  zuctl_set_style (ZUCTL_STYLE_TITLE);
  zuctl_print ("%s", info->name);
  zuctl_set_style (ZUCTL_STYLE_PLAIN);
  zuctl_print (" (%s, major %u)\n%s\n", info->kind, info->major, brief);
  if (description != NULL)
    zuctl_print ("\n%s\n", g_strchomp (description));
  if (info->dbus_interface != NULL)
    zuctl_print ("\nOn D-Bus: %s at %s\n", info->dbus_interface->name, info->dbus_path);
  print_methods (port);
  print_errors (port);
}

static int
run_show (const ZuctlCommand *command, GStrv words, GError **error)
{
  gboolean is_json = FALSE;
  const GOptionEntry entries[] = { { "json", 0, 0, G_OPTION_ARG_NONE, &is_json,
                                     "The whole description, as JSON", NULL },
                                   G_OPTION_ENTRY_NULL };
  g_auto (ZuctlParsed) parsed = { 0 };
  g_autoptr (ZuJson) port = NULL;
  const ZuPortInfo *info;

  if (!zuctl_parse (command, words, entries, NULL, &parsed, error))
    return parsed.status;

  info = zu_port_lookup (parsed.rest[0]);
  if (info == NULL)
    {
      g_set_error (error, ZUCTL_FAILURE, ZUCTL_FAILURE_USAGE, "no such port: %s (see zuctl ports)",
                   parsed.rest[0]);
      return ZUCTL_ERROR;
    }

  port = zu_json_parse (info->description, -1, error);
  if (port == NULL)
    return ZUCTL_ERROR;
  if (is_json)
    zuctl_print_json (port);
  else
    print_port (info, port);
  return ZUCTL_DONE;
}

static char *
dup_verbs (const ZuPortInfo *info)
{
  GString *out = g_string_new (NULL);

  for (guint i = 0; i < info->n_methods; i++)
    g_string_append_printf (out, "%s%s", i > 0 ? " " : "", info->methods[i].name);
  return g_string_free (out, FALSE);
}

static ZuJson *
new_port_json (const ZuPortInfo *info, const char *brief)
{
  g_autoptr (ZuJsonBuilder) builder = zu_json_builder_new ();

  zu_json_builder_begin_object (builder);
  zu_json_builder_set_member (builder, "name");
  zu_json_builder_add_string (builder, info->name);
  zu_json_builder_set_member (builder, "kind");
  zu_json_builder_add_string (builder, info->kind);
  zu_json_builder_set_member (builder, "major");
  zu_json_builder_add_int64 (builder, info->major);
  zu_json_builder_set_member (builder, "brief");
  zu_json_builder_add_string (builder, brief);
  zu_json_builder_set_member (builder, "verbs");
  zu_json_builder_begin_array (builder);
  for (guint i = 0; i < info->n_methods; i++)
    zu_json_builder_add_string (builder, info->methods[i].name);
  zu_json_builder_end_array (builder);
  zu_json_builder_end_object (builder);
  return zu_json_builder_end (builder, NULL);
}

static void
print_ports (gboolean is_json)
{
  const char *const titles[] = { "NAME", "KIND", "MAJOR", "VERBS", NULL };
  g_autoptr (ZuctlTable) table = zuctl_table_new (titles);
  g_autoptr (GPtrArray) ports = zu_port_list ();

  for (guint i = 0; i < ports->len; i++)
    {
      const ZuPortInfo *info = g_ptr_array_index (ports, i);
      g_autofree char *major = g_strdup_printf ("%u", info->major);
      g_autofree char *verbs = dup_verbs (info);
      const char *cells[] = { info->name, info->kind, major, verbs };

      if (is_json)
        {
          g_autoptr (ZuJson) port = zu_json_parse (info->description, -1, NULL);
          g_autofree char *brief = dup_text (port, "brief");
          g_autoptr (ZuJson) json = new_port_json (info, brief);

          zuctl_print_json (json);
        }
      else
        zuctl_table_add (table, cells);
    }

  if (!is_json)
    zuctl_table_flush (table);
}

static int
run_ports (const ZuctlCommand *command, GStrv words, GError **error)
{
  gboolean is_json = FALSE;
  const GOptionEntry entries[] = { { "json", 0, 0, G_OPTION_ARG_NONE, &is_json,
                                     "One JSON object a port", NULL },
                                   G_OPTION_ENTRY_NULL };
  g_auto (ZuctlParsed) parsed = { 0 };

  if (!zuctl_parse (command, words, entries, NULL, &parsed, error))
    return parsed.status;

  print_ports (is_json);
  return ZUCTL_DONE;
}

const ZuctlCommand zuctl_port_commands[] = {
  { "ports", "", "List the ports", run_ports },
  { "ports show", "NAME", "Show a port as it is described", run_show, 1, 1 },
  { NULL },
};
