/* SPDX-License-Identifier: Apache-2.0 */

#include "zu-address.h"

#include <arpa/inet.h>
#include <string.h>

#define MAX_TEXT 128

/* The one plain spelling of each family: four decimal parts, or RFC 4291 without a zone. */
gboolean
zu_address_parse (ZuAddress *self, const char *text)
{
  memset (self, 0, sizeof *self);
  self->length = strchr (text, ':') != NULL ? 16 : 4;
  return inet_pton (self->length == 4 ? AF_INET : AF_INET6, text, self->bytes) == 1;
}

/* One part of an IPv4 address: decimal, octal behind a 0, hexadecimal behind 0x (which alone is a
 * zero). *END is where it stops. */
static gboolean
parse_part (const char *text, const char **end, guint64 *value)
{
  guint base = 10;
  const char *c = text;

  if (c[0] == '0' && (c[1] == 'x' || c[1] == 'X'))
    {
      base = 16;
      c += 2;
    }
  else if (c[0] == '0' && g_ascii_isdigit (c[1]))
    base = 8;

  if (base != 16 && !g_ascii_isdigit (*c))
    return FALSE;
  for (*value = 0; g_ascii_isxdigit (*c); c++)
    {
      if ((guint) g_ascii_xdigit_value (*c) >= base || *value > G_MAXUINT32)
        return FALSE;
      *value = *value * base + (guint) g_ascii_xdigit_value (*c);
    }
  *end = c;
  return TRUE;
}

/* As inet_aton and browsers read them: one to four parts, the last one filling what is left. */
static gboolean
parse_parts (ZuAddress *self, const char *text)
{
  guint64 parts[4], last;
  guint n = 0;

  for (const char *at = text;; at++)
    {
      if (n == 4 || !parse_part (at, &at, &parts[n++]))
        return FALSE;
      if (*at == '\0')
        break;
      if (*at != '.')
        return FALSE;
    }

  last = parts[n - 1];
  if (last >= G_GUINT64_CONSTANT (1) << (8 * (5 - n)))
    return FALSE;
  memset (self, 0, sizeof *self);
  self->length = 4;
  for (guint i = 0; i + 1 < n; i++)
    {
      if (parts[i] > 255)
        return FALSE;
      self->bytes[i] = (guint8) parts[i];
    }
  for (guint i = n - 1; i < 4; i++)
    self->bytes[i] = (guint8) (last >> (8 * (3 - i)));
  return TRUE;
}

/* Any spelling that some program takes for an address; *IS_PLAIN tells whether it is the one that
 * all do. A zone belongs to one machine and is passed over. */
gboolean
zu_address_parse_spelling (ZuAddress *self, const char *text, gboolean *is_plain)
{
  char without_zone[MAX_TEXT];
  gsize length = strcspn (text, "%");

  *is_plain = zu_address_parse (self, text);
  if (*is_plain || parse_parts (self, text))
    return TRUE;
  if (text[length] != '%' || length >= sizeof without_zone || memchr (text, ':', length) == NULL)
    return FALSE;
  memcpy (without_zone, text, length);
  without_zone[length] = '\0';
  return zu_address_parse (self, without_zone);
}

char *
zu_address_to_string (const ZuAddress *self)
{
  char text[INET6_ADDRSTRLEN];

  inet_ntop (self->length == 4 ? AF_INET : AF_INET6, self->bytes, text, sizeof text);
  return g_strdup (text);
}

/* ::ffff:a.b.c.d is that IPv4 address to every socket, so it is one to us. */
void
zu_address_unmap (ZuAddress *self)
{
  static const guint8 mapped[12] = { [10] = 0xff, [11] = 0xff };

  if (self->length != 16 || memcmp (self->bytes, mapped, sizeof mapped) != 0)
    return;
  memmove (self->bytes, self->bytes + 12, 4);
  memset (self->bytes + 4, 0, 12);
  self->length = 4;
}

gboolean
zu_address_is_equal (const ZuAddress *self, const ZuAddress *other)
{
  return self->length == other->length && memcmp (self->bytes, other->bytes, self->length) == 0;
}

gboolean
zu_address_is_within (const ZuAddress *self, const ZuAddress *network, guint prefix)
{
  guint whole = prefix / 8;
  guint8 mask = (guint8) (0xff00 >> (prefix % 8));

  return self->length == network->length && memcmp (self->bytes, network->bytes, whole) == 0
         && (prefix % 8 == 0 || ((self->bytes[whole] ^ network->bytes[whole]) & mask) == 0);
}
