/* SPDX-License-Identifier: Apache-2.0 */

/* Looks through all of this process's writable memory for copies of a key, and into a child's,
 * which has none. */

#include "codec-support.h"

#include <stdio.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#define KEY_SIZE     32
#define LARGEST_AREA (64 << 20) /* larger ones are a sanitizer's own */

/* By hand and unchecked: a sanitizer's functions neither may read everything, nor may copy. */
static __attribute__ ((no_sanitize ("address"))) guint
count_in (const guint8 *start, const guint8 *end, const guint8 *key)
{
  guint n = 0;

  for (const guint8 *p = start; p + KEY_SIZE <= end; p++)
    {
      gsize same = 0;

      while (same < KEY_SIZE && p[same] == key[same])
        same++;
      n += same == KEY_SIZE && p != key;
    }
  return n;
}

/* How many there are beside the one at @key. */
static guint
count_copies (const guint8 *key)
{
  g_autofree char *maps = NULL;
  g_auto (GStrv) lines = NULL;
  guint n = 0;

  g_assert_true (g_file_get_contents ("/proc/self/maps", &maps, NULL, NULL));
  lines = g_strsplit (maps, "\n", -1);
  for (gsize i = 0; lines[i] != NULL; i++)
    {
      gsize start, end;
      char access[5];

      if (sscanf (lines[i], "%zx-%zx %4s", &start, &end, access) == 3
          && g_str_has_prefix (access, "rw") && end - start <= LARGEST_AREA)
        n += count_in (GSIZE_TO_POINTER (start), GSIZE_TO_POINTER (end), key);
    }
  return n;
}

static void
use (ZuPayloadCodec *codec)
{
  for (guint i = 0; i < 8; i++)
    {
      g_autoptr (GBytes) body = encode (codec, "a payload of some length, that it is", "row");

      assert_decodes (codec, body, "row", "a payload of some length, that it is");
    }
}

/* The search finds what is there. */
static void
test_search (void)
{
  g_autoptr (ZuSecret) key = zu_secret_new_random (KEY_SIZE, NULL);
  g_autofree guint8 *copy = g_memdup2 (zu_secret_peek (key, NULL), KEY_SIZE);

  g_assert_cmpuint (count_copies (zu_secret_peek (key, NULL)), ==, 1);
  memset (copy, 0, KEY_SIZE);
  g_assert_cmpuint (count_copies (zu_secret_peek (key, NULL)), ==, 0);
}

static void
test_codec (void)
{
  g_autoptr (ZuSecret) key = zu_secret_new_random (KEY_SIZE, NULL);
  g_autoptr (ZuPayloadCodec) codec = codec_new (key);

  use (codec);
  g_assert_cmpuint (count_copies (zu_secret_peek (key, NULL)), ==, 0);
}

static void
test_managed (void)
{
  g_autoptr (ZuSecret) key = zu_secret_new_random (KEY_SIZE, NULL);
  g_autoptr (TestKeys) keys = test_keys_new ();
  g_autoptr (ZuPayloadCodec) codec = managed_new (keys);

  test_keys_add (keys, "k", zu_secret_ref (key));
  test_keys_set_current (keys, "k");
  use (codec);
  g_assert_cmpuint (count_copies (zu_secret_peek (key, NULL)), ==, 0);
}

/* Reading a key's text leaves the key in the one place that it was read into. */
static void
test_text (void)
{
  const char *text = "9f8e7d6c5b4a39281706f5e4d3c2b1a00f1e2d3c4b5a69788796a5b4c3d2e1f0";
  g_autoptr (ZuKeyProvider) keys = g_object_new (plugin_type ("zu.key_providers", "env"), NULL);
  g_autoptr (ZuSecret) key = NULL;
  g_autoptr (GError) error = NULL;

  g_setenv ("ZU_EVENT_KEY_memory", text, TRUE);
  key = zu_key_provider_get_key (keys, "memory", NULL, &error);
  g_assert_no_error (error);
  g_assert_cmpuint (count_copies (zu_secret_peek (key, NULL)), ==, 0);
}

static int
in_child (ZuPayloadCodec *codec, GBytes *body)
{
  g_autoptr (GError) encoding = NULL;
  g_autoptr (GError) decoding = NULL;
  GBytes *encoded = try_encode (codec, "abc", "row", &encoding);
  GBytes *decoded = try_decode (codec, body, "row", &decoding);

  if (encoded != NULL || decoded != NULL)
    return 1;
  if (!g_error_matches (encoding, ZU_PAYLOAD_CODEC_ERROR, ZU_PAYLOAD_CODEC_ERROR_NO_KEY)
      || !g_error_matches (decoding, ZU_PAYLOAD_CODEC_ERROR, ZU_PAYLOAD_CODEC_ERROR_NO_KEY))
    return 2;
  return 0;
}

static void
assert_refuses_after_fork (ZuPayloadCodec *codec)
{
  g_autoptr (GBytes) body = encode (codec, "abc", "row");
  g_autoptr (GBytes) after = NULL;
  pid_t child = fork ();
  int status;

  g_assert_cmpint (child, >=, 0);
  if (child == 0)
    _exit (in_child (codec, body));
  g_assert_cmpint (waitpid (child, &status, 0), ==, child);
  g_assert_true (WIFEXITED (status));
  g_assert_cmpint (WEXITSTATUS (status), ==, 0);

  after = encode (codec, "abc", "row");
  assert_decodes (codec, after, "row", "abc");
}

static void
test_fork (void)
{
  g_autoptr (ZuSecret) key = zu_secret_new_random (KEY_SIZE, NULL);
  g_autoptr (ZuPayloadCodec) codec = codec_new (key);
  g_autoptr (TestKeys) keys = test_keys_new ();
  g_autoptr (ZuPayloadCodec) managed = managed_new (keys);

  test_keys_add_random (keys, "k");
  test_keys_set_current (keys, "k");

  assert_refuses_after_fork (codec);
  assert_refuses_after_fork (managed);
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);

  g_test_add_func ("/codec/key-memory/search", test_search);
  g_test_add_func ("/codec/key-memory/aes-gcm", test_codec);
  g_test_add_func ("/codec/key-memory/managed-aes-gcm", test_managed);
  g_test_add_func ("/codec/key-memory/text", test_text);
  g_test_add_func ("/codec/key-memory/fork", test_fork);

  return g_test_run ();
}
