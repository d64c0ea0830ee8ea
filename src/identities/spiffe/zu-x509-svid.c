/* SPDX-License-Identifier: Apache-2.0 */

#include "zu-x509-svid.h"

#include <string.h>

#define MAX_NAMES 64
#define MAX_NAME  2049

/* X509-SVID, section 2: exactly one URI among the alternative names. NULL where it is not so; other
 * kinds of names are ignored. */
char *
zu_x509_svid_dup_id (gnutls_x509_crt_t certificate)
{
  g_autofree char *id = NULL;

  for (guint i = 0; i < MAX_NAMES; i++)
    {
      char name[MAX_NAME] = "";
      size_t size = sizeof name - 1;
      unsigned int critical;
      int type = gnutls_x509_crt_get_subject_alt_name (certificate, i, name, &size, &critical);

      if (type == GNUTLS_E_REQUESTED_DATA_NOT_AVAILABLE)
        return g_steal_pointer (&id);
      if (type < 0)
        return NULL;
      if (type != GNUTLS_SAN_URI)
        continue;
      if (id != NULL || strlen (name) != size)
        return NULL;
      id = g_strdup (name);
    }
  return NULL;
}

/* X509-SVID, section 4: signs, and signs neither certificates nor revocation lists. Its key usage
 * must say so. */
gboolean
zu_x509_svid_is_leaf (gnutls_x509_crt_t certificate)
{
  unsigned int usage = 0;
  unsigned int critical;

  return gnutls_x509_crt_get_ca_status (certificate, &critical) <= 0
         && gnutls_x509_crt_get_key_usage (certificate, &usage, &critical) == 0
         && (usage & GNUTLS_KEY_DIGITAL_SIGNATURE) != 0
         && (usage & (GNUTLS_KEY_KEY_CERT_SIGN | GNUTLS_KEY_CRL_SIGN)) == 0;
}
