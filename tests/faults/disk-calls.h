/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include <sys/types.h>

/* What the disk makes of each system call. Without an offset (-1) a write goes where the file
 * stands, or to its end. */
int disk_open (int dir, const char *path, int flags, mode_t mode);
ssize_t disk_write (int fd, const void *data, size_t size, off_t offset);
int disk_truncate (int fd, off_t size);
int disk_sync (int fd);
int disk_unlink (const char *path);
int disk_rename (const char *from, const char *to);
