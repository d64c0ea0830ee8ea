/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include <zu/zu.h>

G_BEGIN_DECLS

/* The side file NAME.lock: between processes, one connection at a time writes or checkpoints the
 * log, and nobody does while a cleanly closed one is read. Its bytes tell who wrote last, and
 * whether a flush failed. */
typedef struct _ZuSqliteLock ZuSqliteLock;

typedef enum
{
  ZU_SQLITE_LOCK_SHARED,
  ZU_SQLITE_LOCK_EXCLUSIVE,
} ZuSqliteLockMode;

ZuSqliteLock *zu_sqlite_lock_new_for_writing (const char *log_path, GError **error);
ZuSqliteLock *zu_sqlite_lock_new_for_reading (const char *log_path);
void zu_sqlite_lock_free (ZuSqliteLock *self);

gboolean zu_sqlite_lock_try (ZuSqliteLock *self, ZuSqliteLockMode mode);
gboolean zu_sqlite_lock_wait (ZuSqliteLock *self, ZuSqliteLockMode mode, gint64 deadline);
void zu_sqlite_lock_release (ZuSqliteLock *self);
gboolean zu_sqlite_lock_is_gone (ZuSqliteLock *self);

gboolean zu_sqlite_lock_swap_owner (ZuSqliteLock *self);
void zu_sqlite_lock_set_doubt (ZuSqliteLock *self, gboolean has_doubt);
gboolean zu_sqlite_lock_has_doubt (ZuSqliteLock *self);

int zu_sqlite_lock_get_fd (ZuSqliteLock *self);
void zu_sqlite_lock_pause (ZuSqliteLock *self, guint *attempts);

void zu_sqlite_pause (guint *attempts);

G_DEFINE_AUTOPTR_CLEANUP_FUNC (ZuSqliteLock, zu_sqlite_lock_free)

/* Held by somebody until the end of the block. */
typedef ZuSqliteLock ZuSqliteHold;
G_DEFINE_AUTOPTR_CLEANUP_FUNC (ZuSqliteHold, zu_sqlite_lock_release)

G_END_DECLS
