/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include <zu/zu.h>

G_BEGIN_DECLS

/* An advisory lock on an open file, between processes and between open files of one process: one
 * holds it alone, or several share it. It belongs to the open file (an open-file-description lock),
 * so closing another descriptor of the file does not drop it.
 *
 * Used by one thread at a time. After a fork() the child has none of its parent's locks: its
 * descriptors of them are closed, so that no lock outlives the parent through a child, and all that
 * it can do with them is to free them. */
typedef struct _ZuFileLock ZuFileLock;

typedef enum
{
  ZU_FILE_LOCK_SHARED,
  ZU_FILE_LOCK_EXCLUSIVE,
} ZuFileLockMode;

ZuFileLock *zu_file_lock_new (int fd, gint64 start);
ZuFileLock *zu_file_lock_new_beside (const char *path, GError **error);
ZuFileLock *zu_file_lock_new_beside_for_reading (const char *path);
void zu_file_lock_free (ZuFileLock *self);

gboolean zu_file_lock_try (ZuFileLock *self, ZuFileLockMode mode);
gboolean zu_file_lock_wait (ZuFileLock *self, ZuFileLockMode mode, gint64 deadline,
                            GCancellable *cancellable);
void zu_file_lock_pause (ZuFileLock *self, guint *attempts);
void zu_file_lock_release (ZuFileLock *self);

guint zu_file_lock_count_forks (void);
int zu_file_lock_get_fd (ZuFileLock *self);
gboolean zu_file_lock_is_held (ZuFileLock *self);
gboolean zu_file_lock_is_forked (ZuFileLock *self);
gboolean zu_file_lock_is_gone (ZuFileLock *self);

G_DEFINE_AUTOPTR_CLEANUP_FUNC (ZuFileLock, zu_file_lock_free)

/* Held by somebody until the end of the block. */
typedef ZuFileLock ZuFileHold;
G_DEFINE_AUTOPTR_CLEANUP_FUNC (ZuFileHold, zu_file_lock_release)

G_END_DECLS
