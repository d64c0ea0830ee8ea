/* SPDX-License-Identifier: Apache-2.0 */

/* A script is an array of rules, tried in order:
 *
 *   { "argv": ["render", "*"], "stdout": "{}\n", "stderr": "", "exit_status": 0, "signal": 0,
 *     "delay_ms": 0, "lines": [1, 2], "error": "command-not-found" }
 *
 * "*" stands for one argument, "**" at the end for any number. What no rule matches is answered by
 * echo, cat, true and false, or is not there. */

#include "zu-script.h"
#include <string.h>

#define REFUSED ZU_SANDBOX_BACKEND_ERROR, ZU_SANDBOX_BACKEND_ERROR_INVALID_SPEC

struct _ZuScript
{
  ZuJson *rules; /* nullable */
};

void
zu_script_answer_free (ZuScriptAnswer *self)
{
  g_free (self->out);
  g_free (self->err);
  g_ptr_array_unref (self->lines);
  g_free (self);
}

void
zu_script_free (ZuScript *self)
{
  g_clear_pointer (&self->rules, zu_json_unref);
  g_free (self);
}

static gboolean
check_value (const char *key, ZuJson *value)
{
  static const struct
  {
    const char *key;
    ZuJsonKind kind;
  } keys[] = {
    { "argv", ZU_JSON_KIND_ARRAY },     { "stdout", ZU_JSON_KIND_STRING },
    { "stderr", ZU_JSON_KIND_STRING },  { "exit_status", ZU_JSON_KIND_INTEGER },
    { "signal", ZU_JSON_KIND_INTEGER }, { "delay_ms", ZU_JSON_KIND_INTEGER },
    { "lines", ZU_JSON_KIND_ARRAY },    { "error", ZU_JSON_KIND_STRING },
  };

  for (guint i = 0; i < G_N_ELEMENTS (keys); i++)
    if (strcmp (key, keys[i].key) == 0)
      return zu_json_get_kind (value) == keys[i].kind;
  return FALSE;
}

static gboolean
check_argv (ZuJson *argv)
{
  for (gsize i = 0; i < zu_json_get_size (argv); i++)
    {
      g_autoptr (ZuJson) element = zu_json_dup_element (argv, i);

      if (zu_json_get_kind (element) != ZU_JSON_KIND_STRING)
        return FALSE;
    }
  return zu_json_get_size (argv) > 0;
}

static gboolean
check_rule (ZuJson *rule, gsize number, GError **error)
{
  gboolean is_object = zu_json_get_kind (rule) == ZU_JSON_KIND_OBJECT;
  g_autoptr (ZuJson) argv = is_object ? zu_json_dup_member (rule, "argv") : NULL;

  for (gsize i = 0; is_object && i < zu_json_get_size (rule); i++)
    {
      g_autoptr (ZuJson) value = zu_json_dup_element (rule, i);
      const char *key = zu_json_get_member_name (rule, i, NULL);

      if (check_value (key, value))
        continue;
      g_set_error (error, REFUSED,
                   "script, rule %" G_GSIZE_FORMAT ": '%s' is not known or not of "
                   "its type",
                   number, key);
      return FALSE;
    }
  if (argv && check_argv (argv))
    return TRUE;
  g_set_error (error, REFUSED, "script, rule %" G_GSIZE_FORMAT ": no argv to match", number);
  return FALSE;
}

/* @json is nullable: a script without rules. */
ZuScript *
zu_script_new (ZuJson *json, GError **error)
{
  ZuScript *self = NULL;

  if (json && zu_json_get_kind (json) != ZU_JSON_KIND_ARRAY)
    {
      g_set_error_literal (error, REFUSED, "script is not an array of rules");
      return NULL;
    }
  for (gsize i = 0; json && i < zu_json_get_size (json); i++)
    {
      g_autoptr (ZuJson) rule = zu_json_dup_element (json, i);

      if (!check_rule (rule, i + 1, error))
        return NULL;
    }
  self = g_new0 (ZuScript, 1);
  self->rules = json ? zu_json_ref (json) : NULL;
  return self;
}

static gboolean
matches (ZuJson *pattern, const char *const *argv)
{
  gsize n = zu_json_get_size (pattern), k = 0;

  for (gsize i = 0; i < n; i++, k++)
    {
      g_autoptr (ZuJson) element = zu_json_dup_element (pattern, i);
      const char *text = zu_json_get_string (element, NULL);

      if (i + 1 == n && strcmp (text, "**") == 0)
        return TRUE;
      if (!argv[k] || (strcmp (text, "*") != 0 && strcmp (text, argv[k]) != 0))
        return FALSE;
    }
  return argv[k] == NULL;
}

static char *
dup_text (ZuJson *rule, const char *key)
{
  g_autoptr (ZuJson) value = zu_json_dup_member (rule, key);

  return g_strdup (value ? zu_json_get_string (value, NULL) : "");
}

static gint64
get_number (ZuJson *rule, const char *key)
{
  g_autoptr (ZuJson) value = zu_json_dup_member (rule, key);
  gint64 number = 0;

  if (value)
    zu_json_get_int64 (value, &number);
  return number;
}

static ZuScriptAnswer *
answer_new (char *out)
{
  ZuScriptAnswer *self = g_new0 (ZuScriptAnswer, 1);

  self->out = out;
  self->err = g_strdup ("");
  self->lines = g_ptr_array_new_with_free_func ((GDestroyNotify) zu_json_unref);
  return self;
}

static gboolean
set_scripted_error (ZuJson *rule, const char *program, GError **error)
{
  g_autofree char *code = dup_text (rule, "error");

  if (!*code)
    return FALSE;
  g_set_error (error, ZU_SANDBOX_BACKEND_ERROR,
               strcmp (code, "command-not-executable") == 0
                   ? ZU_SANDBOX_BACKEND_ERROR_COMMAND_NOT_EXECUTABLE
                   : ZU_SANDBOX_BACKEND_ERROR_COMMAND_NOT_FOUND,
               "cannot run '%s': the script says %s", program, code);
  return TRUE;
}

static ZuScriptAnswer *
follow (ZuJson *rule, const char *program, GError **error)
{
  g_autoptr (ZuJson) lines = zu_json_dup_member (rule, "lines");
  ZuScriptAnswer *self;

  if (set_scripted_error (rule, program, error))
    return NULL;
  self = answer_new (dup_text (rule, "stdout"));
  g_free (self->err);
  self->err = dup_text (rule, "stderr");
  self->signal = (int) get_number (rule, "signal");
  self->exit_status = self->signal ? -1 : (int) get_number (rule, "exit_status");
  self->delay_ms = MAX (get_number (rule, "delay_ms"), 0);
  for (gsize i = 0; lines && i < zu_json_get_size (lines); i++)
    g_ptr_array_add (self->lines, zu_json_dup_element (lines, i));
  return self;
}

/* What is there without a script, as the programs of these names do. */
static ZuScriptAnswer *
answer_as_built_in (const char *const *argv, GError **error)
{
  ZuScriptAnswer *self;

  if (strcmp (argv[0], "echo") == 0)
    {
      g_autofree char *words = g_strjoinv (" ", (GStrv) argv + 1);

      return answer_new (g_strconcat (words, "\n", NULL));
    }
  if (strcmp (argv[0], "true") != 0 && strcmp (argv[0], "false") != 0
      && strcmp (argv[0], "cat") != 0)
    {
      g_set_error (error, ZU_SANDBOX_BACKEND_ERROR, ZU_SANDBOX_BACKEND_ERROR_COMMAND_NOT_FOUND,
                   "cannot run '%s': no rule of the script matches it", argv[0]);
      return NULL;
    }
  self = answer_new (g_strdup (""));
  self->exit_status = strcmp (argv[0], "false") == 0;
  self->echoes_input = strcmp (argv[0], "cat") == 0;
  return self;
}

/**
 * zu_script_answer: (skip)
 * @self: a script
 * @argv: what is to be run, one element or more
 * @error: what the script refuses it with
 *
 * Returns: (transfer full): what it is answered with
 */
ZuScriptAnswer *
zu_script_answer (ZuScript *self, const char *const *argv, GError **error)
{
  for (gsize i = 0; self->rules && i < zu_json_get_size (self->rules); i++)
    {
      g_autoptr (ZuJson) rule = zu_json_dup_element (self->rules, i);
      g_autoptr (ZuJson) pattern = zu_json_dup_member (rule, "argv");

      if (matches (pattern, argv))
        return follow (rule, argv[0], error);
    }
  return answer_as_built_in (argv, error);
}
