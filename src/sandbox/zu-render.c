/* SPDX-License-Identifier: Apache-2.0 */

/* The render contract: what a call says of a page becomes the arguments of a program inside. What
 * is absent, null or empty is left out, as every renderer has its own idea of it. */

#include "zu-render.h"
#include "zu-peek.h"
#include <string.h>

#define REFUSED ZU_SANDBOX_BACKEND_ERROR, ZU_SANDBOX_BACKEND_ERROR_INVALID_SPEC

#define MAX_PIXELS  65535
#define MAX_WAIT_MS (3600 * 1000)

typedef enum
{
  KIND_TEXT,
  KIND_PIXELS,
  KIND_MS,
  KIND_ACTIONS,
  KIND_FLAG,
} Kind;

/* In the order that a renderer gets them. */
static const struct
{
  const char *name;
  const char *option; /* NULL: its place says what it is */
  Kind kind;
} keys[] = {
  { "url", NULL, KIND_TEXT },
  { "width", "--width", KIND_PIXELS },
  { "height", "--height", KIND_PIXELS },
  { "wait_until", "--wait-until", KIND_TEXT },
  { "wait_for", "--wait-for", KIND_TEXT },
  { "wait_ms", "--wait-ms", KIND_MS },
  { "actions", "--actions", KIND_ACTIONS },
  { "capture_network", "--capture-network", KIND_FLAG },
};

static gboolean
refuse (GError **error, const char *name, const char *why)
{
  g_set_error (error, REFUSED, "render: %s %s", name, why);
  return FALSE;
}

static gboolean
check_keys (ZuJson *args, GError **error)
{
  for (gsize i = 0; i < zu_json_get_size (args); i++)
    {
      const char *name = zu_json_get_member_name (args, i, NULL);
      gboolean known = FALSE;

      for (guint k = 0; k < G_N_ELEMENTS (keys); k++)
        known |= strcmp (name, keys[k].name) == 0;
      if (!known)
        {
          g_set_error (error, REFUSED, "render: unknown key '%.100s'", name);
          return FALSE;
        }
    }
  return TRUE;
}

static gboolean
is_set (ZuJson *args, const char *name)
{
  g_autoptr (ZuJson) value = zu_peek_member (args, name);
  gint64 number;

  if (zu_peek_is_absent (value))
    return FALSE;
  switch (zu_json_get_kind (value))
    {
    case ZU_JSON_KIND_BOOLEAN:
      return zu_json_get_boolean (value);
    case ZU_JSON_KIND_STRING:
      return *zu_json_get_string (value, NULL) != '\0';
    case ZU_JSON_KIND_ARRAY:
    case ZU_JSON_KIND_OBJECT:
      return zu_json_get_size (value) > 0;
    case ZU_JSON_KIND_INTEGER:
      return !zu_json_get_int64 (value, &number) || number != 0;
    default:
      return TRUE;
    }
}

/* A page is not to smuggle in an option of its own, nor to end its text early. */
static gboolean
add_text (GStrvBuilder *argv, const char *name, ZuJson *value, GError **error)
{
  gsize length = 0;
  const char *text =
      zu_json_get_kind (value) == ZU_JSON_KIND_STRING ? zu_json_get_string (value, &length) : NULL;

  if (!text)
    return refuse (error, name, "is not text");
  if (*text == '-')
    return refuse (error, name, "begins with '-', which a renderer would take for an option");
  for (gsize i = 0; i < length; i++)
    if (g_ascii_iscntrl (text[i]))
      return refuse (error, name, "has a control character");
  g_strv_builder_add (argv, text);
  return TRUE;
}

static gboolean
add_number (GStrvBuilder *argv, const char *name, ZuJson *value, gint64 most, GError **error)
{
  g_autofree char *text = NULL, *why = NULL;
  gint64 number;

  if (zu_json_get_kind (value) == ZU_JSON_KIND_INTEGER && zu_json_get_int64 (value, &number)
      && number > 0 && number <= most)
    {
      text = g_strdup_printf ("%" G_GINT64_FORMAT, number);
      g_strv_builder_add (argv, text);
      return TRUE;
    }
  why = g_strdup_printf ("is not a whole number of 1 to %" G_GINT64_FORMAT, most);
  return refuse (error, name, why);
}

static gboolean
add_actions (GStrvBuilder *argv, const char *name, ZuJson *value, GError **error)
{
  g_autofree char *text = NULL;

  if (zu_json_get_kind (value) != ZU_JSON_KIND_ARRAY)
    return refuse (error, name, "is not an array");
  text = zu_json_to_string (value);
  g_strv_builder_add (argv, text);
  return TRUE;
}

static gboolean
add_key (GStrvBuilder *argv, guint key, ZuJson *args, GError **error)
{
  const char *name = keys[key].name;
  g_autoptr (ZuJson) value = zu_peek_member (args, name);

  if (!is_set (args, name))
    return TRUE;
  if (keys[key].option)
    g_strv_builder_add (argv, keys[key].option);
  switch (keys[key].kind)
    {
    case KIND_TEXT:
      return add_text (argv, name, value, error);
    case KIND_PIXELS:
      return add_number (argv, name, value, MAX_PIXELS, error);
    case KIND_MS:
      return add_number (argv, name, value, MAX_WAIT_MS, error);
    case KIND_ACTIONS:
      return add_actions (argv, name, value, error);
    case KIND_FLAG:
    default:
      return zu_json_get_kind (value) == ZU_JSON_KIND_BOOLEAN
             || refuse (error, name, "is neither true nor false");
    }
}

/**
 * zu_render_argv: (skip)
 * @program: (nullable): what stands before the page; empty is `zu-render`
 * @args: (nullable): the call's arguments
 * @error: ZU_SANDBOX_BACKEND_ERROR_INVALID_SPEC, naming the key that is refused and why
 *
 * Returns: (transfer full): what is to be run
 */
GStrv
zu_render_argv (const char *const *program, ZuJson *args, GError **error)
{
  g_autoptr (GStrvBuilder) argv = g_strv_builder_new ();

  if (zu_peek_is_absent (args) || zu_json_get_kind (args) != ZU_JSON_KIND_OBJECT)
    {
      g_set_error_literal (error, REFUSED, "render: args is not an object with a url");
      return NULL;
    }
  if (!check_keys (args, error))
    return NULL;
  if (!is_set (args, "url"))
    {
      refuse (error, "url", "is missing");
      return NULL;
    }
  if (is_set (args, "width") != is_set (args, "height"))
    {
      refuse (error, "width and height", "are given together or not at all");
      return NULL;
    }
  if (program && *program)
    g_strv_builder_addv (argv, (const char **) program);
  else
    g_strv_builder_add (argv, ZU_RENDER_PROGRAM);
  for (guint i = 0; i < G_N_ELEMENTS (keys); i++)
    if (!add_key (argv, i, args, error))
      return NULL;
  return g_strv_builder_end (argv);
}

/**
 * zu_tool_call_dup_argv: (skip)
 * @call: a tool call
 * @error: ZU_SANDBOX_BACKEND_ERROR_INVALID_SPEC where it cannot be run
 *
 * Returns: (transfer full): what is to be run, whatever the contract
 */
GStrv
zu_tool_call_dup_argv (ZuToolCall *call, GError **error)
{
  const char *const *argv = zu_tool_call_get_argv (call);

  if (zu_tool_call_get_contract (call) == ZU_TOOL_CONTRACT_RENDER)
    return zu_render_argv (argv, zu_tool_call_get_args (call), error);
  if (argv && *argv)
    return g_strdupv ((GStrv) argv);
  g_set_error_literal (error, REFUSED, "argv is empty");
  return NULL;
}
