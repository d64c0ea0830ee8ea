/* SPDX-License-Identifier: Apache-2.0 */

#include "scan-support.h"

#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#define CHUNK (1 << 20)

static gboolean
file_holds (const char *pid, const char *name, const char *text)
{
  g_autofree char *path = g_build_filename ("/proc", pid, name, NULL);
  g_autofree char *content = NULL;
  gsize size;

  return g_file_get_contents (path, &content, &size, NULL)
         && memmem (content, size, text, strlen (text)) != NULL;
}

/* Whether any process has the text in its arguments or environment. */
gboolean
scan_process_table (const char *text)
{
  g_autoptr (GDir) proc = g_dir_open ("/proc", 0, NULL);
  gboolean found = FALSE;
  const char *name;

  while ((name = g_dir_read_name (proc)) != NULL)
    if (g_ascii_isdigit (*name))
      found = found || file_holds (name, "environ", text) || file_holds (name, "cmdline", text);
  return found;
}

static guint
count_in (int memory, gulong start, gulong end, const char *text)
{
  g_autofree char *buffer = g_malloc (CHUNK);
  gsize length = strlen (text);
  guint hits = 0;

  for (gulong at = start; at < end; at += CHUNK - length)
    {
      gssize n = pread (memory, buffer, MIN (CHUNK, end - at), (off_t) at);
      const char *hit = buffer;

      while (n > 0 && (hit = memmem (hit, (gsize) (buffer + n - hit), text, length)) != NULL)
        {
          hits++;
          hit++;
        }
    }
  return hits;
}

/* How often a process has the text in its memory, and how often of that in locked pages; needs the
 * right to read it. */
guint
scan_memory (GPid pid, const char *text, guint *n_locked)
{
  g_autofree char *path = g_strdup_printf ("/proc/%d/mem", pid);
  g_autofree char *map_path = g_strdup_printf ("/proc/%d/smaps", pid);
  int memory = open (path, O_RDONLY | O_CLOEXEC);
  FILE *maps = fopen (map_path, "re");
  gulong start = 0;
  gulong end = 0;
  char line[512];
  guint hits = 0;

  g_assert_true (memory >= 0 && maps != NULL);
  *n_locked = 0;
  while (fgets (line, sizeof line, maps) != NULL)
    {
      gulong from, to;
      guint here;

      if (sscanf (line, "%lx-%lx ", &from, &to) == 2)
        {
          start = from;
          end = to;
        }
      if (!g_str_has_prefix (line, "VmFlags:"))
        continue;
      here = end - start < (1UL << 31) ? count_in (memory, start, end, text) : 0;
      hits += here;
      if (strstr (line, " lo ") != NULL)
        *n_locked += here;
    }
  fclose (maps);
  close (memory);
  return hits;
}
