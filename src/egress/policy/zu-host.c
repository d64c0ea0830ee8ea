/* SPDX-License-Identifier: Apache-2.0 */

#include "zu-host.h"

#include <idn2.h>
#include <string.h>

#define MAX_LABEL 63
#define MAX_TEXT  1024

static gboolean
is_label (const char *label, gsize length)
{
  if (length == 0 || length > MAX_LABEL || label[0] == '-' || label[length - 1] == '-')
    return FALSE;
  for (gsize i = 0; i < length; i++)
    if (!g_ascii_isalnum (label[i]) && label[i] != '-' && label[i] != '_')
      return FALSE;
  return TRUE;
}

/* Underscores are allowed for the names of containers. */
static gboolean
is_name (const char *text)
{
  if (strlen (text) > ZU_HOST_MAX)
    return FALSE;
  for (const char *label = text;; label++)
    {
      gsize length = strcspn (label, ".");

      if (!is_label (label, length))
        return FALSE;
      label += length;
      if (*label == '\0')
        return TRUE;
    }
}

/* What ends in a number is some spelling of an address, and never a name (WHATWG URL). */
static gboolean
ends_in_number (const char *text)
{
  const char *dot = strrchr (text, '.');
  const char *label = dot != NULL ? dot + 1 : text;

  if (g_ascii_strncasecmp (label, "0x", 2) == 0)
    label += 2 + strspn (label + 2, "0123456789abcdefABCDEF");
  else
    label += strspn (label, "0123456789");
  return *label == '\0';
}

static void
set_address (ZuHost *self, const char *text, gboolean was_ascii)
{
  gboolean is_plain;

  if (!zu_address_parse_spelling (&self->address, text, &is_plain))
    return;
  self->kind = ZU_HOST_ADDRESS;
  self->is_odd = !is_plain || !was_ascii;
  zu_address_unmap (&self->address);
}

/* In ASCII and lower case; IDNA2008 with the mapping of UTS #46, as browsers have it. */
static char *
to_ascii (const char *text)
{
  char *idn = NULL;
  char *copy;

  if (g_str_is_ascii (text))
    return g_ascii_strdown (text, -1);
  if (!g_utf8_validate (text, -1, NULL)
      || idn2_to_ascii_8z (text, &idn, IDN2_NFC_INPUT | IDN2_NONTRANSITIONAL) != IDN2_OK)
    return NULL;
  copy = g_ascii_strdown (idn, -1);
  idn2_free (idn);
  return copy;
}

static void
parse_plain (ZuHost *self, const char *text)
{
  g_autofree char *ascii = to_ascii (text);
  gsize length = ascii != NULL ? strlen (ascii) : 0;

  if (length > 0 && ascii[length - 1] == '.')
    ascii[--length] = '\0';
  if (length == 0)
    return;

  if (ends_in_number (ascii))
    set_address (self, ascii, g_str_is_ascii (text));
  else if (is_name (ascii))
    {
      self->kind = ZU_HOST_NAME;
      memcpy (self->name, ascii, length + 1);
    }
}

/* Reads a host in any spelling; one dot at the end is dropped. FALSE where it is no host. */
gboolean
zu_host_parse (ZuHost *self, const char *text)
{
  gsize length = strlen (text);

  memset (self, 0, sizeof *self);
  if (length == 0 || length > MAX_TEXT)
    return FALSE;

  if (text[0] == '[' && text[length - 1] == ']')
    {
      g_autofree char *inside = g_strndup (text + 1, length - 2);

      if (strchr (inside, ':') != NULL)
        set_address (self, inside, TRUE);
    }
  else if (strchr (text, ':') != NULL)
    set_address (self, text, TRUE);
  else
    parse_plain (self, text);
  return self->kind != ZU_HOST_BAD;
}

static gboolean
parse_port (const char *text, guint16 *port)
{
  guint64 value;

  if (!g_ascii_isdigit (*text) || *text == '0'
      || !g_ascii_string_to_unsigned (text, 10, 1, 65535, &value, NULL))
    return FALSE;
  *port = (guint16) value;
  return TRUE;
}

/* HOST[:PORT], IPv6 in brackets; *PORT is 0 where there is none. FALSE where the port is no port.
 */
gboolean
zu_host_split_port (const char *text, char **host, guint16 *port)
{
  const char *bracket = text[0] == '[' ? strchr (text, ']') : NULL;
  const char *rest = bracket != NULL ? bracket + 1 : text + strcspn (text, ":");

  *port = 0;
  if (*rest == ':' && !parse_port (rest + 1, port))
    return FALSE;
  if (*rest != ':' && *rest != '\0')
    return FALSE;
  *host = g_strndup (text, (gsize) (rest - text));
  return TRUE;
}

char *
zu_host_to_string (const ZuHost *self)
{
  return self->kind == ZU_HOST_ADDRESS ? zu_address_to_string (&self->address)
                                       : g_strdup (self->name);
}

/* As it stands in a Host field or a rule; a PORT of 0 is left out. */
char *
zu_host_to_authority (const ZuHost *self, guint16 port)
{
  g_autofree char *host = zu_host_to_string (self);
  gboolean is_v6 = self->kind == ZU_HOST_ADDRESS && self->address.length == 16;
  g_autofree char *suffix = port != 0 ? g_strdup_printf (":%u", port) : g_strdup ("");

  return g_strconcat (is_v6 ? "[" : "", host, is_v6 ? "]" : "", suffix, NULL);
}
