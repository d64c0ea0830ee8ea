/* SPDX-License-Identifier: Apache-2.0 */

#include "zuctl-input.h"

#include "zuctl-error.h"

#include <gio/gunixinputstream.h>
#include <unistd.h>

/* More than any event or proof that the formats allow to be useful; a stream without end is
 * refused. */
#define MAX_SIZE ((gsize) 256 << 20)

/* Everything up to the end of stdin. */
GBytes *
zuctl_read_stdin (GError **error)
{
  g_autoptr (GInputStream) in = g_unix_input_stream_new (STDIN_FILENO, FALSE);
  g_autoptr (GByteArray) all = g_byte_array_new ();
  gssize n;

  do
    {
      guint8 chunk[65536];

      n = g_input_stream_read (in, chunk, sizeof chunk, NULL, error);
      if (n < 0)
        {
          g_prefix_error (error, "cannot read stdin: ");
          return NULL;
        }
      g_byte_array_append (all, chunk, n);
    }
  while (n > 0 && all->len <= MAX_SIZE);

  if (n > 0)
    {
      g_set_error (error, ZUCTL_FAILURE, ZUCTL_FAILURE_INPUT,
                   "cannot read stdin: it is larger than %" G_GSIZE_FORMAT " MiB", MAX_SIZE >> 20);
      return NULL;
    }
  return g_byte_array_free_to_bytes (g_steal_pointer (&all));
}

/* A file that holds one JSON value. */
ZuJson *
zuctl_read_json_file (const char *path, GError **error)
{
  g_autofree char *text = NULL;
  gsize length;
  ZuJson *json;

  if (!g_file_get_contents (path, &text, &length, error))
    {
      g_prefix_error (error, "cannot read the file: ");
      return NULL;
    }

  json = zu_json_parse (text, length, error);
  if (json == NULL)
    g_prefix_error (error, "cannot read %s: ", path);
  return json;
}
