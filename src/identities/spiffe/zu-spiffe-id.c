/* SPDX-License-Identifier: Apache-2.0 */

#include "zu-spiffe-id.h"

#include <string.h>

/* SPIFFE-ID, section 2: spiffe://TRUST-DOMAIN/SEGMENT/SEGMENT, in few characters and one spelling.
 */

#define MAX_ID           2048
#define MAX_TRUST_DOMAIN 255

static gboolean
is_in (const char *text, gsize size, const char *more)
{
  for (gsize i = 0; i < size; i++)
    if (!g_ascii_islower (text[i]) && !g_ascii_isdigit (text[i]) && strchr (more, text[i]) == NULL)
      return FALSE;
  return size > 0;
}

gboolean
zu_spiffe_is_trust_domain (const char *text)
{
  return strlen (text) <= MAX_TRUST_DOMAIN && is_in (text, strlen (text), ".-_");
}

static gboolean
is_segment (const char *text)
{
  return !g_str_equal (text, ".") && !g_str_equal (text, "..")
         && is_in (text, strlen (text), ".-_ABCDEFGHIJKLMNOPQRSTUVWXYZ");
}

/* NULL where it is no SPIFFE ID of a trust domain. */
char *
zu_spiffe_dup_trust_domain (const char *id)
{
  const char *start = id + strlen (ZU_SPIFFE_SCHEME);
  g_autofree char *domain = NULL;

  if (!g_str_has_prefix (id, ZU_SPIFFE_SCHEME))
    return NULL;
  domain = g_strndup (start, strcspn (start, "/"));
  return zu_spiffe_is_trust_domain (domain) ? g_steal_pointer (&domain) : NULL;
}

/* A workload has a path; what is only a trust domain is its authority. */
gboolean
zu_spiffe_is_workload (const char *id, const char *trust_domain)
{
  g_autofree char *prefix = g_strconcat (ZU_SPIFFE_SCHEME, trust_domain, "/", NULL);
  g_auto (GStrv) segments = NULL;

  if (strlen (id) > MAX_ID || !g_str_has_prefix (id, prefix))
    return FALSE;
  segments = g_strsplit (id + strlen (prefix), "/", -1);
  for (gsize i = 0; segments[i] != NULL; i++)
    if (!is_segment (segments[i]))
      return FALSE;
  return segments[0] != NULL;
}
