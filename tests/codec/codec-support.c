/* SPDX-License-Identifier: Apache-2.0 */

#include "codec-support.h"

#include <string.h>

struct _TestKeys
{
  GObject parent_instance;
  GMutex lock;
  GHashTable *keys;
  char *current;
  guint n_asked;
};

static void test_keys_iface_init (ZuKeyProviderInterface *iface);

G_DEFINE_FINAL_TYPE_WITH_CODE (TestKeys, test_keys, G_TYPE_OBJECT,
                               G_IMPLEMENT_INTERFACE (ZU_TYPE_KEY_PROVIDER, test_keys_iface_init))

static ZuSecret *
test_keys_get_key (ZuKeyProvider *provider, const char *key_id, GCancellable *cancellable,
                   GError **error)
{
  TestKeys *self = TEST_KEYS (provider);
  ZuSecret *key;

  g_usleep (200); /* long enough that two threads ask for one key */
  g_mutex_lock (&self->lock);
  key = g_hash_table_lookup (self->keys, key_id);
  if (key != NULL)
    zu_secret_ref (key);
  else
    g_set_error (error, ZU_KEY_PROVIDER_ERROR, ZU_KEY_PROVIDER_ERROR_NO_KEY, "no key %s", key_id);
  g_mutex_unlock (&self->lock);
  return key;
}

static char *
test_keys_get_current_key_id (ZuKeyProvider *provider, GCancellable *cancellable, GError **error)
{
  TestKeys *self = TEST_KEYS (provider);
  char *id;

  g_mutex_lock (&self->lock);
  self->n_asked++;
  id = g_strdup (self->current);
  g_mutex_unlock (&self->lock);
  if (id == NULL)
    g_set_error (error, ZU_KEY_PROVIDER_ERROR, ZU_KEY_PROVIDER_ERROR_NO_KEY, "none is current");
  return id;
}

static void
test_keys_iface_init (ZuKeyProviderInterface *iface)
{
  iface->get_key = test_keys_get_key;
  iface->get_current_key_id = test_keys_get_current_key_id;
}

static void
test_keys_finalize (GObject *object)
{
  TestKeys *self = TEST_KEYS (object);

  g_hash_table_unref (self->keys);
  g_free (self->current);
  g_mutex_clear (&self->lock);
  G_OBJECT_CLASS (test_keys_parent_class)->finalize (object);
}

static void
test_keys_class_init (TestKeysClass *klass)
{
  G_OBJECT_CLASS (klass)->finalize = test_keys_finalize;
}

static void
test_keys_init (TestKeys *self)
{
  g_mutex_init (&self->lock);
  self->keys =
      g_hash_table_new_full (g_str_hash, g_str_equal, g_free, (GDestroyNotify) zu_secret_unref);
}

TestKeys *
test_keys_new (void)
{
  return g_object_new (TEST_TYPE_KEYS, NULL);
}

/* Takes the key. */
void
test_keys_add (TestKeys *self, const char *id, ZuSecret *key)
{
  g_assert_nonnull (key);
  g_mutex_lock (&self->lock);
  g_hash_table_replace (self->keys, g_strdup (id), key);
  g_mutex_unlock (&self->lock);
}

void
test_keys_add_random (TestKeys *self, const char *id)
{
  test_keys_add (self, id, zu_secret_new_random (32, NULL));
}

void
test_keys_set_current (TestKeys *self, const char *id)
{
  g_mutex_lock (&self->lock);
  g_free (self->current);
  self->current = g_strdup (id);
  g_mutex_unlock (&self->lock);
}

guint
test_keys_get_n_asked (TestKeys *self)
{
  guint n;

  g_mutex_lock (&self->lock);
  n = self->n_asked;
  g_mutex_unlock (&self->lock);
  return n;
}

GType
plugin_type (const char *kind, const char *name)
{
  g_autoptr (GError) error = NULL;
  GType type = zu_registry_lookup (zu_registry_get_default (), kind, NULL, name, &error);

  g_assert_no_error (error);
  return type;
}

ZuPayloadCodec *
codec_new (ZuSecret *key)
{
  g_autoptr (GError) error = NULL;
  gpointer codec =
      g_initable_new (plugin_type ("zu.codecs", "aes-gcm"), NULL, &error, "key", key, NULL);

  g_assert_no_error (error);
  return codec;
}

/* One that asks for the current key every time. */
ZuPayloadCodec *
managed_new (TestKeys *keys)
{
  g_autoptr (GError) error = NULL;
  gpointer codec = g_initable_new (plugin_type ("zu.codecs", "managed-aes-gcm"), NULL, &error,
                                   "key-provider", keys, "refresh-interval", 0, NULL);

  g_assert_no_error (error);
  return codec;
}

GBytes *
bytes_from_text (const char *text)
{
  return g_bytes_new (text, strlen (text));
}

GBytes *
try_encode (ZuPayloadCodec *codec, const char *text, const char *associated, GError **error)
{
  g_autoptr (GBytes) plaintext = bytes_from_text (text);
  g_autoptr (GBytes) associated_data = bytes_from_text (associated);

  return zu_payload_codec_encode (codec, plaintext, associated_data, NULL, error);
}

GBytes *
encode (ZuPayloadCodec *codec, const char *text, const char *associated)
{
  g_autoptr (GError) error = NULL;
  GBytes *body = try_encode (codec, text, associated, &error);

  g_assert_no_error (error);
  return body;
}

GBytes *
try_decode (ZuPayloadCodec *codec, GBytes *body, const char *associated, GError **error)
{
  g_autoptr (GBytes) associated_data = bytes_from_text (associated);

  return zu_payload_codec_decode (codec, body, associated_data, NULL, error);
}

void
assert_decodes (ZuPayloadCodec *codec, GBytes *body, const char *associated, const char *text)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (GBytes) plaintext = try_decode (codec, body, associated, &error);

  g_assert_no_error (error);
  g_assert_cmpmem (g_bytes_get_data (plaintext, NULL), g_bytes_get_size (plaintext), text,
                   strlen (text));
}

void
assert_undecodable (ZuPayloadCodec *codec, GBytes *body, const char *associated)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (GBytes) plaintext = try_decode (codec, body, associated, &error);

  g_assert_null (plaintext);
  g_assert_error (error, ZU_PAYLOAD_CODEC_ERROR, ZU_PAYLOAD_CODEC_ERROR_UNDECODABLE);
}
