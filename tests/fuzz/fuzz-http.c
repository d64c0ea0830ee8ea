/* SPDX-License-Identifier: Apache-2.0 */

/* Any request and any answer: what is understood is written so that it is understood again, in the
 * same way, and with no more than one reading of its length. */

#include "fuzz.h"

#include "zu-http-body.h"
#include "zu-http-head.h"

#include <string.h>

/* How many fields of a head that was written are called this, in any case. */
static guint
count_fields (const char *text, const char *name)
{
  g_auto (GStrv) lines = g_strsplit (text, "\r\n", -1);
  g_autofree char *start = g_strconcat (name, ":", NULL);
  guint count = 0;

  for (guint i = 1; lines[0] && lines[i]; i++)
    if (g_ascii_strncasecmp (lines[i], start, strlen (start)) == 0)
      count++;
  return count;
}

static void
check_written (const ZuHttpHead *head)
{
  g_autoptr (GString) text = g_string_new (NULL);
  gsize end = 0;

  zu_http_write_request (head, text);
  g_assert_cmpint (zu_http_find_end (text->str, text->len, &end), ==, ZU_HTTP_DONE);
  g_assert_cmpuint (end, ==, text->len);
  g_assert_cmpuint (count_fields (text->str, "Proxy-Authorization"), ==, 0);
  g_assert_cmpuint (count_fields (text->str, "Host"), ==, 1);
  g_assert_cmpuint (count_fields (text->str, "Content-Length"), ==,
                    head->body == ZU_HTTP_BODY_LENGTH ? 1 : 0);
  g_assert_cmpuint (count_fields (text->str, "Transfer-Encoding"), ==,
                    head->body == ZU_HTTP_BODY_CHUNKED ? 1 : 0);
}

static void
check_answer (const char *data, size_t size)
{
  g_autoptr (GString) text = g_string_new (NULL);
  ZuHttpHead head, again;

  if (zu_http_read_answer (&head, data, size, FALSE) != ZU_HTTP_DONE)
    return;
  zu_http_write_answer (&head, head.is_kept, text);
  g_assert_cmpint (zu_http_read_answer (&again, text->str, text->len, FALSE), ==, ZU_HTTP_DONE);
  g_assert_cmpuint (again.status, ==, head.status);
  g_assert_cmpint (again.body, ==, head.body);
  g_assert_cmpuint (again.length, ==,
                    head.body == ZU_HTTP_BODY_LENGTH ? head.length : again.length);
}

/* A chunked body comes out as one that is read the same, by the same reader. */
static void
check_chunks (const uint8_t *data, size_t size)
{
  ZuHttpHead head = { .body = ZU_HTTP_BODY_CHUNKED };
  ZuProxyBuffer in = { NULL }, out = { NULL }, twice = { NULL };
  ZuHttpBody body;

  size = MIN (size, 4096);
  zu_proxy_buffer_append (&in, data, size);
  zu_http_body_init (&body, &head);
  if (zu_http_body_pass (&body, &in, &out) == ZU_HTTP_DONE)
    {
      g_autofree guint8 *text = g_memdup2 (zu_proxy_buffer_get_data (&out), out.length);
      gsize length = out.length;

      zu_http_body_init (&body, &head);
      g_assert_cmpint (zu_http_body_pass (&body, &out, &twice), ==, ZU_HTTP_DONE);
      g_assert_cmpuint (twice.length, ==, length);
      g_assert_cmpmem (zu_proxy_buffer_get_data (&twice), length, text, length);
    }
  zu_proxy_buffer_clear (&in);
  zu_proxy_buffer_clear (&out);
  zu_proxy_buffer_clear (&twice);
}

int
LLVMFuzzerTestOneInput (const uint8_t *data, size_t size)
{
  const char *text = (const char *) data;
  ZuHttpHead head;
  gsize end = 0;

  check_chunks (data, size);
  if (zu_http_find_end (text, size, &end) != ZU_HTTP_DONE)
    return 0;
  if (zu_http_read_request (&head, text, end) == ZU_HTTP_DONE && !head.is_connect)
    check_written (&head);
  check_answer (text, end);
  return 0;
}
