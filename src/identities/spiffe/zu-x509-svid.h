/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "zu-x509-chain.h"

G_BEGIN_DECLS

char *zu_x509_svid_dup_id (gnutls_x509_crt_t certificate);
gboolean zu_x509_svid_is_leaf (gnutls_x509_crt_t certificate);

G_END_DECLS
