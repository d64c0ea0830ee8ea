/* SPDX-License-Identifier: Apache-2.0 */

#include "codec-support.h"

#include <glib/gstdio.h>
#include <nettle/gcm.h>
#include <string.h>
#include <unistd.h>

#define ROW "row"

static ZuSecret *
random_key (void)
{
  ZuSecret *key = zu_secret_new_random (32, NULL);

  g_assert_nonnull (key);
  return key;
}

static TestKeys *
keys_with (const char *id)
{
  TestKeys *keys = test_keys_new ();

  test_keys_add_random (keys, id);
  test_keys_set_current (keys, id);
  return keys;
}

/* What another implementation makes of a body whose prefix has that many bytes. */
static void
assert_nettle_reads (ZuSecret *key, GBytes *body, gsize prefix, const char *text)
{
  struct gcm_aes256_ctx gcm;
  gsize size, length = strlen (text);
  const guint8 *data = g_bytes_get_data (body, &size);
  g_autofree char *plain = g_malloc0 (length + 1);
  guint8 tag[16];

  g_assert_cmpuint (size, ==, prefix + 12 + length + 16);
  gcm_aes256_set_key (&gcm, zu_secret_peek (key, NULL));
  gcm_aes256_set_iv (&gcm, 12, data + prefix);
  /* Nettle wants the associated data in blocks, so in one piece. */
  {
    g_autoptr (GByteArray) joined = g_byte_array_new ();

    g_byte_array_append (joined, (const guint8 *) ROW, strlen (ROW));
    g_byte_array_append (joined, data, (guint) prefix);
    gcm_aes256_update (&gcm, joined->len, joined->data);
  }
  gcm_aes256_decrypt (&gcm, length, (guint8 *) plain, data + prefix + 12);
  gcm_aes256_digest (&gcm, sizeof tag, tag);
  g_assert_cmpstr (plain, ==, text);
  g_assert_cmpmem (tag, sizeof tag, data + size - 16, 16);
}

static void
test_frame (void)
{
  static const char text[] = "the payload, longer than one block of the cipher";
  g_autoptr (ZuSecret) key = random_key ();
  g_autoptr (ZuPayloadCodec) codec = codec_new (key);
  g_autoptr (TestKeys) keys = test_keys_new ();
  g_autoptr (ZuPayloadCodec) managed = managed_new (keys);
  g_autoptr (GBytes) v1 = encode (codec, text, ROW);
  g_autoptr (GBytes) v2 = NULL;

  g_assert_cmpuint (zu_payload_codec_get_version (codec), ==, 1);
  g_assert_cmpuint (zu_payload_codec_get_version (managed), ==, 2);
  assert_nettle_reads (key, v1, 0, text);
  assert_decodes (codec, v1, ROW, text);

  test_keys_add (keys, "clé", zu_secret_ref (key));
  test_keys_set_current (keys, "clé");
  v2 = encode (managed, text, ROW);
  g_assert_cmpmem (g_bytes_get_data (v2, NULL), 5,
                   "\x04"
                   "clé",
                   5);
  assert_nettle_reads (key, v2, 5, text);
  assert_decodes (managed, v2, ROW, text);
}

/* Every byte of a body counts, and so does every byte that is missing. */
static void
assert_all_of_it_counts (ZuPayloadCodec *codec, gsize head)
{
  g_autoptr (GBytes) body = encode (codec, "abc", ROW);
  gsize size;
  const guint8 *data = g_bytes_get_data (body, &size);

  for (gsize i = head; i < size; i++)
    {
      g_autoptr (GBytes) cut = g_bytes_new (data, i);
      g_autofree guint8 *changed = g_memdup2 (data, size);
      g_autoptr (GBytes) other = NULL;

      assert_undecodable (codec, cut, ROW);
      changed[i] ^= 0x01;
      other = g_bytes_new_take (g_steal_pointer (&changed), size);
      assert_undecodable (codec, other, ROW);
    }
  assert_undecodable (codec, body, ROW "s");
  assert_undecodable (codec, body, "");
  assert_decodes (codec, body, ROW, "abc");
}

static void
test_tag (void)
{
  g_autoptr (ZuSecret) key = random_key ();
  g_autoptr (ZuPayloadCodec) codec = codec_new (key);
  g_autoptr (TestKeys) keys = keys_with ("k");
  g_autoptr (ZuPayloadCodec) managed = managed_new (keys);
  g_autoptr (GBytes) empty = g_bytes_new (NULL, 0);

  assert_all_of_it_counts (codec, 0);
  assert_all_of_it_counts (managed, 2);
  assert_undecodable (codec, empty, ROW);
}

static void
test_key_id_in_body (void)
{
  g_autoptr (TestKeys) keys = keys_with ("k");
  g_autoptr (ZuPayloadCodec) managed = managed_new (keys);
  const struct
  {
    const char *bytes;
    gsize size;
  } bad[] = {
    { "", 0 },
    { "\0", 1 },
    { "\1", 1 },
    { "\1k", 2 },
    { "\2k\0", 3 },
    { "\1\xff"
      "0123456789abc",
      15 },
    { "\0"
      "0123456789ab0123456789abcdef",
      29 },
    { "\xff"
      "k",
      2 },
  };

  for (gsize i = 0; i < G_N_ELEMENTS (bad); i++)
    {
      g_autoptr (GBytes) body = g_bytes_new (bad[i].bytes, bad[i].size);

      assert_undecodable (managed, body, ROW);
    }
}

static void
test_wrong_key (void)
{
  g_autoptr (ZuSecret) key = random_key ();
  g_autoptr (ZuSecret) other_key = random_key ();
  g_autoptr (ZuPayloadCodec) codec = codec_new (key);
  g_autoptr (ZuPayloadCodec) other = codec_new (other_key);
  g_autoptr (TestKeys) keys = keys_with ("a");
  g_autoptr (ZuPayloadCodec) managed = managed_new (keys);
  g_autoptr (GBytes) v1 = encode (codec, "abc", ROW);
  g_autoptr (GBytes) v2 = encode (managed, "abc", ROW);
  g_autofree guint8 *renamed = g_memdup2 (g_bytes_get_data (v2, NULL), g_bytes_get_size (v2));
  g_autoptr (GBytes) body = NULL, unread = NULL;
  g_autoptr (GError) error = NULL;

  assert_undecodable (other, v1, ROW);

  /* The same key under another name is another key: the name is bound too. */
  test_keys_add (keys, "b", zu_key_provider_get_key (ZU_KEY_PROVIDER (keys), "a", NULL, NULL));
  renamed[1] = 'b';
  body = g_bytes_new (renamed, g_bytes_get_size (v2));
  assert_undecodable (managed, body, ROW);

  g_clear_pointer (&body, g_bytes_unref);
  renamed[1] = 'c';
  body = g_bytes_new (renamed, g_bytes_get_size (v2));
  unread = try_decode (managed, body, ROW, &error);
  g_assert_null (unread);
  g_assert_error (error, ZU_PAYLOAD_CODEC_ERROR, ZU_PAYLOAD_CODEC_ERROR_NO_KEY);
}

/* Their last four bytes are the generator's alone, without the time; of 2000 two are the same by
 * chance in one run of 2000. */
static void
test_nonces (void)
{
  const guint n = 2000;
  g_autoptr (ZuSecret) key = random_key ();
  g_autoptr (ZuPayloadCodec) codec = codec_new (key);
  g_autoptr (GHashTable) seen =
      g_hash_table_new_full (g_bytes_hash, g_bytes_equal, (GDestroyNotify) g_bytes_unref, NULL);

  for (guint i = 0; i < n; i++)
    {
      g_autoptr (GBytes) body = encode (codec, "", ROW);

      g_hash_table_add (seen, g_bytes_new_from_bytes (body, 8, 4));
    }
  g_assert_cmpuint (g_hash_table_size (seen), >=, n - 1);
}

static gpointer
try_new (const char *name, const char *property, gpointer value, GError **error)
{
  return g_initable_new (plugin_type ("zu.codecs", name), NULL, error, property, value, NULL);
}

static void
test_options (void)
{
  static const char hex[] = "000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f";
  g_autofree char *text = g_strdup (hex);
  g_autoptr (ZuSecret) as_text = zu_secret_new_wiping (text, strlen (text), NULL);
  g_autoptr (ZuSecret) shorter = zu_secret_new_random (31, NULL);
  g_autoptr (TestKeys) none = test_keys_new ();
  g_autoptr (TestKeys) keys = keys_with ("k");
  g_autoptr (ZuPayloadCodec) codec = codec_new (as_text);
  g_autoptr (ZuPayloadCodec) from_provider = NULL;
  g_autoptr (GBytes) body = encode (codec, "abc", ROW);
  g_autoptr (GError) error = NULL;

  assert_decodes (codec, body, ROW, "abc");
  g_assert_null (try_new ("aes-gcm", "key", shorter, &error));
  g_assert_error (error, ZU_KEY_PROVIDER_ERROR, ZU_KEY_PROVIDER_ERROR_BAD_KEY);
  g_clear_error (&error);
  g_assert_null (try_new ("aes-gcm", NULL, NULL, &error));
  g_assert_error (error, G_IO_ERROR, G_IO_ERROR_INVALID_ARGUMENT);
  g_clear_error (&error);
  g_assert_null (try_new ("aes-gcm", "key-provider", none, &error));
  g_assert_error (error, ZU_KEY_PROVIDER_ERROR, ZU_KEY_PROVIDER_ERROR_NO_KEY);
  g_clear_error (&error);
  g_assert_null (try_new ("managed-aes-gcm", NULL, NULL, &error));
  g_assert_error (error, G_IO_ERROR, G_IO_ERROR_INVALID_ARGUMENT);
  g_clear_error (&error);

  from_provider = try_new ("aes-gcm", "key-provider", keys, &error);
  g_assert_no_error (error);
  test_keys_set_current (keys, NULL);
  g_clear_pointer (&body, g_bytes_unref);
  body = encode (from_provider, "abc", ROW);
  assert_decodes (from_provider, body, ROW, "abc");
}

static void
assert_not_encoded (ZuPayloadCodec *codec, ZuPayloadCodecError code)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (GBytes) body = try_encode (codec, "abc", ROW, &error);

  g_assert_null (body);
  g_assert_error (error, ZU_PAYLOAD_CODEC_ERROR, (int) code);
}

static void
test_key_ids (void)
{
  g_autofree char *longest = g_strnfill (255, 'k');
  g_autofree char *too_long = g_strnfill (256, 'k');
  const char *bad[] = { "", "\xff", too_long };
  g_autoptr (TestKeys) keys = keys_with (longest);
  g_autoptr (ZuPayloadCodec) managed = managed_new (keys);
  g_autoptr (GBytes) body = encode (managed, "abc", ROW);

  assert_decodes (managed, body, ROW, "abc");
  for (gsize i = 0; i < G_N_ELEMENTS (bad); i++)
    {
      test_keys_add_random (keys, bad[i]);
      test_keys_set_current (keys, bad[i]);
      assert_not_encoded (managed, ZU_PAYLOAD_CODEC_ERROR_NO_KEY);
    }
  test_keys_add (keys, "short", zu_secret_new_random (16, NULL));
  test_keys_set_current (keys, "short");
  assert_not_encoded (managed, ZU_PAYLOAD_CODEC_ERROR_NO_KEY);
  test_keys_set_current (keys, "missing");
  assert_not_encoded (managed, ZU_PAYLOAD_CODEC_ERROR_NO_KEY);
}

static void
test_rotation (void)
{
  g_autoptr (TestKeys) keys = keys_with ("a");
  g_autoptr (ZuPayloadCodec) managed = managed_new (keys);
  g_autoptr (GBytes) before = encode (managed, "before", ROW);
  g_autoptr (GBytes) after = NULL;

  test_keys_add_random (keys, "b");
  test_keys_set_current (keys, "b");
  after = encode (managed, "after", ROW);
  g_assert_cmpint (((const char *) g_bytes_get_data (before, NULL))[1], ==, 'a');
  g_assert_cmpint (((const char *) g_bytes_get_data (after, NULL))[1], ==, 'b');
  assert_decodes (managed, before, ROW, "before");
  assert_decodes (managed, after, ROW, "after");
}

/* Between two looks at what is current, the provider is left alone. */
static void
test_refresh_interval (void)
{
  g_autoptr (TestKeys) keys = keys_with ("a");
  g_autoptr (GError) error = NULL;
  g_autoptr (ZuPayloadCodec) managed =
      g_initable_new (plugin_type ("zu.codecs", "managed-aes-gcm"), NULL, &error, "key-provider",
                      keys, "refresh-interval", G_MAXUINT, NULL);

  g_assert_no_error (error);
  for (guint i = 0; i < 10; i++)
    {
      g_autoptr (GBytes) body = encode (managed, "abc", ROW);
    }
  g_assert_cmpuint (test_keys_get_n_asked (keys), ==, 1);
}

static void
on_rotation_due (gpointer codec, const char *id, guint64 uses, GString *heard)
{
  g_string_append_printf (heard, "%s %" G_GUINT64_FORMAT "\n", id, uses);
}

static void
test_exhaustion (void)
{
  const guint64 limit = (G_GUINT64_CONSTANT (1) << 32) - (1 << 24);
  g_autoptr (TestKeys) keys = keys_with ("a");
  g_autoptr (GString) heard = g_string_new (NULL);
  g_autoptr (GError) error = NULL;
  g_autoptr (GBytes) last = NULL, next = NULL;
  g_autoptr (ZuPayloadCodec) managed =
      g_initable_new (plugin_type ("zu.codecs", "managed-aes-gcm"), NULL, &error, "key-provider",
                      keys, "refresh-interval", G_MAXUINT, "uses-before", limit - 3, "warn-after",
                      limit - 1, NULL);
  guint64 uses;

  g_assert_no_error (error);
  g_signal_connect (managed, "rotation-due", G_CALLBACK (on_rotation_due), heard);
  for (guint i = 0; i < 3; i++)
    {
      g_clear_pointer (&last, g_bytes_unref);
      last = encode (managed, "abc", ROW);
    }
  g_assert_cmpstr (heard->str, ==, "a 4278190079\n");
  g_object_get (managed, "uses", &uses, NULL);
  g_assert_cmpuint (uses, ==, limit);

  assert_not_encoded (managed, ZU_PAYLOAD_CODEC_ERROR_EXHAUSTED);
  assert_not_encoded (managed, ZU_PAYLOAD_CODEC_ERROR_EXHAUSTED);
  assert_decodes (managed, last, ROW, "abc");

  /* A key that was made current is found in spite of the interval, but counts from the same start.
   */
  test_keys_add_random (keys, "b");
  test_keys_set_current (keys, "b");
  next = encode (managed, "abc", ROW);
  g_assert_cmpint (((const char *) g_bytes_get_data (next, NULL))[1], ==, 'b');
}

static void
test_exhaustion_of_one (void)
{
  g_autoptr (ZuSecret) key = random_key ();
  g_autoptr (GString) heard = g_string_new (NULL);
  g_autoptr (GError) error = NULL;
  g_autoptr (ZuPayloadCodec) codec =
      g_initable_new (plugin_type ("zu.codecs", "aes-gcm"), NULL, &error, "key", key, "uses-before",
                      G_GUINT64_CONSTANT (8), "warn-after", G_GUINT64_CONSTANT (9), "max-uses",
                      G_GUINT64_CONSTANT (10), NULL);

  g_assert_no_error (error);
  g_signal_connect (codec, "rotation-due", G_CALLBACK (on_rotation_due), heard);
  for (guint i = 0; i < 2; i++)
    {
      g_autoptr (GBytes) body = encode (codec, "abc", ROW);
    }
  g_assert_cmpstr (heard->str, ==, " 9\n");
  assert_not_encoded (codec, ZU_PAYLOAD_CODEC_ERROR_EXHAUSTED);
}

static ZuPayloadCodec *
counted_new (ZuSecret *key, const char *file, GError **error)
{
  return g_initable_new (plugin_type ("zu.codecs", "aes-gcm"), NULL, error, "key", key, "uses-file",
                         file, "max-uses", G_GUINT64_CONSTANT (150), NULL);
}

static guint
encode_until_exhausted (ZuPayloadCodec *codec, guint at_most)
{
  for (guint i = 0; i < at_most; i++)
    {
      g_autoptr (GError) error = NULL;
      g_autoptr (GBytes) body = try_encode (codec, "", ROW, &error);

      if (body == NULL)
        {
          g_assert_error (error, ZU_PAYLOAD_CODEC_ERROR, ZU_PAYLOAD_CODEC_ERROR_EXHAUSTED);
          return i;
        }
    }
  return at_most;
}

/* The count goes on where the codec before it, or beside it, left it. */
static void
test_uses_file (void)
{
  g_autofree char *folder = g_dir_make_tmp ("zu-codec-XXXXXX", NULL);
  g_autofree char *file = g_build_filename (folder, "uses", NULL);
  g_autoptr (ZuSecret) key = random_key ();
  g_autoptr (ZuSecret) other_key = random_key ();
  g_autoptr (ZuPayloadCodec) first = counted_new (key, file, NULL);
  g_autoptr (ZuPayloadCodec) second = NULL, third = NULL, other = NULL;
  g_autoptr (GError) error = NULL;
  GStatBuf st;

  g_assert_cmpuint (encode_until_exhausted (first, 10), ==, 10);
  second = counted_new (key, file, NULL);
  g_assert_cmpuint (encode_until_exhausted (second, 10), ==, 10);
  /* 64 each were set aside; of the third block 22 are left below the limit. */
  third = counted_new (key, file, NULL);
  g_assert_cmpuint (encode_until_exhausted (third, 100), ==, 150 - 128);
  /* What was set aside before is still good, and what comes after it is not. */
  g_assert_cmpuint (encode_until_exhausted (first, 100), ==, 54);
  other = counted_new (other_key, file, NULL);
  g_assert_cmpuint (encode_until_exhausted (other, 10), ==, 10);

  g_assert_cmpint (g_stat (file, &st), ==, 0);
  g_assert_cmpuint (st.st_mode & 0777, ==, 0600);
  g_assert_cmpint (st.st_size, ==, 2 * 86);

  g_assert_cmpint (truncate (file, 100), ==, 0);
  g_clear_object (&second);
  second = counted_new (other_key, file, &error);
  g_assert_no_error (error);
  g_assert_null (try_encode (second, "", ROW, &error));
  g_assert_error (error, G_IO_ERROR, G_IO_ERROR_INVALID_DATA);
  g_clear_error (&error);
  g_unlink (file);
  g_assert_null (try_encode (second, "", ROW, &error));
  g_assert_error (error, G_IO_ERROR, G_IO_ERROR_NOT_FOUND);
  g_rmdir (folder);
}

typedef struct
{
  ZuPayloadCodec *codec;
  guint n;
} Load;

static gpointer
encode_and_decode (gpointer data)
{
  const Load *load = data;

  for (guint i = 0; i < load->n; i++)
    {
      g_autofree char *text = g_strdup_printf ("%p %u", (void *) &load, i);
      g_autoptr (GBytes) body = encode (load->codec, text, ROW);

      assert_decodes (load->codec, body, ROW, text);
    }
  return NULL;
}

/* Threads write and read while the current key changes; no use goes uncounted. */
static void
test_concurrency (void)
{
  const guint n_threads = 4;
  g_autoptr (TestKeys) keys = keys_with ("0");
  g_autoptr (ZuPayloadCodec) managed = managed_new (keys);
  Load load = { managed, 500 };
  GThread *threads[4];
  guint64 sum = 0;

  for (guint i = 0; i < n_threads; i++)
    threads[i] = g_thread_new ("load", encode_and_decode, &load);
  for (guint i = 1; i < 10; i++)
    {
      g_autofree char *id = g_strdup_printf ("%u", i);

      test_keys_add_random (keys, id);
      test_keys_set_current (keys, id);
      g_usleep (500);
    }
  for (guint i = 0; i < n_threads; i++)
    g_thread_join (threads[i]);

  for (guint i = 0; i < 10; i++)
    {
      g_autofree char *id = g_strdup_printf ("%u", i);
      g_autoptr (GBytes) body = NULL;
      guint64 uses;

      test_keys_set_current (keys, id);
      body = encode (managed, "", ROW);
      g_object_get (managed, "uses", &uses, NULL);
      sum += uses - 1;
    }
  g_assert_cmpuint (sum, ==, n_threads * load.n);
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);

  g_test_add_func ("/codec/aes-gcm/frame", test_frame);
  g_test_add_func ("/codec/aes-gcm/tag", test_tag);
  g_test_add_func ("/codec/aes-gcm/key-id-in-body", test_key_id_in_body);
  g_test_add_func ("/codec/aes-gcm/wrong-key", test_wrong_key);
  g_test_add_func ("/codec/aes-gcm/nonces", test_nonces);
  g_test_add_func ("/codec/aes-gcm/options", test_options);
  g_test_add_func ("/codec/aes-gcm/key-ids", test_key_ids);
  g_test_add_func ("/codec/aes-gcm/rotation", test_rotation);
  g_test_add_func ("/codec/aes-gcm/refresh-interval", test_refresh_interval);
  g_test_add_func ("/codec/aes-gcm/exhaustion", test_exhaustion);
  g_test_add_func ("/codec/aes-gcm/exhaustion-of-one", test_exhaustion_of_one);
  g_test_add_func ("/codec/aes-gcm/uses-file", test_uses_file);
  g_test_add_func ("/codec/aes-gcm/concurrency", test_concurrency);

  return g_test_run ();
}
