/* SPDX-License-Identifier: Apache-2.0 */
#include "zu-peek.h"
#include <string.h>

gboolean
zu_peek_is_absent (ZuJson *json)
{
  return !json || zu_json_get_kind (json) == ZU_JSON_KIND_NULL;
}

static gboolean
is_of (ZuJson *json, ZuJsonKind kind)
{
  return json && zu_json_get_kind (json) == kind;
}

/* The text of a JSON string without a NUL in it, or NULL. */
const char *
zu_peek_text (ZuJson *json)
{
  const char *text;
  gsize length;

  if (!is_of (json, ZU_JSON_KIND_STRING))
    return NULL;
  text = zu_json_get_string (json, &length);
  return strlen (text) == length ? text : NULL;
}

/* How many elements an array or an object has. */
gsize
zu_peek_size (ZuJson *json)
{
  return is_of (json, ZU_JSON_KIND_ARRAY) || is_of (json, ZU_JSON_KIND_OBJECT)
             ? zu_json_get_size (json)
             : 0;
}

/* A new reference, or NULL. */
ZuJson *
zu_peek_member (ZuJson *object, const char *name)
{
  g_autoptr (ZuJson) member =
      is_of (object, ZU_JSON_KIND_OBJECT) ? zu_json_dup_member (object, name) : NULL;

  return zu_peek_is_absent (member) ? NULL : g_steal_pointer (&member);
}

char *
zu_peek_member_text (ZuJson *object, const char *name)
{
  g_autoptr (ZuJson) member = zu_peek_member (object, name);

  return g_strdup (zu_peek_text (member));
}

gint64
zu_peek_member_int64 (ZuJson *object, const char *name)
{
  g_autoptr (ZuJson) member = zu_peek_member (object, name);
  gint64 value = 0;

  return is_of (member, ZU_JSON_KIND_INTEGER) && zu_json_get_int64 (member, &value) ? value : 0;
}

gboolean
zu_peek_member_boolean (ZuJson *object, const char *name)
{
  g_autoptr (ZuJson) member = zu_peek_member (object, name);

  return is_of (member, ZU_JSON_KIND_BOOLEAN) && zu_json_get_boolean (member);
}
