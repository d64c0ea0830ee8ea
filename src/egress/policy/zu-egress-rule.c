/* SPDX-License-Identifier: Apache-2.0 */

#include "zu-egress-rule.h"

#include <arpa/inet.h>
#include <string.h>

#define MAX_NAME  253 /* RFC 1035, section 2.3.4, without the dot at the end */
#define MAX_LABEL 63

/* An address in the one spelling of its family: four decimal parts, or RFC 4291 without a zone. */
gboolean
zu_egress_is_address (const char *text)
{
  guint8 bytes[16];

  return inet_pton (AF_INET, text, bytes) == 1 || inet_pton (AF_INET6, text, bytes) == 1;
}

static gboolean
is_label (const char *label)
{
  gsize length = strlen (label);

  if (length == 0 || length > MAX_LABEL || label[0] == '-' || label[length - 1] == '-')
    return FALSE;
  for (const char *c = label; *c != '\0'; c++)
    if (!g_ascii_isalnum (*c) && *c != '-' && *c != '_')
      return FALSE;
  return TRUE;
}

static gboolean
is_number (const char *label)
{
  if (g_ascii_strncasecmp (label, "0x", 2) == 0)
    label += 2 + strspn (label + 2, "0123456789abcdefABCDEF");
  else
    label += strspn (label, "0123456789");
  return *label == '\0';
}

/* A host's name in ASCII. One whose last label is a number is some spelling of an address, and
 * never a name (WHATWG URL, "ends in a number"). Underscores are allowed for the names of
 * containers. */
gboolean
zu_egress_is_name (const char *text)
{
  g_auto (GStrv) labels = NULL;
  guint n;

  if (*text == '\0' || strlen (text) > MAX_NAME)
    return FALSE;
  labels = g_strsplit (text, ".", -1);
  n = g_strv_length (labels);
  for (guint i = 0; i < n; i++)
    if (!is_label (labels[i]))
      return FALSE;
  return !is_number (labels[n - 1]);
}

static gboolean
is_port (const char *text)
{
  guint64 port;

  return g_ascii_isdigit (*text) && *text != '0'
         && g_ascii_string_to_unsigned (text, 10, 1, 65535, &port, NULL);
}

static gboolean
is_host (const char *host)
{
  guint8 bytes[4];

  if (g_str_has_prefix (host, "*."))
    return zu_egress_is_name (host + 2);
  return zu_egress_is_name (host) || inet_pton (AF_INET, host, bytes) == 1;
}

/* Takes a host in brackets off the front; what follows it is in *REST. */
static gboolean
is_bracketed (const char *rule, const char **rest)
{
  const char *end = strchr (rule, ']');
  g_autofree char *inside = end != NULL ? g_strndup (rule + 1, (gsize) (end - rule - 1)) : NULL;
  guint8 bytes[16];

  if (inside == NULL || inet_pton (AF_INET6, inside, bytes) != 1)
    return FALSE;
  *rest = end + 1;
  return TRUE;
}

/* Whether a rule is HOST or HOST:PORT; if not, *WHY says what is wrong with it. */
gboolean
zu_egress_check_rule (const char *rule, char **why)
{
  g_autofree char *host = NULL;
  const char *rest;
  gboolean host_is_good;

  if (*rule == '[')
    host_is_good = is_bracketed (rule, &rest);
  else
    {
      rest = rule + strcspn (rule, ":");
      host = g_strndup (rule, (gsize) (rest - rule));
      host_is_good = is_host (host);
    }

  if (!host_is_good)
    *why = g_strdup ("its host is no name, no *.NAME and no address ([ADDRESS] for IPv6)");
  else if (*rest != '\0' && (*rest != ':' || !is_port (rest + 1)))
    *why = g_strdup ("its port is no number from 1 to 65535");
  else
    return TRUE;
  return FALSE;
}
