/* SPDX-License-Identifier: Apache-2.0 */

/* What the reader does with strings that are not plain. */

#include "zu-json-reader-private.h"

#define ALWAYS static inline __attribute__ ((always_inline))

gboolean
zu_json_reader_fail (ZuJsonReader *self, ZuJsonError code, const char *message)
{
  self->code = code;
  self->message = message;
  return FALSE;
}

/* The length of the UTF-8 sequence of two to four bytes at P, 0 where it is not one (RFC 3629). */
gsize
zu_json_utf8_length (const char *p)
{
  const guchar *s = (const guchar *) p;

  if (s[0] < 0xc2 || s[0] > 0xf4 || (s[1] & 0xc0) != 0x80)
    return 0;
  if (s[0] < 0xe0)
    return 2;
  if ((s[2] & 0xc0) != 0x80)
    return 0;
  if (s[0] < 0xf0)
    return (s[0] == 0xe0 && s[1] < 0xa0) || (s[0] == 0xed && s[1] > 0x9f) ? 0 : 3;
  if ((s[3] & 0xc0) != 0x80 || (s[0] == 0xf0 && s[1] < 0x90) || (s[0] == 0xf4 && s[1] > 0x8f))
    return 0;
  return 4;
}

/* What zu_json_skip_plain() would pass over, for a text without padding. */
gboolean
zu_json_text_is_plain (const char *text, gsize length)
{
  guint64 odd = 0;

  for (; length >= 8; text += 8, length -= 8)
    odd |= zu_json_find_odd (zu_json_load (text, 8));
  for (; length > 0; text++, length--)
    odd |= zu_json_find_odd ((guchar) *text * G_GUINT64_CONSTANT (0x0101010101010101));
  return odd == 0;
}

static int
read_hex4 (const char *p)
{
  int value = 0;

  for (int i = 0; i < 4; i++)
    {
      int digit = g_ascii_xdigit_value (p[i]);

      if (digit < 0)
        return -1;
      value = value << 4 | digit;
    }
  return value;
}

/* The code point of the \u escape (or pair of them) at P; -1 is none, -2 half a pair. */
static int
read_unicode_escape (const char **p)
{
  int low, value = read_hex4 (*p + 2);

  *p += value < 0 ? 0 : 6;
  if (value < 0xd800 || value > 0xdfff)
    return value;
  if (value > 0xdbff || (*p)[0] != '\\' || (*p)[1] != 'u')
    return -2;
  low = read_hex4 (*p + 2);
  if (low < 0xdc00 || low > 0xdfff)
    return -2;
  *p += 6;
  return 0x10000 + ((value - 0xd800) << 10) + (low - 0xdc00);
}

static char
simple_escape (char c)
{
  switch (c)
    {
    case '"':
    case '\\':
    case '/':
      return c;
    case 'b':
      return '\b';
    case 'f':
      return '\f';
    case 'n':
      return '\n';
    case 'r':
      return '\r';
    case 't':
      return '\t';
    default:
      return 0;
    }
}

/* Whether a string holds the character as \u00xx: a control character without a short escape. */
static gboolean
needs_long_escape (int value)
{
  return value < 0x20 && value != '\b' && value != '\f' && value != '\n' && value != '\r'
         && value != '\t';
}

/* One escape; writes what it stands for at OUT, which may lie before or at it. */
ALWAYS gboolean
read_escape (ZuJsonReader *self, gboolean build, char **out)
{
  const char *p = self->p;
  char simple;
  int value;

  if (p[1] != 'u')
    {
      simple = simple_escape (p[1]);
      if (simple == 0)
        return zu_json_reader_fail (self, ZU_JSON_ERROR_SYNTAX, "no such escape");
      self->is_odd |= simple == '/';
      self->p += 2;
      if (build)
        *(*out)++ = simple;
      return TRUE;
    }

  value = read_unicode_escape (&p);
  if (value == -1)
    return zu_json_reader_fail (self, ZU_JSON_ERROR_SYNTAX, "\\u needs four hexadecimal digits");
  if (value < 0)
    return zu_json_reader_fail (self, ZU_JSON_ERROR_ENCODING, "half of a surrogate pair");
  self->is_odd |= !needs_long_escape (value) || g_ascii_isupper (self->p[5]);
  self->p += p - self->p;
  if (build)
    *out += g_unichar_to_utf8 ((gunichar) value, *out);
  return TRUE;
}

/* What is not plain inside a string, one character of it. */
ALWAYS gboolean
read_odd_character (ZuJsonReader *self, gboolean build, char **out)
{
  guchar c = (guchar) *self->p;
  gsize size = 1;

  if (c == '\\')
    return read_escape (self, build, out);
  if (c < 0x20)
    return zu_json_reader_fail (self, ZU_JSON_ERROR_SYNTAX,
                                self->p >= self->end ? "the text ends inside a string"
                                                     : "a control character in a string");
  if (c >= 0x80)
    size = zu_json_utf8_length (self->p);
  if (size == 0)
    return zu_json_reader_fail (self, ZU_JSON_ERROR_ENCODING, "not UTF-8");
  if (build && *out != self->p)
    memmove (*out, self->p, size);
  *out += size;
  self->p += size;
  return TRUE;
}

/* The rest of a string from its first character that is not plain; its end in OUT. */
gboolean
zu_json_reader_build_odd_string (ZuJsonReader *self, char **out)
{
  while (*self->p != '"')
    {
      char *plain;

      if (!read_odd_character (self, TRUE, out))
        return FALSE;
      plain = self->p;
      self->p += zu_json_skip_plain (plain) - plain;
      if (*out != plain)
        memmove (*out, plain, (gsize) (self->p - plain));
      *out += self->p - plain;
    }
  return TRUE;
}

gboolean
zu_json_reader_scan_odd_string (ZuJsonReader *self)
{
  char *out = self->p;

  while (*self->p != '"')
    {
      if (!read_odd_character (self, FALSE, &out))
        return FALSE;
      self->p += zu_json_skip_plain (self->p) - self->p;
    }
  return TRUE;
}
