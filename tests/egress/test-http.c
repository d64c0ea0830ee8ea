/* SPDX-License-Identifier: Apache-2.0 */

#include "zu-http-body.h"
#include "zu-http-head.h"

#include <string.h>

static ZuHttpStatus
read_request (const char *text, gsize size, ZuHttpHead *head)
{
  gsize end = 0;
  ZuHttpStatus status = zu_http_find_end (text, size, &end);

  return status == ZU_HTTP_DONE ? zu_http_read_request (head, text, end) : status;
}

static void
test_bad_requests (void)
{
#define OK_HOST "Host: a\r\n"
#define GET     "GET http://a/ HTTP/1.1\r\n"
#define POST    "POST http://a/ HTTP/1.1\r\n" OK_HOST
  static const char *const requests[] = {
    "\r\nGET http://a/ HTTP/1.1\r\n" OK_HOST "\r\n",
    "\n",
    "GET http://a/ HTTP/1.1\nHost: a\n\n",
    "GET http://a/ HTTP/1.1\r\nHost: a\n\r\n",
    "GET http://a/ HTTP/1.1\rHost: a\r\n\r\n",
    "GET / HTTP/1.1\r\n" OK_HOST "\r\n",
    "GET a HTTP/1.1\r\n" OK_HOST "\r\n",
    "GET http://a/\r\n\r\n",
    "GET  http://a/ HTTP/1.1\r\n" OK_HOST "\r\n",
    "GET http://a/  HTTP/1.1\r\n" OK_HOST "\r\n",
    "GET http://a/ b HTTP/1.1\r\n" OK_HOST "\r\n",
    "GET\thttp://a/ HTTP/1.1\r\n" OK_HOST "\r\n",
    " GET http://a/ HTTP/1.1\r\n" OK_HOST "\r\n",
    "G(T http://a/ HTTP/1.1\r\n" OK_HOST "\r\n",
    "GET http://a/ HTTP/1.2\r\n" OK_HOST "\r\n",
    "GET http://a/ HTTP/2.0\r\n" OK_HOST "\r\n",
    "GET http://a/ http/1.1\r\n" OK_HOST "\r\n",
    "GET http://a/ HTTP/1.11\r\n" OK_HOST "\r\n",
    "GET https://a/ HTTP/1.1\r\n" OK_HOST "\r\n",
    "GET ftp://a/ HTTP/1.1\r\n" OK_HOST "\r\n",
    "GET http:/a/ HTTP/1.1\r\n" OK_HOST "\r\n",
    "GET http:///a HTTP/1.1\r\n" OK_HOST "\r\n",
    "GET http://u@a/ HTTP/1.1\r\n" OK_HOST "\r\n",
    "GET http://u:p@a/ HTTP/1.1\r\n" OK_HOST "\r\n",
    "GET http://a#b HTTP/1.1\r\n" OK_HOST "\r\n",
    "GET http://a/#b HTTP/1.1\r\n" OK_HOST "\r\n",
    "GET http://a:b/ HTTP/1.1\r\n" OK_HOST "\r\n",
    "GET http://a:/ HTTP/1.1\r\n" OK_HOST "\r\n",
    "GET http://a:0/ HTTP/1.1\r\n" OK_HOST "\r\n",
    "GET http://a:65536/ HTTP/1.1\r\n" OK_HOST "\r\n",
    "GET http://a:080/ HTTP/1.1\r\n" OK_HOST "\r\n",
    "GET http://::1/ HTTP/1.1\r\n" OK_HOST "\r\n",
    "GET http://a\\b/ HTTP/1.1\r\n" OK_HOST "\r\n",
    "GET http://a%2eb/ HTTP/1.1\r\n" OK_HOST "\r\n",
    "GET http://b\xc3\xbc/ HTTP/1.1\r\n" OK_HOST "\r\n",
    "GET http://a..b/ HTTP/1.1\r\n" OK_HOST "\r\n",
    GET "\r\n",
    GET "Host: a\r\nHost: a\r\n\r\n",
    GET "Host: a\r\nhOST: b\r\n\r\n",
    GET "Host:\r\n\r\n",
    GET "Host: a b\r\n\r\n",
    GET "Host: a/b\r\n\r\n",
    GET "Host: u@a\r\n\r\n",
    GET "Host : a\r\n\r\n",
    GET "Host: a\r\n b\r\n\r\n",
    GET "Host: a\r\n\tb\r\n\r\n",
    GET " Host: a\r\n\r\n",
    GET "Host\r\n\r\n",
    GET OK_HOST ": x\r\n\r\n",
    GET OK_HOST "A B: x\r\n\r\n",
    GET OK_HOST "A: x\ry\r\n\r\n",
    GET OK_HOST "A: x\x01\r\n\r\n",
    GET OK_HOST "A: x\x7f\r\n\r\n",
    POST "Content-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n",
    POST "Content-Length: 5\r\nContent-Length: 5\r\n\r\n",
    POST "Content-Length: 5\r\nContent-Length: 6\r\n\r\n",
    POST "Content-Length: 5, 5\r\n\r\n",
    POST "Content-Length: +5\r\n\r\n",
    POST "Content-Length: -5\r\n\r\n",
    POST "Content-Length: 0x5\r\n\r\n",
    POST "Content-Length: 5 5\r\n\r\n",
    POST "Content-Length:\r\n\r\n",
    POST "Content-Length: 9999999999999999999\r\n\r\n",
    POST "Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n\r\n",
    POST "Transfer-Encoding: gzip, chunked\r\n\r\n",
    POST "Transfer-Encoding: chunked, identity\r\n\r\n",
    POST "Transfer-Encoding: xchunked\r\n\r\n",
    POST "Transfer-Encoding: identity\r\n\r\n",
    POST "Transfer-Encoding:\x0b"
         "chunked\r\n\r\n",
    "POST http://a/ HTTP/1.0\r\nTransfer-Encoding: chunked\r\n\r\n",
    "CONNECT a HTTP/1.1\r\n" OK_HOST "\r\n",
    "CONNECT a: HTTP/1.1\r\n" OK_HOST "\r\n",
    "CONNECT :443 HTTP/1.1\r\n" OK_HOST "\r\n",
    "CONNECT a:443/ HTTP/1.1\r\n" OK_HOST "\r\n",
    "CONNECT a:443:80 HTTP/1.1\r\n" OK_HOST "\r\n",
    "CONNECT http://a:443 HTTP/1.1\r\n" OK_HOST "\r\n",
    "CONNECT u@a:443 HTTP/1.1\r\n" OK_HOST "\r\n",
    "CONNECT [::1] HTTP/1.1\r\n" OK_HOST "\r\n",
    "CONNECT ::1:443 HTTP/1.1\r\n" OK_HOST "\r\n",
    "CONNECT [::1:443 HTTP/1.1\r\n" OK_HOST "\r\n",
    "CONNECT [a]:443 HTTP/1.1\r\n" OK_HOST "\r\n",
    "CONNECT a..:443 HTTP/1.1\r\n" OK_HOST "\r\n",
    "CONNECT a:99999 HTTP/1.1\r\n" OK_HOST "\r\n",
    "CONNECT a:443 HTTP/1.1\r\n" OK_HOST "Content-Length: 1\r\n\r\n",
    "CONNECT a:443 HTTP/1.1\r\nHost: a\r\nHost: a\r\n\r\n",
    "connect a:443 HTTP/1.1\r\n" OK_HOST "\r\n",
  };
  ZuHttpHead head;

  for (gsize i = 0; i < G_N_ELEMENTS (requests); i++)
    {
      g_autofree char *shown = g_strescape (requests[i], NULL);

      g_test_message ("%s", shown);
      g_assert_cmpint (read_request (requests[i], strlen (requests[i]), &head), ==, ZU_HTTP_BAD);
    }
}

/* A NUL is no end of anything. */
static void
test_nul (void)
{
  static const char connect[] = "CONNECT a\0.b:443 HTTP/1.1\r\nHost: a\r\n\r\n";
  static const char path[] = "GET http://a/\0 HTTP/1.1\r\nHost: a\r\n\r\n";
  static const char value[] = "GET http://a/ HTTP/1.1\r\nHost: a\r\nA: \0\r\n\r\n";
  static const char method[] = "G\0T http://a/ HTTP/1.1\r\nHost: a\r\n\r\n";
  ZuHttpHead head;

  g_assert_cmpint (read_request (connect, sizeof connect - 1, &head), ==, ZU_HTTP_BAD);
  g_assert_cmpint (read_request (path, sizeof path - 1, &head), ==, ZU_HTTP_BAD);
  g_assert_cmpint (read_request (value, sizeof value - 1, &head), ==, ZU_HTTP_BAD);
  g_assert_cmpint (read_request (method, sizeof method - 1, &head), ==, ZU_HTTP_BAD);
}

static void
test_requests (void)
{
  static const struct
  {
    const char *request;
    const char *host;
    guint16 port;
    const char *written; /* NULL for CONNECT */
  } cases[] = {
    { "GET http://a/ HTTP/1.1\r\nHost: a\r\n\r\n", "a", 80,
      "GET / HTTP/1.1\r\nHost: a\r\nVia: 1.1 zu\r\n\r\n" },
    { "GET HTTP://A.example.:8080/x?y HTTP/1.1\r\nHost: evil\r\nX: 1\r\n\r\n", "a.example", 8080,
      "GET /x?y HTTP/1.1\r\nHost: a.example:8080\r\nX: 1\r\nVia: 1.1 zu\r\n\r\n" },
    { "GET http://a?q HTTP/1.1\r\nHost: a\r\n\r\n", "a", 80,
      "GET /?q HTTP/1.1\r\nHost: a\r\nVia: 1.1 zu\r\n\r\n" },
    { "OPTIONS http://a HTTP/1.1\r\nHost: a\r\n\r\n", "a", 80,
      "OPTIONS * HTTP/1.1\r\nHost: a\r\nVia: 1.1 zu\r\n\r\n" },
    { "GET http://a/@b HTTP/1.0\r\n\r\n", "a", 80,
      "GET /@b HTTP/1.0\r\nHost: a\r\nVia: 1.0 zu\r\n\r\n" },
    { "GET http://[::1]:81/ HTTP/1.1\r\nHost: [::1]:81\r\n\r\n", "::1", 81,
      "GET / HTTP/1.1\r\nHost: [::1]:81\r\nVia: 1.1 zu\r\n\r\n" },
    { "POST http://a/ HTTP/1.1\r\nHost: a\r\ncontent-length:  007 \r\n\r\n", "a", 80,
      "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 7\r\nVia: 1.1 zu\r\n\r\n" },
    { "POST http://a/ HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: Chunked\r\n\r\n", "a", 80,
      "POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\nVia: 1.1 zu\r\n\r\n" },
    { "GET http://a/ HTTP/1.1\r\nHost: a\r\nConnection: close, X-Hop ,host\r\nX-Hop: 1\r\n"
      "X-End: 2\r\nKeep-Alive: 5\r\nProxy-Connection: x\r\nTE: trailers\r\nUpgrade: h2c\r\n"
      "Proxy-Authorization: secret\r\nTrailer: X\r\n\r\n",
      "a", 80, "GET / HTTP/1.1\r\nHost: a\r\nX-End: 2\r\nVia: 1.1 zu\r\n\r\n" },
    { "CONNECT A.:443 HTTP/1.1\r\nHost: other\r\n\r\n", "a", 443, NULL },
    { "CONNECT [::1]:443 HTTP/1.1\r\n\r\n", "::1", 443, NULL },
    { "CONNECT 127.1:443 HTTP/1.0\r\n\r\n", "127.0.0.1", 443, NULL },
  };

  for (gsize i = 0; i < G_N_ELEMENTS (cases); i++)
    {
      g_autoptr (GString) written = g_string_new (NULL);
      g_autofree char *host = NULL;
      ZuHttpHead head;

      g_test_message ("case %" G_GSIZE_FORMAT, i);
      g_assert_cmpint (read_request (cases[i].request, strlen (cases[i].request), &head), ==,
                       ZU_HTTP_DONE);
      host = zu_host_to_string (&head.host);
      g_assert_cmpstr (host, ==, cases[i].host);
      g_assert_cmpuint (head.port, ==, cases[i].port);
      g_assert_cmpint (head.is_connect, ==, cases[i].written == NULL);
      if (cases[i].written == NULL)
        continue;
      zu_http_write_request (&head, written);
      g_assert_cmpstr (written->str, ==, cases[i].written);
    }
}

/* However the bytes come. */
static void
test_pieces (void)
{
  static const char request[] = "GET http://a/ HTTP/1.1\r\nHost: a\r\n\r\nmore";
  gsize looked_at = 0;

  for (gsize size = 0; size < sizeof request - 5; size++)
    g_assert_cmpint (zu_http_find_end (request, size, &looked_at), ==, ZU_HTTP_MORE);
  g_assert_cmpint (zu_http_find_end (request, sizeof request - 5, &looked_at), ==, ZU_HTTP_DONE);
  g_assert_cmpuint (looked_at, ==, sizeof request - 5);
}

static void
test_too_many_fields (void)
{
  g_autoptr (GString) text = g_string_new ("GET http://a/ HTTP/1.1\r\nHost: a\r\n");
  ZuHttpHead head;

  for (guint i = 1; i < ZU_HTTP_MAX_FIELDS; i++)
    g_string_append (text, "A: b\r\n");
  g_string_append (text, "\r\n");
  g_assert_cmpint (read_request (text->str, text->len, &head), ==, ZU_HTTP_DONE);
  g_string_truncate (text, text->len - 2);
  g_string_append (text, "A: b\r\n\r\n");
  g_assert_cmpint (read_request (text->str, text->len, &head), ==, ZU_HTTP_BAD);
}

static void
test_answers (void)
{
  static const struct
  {
    const char *answer;
    gboolean is_for_head;
    ZuHttpBodyKind body;
    const char *written; /* NULL where it is refused */
  } cases[] = {
    { "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\n", FALSE, ZU_HTTP_BODY_LENGTH,
      "HTTP/1.1 200 OK\r\nContent-Length: 5\r\nVia: 1.1 zu\r\n\r\n" },
    { "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\n", TRUE, ZU_HTTP_BODY_NONE,
      "HTTP/1.1 200 OK\r\nContent-Length: 5\r\nVia: 1.1 zu\r\n\r\n" },
    { "HTTP/1.0 200\r\nX: y\r\n\r\n", FALSE, ZU_HTTP_BODY_UNTIL_CLOSE,
      "HTTP/1.1 200 \r\nX: y\r\nVia: 1.0 zu\r\n\r\n" },
    { "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\nConnection: X\r\nX: 1\r\n\r\n", FALSE,
      ZU_HTTP_BODY_CHUNKED,
      "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\nVia: 1.1 zu\r\n\r\n" },
    { "HTTP/1.1 304 Not Modified\r\nContent-Length: 5\r\n\r\n", FALSE, ZU_HTTP_BODY_NONE,
      "HTTP/1.1 304 Not Modified\r\nContent-Length: 5\r\nVia: 1.1 zu\r\n\r\n" },
    { "HTTP/1.1 100 Continue\r\n\r\n", FALSE, ZU_HTTP_BODY_NONE,
      "HTTP/1.1 100 Continue\r\nVia: 1.1 zu\r\n\r\n" },
    { "HTTP/1.1 101 Switching Protocols\r\nUpgrade: x\r\n\r\n" },
    { "HTTP/1.1 200 OK\r\nContent-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n" },
    { "HTTP/1.1 200 OK\r\nContent-Length: 5\r\nContent-Length: 5\r\n\r\n" },
    { "HTTP/1.1 200 OK\r\nTransfer-Encoding: gzip\r\n\r\n" },
    { "HTTP/1.1 99 OK\r\n\r\n" },
    { "HTTP/1.1 600 OK\r\n\r\n" },
    { "HTTP/1.1 2000 OK\r\n\r\n" },
    { "HTTP/1.1 20 OK\r\n\r\n" },
    { "HTTP/1.1200 OK\r\n\r\n" },
    { "HTTP/2 200 OK\r\n\r\n" },
    { "ICY 200 OK\r\n\r\n" },
    { "HTTP/1.1 200 O\x01K\r\n\r\n" },
    { "HTTP/1.1 200 OK\r\n folded\r\n\r\n" },
  };

  for (gsize i = 0; i < G_N_ELEMENTS (cases); i++)
    {
      g_autoptr (GString) written = g_string_new (NULL);
      ZuHttpHead head;

      g_test_message ("case %" G_GSIZE_FORMAT, i);
      g_assert_cmpint (zu_http_read_answer (&head, cases[i].answer, strlen (cases[i].answer),
                                            cases[i].is_for_head),
                       ==, cases[i].written != NULL ? ZU_HTTP_DONE : ZU_HTTP_BAD);
      if (cases[i].written == NULL)
        continue;
      zu_http_write_answer (&head, TRUE, written);
      g_assert_cmpstr (written->str, ==, cases[i].written);
      g_assert_cmpint (head.body, ==, cases[i].body);
    }
}

/* Reads a chunked body in pieces of STEP bytes; NULL where it is refused. */
static char *
pass_chunks (const char *text, gsize step, gsize *n_left)
{
  ZuHttpHead head = { .body = ZU_HTTP_BODY_CHUNKED };
  ZuProxyBuffer in = { NULL }, out = { NULL };
  ZuHttpStatus status = ZU_HTTP_MORE;
  ZuHttpBody body;
  char *result = NULL;

  zu_http_body_init (&body, &head);
  for (const char *at = text; *at != '\0' && status == ZU_HTTP_MORE;)
    {
      gsize n = MIN (step, strlen (at));

      zu_proxy_buffer_append (&in, at, n);
      status = zu_http_body_pass (&body, &in, &out);
      at += n;
    }
  *n_left = in.length;
  if (status == ZU_HTTP_DONE)
    result = g_strndup ((const char *) zu_proxy_buffer_get_data (&out), out.length);
  g_assert_false (zu_http_body_end (&body));
  zu_proxy_buffer_clear (&in);
  zu_proxy_buffer_clear (&out);
  return result;
}

static void
test_chunks (void)
{
  static const struct
  {
    const char *text;
    const char *written;
    gsize n_left;
  } cases[] = {
    { "0\r\n\r\n", "0\r\n\r\n" },
    { "5\r\nhello\r\n0\r\n\r\nGET", "5\r\nhello\r\n0\r\n\r\n", 3 },
    { "005\r\nhello\r\nA\r\n0123456789\r\n000\r\n\r\n",
      "5\r\nhello\r\na\r\n0123456789\r\n0\r\n\r\n" },
    { "1\r\na\r\n0\r\nX: y\r\nContent-Length: 5\r\n\r\n", "1\r\na\r\n0\r\n\r\n" },
    { "5;a=b\r\nhello\r\n0\r\n\r\n" },
    { "5 \r\nhello\r\n0\r\n\r\n" },
    { " 5\r\nhello\r\n0\r\n\r\n" },
    { "0x5\r\nhello\r\n0\r\n\r\n" },
    { "+5\r\nhello\r\n0\r\n\r\n" },
    { "-5\r\nhello\r\n0\r\n\r\n" },
    { "\r\n" },
    { "5\nhello\n0\n\n" },
    { "5\r\nhello0\r\n\r\n" },
    { "5\r\nhello\n0\r\n\r\n" },
    { "5\r\nhelloX\r\n0\r\n\r\n" },
    { "ffffffffffffffff\r\n" },
    { "1000000000000000\r\n" },
    { "g\r\n" },
    { "0\r\n folded\r\n\r\n" },
    { "0\r\nX: y\nZ: a\r\n\r\n" },
    { "0\r\nX: y\r\r\n\r\n" },
  };

  for (gsize i = 0; i < G_N_ELEMENTS (cases); i++)
    for (gsize step = 1; step < 64; step += step < 4 ? 1 : 20)
      {
        gsize n_left;
        g_autofree char *written = pass_chunks (cases[i].text, step, &n_left);

        g_test_message ("case %" G_GSIZE_FORMAT ", %" G_GSIZE_FORMAT " bytes", i, step);
        g_assert_cmpstr (written, ==, cases[i].written);
        if (written != NULL && step == 63)
          g_assert_cmpuint (n_left, ==, cases[i].n_left);
      }
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);

  g_test_add_func ("/egress/http/bad-requests", test_bad_requests);
  g_test_add_func ("/egress/http/nul", test_nul);
  g_test_add_func ("/egress/http/requests", test_requests);
  g_test_add_func ("/egress/http/pieces", test_pieces);
  g_test_add_func ("/egress/http/too-many-fields", test_too_many_fields);
  g_test_add_func ("/egress/http/answers", test_answers);
  g_test_add_func ("/egress/http/chunks", test_chunks);
  return g_test_run ();
}
