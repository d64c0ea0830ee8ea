/* SPDX-License-Identifier: Apache-2.0 */

#include "zu-x509-trust.h"

struct _ZuX509Trust
{
  gnutls_x509_trust_list_t list;
  gboolean has_crl;
};

static gboolean
add_roots (ZuX509Trust *self, const char *path, GError **error)
{
  int n = gnutls_x509_trust_list_add_trust_file (self->list, path, NULL, GNUTLS_X509_FMT_PEM, 0, 0);

  if (n > 0)
    return TRUE;
  if (n == 0)
    n = GNUTLS_E_NO_CERTIFICATE_FOUND;
  zu_x509_set_error (error, path, n);
  return FALSE;
}

/* Each must be signed by a root, and be of this time. */
static gboolean
add_crl (ZuX509Trust *self, const char *path, GError **error)
{
  g_autofree char *text = NULL;
  gsize size;
  gnutls_datum_t pem;
  int n;

  if (!g_file_get_contents (path, &text, &size, error))
    return FALSE;
  pem = (gnutls_datum_t){ (guint8 *) text, (guint) size };
  n = gnutls_x509_trust_list_add_trust_mem (self->list, NULL, &pem, GNUTLS_X509_FMT_PEM,
                                            GNUTLS_TL_VERIFY_CRL, 0);
  self->has_crl = n > 0;
  if (self->has_crl)
    return TRUE;
  g_set_error (error, G_IO_ERROR, G_IO_ERROR_INVALID_DATA,
               "%s: there is no revocation list that a root has signed", path);
  return FALSE;
}

ZuX509Trust *
zu_x509_trust_new (const char *roots_path, const char *crl_path, GError **error)
{
  g_autoptr (ZuX509Trust) self = g_new0 (ZuX509Trust, 1);
  int result = gnutls_x509_trust_list_init (&self->list, 0);

  if (result < 0)
    {
      zu_x509_set_error (error, "trust list", result);
      return NULL;
    }
  if (!add_roots (self, roots_path, error)
      || (crl_path != NULL && !add_crl (self, crl_path, error)))
    return NULL;
  return g_steal_pointer (&self);
}

void
zu_x509_trust_free (ZuX509Trust *self)
{
  if (self->list != NULL)
    gnutls_x509_trust_list_deinit (self->list, 1);
  g_free (self);
}

/* RFC 5280, 4.2.1.3: where it says what a key is for, signing must be among it. */
static gboolean
may_sign (gnutls_x509_crt_t certificate)
{
  unsigned int usage = 0;
  unsigned int critical;
  int result = gnutls_x509_crt_get_key_usage (certificate, &usage, &critical);

  return result == GNUTLS_E_REQUESTED_DATA_NOT_AVAILABLE
         || (result == 0 && (usage & GNUTLS_KEY_DIGITAL_SIGNATURE) != 0);
}

/* Validity, signatures, constraints, revocation and purpose (client authentication) of the chain;
 * the leaf is no authority. Weak algorithms are none. */
gboolean
zu_x509_trust_verify (ZuX509Trust *self, const ZuX509Chain *chain)
{
  gnutls_typed_vdata_st purpose = { .type = GNUTLS_DT_KEY_PURPOSE_OID,
                                    .data = (guint8 *) GNUTLS_KP_TLS_WWW_CLIENT };
  guint flags = GNUTLS_PROFILE_TO_VFLAGS (GNUTLS_PROFILE_MEDIUM);
  unsigned int status = GNUTLS_CERT_INVALID;
  unsigned int critical;

  if (!may_sign (chain->certificates[0])
      || gnutls_x509_crt_get_ca_status (chain->certificates[0], &critical) > 0)
    return FALSE;
  return gnutls_x509_trust_list_verify_crt2 (self->list, chain->certificates, chain->n, &purpose, 1,
                                             flags, &status, NULL)
             >= 0
         && status == 0;
}
