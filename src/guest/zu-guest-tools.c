/* SPDX-License-Identifier: Apache-2.0 */

/* Small programs, so that an image needs none: they run as execs like any other, as the sandbox's
 * user and under its limits. On failure one line on stderr, and exit status 1. */

#include "zu-guest-tools.h"
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/sendfile.h>
#include <sys/stat.h>
#include <unistd.h>

#define CHUNK (64 * 1024)

static void
say (const char *text)
{
  if (write (2, text, strlen (text)) < 0)
    return;
}

int
guest_tool_fail (const char *path)
{
  int error = errno;

  say (path);
  say (": ");
  say (strerror (error));
  say ("\n");
  return 1;
}

int
guest_tool_write (int fd, const void *data, size_t size)
{
  const char *at = data;

  while (size)
    {
      ssize_t n = write (fd, at, size);

      if (n < 0 && errno == EINTR)
        continue;
      if (n <= 0)
        return 0;
      at += n;
      size -= (size_t) n;
    }
  return 1;
}

static int
copy (int from, int to)
{
  static char buffer[CHUNK];
  ssize_t n;

  for (;;)
    {
      n = read (from, buffer, sizeof buffer);
      if (n < 0 && errno == EINTR)
        continue;
      if (n <= 0)
        return n == 0;
      if (!guest_tool_write (to, buffer, (size_t) n))
        return 0;
    }
}

/* A pipe or a device would be waited for, or worse. */
static int
get_file (const char *path)
{
  int fd = open (path, O_RDONLY | O_NONBLOCK | O_NOCTTY | O_CLOEXEC);
  struct stat st;
  int good;

  if (fd < 0 || fstat (fd, &st) != 0)
    return guest_tool_fail (path);
  if (!S_ISREG (st.st_mode))
    {
      errno = S_ISDIR (st.st_mode) ? EISDIR : EINVAL;
      return guest_tool_fail (path);
    }
  good = copy (fd, 1);
  return good ? 0 : guest_tool_fail (path);
}

static int
write_and_rename (int fd, const char *name, const char *path, mode_t mode)
{
  if (!copy (0, fd) || fchmod (fd, mode) != 0 || close (fd) != 0 || rename (name, path) != 0)
    {
      int error = errno;

      unlink (name);
      errno = error;
      return 0;
    }
  return 1;
}

/* Whoever opens the path sees the old file or the new one, whole. */
static int
put_file (const char *path, mode_t mode)
{
  char name[4096 + 16];
  size_t length = strlen (path);
  int fd;

  if (length > 4096)
    {
      errno = ENAMETOOLONG;
      return guest_tool_fail (path);
    }
  memcpy (name, path, length);
  memcpy (name + length, ".zu-XXXXXX", 11);
  fd = mkostemp (name, O_CLOEXEC);
  if (fd < 0 || !write_and_rename (fd, name, path, mode))
    return guest_tool_fail (path);
  return 0;
}

/* One that is there stays as it is. */
static int
put_folder (const char *path, mode_t mode)
{
  struct stat st;

  if (mkdir (path, 0700) == 0)
    return chmod (path, mode) == 0 ? 0 : guest_tool_fail (path);
  if (errno == EEXIST && stat (path, &st) == 0 && S_ISDIR (st.st_mode))
    return 0;
  return guest_tool_fail (path);
}

static int
put (const char *path, mode_t mode)
{
  size_t length = strlen (path);

  return length && path[length - 1] == '/' ? put_folder (path, mode) : put_file (path, mode);
}

int
guest_tool_main (int argc, char **argv)
{
  if (argc == 2 && strcmp (argv[1], "true") == 0)
    return 0;
  if (argc == 3 && strcmp (argv[1], "get") == 0)
    return get_file (argv[2]);
  if (argc == 4 && strcmp (argv[1], "put") == 0)
    return put (argv[2], (mode_t) strtoul (argv[3], NULL, 8) & 0777);
  if (argc == 3 && strcmp (argv[1], "list") == 0)
    return guest_tool_list (argv[2], 0);
  if (argc == 3 && strcmp (argv[1], "find") == 0)
    return guest_tool_list (argv[2], 1);
  if (argc == 2 && strcmp (argv[1], "top") == 0)
    return guest_tool_top ();
  return 2;
}
