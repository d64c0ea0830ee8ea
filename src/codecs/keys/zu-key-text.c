/* SPDX-License-Identifier: Apache-2.0 */

#include "zu-key-text.h"

#include <string.h>

#define HEX_DIGITS    (2 * ZU_KEY_SIZE)
#define BASE64_DIGITS 43 /* and one sign of padding */

static gboolean
decode_hex (const char *text, guint8 key[ZU_KEY_SIZE])
{
  for (gsize i = 0; i < ZU_KEY_SIZE; i++)
    {
      int high = g_ascii_xdigit_value (text[2 * i]);
      int low = g_ascii_xdigit_value (text[2 * i + 1]);

      if (high < 0 || low < 0)
        return FALSE;
      key[i] = (guint8) (high << 4 | low);
    }
  return TRUE;
}

static int
base64_value (char c)
{
  if (c >= 'A' && c <= 'Z')
    return c - 'A';
  if (c >= 'a' && c <= 'z')
    return c - 'a' + 26;
  if (c >= '0' && c <= '9')
    return c - '0' + 52;
  return c == '+' ? 62 : c == '/' ? 63 : -1;
}

/* By hand, because GLib's decoder passes over what is no base64 and answers on the heap. */
static gboolean
decode_base64 (const char *text, guint8 key[ZU_KEY_SIZE])
{
  guint32 bits = 0;
  gsize n = 0;

  if (text[BASE64_DIGITS] != '=')
    return FALSE;
  for (gsize i = 0; i < BASE64_DIGITS; i++)
    {
      int value = base64_value (text[i]);

      if (value < 0)
        return FALSE;
      bits = bits << 6 | (guint32) value;
      if (i % 4 != 0)
        key[n++] = (guint8) (bits >> (6 - 2 * (i % 4)));
    }
  return n == ZU_KEY_SIZE;
}

/* Reads a key out of its text, blanks around it left out; @source is what an error names. The bytes
 * are in memory that is not locked only in this function's frame, and are wiped there. */
ZuSecret *
zu_key_text_decode (const char *text, gsize size, const char *source, GError **error)
{
  guint8 key[ZU_KEY_SIZE];
  gboolean read = FALSE;

  for (; size > 0 && g_ascii_isspace (text[0]); size--)
    text++;
  while (size > 0 && g_ascii_isspace (text[size - 1]))
    size--;

  if (size == HEX_DIGITS)
    read = decode_hex (text, key);
  else if (size == BASE64_DIGITS + 1)
    read = decode_base64 (text, key);
  if (read)
    return zu_secret_new_wiping (key, sizeof key, error);

  explicit_bzero (key, sizeof key);
  g_set_error (error, ZU_KEY_PROVIDER_ERROR, ZU_KEY_PROVIDER_ERROR_BAD_KEY,
               "%s is no key (a key is " ZU_KEY_TEXT_EXPECTED ")", source);
  return NULL;
}

/* What fits into a blob of version 2. */
gboolean
zu_key_id_is_valid (const char *id)
{
  gsize size = strlen (id);

  return size >= 1 && size <= ZU_KEY_ID_MAX && g_utf8_validate (id, (gssize) size, NULL);
}

/* An id may come out of a hostile log, and messages end on terminals. */
char *
zu_key_id_dup_printable (const char *id)
{
  return g_strescape (id, NULL);
}
