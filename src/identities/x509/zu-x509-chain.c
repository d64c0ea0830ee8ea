/* SPDX-License-Identifier: Apache-2.0 */

#include "zu-x509-chain.h"

void
zu_x509_set_error (GError **error, const char *what, int code)
{
  g_set_error (error, G_IO_ERROR, G_IO_ERROR_INVALID_DATA, "%s: %s", what, gnutls_strerror (code));
}

gboolean
zu_x509_chain_read_file (ZuX509Chain *self, const char *path, GError **error)
{
  g_autofree char *text = NULL;
  gsize size;
  gnutls_datum_t pem;
  int result;

  if (!g_file_get_contents (path, &text, &size, error))
    return FALSE;
  pem = (gnutls_datum_t){ (guint8 *) text, (guint) size };
  result = gnutls_x509_crt_list_import2 (&self->certificates, &self->n, &pem, GNUTLS_X509_FMT_PEM,
                                         GNUTLS_X509_CRT_LIST_FAIL_IF_UNSORTED);
  if (result >= 0)
    return TRUE;
  zu_x509_set_error (error, path, result);
  return FALSE;
}

static gboolean
add_certificate (ZuX509Chain *self, ZuJson *json)
{
  gnutls_x509_crt_t certificate = NULL;
  g_autofree guint8 *bytes = NULL;
  gnutls_datum_t der;
  const char *text;
  gsize size;

  if (zu_json_get_kind (json) != ZU_JSON_KIND_STRING)
    return FALSE;
  text = zu_json_get_string (json, &size);
  if (size == 0 || size > ZU_X509_MAX_SIZE || strlen (text) != size)
    return FALSE;
  bytes = g_base64_decode (text, &size);
  der = (gnutls_datum_t){ bytes, (guint) size };
  if (gnutls_x509_crt_init (&certificate) < 0)
    return FALSE;
  if (gnutls_x509_crt_import (certificate, &der, GNUTLS_X509_FMT_DER) < 0)
    {
      gnutls_x509_crt_deinit (certificate);
      return FALSE;
    }
  self->certificates[self->n++] = certificate;
  return TRUE;
}

/* From a peer: an array of base64 texts, DER each. */
gboolean
zu_x509_chain_read_json (ZuX509Chain *self, ZuJson *json)
{
  gsize n =
      json != NULL && zu_json_get_kind (json) == ZU_JSON_KIND_ARRAY ? zu_json_get_size (json) : 0;

  if (n == 0 || n > ZU_X509_MAX_CHAIN)
    return FALSE;
  /* As the library makes them, which frees them. */
  self->certificates = gnutls_malloc (n * sizeof (gnutls_x509_crt_t));
  for (gsize i = 0; i < n; i++)
    {
      g_autoptr (ZuJson) element = zu_json_dup_element (json, i);

      if (!add_certificate (self, element))
        return FALSE;
    }
  return TRUE;
}

ZuJson *
zu_x509_chain_to_json (const ZuX509Chain *self)
{
  g_autoptr (ZuJsonBuilder) builder = zu_json_builder_new ();

  zu_json_builder_begin_array (builder);
  for (guint i = 0; i < self->n; i++)
    {
      g_autofree char *text = NULL;
      gnutls_datum_t der = { NULL, 0 };

      gnutls_x509_crt_export2 (self->certificates[i], GNUTLS_X509_FMT_DER, &der);
      text = g_base64_encode (der.data, der.size);
      gnutls_free (der.data);
      zu_json_builder_add_string (builder, text);
    }
  zu_json_builder_end_array (builder);
  return zu_json_builder_end (builder, NULL);
}

void
zu_x509_chain_clear (ZuX509Chain *self)
{
  for (guint i = 0; i < self->n; i++)
    gnutls_x509_crt_deinit (self->certificates[i]);
  gnutls_free (self->certificates);
  self->certificates = NULL;
  self->n = 0;
}
