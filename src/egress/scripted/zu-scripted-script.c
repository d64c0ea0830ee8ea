/* SPDX-License-Identifier: Apache-2.0 */

#include "zu-scripted-script.h"

#include <string.h>

struct _ZuScript
{
  GQueue steps; /* of ZuScriptStep */
};

static gboolean refuse (gsize step, GError **error, const char *format, ...) G_GNUC_PRINTF (3, 4);

static gboolean
refuse (gsize step, GError **error, const char *format, ...)
{
  g_autofree char *text = NULL;
  va_list args;

  va_start (args, format);
  text = g_strdup_vprintf (format, args);
  va_end (args);
  g_set_error (error, ZU_REGISTRY_ERROR, ZU_REGISTRY_ERROR_BAD_OPTION,
               "scripted: step %" G_GSIZE_FORMAT " of option 'script' %s", step + 1, text);
  return FALSE;
}

void
zu_script_step_free (ZuScriptStep *self)
{
  g_free (self->verb);
  g_clear_error (&self->error);
  g_strfreev (self->in_force);
  g_clear_pointer (&self->settings, zu_json_unref);
  g_free (self);
}

void
zu_script_free (ZuScript *self)
{
  g_queue_clear_full (&self->steps, (GDestroyNotify) zu_script_step_free);
  g_free (self);
}

/* Reads a member that is text; *TEXT is NULL where there is none. */
static gboolean
read_text (ZuJson *object, const char *name, char **text)
{
  g_autoptr (ZuJson) value = zu_json_dup_member (object, name);

  *text = value != NULL ? g_strdup (zu_json_get_string (value, NULL)) : NULL;
  return value == NULL || *text != NULL;
}

/* Reads a member that is a list of texts; *LIST is NULL where there is none. */
static gboolean
read_list (ZuJson *object, const char *name, GStrv *list)
{
  g_autoptr (ZuJson) value = zu_json_dup_member (object, name);
  g_autoptr (GStrvBuilder) builder = g_strv_builder_new ();

  if (value == NULL)
    return TRUE;
  if (zu_json_get_kind (value) != ZU_JSON_KIND_ARRAY)
    return FALSE;
  for (gsize i = 0; i < zu_json_get_size (value); i++)
    {
      g_autoptr (ZuJson) element = zu_json_dup_element (value, i);
      const char *text = zu_json_get_string (element, NULL);

      if (text == NULL)
        return FALSE;
      g_strv_builder_add (builder, text);
    }
  *list = g_strv_builder_end (builder);
  return TRUE;
}

static gboolean
check_keys (ZuJson *json, gsize index, GError **error)
{
  static const char *const known[] = { "verb", "error", "message", "in_force", "settings", NULL };

  if (zu_json_get_kind (json) != ZU_JSON_KIND_OBJECT)
    return refuse (index, error, "is no object");
  for (gsize i = 0; i < zu_json_get_size (json); i++)
    {
      const char *name = zu_json_get_member_name (json, i, NULL);

      if (!g_strv_contains (known, name))
        return refuse (index, error, "has the unknown key '%s'", name);
    }
  return TRUE;
}

static gboolean
read_error (ZuScriptStep *step, ZuJson *json, gsize index, GError **error)
{
  const ZuPortInfo *info = zu_egress_enforcement_get_port_info ();
  g_autofree char *code = NULL;
  g_autofree char *message = NULL;

  if (!read_text (json, "error", &code) || !read_text (json, "message", &message))
    return refuse (index, error, "has an error or a message that is no text");
  if (code == NULL)
    return message == NULL || refuse (index, error, "has a message and no error");
  for (int i = 0; info->error_codes[i] != NULL; i++)
    if (g_str_equal (info->error_codes[i], code))
      step->error = g_error_new_literal (ZU_EGRESS_ENFORCEMENT_ERROR, i,
                                         message != NULL ? message : "the script says so");
  return step->error != NULL
         || refuse (index, error, "names the error '%s', which the port does not have", code);
}

static gboolean
read_answer (ZuScriptStep *step, ZuJson *json, gsize index, GError **error)
{
  if (!read_list (json, "in_force", &step->in_force))
    return refuse (index, error, "has an in_force that is no list of texts");
  step->settings = zu_json_dup_member (json, "settings");
  if (step->settings != NULL && zu_json_get_kind (step->settings) != ZU_JSON_KIND_OBJECT)
    return refuse (index, error, "has settings that are no object");
  if ((step->in_force != NULL || step->settings != NULL)
      && (step->error != NULL || !g_str_equal (step->verb, "apply")))
    return refuse (index, error, "has an answer that only an apply without an error gives");
  return TRUE;
}

static ZuScriptStep *
read_step (ZuJson *json, gsize index, GError **error)
{
  g_autoptr (ZuScriptStep) step = g_new0 (ZuScriptStep, 1);

  if (!check_keys (json, index, error))
    return NULL;
  if (!read_text (json, "verb", &step->verb)
      || (g_strcmp0 (step->verb, "apply") != 0 && g_strcmp0 (step->verb, "revoke") != 0))
    {
      refuse (index, error, "has no verb, which is \"apply\" or \"revoke\"");
      return NULL;
    }
  if (!read_error (step, json, index, error) || !read_answer (step, json, index, error))
    return NULL;
  return g_steal_pointer (&step);
}

/* Reads a script: an array of steps, or nothing. */
ZuScript *
zu_script_new (ZuJson *steps, GError **error)
{
  g_autoptr (ZuScript) self = g_new0 (ZuScript, 1);
  gsize n = 0;

  if (steps != NULL && zu_json_get_kind (steps) == ZU_JSON_KIND_ARRAY)
    n = zu_json_get_size (steps);
  else if (steps != NULL && zu_json_get_kind (steps) != ZU_JSON_KIND_NULL)
    {
      g_set_error_literal (error, ZU_REGISTRY_ERROR, ZU_REGISTRY_ERROR_BAD_OPTION,
                           "scripted: option 'script' is no array of steps");
      return NULL;
    }

  for (gsize i = 0; i < n; i++)
    {
      g_autoptr (ZuJson) json = zu_json_dup_element (steps, i);
      ZuScriptStep *step = read_step (json, i, error);

      if (step == NULL)
        return NULL;
      g_queue_push_tail (&self->steps, step);
    }
  return g_steal_pointer (&self);
}

/* Takes the first step that is left for VERB; NULL where there is none. */
ZuScriptStep *
zu_script_take (ZuScript *self, const char *verb)
{
  for (GList *link = self->steps.head; link != NULL; link = link->next)
    {
      ZuScriptStep *step = link->data;

      if (!g_str_equal (step->verb, verb))
        continue;
      g_queue_delete_link (&self->steps, link);
      return step;
    }
  return NULL;
}
