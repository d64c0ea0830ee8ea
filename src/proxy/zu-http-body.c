/* SPDX-License-Identifier: Apache-2.0 */

#include "zu-http-body.h"

#include <string.h>

#define MAX_DIGITS  15 /* of a chunk's length, which so fits easily */
#define MAX_TRAILER 8192

typedef enum
{
  SIZE, /* the chunk's length, in hexadecimal digits and nothing else */
  SIZE_LF,
  DATA,
  DATA_CR,
  DATA_LF,
  TRAILER_START,
  TRAILER,
  TRAILER_LF,
  END_LF,
  ENDED,
} State;

void
zu_http_body_init (ZuHttpBody *self, const ZuHttpHead *head)
{
  memset (self, 0, sizeof *self);
  self->kind = head->body;
  self->left = head->body == ZU_HTTP_BODY_LENGTH ? head->length : 0;
}

static ZuHttpStatus
pass_length (ZuHttpBody *self, ZuProxyBuffer *in, ZuProxyBuffer *out)
{
  self->left -= zu_proxy_buffer_move (out, in, self->left);
  return self->left == 0 ? ZU_HTTP_DONE : ZU_HTTP_MORE;
}

static gboolean
read_digit (ZuHttpBody *self, guint8 c)
{
  if (!g_ascii_isxdigit (c) || self->n_digits == MAX_DIGITS)
    return FALSE;
  self->left = self->left * 16 + (guint64) g_ascii_xdigit_value (c);
  self->n_digits++;
  return TRUE;
}

/* The chunk begins; its length is written anew, so that nobody reads it otherwise. */
static void
begin_chunk (ZuHttpBody *self, ZuProxyBuffer *out)
{
  char text[32];
  int n;

  self->state = self->left > 0 ? DATA : TRAILER_START;
  if (self->left == 0)
    return;
  n = g_snprintf (text, sizeof text, "%" G_GINT64_MODIFIER "x\r\n", self->left);
  zu_proxy_buffer_append (out, text, (gsize) n);
}

/* One byte of what is between the data. Trailers are dropped; they may have any bytes that a line
 * can. */
static gboolean
step (ZuHttpBody *self, guint8 c, ZuProxyBuffer *out)
{
  switch (self->state)
    {
    case SIZE:
      if (c == '\r' && self->n_digits > 0)
        self->state = SIZE_LF;
      else
        return read_digit (self, c);
      return TRUE;
    case SIZE_LF:
      self->n_digits = 0;
      begin_chunk (self, out);
      return c == '\n';
    case DATA_CR:
      self->state = DATA_LF;
      return c == '\r';
    case DATA_LF:
      self->state = SIZE;
      zu_proxy_buffer_append (out, "\r\n", 2);
      return c == '\n';
    case TRAILER_START:
      self->state = c == '\r' ? END_LF : TRAILER;
      return c == '\r' || (c > ' ' && c != 0x7f && c != ':');
    case TRAILER:
      if (c == '\r')
        self->state = TRAILER_LF;
      return ++self->n_trailer < MAX_TRAILER && (c >= ' ' || c == '\t' || c == '\r');
    case TRAILER_LF:
      self->state = TRAILER_START;
      return c == '\n';
    default:
      self->state = ENDED;
      zu_proxy_buffer_append (out, "0\r\n\r\n", 5);
      return c == '\n';
    }
}

static ZuHttpStatus
pass_chunks (ZuHttpBody *self, ZuProxyBuffer *in, ZuProxyBuffer *out)
{
  while (in->length > 0 && zu_proxy_buffer_get_room (out) > 64)
    {
      guint8 c;

      if (self->state == DATA)
        {
          self->left -= zu_proxy_buffer_move (out, in, self->left);
          if (self->left == 0)
            self->state = DATA_CR;
          continue;
        }
      c = *zu_proxy_buffer_get_data (in);
      if (!step (self, c, out))
        return ZU_HTTP_BAD;
      zu_proxy_buffer_drop (in, 1);
      if (self->state == ENDED)
        return ZU_HTTP_DONE;
    }
  return ZU_HTTP_MORE;
}

/* Moves what there is of the body, as far as OUT has room. What follows the body stays in IN. */
ZuHttpStatus
zu_http_body_pass (ZuHttpBody *self, ZuProxyBuffer *in, ZuProxyBuffer *out)
{
  switch (self->kind)
    {
    case ZU_HTTP_BODY_NONE:
      return ZU_HTTP_DONE;
    case ZU_HTTP_BODY_LENGTH:
      return pass_length (self, in, out);
    case ZU_HTTP_BODY_CHUNKED:
      return self->state == ENDED ? ZU_HTTP_DONE : pass_chunks (self, in, out);
    default:
      zu_proxy_buffer_move (out, in, G_MAXUINT64);
      return ZU_HTTP_MORE;
    }
}

/* Whether the end of the stream is the end of the body, too. */
gboolean
zu_http_body_end (const ZuHttpBody *self)
{
  return self->kind == ZU_HTTP_BODY_UNTIL_CLOSE;
}
