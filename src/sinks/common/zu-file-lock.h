/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include <glib.h>

G_BEGIN_DECLS

/* A lock on an open file, between processes and between open files of one process. It lies behind
 * all data, so that the file itself can be locked. Two system calls a use; whoever uses it without
 * a pause looks now and then whether somebody waits, and lets him pass. */
typedef struct
{
  int fd;
  gint64 checked;
} ZuFileLock;

gboolean zu_file_lock_acquire (ZuFileLock *self, gint64 deadline);
void zu_file_lock_release (ZuFileLock *self);

G_END_DECLS
