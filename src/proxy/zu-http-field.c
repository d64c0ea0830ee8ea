/* SPDX-License-Identifier: Apache-2.0 */

#include "zu-http-field.h"

#include <string.h>

static gboolean
is_token_char (char c)
{
  return g_ascii_isalnum (c) || (c != '\0' && strchr ("!#$%&'*+-.^_`|~", c) != NULL);
}

gboolean
zu_http_is_token (const ZuSpan *span)
{
  for (gsize i = 0; i < span->length; i++)
    if (!is_token_char (span->at[i]))
      return FALSE;
  return span->length > 0;
}

/* Whether a span is a word, whatever its case. */
gboolean
zu_span_is (const ZuSpan *span, const char *text)
{
  return span->length == strlen (text) && g_ascii_strncasecmp (span->at, text, span->length) == 0;
}

static gboolean
is_value (const ZuSpan *span)
{
  for (gsize i = 0; i < span->length; i++)
    {
      guint8 c = (guint8) span->at[i];

      if (c != '\t' && (c < 0x20 || c == 0x7f))
        return FALSE;
    }
  return TRUE;
}

static gboolean
is_blank (char c)
{
  return c == ' ' || c == '\t';
}

static void
trim (ZuSpan *span)
{
  while (span->length > 0 && is_blank (*span->at))
    {
      span->at++;
      span->length--;
    }
  while (span->length > 0 && is_blank (span->at[span->length - 1]))
    span->length--;
}

/* NAME: VALUE, without a blank before the colon, and not folded. */
static gboolean
read_field (ZuHttpField *field, const char *at, const char *end)
{
  const char *colon = memchr (at, ':', (gsize) (end - at));

  if (colon == NULL)
    return FALSE;
  field->name = (ZuSpan){ at, (gsize) (colon - at) };
  field->value = (ZuSpan){ colon + 1, (gsize) (end - colon - 1) };
  trim (&field->value);
  return zu_http_is_token (&field->name) && is_value (&field->value);
}

/* The lines from AT to the empty one, which is the last before END. */
gboolean
zu_http_read_fields (ZuHttpHead *head, const char *at, const char *end)
{
  head->n_fields = 0;
  while (at + 2 < end)
    {
      const char *line = memchr (at, '\r', (gsize) (end - at));

      if (line == NULL || line + 1 >= end || line[1] != '\n' || head->n_fields == ZU_HTTP_MAX_FIELDS
          || !read_field (&head->fields[head->n_fields++], at, line))
        return FALSE;
      at = line + 2;
    }
  return TRUE;
}

/* The one field of that name; *N_FOUND says how many there are. */
static const ZuHttpField *
find_field (const ZuHttpHead *head, const char *name, guint *n_found)
{
  const ZuHttpField *found = NULL;

  *n_found = 0;
  for (guint i = 0; i < head->n_fields; i++)
    if (zu_span_is (&head->fields[i].name, name))
      {
        found = &head->fields[i];
        (*n_found)++;
      }
  return found;
}

static gboolean
read_length (const ZuSpan *value, guint64 *length)
{
  if (value->length == 0 || value->length > 18)
    return FALSE;
  *length = 0;
  for (gsize i = 0; i < value->length; i++)
    {
      if (!g_ascii_isdigit (value->at[i]))
        return FALSE;
      *length = *length * 10 + (guint64) (value->at[i] - '0');
    }
  return TRUE;
}

typedef gboolean (*Visit) (const ZuSpan *word, gpointer data);

/* Each word of each Connection field. */
static gboolean
has_connection_word (const ZuHttpHead *head, Visit visit, gpointer data)
{
  for (guint i = 0; i < head->n_fields; i++)
    {
      const ZuSpan *value = &head->fields[i].value;

      if (!zu_span_is (&head->fields[i].name, "connection"))
        continue;
      for (gsize start = 0; start <= value->length;)
        {
          const char *comma = memchr (value->at + start, ',', value->length - start);
          gsize stop = comma != NULL ? (gsize) (comma - value->at) : value->length;
          ZuSpan word = { value->at + start, stop - start };

          trim (&word);
          if (visit (&word, data))
            return TRUE;
          start = stop + 1;
        }
    }
  return FALSE;
}

static gboolean
is_word (const ZuSpan *word, gpointer data)
{
  return zu_span_is (word, data);
}

static gboolean
is_same (const ZuSpan *word, gpointer data)
{
  const ZuSpan *name = data;

  return word->length == name->length
         && g_ascii_strncasecmp (word->at, name->at, name->length) == 0;
}

/* Finds out how long the body is. What two readers could read in two ways is refused (RFC 9112,
 * section 6.3): both lengths, a length twice, any coding but chunked. */
gboolean
zu_http_frame (ZuHttpHead *head, gboolean is_request)
{
  guint n_lengths, n_codings;
  const ZuHttpField *length = find_field (head, "content-length", &n_lengths);
  const ZuHttpField *coding = find_field (head, "transfer-encoding", &n_codings);

  head->body = is_request ? ZU_HTTP_BODY_NONE : ZU_HTTP_BODY_UNTIL_CLOSE;
  if (n_lengths + n_codings > 1)
    return FALSE;
  if (coding != NULL)
    {
      head->body = ZU_HTTP_BODY_CHUNKED;
      if (head->minor == 0 || !zu_span_is (&coding->value, "chunked"))
        return FALSE;
    }
  if (length != NULL)
    {
      head->body = ZU_HTTP_BODY_LENGTH;
      if (!read_length (&length->value, &head->length))
        return FALSE;
    }
  head->is_kept = head->minor == 1 ? !has_connection_word (head, is_word, "close")
                                   : has_connection_word (head, is_word, "keep-alive");
  return TRUE;
}

/* Whether a field goes on to the next host as it is: neither about this connection (RFC 9110,
 * section 7.6.1), nor one that is written anew. */
gboolean
zu_http_field_passes (const ZuHttpHead *head, const ZuHttpField *field)
{
  static const char *const dropped[] = {
    "connection",
    "proxy-connection",
    "keep-alive",
    "te",
    "trailer",
    "upgrade",
    "proxy-authorization",
    "proxy-authenticate",
    "host",
    "proxy-authentication-info",
    "content-length",
    "transfer-encoding",
  };

  for (gsize i = 0; i < G_N_ELEMENTS (dropped); i++)
    if (zu_span_is (&field->name, dropped[i]))
      return FALSE;
  return !has_connection_word (head, is_same, (gpointer) &field->name);
}
