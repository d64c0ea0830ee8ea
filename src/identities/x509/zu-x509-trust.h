/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "zu-x509-chain.h"

G_BEGIN_DECLS

/* Who is believed: roots, and what they took back. */
typedef struct _ZuX509Trust ZuX509Trust;

ZuX509Trust *zu_x509_trust_new (const char *roots_path, const char *crl_path, GError **error);
void zu_x509_trust_free (ZuX509Trust *self);
gboolean zu_x509_trust_verify (ZuX509Trust *self, const ZuX509Chain *chain);

G_DEFINE_AUTOPTR_CLEANUP_FUNC (ZuX509Trust, zu_x509_trust_free)

G_END_DECLS
