/* SPDX-License-Identifier: Apache-2.0 */

#include "zuctl-sandbox.h"

#include "zuctl-input.h"
#include "zuctl-output.h"
#include "zuctl-table.h"

static void
print_id (const char *id, gboolean is_json)
{
  if (is_json)
    {
      g_autoptr (ZuJson) json = zuctl_new_json ("id", id, NULL);

      zuctl_print_json (json);
    }
  else
    zuctl_print ("%s\n", id);
}

static ZuLaunchSpec *
read_spec (const char *path, GError **error)
{
  g_autoptr (ZuJson) json = zuctl_read_json_file (path, error);
  g_autoptr (GError) why = NULL;
  ZuLaunchSpec *spec = json != NULL ? zu_launch_spec_new_from_json (json, &why) : NULL;

  if (why != NULL)
    g_set_error (error, ZUCTL_FAILURE, ZUCTL_FAILURE_INPUT, "cannot launch from %s: %s", path,
                 why->message);
  return spec;
}

static int
run_launch (const ZuctlCommand *command, GStrv words, GError **error)
{
  gboolean is_json = FALSE;
  g_autofree char *name = NULL, *path = NULL;
  const GOptionEntry entries[] = {
    { "backend", 0, 0, G_OPTION_ARG_STRING, &name, "The backend (default: bubblewrap)", "NAME" },
    { "spec", 0, 0, G_OPTION_ARG_FILENAME, &path, "A launch spec, as JSON", "FILE" },
    { "json", 0, 0, G_OPTION_ARG_NONE, &is_json, "Print a JSON object", NULL },
    G_OPTION_ENTRY_NULL
  };
  g_auto (ZuctlParsed) parsed = { 0 };
  g_autoptr (ZuLaunchSpec) spec = NULL;
  g_autoptr (ZuSandboxBackend) backend = NULL;
  g_autoptr (ZuSandbox) sandbox = NULL;

  if (!zuctl_parse (command, words, entries, NULL, &parsed, error))
    return parsed.status;
  spec = path != NULL ? read_spec (path, error) : g_object_new (ZU_TYPE_LAUNCH_SPEC, NULL);
  backend =
      spec != NULL ? zuctl_sandbox_open_backend (name != NULL ? name : "bubblewrap", error) : NULL;
  if (backend == NULL)
    return ZUCTL_DONE;

  sandbox = zu_sandbox_backend_launch (backend, spec, NULL, NULL, error);
  if (sandbox == NULL)
    g_prefix_error (error, "cannot launch a sandbox: ");
  else
    print_id (zu_sandbox_get_id (sandbox), is_json);
  return ZUCTL_DONE;
}

/* One that is gone already is no error, so whoever knows it is asked, and nobody else. */
static int
run_destroy (const ZuctlCommand *command, GStrv words, GError **error)
{
  const GOptionEntry entries[] = { G_OPTION_ENTRY_NULL };
  g_auto (ZuctlParsed) parsed = { 0 };

  if (!zuctl_parse (command, words, entries, NULL, &parsed, error))
    return parsed.status;

  for (guint i = 0; parsed.rest[i] != NULL; i++)
    {
      g_autoptr (ZuSandboxBackend) backend = zuctl_sandbox_find (parsed.rest[i], NULL);

      if (backend != NULL && !zu_sandbox_backend_destroy (backend, parsed.rest[i], NULL, error))
        {
          g_prefix_error (error, "cannot destroy %s: ", parsed.rest[i]);
          return ZUCTL_DONE;
        }
    }
  return ZUCTL_DONE;
}

static void
print_sandbox (ZuctlTable *table, ZuSandbox *sandbox, gboolean is_json)
{
  const char *cells[] = {
    zu_sandbox_get_id (sandbox),      zu_sandbox_get_backend (sandbox),
    zu_sandbox_get_created (sandbox), zu_sandbox_get_live (sandbox) ? "live" : "left behind",
    zu_sandbox_get_run (sandbox),     zu_sandbox_get_image (sandbox)
  };

  if (is_json)
    {
      g_autoptr (ZuJson) json = zu_sandbox_to_json (sandbox);

      zuctl_print_json (json);
    }
  else
    zuctl_table_add (table, cells);
}

static gboolean
is_json_asked (const ZuctlCommand *command, GStrv words, gboolean *is_json, ZuctlParsed *parsed,
               GError **error)
{
  const GOptionEntry entries[] = { { "json", 0, 0, G_OPTION_ARG_NONE, is_json,
                                     "One JSON object a line", NULL },
                                   G_OPTION_ENTRY_NULL };

  return zuctl_parse (command, words, entries, NULL, parsed, error);
}

static int
run_ls (const ZuctlCommand *command, GStrv words, GError **error)
{
  const char *const titles[] = { "ID", "BACKEND", "CREATED", "STATE", "RUN", "IMAGE", NULL };
  g_autoptr (ZuctlTable) table = zuctl_table_new (titles);
  g_auto (ZuctlParsed) parsed = { 0 };
  g_autoptr (GPtrArray) backends = NULL;
  gboolean is_json = FALSE;

  if (!is_json_asked (command, words, &is_json, &parsed, error))
    return parsed.status;

  backends = zuctl_sandbox_list_backends ();
  for (guint i = 0; i < backends->len; i++)
    {
      g_autoptr (GPtrArray) sandboxes = zu_sandbox_backend_list (backends->pdata[i], NULL, NULL);

      for (guint k = 0; sandboxes != NULL && k < sandboxes->len; k++)
        print_sandbox (table, sandboxes->pdata[k], is_json);
    }
  if (!is_json)
    zuctl_table_flush (table);
  return ZUCTL_DONE;
}

static int
run_gc (const ZuctlCommand *command, GStrv words, GError **error)
{
  g_auto (ZuctlParsed) parsed = { 0 };
  g_autoptr (GPtrArray) backends = NULL;
  gboolean is_json = FALSE;

  if (!is_json_asked (command, words, &is_json, &parsed, error))
    return parsed.status;

  backends = zuctl_sandbox_list_backends ();
  for (guint i = 0; i < backends->len && (error == NULL || *error == NULL); i++)
    {
      g_autoptr (GError) why = NULL;
      g_auto (GStrv) ids = zu_sandbox_backend_reclaim (backends->pdata[i], NULL, &why);

      for (guint k = 0; ids != NULL && ids[k] != NULL; k++)
        print_id (ids[k], is_json);
      if (why != NULL && !g_error_matches (why, G_IO_ERROR, G_IO_ERROR_NOT_SUPPORTED))
        g_propagate_prefixed_error (error, g_steal_pointer (&why), "cannot collect everything: ");
    }
  return ZUCTL_DONE;
}

const ZuctlCommand zuctl_sandbox_commands[] = {
  { "sandbox launch", "[--spec FILE]", "Make a sandbox that stays until it is destroyed",
    run_launch, 0, 0 },
  { "sandbox exec", "ID -- CMD...", "Run a command in a sandbox", zuctl_sandbox_run_exec, 2,
    G_MAXUINT },
  { "sandbox cp", "SOURCE DESTINATION", "Copy a file or a folder into a sandbox or out of it",
    zuctl_sandbox_run_cp, 2, 2 },
  { "sandbox diff", "ID", "List what was changed in a sandbox", zuctl_sandbox_run_diff, 1, 1 },
  { "sandbox top", "ID", "List what runs in a sandbox", zuctl_sandbox_run_top, 1, 1 },
  { "sandbox destroy", "ID...", "End sandboxes and everything in them", run_destroy, 1, G_MAXUINT },
  { "sandbox ls", "", "List the sandboxes of this user", run_ls },
  { "sandbox gc", "", "Remove what killed processes have left behind", run_gc },
  { NULL },
};
