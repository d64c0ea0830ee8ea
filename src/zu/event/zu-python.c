/* SPDX-License-Identifier: Apache-2.0 */

/* How Python prints values: the side index of a log and the words of a violation are written so,
 * and others compare them as text. */

#include "zu-json-private.h"

static gboolean
is_printable (gunichar c)
{
  switch (g_unichar_type (c))
    {
    case G_UNICODE_CONTROL:
    case G_UNICODE_FORMAT:
    case G_UNICODE_SURROGATE:
    case G_UNICODE_PRIVATE_USE:
    case G_UNICODE_UNASSIGNED:
    case G_UNICODE_LINE_SEPARATOR:
    case G_UNICODE_PARAGRAPH_SEPARATOR:
      return FALSE;
    case G_UNICODE_SPACE_SEPARATOR:
      return c == ' ';
    default:
      return TRUE;
    }
}

static void
write_character (gunichar c, const char *text, gsize size, char quote, ZuBuffer *out)
{
  char escape[16];

  if (c == '\\' || c == (gunichar) quote)
    g_snprintf (escape, sizeof escape, "\\%c", (char) c);
  else if (c == '\n' || c == '\r' || c == '\t')
    g_snprintf (escape, sizeof escape, "\\%c", c == '\n' ? 'n' : c == '\r' ? 'r' : 't');
  else if (is_printable (c))
    {
      zu_buffer_append (out, text, size);
      return;
    }
  else if (c < 0x100)
    g_snprintf (escape, sizeof escape, "\\x%02x", c);
  else if (c < 0x10000)
    g_snprintf (escape, sizeof escape, "\\u%04x", c);
  else
    g_snprintf (escape, sizeof escape, "\\U%08x", c);
  zu_buffer_append (out, escape, strlen (escape));
}

/* Python's repr() of a text. */
void
zu_python_write_text (const char *text, gsize length, ZuBuffer *out)
{
  const char *p = text, *end = text + length;
  char quote =
      memchr (text, '\'', length) != NULL && memchr (text, '"', length) == NULL ? '"' : '\'';

  zu_buffer_append_char (out, quote);
  for (const char *next; p < end; p = next)
    {
      next = g_utf8_next_char (p);
      write_character (g_utf8_get_char (p), p, (gsize) (next - p), quote, out);
    }
  zu_buffer_append_char (out, quote);
}

/* Python's str() of a value: what repr() gives, except for a text by itself. */
void
zu_python_write (const ZuJsonTape *tape, guint32 node, ZuBuffer *out)
{
  const ZuJsonNode *value = &tape->nodes[node];

  if (value->kind == ZU_JSON_KIND_STRING)
    zu_buffer_append (out, tape->text + value->start, value->length);
  else
    zu_json_write (tape, node, ZU_JSON_STYLE_PYTHON, out);
}
