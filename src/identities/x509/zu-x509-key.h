/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "zu-x509-chain.h"

#include <gnutls/abstract.h>

G_BEGIN_DECLS

gnutls_privkey_t zu_x509_key_open (const char *where, GError **error);
gboolean zu_x509_key_matches (gnutls_privkey_t key, gnutls_x509_crt_t certificate, GError **error);
char *zu_x509_key_sign (gnutls_privkey_t key, gnutls_x509_crt_t certificate, const char *text,
                        GError **error);
gboolean zu_x509_verify_text (gnutls_x509_crt_t certificate, const char *text,
                              const char *signature);

G_END_DECLS
