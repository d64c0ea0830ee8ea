/* SPDX-License-Identifier: Apache-2.0 */

#include "zu-static-identity.h"

#include "zu-static-proof.h"

#include <string.h>

/**
 * ZuStaticIdentity:
 *
 * An identity that proves itself with a key that its verifiers have too (scheme `static-hmac`).
 *
 * All is settled when it is made, so it may be used from any thread.
 */
struct _ZuStaticIdentity
{
  GObject parent_instance;

  char *principal;
  char *measurement;
  char *expected_measurement;
  ZuSecret *own_key;

  /* Only until the object is initialised. Options as JSON are references into the caller's text,
   * where a property of text would be one more copy that nobody wipes. */
  ZuJson *key_option;
  ZuSecret *key_secret_option;
  ZuJson *trusted_keys_option;

  GHashTable *trusted; /* principal to ZuSecret */
};

enum
{
  PROP_PRINCIPAL = 1,
  PROP_KEY,
  PROP_KEY_SECRET,
  PROP_MEASUREMENT,
  PROP_TRUSTED_KEYS,
  PROP_EXPECTED_MEASUREMENT,
  N_PROPS
};

static GParamSpec *props[N_PROPS];

static void zu_static_identity_iface_init (ZuWorkloadIdentityInterface *iface);
static void zu_static_identity_initable_init (GInitableIface *iface);

G_DEFINE_FINAL_TYPE_WITH_CODE (ZuStaticIdentity, zu_static_identity, G_TYPE_OBJECT,
                               G_IMPLEMENT_INTERFACE (G_TYPE_INITABLE,
                                                      zu_static_identity_initable_init)
                                   G_IMPLEMENT_INTERFACE (ZU_TYPE_WORKLOAD_IDENTITY,
                                                          zu_static_identity_iface_init))

static gboolean
refuse (const char *option, const char *why, GError **error)
{
  g_set_error (error, ZU_REGISTRY_ERROR, ZU_REGISTRY_ERROR_BAD_OPTION, "static: option '%s' %s",
               option, why);
  return FALSE;
}

static gboolean
is_given (ZuJson *option)
{
  return option != NULL && zu_json_get_kind (option) != ZU_JSON_KIND_NULL;
}

/* By way of a copy that is wiped at once. An empty key would let everybody prove to be anybody. */
static ZuSecret *
copy_key (ZuJson *json, const char *option, GError **error)
{
  g_autofree char *room = NULL;
  gsize size;
  const char *text = zu_json_get_string (json, &size);

  if (text == NULL || size == 0)
    {
      refuse (option, text == NULL ? "wants text" : "holds an empty key", error);
      return NULL;
    }
  room = g_memdup2 (text, size);
  return zu_secret_new_wiping (room, size, error);
}

static gboolean
trust (ZuStaticIdentity *self, gsize index, GError **error)
{
  gsize length;
  const char *principal = zu_json_get_member_name (self->trusted_keys_option, index, &length);
  g_autoptr (ZuJson) value = NULL;
  ZuSecret *key;

  if (length == 0 || strlen (principal) != length)
    return refuse ("trusted_keys", "names a principal that is empty or holds U+0000", error);
  value = zu_json_dup_member (self->trusted_keys_option, principal);
  key = copy_key (value, "trusted_keys", error);
  if (key == NULL)
    {
      g_prefix_error (error, "principal '%s': ", principal);
      return FALSE;
    }
  g_hash_table_insert (self->trusted, g_strdup (principal), key);
  return TRUE;
}

/* Who names nobody to trust trusts itself. */
static gboolean
init_trusted (ZuStaticIdentity *self, GError **error)
{
  gsize n = 0;

  if (is_given (self->trusted_keys_option))
    {
      if (zu_json_get_kind (self->trusted_keys_option) != ZU_JSON_KIND_OBJECT)
        return refuse ("trusted_keys", "wants an object of principals to keys", error);
      n = zu_json_get_size (self->trusted_keys_option);
    }
  for (gsize i = 0; i < n; i++)
    if (!trust (self, i, error))
      return FALSE;
  if (n == 0 && self->own_key != NULL)
    g_hash_table_insert (self->trusted, g_strdup (self->principal), zu_secret_ref (self->own_key));
  return TRUE;
}

static gboolean
init_key (ZuStaticIdentity *self, GError **error)
{
  if (is_given (self->key_option) && self->key_secret_option != NULL)
    return refuse ("key", "is given beside 'key_secret', which says the same", error);
  if (self->key_secret_option != NULL)
    {
      self->own_key = g_steal_pointer (&self->key_secret_option);
      return zu_secret_get_size (self->own_key) > 0
             || refuse ("key_secret", "holds an empty key", error);
    }
  if (is_given (self->key_option))
    self->own_key = copy_key (self->key_option, "key", error);
  return self->own_key != NULL || !is_given (self->key_option);
}

static gboolean
check_text (const char *option, const char *text, GError **error)
{
  if (text != NULL && *text == '\0')
    return refuse (option, "is empty", error);
  return text == NULL || g_utf8_validate (text, -1, NULL) || refuse (option, "is no UTF-8", error);
}

static gboolean
zu_static_identity_initable_do_init (GInitable *initable, GCancellable *cancellable, GError **error)
{
  ZuStaticIdentity *self = ZU_STATIC_IDENTITY (initable);
  gboolean done;

  done = check_text ("principal", self->principal, error)
         && check_text ("measurement", self->measurement, error)
         && check_text ("expected_measurement", self->expected_measurement, error)
         && init_key (self, error)
         && (self->own_key == NULL || self->principal != NULL
             || refuse ("principal", "is missing beside a key", error))
         && init_trusted (self, error);
  g_clear_pointer (&self->key_option, zu_json_unref);
  g_clear_pointer (&self->key_secret_option, zu_secret_unref);
  g_clear_pointer (&self->trusted_keys_option, zu_json_unref);
  return done;
}

static void
zu_static_identity_initable_init (GInitableIface *iface)
{
  iface->init = zu_static_identity_initable_do_init;
}

/* The scheme binds no moment and no verifier; one that is asked to must not say that it did. */
static gboolean
asks_to_bind (ZuChallenge *challenge)
{
  return challenge != NULL
         && (zu_challenge_get_audience (challenge) != NULL
             || zu_challenge_get_nonce (challenge) != NULL);
}

static ZuProof *
zu_static_identity_present (ZuWorkloadIdentity *identity, ZuChallenge *challenge,
                            GCancellable *cancellable, GError **error)
{
  ZuStaticIdentity *self = ZU_STATIC_IDENTITY (identity);

  if (asks_to_bind (challenge))
    {
      g_set_error_literal (error, ZU_WORKLOAD_IDENTITY_ERROR,
                           ZU_WORKLOAD_IDENTITY_ERROR_BAD_CHALLENGE,
                           "static-hmac binds neither audience nor nonce "
                           "(use another scheme, or ask for none)");
      return NULL;
    }
  if (self->own_key == NULL)
    {
      g_set_error_literal (error, ZU_WORKLOAD_IDENTITY_ERROR, ZU_WORKLOAD_IDENTITY_ERROR_NO_KEY,
                           "this identity has no key, so it can only verify "
                           "(set the options principal and key)");
      return NULL;
    }
  return zu_static_proof_new (self->principal, self->own_key, self->measurement, error);
}

static char *
zu_static_identity_verify (ZuWorkloadIdentity *identity, ZuProof *proof, ZuChallenge *challenge,
                           GCancellable *cancellable, GError **error)
{
  ZuStaticIdentity *self = ZU_STATIC_IDENTITY (identity);
  const char *principal = zu_proof_get_principal (proof);
  ZuSecret *key;

  if (asks_to_bind (challenge) || g_strcmp0 (zu_proof_get_scheme (proof), ZU_STATIC_SCHEME) != 0
      || principal == NULL || zu_proof_get_proof (proof) == NULL)
    return NULL;
  key = g_hash_table_lookup (self->trusted, principal);
  if (key == NULL || !zu_static_proof_holds (proof, key))
    return NULL;
  if (self->expected_measurement != NULL
      && !zu_static_proof_is_measured (proof, self->expected_measurement))
    return NULL;
  return g_strdup (principal);
}

static void
zu_static_identity_iface_init (ZuWorkloadIdentityInterface *iface)
{
  iface->present = zu_static_identity_present;
  iface->verify = zu_static_identity_verify;
}

static void
zu_static_identity_get_property (GObject *object, guint id, GValue *value, GParamSpec *pspec)
{
  ZuStaticIdentity *self = ZU_STATIC_IDENTITY (object);

  switch (id)
    {
    case PROP_PRINCIPAL:
      g_value_set_string (value, self->principal);
      break;
    case PROP_MEASUREMENT:
      g_value_set_string (value, self->measurement);
      break;
    case PROP_EXPECTED_MEASUREMENT:
      g_value_set_string (value, self->expected_measurement);
      break;
    default:
      G_OBJECT_WARN_INVALID_PROPERTY_ID (object, id, pspec);
    }
}

static void
zu_static_identity_set_property (GObject *object, guint id, const GValue *value, GParamSpec *pspec)
{
  ZuStaticIdentity *self = ZU_STATIC_IDENTITY (object);

  switch (id)
    {
    case PROP_PRINCIPAL:
      self->principal = g_value_dup_string (value);
      break;
    case PROP_KEY:
      self->key_option = g_value_dup_boxed (value);
      break;
    case PROP_KEY_SECRET:
      self->key_secret_option = g_value_dup_boxed (value);
      break;
    case PROP_MEASUREMENT:
      self->measurement = g_value_dup_string (value);
      break;
    case PROP_TRUSTED_KEYS:
      self->trusted_keys_option = g_value_dup_boxed (value);
      break;
    case PROP_EXPECTED_MEASUREMENT:
      self->expected_measurement = g_value_dup_string (value);
      break;
    default:
      G_OBJECT_WARN_INVALID_PROPERTY_ID (object, id, pspec);
    }
}

static void
zu_static_identity_finalize (GObject *object)
{
  ZuStaticIdentity *self = ZU_STATIC_IDENTITY (object);

  g_free (self->principal);
  g_free (self->measurement);
  g_free (self->expected_measurement);
  g_clear_pointer (&self->own_key, zu_secret_unref);
  g_clear_pointer (&self->key_option, zu_json_unref);
  g_clear_pointer (&self->key_secret_option, zu_secret_unref);
  g_clear_pointer (&self->trusted_keys_option, zu_json_unref);
  g_hash_table_unref (self->trusted);
  G_OBJECT_CLASS (zu_static_identity_parent_class)->finalize (object);
}

static void
zu_static_identity_class_init (ZuStaticIdentityClass *klass)
{
  const GParamFlags secret = G_PARAM_WRITABLE | G_PARAM_CONSTRUCT_ONLY | G_PARAM_STATIC_STRINGS;
  const GParamFlags open = secret | G_PARAM_READABLE;
  GObjectClass *object_class = G_OBJECT_CLASS (klass);

  object_class->get_property = zu_static_identity_get_property;
  object_class->set_property = zu_static_identity_set_property;
  object_class->finalize = zu_static_identity_finalize;

  props[PROP_PRINCIPAL] = g_param_spec_string ("principal", NULL, NULL, NULL, open);
  props[PROP_KEY] = g_param_spec_boxed ("key", NULL, NULL, ZU_TYPE_JSON, secret);
  props[PROP_KEY_SECRET] = g_param_spec_boxed ("key-secret", NULL, NULL, ZU_TYPE_SECRET, secret);
  props[PROP_MEASUREMENT] = g_param_spec_string ("measurement", NULL, NULL, NULL, open);
  props[PROP_TRUSTED_KEYS] = g_param_spec_boxed ("trusted-keys", NULL, NULL, ZU_TYPE_JSON, secret);
  props[PROP_EXPECTED_MEASUREMENT] =
      g_param_spec_string ("expected-measurement", NULL, NULL, NULL, open);
  g_object_class_install_properties (object_class, N_PROPS, props);
}

static void
zu_static_identity_init (ZuStaticIdentity *self)
{
  self->trusted =
      g_hash_table_new_full (g_str_hash, g_str_equal, g_free, (GDestroyNotify) zu_secret_unref);
}
