/* SPDX-License-Identifier: Apache-2.0 */

#include "zu-sqlite-session.h"

#include "zu-sqlite-row.h"
#include "zu-sqlite-seals.h"

#include <errno.h>

static gint64
get_deadline (guint timeout)
{
  return g_get_monotonic_time () + timeout * (gint64) G_TIME_SPAN_MILLISECOND;
}

static gboolean
take_lock (ZuSqliteSession *self, guint timeout, GError **error)
{
  /* Without a lock file nobody who uses one has written the log; what others do is noticed at the
   * end of the page. */
  self->lock = zu_sqlite_lock_new_for_reading (self->path);
  if (self->lock == NULL
      || zu_sqlite_lock_wait (self->lock, ZU_SQLITE_LOCK_SHARED, get_deadline (timeout)))
    return TRUE;

  g_clear_pointer (&self->lock, zu_sqlite_lock_free);
  g_set_error (error, ZU_EVENT_SINK_ERROR, ZU_EVENT_SINK_ERROR_BUSY,
               "%s: the log was being written for %u ms without a pause (try again)", self->path,
               timeout);
  return FALSE;
}

static gboolean
check_present (ZuSqliteSession *self, GError **error)
{
  if (zu_sqlite_identity_read (&self->identity, self->path))
    return TRUE;

  g_set_error (error, ZU_EVENT_SINK_ERROR,
               errno == ENOENT || errno == ENOTDIR ? ZU_EVENT_SINK_ERROR_MISSING
                                                   : ZU_EVENT_SINK_ERROR_READ_ONLY,
               "%s: the log cannot be opened: %s", self->path, g_strerror (errno));
  return FALSE;
}

/* The lock is held while the connection is made: so nobody closes the log, and removes the files
 * that the connection would then make again. A log that is in use needs no lock after that; a
 * cleanly closed one is read under it. */
ZuSqliteSession *
zu_sqlite_session_open (const char *path, guint timeout, GError **error)
{
  g_autoptr (ZuSqliteSession) self = g_new0 (ZuSqliteSession, 1);

  self->path = g_strdup (path);
  if (!check_present (self, error) || !take_lock (self, timeout, error))
    return NULL;

  self->is_immutable = !zu_sqlite_has_leftovers (path);
  if (!check_present (self, error))
    return NULL;
  if (!self->is_immutable)
    zu_sqlite_wal_read (&self->wal, path);
  self->db = zu_sqlite_connection_open_to_read (path, self->is_immutable, timeout, error);
  if (self->db == NULL)
    {
      g_prefix_error (error, "%s: ", path);
      return NULL;
    }

  if (!self->is_immutable)
    g_clear_pointer (&self->lock, zu_sqlite_lock_free);
  return g_steal_pointer (&self);
}

void
zu_sqlite_session_free (ZuSqliteSession *self)
{
  sqlite3_finalize (self->stmt);
  sqlite3_finalize (self->policy);
  sqlite3_close (self->db);
  g_clear_pointer (&self->lock, zu_sqlite_lock_free);
  g_free (self->sql);
  g_free (self->path);
  g_free (self);
}

/* Whether the log is still the one that this connection was made for, in the same state of use. */
gboolean
zu_sqlite_session_resume (ZuSqliteSession *self, guint timeout)
{
  ZuSqliteIdentity now;

  if (self->is_immutable && !take_lock (self, timeout, NULL))
    return FALSE;
  if (zu_sqlite_identity_read (&now, self->path)
      && zu_sqlite_has_leftovers (self->path) == !self->is_immutable
      && zu_sqlite_wal_is_in_place (&self->wal, self->path)
      && (self->is_immutable ? zu_sqlite_identity_is_unchanged (&now, &self->identity)
                             : zu_sqlite_identity_is_same_file (&now, &self->identity)))
    return TRUE;

  g_clear_pointer (&self->lock, zu_sqlite_lock_free);
  return FALSE;
}

/* Gives the lock back. Whether what was read since the session was opened or resumed is sound. */
gboolean
zu_sqlite_session_pause (ZuSqliteSession *self)
{
  ZuSqliteIdentity now;
  gboolean is_sound = !self->is_immutable
                      || (zu_sqlite_identity_read (&now, self->path)
                          && zu_sqlite_identity_is_unchanged (&now, &self->identity)
                          && !zu_sqlite_has_leftovers (self->path));

  g_clear_pointer (&self->lock, zu_sqlite_lock_free);
  return is_sound;
}

gboolean
zu_sqlite_session_can_resume (ZuSqliteSession *self)
{
  return !self->is_immutable || zu_sqlite_identity_is_settled (&self->identity);
}

/* The statement belongs to the session. */
sqlite3_stmt *
zu_sqlite_session_prepare (ZuSqliteSession *self, const char *sql, GError **error)
{
  if (g_strcmp0 (self->sql, sql) == 0)
    return self->stmt;

  g_clear_pointer (&self->stmt, sqlite3_finalize);
  g_clear_pointer (&self->sql, g_free);
  self->stmt = zu_sqlite_prepare (self->db, sql, error);
  if (self->stmt != NULL)
    self->sql = g_strdup (sql);
  return self->stmt;
}

static const char *const policy_sql =
    "SELECT (SELECT value FROM zu_log WHERE name = '" ZU_SQLITE_ENCRYPTED_FROM "'),"
    " (SELECT seq FROM sqlite_sequence WHERE name = '" ZU_SQLITE_LOG_SEAL "')";

/* The row from which on a plaintext one is refused, as the log or its seal says, whichever asks for
 * more; 0 for none. */
gint64
zu_sqlite_session_get_policy (ZuSqliteSession *self)
{
  g_autoptr (ZuSqliteUse) use = NULL;
  ZuSealTotal total;

  if (self->policy == NULL)
    self->policy = zu_sqlite_prepare (self->db, policy_sql, NULL);
  /* One of the tables is not there: the log is another implementation's, or somebody dropped it. */
  if (self->policy == NULL)
    return zu_sqlite_seals_get_policy (self->db);

  use = self->policy;
  if (sqlite3_step (use) != SQLITE_ROW)
    return 0;
  zu_seal_total_parse (&total, sqlite3_column_blob (use, 1), (gsize) sqlite3_column_bytes (use, 1));
  return zu_sqlite_stricter (sqlite3_column_int64 (use, 0), total.encrypted_from);
}
