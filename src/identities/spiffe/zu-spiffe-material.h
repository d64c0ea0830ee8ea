/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "zu-x509-key.h"
#include "zu-x509-trust.h"

G_BEGIN_DECLS

/* Where a helper puts what the workload API gives it. */
typedef struct
{
  char *svid;
  char *key;
  char *bundle;
  char *jwt_bundle;
} ZuSpiffeFiles;

/* What was in the files at one moment; it does not change. */
typedef struct
{
  gatomicrefcount ref_count;
  ZuX509Chain chain;
  gnutls_privkey_t key;
  char *id;
  ZuX509Trust *trust;
  ZuJson *jwt_bundle;
} ZuSpiffeMaterial;

ZuSpiffeMaterial *zu_spiffe_material_read (const ZuSpiffeFiles *files, const char *trust_domain,
                                           GError **error);
ZuSpiffeMaterial *zu_spiffe_material_ref (ZuSpiffeMaterial *self);
void zu_spiffe_material_unref (ZuSpiffeMaterial *self);

char *zu_spiffe_files_dup_state (const ZuSpiffeFiles *files);
void zu_spiffe_files_clear (ZuSpiffeFiles *self);

G_DEFINE_AUTOPTR_CLEANUP_FUNC (ZuSpiffeMaterial, zu_spiffe_material_unref)

G_END_DECLS
