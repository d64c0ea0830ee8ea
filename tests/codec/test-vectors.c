/* SPDX-License-Identifier: Apache-2.0 */

/* The recorded cases of codec.json, and the encrypted databases read row by row. */

#include "codec-support.h"
#include "vectors-support.h"

#include <glib/gstdio.h>
#include <string.h>

typedef void (*CaseFunc) (ZuJson *row);

static guint
foreach_case (ZuJson *list, CaseFunc func)
{
  gsize n = zu_json_get_size (list);

  for (gsize i = 0; i < n; i++)
    {
      g_autoptr (ZuJson) row = zu_json_dup_element (list, i);

      func (row);
    }
  return (guint) n;
}

static guint
foreach_codec_case (const char *name, CaseFunc func)
{
  g_autoptr (ZuJson) all = vectors_read_json ("codec.json");
  g_autoptr (ZuJson) list = row_member (all, name);

  return list != NULL ? foreach_case (list, func) : 0;
}

static GBytes *
row_plaintext (ZuJson *row)
{
  g_autoptr (ZuJson) value = row_member (row, "plaintext");
  gsize size;
  const char *text;

  if (value == NULL)
    return NULL;
  text = zu_json_get_string (value, &size);
  return g_bytes_new (text, size);
}

static void
add_codec (ZuCodecSet *set, ZuPayloadCodec *codec)
{
  g_autoptr (ZuPayloadCodec) owned = codec;
  g_autoptr (GError) error = NULL;

  zu_codec_set_set_writer (set, owned, &error);
  g_assert_no_error (error);
}

/* What a row's v1_key_hex and v2_keys make; the last one added writes. */
static ZuCodecSet *
make_set (ZuJson *row)
{
  g_autoptr (ZuSecret) v1 = row_secret (row, "v1_key_hex");
  g_autoptr (ZuJson) v2 = row_member (row, "v2_keys");
  ZuCodecSet *set = zu_codec_set_new ();

  if (v1 != NULL)
    add_codec (set, codec_new (v1));
  if (v2 != NULL)
    {
      g_autoptr (TestKeys) keys = test_keys_new ();

      for (gsize i = 0; i < zu_json_get_size (v2); i++)
        {
          const char *id = zu_json_get_member_name (v2, i, NULL);

          test_keys_add (keys, id, row_secret (v2, id));
        }
      add_codec (set, managed_new (keys));
    }
  return set;
}

/* As make_set, of one key and one version. */
static ZuCodecSet *
make_writer (ZuJson *row, gint64 version, const char *key_id)
{
  g_autoptr (ZuSecret) key = row_secret (row, "key_hex");
  ZuCodecSet *set = zu_codec_set_new ();

  if (version == 1)
    add_codec (set, codec_new (key));
  if (version == 2)
    {
      g_autoptr (TestKeys) keys = test_keys_new ();

      test_keys_add (keys, key_id, zu_secret_ref (key));
      test_keys_set_current (keys, key_id);
      add_codec (set, managed_new (keys));
    }
  return set;
}

static void
assert_blob_decodes (ZuCodecSet *set, GBytes *blob, GBytes *associated, GBytes *plaintext)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (GBytes) decoded = zu_codec_set_decode (set, blob, associated, &error);

  g_assert_no_error (error);
  g_assert_true (g_bytes_equal (decoded, plaintext));
}

/* All but the nonce and what follows from it. */
static void
assert_same_frame (GBytes *a, GBytes *b, gint64 version)
{
  gsize size_a, size_b;
  const guint8 *data_a = g_bytes_get_data (a, &size_a);
  const guint8 *data_b = g_bytes_get_data (b, &size_b);
  gsize head = version == 2 ? (gsize) 2 + data_a[1] : version == 0 ? size_a : 1;

  g_assert_cmpuint (size_a, ==, size_b);
  g_assert_cmpmem (data_a, head, data_b, head);
  if (version > 0)
    g_assert_cmpint (memcmp (data_a + head, data_b + head, 12), !=, 0);
}

static void
check_encoded (ZuJson *row)
{
  g_autoptr (ZuJson) number = row_member (row, "version");
  g_autoptr (GBytes) plaintext = row_plaintext (row);
  g_autoptr (GBytes) associated = row_hex (row, "aad_hex");
  g_autoptr (GBytes) recorded = row_hex (row, "blob_hex");
  g_autoptr (GBytes) blob = NULL;
  g_autoptr (ZuCodecSet) set = NULL;
  g_autoptr (GError) error = NULL;
  gint64 version = -1;

  g_assert_true (zu_json_get_int64 (number, &version));
  set = make_writer (row, version, row_text (row, "key_id"));
  assert_blob_decodes (set, recorded, associated, plaintext);

  blob = zu_codec_set_encode (set, plaintext, associated, &error);
  g_assert_no_error (error);
  assert_blob_decodes (set, blob, associated, plaintext);
  assert_same_frame (blob, recorded, version);
}

static void
test_encoded (void)
{
  g_assert_cmpuint (foreach_codec_case ("encoded", check_encoded), >=, 39);
}

static void
check_decode (ZuJson *row)
{
  g_autoptr (ZuCodecSet) set = make_set (row);
  g_autoptr (GBytes) blob = row_hex (row, "blob_hex");
  g_autoptr (GBytes) associated = row_hex (row, "aad_hex");
  g_autoptr (GBytes) plaintext = row_plaintext (row);
  g_autoptr (GBytes) decoded = NULL;
  g_autoptr (GError) error = NULL;

  if (plaintext != NULL)
    {
      assert_blob_decodes (set, blob, associated, plaintext);
      return;
    }
  decoded = zu_codec_set_decode (set, blob, associated, &error);
  g_assert_null (decoded);
  g_assert_nonnull (error);
  g_assert_true (error->domain == ZU_PAYLOAD_CODEC_ERROR);
  g_test_message ("%s: %s", row_text (row, "name"), error->message);
}

static void
test_decode (void)
{
  g_assert_cmpuint (foreach_codec_case ("decode", check_decode), >=, 16);
}

/* The key of an id as the provider `env` reads it. */
static void
assert_env_key (const char *id, ZuJson *row, gboolean is_usable)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (ZuKeyProvider) keys = g_object_new (plugin_type ("zu.key_providers", "env"), NULL);
  g_autoptr (ZuSecret) key = zu_key_provider_get_key (keys, id, NULL, &error);
  g_autoptr (ZuSecret) wanted = is_usable ? row_secret (row, "key_hex") : NULL;
  gsize size, wanted_size;
  const guint8 *bytes, *wanted_bytes;

  if (wanted == NULL)
    {
      g_assert_null (key);
      g_assert_nonnull (error);
      g_assert_true (error->domain == ZU_KEY_PROVIDER_ERROR);
      return;
    }
  g_assert_no_error (error);
  bytes = zu_secret_peek (key, &size);
  wanted_bytes = zu_secret_peek (wanted, &wanted_size);
  g_assert_cmpmem (bytes, size, wanted_bytes, wanted_size);
}

static void
check_key_text (ZuJson *row)
{
  g_autoptr (ZuJson) usable = row_member (row, "usable");

  g_setenv ("ZU_EVENT_KEY_text", row_text (row, "text"), TRUE);
  assert_env_key ("text", row, usable != NULL && zu_json_get_boolean (usable));
  g_unsetenv ("ZU_EVENT_KEY_text");
}

static void
test_key_text (void)
{
  g_assert_cmpuint (foreach_codec_case ("key_text", check_key_text), >=, 7);
}

static void
set_variables (ZuJson *env, gboolean set)
{
  for (gsize i = 0; i < zu_json_get_size (env); i++)
    {
      const char *name = zu_json_get_member_name (env, i, NULL);

      if (set)
        g_setenv (name, row_text (env, name), TRUE);
      else
        g_unsetenv (name);
    }
}

static void
check_env_keys (ZuJson *row)
{
  g_autoptr (ZuJson) env = row_member (row, "env");
  g_autoptr (ZuJson) refused = row_member (row, "error");
  g_autoptr (ZuKeyProvider) keys = g_object_new (plugin_type ("zu.key_providers", "env"), NULL);
  g_autoptr (GError) error = NULL;
  g_autofree char *current = NULL;

  set_variables (env, TRUE);
  current = zu_key_provider_get_current_key_id (keys, NULL, &error);
  g_assert_no_error (error);
  g_assert_cmpstr (current, ==, row_text (row, "current_key_id"));
  assert_env_key (row_text (row, "key_id"), row, refused == NULL);
  set_variables (env, FALSE);
}

static void
test_env_keys (void)
{
  g_assert_cmpuint (foreach_codec_case ("env_keys", check_env_keys), >=, 4);
}

static void
check_encode_error (ZuJson *row)
{
  g_autoptr (TestKeys) keys = test_keys_new ();
  g_autoptr (ZuPayloadCodec) codec = managed_new (keys);
  g_autoptr (GError) error = NULL;
  g_autoptr (GBytes) body = NULL;

  test_keys_add_random (keys, row_text (row, "key_id"));
  test_keys_set_current (keys, row_text (row, "key_id"));
  body = try_encode (codec, "text", "row", &error);
  g_assert_null (body);
  g_assert_error (error, ZU_PAYLOAD_CODEC_ERROR, ZU_PAYLOAD_CODEC_ERROR_NO_KEY);
}

/* The public set has none of these; test-aes-gcm.c has ours. */
static void
test_encode_errors (void)
{
  foreach_codec_case ("encode_errors", check_encode_error);
}

static char *
copy_database (const char *folder, const char *name)
{
  g_autofree char *path = g_build_filename (folder, name, NULL);
  g_autofree char *source = g_build_filename ("sqlite", name, NULL);
  g_autofree char *data = NULL;
  g_autoptr (GError) error = NULL;
  gsize size;

  data = vectors_read (source, &size);
  g_file_set_contents (path, data, (gssize) size, &error);
  g_assert_no_error (error);
  return g_steal_pointer (&path);
}

static ZuEventSink *
open_database (const char *path, ZuCodecSet *set)
{
  const char *names[] = { "codecs" };
  GValue values[1] = { G_VALUE_INIT };
  g_autofree char *uri = g_strconcat ("sqlite:", path, NULL);
  g_autoptr (GError) error = NULL;
  ZuEventSink *sink;

  g_value_init (&values[0], ZU_TYPE_CODEC_SET);
  g_value_set_object (&values[0], set);
  sink = zu_open_sink_with_properties (uri, 1, names, values, &error);
  g_value_unset (&values[0]);
  g_assert_no_error (error);
  return sink;
}

static void
check_stored_row (ZuEventSink *sink, ZuJson *row)
{
  g_autoptr (GPtrArray) events = NULL;
  g_autoptr (GError) error = NULL;
  gint64 seq = -1;
  g_autoptr (ZuJson) number = row_member (row, "seq");

  g_assert_true (zu_json_get_int64 (number, &seq));
  events = zu_event_sink_query (sink, NULL, seq - 1, 1, NULL, &error);
  if (row_text (row, "hash") == NULL)
    {
      g_assert_null (events);
      g_assert_error (error, ZU_EVENT_SINK_ERROR, ZU_EVENT_SINK_ERROR_UNDECODABLE);
      return;
    }
  g_assert_no_error (error);
  g_assert_cmpuint (events->len, ==, 1);
  g_assert_cmpstr (zu_event_get_hash (g_ptr_array_index (events, 0)), ==, row_text (row, "hash"));
}

static void
check_database (ZuJson *entry)
{
  g_autofree char *folder = NULL, *path = NULL;
  g_autoptr (ZuJson) keys = row_member (entry, "keys");
  g_autoptr (ZuJson) rows = row_member (entry, "row_by_row");
  g_autoptr (ZuCodecSet) set = make_set (keys);
  g_autoptr (ZuEventSink) sink = NULL;
  const char *name = row_text (entry, "file");

  if (strstr (name, "aes") == NULL && strstr (name, "managed") == NULL)
    return;
  folder = g_dir_make_tmp ("zu-codec-XXXXXX", NULL);
  path = copy_database (folder, name);
  sink = open_database (path, set);
  for (gsize i = 0; i < zu_json_get_size (rows); i++)
    {
      g_autoptr (ZuJson) row = zu_json_dup_element (rows, i);

      check_stored_row (sink, row);
    }
}

static void
test_databases (void)
{
  g_autoptr (ZuJson) manifest = vectors_read_json ("sqlite/manifest.json");
  g_autoptr (ZuJson) list = row_member (manifest, "databases");

  g_assert_cmpuint (foreach_case (list, check_database), >=, 9);
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);

  g_test_add_func ("/codec/vectors/encoded", test_encoded);
  g_test_add_func ("/codec/vectors/decode", test_decode);
  g_test_add_func ("/codec/vectors/key-text", test_key_text);
  g_test_add_func ("/codec/vectors/env-keys", test_env_keys);
  g_test_add_func ("/codec/vectors/encode-errors", test_encode_errors);
  g_test_add_func ("/codec/vectors/databases", test_databases);

  return g_test_run ();
}
