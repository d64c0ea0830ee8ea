/* SPDX-License-Identifier: Apache-2.0 */

#include "vectors-support.h"

#include <string.h>

char *
vectors_read (const char *name, gsize *length)
{
  const char *folder = g_getenv ("ZU_VECTORS");
  g_autofree char *path = NULL;
  g_autoptr (GError) error = NULL;
  char *text = NULL;

  if (folder == NULL || !g_file_test (folder, G_FILE_TEST_IS_DIR))
    folder = g_getenv ("ZU_TEST_DATA");
  g_assert_nonnull (folder);
  path = g_build_filename (folder, name, NULL);
  g_file_get_contents (path, &text, length, &error);
  g_assert_no_error (error);
  return text;
}

ZuJson *
vectors_read_json (const char *name)
{
  gsize length;
  g_autofree char *text = vectors_read (name, &length);
  g_autoptr (GError) error = NULL;
  ZuJson *value = zu_json_parse (text, (gssize) length, &error);

  g_assert_no_error (error);
  return value;
}

/* Calls FUNC for every line that is not empty; how many there were. */
guint
vectors_foreach_line (const char *name, VectorFunc func, gpointer user_data)
{
  gsize length;
  g_autofree char *text = vectors_read (name, &length);
  const char *end = text + length;
  guint n = 0;

  for (const char *line = text, *stop; line < end; line = stop + 1)
    {
      g_autoptr (GError) error = NULL;
      g_autoptr (ZuJson) row = NULL;

      stop = memchr (line, '\n', (gsize) (end - line));
      if (stop == NULL)
        stop = end;
      if (stop == line)
        continue;
      row = zu_json_parse (line, stop - line, &error);
      g_assert_no_error (error);
      func (row, user_data);
      n++;
    }
  return n;
}

/* NULL where there is none, or it is null. */
ZuJson *
row_member (ZuJson *row, const char *name)
{
  g_autoptr (ZuJson) value = zu_json_dup_member (row, name);

  if (value == NULL || zu_json_get_kind (value) == ZU_JSON_KIND_NULL)
    return NULL;
  return g_steal_pointer (&value);
}

/* Lives as long as the row. */
const char *
row_text (ZuJson *row, const char *name)
{
  g_autoptr (ZuJson) value = row_member (row, name);

  return value == NULL ? NULL : zu_json_get_string (value, NULL);
}

GBytes *
row_hex (ZuJson *row, const char *name)
{
  const char *hex = row_text (row, name);
  g_autoptr (GByteArray) bytes = g_byte_array_new ();

  if (hex == NULL)
    return NULL;
  for (; hex[0] != '\0'; hex += 2)
    {
      guint8 byte = (guint8) (g_ascii_xdigit_value (hex[0]) << 4 | g_ascii_xdigit_value (hex[1]));

      g_byte_array_append (bytes, &byte, 1);
    }
  return g_byte_array_free_to_bytes (g_steal_pointer (&bytes));
}

ZuSecret *
row_secret (ZuJson *row, const char *name)
{
  g_autoptr (GBytes) bytes = row_hex (row, name);
  g_autoptr (GError) error = NULL;
  g_autofree guint8 *copy = NULL;
  ZuSecret *secret;
  gsize size;

  if (bytes == NULL)
    return NULL;
  copy = g_memdup2 (g_bytes_get_data (bytes, NULL), g_bytes_get_size (bytes));
  size = g_bytes_get_size (bytes);
  secret = zu_secret_new_wiping (copy, size, &error);
  g_assert_no_error (error);
  return secret;
}
