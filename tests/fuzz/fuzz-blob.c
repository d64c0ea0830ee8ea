/* SPDX-License-Identifier: Apache-2.0 */

/* Any payload blob, read with all codecs: one byte that counts the associated data, these data, the
 * blob. What is read has the length that its frame says, and is not read for another row. */

#include "fuzz.h"

#include <zu/zu.h>

#define V1_KEY "4172d070f4cb77a0fb23aac331e572bfbb155048621f3a4eb8dcbf4f250df279"
#define V2_KEY "520fb3f1cca61428d43a99b3b87929f31a82c469dddfc16329aa227ff18fd4e9"
#define FRAME  (12 + 16)

static void
add_codec (ZuCodecSet *set, const char *name, const char *property, const GValue *value)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (GObject) codec =
      zu_registry_create_with_properties (zu_registry_get_default (), "zu.codecs", NULL, name, 1,
                                          &property, value, NULL, &error);

  g_assert_no_error (error);
  g_assert_true (zu_codec_set_add (set, ZU_PAYLOAD_CODEC (codec), &error));
}

static void
add_single (ZuCodecSet *set)
{
  g_auto (GValue) value = G_VALUE_INIT;
  char text[] = V1_KEY;

  g_value_init (&value, ZU_TYPE_SECRET);
  g_value_take_boxed (&value, zu_secret_new_wiping (text, sizeof text - 1, NULL));
  add_codec (set, "aes-gcm", "key", &value);
}

static void
add_managed (ZuCodecSet *set)
{
  g_auto (GValue) value = G_VALUE_INIT;

  g_setenv ("ZU_EVENT_KEY_k1", V2_KEY, TRUE);
  g_setenv ("ZU_EVENT_KEY_2024-q1", V2_KEY, TRUE);
  g_value_init (&value, ZU_TYPE_KEY_PROVIDER);
  g_value_take_object (&value, zu_registry_create (zu_registry_get_default (), "zu.key_providers",
                                                   NULL, "env", NULL, NULL, NULL));
  add_codec (set, "managed-aes-gcm", "key-provider", &value);
}

static ZuCodecSet *
get_set (void)
{
  static gsize once = 0;

  if (g_once_init_enter (&once))
    {
      ZuCodecSet *set = zu_codec_set_new ();

      add_single (set);
      add_managed (set);
      g_once_init_leave (&once, (gsize) set);
    }
  return ZU_CODEC_SET ((gpointer) once);
}

static void
check_plaintext (ZuCodecSet *set, GBytes *blob, GBytes *plaintext)
{
  g_autoptr (GBytes) other_row = g_bytes_new_static ("of another row", 14);
  g_autoptr (GBytes) moved = NULL;
  gsize size;
  const guint8 *data = g_bytes_get_data (blob, &size);
  gsize head = data[0] == 2 ? (gsize) 2 + data[1] : 1;

  g_assert_cmpuint (data[0], <=, 2);
  g_assert_cmpuint (g_bytes_get_size (plaintext) + head + (data[0] > 0 ? FRAME : 0), ==, size);
  moved = zu_codec_set_decode (set, blob, other_row, NULL);
  g_assert_true ((moved == NULL) == (data[0] > 0));
}

int
LLVMFuzzerTestOneInput (const uint8_t *data, size_t size)
{
  ZuCodecSet *set = get_set ();
  gsize skipped = size > 0 ? MIN ((gsize) data[0] + 1, size) : 0;
  g_autoptr (GBytes) associated = g_bytes_new (data + (size > 0), skipped - (size > 0));
  g_autoptr (GBytes) blob = g_bytes_new (data + skipped, size - skipped);
  g_autoptr (GError) error = NULL;
  g_autoptr (GBytes) plaintext = zu_codec_set_decode (set, blob, associated, &error);

  if (plaintext != NULL)
    check_plaintext (set, blob, plaintext);
  else
    g_assert_true (error != NULL && error->domain == ZU_PAYLOAD_CODEC_ERROR);
  return 0;
}
