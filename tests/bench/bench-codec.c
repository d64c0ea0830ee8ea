/* SPDX-License-Identifier: Apache-2.0 */

/* What encrypting costs a log, and what encrypting itself costs. */

#include "bench.h"

#include <glib/gstdio.h>
#include <gnutls/crypto.h>
#include <gnutls/gnutls.h>
#include <string.h>
#include <sys/random.h>
#include <zu/zu.h>

#define N_STORED   100000
#define N_APPENDED 10000
#define N_ENCODED  50000

#define KEY_HEX "520fb3f1cca61428d43a99b3b87929f31a82c469dddfc16329aa227ff18fd4e9"
#define PAYLOAD                                                                    \
  "{\"url\":\"https://example.org/a/b?c=d\",\"n\":12345,\"ratio\":0.25,\"items\":" \
  "[\"alpha\",\"beta\",\"gamma\",\"delta\",\"epsilon\",\"zeta\",\"eta\",\"theta\"]}"

typedef struct
{
  char *folder;
  ZuPayloadCodec *codec;
  ZuEventSink *encrypted;
  ZuEventSink *plain;
  GBytes *text;
  GBytes *associated;
} Data;

static ZuPayloadCodec *
open_codec (void)
{
  const char *names[] = { "key-provider" };
  g_auto (GValue) value = G_VALUE_INIT;
  g_autoptr (GError) error = NULL;
  ZuRegistry *registry = zu_registry_get_default ();
  GObject *codec;

  g_setenv ("ZU_EVENT_KEY", KEY_HEX, TRUE);
  g_value_init (&value, ZU_TYPE_KEY_PROVIDER);
  g_value_take_object (&value, zu_registry_create (registry, "zu.key_providers", NULL, "env", NULL,
                                                   NULL, &error));
  g_assert_no_error (error);
  codec = zu_registry_create_with_properties (registry, "zu.codecs", NULL, "managed-aes-gcm", 1,
                                              names, &value, NULL, &error);
  g_assert_no_error (error);
  return ZU_PAYLOAD_CODEC (codec);
}

static ZuEventSink *
open_log (const char *folder, const char *name, ZuPayloadCodec *codec)
{
  const char *names[] = { "codecs" };
  g_autofree char *uri = g_strdup_printf ("sqlite:%s/%s", folder, name);
  g_auto (GValue) value = G_VALUE_INIT;
  g_autoptr (GError) error = NULL;
  ZuCodecSet *set = zu_codec_set_new ();
  ZuEventSink *sink;

  if (codec != NULL)
    zu_codec_set_set_writer (set, codec, NULL);
  g_value_init (&value, ZU_TYPE_CODEC_SET);
  g_value_take_object (&value, set);
  sink = zu_open_sink_with_properties (uri, 1, names, &value, &error);
  g_assert_no_error (error);
  return sink;
}

static ZuEvent *
make_event (const char *trace)
{
  g_autofree char *json =
      g_strdup_printf ("{\"trace_id\":\"%s\",\"task_id\":\"%s\",\"type\":\"data.bench\","
                       "\"source\":\"bench\",\"payload\":" PAYLOAD "}",
                       trace, trace);
  g_autoptr (GError) error = NULL;
  ZuEvent *event = zu_event_new_from_json (json, -1, &error);

  g_assert_no_error (error);
  return event;
}

static double
append_many (ZuEventSink *sink)
{
  g_autoptr (GPtrArray) events = g_ptr_array_new_with_free_func (g_object_unref);
  g_autoptr (GPtrArray) stored = NULL;
  g_autofree char *trace = g_uuid_string_random ();
  g_autoptr (GError) error = NULL;
  double start;

  for (guint i = 0; i < N_APPENDED; i++)
    g_ptr_array_add (events, make_event (trace));
  start = bench_now ();
  stored = zu_event_sink_append_many (sink, events, NULL, &error);
  g_assert_no_error (error);
  return bench_now () - start;
}

static double
append_encrypted (gpointer data)
{
  return append_many (((Data *) data)->encrypted);
}

static double
append_plain (gpointer data)
{
  return append_many (((Data *) data)->plain);
}

static double
encode (gpointer user_data)
{
  Data *data = user_data;
  double start = bench_now ();

  for (guint i = 0; i < N_ENCODED; i++)
    g_bytes_unref (zu_payload_codec_encode (data->codec, data->text, data->associated, NULL, NULL));
  return bench_now () - start;
}

/* A nonce of the system's and one call into GnuTLS, on one cipher and in one place. */
static double
bare_encrypt (gpointer user_data)
{
  Data *data = user_data;
  guint8 key[32] = { 0 }, nonce[12], text[1024], tag[16];
  gnutls_datum_t datum = { key, sizeof key };
  giovec_t associated = { (void *) g_bytes_get_data (data->associated, NULL),
                          g_bytes_get_size (data->associated) };
  giovec_t place = { text, g_bytes_get_size (data->text) };
  gnutls_aead_cipher_hd_t cipher;
  double start;

  g_assert_cmpuint (place.iov_len, <=, sizeof text);
  memcpy (text, g_bytes_get_data (data->text, NULL), place.iov_len);
  g_assert_cmpint (gnutls_aead_cipher_init (&cipher, GNUTLS_CIPHER_AES_256_GCM, &datum), ==, 0);
  start = bench_now ();
  for (guint i = 0; i < N_ENCODED; i++)
    {
      gsize tag_size = sizeof tag;

      g_assert_cmpint (getrandom (nonce, sizeof nonce, 0), ==, sizeof nonce);
      gnutls_aead_cipher_encryptv2 (cipher, nonce, sizeof nonce, &associated, 1, &place, 1, tag,
                                    &tag_size);
    }
  start = bench_now () - start;
  gnutls_aead_cipher_deinit (cipher);
  return start;
}

static void
set_up (Data *data)
{
  g_autoptr (ZuEvent) event = make_event ("0b1c2d3e-0000-4000-8000-000000000001");
  gsize length;
  const char *text = zu_event_get_text (event, &length);

  data->folder = g_dir_make_tmp ("zu-bench-XXXXXX", NULL);
  data->codec = open_codec ();
  data->encrypted = open_log (data->folder, "encrypted.db", data->codec);
  data->plain = open_log (data->folder, "plain.db", NULL);
  data->text = g_bytes_new (text, length);
  data->associated = zu_codec_dup_associated_data (event);
}

static void
tear_down (Data *data)
{
  g_autoptr (GDir) folder = NULL;

  g_clear_object (&data->encrypted);
  g_clear_object (&data->plain);
  g_clear_object (&data->codec);
  g_bytes_unref (data->text);
  g_bytes_unref (data->associated);
  folder = g_dir_open (data->folder, 0, NULL);
  for (const char *name; (name = g_dir_read_name (folder)) != NULL;)
    {
      g_autofree char *path = g_build_filename (data->folder, name, NULL);

      g_unlink (path);
    }
  g_rmdir (data->folder);
  g_free (data->folder);
}

int
main (int argc, char **argv)
{
  Data data = { NULL };
  const Bench benches[] = {
    { "codec-encode", "payloads", N_ENCODED, 0, encode, bare_encrypt, &data },
    { "sqlite-append-many-managed", "events", N_APPENDED, 0.9, append_encrypted, append_plain,
      &data },
  };
  int status;

  set_up (&data);
  for (guint i = 0; i < N_STORED / N_APPENDED; i++)
    {
      append_many (data.encrypted);
      append_many (data.plain);
    }
  status = bench_main (argc, argv, benches, G_N_ELEMENTS (benches));
  tear_down (&data);
  return status;
}
