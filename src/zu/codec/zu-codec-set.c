/* SPDX-License-Identifier: Apache-2.0 */

#include "zu-codec-set.h"
#include "zu-identity-codec.h"

#include <string.h>

#define N_VERSIONS 256
#define SEPARATOR  0x1f

/**
 * ZuCodecSet:
 *
 * The codecs that a log is read and written with, by the version byte that opens every blob.
 *
 * A blob is read by the codec of its own version byte, whatever is written now, so a log may mix
 * them. Version 0, which is plain text, is always there. A version for which there is no codec is
 * an error that names the version.
 *
 * Fill a set before it is handed to a sink; from then on it is only read, and that from any thread.
 */
struct _ZuCodecSet
{
  GObject parent_instance;
  ZuPayloadCodec *codecs[N_VERSIONS];
  guint write_version;
};

G_DEFINE_FINAL_TYPE (ZuCodecSet, zu_codec_set, G_TYPE_OBJECT)

static void
zu_codec_set_finalize (GObject *object)
{
  ZuCodecSet *self = ZU_CODEC_SET (object);

  for (guint i = 0; i < N_VERSIONS; i++)
    g_clear_object (&self->codecs[i]);

  G_OBJECT_CLASS (zu_codec_set_parent_class)->finalize (object);
}

static void
zu_codec_set_class_init (ZuCodecSetClass *klass)
{
  G_OBJECT_CLASS (klass)->finalize = zu_codec_set_finalize;
}

static void
zu_codec_set_init (ZuCodecSet *self)
{
  self->codecs[0] = zu_identity_codec_new ();
}

/**
 * zu_codec_set_new:
 *
 * Gives a set that reads and writes version 0 only.
 *
 * Returns: (transfer full): a set that reads and writes version 0 only
 */
ZuCodecSet *
zu_codec_set_new (void)
{
  return g_object_new (ZU_TYPE_CODEC_SET, NULL);
}

/**
 * zu_codec_set_add:
 * @self: a set
 * @codec: a codec
 * @error: return location for an error, or %NULL
 *
 * Lets the set read blobs of the codec's version. A codec of the same version that was added
 * before is replaced.
 *
 * Returns: whether it was added; a version past 255 is %G_IO_ERROR_INVALID_ARGUMENT
 */
gboolean
zu_codec_set_add (ZuCodecSet *self, ZuPayloadCodec *codec, GError **error)
{
  guint version;

  g_return_val_if_fail (ZU_IS_CODEC_SET (self), FALSE);
  g_return_val_if_fail (ZU_IS_PAYLOAD_CODEC (codec), FALSE);

  version = zu_payload_codec_get_version (codec);
  if (version >= N_VERSIONS)
    {
      g_set_error (error, G_IO_ERROR, G_IO_ERROR_INVALID_ARGUMENT,
                   "codec %s claims version %u, which does not fit into one byte",
                   G_OBJECT_TYPE_NAME (codec), version);
      return FALSE;
    }

  g_set_object (&self->codecs[version], codec);
  return TRUE;
}

/**
 * zu_codec_set_set_writer:
 * @self: a set
 * @codec: a codec
 * @error: return location for an error, or %NULL
 *
 * Adds @codec and writes with it from now on.
 *
 * Returns: whether it was added; a version past 255 is %G_IO_ERROR_INVALID_ARGUMENT
 */
gboolean
zu_codec_set_set_writer (ZuCodecSet *self, ZuPayloadCodec *codec, GError **error)
{
  if (!zu_codec_set_add (self, codec, error))
    return FALSE;

  self->write_version = zu_payload_codec_get_version (codec);
  return TRUE;
}

/**
 * zu_codec_set_lookup:
 * @self: a set
 * @version: a version byte, 0 to 255
 *
 * Gives the codec that reads blobs of that version.
 *
 * Returns: (transfer none) (nullable): the codec that reads blobs of that version
 */
ZuPayloadCodec *
zu_codec_set_lookup (ZuCodecSet *self, guint version)
{
  g_return_val_if_fail (ZU_IS_CODEC_SET (self), NULL);
  g_return_val_if_fail (version < N_VERSIONS, NULL);

  return self->codecs[version];
}

/**
 * zu_codec_set_get_write_version:
 * @self: a set
 *
 * Gives the version byte of the blobs that the set writes.
 *
 * Returns: the version byte of the blobs that the set writes
 */
guint
zu_codec_set_get_write_version (ZuCodecSet *self)
{
  g_return_val_if_fail (ZU_IS_CODEC_SET (self), 0);

  return self->write_version;
}

static GBytes *
join_version (guint version, GBytes *body)
{
  gsize size;
  const guint8 *data = g_bytes_get_data (body, &size);
  guint8 *blob = g_malloc (size + 1);

  blob[0] = (guint8) version;
  if (size > 0)
    memcpy (blob + 1, data, size);
  return g_bytes_new_take (blob, size + 1);
}

static ZuPayloadCodec *
get_reader (ZuCodecSet *self, const guint8 *blob, gsize size, GError **error)
{
  if (size == 0)
    {
      g_set_error_literal (error, ZU_PAYLOAD_CODEC_ERROR, ZU_PAYLOAD_CODEC_ERROR_UNDECODABLE,
                           "the blob is empty; it lacks even its version byte");
      return NULL;
    }
  if (self->codecs[blob[0]] == NULL)
    g_set_error (error, ZU_PAYLOAD_CODEC_ERROR, ZU_PAYLOAD_CODEC_ERROR_UNDECODABLE,
                 "no codec is set up for payload version %u (name the codec that wrote it)",
                 blob[0]);

  return self->codecs[blob[0]];
}

/* GLib's check stops at a NUL, which is a character of UTF-8 like any other. */
static gboolean
check_text (GBytes *plaintext, GError **error)
{
  gsize size;
  const char *text = g_bytes_get_data (plaintext, &size);
  const char *end = text + size;

  for (; text < end && !g_utf8_validate_len (text, (gsize) (end - text), &text); text++)
    if (*text != '\0')
      {
        g_set_error_literal (error, ZU_PAYLOAD_CODEC_ERROR, ZU_PAYLOAD_CODEC_ERROR_UNDECODABLE,
                             "the payload is not UTF-8");
        return FALSE;
      }
  return TRUE;
}

/**
 * zu_codec_set_encode:
 * @self: a set
 * @plaintext: what to store
 * @associated_data: what the blob is bound to
 * @error: return location for an error, or %NULL
 *
 * Gives the blob, version byte and body.
 *
 * Returns: (transfer full): the blob, version byte and body, or %NULL with the codec's error
 */
GBytes *
zu_codec_set_encode (ZuCodecSet *self, GBytes *plaintext, GBytes *associated_data, GError **error)
{
  g_autoptr (GBytes) body = NULL;

  g_return_val_if_fail (ZU_IS_CODEC_SET (self), NULL);

  body = zu_payload_codec_encode (self->codecs[self->write_version], plaintext, associated_data,
                                  NULL, error);
  return body != NULL ? join_version (self->write_version, body) : NULL;
}

/**
 * zu_codec_set_decode:
 * @self: a set
 * @blob: a blob, version byte and body
 * @associated_data: what it was bound to
 * @error: return location for an error, or %NULL
 *
 * Fails with %ZU_PAYLOAD_CODEC_ERROR_UNDECODABLE where no codec reads the blob's version, and with
 * the codec's own error otherwise.
 *
 * Returns: (transfer full): what was stored
 */
GBytes *
zu_codec_set_decode (ZuCodecSet *self, GBytes *blob, GBytes *associated_data, GError **error)
{
  g_autoptr (GBytes) body = NULL, plaintext = NULL;
  ZuPayloadCodec *codec;
  gsize size;
  const guint8 *data;

  g_return_val_if_fail (ZU_IS_CODEC_SET (self), NULL);
  g_return_val_if_fail (blob != NULL, NULL);

  data = g_bytes_get_data (blob, &size);
  codec = get_reader (self, data, size, error);
  if (codec == NULL)
    return NULL;

  body = g_bytes_new_from_bytes (blob, 1, size - 1);
  plaintext = zu_payload_codec_decode (codec, body, associated_data, NULL, error);
  return plaintext != NULL && check_text (plaintext, error) ? g_steal_pointer (&plaintext) : NULL;
}

/**
 * zu_codec_set_is_current:
 * @self: a set
 * @blob: a blob, version byte and body
 * @error: return location for an error, or %NULL
 *
 * Tells whether a blob is of the version that the set writes, and under the key that would be used
 * now, without decrypting it.
 *
 * Fails with %G_IO_ERROR_NOT_SUPPORTED where the version is that one, but a blob of it does not say
 * under which key it is; then only decoding tells.
 *
 * Returns: %TRUE where it is; %FALSE without an error where it is not
 */
gboolean
zu_codec_set_is_current (ZuCodecSet *self, GBytes *blob, GError **error)
{
  g_autoptr (GBytes) body = NULL;
  gsize size;
  const guint8 *data;

  g_return_val_if_fail (ZU_IS_CODEC_SET (self), FALSE);
  g_return_val_if_fail (blob != NULL, FALSE);

  data = g_bytes_get_data (blob, &size);
  if (size == 0 || data[0] != self->write_version)
    return FALSE;
  if (self->write_version == 0)
    return TRUE;

  body = g_bytes_new_from_bytes (blob, 1, size - 1);
  return zu_payload_codec_is_current (self->codecs[self->write_version], body, NULL, error);
}

/**
 * zu_codec_set_encode_event:
 * @self: a set
 * @event: an event
 * @error: return location for an error, or %NULL
 *
 * Gives the blob of the whole event, bound to its columns.
 *
 * Returns: (transfer full): the blob of the whole event, bound to its columns
 */
GBytes *
zu_codec_set_encode_event (ZuCodecSet *self, ZuEvent *event, GError **error)
{
  g_autoptr (GByteArray) blob = g_byte_array_new ();

  if (!zu_codec_set_write_event (self, event, blob, error))
    return NULL;

  return g_byte_array_free_to_bytes (g_steal_pointer (&blob));
}

/**
 * zu_codec_set_write_event:
 * @self: a set
 * @event: an event
 * @blob: a buffer, emptied first
 * @error: return location for an error, or %NULL
 *
 * The same as [method@Zu.CodecSet.encode_event] into a buffer that is used again, for whoever
 * writes many: a blob of version 0 then costs one copy and no allocation.
 *
 * Returns: whether @blob holds the blob
 */
gboolean
zu_codec_set_write_event (ZuCodecSet *self, ZuEvent *event, GByteArray *blob, GError **error)
{
  g_autoptr (GBytes) plaintext = NULL, associated_data = NULL, body = NULL;
  guint8 version;
  gsize length;
  const char *text;

  g_return_val_if_fail (ZU_IS_CODEC_SET (self), FALSE);
  g_return_val_if_fail (ZU_IS_EVENT (event), FALSE);
  g_return_val_if_fail (blob != NULL, FALSE);

  version = (guint8) self->write_version;
  text = zu_event_get_text (event, &length);
  g_byte_array_set_size (blob, 0);
  g_byte_array_append (blob, &version, 1);
  if (version == 0)
    {
      g_byte_array_append (blob, (const guint8 *) text, (guint) length);
      return TRUE;
    }

  plaintext = g_bytes_new_static (text, length);
  associated_data = zu_codec_dup_associated_data (event);
  body = zu_payload_codec_encode (self->codecs[version], plaintext, associated_data, NULL, error);
  if (body == NULL)
    return FALSE;

  g_byte_array_append (blob, g_bytes_get_data (body, NULL), (guint) g_bytes_get_size (body));
  return TRUE;
}

/**
 * zu_codec_set_decode_event:
 * @self: a set
 * @blob: (array length=size) (element-type guint8): a blob
 * @size: its length in bytes
 * @associated_data: (nullable): the row's columns as in [func@Zu.codec_dup_associated_data];
 *   version 0 needs none
 * @error: return location for an error, or %NULL
 *
 * Fails with an error of the codec, or of [error@Zu.EventError] where the text is no event.
 *
 * Returns: (transfer full): the event inside
 */
ZuEvent *
zu_codec_set_decode_event (ZuCodecSet *self, gconstpointer blob, gsize size,
                           GBytes *associated_data, GError **error)
{
  g_autoptr (GBytes) body = NULL, text = NULL;
  const guint8 *data = blob;
  ZuPayloadCodec *codec;

  g_return_val_if_fail (ZU_IS_CODEC_SET (self), NULL);

  codec = get_reader (self, data, size, error);
  if (codec == NULL)
    return NULL;

  if (ZU_IS_IDENTITY_CODEC (codec))
    return zu_event_new_from_stored_text ((const char *) data + 1, size - 1, error);

  g_return_val_if_fail (associated_data != NULL, NULL);
  body = g_bytes_new (data + 1, size - 1);
  text = zu_payload_codec_decode (codec, body, associated_data, NULL, error);
  return text != NULL ? zu_event_new_from_stored (text, error) : NULL;
}

/**
 * zu_codec_dup_associated_data:
 * @event: an event
 *
 * What binds a blob to its row: `event_id`, `trace_id`, `task_id`, `type` and `source`, joined by
 * the byte 0x1F.
 *
 * Returns: (transfer full): the associated data
 */
GBytes *
zu_codec_dup_associated_data (ZuEvent *event)
{
  static const ZuEventField fields[] = { ZU_EVENT_FIELD_EVENT_ID, ZU_EVENT_FIELD_TRACE_ID,
                                         ZU_EVENT_FIELD_TASK_ID, ZU_EVENT_FIELD_TYPE,
                                         ZU_EVENT_FIELD_SOURCE };
  const char *texts[G_N_ELEMENTS (fields)];
  gsize lengths[G_N_ELEMENTS (fields)];
  gsize size = G_N_ELEMENTS (fields) - 1;
  guint8 *joined, *place;

  g_return_val_if_fail (ZU_IS_EVENT (event), NULL);

  for (guint i = 0; i < G_N_ELEMENTS (fields); i++)
    {
      texts[i] = zu_event_get_field (event, fields[i], &lengths[i]);
      size += lengths[i];
    }

  place = joined = g_malloc (size);
  for (guint i = 0; i < G_N_ELEMENTS (fields); i++)
    {
      if (i > 0)
        *place++ = SEPARATOR;
      memcpy (place, texts[i], lengths[i]);
      place += lengths[i];
    }
  return g_bytes_new_take (joined, size);
}
