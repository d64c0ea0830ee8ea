/* SPDX-License-Identifier: Apache-2.0 */

#include "zu-sqlite-trouble.h"

void
zu_sqlite_trouble_clear (ZuSqliteTrouble *self)
{
  g_clear_error (&self->failure);
  g_clear_error (&self->poison);
}

void
zu_sqlite_trouble_poison (ZuSqliteTrouble *self, const char *why)
{
  if (self->poison == NULL)
    self->poison = g_error_new (ZU_EVENT_SINK_ERROR, ZU_EVENT_SINK_ERROR_POISONED,
                                "%s: %s; nothing is taken any more (open the log again and verify "
                                "it)",
                                self->path, why);
}

/* The disk failed: who opens the log next must know. */
void
zu_sqlite_trouble_poison_disk (ZuSqliteTrouble *self, const char *why)
{
  zu_sqlite_trouble_poison (self, why);
  zu_sqlite_lock_set_doubt (self->lock, TRUE);
}

/* This transaction cannot be committed any more. Where a write or its flush to the disk failed, the
 * kernel may have dropped what was to be written, so no later success would mean anything. Gives
 * %FALSE. */
gboolean
zu_sqlite_trouble_fail (ZuSqliteTrouble *self, int result, const char *what)
{
  if (self->failure != NULL)
    return FALSE;

  zu_sqlite_set_error (&self->failure, self->db, result, what);
  if (zu_sqlite_is_io_error (result)
      && !g_error_matches (self->failure, ZU_EVENT_SINK_ERROR, ZU_EVENT_SINK_ERROR_FULL))
    {
      zu_sqlite_trouble_poison_disk (self, self->failure->message);
      g_clear_error (&self->failure);
      self->failure = g_error_copy (self->poison);
    }
  return FALSE;
}

/* Hands out what is wrong with the transaction. Gives %FALSE. */
gboolean
zu_sqlite_trouble_tell (ZuSqliteTrouble *self, GError **error)
{
  g_propagate_error (error, g_error_copy (self->failure));
  return FALSE;
}

/* One step of a statement that gives no row. */
gboolean
zu_sqlite_trouble_run (ZuSqliteTrouble *self, sqlite3_stmt *stmt, const char *what)
{
  g_autoptr (ZuSqliteUse) use = stmt;
  int result = sqlite3_step (use);

  return result == SQLITE_DONE || zu_sqlite_trouble_fail (self, result, what);
}
