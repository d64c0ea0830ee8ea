/* SPDX-License-Identifier: Apache-2.0 */

#include "zu-spiffe-identity.h"

#include "zu-bound-proof.h"
#include "zu-jwt-svid.h"
#include "zu-spiffe-id.h"
#include "zu-spiffe-material.h"
#include "zu-x509-svid.h"

#define X509_SCHEME     "spiffe-x509"
#define JWT_SCHEME      "spiffe-jwt"
#define DEFAULT_MAX_AGE 300

/**
 * ZuSpiffeIdentity:
 *
 * An identity in a SPIFFE trust domain: it proves itself with an X509-SVID, and checks X509-SVIDs
 * and JWT-SVIDs of others.
 *
 * What it needs is in files that a helper of the workload API writes; they are read again as soon
 * as they have changed. All verbs may be called from any thread.
 */
struct _ZuSpiffeIdentity
{
  GObject parent_instance;

  ZuSpiffeFiles files;
  char *trust_domain;
  char *measurement;
  char *expected_measurement;
  gboolean require_measurement;
  guint max_age;
  ZuBoundProofRules rules;

  GMutex lock;
  ZuSpiffeMaterial *material;
  char *state; /* of the files that it was read from */
};

enum
{
  PROP_SVID = 1,
  PROP_KEY,
  PROP_BUNDLE,
  PROP_JWT_BUNDLE,
  PROP_TRUST_DOMAIN,
  PROP_MEASUREMENT,
  PROP_EXPECTED_MEASUREMENT,
  PROP_REQUIRE_MEASUREMENT,
  PROP_MAX_AGE,
  N_PROPS
};

static GParamSpec *props[N_PROPS];

static void zu_spiffe_identity_iface_init (ZuWorkloadIdentityInterface *iface);
static void zu_spiffe_identity_initable_init (GInitableIface *iface);

G_DEFINE_FINAL_TYPE_WITH_CODE (ZuSpiffeIdentity, zu_spiffe_identity, G_TYPE_OBJECT,
                               G_IMPLEMENT_INTERFACE (G_TYPE_INITABLE,
                                                      zu_spiffe_identity_initable_init)
                                   G_IMPLEMENT_INTERFACE (ZU_TYPE_WORKLOAD_IDENTITY,
                                                          zu_spiffe_identity_iface_init))

/* Under the lock. What cannot be read leaves what was there: it is checked for its validity anyhow,
 * and in the middle of a rotation the next look finds the rest. */
static void
follow (ZuSpiffeIdentity *self)
{
  g_autofree char *state = zu_spiffe_files_dup_state (&self->files);
  g_autoptr (GError) error = NULL;
  ZuSpiffeMaterial *material;

  if (g_strcmp0 (state, self->state) == 0)
    return;
  material = zu_spiffe_material_read (&self->files, self->trust_domain, &error);
  if (material == NULL)
    {
      g_debug ("spiffe: the former credentials stay in use: %s", error->message);
      return;
    }
  zu_spiffe_material_unref (self->material);
  self->material = material;
  g_free (self->state);
  self->state = g_steal_pointer (&state);
}

static ZuSpiffeMaterial *
dup_material (ZuSpiffeIdentity *self)
{
  ZuSpiffeMaterial *material;

  g_mutex_lock (&self->lock);
  follow (self);
  material = zu_spiffe_material_ref (self->material);
  g_mutex_unlock (&self->lock);
  return material;
}

static ZuProof *
zu_spiffe_identity_present (ZuWorkloadIdentity *identity, ZuChallenge *challenge,
                            GCancellable *cancellable, GError **error)
{
  ZuSpiffeIdentity *self = ZU_SPIFFE_IDENTITY (identity);
  g_autoptr (ZuSpiffeMaterial) material = dup_material (self);

  if (material->key == NULL)
    {
      g_set_error_literal (error, ZU_WORKLOAD_IDENTITY_ERROR, ZU_WORKLOAD_IDENTITY_ERROR_NO_KEY,
                           "spiffe: there is no SVID and key to prove anything with");
      return NULL;
    }
  return zu_bound_proof_make (&self->rules, material->id, &material->chain, material->key,
                              challenge, error);
}

static char *
verify_x509 (ZuSpiffeIdentity *self, ZuSpiffeMaterial *material, ZuProof *proof,
             ZuChallenge *challenge, GError **error)
{
  g_auto (ZuX509Chain) chain = { NULL, 0 };
  g_autofree char *id = NULL;

  if (!zu_bound_challenge_check (challenge, error))
    return NULL;
  if (material->trust == NULL || !zu_bound_proof_read_chain (proof, &chain))
    return NULL;
  id = zu_x509_svid_dup_id (chain.certificates[0]);
  if (id == NULL || !g_str_equal (id, zu_proof_get_principal (proof))
      || !zu_spiffe_is_workload (id, self->trust_domain)
      || !zu_x509_svid_is_leaf (chain.certificates[0])
      || !zu_x509_trust_verify (material->trust, &chain)
      || !zu_bound_proof_check (&self->rules, proof, &chain, challenge))
    return NULL;
  return g_steal_pointer (&id);
}

/* NULL where there is no token in it. */
static char *
dup_token (ZuProof *proof)
{
  ZuJson *members = zu_proof_get_proof (proof);
  g_autoptr (ZuJson) token = NULL;

  if (members != NULL && zu_json_get_kind (members) == ZU_JSON_KIND_OBJECT)
    token = zu_json_dup_member (members, "token");
  if (token == NULL || zu_json_get_kind (token) != ZU_JSON_KIND_STRING)
    return NULL;
  return g_strdup (zu_json_get_string (token, NULL));
}

/* A token says who it is for and until when, and no more: it binds no nonce and no measurement. */
static char *
verify_jwt (ZuSpiffeIdentity *self, ZuSpiffeMaterial *material, ZuProof *proof,
            ZuChallenge *challenge, GError **error)
{
  const char *audience = challenge != NULL ? zu_challenge_get_audience (challenge) : NULL;
  g_autofree char *token = dup_token (proof);
  g_autofree char *id = NULL;

  if (audience == NULL || *audience == '\0' || zu_challenge_get_nonce (challenge) != NULL)
    {
      g_set_error_literal (
          error, ZU_WORKLOAD_IDENTITY_ERROR, ZU_WORKLOAD_IDENTITY_ERROR_BAD_CHALLENGE,
          "a JWT-SVID is bound to an audience, and to no nonce: a challenge has the one alone");
      return NULL;
    }
  if (material->jwt_bundle == NULL || token == NULL || self->require_measurement
      || self->expected_measurement != NULL)
    return NULL;
  id = zu_jwt_svid_verify (token, material->jwt_bundle, self->trust_domain, audience);
  return g_strcmp0 (id, zu_proof_get_principal (proof)) == 0 ? g_steal_pointer (&id) : NULL;
}

static char *
zu_spiffe_identity_verify (ZuWorkloadIdentity *identity, ZuProof *proof, ZuChallenge *challenge,
                           GCancellable *cancellable, GError **error)
{
  ZuSpiffeIdentity *self = ZU_SPIFFE_IDENTITY (identity);
  g_autoptr (ZuSpiffeMaterial) material = dup_material (self);
  const char *scheme = zu_proof_get_scheme (proof);

  if (g_str_equal (scheme, X509_SCHEME))
    return verify_x509 (self, material, proof, challenge, error);
  return g_str_equal (scheme, JWT_SCHEME) ? verify_jwt (self, material, proof, challenge, error)
                                          : NULL;
}

static void
zu_spiffe_identity_iface_init (ZuWorkloadIdentityInterface *iface)
{
  iface->present = zu_spiffe_identity_present;
  iface->verify = zu_spiffe_identity_verify;
}

static gboolean
check_options (ZuSpiffeIdentity *self, GError **error)
{
  const char *wrong = NULL;

  if (self->trust_domain == NULL || !zu_spiffe_is_trust_domain (self->trust_domain))
    wrong = "trust_domain: a name of lower case letters, digits, '.', '-' and '_'";
  else if ((self->files.svid == NULL) != (self->files.key == NULL))
    wrong = "svid and key: both or none";
  else if (self->files.svid == NULL && self->files.bundle == NULL && self->files.jwt_bundle == NULL)
    wrong = "give svid and key, or bundle, or jwt_bundle";
  if (wrong != NULL)
    g_set_error (error, ZU_REGISTRY_ERROR, ZU_REGISTRY_ERROR_BAD_OPTION, "spiffe: %s", wrong);
  return wrong == NULL;
}

static gboolean
zu_spiffe_identity_initable (GInitable *initable, GCancellable *cancellable, GError **error)
{
  ZuSpiffeIdentity *self = ZU_SPIFFE_IDENTITY (initable);

  if (!check_options (self, error))
    return FALSE;
  self->rules = (ZuBoundProofRules){ .scheme = X509_SCHEME,
                                     .measurement = self->measurement,
                                     .expected_measurement = self->expected_measurement,
                                     .require_measurement = self->require_measurement,
                                     .max_age = self->max_age };
  self->state = zu_spiffe_files_dup_state (&self->files);
  self->material = zu_spiffe_material_read (&self->files, self->trust_domain, error);
  return self->material != NULL;
}

static void
zu_spiffe_identity_initable_init (GInitableIface *iface)
{
  iface->init = zu_spiffe_identity_initable;
}

static char **
find_text (ZuSpiffeIdentity *self, guint id)
{
  switch (id)
    {
    case PROP_SVID:
      return &self->files.svid;
    case PROP_KEY:
      return &self->files.key;
    case PROP_BUNDLE:
      return &self->files.bundle;
    case PROP_JWT_BUNDLE:
      return &self->files.jwt_bundle;
    case PROP_TRUST_DOMAIN:
      return &self->trust_domain;
    case PROP_MEASUREMENT:
      return &self->measurement;
    default:
      return &self->expected_measurement;
    }
}

static void
zu_spiffe_identity_set_property (GObject *object, guint id, const GValue *value, GParamSpec *pspec)
{
  ZuSpiffeIdentity *self = ZU_SPIFFE_IDENTITY (object);

  if (id == PROP_REQUIRE_MEASUREMENT)
    self->require_measurement = g_value_get_boolean (value);
  else if (id == PROP_MAX_AGE)
    self->max_age = g_value_get_uint (value);
  else
    *find_text (self, id) = g_value_dup_string (value);
}

static void
zu_spiffe_identity_finalize (GObject *object)
{
  ZuSpiffeIdentity *self = ZU_SPIFFE_IDENTITY (object);

  g_clear_pointer (&self->material, zu_spiffe_material_unref);
  zu_spiffe_files_clear (&self->files);
  g_free (self->trust_domain);
  g_free (self->measurement);
  g_free (self->expected_measurement);
  g_free (self->state);
  g_mutex_clear (&self->lock);
  G_OBJECT_CLASS (zu_spiffe_identity_parent_class)->finalize (object);
}

static GParamSpec *
new_text (const char *name, const char *blurb)
{
  return g_param_spec_string (name, NULL, blurb, NULL,
                              G_PARAM_WRITABLE | G_PARAM_CONSTRUCT_ONLY | G_PARAM_STATIC_STRINGS);
}

static void
zu_spiffe_identity_class_init (ZuSpiffeIdentityClass *klass)
{
  const GParamFlags flags = G_PARAM_WRITABLE | G_PARAM_CONSTRUCT_ONLY | G_PARAM_STATIC_STRINGS;
  GObjectClass *object_class = G_OBJECT_CLASS (klass);

  object_class->set_property = zu_spiffe_identity_set_property;
  object_class->finalize = zu_spiffe_identity_finalize;

  props[PROP_SVID] = new_text ("svid", "A file of the own X509-SVID in PEM, the leaf first");
  props[PROP_KEY] = new_text ("key", "A file of its private key in PEM, or a PKCS#11 URI");
  props[PROP_BUNDLE] = new_text ("bundle", "A file of the trust domain's authorities in PEM");
  props[PROP_JWT_BUNDLE] = new_text ("jwt-bundle", "A file of the trust domain's keys, a JWK set");
  props[PROP_TRUST_DOMAIN] = new_text ("trust-domain", "The trust domain, as in example.org");
  props[PROP_MEASUREMENT] = new_text ("measurement", "What the own program was measured as");
  props[PROP_EXPECTED_MEASUREMENT] =
      new_text ("expected-measurement", "What others must have been measured as");
  props[PROP_REQUIRE_MEASUREMENT] =
      g_param_spec_boolean ("require-measurement", NULL,
                            "Whether a proof without a measurement is refused", FALSE, flags);
  props[PROP_MAX_AGE] =
      g_param_spec_uint ("max-age", NULL, "Seconds that a proof by X509-SVID is good for", 1, 86400,
                         DEFAULT_MAX_AGE, flags);
  g_object_class_install_properties (object_class, N_PROPS, props);
}

static void
zu_spiffe_identity_init (ZuSpiffeIdentity *self)
{
  g_mutex_init (&self->lock);
}
