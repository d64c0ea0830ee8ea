/* SPDX-License-Identifier: Apache-2.0 */

#include "zu-client-hello.h"

#include <string.h>

/* Handshakes put together by hand, so that each can be wrong in one way. */

static void
put (GByteArray *out, guint64 value, guint width)
{
  for (guint i = width; i > 0; i--)
    {
      guint8 byte = (guint8) (value >> (8 * (i - 1)));

      g_byte_array_append (out, &byte, 1);
    }
}

static void
put_vector (GByteArray *out, GByteArray *data, guint width)
{
  put (out, data->len, width);
  g_byte_array_append (out, data->data, data->len);
}

static void
put_name (GByteArray *out, const char *name, guint type, guint n_names)
{
  g_autoptr (GByteArray) list = g_byte_array_new ();
  g_autoptr (GByteArray) extension = g_byte_array_new ();

  for (guint i = 0; i < n_names; i++)
    {
      put (list, type, 1);
      put (list, strlen (name), 2);
      g_byte_array_append (list, (const guint8 *) name, (guint) strlen (name));
    }
  put_vector (extension, list, 2);
  put (out, 0, 2);
  put_vector (out, extension, 2);
}

static void
put_extension (GByteArray *out, guint type)
{
  put (out, type, 2);
  put (out, 3, 2);
  put (out, 0x010203, 3);
}

/* The message, with EXTENSIONS, or without any where that is NULL. */
static GByteArray *
make_message (GByteArray *extensions)
{
  GByteArray *message = g_byte_array_new ();
  g_autoptr (GByteArray) body = g_byte_array_new ();

  put (body, 0x0303, 2);
  for (guint i = 0; i < 32; i++)
    put (body, i, 1);
  put (body, 0, 1);
  put (body, 2, 2);
  put (body, 0x1301, 2);
  put (body, 1, 1);
  put (body, 0, 1);
  if (extensions != NULL)
    put_vector (body, extensions, 2);
  put (message, 1, 1);
  put_vector (message, body, 3);
  return message;
}

/* The message in records of at most STEP bytes. */
static GByteArray *
make_records (GByteArray *message, guint step)
{
  GByteArray *records = g_byte_array_new ();

  for (guint at = 0; at < message->len; at += step)
    {
      guint n = MIN (step, message->len - at);

      put (records, 22, 1);
      put (records, 0x0301, 2);
      put (records, n, 2);
      g_byte_array_append (records, message->data + at, n);
    }
  return records;
}

static GByteArray *
make_named (const char *name)
{
  g_autoptr (GByteArray) extensions = g_byte_array_new ();

  put_extension (extensions, 0x002b);
  if (name != NULL)
    put_name (extensions, name, 0, 1);
  put_extension (extensions, 0x000a);
  return make_message (extensions);
}

static void
assert_bad (GByteArray *extensions)
{
  g_autoptr (GByteArray) message = make_message (extensions);
  g_autoptr (GByteArray) records = make_records (message, 16384);
  ZuClientHello hello;

  g_assert_cmpint (zu_client_hello_read (&hello, records->data, records->len), ==,
                   ZU_CLIENT_HELLO_NOT_TLS);
}

/* In any number of records, and whatever of them is there already. */
static void
test_names (void)
{
  g_autoptr (GByteArray) message = make_named ("Example.org");

  for (guint step = 1; step <= message->len; step += 7)
    {
      g_autoptr (GByteArray) records = make_records (message, step);
      ZuClientHello hello;

      for (guint size = 0; size < records->len; size++)
        g_assert_cmpint (zu_client_hello_read (&hello, records->data, size), ==,
                         ZU_CLIENT_HELLO_MORE);
      g_assert_cmpint (zu_client_hello_read (&hello, records->data, records->len), ==,
                       ZU_CLIENT_HELLO_DONE);
      g_assert_cmpstr (hello.name, ==, "Example.org");
      g_assert_false (hello.has_ech);
    }
}

static void
test_nameless (void)
{
  g_autoptr (GByteArray) bare = make_message (NULL);
  g_autoptr (GByteArray) other = make_named (NULL);
  GByteArray *const messages[] = { bare, other };

  for (guint i = 0; i < 2; i++)
    {
      g_autoptr (GByteArray) records = make_records (messages[i], 16384);
      ZuClientHello hello;

      g_assert_cmpint (zu_client_hello_read (&hello, records->data, records->len), ==,
                       ZU_CLIENT_HELLO_DONE);
      g_assert_cmpstr (hello.name, ==, "");
    }
}

static void
test_ech (void)
{
  g_autoptr (GByteArray) extensions = g_byte_array_new ();
  g_autoptr (GByteArray) message = NULL;
  g_autoptr (GByteArray) records = NULL;
  ZuClientHello hello;

  put_name (extensions, "outer.example", 0, 1);
  put_extension (extensions, 0xfe0d);
  message = make_message (extensions);
  records = make_records (message, 100);
  g_assert_cmpint (zu_client_hello_read (&hello, records->data, records->len), ==,
                   ZU_CLIENT_HELLO_DONE);
  g_assert_cmpstr (hello.name, ==, "outer.example");
  g_assert_true (hello.has_ech);
}

static void
test_odd_names (void)
{
  static const char *const names[] = { "", "a b", "a\nb", "b\xc3\xbc" };

  for (gsize i = 0; i < G_N_ELEMENTS (names); i++)
    {
      g_autoptr (GByteArray) extensions = g_byte_array_new ();

      put_name (extensions, names[i], 0, 1);
      assert_bad (extensions);
    }
}

static void
test_odd_lists (void)
{
  g_autoptr (GByteArray) two_names = g_byte_array_new ();
  g_autoptr (GByteArray) two_extensions = g_byte_array_new ();
  g_autoptr (GByteArray) other_type = g_byte_array_new ();
  g_autoptr (GByteArray) none = g_byte_array_new ();
  g_autoptr (GByteArray) cut = g_byte_array_new ();

  put_name (two_names, "a", 0, 2);
  assert_bad (two_names);
  put_name (two_extensions, "a", 0, 1);
  put_name (two_extensions, "a", 0, 1);
  assert_bad (two_extensions);
  put_name (other_type, "a", 1, 1);
  assert_bad (other_type);
  put_name (none, "a", 0, 0);
  assert_bad (none);
  put (cut, 0, 2);
  put (cut, 9, 2);
  put (cut, 1, 2);
  assert_bad (cut);
}

/* What is not TLS, or says more than a client may before it was answered. */
static void
test_not_tls (void)
{
  static const char *const texts[] = {
    "GET / HTTP/1.1\r\n", "SSH-2.0-x\r\n",        "\x80\x2e\x01",
    "\x16\x02\x01",       "\x16\x03\x01\x7f\xff", "\x17\x03\x03"
  };
  g_autoptr (GByteArray) message = make_named ("a");
  g_autoptr (GByteArray) records = NULL;
  ZuClientHello hello;

  for (gsize i = 0; i < G_N_ELEMENTS (texts); i++)
    g_assert_cmpint (zu_client_hello_read (&hello, (const guint8 *) texts[i], strlen (texts[i])),
                     ==, ZU_CLIENT_HELLO_NOT_TLS);

  g_byte_array_append (message, (const guint8 *) "\1\0\0\0", 4);
  records = make_records (message, 16384);
  g_assert_cmpint (zu_client_hello_read (&hello, records->data, records->len), ==,
                   ZU_CLIENT_HELLO_NOT_TLS);
  g_byte_array_set_size (records, 0);
  put (records, 22, 1);
  put (records, 0x0301, 2);
  put (records, 0, 2);
  g_assert_cmpint (zu_client_hello_read (&hello, records->data, records->len), ==,
                   ZU_CLIENT_HELLO_NOT_TLS);
}

/* What follows in other records is the tunnel's. */
static void
test_more_records (void)
{
  g_autoptr (GByteArray) message = make_named ("a");
  g_autoptr (GByteArray) records = make_records (message, 16384);
  ZuClientHello hello;

  g_byte_array_append (records, (const guint8 *) "\x17\x03\x03\0\1x", 6);
  g_assert_cmpint (zu_client_hello_read (&hello, records->data, records->len), ==,
                   ZU_CLIENT_HELLO_DONE);
  g_assert_cmpstr (hello.name, ==, "a");
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);

  g_test_add_func ("/egress/hello/names", test_names);
  g_test_add_func ("/egress/hello/nameless", test_nameless);
  g_test_add_func ("/egress/hello/ech", test_ech);
  g_test_add_func ("/egress/hello/odd-names", test_odd_names);
  g_test_add_func ("/egress/hello/odd-lists", test_odd_lists);
  g_test_add_func ("/egress/hello/not-tls", test_not_tls);
  g_test_add_func ("/egress/hello/more-records", test_more_records);
  return g_test_run ();
}
