/* SPDX-License-Identifier: Apache-2.0 */

/* Which Unix sockets a folder holds that a process of this machine is bound to. The kernel lists
 * them (proc(5), /proc/net/unix), so no tree has to be walked; a socket file that nobody is bound
 * to leads nowhere. */

#include "zu-bound-sockets.h"
#include "zu-mounts.h"
#include "zu-socket.h"
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>

/* The path is all that follows the seventh column; relative and abstract names are none. */
static const char *
find_path (const char *line)
{
  for (guint column = 0; column < 7; column++)
    {
      line += strcspn (line, " ");
      line += strspn (line, " ");
    }
  return *line == '/' ? line : NULL;
}

/* With every link followed; NULL where there is no socket any more. */
static char *
dup_real_socket (const char *path)
{
  ZU_AUTO_FD int fd = open (path, O_PATH | O_CLOEXEC);
  g_autofree char *link = NULL;
  struct stat st;

  if (fd < 0 || fstat (fd, &st) != 0 || !S_ISSOCK (st.st_mode))
    return NULL;
  link = g_strdup_printf ("/proc/self/fd/%d", fd);
  return g_file_read_link (link, NULL);
}

/**
 * zu_bound_sockets_find: (skip)
 * @table: text in the form of `/proc/net/unix`
 * @folder: a folder's real path
 *
 * Returns: (transfer full) (nullable): the path of a socket in that folder, or of none
 */
char *
zu_bound_sockets_find (const char *table, const char *folder)
{
  g_auto (GStrv) lines = g_strsplit (table, "\n", -1);

  for (guint i = 0; lines[i]; i++)
    {
      const char *path = find_path (lines[i]);
      g_autofree char *real = path ? dup_real_socket (path) : NULL;

      if (real && zu_path_is_beneath (real, folder))
        return g_steal_pointer (&real);
    }
  return NULL;
}
