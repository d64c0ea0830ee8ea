/* SPDX-License-Identifier: Apache-2.0 */

#include "vectors-support.h"
#include "zu-address-guard.h"
#include "zu-host.h"

#include <string.h>

static gboolean
is_true (ZuJson *row, const char *name)
{
  g_autoptr (ZuJson) value = row_member (row, name);

  return value != NULL && zu_json_get_boolean (value);
}

/* Where the recorded guard has a gap, the stricter answer is ours. */
static void
test_vectors (void)
{
  g_autoptr (ZuJson) file = vectors_read_json ("netguard.json");
  g_autoptr (ZuJson) rows = row_member (file, "hosts");

  g_assert_cmpuint (zu_json_get_size (rows), >, 60);
  for (gsize i = 0; i < zu_json_get_size (rows); i++)
    {
      g_autoptr (ZuJson) row = zu_json_dup_element (rows, i);
      g_autoptr (ZuJson) gap = zu_json_dup_member (row, "gap");
      const char *host = row_text (row, "host");

      g_test_message ("%s", host);
      g_assert_cmpint (zu_address_text_is_internal (host), ==,
                       gap != NULL || is_true (row, "internal"));
    }
}

static void
test_internal (void)
{
  static const char *const hosts[] = {
    "127.1",
    "127.0.1",
    "0177.1",
    "0x7f.1",
    "0x7f.0x0.0x0.0x1",
    "0X7F000001",
    "00000177.0.0.1",
    "127.0.0.1.",
    "0",
    "0x",
    "0.0",
    "10.1",
    "172.16.1",
    "3232235521",
    "0xc0a80001",
    "030052000001",
    "100.64.0.0",
    "100.127.255.255",
    "100.100.100.200",
    "168.63.129.16",
    "192.0.0.9",
    "192.0.0.192",
    "192.88.99.1",
    "198.19.255.255",
    "224.0.0.251",
    "239.255.255.255",
    "255.255.255.255",
    "[::ffff:127.0.0.1]",
    "::ffff:7f00:1",
    "0:0:0:0:0:ffff:10.0.0.1",
    "::127.0.0.1",
    "::a00:1",
    "::8.8.8.8",
    "::ffff:0:10.0.0.1",
    "::ffff:0:8.8.8.8",
    "64:ff9b::10.0.0.1",
    "64:ff9b::a9fe:a9fe",
    "64:ff9b:1::1",
    "64:ff9b:1::8.8.8.8",
    "2002:a00:1::",
    "2002:a9fe:a9fe::1",
    "2001::1",
    "2001:0:4136:e378:8000:63bf:3fff:fdd2",
    "2001:2::1",
    "2001:10::1",
    "2001:20::1",
    "2001:db8::1",
    "2606:4700:4700:0:0:5efe:10.0.0.1",
    "2606:4700:4700:0:200:5efe:7f00:1",
    "100::1",
    "100:0:0:1::1",
    "3fff::1",
    "5f00::1",
    "4000::1",
    "8000::1",
    "fc00::",
    "fdff::1",
    "fe80::1",
    "fe80::1%eth0",
    "fe80::1%25eth0",
    "::1%lo",
    "febf::1",
    "fec0::1",
    "feff::1",
    "ff05::2",
    "localhost",
    "a.localhost",
    "a.b.LocalHost.",
    "localhost.localdomain",
    "printer.local",
    "metadata",
    "metadata.google.internal",
    "metadata.goog",
    "anything.internal",
    "host.docker.internal",
    "router.home.arpa",
    "instance-data",
    "instance-data.ec2.internal",
    "metadata.tencentyun.com",
    "kubernetes.default.svc",
    "\xef\xbc\x91\xef\xbc\x92\xef\xbc\x97.0.0.1", /* full width digits */
    "127\xe3\x80\x82"
    "0\xe3\x80\x82"
    "0\xe3\x80\x82"
    "1",                    /* ideographic full stops */
    "\xe2\x93\x9bocalhost", /* a circled l */
    "LOCALHOST\xe3\x80\x82",
  };

  for (gsize i = 0; i < G_N_ELEMENTS (hosts); i++)
    {
      g_test_message ("%s", hosts[i]);
      g_assert_true (zu_address_text_is_internal (hosts[i]));
    }
}

static void
test_public (void)
{
  static const char *const hosts[] = {
    "1.1.1.1",
    "8.8.8.8",
    "9.255.255.255",
    "11.0.0.0",
    "100.63.255.255",
    "100.128.0.0",
    "126.255.255.255",
    "128.0.0.0",
    "169.253.255.255",
    "169.255.0.0",
    "172.15.255.255",
    "172.32.0.0",
    "192.0.1.0",
    "192.31.196.1",
    "192.52.193.1",
    "192.167.255.255",
    "192.169.0.0",
    "192.175.48.1",
    "198.17.255.255",
    "198.20.0.0",
    "223.255.255.255",
    "0x08080808",
    "::ffff:8.8.8.8",
    "64:ff9b::8.8.8.8",
    "2002:808:808::",
    "2001:3::1",
    "2001:4:112::1",
    "2001:200::1",
    "2003::1",
    "2606:4700:4700::1111",
    "2606:4700:4700:0:0:5efe:8.8.8.8",
    "2620:4f:8000::1",
    "3ffe::1",
    "3fff:1000::1",
    "example.com",
    "notlocalhost",
    "localhost.example.com",
    "internal.example.com",
    "local.example",
    "mymetadata",
    "metadata.example.com",
    "b\xc3\xbc"
    "cher.example",
  };

  for (gsize i = 0; i < G_N_ELEMENTS (hosts); i++)
    {
      g_test_message ("%s", hosts[i]);
      g_assert_false (zu_address_text_is_internal (hosts[i]));
    }
}

/* What is one host in several spellings. */
static void
test_hosts (void)
{
  static const struct
  {
    const char *text;
    const char *host;
    gboolean is_odd;
  } cases[] = {
    { "EXAMPLE.com.", "example.com" },
    { "B\xc3\x9c"
      "CHER.example",
      "xn--bcher-kva.example" },
    { "fa\xc3\x9f.de", "xn--fa-hia.de" },
    { "a_b.c", "a_b.c" },
    { "127.0.0.1", "127.0.0.1" },
    { "127.0.0.1.", "127.0.0.1" },
    { "127.1", "127.0.0.1", TRUE },
    { "1.2.3", "1.2.0.3", TRUE },
    { "134744072", "8.8.8.8", TRUE },
    { "[::1]", "::1" },
    { "0:0:0:0:0:0:0:1", "::1" },
    { "::FFFF:1.2.3.4", "1.2.3.4" },
    { "fe80::1%eth0", "fe80::1", TRUE },
  };
  static const char *const bad[] = {
    "",          ".",         "..",
    "a..b",      ".a",        "a..",
    "-a",        "a-",        "a b",
    "a/b",       "a@b",       "a%41",
    "256.0.0.1", "1.2.3.4.5", "4294967296",
    "08.0.0.1",  "a.0x1",     "1.2.3.256",
    "1..2",      "[1.2.3.4]", "[]",
    "[a]",       "[::1",      "::1]",
    ":::",       "::g",       "1:2",
    "%",         "a\xff",     "\xe2\x80\x8b", /* nothing but a space without width */
  };
  ZuHost host;

  for (gsize i = 0; i < G_N_ELEMENTS (cases); i++)
    {
      g_autofree char *text = NULL;

      g_test_message ("%s", cases[i].text);
      g_assert_true (zu_host_parse (&host, cases[i].text));
      text = zu_host_to_string (&host);
      g_assert_cmpstr (text, ==, cases[i].host);
      g_assert_cmpint (host.is_odd, ==, cases[i].is_odd);
    }
  for (gsize i = 0; i < G_N_ELEMENTS (bad); i++)
    {
      g_test_message ("bad host %" G_GSIZE_FORMAT, i);
      g_assert_false (zu_host_parse (&host, bad[i]));
    }
}

static void
test_blocks (void)
{
  static const struct
  {
    const char *network;
    guint prefix;
    gboolean is_internal;
  } cases[] = {
    { "10.0.0.0", 8, TRUE },       { "10.1.0.0", 16, TRUE },      { "10.0.0.0", 7, FALSE },
    { "0.0.0.0", 0, FALSE },       { "127.0.0.1", 32, TRUE },     { "8.8.8.0", 24, FALSE },
    { "192.0.0.0", 16, FALSE },    { "fd00::", 8, TRUE },         { "::", 0, FALSE },
    { "2000::", 3, FALSE },        { "2001::", 23, FALSE },       { "8000::", 1, TRUE },
    { "2001:db8::", 32, TRUE },    { "fe80::1", 128, TRUE },      { "64:ff9b::", 96, FALSE },
    { "2002::", 16, FALSE },       { "2002:a00:1::", 128, TRUE }, { "168.63.129.16", 32, TRUE },
    { "168.63.129.0", 24, FALSE },
  };

  for (gsize i = 0; i < G_N_ELEMENTS (cases); i++)
    {
      ZuAddress network;

      g_test_message ("%s/%u", cases[i].network, cases[i].prefix);
      g_assert_true (zu_address_parse (&network, cases[i].network));
      g_assert_cmpint (zu_address_block_is_internal (&network, cases[i].prefix), ==,
                       cases[i].is_internal);
    }
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);

  g_test_add_func ("/egress/guard/vectors", test_vectors);
  g_test_add_func ("/egress/guard/internal", test_internal);
  g_test_add_func ("/egress/guard/public", test_public);
  g_test_add_func ("/egress/guard/hosts", test_hosts);
  g_test_add_func ("/egress/guard/blocks", test_blocks);
  return g_test_run ();
}
