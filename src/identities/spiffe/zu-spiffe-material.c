/* SPDX-License-Identifier: Apache-2.0 */

#include "zu-spiffe-material.h"

#include "zu-spiffe-id.h"
#include "zu-x509-svid.h"

#include <sys/stat.h>

static gboolean
refuse (GError **error, const char *path, const char *what)
{
  g_set_error (error, G_IO_ERROR, G_IO_ERROR_INVALID_DATA, "%s: %s", path, what);
  return FALSE;
}

static gboolean
read_own (ZuSpiffeMaterial *self, const ZuSpiffeFiles *files, const char *trust_domain,
          GError **error)
{
  if (!zu_x509_chain_read_file (&self->chain, files->svid, error))
    return FALSE;
  self->id = zu_x509_svid_dup_id (self->chain.certificates[0]);
  if (self->id == NULL || !zu_spiffe_is_workload (self->id, trust_domain)
      || !zu_x509_svid_is_leaf (self->chain.certificates[0]))
    return refuse (error, files->svid, "this is no X509-SVID of the trust domain");
  self->key = zu_x509_key_open (files->key, error);
  return self->key != NULL && zu_x509_key_matches (self->key, self->chain.certificates[0], error);
}

static gboolean
read_jwt_bundle (ZuSpiffeMaterial *self, const char *path, GError **error)
{
  g_autofree char *text = NULL;
  gsize size;

  if (!g_file_get_contents (path, &text, &size, error))
    return FALSE;
  self->jwt_bundle = zu_json_parse (text, (gssize) size, error);
  if (self->jwt_bundle == NULL)
    g_prefix_error (error, "%s: ", path);
  else if (zu_json_get_kind (self->jwt_bundle) != ZU_JSON_KIND_OBJECT)
    return refuse (error, path, "a bundle is a JSON object");
  return self->jwt_bundle != NULL;
}

/* All that is named, or nothing: in the middle of a rotation the key may not be the certificate's.
 */
ZuSpiffeMaterial *
zu_spiffe_material_read (const ZuSpiffeFiles *files, const char *trust_domain, GError **error)
{
  g_autoptr (ZuSpiffeMaterial) self = g_new0 (ZuSpiffeMaterial, 1);

  g_atomic_ref_count_init (&self->ref_count);
  if (files->svid != NULL && !read_own (self, files, trust_domain, error))
    return NULL;
  if (files->bundle != NULL)
    self->trust = zu_x509_trust_new (files->bundle, NULL, error);
  if (files->bundle != NULL && self->trust == NULL)
    return NULL;
  if (files->jwt_bundle != NULL && !read_jwt_bundle (self, files->jwt_bundle, error))
    return NULL;
  return g_steal_pointer (&self);
}

ZuSpiffeMaterial *
zu_spiffe_material_ref (ZuSpiffeMaterial *self)
{
  g_atomic_ref_count_inc (&self->ref_count);
  return self;
}

void
zu_spiffe_material_unref (ZuSpiffeMaterial *self)
{
  if (!g_atomic_ref_count_dec (&self->ref_count))
    return;
  zu_x509_chain_clear (&self->chain);
  g_clear_pointer (&self->key, gnutls_privkey_deinit);
  g_clear_pointer (&self->trust, zu_x509_trust_free);
  g_clear_pointer (&self->jwt_bundle, zu_json_unref);
  g_free (self->id);
  g_free (self);
}

static void
add_state (GString *state, const char *path)
{
  struct stat status;

  if (path != NULL && stat (path, &status) == 0)
    g_string_append_printf (state, "%lu:%lu:%ld:%ld.%09ld", (gulong) status.st_dev,
                            (gulong) status.st_ino, (glong) status.st_size,
                            (glong) status.st_mtim.tv_sec, (glong) status.st_mtim.tv_nsec);
  g_string_append_c (state, ';');
}

/* Differs once one of the files was written again or replaced. */
char *
zu_spiffe_files_dup_state (const ZuSpiffeFiles *files)
{
  GString *state = g_string_new (NULL);

  add_state (state, files->svid);
  add_state (state, files->key);
  add_state (state, files->bundle);
  add_state (state, files->jwt_bundle);
  return g_string_free (state, FALSE);
}

void
zu_spiffe_files_clear (ZuSpiffeFiles *self)
{
  g_free (self->svid);
  g_free (self->key);
  g_free (self->bundle);
  g_free (self->jwt_bundle);
}
