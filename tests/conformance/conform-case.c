/* SPDX-License-Identifier: Apache-2.0 */

#include "conform-case.h"

#include "conform-match.h"

#include <gio/gio.h>

void
conform_case_free (ConformCase *self)
{
  g_free (self->name);
  g_clear_pointer (&self->steps, zu_json_unref);
  g_free (self);
}

static void
add_case (GPtrArray *cases, const ZuPortInfo *port, char *name, ZuJson *steps)
{
  ConformCase *added = g_new0 (ConformCase, 1);

  added->port = port;
  added->name = name;
  added->steps = steps;
  g_ptr_array_add (cases, added);
}

/* An example is a scenario of one step, whose verb is the one it stands under. */
static ZuJson *
wrap_example (ZuJson *example, const char *verb)
{
  g_autoptr (ZuJsonBuilder) builder = zu_json_builder_new ();

  zu_json_builder_begin_array (builder);
  zu_json_builder_begin_object (builder);
  zu_json_builder_set_member (builder, "call");
  zu_json_builder_add_string (builder, verb);
  for (gsize i = 0; i < zu_json_get_size (example); i++)
    {
      const char *name = zu_json_get_member_name (example, i, NULL);
      g_autoptr (ZuJson) member = zu_json_dup_member (example, name);

      zu_json_builder_set_member (builder, name);
      zu_json_builder_add_json (builder, member);
    }
  zu_json_builder_end_object (builder);
  zu_json_builder_end_array (builder);

  return zu_json_builder_end (builder, NULL);
}

static void
add_examples (GPtrArray *cases, const ZuPortInfo *port, ZuJson *methods)
{
  for (gsize i = 0; i < zu_json_get_size (methods); i++)
    {
      const char *verb = zu_json_get_member_name (methods, i, NULL);
      g_autoptr (ZuJson) method = zu_json_dup_member (methods, verb);
      g_autoptr (ZuJson) examples = zu_json_dup_member (method, "examples");

      for (gsize j = 0; examples != NULL && j < zu_json_get_size (examples); j++)
        {
          g_autoptr (ZuJson) example = zu_json_dup_element (examples, j);

          add_case (cases, port,
                    g_strdup_printf ("%s.%s example %" G_GSIZE_FORMAT, port->name, verb, j + 1),
                    wrap_example (example, verb));
        }
    }
}

/* The contract tests that stand in a port's description. */
GPtrArray *
conform_list_cases (const ZuPortInfo *port, GError **error)
{
  g_autoptr (GPtrArray) cases = g_ptr_array_new_with_free_func ((GDestroyNotify) conform_case_free);
  g_autoptr (ZuJson) description = zu_json_parse (port->description, -1, error);
  g_autoptr (ZuJson) methods = NULL;
  g_autoptr (ZuJson) scenarios = NULL;

  if (description == NULL)
    return NULL;

  /* That it can be made at all is asked of every plugin. */
  add_case (cases, port, g_strdup_printf ("%s is made", port->name),
            zu_json_parse ("[]", -1, NULL));
  methods = zu_json_dup_member (description, "methods");
  add_examples (cases, port, methods);

  scenarios = zu_json_dup_member (description, "scenarios");
  for (gsize i = 0; scenarios != NULL && i < zu_json_get_size (scenarios); i++)
    {
      g_autoptr (ZuJson) scenario = zu_json_dup_element (scenarios, i);
      g_autoptr (ZuJson) name = zu_json_dup_member (scenario, "name");

      add_case (cases, port,
                g_strdup_printf ("%s scenario %s", port->name, zu_json_get_string (name, NULL)),
                zu_json_dup_member (scenario, "steps"));
    }

  return g_steal_pointer (&cases);
}

static gboolean
check_refused (const ZuPortInfo *port, ZuJson *code, ZuJson *result, GError *refused,
               GError **error)
{
  const char *wanted = zu_json_get_string (code, NULL);
  g_autofree char *prefix = g_strconcat (wanted, ": ", NULL);
  g_autofree char *text = refused != NULL ? zu_port_dup_error_text (port, refused) : NULL;

  if (text != NULL && g_str_has_prefix (text, prefix))
    return TRUE;

  if (text == NULL)
    text = zu_json_to_string (result);
  g_set_error (error, G_IO_ERROR, G_IO_ERROR_FAILED, "expected the error %s, got %.300s", wanted,
               text);
  return FALSE;
}

static gboolean
run_step (ConformCase *self, ZuJson *step, GObject *object, GHashTable *bindings, GError **error)
{
  g_autoptr (ZuJson) call = zu_json_dup_member (step, "call");
  g_autoptr (ZuJson) in = zu_json_dup_member (step, "in");
  g_autoptr (ZuJson) out = zu_json_dup_member (step, "out");
  g_autoptr (ZuJson) code = zu_json_dup_member (step, "error");
  g_autoptr (ZuJson) args = in != NULL ? conform_fill_in (in, bindings, error) : NULL;
  g_autoptr (ZuJson) result = NULL;
  g_autoptr (GError) refused = NULL;

  if (in != NULL && args == NULL)
    return FALSE;

  result =
      zu_port_dispatch (self->port, object, zu_json_get_string (call, NULL), args, NULL, &refused);
  if (code != NULL)
    return check_refused (self->port, code, result, refused, error);
  if (result == NULL)
    {
      g_autofree char *text = zu_port_dup_error_text (self->port, refused);

      g_set_error (error, G_IO_ERROR, G_IO_ERROR_FAILED, "was refused: %s", text);
      return FALSE;
    }

  return out == NULL || conform_match (out, result, bindings, error);
}

/* Carries out the steps in order on a fresh object; the first that fails is named. */
gboolean
conform_case_run (ConformCase *self, GObject *object, GError **error)
{
  g_autoptr (GHashTable) bindings = conform_bindings_new ();

  for (gsize i = 0; i < zu_json_get_size (self->steps); i++)
    {
      g_autoptr (ZuJson) step = zu_json_dup_element (self->steps, i);
      g_autoptr (ZuJson) call = zu_json_dup_member (step, "call");

      if (!run_step (self, step, object, bindings, error))
        {
          g_prefix_error (error, "step %" G_GSIZE_FORMAT ", %s: ", i + 1,
                          zu_json_get_string (call, NULL));
          return FALSE;
        }
    }

  return TRUE;
}
