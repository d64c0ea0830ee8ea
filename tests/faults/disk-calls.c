/* SPDX-License-Identifier: Apache-2.0 */

/* The system calls that take the place of the C library's, each under both of its names. */

#undef _FILE_OFFSET_BITS

#include "disk-calls.h"

#include <fcntl.h>
#include <stdarg.h>
#include <stdio.h>
#include <unistd.h>

#define INSTEAD __attribute__ ((visibility ("default")))

static mode_t
get_mode (int flags, va_list args)
{
  return (flags & (O_CREAT | O_TMPFILE)) != 0 ? va_arg (args, mode_t) : 0;
}

INSTEAD int
open (const char *path, int flags, ...)
{
  va_list args;
  mode_t mode;

  va_start (args, flags);
  mode = get_mode (flags, args);
  va_end (args);
  return disk_open (AT_FDCWD, path, flags, mode);
}

INSTEAD int
open64 (const char *path, int flags, ...)
{
  va_list args;
  mode_t mode;

  va_start (args, flags);
  mode = get_mode (flags, args);
  va_end (args);
  return disk_open (AT_FDCWD, path, flags, mode);
}

INSTEAD ssize_t
write (int fd, const void *data, size_t size)
{
  return disk_write (fd, data, size, -1);
}

INSTEAD ssize_t
pwrite (int fd, const void *data, size_t size, off_t offset)
{
  return disk_write (fd, data, size, offset);
}

INSTEAD ssize_t
pwrite64 (int fd, const void *data, size_t size, off64_t offset)
{
  return disk_write (fd, data, size, offset);
}

INSTEAD int
ftruncate (int fd, off_t size)
{
  return disk_truncate (fd, size);
}

INSTEAD int
ftruncate64 (int fd, off64_t size)
{
  return disk_truncate (fd, size);
}

INSTEAD int
fsync (int fd)
{
  return disk_sync (fd);
}

INSTEAD int
fdatasync (int fd)
{
  return disk_sync (fd);
}

INSTEAD int
unlink (const char *path)
{
  return disk_unlink (path);
}

INSTEAD int
rename (const char *from, const char *to)
{
  return disk_rename (from, to);
}
