/* SPDX-License-Identifier: Apache-2.0 */

#include "zu-mtls-identity.h"

#include "zu-bound-proof.h"

#define SCHEME          "mtls-x509"
#define DEFAULT_MAX_AGE 300

/**
 * ZuMtlsIdentity:
 *
 * An identity that proves itself with the key of an X.509 certificate (RFC 5280).
 *
 * The principal is the certificate's subject, written as RFC 4514 has it. A proof is the chain and
 * a signature over principal, audience, nonce, time and measurement. All is settled when it is
 * made, so it may be used from any thread.
 */
struct _ZuMtlsIdentity
{
  GObject parent_instance;

  char *certificate;
  char *key_place;
  char *roots;
  char *crl;
  char *measurement;
  char *expected_measurement;
  gboolean require_measurement;
  guint max_age;

  ZuBoundProofRules rules;
  ZuX509Chain chain;
  gnutls_privkey_t key;
  ZuX509Trust *trust;
  char *principal;
};

enum
{
  PROP_CERTIFICATE = 1,
  PROP_KEY,
  PROP_ROOTS,
  PROP_CRL,
  PROP_MEASUREMENT,
  PROP_EXPECTED_MEASUREMENT,
  PROP_REQUIRE_MEASUREMENT,
  PROP_MAX_AGE,
  N_PROPS
};

static GParamSpec *props[N_PROPS];

static void zu_mtls_identity_iface_init (ZuWorkloadIdentityInterface *iface);
static void zu_mtls_identity_initable_init (GInitableIface *iface);

G_DEFINE_FINAL_TYPE_WITH_CODE (ZuMtlsIdentity, zu_mtls_identity, G_TYPE_OBJECT,
                               G_IMPLEMENT_INTERFACE (G_TYPE_INITABLE,
                                                      zu_mtls_identity_initable_init)
                                   G_IMPLEMENT_INTERFACE (ZU_TYPE_WORKLOAD_IDENTITY,
                                                          zu_mtls_identity_iface_init))

/* NULL where there is none, which names nobody. */
static char *
dup_subject (gnutls_x509_crt_t certificate)
{
  gnutls_datum_t name = { NULL, 0 };
  char *subject;

  if (gnutls_x509_crt_get_dn3 (certificate, &name, 0) < 0)
    return NULL;
  subject = name.size > 0 ? g_strndup ((char *) name.data, name.size) : NULL;
  gnutls_free (name.data);
  return subject;
}

static ZuProof *
zu_mtls_identity_present (ZuWorkloadIdentity *identity, ZuChallenge *challenge,
                          GCancellable *cancellable, GError **error)
{
  ZuMtlsIdentity *self = ZU_MTLS_IDENTITY (identity);

  if (self->key == NULL)
    {
      g_set_error_literal (error, ZU_WORKLOAD_IDENTITY_ERROR, ZU_WORKLOAD_IDENTITY_ERROR_NO_KEY,
                           "mtls: there is no certificate and key to prove anything with");
      return NULL;
    }
  return zu_bound_proof_make (&self->rules, self->principal, &self->chain, self->key, challenge,
                              error);
}

static char *
zu_mtls_identity_verify (ZuWorkloadIdentity *identity, ZuProof *proof, ZuChallenge *challenge,
                         GCancellable *cancellable, GError **error)
{
  ZuMtlsIdentity *self = ZU_MTLS_IDENTITY (identity);
  g_auto (ZuX509Chain) chain = { NULL, 0 };
  g_autofree char *subject = NULL;

  if (self->trust == NULL || !g_str_equal (zu_proof_get_scheme (proof), SCHEME))
    return NULL;
  if (!zu_bound_challenge_check (challenge, error))
    return NULL;
  if (!zu_bound_proof_read_chain (proof, &chain))
    return NULL;
  subject = dup_subject (chain.certificates[0]);
  if (subject == NULL || !g_str_equal (subject, zu_proof_get_principal (proof))
      || !zu_x509_trust_verify (self->trust, &chain)
      || !zu_bound_proof_check (&self->rules, proof, &chain, challenge))
    return NULL;
  return g_steal_pointer (&subject);
}

static void
zu_mtls_identity_iface_init (ZuWorkloadIdentityInterface *iface)
{
  iface->present = zu_mtls_identity_present;
  iface->verify = zu_mtls_identity_verify;
}

static gboolean
init_own (ZuMtlsIdentity *self, GError **error)
{
  if (!zu_x509_chain_read_file (&self->chain, self->certificate, error))
    return FALSE;
  self->principal = dup_subject (self->chain.certificates[0]);
  if (self->principal == NULL)
    {
      g_set_error (error, G_IO_ERROR, G_IO_ERROR_INVALID_DATA, "%s: the certificate has no subject",
                   self->certificate);
      return FALSE;
    }
  self->key = zu_x509_key_open (self->key_place, error);
  return self->key != NULL && zu_x509_key_matches (self->key, self->chain.certificates[0], error);
}

static gboolean
zu_mtls_identity_initable (GInitable *initable, GCancellable *cancellable, GError **error)
{
  ZuMtlsIdentity *self = ZU_MTLS_IDENTITY (initable);

  if ((self->certificate == NULL) != (self->key_place == NULL)
      || (self->certificate == NULL && self->roots == NULL))
    {
      g_set_error_literal (error, ZU_REGISTRY_ERROR, ZU_REGISTRY_ERROR_BAD_OPTION,
                           "mtls: give certificate and key, or roots, or all three");
      return FALSE;
    }
  self->rules = (ZuBoundProofRules){ .scheme = SCHEME,
                                     .measurement = self->measurement,
                                     .expected_measurement = self->expected_measurement,
                                     .require_measurement = self->require_measurement,
                                     .max_age = self->max_age };
  if (self->certificate != NULL && !init_own (self, error))
    return FALSE;
  if (self->roots != NULL)
    self->trust = zu_x509_trust_new (self->roots, self->crl, error);
  return self->roots == NULL || self->trust != NULL;
}

static void
zu_mtls_identity_initable_init (GInitableIface *iface)
{
  iface->init = zu_mtls_identity_initable;
}

static void
zu_mtls_identity_set_property (GObject *object, guint id, const GValue *value, GParamSpec *pspec)
{
  ZuMtlsIdentity *self = ZU_MTLS_IDENTITY (object);

  switch (id)
    {
    case PROP_CERTIFICATE:
      self->certificate = g_value_dup_string (value);
      break;
    case PROP_KEY:
      self->key_place = g_value_dup_string (value);
      break;
    case PROP_ROOTS:
      self->roots = g_value_dup_string (value);
      break;
    case PROP_CRL:
      self->crl = g_value_dup_string (value);
      break;
    case PROP_MEASUREMENT:
      self->measurement = g_value_dup_string (value);
      break;
    case PROP_EXPECTED_MEASUREMENT:
      self->expected_measurement = g_value_dup_string (value);
      break;
    case PROP_REQUIRE_MEASUREMENT:
      self->require_measurement = g_value_get_boolean (value);
      break;
    case PROP_MAX_AGE:
      self->max_age = g_value_get_uint (value);
      break;
    default:
      G_OBJECT_WARN_INVALID_PROPERTY_ID (object, id, pspec);
    }
}

static void
zu_mtls_identity_finalize (GObject *object)
{
  ZuMtlsIdentity *self = ZU_MTLS_IDENTITY (object);

  zu_x509_chain_clear (&self->chain);
  g_clear_pointer (&self->key, gnutls_privkey_deinit);
  g_clear_pointer (&self->trust, zu_x509_trust_free);
  g_free (self->principal);
  g_free (self->certificate);
  g_free (self->key_place);
  g_free (self->roots);
  g_free (self->crl);
  g_free (self->measurement);
  g_free (self->expected_measurement);
  G_OBJECT_CLASS (zu_mtls_identity_parent_class)->finalize (object);
}

static void
zu_mtls_identity_class_init (ZuMtlsIdentityClass *klass)
{
  const GParamFlags flags = G_PARAM_WRITABLE | G_PARAM_CONSTRUCT_ONLY | G_PARAM_STATIC_STRINGS;
  GObjectClass *object_class = G_OBJECT_CLASS (klass);

  object_class->set_property = zu_mtls_identity_set_property;
  object_class->finalize = zu_mtls_identity_finalize;

  props[PROP_CERTIFICATE] =
      g_param_spec_string ("certificate", NULL, "A file of the own chain in PEM, the leaf first",
                           NULL, flags);
  props[PROP_KEY] =
      g_param_spec_string ("key", NULL, "A file of its private key in PEM, or a PKCS#11 URI", NULL,
                           flags);
  props[PROP_ROOTS] =
      g_param_spec_string ("roots", NULL, "A file of the authorities that are believed", NULL,
                           flags);
  props[PROP_CRL] =
      g_param_spec_string ("crl", NULL, "A file of their revocation lists in PEM", NULL, flags);
  props[PROP_MEASUREMENT] =
      g_param_spec_string ("measurement", NULL, "What the own program was measured as", NULL,
                           flags);
  props[PROP_EXPECTED_MEASUREMENT] =
      g_param_spec_string ("expected-measurement", NULL, "What others must have been measured as",
                           NULL, flags);
  props[PROP_REQUIRE_MEASUREMENT] =
      g_param_spec_boolean ("require-measurement", NULL,
                            "Whether a proof without a measurement is refused", FALSE, flags);
  props[PROP_MAX_AGE] = g_param_spec_uint ("max-age", NULL, "Seconds that a proof is good for", 1,
                                           86400, DEFAULT_MAX_AGE, flags);
  g_object_class_install_properties (object_class, N_PROPS, props);
}

static void
zu_mtls_identity_init (ZuMtlsIdentity *self)
{
}
