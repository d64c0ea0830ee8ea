/* SPDX-License-Identifier: Apache-2.0 */

#include "zu-uuid-private.h"

#include <errno.h>
#include <string.h>
#include <sys/random.h>

static const char hex_digits[] = "0123456789abcdef";

static gboolean
is_dash_place (guint i)
{
  return i == 8 || i == 13 || i == 18 || i == 23;
}

/* The forms that are read: 32 digits; with dashes; that in braces, or behind `urn:uuid:`. Writes
 * the one that is kept: lower case, with dashes. */
gboolean
zu_uuid_normalise (const char *text, gsize length, char out[ZU_UUID_LENGTH + 1])
{
  gboolean dashed = length != 32;
  const char *p = text;

  if (length == 38 && text[0] == '{' && text[37] == '}')
    p = text + 1;
  else if (length == 45 && memcmp (text, "urn:uuid:", 9) == 0)
    p = text + 9;
  else if (length != 36 && length != 32)
    return FALSE;

  for (guint i = 0; i < ZU_UUID_LENGTH; i++)
    {
      int digit;

      if (is_dash_place (i))
        {
          if (dashed && *p++ != '-')
            return FALSE;
          out[i] = '-';
          continue;
        }
      digit = g_ascii_xdigit_value (*p++);
      if (digit < 0)
        return FALSE;
      out[i] = hex_digits[digit];
    }
  out[ZU_UUID_LENGTH] = '\0';
  return TRUE;
}

/* Whether each of the eight bytes of WORD is one of 0-9 and a-f. */
static inline gboolean
is_lower_hex (guint64 word)
{
  const guint64 ones = G_GUINT64_CONSTANT (0x0101010101010101);
  /* The highest bit of each byte tells whether it is at least the other one. */
  guint64 digits = (word + ones * (0x80 - '0')) & ~(word + ones * (0x80 - '9' - 1));
  guint64 letters = (word + ones * (0x80 - 'a')) & ~(word + ones * (0x80 - 'f' - 1));

  return (word & ones << 7) == 0 && ((digits | letters) & ones << 7) == ones << 7;
}

/* Whether the 36 bytes at TEXT are the form that is kept. */
gboolean
zu_uuid_is_normal (const char *text)
{
  /* Where a dash must stand, this turns it, and nothing else, into a digit. */
#define D ('-' ^ '0')
  static const char dashes[40] = { [8] = D, [13] = D, [18] = D, [23] = D };
#undef D
  guint64 word, mask;
  guint32 last;

  if (text[8] != '-' || text[13] != '-' || text[18] != '-' || text[23] != '-')
    return FALSE;
  for (guint i = 0; i < 32; i += 8)
    {
      memcpy (&word, text + i, 8);
      memcpy (&mask, dashes + i, 8);
      if (!is_lower_hex (word ^ mask))
        return FALSE;
    }
  memcpy (&last, text + 32, 4);
  return is_lower_hex ((guint64) last << 32 | last);
}

/* A random one (RFC 9562, version 4), from the system's generator. */
void
zu_uuid_make (char out[ZU_UUID_LENGTH + 1])
{
  guint8 bytes[16];
  guint at = 0;

  while (getrandom (bytes, sizeof bytes, 0) != sizeof bytes)
    if (errno != EINTR)
      g_error ("no random bytes: %s", g_strerror (errno));
  bytes[6] = (guint8) ((bytes[6] & 0x0f) | 0x40);
  bytes[8] = (guint8) ((bytes[8] & 0x3f) | 0x80);

  for (guint i = 0; i < sizeof bytes; i++)
    {
      if (is_dash_place (at))
        out[at++] = '-';
      out[at++] = hex_digits[bytes[i] >> 4];
      out[at++] = hex_digits[bytes[i] & 15];
    }
  out[at] = '\0';
}
