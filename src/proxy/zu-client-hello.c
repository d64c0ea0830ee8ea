/* SPDX-License-Identifier: Apache-2.0 */

#include "zu-client-hello.h"

#include <string.h>

/* RFC 8446, sections 4.1.2 and 5.1; RFC 6066, section 3; RFC 9849. */
#define RECORD_HANDSHAKE      22
#define RECORD_HEADER         5
#define RECORD_MAX            16384
#define HANDSHAKE_HELLO       1
#define HANDSHAKE_HEADER      4
#define EXTENSION_SERVER_NAME 0
#define EXTENSION_ECH         0xfe0d
#define NAME_TYPE_HOST        0

typedef struct
{
  const guint8 *at;
  gsize left;
  gboolean is_bad;
} Reader;

static guint
read_number (Reader *reader, gsize width)
{
  guint value = 0;

  if (reader->is_bad || reader->left < width)
    {
      reader->is_bad = TRUE;
      return 0;
    }
  for (gsize i = 0; i < width; i++)
    value = value << 8 | reader->at[i];
  reader->at += width;
  reader->left -= width;
  return value;
}

/* A vector with a length of WIDTH bytes before it. */
static Reader
read_vector (Reader *reader, gsize width)
{
  gsize length = read_number (reader, width);
  Reader inside = { reader->at, length, FALSE };

  if (reader->is_bad || length > reader->left)
    {
      reader->is_bad = TRUE;
      return (Reader){ NULL, 0, TRUE };
    }
  reader->at += length;
  reader->left -= length;
  return inside;
}

/* Exactly one name, and nothing that a C string or a host's name does not hold. */
static gboolean
read_name (ZuClientHello *self, Reader *extension)
{
  Reader list = read_vector (extension, 2);
  guint type = read_number (&list, 1);
  Reader name = read_vector (&list, 2);

  if (list.is_bad || list.left > 0 || extension->left > 0 || type != NAME_TYPE_HOST
      || name.left == 0 || name.left >= sizeof self->name || self->name[0] != '\0')
    return FALSE;
  for (gsize i = 0; i < name.left; i++)
    if (!g_ascii_isgraph (name.at[i]))
      return FALSE;
  memcpy (self->name, name.at, name.left);
  self->name[name.left] = '\0';
  return TRUE;
}

static gboolean
read_extensions (ZuClientHello *self, Reader *extensions)
{
  gboolean has_name = FALSE;

  while (extensions->left > 0)
    {
      guint type = read_number (extensions, 2);
      Reader extension = read_vector (extensions, 2);

      if (extensions->is_bad)
        return FALSE;
      if (type == EXTENSION_ECH)
        self->has_ech = TRUE;
      if (type != EXTENSION_SERVER_NAME)
        continue;
      if (has_name || !read_name (self, &extension))
        return FALSE;
      has_name = TRUE;
    }
  return TRUE;
}

/* The message itself: version, random, session, ciphers, compressions, and extensions if any. */
static gboolean
read_body (ZuClientHello *self, const guint8 *data, gsize size)
{
  Reader body = { data, size, FALSE };
  Reader extensions;
  guint major = read_number (&body, 2) >> 8;

  if (major != 3 || body.left < 32)
    return FALSE;
  body.at += 32;
  body.left -= 32;
  read_vector (&body, 1);
  read_vector (&body, 2);
  read_vector (&body, 1);
  if (body.is_bad)
    return FALSE;
  if (body.left == 0)
    return TRUE;
  extensions = read_vector (&body, 2);
  return !body.is_bad && body.left == 0 && read_extensions (self, &extensions);
}

static gsize
get_message_size (const GByteArray *message)
{
  return ((gsize) message->data[1] << 16 | (gsize) message->data[2] << 8 | message->data[3])
         + HANDSHAKE_HEADER;
}

/* What the message says once the records up to now, the last of which may not be whole, have TOLD
 * that many bytes. Nothing can follow it before the server has answered. */
static ZuClientHelloStatus
judge_message (const GByteArray *message, gsize told)
{
  gsize whole;

  if (message->len > 0 && message->data[0] != HANDSHAKE_HELLO)
    return ZU_CLIENT_HELLO_NOT_TLS;
  if (message->len < HANDSHAKE_HEADER)
    return ZU_CLIENT_HELLO_MORE;
  whole = get_message_size (message);
  if (whole > ZU_CLIENT_HELLO_MAX || told > whole)
    return ZU_CLIENT_HELLO_NOT_TLS;
  return message->len == whole ? ZU_CLIENT_HELLO_DONE : ZU_CLIENT_HELLO_MORE;
}

/* Puts the fragments of a handshake together, out of as many records as there are. */
static ZuClientHelloStatus
join_records (GByteArray *message, const guint8 *data, gsize size)
{
  gsize told = 0;

  while (size > 0)
    {
      ZuClientHelloStatus status;
      gsize length, there;

      if (data[0] != RECORD_HANDSHAKE || (size > 1 && data[1] != 3))
        return ZU_CLIENT_HELLO_NOT_TLS;
      if (size < RECORD_HEADER)
        return ZU_CLIENT_HELLO_MORE;
      length = (gsize) data[3] << 8 | data[4];
      if (length == 0 || length > RECORD_MAX)
        return ZU_CLIENT_HELLO_NOT_TLS;

      there = MIN (length, size - RECORD_HEADER);
      told += length;
      g_byte_array_append (message, data + RECORD_HEADER, (guint) there);
      status = judge_message (message, told);
      if (status != ZU_CLIENT_HELLO_MORE || there < length)
        return status;
      data += RECORD_HEADER + length;
      size -= RECORD_HEADER + length;
    }
  return ZU_CLIENT_HELLO_MORE;
}

/* Reads what a client has sent so far. What is not a ClientHello in every byte is not TLS. */
ZuClientHelloStatus
zu_client_hello_read (ZuClientHello *self, const guint8 *data, gsize size)
{
  g_autoptr (GByteArray) message = g_byte_array_new ();
  ZuClientHelloStatus status = join_records (message, data, size);

  memset (self, 0, sizeof *self);
  if (status == ZU_CLIENT_HELLO_MORE && size >= ZU_CLIENT_HELLO_MAX + 4096)
    return ZU_CLIENT_HELLO_NOT_TLS;
  if (status != ZU_CLIENT_HELLO_DONE)
    return status;
  return read_body (self, message->data + HANDSHAKE_HEADER, message->len - HANDSHAKE_HEADER)
             ? ZU_CLIENT_HELLO_DONE
             : ZU_CLIENT_HELLO_NOT_TLS;
}
