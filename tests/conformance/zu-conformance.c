/* SPDX-License-Identifier: Apache-2.0 */

#include "conform-case.h"

#include <gio/gio.h>
#include <glib/gstdio.h>
#include <locale.h>
#include <stdio.h>
#include <stdlib.h>

/* What the command line says. */
typedef struct
{
  char *kind;
  char *name;
  char *port;
  char **options;
  char **plugins;
} Options;

/* In an option's value this is a folder of the case's own, which is removed after it. */
#define FOLDER "{tmp}"

static gboolean
check_form (char **given, const char *needed, GError **error)
{
  for (guint i = 0; given != NULL && given[i] != NULL; i++)
    if (strchr (given[i], '=') == NULL || strstr (given[i], needed) == NULL)
      {
        g_set_error (error, G_OPTION_ERROR, G_OPTION_ERROR_BAD_VALUE,
                     "'%s' is not of the form K=V or K=KIND/NAME", given[i]);
        return FALSE;
      }

  return TRUE;
}

static gboolean
parse_options (Options *options, int argc, char **argv, GError **error)
{
  const GOptionEntry entries[] = {
    { "kind", 0, 0, G_OPTION_ARG_STRING, &options->kind, "The extension point", "KIND" },
    { "name", 0, 0, G_OPTION_ARG_STRING, &options->name, "The plugin's registered name", "NAME" },
    { "port", 0, 0, G_OPTION_ARG_STRING, &options->port, "One port; all of the kind otherwise",
      "PORT" },
    { "option", 0, 0, G_OPTION_ARG_STRING_ARRAY, &options->options,
      "A construct option of the plugin; {tmp} in it is a fresh folder", "K=V" },
    { "plugin", 0, 0, G_OPTION_ARG_STRING_ARRAY, &options->plugins,
      "A construct option whose value is another plugin", "K=KIND/NAME" },
    { NULL }
  };
  g_autoptr (GOptionContext) context =
      g_option_context_new ("- run the contract tests of a port against a plugin");

  g_option_context_add_main_entries (context, entries, NULL);
  if (!g_option_context_parse (context, &argc, &argv, error))
    return FALSE;

  if (argc > 1 || options->kind == NULL || options->name == NULL)
    {
      g_set_error_literal (error, G_OPTION_ERROR, G_OPTION_ERROR_BAD_VALUE,
                           "--kind and --name are needed, and nothing else (see --help)");
      return FALSE;
    }

  return check_form (options->options, "=", error) && check_form (options->plugins, "/", error);
}

static char *
fill_in_folder (const char *value, const char *folder)
{
  g_auto (GStrv) parts = g_strsplit (value, FOLDER, -1);

  return g_strjoinv (folder, parts);
}

static ZuJson *
options_to_json (char **options, const char *folder)
{
  g_autoptr (ZuJsonBuilder) builder = zu_json_builder_new ();

  zu_json_builder_begin_object (builder);
  for (guint i = 0; options != NULL && options[i] != NULL; i++)
    {
      const char *equals = strchr (options[i], '=');
      g_autofree char *name = g_strndup (options[i], (gsize) (equals - options[i]));
      g_autofree char *value = fill_in_folder (equals + 1, folder);

      zu_json_builder_set_member (builder, name);
      zu_json_builder_add_string (builder, value);
    }
  zu_json_builder_end_object (builder);

  return zu_json_builder_end (builder, NULL);
}

static void
remove_folder (const char *path)
{
  g_autoptr (GDir) dir = g_dir_open (path, 0, NULL);
  const char *name;

  while (dir != NULL && (name = g_dir_read_name (dir)) != NULL)
    {
      g_autofree char *child = g_build_filename (path, name, NULL);

      if (g_file_test (child, G_FILE_TEST_IS_DIR) && !g_file_test (child, G_FILE_TEST_IS_SYMLINK))
        remove_folder (child);
      else
        g_unlink (child);
    }
  g_rmdir (path);
}

static GObject *
create_plugin (const char *option, GError **error)
{
  const char *kind = strchr (option, '=') + 1;
  const char *slash = strchr (kind, '/');
  g_autofree char *just_kind = g_strndup (kind, slash != NULL ? (gsize) (slash - kind) : 0);

  return zu_registry_create (zu_registry_get_default (), just_kind, NULL,
                             slash != NULL ? slash + 1 : "", NULL, NULL, error);
}

static GObject *
create_object (const Options *options, ConformCase *test, const char *folder, GError **error)
{
  g_autoptr (ZuJson) construct = options_to_json (options->options, folder);
  guint n = options->plugins != NULL ? g_strv_length (options->plugins) : 0;
  g_autofree GValue *values = g_new0 (GValue, n + 1);
  g_autoptr (GPtrArray) names = g_ptr_array_new_with_free_func (g_free);
  GObject *object = NULL;

  for (guint i = 0; i < n; i++)
    {
      const char *option = options->plugins[i];
      g_autoptr (GObject) plugin = create_plugin (option, error);

      if (plugin == NULL)
        break;
      g_value_init (&values[i], G_OBJECT_TYPE (plugin));
      g_value_set_object (&values[i], plugin);
      g_ptr_array_add (names, g_strndup (option, (gsize) (strchr (option, '=') - option)));
    }

  if (names->len == n)
    object = zu_registry_create_full (zu_registry_get_default (), options->kind, test->port->name,
                                      options->name, construct, n, (const char **) names->pdata,
                                      values, NULL, error);
  zu_values_clear (values, n);

  return object;
}

static gboolean
run_case (const Options *options, ConformCase *test, GError **error)
{
  g_autofree char *folder = g_dir_make_tmp ("zu-conformance-XXXXXX", error);
  g_autoptr (GObject) object = NULL;
  gboolean passed = FALSE;

  if (folder == NULL)
    return FALSE;

  object = create_object (options, test, folder, error);
  if (object != NULL)
    passed = conform_case_run (test, object, error);
  g_clear_object (&object);
  remove_folder (folder);

  return passed;
}

/* Whether there is such a plugin of a port; the generic Channel reaches narrow ones, too. */
static gboolean
has_plugin (const Options *options, const ZuPortInfo *port, GError **error)
{
  ZuRegistry *registry = zu_registry_get_default ();
  g_autoptr (GPtrArray) ports = zu_port_list ();

  if (zu_registry_lookup (registry, options->kind, port->name, options->name, error)
      != G_TYPE_INVALID)
    return TRUE;
  if (strcmp (port->name, "Channel") != 0)
    return FALSE;

  for (guint i = 0; i < ports->len; i++)
    {
      const ZuPortInfo *narrow = g_ptr_array_index (ports, i);

      if (narrow->has_channel && strcmp (narrow->kind, options->kind) == 0
          && zu_registry_lookup (registry, options->kind, narrow->name, options->name, NULL)
                 != G_TYPE_INVALID)
        return TRUE;
    }

  return FALSE;
}

/* The cases of every port of the kind that has a plugin of that name. */
static GPtrArray *
gather_cases (const Options *options, GError **error)
{
  g_autoptr (GPtrArray) cases = g_ptr_array_new_with_free_func ((GDestroyNotify) conform_case_free);
  g_autoptr (GPtrArray) ports = NULL;
  gboolean found = FALSE;

  /* A port from elsewhere is known once the plugin's module is loaded. */
  zu_registry_lookup (zu_registry_get_default (), options->kind, options->port, options->name,
                      NULL);
  ports = zu_port_list ();

  for (guint i = 0; i < ports->len; i++)
    {
      const ZuPortInfo *port = g_ptr_array_index (ports, i);
      g_autoptr (GPtrArray) more = NULL;

      if (strcmp (port->kind, options->kind) != 0
          || (options->port != NULL && strcmp (port->name, options->port) != 0))
        continue;
      g_clear_error (error);
      if (!has_plugin (options, port, error))
        continue;

      found = TRUE;
      more = conform_list_cases (port, error);
      if (more == NULL)
        return NULL;
      g_ptr_array_extend_and_steal (cases, g_steal_pointer (&more));
    }

  if (!found)
    {
      if (error != NULL && *error == NULL)
        g_set_error (error, G_IO_ERROR, G_IO_ERROR_NOT_FOUND, "there is no port of the kind %s",
                     options->kind);
      return NULL;
    }

  g_clear_error (error);
  return g_steal_pointer (&cases);
}

static void
print_reason (const char *message)
{
  g_auto (GStrv) lines = g_strsplit (message, "\n", -1);

  for (char **line = lines; *line != NULL; line++)
    printf ("# %s\n", *line);
}

int
main (int argc, char **argv)
{
  Options options = { NULL };
  g_autoptr (GError) error = NULL;
  g_autoptr (GPtrArray) cases = NULL;
  guint failed = 0;

  setlocale (LC_ALL, "");
  if (!parse_options (&options, argc, argv, &error))
    {
      fprintf (stderr, "zu-conformance: %s\n", error->message);
      return 2;
    }

  cases = gather_cases (&options, &error);
  if (cases == NULL)
    {
      printf ("Bail out! %s\n", error->message);
      fprintf (stderr, "zu-conformance: cannot test %s: %s\n", options.name, error->message);
      return 2;
    }

  printf ("1..%u\n", cases->len);
  for (guint i = 0; i < cases->len; i++)
    {
      ConformCase *test = g_ptr_array_index (cases, i);
      g_autoptr (GError) reason = NULL;
      gboolean passed = run_case (&options, test, &reason);

      printf ("%s %u - %s\n", passed ? "ok" : "not ok", i + 1, test->name);
      if (!passed)
        {
          failed++;
          print_reason (reason->message);
        }
      fflush (stdout);
    }

  return failed == 0 ? 0 : 1;
}
