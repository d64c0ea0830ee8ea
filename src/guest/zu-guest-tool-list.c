/* SPDX-License-Identifier: Apache-2.0 */
#include "zu-guest-tools.h"
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

/* Deeper than this is not looked. */
#define MAX_DEPTH 64

static uint8_t out[64 * 1024];
static size_t out_size;

static int
flush (void)
{
  int good = guest_tool_write (1, out, out_size);

  out_size = 0;
  return good;
}

static int
print (const char *name, const struct stat *st, const char *target)
{
  const struct zu_record_file file = { st->st_mode,
                                       st->st_uid,
                                       st->st_gid,
                                       (uint64_t) st->st_size,
                                       st->st_mtime > 0 ? (uint64_t) st->st_mtime : 0,
                                       name,
                                       target };
  struct zu_wire_writer w;

  if (sizeof out - out_size < ZU_RECORD_MAX && !flush ())
    return 0;
  w = zu_record_begin (out + out_size, ZU_RECORD_MAX);
  zu_record_put_file (&w, &file);
  out_size += zu_wire_end (&w);
  return 1;
}

static int
print_at (int folder, const char *name, const char *shown, struct stat *st)
{
  char target[PATH_MAX];
  ssize_t n = 0;

  if (fstatat (folder, name, st, AT_SYMLINK_NOFOLLOW) != 0)
    return 1; /* it was there a moment ago */
  if (S_ISLNK (st->st_mode))
    n = readlinkat (folder, name, target, sizeof target - 1);
  target[n > 0 ? n : 0] = '\0';
  return print (shown, st, target);
}

/* The name of an entry as seen from where the walk began; whether it fits. */
static int
join (char path[PATH_MAX], size_t length, const char *name)
{
  size_t size = strlen (name) + 1;

  if (length + 1 + size > PATH_MAX)
    return 0;
  if (length)
    path[length++] = '/';
  memcpy (path + length, name, size);
  return 1;
}

static int walk (int fd, char path[PATH_MAX], size_t length, dev_t device, unsigned depth);

static int
descend (int folder, const char *name, char path[PATH_MAX], dev_t device, unsigned depth)
{
  int fd = openat (folder, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);

  return fd < 0 || walk (fd, path, strlen (path), device, depth - 1);
}

/* Takes the descriptor. With no depth left, entries are shown and not entered. */
static int
walk (int fd, char path[PATH_MAX], size_t length, dev_t device, unsigned depth)
{
  DIR *dir = fdopendir (fd);
  struct dirent *entry;
  int good = dir != NULL;

  while (good && (entry = readdir (dir)))
    {
      struct stat st = { 0 };

      if (strcmp (entry->d_name, ".") == 0 || strcmp (entry->d_name, "..") == 0
          || !join (path, length, entry->d_name))
        continue;
      good = print_at (dirfd (dir), entry->d_name, path, &st);
      if (good && depth && S_ISDIR (st.st_mode) && st.st_dev == device)
        good = descend (dirfd (dir), entry->d_name, path, device, depth);
    }
  if (dir)
    closedir (dir);
  return good;
}

int
guest_tool_list (const char *path, int deep)
{
  static char name[PATH_MAX];
  const char *last = strrchr (path, '/');
  struct stat st;
  int fd = open (path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);

  if (fd >= 0 && fstat (fd, &st) == 0)
    return walk (fd, name, 0, st.st_dev, deep ? MAX_DEPTH : 0) && flush () ? 0
                                                                           : guest_tool_fail (path);
  if (errno != ENOTDIR || lstat (path, &st) != 0)
    return guest_tool_fail (path);
  return print_at (AT_FDCWD, path, last && last[1] ? last + 1 : path, &st) && flush ()
             ? 0
             : guest_tool_fail (path);
}
