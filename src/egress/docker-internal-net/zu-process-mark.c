/* SPDX-License-Identifier: Apache-2.0 */

#include "zu-process-mark.h"

#include <string.h>
#include <unistd.h>

#define BOOT_ID "/proc/sys/kernel/random/boot_id"

/* Of what stands behind the program's name in proc(5)'s stat, which may have any byte in it. */
#define START_TIME_FIELD 20

static char *
make (gint64 pid)
{
  g_autofree char *path = g_strdup_printf ("/proc/%" G_GINT64_FORMAT "/stat", pid);
  g_autofree char *stat = NULL;
  g_autofree char *boot = NULL;
  g_auto (GStrv) fields = NULL;
  const char *rest;

  if (!g_file_get_contents (path, &stat, NULL, NULL)
      || !g_file_get_contents (BOOT_ID, &boot, NULL, NULL) || (rest = strrchr (stat, ')')) == NULL)
    return NULL;
  fields = g_strsplit (rest, " ", -1);
  /* One that nobody has waited for yet is dead all the same. */
  if (g_strv_length (fields) <= START_TIME_FIELD || strchr ("ZX", *fields[1]) != NULL)
    return NULL;
  return g_strdup_printf ("%" G_GINT64_FORMAT ":%s:%s", pid, fields[START_TIME_FIELD],
                          g_strchomp (boot));
}

char *
zu_process_mark_new (void)
{
  return make (getpid ());
}

gboolean
zu_process_mark_is_alive (const char *mark)
{
  g_autofree char *now = NULL;
  gint64 pid;
  g_autofree char *number = g_strndup (mark, strcspn (mark, ":"));

  if (!g_ascii_string_to_signed (number, 10, 1, G_MAXINT32, &pid, NULL))
    return FALSE;
  now = make (pid);
  return g_strcmp0 (now, mark) == 0;
}
