/* SPDX-License-Identifier: Apache-2.0 */

#include "zu-http-head.h"

#include "zu-http-field.h"

#include <string.h>

#define VERSION      "HTTP/1."
#define VERSION_SIZE (sizeof VERSION - 1)

/* Looks for the empty line; *LOOKED_AT is where to go on. A line that ends in LF alone is some
 * readers' end of a line and not others', so it is refused at once. */
ZuHttpStatus
zu_http_find_end (const char *data, gsize size, gsize *looked_at)
{
  const char *at = data + *looked_at;
  const char *lf;

  if (size == 0)
    return ZU_HTTP_MORE;
  while ((lf = memchr (at, '\n', (gsize) (data + size - at))) != NULL)
    {
      if (lf == data || lf[-1] != '\r' || lf == data + 1)
        return ZU_HTTP_BAD;
      at = lf + 1;
      *looked_at = (gsize) (at - data);
      if (lf - data >= 3 && lf[-2] == '\n')
        return ZU_HTTP_DONE;
    }
  *looked_at = size;
  return ZU_HTTP_MORE;
}

static gboolean
read_version (const char *text, gsize length, guint *minor)
{
  if (length != VERSION_SIZE + 1 || memcmp (text, VERSION, VERSION_SIZE) != 0)
    return FALSE;
  *minor = (guint) (text[VERSION_SIZE] - '0');
  return *minor <= 1;
}

/* A host with its port, as text that ends: HOST:PORT, the port needed where DEFAULT_PORT is 0. */
static gboolean
read_authority (const ZuSpan *span, guint16 default_port, ZuHost *host, guint16 *port)
{
  g_autofree char *text = NULL;
  g_autofree char *name = NULL;

  for (gsize i = 0; i < span->length; i++)
    if (!g_ascii_isgraph (span->at[i]))
      return FALSE;
  text = g_strndup (span->at, span->length);
  if (!zu_host_split_port (text, &name, port) || (*port == 0 && default_port == 0))
    return FALSE;
  if (*port == 0)
    *port = default_port;
  return zu_host_parse (host, name);
}

static gboolean
is_path (const ZuSpan *span)
{
  for (gsize i = 0; i < span->length; i++)
    if (!g_ascii_isgraph (span->at[i]) || span->at[i] == '#')
      return FALSE;
  return TRUE;
}

/* http://HOST[:PORT][/PATH][?QUERY]; who logs in that way is refused by the host's own rules. */
static gboolean
read_absolute (ZuHttpHead *self, const ZuSpan *target)
{
  ZuSpan authority = { target->at + 7, 0 };
  const char *end = target->at + target->length;

  if (target->length < 8 || g_ascii_strncasecmp (target->at, "http://", 7) != 0)
    return FALSE;
  while (authority.at + authority.length < end
         && strchr ("/?", authority.at[authority.length]) == NULL)
    authority.length++;
  self->path.at = authority.at + authority.length;
  self->path.length = (gsize) (end - self->path.at);
  return is_path (&self->path) && read_authority (&authority, 80, &self->host, &self->port);
}

static gboolean
read_request_line (ZuHttpHead *self, const char *data, gsize length)
{
  const char *first = memchr (data, ' ', length);
  const char *last = memrchr (data, ' ', length);
  ZuSpan target;

  if (first == NULL || first == last
      || !read_version (last + 1, (gsize) (data + length - last - 1), &self->minor))
    return FALSE;
  self->method = (ZuSpan){ data, (gsize) (first - data) };
  target = (ZuSpan){ first + 1, (gsize) (last - first - 1) };
  if (!zu_http_is_token (&self->method) || memchr (target.at, '\0', target.length) != NULL)
    return FALSE;

  self->is_connect = self->method.length == 7 && memcmp (data, "CONNECT", 7) == 0;
  return self->is_connect ? read_authority (&target, 0, &self->host, &self->port)
                          : read_absolute (self, &target);
}

/* One Host, which is one; left out only where the target says it all to everybody. It is not
 * compared: what goes on is the target. */
static gboolean
check_host (const ZuHttpHead *self)
{
  guint n_hosts = 0;

  for (guint i = 0; i < self->n_fields; i++)
    {
      ZuHost host;
      guint16 port;

      if (!zu_span_is (&self->fields[i].name, "host"))
        continue;
      if (++n_hosts > 1 || !read_authority (&self->fields[i].value, 80, &host, &port))
        return FALSE;
    }
  return n_hosts == 1 || self->minor == 0 || self->is_connect;
}

static const char *
find_line_end (const char *data, gsize size)
{
  const char *end = memchr (data, '\r', size);

  return end != NULL && end + 1 < data + size && end[1] == '\n' ? end : NULL;
}

/* Reads a whole head of SIZE bytes, as zu_http_find_end() has found it. */
ZuHttpStatus
zu_http_read_request (ZuHttpHead *self, const char *data, gsize size)
{
  const char *end = find_line_end (data, size);

  self->size = size;
  self->length = 0;
  if (end == NULL || !read_request_line (self, data, (gsize) (end - data))
      || !zu_http_read_fields (self, end + 2, data + size) || !zu_http_frame (self, TRUE)
      || !check_host (self) || (self->is_connect && self->body != ZU_HTTP_BODY_NONE))
    return ZU_HTTP_BAD;
  return ZU_HTTP_DONE;
}

/* HTTP/1.x NNN[ REASON] */
static gboolean
read_status_line (ZuHttpHead *self, const char *data, gsize length)
{
  const char *code = data + VERSION_SIZE + 2;

  if (length < VERSION_SIZE + 5 || !read_version (data, VERSION_SIZE + 1, &self->minor)
      || code[-1] != ' ' || code[0] < '1' || code[0] > '5' || !g_ascii_isdigit (code[1])
      || !g_ascii_isdigit (code[2]) || (length > VERSION_SIZE + 5 && code[3] != ' '))
    return FALSE;
  self->status = (guint) ((code[0] - '0') * 100 + (code[1] - '0') * 10 + (code[2] - '0'));
  self->reason = (ZuSpan){ code + 3, length - VERSION_SIZE - 5 };
  for (gsize i = 0; i < self->reason.length; i++)
    if ((guint8) self->reason.at[i] < 0x20 || self->reason.at[i] == 0x7f)
      return FALSE;
  return TRUE;
}

/* The same for an answer; one to HEAD has no body, whatever it says. */
ZuHttpStatus
zu_http_read_answer (ZuHttpHead *self, const char *data, gsize size, gboolean is_for_head)
{
  const char *end = find_line_end (data, size);

  self->size = size;
  self->length = 0;
  if (end == NULL || !read_status_line (self, data, (gsize) (end - data))
      || !zu_http_read_fields (self, end + 2, data + size) || !zu_http_frame (self, FALSE))
    return ZU_HTTP_BAD;
  if (self->status == 101)
    return ZU_HTTP_BAD;
  if (is_for_head || self->status < 200 || self->status == 204 || self->status == 304)
    self->body = ZU_HTTP_BODY_NONE;
  return ZU_HTTP_DONE;
}

static void
append_span (GString *out, const ZuSpan *span)
{
  g_string_append_len (out, span->at, (gssize) span->length);
}

static void
append_fields (const ZuHttpHead *self, GString *out)
{
  for (guint i = 0; i < self->n_fields; i++)
    if (zu_http_field_passes (self, &self->fields[i]))
      {
        append_span (out, &self->fields[i].name);
        g_string_append (out, ": ");
        append_span (out, &self->fields[i].value);
        g_string_append (out, "\r\n");
      }
}

static void
append_path (const ZuHttpHead *self, GString *out)
{
  if (self->path.length == 0 && zu_span_is (&self->method, "OPTIONS"))
    g_string_append_c (out, '*');
  else if (self->path.length == 0 || self->path.at[0] != '/')
    g_string_append_c (out, '/');
  append_span (out, &self->path);
}

/* The request as it goes to its host: in origin form, with the target as Host, and a length as we
 * have understood it. */
void
zu_http_write_request (const ZuHttpHead *self, GString *out)
{
  g_autofree char *host = zu_host_to_authority (&self->host, self->port == 80 ? 0 : self->port);

  append_span (out, &self->method);
  g_string_append_c (out, ' ');
  append_path (self, out);
  g_string_append_printf (out, " HTTP/1.%u\r\nHost: %s\r\n", self->minor, host);
  append_fields (self, out);
  if (self->body == ZU_HTTP_BODY_LENGTH)
    g_string_append_printf (out, "Content-Length: %" G_GUINT64_FORMAT "\r\n", self->length);
  if (self->body == ZU_HTTP_BODY_CHUNKED)
    g_string_append (out, "Transfer-Encoding: chunked\r\n");
  g_string_append_printf (out, "Via: 1.%u zu\r\n\r\n", self->minor);
}

/* A length that was told for a body that does not come. */
static void
append_told_length (const ZuHttpHead *self, GString *out)
{
  for (guint i = 0; i < self->n_fields; i++)
    if (zu_span_is (&self->fields[i].name, "content-length"))
      g_string_append_printf (out, "Content-Length: %" G_GUINT64_FORMAT "\r\n", self->length);
}

/* The answer as it goes to the client. */
void
zu_http_write_answer (const ZuHttpHead *self, gboolean is_kept, GString *out)
{
  g_string_append_printf (out, "HTTP/1.1 %03u ", self->status);
  if (self->reason.length > 1)
    g_string_append_len (out, self->reason.at + 1, (gssize) self->reason.length - 1);
  g_string_append (out, "\r\n");
  append_fields (self, out);
  if (self->body == ZU_HTTP_BODY_LENGTH)
    g_string_append_printf (out, "Content-Length: %" G_GUINT64_FORMAT "\r\n", self->length);
  else if (self->body == ZU_HTTP_BODY_NONE && self->status >= 200 && self->status != 204)
    append_told_length (self, out);
  if (self->body == ZU_HTTP_BODY_CHUNKED)
    g_string_append (out, "Transfer-Encoding: chunked\r\n");
  g_string_append_printf (out, "Via: 1.%u zu\r\n", self->minor);
  if (!is_kept && self->status >= 200)
    g_string_append (out, "Connection: close\r\n");
  g_string_append (out, "\r\n");
}
