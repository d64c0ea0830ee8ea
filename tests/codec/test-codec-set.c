/* SPDX-License-Identifier: Apache-2.0 */

/* The codec set, and the identity codec against the recorded blobs. */

#include "../event/vectors-support.h"

#include <string.h>
#include <zu/zu.h>

/* A codec of another version: the body is the text turned upside down behind what it is bound to.
 */
#define TEST_TYPE_CODEC (test_codec_get_type ())
G_DECLARE_FINAL_TYPE (TestCodec, test_codec, TEST, CODEC, GObject)

struct _TestCodec
{
  GObject parent_instance;
  guint version;
};

static void test_codec_iface_init (ZuPayloadCodecInterface *iface);

G_DEFINE_FINAL_TYPE_WITH_CODE (TestCodec, test_codec, G_TYPE_OBJECT,
                               G_IMPLEMENT_INTERFACE (ZU_TYPE_PAYLOAD_CODEC, test_codec_iface_init))

static guint
test_codec_get_version (ZuPayloadCodec *codec)
{
  return ((TestCodec *) codec)->version;
}

static void
flip (guint8 *bytes, gsize size)
{
  for (gsize i = 0; i < size; i++)
    bytes[i] = (guint8) ~bytes[i];
}

static GBytes *
test_codec_encode (ZuPayloadCodec *codec, GBytes *plaintext, GBytes *associated_data,
                   GCancellable *cancellable, GError **error)
{
  GByteArray *body = g_byte_array_new ();
  gsize bound = g_bytes_get_size (associated_data);

  g_byte_array_append (body, g_bytes_get_data (associated_data, NULL), (guint) bound);
  g_byte_array_append (body, g_bytes_get_data (plaintext, NULL),
                       (guint) g_bytes_get_size (plaintext));
  flip (body->data + bound, body->len - bound);
  return g_byte_array_free_to_bytes (body);
}

static GBytes *
test_codec_decode (ZuPayloadCodec *codec, GBytes *body, GBytes *associated_data,
                   GCancellable *cancellable, GError **error)
{
  gsize bound, size;
  const char *prefix = g_bytes_get_data (associated_data, &bound);
  const char *data = g_bytes_get_data (body, &size);
  guint8 *text;

  if (size < bound || memcmp (prefix, data, bound) != 0)
    {
      g_set_error_literal (error, ZU_PAYLOAD_CODEC_ERROR, ZU_PAYLOAD_CODEC_ERROR_UNDECODABLE,
                           "bound to another row");
      return NULL;
    }

  text = g_memdup2 (data + bound, size - bound);
  flip (text, size - bound);
  return g_bytes_new_take (text, size - bound);
}

static void
test_codec_iface_init (ZuPayloadCodecInterface *iface)
{
  iface->get_version = test_codec_get_version;
  iface->encode = test_codec_encode;
  iface->decode = test_codec_decode;
}

static void
test_codec_class_init (TestCodecClass *klass)
{
}

static void
test_codec_init (TestCodec *self)
{
}

static ZuPayloadCodec *
codec_of (guint version)
{
  TestCodec *codec = g_object_new (TEST_TYPE_CODEC, NULL);

  codec->version = version;
  return ZU_PAYLOAD_CODEC (codec);
}

static ZuEvent *
make_event (const char *source)
{
  g_autoptr (GError) error = NULL;
  ZuEvent *event =
      zu_event_new ("0b1c2d3e-0000-4000-8000-000000000001", "0b1c2d3e-0000-4000-8000-0000000000aa",
                    NULL, "data.x", source, NULL, &error);

  g_assert_no_error (error);
  return event;
}

static ZuEvent *
decode (ZuCodecSet *set, GBytes *blob, ZuEvent *row, GError **error)
{
  g_autoptr (GBytes) associated_data = zu_codec_dup_associated_data (row);
  gsize size;
  gconstpointer data = g_bytes_get_data (blob, &size);

  return zu_codec_set_decode_event (set, data, size, associated_data, error);
}

static void
test_events (void)
{
  g_autoptr (ZuCodecSet) set = zu_codec_set_new ();
  g_autoptr (ZuPayloadCodec) seven = codec_of (7);
  g_autoptr (ZuEvent) event = make_event ("me"), other = make_event ("me"), plain_again = NULL,
                      again = NULL, moved = NULL;
  g_autoptr (GError) error = NULL;
  g_autoptr (GBytes) plain = zu_codec_set_encode_event (set, event, &error), blob = NULL;
  const guint8 *data;
  gsize size;

  g_assert_no_error (error);
  data = g_bytes_get_data (plain, &size);
  g_assert_cmpuint (data[0], ==, 0);
  g_assert_cmpmem (data + 1, size - 1, zu_event_get_text (event, NULL), size - 1);

  g_assert_true (zu_codec_set_set_writer (set, seven, &error));
  g_assert_cmpuint (zu_codec_set_get_write_version (set), ==, 7);
  blob = zu_codec_set_encode_event (set, event, &error);
  g_assert_no_error (error);
  g_assert_cmpuint (*(const guint8 *) g_bytes_get_data (blob, NULL), ==, 7);

  /* Each blob by its own version, whatever is written now. */
  plain_again = decode (set, plain, event, &error);
  g_assert_no_error (error);
  again = decode (set, blob, event, &error);
  g_assert_no_error (error);
  g_assert_cmpstr (zu_event_get_text (again, NULL), ==, zu_event_get_text (plain_again, NULL));

  moved = decode (set, blob, other, &error);
  g_assert_null (moved);
  g_assert_error (error, ZU_PAYLOAD_CODEC_ERROR, ZU_PAYLOAD_CODEC_ERROR_UNDECODABLE);
}

static void
test_unknown_version (void)
{
  g_autoptr (ZuCodecSet) set = zu_codec_set_new ();
  g_autoptr (ZuPayloadCodec) wide = codec_of (256);
  g_autoptr (GBytes) blob = g_bytes_new_static ("\x09{}", 3), empty = g_bytes_new_static ("", 0);
  g_autoptr (GBytes) bound = g_bytes_new_static ("", 0);
  g_autoptr (GError) error = NULL;

  g_assert_null (zu_codec_set_decode (set, blob, bound, &error));
  g_assert_error (error, ZU_PAYLOAD_CODEC_ERROR, ZU_PAYLOAD_CODEC_ERROR_UNDECODABLE);
  g_assert_nonnull (strstr (error->message, "version 9"));
  g_clear_error (&error);
  g_assert_null (zu_codec_set_decode (set, empty, bound, &error));
  g_assert_error (error, ZU_PAYLOAD_CODEC_ERROR, ZU_PAYLOAD_CODEC_ERROR_UNDECODABLE);
  g_clear_error (&error);
  g_assert_false (zu_codec_set_add (set, wide, &error));
  g_assert_error (error, G_IO_ERROR, G_IO_ERROR_INVALID_ARGUMENT);
  g_assert_null (zu_codec_set_lookup (set, 9));
}

static void
test_associated_data (void)
{
  g_autoptr (ZuEvent) event = make_event ("quelle \xc3\xa9");
  g_autoptr (GBytes) bound = zu_codec_dup_associated_data (event);
  g_autofree char *wanted =
      g_strjoin ("\x1f", zu_event_get_event_id (event), zu_event_get_trace_id (event),
                 zu_event_get_task_id (event), "data.x", "quelle \xc3\xa9", NULL);

  g_assert_cmpmem (g_bytes_get_data (bound, NULL), g_bytes_get_size (bound), wanted,
                   strlen (wanted));
}

/* The recorded blobs: version 0 is read and written to the byte; without a codec for them, all
 * others are refused. */
static void
test_vectors (void)
{
  g_autoptr (ZuJson) vectors = vectors_read_json ("codec.json");
  g_autoptr (ZuJson) encoded = zu_json_dup_member (vectors, "encoded");
  g_autoptr (ZuCodecSet) set = zu_codec_set_new ();
  guint n_plain = 0, n_refused = 0;

  for (gsize i = 0; i < zu_json_get_size (encoded); i++)
    {
      g_autoptr (ZuJson) row = zu_json_dup_element (encoded, i);
      g_autoptr (ZuJson) version = zu_json_dup_member (row, "version");
      g_autoptr (GBytes) blob = row_hex (row, "blob_hex"), bound = row_hex (row, "aad_hex");
      g_autoptr (GError) error = NULL;
      g_autoptr (GBytes) text = zu_codec_set_decode (set, blob, bound, &error), back = NULL;
      gint64 number;

      g_assert_true (zu_json_get_int64 (version, &number));
      if (number != 0)
        {
          g_assert_error (error, ZU_PAYLOAD_CODEC_ERROR, ZU_PAYLOAD_CODEC_ERROR_UNDECODABLE);
          n_refused++;
          continue;
        }
      g_assert_no_error (error);
      back = zu_codec_set_encode (set, text, bound, &error);
      g_assert_true (g_bytes_equal (back, blob));
      n_plain++;
    }
  g_assert_cmpuint (n_plain + n_refused, >, 0);
}

static void
test_plugin (void)
{
  g_autoptr (GError) error = NULL;
  GType type = zu_registry_lookup (zu_registry_get_default (), "zu.codecs", "PayloadCodec",
                                   "identity", &error);
  g_autoptr (GObject) codec = NULL;

  g_assert_no_error (error);
  g_assert_true (type == ZU_TYPE_IDENTITY_CODEC);
  codec = g_object_new (type, NULL);
  g_assert_cmpuint (zu_payload_codec_get_version (ZU_PAYLOAD_CODEC (codec)), ==, 0);
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/codec/events", test_events);
  g_test_add_func ("/codec/unknown-version", test_unknown_version);
  g_test_add_func ("/codec/associated-data", test_associated_data);
  g_test_add_func ("/codec/vectors", test_vectors);
  g_test_add_func ("/codec/plugin", test_plugin);
  return g_test_run ();
}
