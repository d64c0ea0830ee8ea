/* SPDX-License-Identifier: Apache-2.0 */

#include "zu-hmac-signer.h"

#include <nettle/base16.h>
#include <string.h>

#define OPERATION   "sign"
#define DIGEST_SIZE 32

/**
 * ZuHmacSigner:
 *
 * Signs the digest of a request with a key that only it holds.
 *
 * The operation `sign` takes `digest`, 64 hexadecimal digits, and gives `signature`:
 * HMAC-SHA256 (RFC 2104) under the key, of the 32 bytes that the digits stand for, in hexadecimal
 * digits. Signing the same again gives the same and does nothing, so an order may be repeated.
 */
struct _ZuHmacSigner
{
  GObject parent_instance;

  ZuSecret *secret;
};

enum
{
  PROP_SECRET = 1,
  N_PROPS
};

static GParamSpec *props[N_PROPS];

static void zu_hmac_signer_iface_init (ZuInstrumentInterface *iface);
static void zu_hmac_signer_initable_init (GInitableIface *iface);

G_DEFINE_DYNAMIC_TYPE_EXTENDED (ZuHmacSigner, zu_hmac_signer, G_TYPE_OBJECT, G_TYPE_FLAG_FINAL,
                                G_IMPLEMENT_INTERFACE_DYNAMIC (ZU_TYPE_INSTRUMENT,
                                                               zu_hmac_signer_iface_init)
                                    G_IMPLEMENT_INTERFACE_DYNAMIC (G_TYPE_INITABLE,
                                                                   zu_hmac_signer_initable_init))

static gboolean
read_digest (const char *text, gsize size, guint8 *digest)
{
  if (text == NULL || size != 2 * DIGEST_SIZE)
    return FALSE;
  for (gsize i = 0; i < DIGEST_SIZE; i++)
    {
      int high = g_ascii_xdigit_value (text[2 * i]);
      int low = g_ascii_xdigit_value (text[2 * i + 1]);

      if (high < 0 || low < 0)
        return FALSE;
      digest[i] = (guint8) (high << 4 | low);
    }
  return TRUE;
}

static gboolean
read_request (ZuJson *request, guint8 *digest)
{
  g_autoptr (ZuJson) member = request != NULL ? zu_json_dup_member (request, "digest") : NULL;
  const char *text = NULL;
  gsize size = 0;

  if (member != NULL && zu_json_get_kind (member) == ZU_JSON_KIND_STRING)
    text = zu_json_get_string (member, &size);
  return read_digest (text, size, digest);
}

static ZuJson *
new_result (const guint8 *mac)
{
  g_autoptr (ZuJsonBuilder) builder = zu_json_builder_new ();
  char digits[BASE16_ENCODE_LENGTH (DIGEST_SIZE) + 1] = "";

  base16_encode_update (digits, DIGEST_SIZE, mac);
  zu_json_builder_begin_object (builder);
  zu_json_builder_set_member (builder, "signature");
  zu_json_builder_add_string (builder, digits);
  zu_json_builder_end_object (builder);
  return zu_json_builder_end (builder, NULL);
}

static ZuReceipt *
zu_hmac_signer_perform (ZuInstrument *instrument, ZuOrder *order, GCancellable *cancellable,
                        GError **error)
{
  ZuHmacSigner *self = ZU_HMAC_SIGNER (instrument);
  g_autoptr (ZuJson) result = NULL;
  guint8 digest[DIGEST_SIZE];
  guint8 mac[DIGEST_SIZE];

  if (!g_str_equal (zu_order_get_operation (order), OPERATION)
      || !read_request (zu_order_get_request (order), digest))
    {
      g_set_error_literal (error, ZU_INSTRUMENT_ERROR, ZU_INSTRUMENT_ERROR_BAD_REQUEST,
                           "the operation is sign, and the request {\"digest\"} of 64 hexadecimal "
                           "digits");
      return NULL;
    }
  zu_secret_hmac (self->secret, digest, sizeof digest, mac);
  result = new_result (mac);
  return g_object_new (ZU_TYPE_RECEIPT, "performance", ZU_PERFORMANCE_DONE, "result", result, NULL);
}

static ZuReceipt *
zu_hmac_signer_look_up (ZuInstrument *instrument, const char *key, GCancellable *cancellable,
                        GError **error)
{
  g_set_error_literal (error, ZU_INSTRUMENT_ERROR, ZU_INSTRUMENT_ERROR_UNKNOWN,
                       "a signer keeps no orders; repeat it");
  return NULL;
}

static gboolean
zu_hmac_signer_get_idempotent (ZuInstrument *instrument)
{
  return TRUE;
}

static void
zu_hmac_signer_iface_init (ZuInstrumentInterface *iface)
{
  iface->perform = zu_hmac_signer_perform;
  iface->look_up = zu_hmac_signer_look_up;
  iface->get_idempotent = zu_hmac_signer_get_idempotent;
}

static gboolean
zu_hmac_signer_initable (GInitable *initable, GCancellable *cancellable, GError **error)
{
  if (ZU_HMAC_SIGNER (initable)->secret != NULL)
    return TRUE;
  g_set_error_literal (error, G_IO_ERROR, G_IO_ERROR_INVALID_ARGUMENT,
                       "hmac-signer: there is no key (give the broker a secret)");
  return FALSE;
}

static void
zu_hmac_signer_initable_init (GInitableIface *iface)
{
  iface->init = zu_hmac_signer_initable;
}

static void
zu_hmac_signer_set_property (GObject *object, guint id, const GValue *value, GParamSpec *pspec)
{
  ZU_HMAC_SIGNER (object)->secret = g_value_dup_boxed (value);
}

static void
zu_hmac_signer_finalize (GObject *object)
{
  g_clear_pointer (&ZU_HMAC_SIGNER (object)->secret, zu_secret_unref);
  G_OBJECT_CLASS (zu_hmac_signer_parent_class)->finalize (object);
}

static void
zu_hmac_signer_class_init (ZuHmacSignerClass *klass)
{
  const GParamFlags flags = G_PARAM_WRITABLE | G_PARAM_CONSTRUCT_ONLY | G_PARAM_STATIC_STRINGS;
  GObjectClass *object_class = G_OBJECT_CLASS (klass);

  object_class->set_property = zu_hmac_signer_set_property;
  object_class->finalize = zu_hmac_signer_finalize;
  props[PROP_SECRET] =
      g_param_spec_boxed ("secret", NULL, "The key, any bytes", ZU_TYPE_SECRET, flags);
  g_object_class_install_properties (object_class, N_PROPS, props);
}

static void
zu_hmac_signer_class_finalize (ZuHmacSignerClass *klass)
{
}

static void
zu_hmac_signer_init (ZuHmacSigner *self)
{
}

void
zu_hmac_signer_register (GTypeModule *module)
{
  zu_hmac_signer_register_type (module);
}
