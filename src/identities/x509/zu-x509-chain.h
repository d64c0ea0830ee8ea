/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include <gnutls/x509.h>
#include <zu/zu.h>

G_BEGIN_DECLS

/* A chain of certificates, the leaf first. */
typedef struct
{
  gnutls_x509_crt_t *certificates;
  guint n;
} ZuX509Chain;

/* Longer or larger ones are refused before they are parsed. */
#define ZU_X509_MAX_CHAIN 8
#define ZU_X509_MAX_SIZE  (16 * 1024)

gboolean zu_x509_chain_read_file (ZuX509Chain *self, const char *path, GError **error);
gboolean zu_x509_chain_read_json (ZuX509Chain *self, ZuJson *json);
ZuJson *zu_x509_chain_to_json (const ZuX509Chain *self);
void zu_x509_chain_clear (ZuX509Chain *self);

void zu_x509_set_error (GError **error, const char *what, int code);

G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC (ZuX509Chain, zu_x509_chain_clear)

G_END_DECLS
