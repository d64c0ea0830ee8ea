/* SPDX-License-Identifier: Apache-2.0 */

#include "zu-secret-broker.h"

#include <nettle/base16.h>

#define MINT_KEY_SIZE 32
#define TOKEN_PREFIX  "tok_"
#define TOKEN_DIGITS  24

/**
 * ZuSecretBroker:
 *
 * Holds a secret in locked memory and hands out one-way tokens derived from it.
 *
 * A token is `tok_` and the first 24 hexadecimal digits of HMAC-SHA256 under the mint key, 32
 * random bytes made at start, of the secret, a colon and the nonce. All verbs may be called from
 * any thread.
 */
struct _ZuSecretBroker
{
  GObject parent_instance;

  ZuSecret *secret;
  ZuSecret *mint_key;
  int secret_fd;
  char *secret_file;
  char *secret_environment;
  gboolean require_secret;
};

enum
{
  PROP_SECRET = 1,
  PROP_SECRET_FD,
  PROP_SECRET_FILE,
  PROP_SECRET_ENVIRONMENT,
  PROP_REQUIRE_SECRET,
  PROP_MINT_KEY,
  N_PROPS
};

static GParamSpec *props[N_PROPS];

static void zu_secret_broker_iface_init (ZuCredentialBrokerInterface *iface);
static void zu_secret_broker_initable_init (GInitableIface *iface);

G_DEFINE_DYNAMIC_TYPE_EXTENDED (ZuSecretBroker, zu_secret_broker, G_TYPE_OBJECT, G_TYPE_FLAG_FINAL,
                                G_IMPLEMENT_INTERFACE_DYNAMIC (ZU_TYPE_CREDENTIAL_BROKER,
                                                               zu_secret_broker_iface_init)
                                    G_IMPLEMENT_INTERFACE_DYNAMIC (G_TYPE_INITABLE,
                                                                   zu_secret_broker_initable_init))

static gboolean
has_secret (ZuSecretBroker *self)
{
  return self->secret != NULL && zu_secret_get_size (self->secret) > 0;
}

static char *
token_from_digest (const guint8 *digest)
{
  char token[] = TOKEN_PREFIX "000000000000000000000000";

  base16_encode_update (token + strlen (TOKEN_PREFIX), TOKEN_DIGITS / 2, digest);
  return g_strdup (token);
}

static char *
zu_secret_broker_mint (ZuCredentialBroker *broker, const char *nonce, GCancellable *cancellable,
                       GError **error)
{
  ZuSecretBroker *self = ZU_SECRET_BROKER (broker);
  g_autofree char *tail = NULL;
  guint8 digest[32];

  if (self->require_secret && !has_secret (self))
    {
      g_set_error_literal (error, ZU_CREDENTIAL_BROKER_ERROR, ZU_CREDENTIAL_BROKER_ERROR_NO_SECRET,
                           "no secret is loaded, and this broker requires one");
      return NULL;
    }
  tail = g_strconcat (":", nonce, NULL);
  if (self->secret != NULL)
    zu_secret_hmac_secret (self->mint_key, self->secret, tail, strlen (tail), digest);
  else
    zu_secret_hmac (self->mint_key, tail, strlen (tail), digest);
  return token_from_digest (digest);
}

/* A token is derived again and compared in constant time. */
static gboolean
zu_secret_broker_check (ZuCredentialBroker *broker, const char *nonce, const char *token,
                        GCancellable *cancellable, GError **error)
{
  g_autofree char *own = zu_secret_broker_mint (broker, nonce, cancellable, error);
  gsize size = strlen (token);
  guint different = 0;

  if (own == NULL || size != strlen (own))
    return FALSE;
  for (gsize i = 0; i < size; i++)
    different |= (guint) (own[i] ^ token[i]);
  return different == 0;
}

static gboolean
zu_secret_broker_introspect (ZuCredentialBroker *broker, GCancellable *cancellable, GError **error)
{
  return has_secret (ZU_SECRET_BROKER (broker));
}

static void
zu_secret_broker_iface_init (ZuCredentialBrokerInterface *iface)
{
  iface->mint = zu_secret_broker_mint;
  iface->check = zu_secret_broker_check;
  iface->introspect = zu_secret_broker_introspect;
}

static gboolean
check_sources (ZuSecretBroker *self, GError **error)
{
  guint n = (self->secret != NULL) + (self->secret_fd >= 0) + (self->secret_file != NULL)
            + (self->secret_environment != NULL);

  if (n <= 1)
    return TRUE;
  g_set_error_literal (error, G_IO_ERROR, G_IO_ERROR_INVALID_ARGUMENT,
                       "credential-broker: more than one source of the secret is given");
  return FALSE;
}

static gboolean
zu_secret_broker_initable (GInitable *initable, GCancellable *cancellable, GError **error)
{
  ZuSecretBroker *self = ZU_SECRET_BROKER (initable);

  if (!check_sources (self, error))
    return FALSE;
  if (self->mint_key == NULL)
    self->mint_key = zu_secret_new_random (MINT_KEY_SIZE, error);
  if (self->mint_key == NULL)
    return FALSE;

  if (self->secret_fd >= 0)
    self->secret = zu_secret_new_from_fd (self->secret_fd, error);
  else if (self->secret_file != NULL)
    self->secret = zu_secret_new_from_file (self->secret_file, error);
  else if (self->secret_environment != NULL)
    self->secret = zu_secret_new_from_environment (self->secret_environment, error);
  else
    return TRUE;
  return self->secret != NULL;
}

static void
zu_secret_broker_initable_init (GInitableIface *iface)
{
  iface->init = zu_secret_broker_initable;
}

static void
zu_secret_broker_get_property (GObject *object, guint id, GValue *value, GParamSpec *pspec)
{
  ZuSecretBroker *self = ZU_SECRET_BROKER (object);

  if (id == PROP_REQUIRE_SECRET)
    g_value_set_boolean (value, self->require_secret);
  else
    G_OBJECT_WARN_INVALID_PROPERTY_ID (object, id, pspec);
}

static void
zu_secret_broker_set_property (GObject *object, guint id, const GValue *value, GParamSpec *pspec)
{
  ZuSecretBroker *self = ZU_SECRET_BROKER (object);

  switch (id)
    {
    case PROP_SECRET:
      self->secret = g_value_dup_boxed (value);
      break;
    case PROP_SECRET_FD:
      self->secret_fd = g_value_get_int (value);
      break;
    case PROP_SECRET_FILE:
      self->secret_file = g_value_dup_string (value);
      break;
    case PROP_SECRET_ENVIRONMENT:
      self->secret_environment = g_value_dup_string (value);
      break;
    case PROP_REQUIRE_SECRET:
      self->require_secret = g_value_get_boolean (value);
      break;
    case PROP_MINT_KEY:
      self->mint_key = g_value_dup_boxed (value);
      break;
    default:
      G_OBJECT_WARN_INVALID_PROPERTY_ID (object, id, pspec);
    }
}

static void
zu_secret_broker_finalize (GObject *object)
{
  ZuSecretBroker *self = ZU_SECRET_BROKER (object);

  g_clear_pointer (&self->secret, zu_secret_unref);
  g_clear_pointer (&self->mint_key, zu_secret_unref);
  g_free (self->secret_file);
  g_free (self->secret_environment);
  G_OBJECT_CLASS (zu_secret_broker_parent_class)->finalize (object);
}

static void
zu_secret_broker_class_init (ZuSecretBrokerClass *klass)
{
  const GParamFlags flags = G_PARAM_WRITABLE | G_PARAM_CONSTRUCT_ONLY | G_PARAM_STATIC_STRINGS;
  GObjectClass *object_class = G_OBJECT_CLASS (klass);

  object_class->get_property = zu_secret_broker_get_property;
  object_class->set_property = zu_secret_broker_set_property;
  object_class->finalize = zu_secret_broker_finalize;

  props[PROP_SECRET] = g_param_spec_boxed ("secret", NULL, "The secret", ZU_TYPE_SECRET, flags);
  props[PROP_SECRET_FD] =
      g_param_spec_int ("secret-fd", NULL,
                        "A descriptor to read the secret from; the caller's to close", -1, G_MAXINT,
                        -1, flags);
  props[PROP_SECRET_FILE] =
      g_param_spec_string ("secret-file", NULL, "A file whose bytes are the secret", NULL, flags);
  props[PROP_SECRET_ENVIRONMENT] = g_param_spec_string (
      "secret-environment", NULL,
      "An environment variable that holds the secret, as ZU_BROKER_SECRET; it stays readable there",
      NULL, flags);
  props[PROP_REQUIRE_SECRET] =
      g_param_spec_boolean ("require-secret", NULL, "Whether minting without a secret is refused",
                            FALSE, flags | G_PARAM_READABLE);
  props[PROP_MINT_KEY] =
      g_param_spec_boxed ("mint-key", NULL,
                          "The key that tokens are derived under; left out, 32 random bytes",
                          ZU_TYPE_SECRET, flags);
  g_object_class_install_properties (object_class, N_PROPS, props);
}

static void
zu_secret_broker_class_finalize (ZuSecretBrokerClass *klass)
{
}

static void
zu_secret_broker_init (ZuSecretBroker *self)
{
  self->secret_fd = -1;
}

void
zu_secret_broker_register (GTypeModule *module)
{
  zu_secret_broker_register_type (module);
}
