/* SPDX-License-Identifier: Apache-2.0 */

#include "zuctl-text.h"

#include <string.h>

static gboolean
is_printable (gunichar c)
{
  switch (g_unichar_type (c))
    {
    case G_UNICODE_CONTROL:
    case G_UNICODE_FORMAT: /* bidirectional overrides among them */
    case G_UNICODE_LINE_SEPARATOR:
    case G_UNICODE_PARAGRAPH_SEPARATOR:
    case G_UNICODE_SURROGATE:
    case G_UNICODE_UNASSIGNED:
      return FALSE;
    default:
      return TRUE;
    }
}

static gboolean
is_plain (const char *text)
{
  for (; *text != '\0'; text++)
    if (*text < 0x20 || *text > 0x7e)
      return FALSE;
  return TRUE;
}

/* TEXT on one line, without what a terminal would obey: that is shown as \u and its number. */
char *
zuctl_dup_printable (const char *text)
{
  g_autofree char *valid = NULL;
  GString *out;

  if (is_plain (text))
    return g_strdup (text);

  valid = g_utf8_make_valid (text, -1);
  out = g_string_sized_new (strlen (valid));
  for (const char *p = valid; *p != '\0'; p = g_utf8_next_char (p))
    {
      gunichar c = g_utf8_get_char (p);

      if (c == '\n' || c == '\t')
        g_string_append_c (out, ' ');
      else if (is_printable (c))
        g_string_append_unichar (out, c);
      else
        g_string_append_printf (out, "\\u%04x", c);
    }
  return g_string_free (out, FALSE);
}

static guint
get_width (gunichar c)
{
  if (g_unichar_iszerowidth (c))
    return 0;
  return g_unichar_iswide (c) ? 2 : 1;
}

/* How many columns of a terminal a printable text takes. */
guint
zuctl_get_columns (const char *text)
{
  guint columns = 0;

  if (is_plain (text))
    return strlen (text);
  for (const char *p = text; *p != '\0'; p = g_utf8_next_char (p))
    columns += get_width (g_utf8_get_char (p));
  return columns;
}

/* The beginning of TEXT, printable, in at most COLUMNS; 0 is without an end. */
char *
zuctl_dup_excerpt (const char *text, gssize length, guint columns)
{
  gsize size = length < 0 ? strlen (text) : (gsize) length;
  g_autofree char *head =
      g_strndup (text, columns == 0 ? size : MIN (size, (gsize) columns * 6 + 6));
  g_autofree char *line = zuctl_dup_printable (head);
  g_autoptr (GString) out = NULL;
  guint used = 0;

  if (columns == 0 || (zuctl_get_columns (line) <= columns && strlen (head) == size))
    return g_steal_pointer (&line);

  out = g_string_new (NULL);
  for (const char *p = line; *p != '\0'; p = g_utf8_next_char (p))
    {
      gunichar c = g_utf8_get_char (p);

      used += get_width (c);
      if (used + 3 > columns)
        break;
      g_string_append_unichar (out, c);
    }
  g_string_append (out, "...");
  return g_string_free (g_steal_pointer (&out), FALSE);
}
