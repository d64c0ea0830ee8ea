/* SPDX-License-Identifier: Apache-2.0 */

#include "zu-grant-store.h"

#include "zu-grant-statement.h"

#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

/* Written at the start of the file, where file(1) looks: "zugr". */
#define APPLICATION_ID "0x7a756772"
#define VERSION        "1"

struct _ZuGrantStore
{
  GMutex lock;
  sqlite3 *db;
  gint64 latest; /* the latest moment that was seen: a clock set back does not bring a grant back */
};

static const char schema[] =
    "CREATE TABLE IF NOT EXISTS grants (n INTEGER PRIMARY KEY, id TEXT NOT NULL UNIQUE,"
    " terms TEXT NOT NULL, issued INTEGER NOT NULL, expires INTEGER NOT NULL,"
    " revoked INTEGER NOT NULL DEFAULT 0, used TEXT NOT NULL DEFAULT '0',"
    " n_uses INTEGER NOT NULL DEFAULT 0) STRICT;"
    "CREATE TABLE IF NOT EXISTS uses (key TEXT PRIMARY KEY, id TEXT NOT NULL UNIQUE,"
    " grant_id TEXT NOT NULL REFERENCES grants (id), digest TEXT NOT NULL, amount TEXT NOT NULL,"
    " state INTEGER NOT NULL, outcome TEXT) STRICT, WITHOUT ROWID;"
    "CREATE TABLE IF NOT EXISTS outbox (seq INTEGER PRIMARY KEY AUTOINCREMENT,"
    " event TEXT NOT NULL) STRICT;"
    "CREATE TABLE IF NOT EXISTS clock (one INTEGER PRIMARY KEY CHECK (one = 1),"
    " latest INTEGER NOT NULL) STRICT;"
    "INSERT OR IGNORE INTO clock VALUES (1, 0);";

void
zu_grant_row_clear (ZuGrantRow *self)
{
  g_clear_pointer (&self->id, g_free);
  g_clear_object (&self->terms);
}

void
zu_grant_row_free (ZuGrantRow *self)
{
  zu_grant_row_clear (self);
  g_free (self);
}

void
zu_use_row_clear (ZuUseRow *self)
{
  g_clear_pointer (&self->id, g_free);
  g_clear_pointer (&self->grant_id, g_free);
  g_clear_pointer (&self->key, g_free);
  g_clear_pointer (&self->digest, g_free);
  g_clear_pointer (&self->outcome, g_free);
}

void
zu_use_claim_clear (ZuUseClaim *self)
{
  zu_grant_row_clear (&self->grant);
  zu_use_row_clear (&self->use);
  g_clear_pointer (&self->peer, g_free);
}

/* Nobody else's to read, and made so before anything is in it. */
static gboolean
make_file (const char *path, GError **error)
{
  int fd = open (path, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);

  if (fd >= 0 && fchmod (fd, 0600) == 0)
    {
      close (fd);
      return TRUE;
    }
  g_set_error (error, G_IO_ERROR, g_io_error_from_errno (errno), "cannot open the store %s: %s",
               path, g_strerror (errno));
  if (fd >= 0)
    close (fd);
  return FALSE;
}

/* The lock is taken now and kept: what two brokers allowed would be twice what a grant does. */
static gboolean
set_up (ZuGrantStore *self, GError **error)
{
  gint64 application = 0;

  sqlite3_db_config (self->db, SQLITE_DBCONFIG_DEFENSIVE, 1, NULL);
  sqlite3_db_config (self->db, SQLITE_DBCONFIG_TRUSTED_SCHEMA, 0, NULL);
  return zu_grant_execute (self->db, "PRAGMA locking_mode = EXCLUSIVE", error)
         && zu_grant_query_int (self->db, "PRAGMA application_id", &application, error)
         && (application == 0 || application == strtol (APPLICATION_ID, NULL, 16)
             || zu_grant_refuse_file (error))
         && zu_grant_execute (self->db, "PRAGMA journal_mode = WAL", error)
         && zu_grant_execute (self->db, "PRAGMA synchronous = FULL", error)
         && zu_grant_execute (self->db, "PRAGMA foreign_keys = ON", error)
         && zu_grant_execute (self->db, "BEGIN IMMEDIATE", error)
         && zu_grant_execute (self->db, schema, error)
         && zu_grant_execute (self->db, "PRAGMA application_id = " APPLICATION_ID, error)
         && zu_grant_execute (self->db, "PRAGMA user_version = " VERSION, error)
         && zu_grant_execute (self->db, "COMMIT", error)
         && zu_grant_query_int (self->db, "SELECT latest FROM clock", &self->latest, error);
}

ZuGrantStore *
zu_grant_store_open (const char *path, GError **error)
{
  g_autoptr (ZuGrantStore) self = g_new0 (ZuGrantStore, 1);

  g_mutex_init (&self->lock);
  if (!make_file (path, error))
    return NULL;
  if (sqlite3_open_v2 (path, &self->db, SQLITE_OPEN_READWRITE | SQLITE_OPEN_NOMUTEX, NULL)
          != SQLITE_OK
      || !set_up (self, error))
    {
      if (error != NULL && *error == NULL)
        zu_grant_set_error (error, self->db);
      g_prefix_error (error, "the store %s: ", path);
      return NULL;
    }
  return g_steal_pointer (&self);
}

void
zu_grant_store_free (ZuGrantStore *self)
{
  sqlite3_close_v2 (self->db);
  g_mutex_clear (&self->lock);
  g_free (self);
}

/* Under the lock. */
static gint64
get_now (ZuGrantStore *self)
{
  self->latest = MAX (self->latest, g_get_real_time ());
  return self->latest;
}

gint64
zu_grant_store_now (ZuGrantStore *self)
{
  gint64 now;

  g_mutex_lock (&self->lock);
  now = get_now (self);
  g_mutex_unlock (&self->lock);
  return now;
}

static gboolean
begin (ZuGrantStore *self, GError **error)
{
  g_mutex_lock (&self->lock);
  if (zu_grant_execute (self->db, "BEGIN IMMEDIATE", error))
    return TRUE;
  g_mutex_unlock (&self->lock);
  return FALSE;
}

/* Ends what begin() began: all of it, or nothing of it. */
static gboolean
end (ZuGrantStore *self, gboolean good, GError **error)
{
  good = good
         && zu_grant_run (self->db, error, "UPDATE clock SET latest = ?", ZU_INT (get_now (self)))
         && zu_grant_execute (self->db, "COMMIT", error);
  if (!good && !sqlite3_get_autocommit (self->db))
    zu_grant_execute (self->db, "ROLLBACK", NULL);
  g_mutex_unlock (&self->lock);
  return good;
}

static gboolean
add_event (ZuGrantStore *self, const char *event, gint64 *outbox_seq, GError **error)
{
  if (!zu_grant_run (self->db, error, "INSERT INTO outbox (event) VALUES (?)", ZU_TEXT (event)))
    return FALSE;
  *outbox_seq = sqlite3_last_insert_rowid (self->db);
  return TRUE;
}

gboolean
zu_grant_store_add (ZuGrantStore *self, const ZuGrantRow *grant, const char *event,
                    gint64 *outbox_seq, GError **error)
{
  g_autoptr (ZuJson) json = zu_grant_terms_to_json (grant->terms);
  g_autofree char *terms = zu_json_to_string (json);

  if (!begin (self, error))
    return FALSE;
  return end (self,
              zu_grant_run (self->db, error,
                            "INSERT INTO grants (id, terms, issued, expires) VALUES (?, ?, ?, ?)",
                            ZU_TEXT (grant->id), ZU_TEXT (terms), ZU_INT (grant->issued),
                            ZU_INT (grant->state.expires))
                  && add_event (self, event, outbox_seq, error),
              error);
}

#define GRANT_COLUMNS "id, terms, issued, expires, revoked, used, n_uses"

static gboolean
read_grant (ZuGrantStatement *statement, ZuGrantRow *grant, GError **error)
{
  g_autoptr (ZuJson) terms = zu_json_parse (zu_grant_column_text (statement, 1), -1, error);

  grant->id = g_strdup (zu_grant_column_text (statement, 0));
  grant->terms = terms != NULL ? zu_grant_terms_new_from_json (terms, error) : NULL;
  grant->issued = zu_grant_column_int (statement, 2);
  grant->state.expires = zu_grant_column_int (statement, 3);
  grant->state.revoked = zu_grant_column_int (statement, 4) != 0;
  grant->state.n_uses = zu_grant_column_int (statement, 6);
  if (grant->terms == NULL)
    return FALSE;
  return zu_amount_parse (zu_grant_column_text (statement, 5), &grant->state.amount)
         || zu_grant_refuse_file (error);
}

/* Under the lock. */
static gboolean
get_grant (ZuGrantStore *self, const char *id, ZuGrantRow *grant, GError **error)
{
  g_autoptr (ZuGrantStatement) statement =
      zu_grant_prepare (self->db, error, "SELECT " GRANT_COLUMNS " FROM grants WHERE id = ?",
                        ZU_TEXT (id));
  gboolean found = FALSE;

  if (statement == NULL || !zu_grant_step (statement, &found, error))
    return FALSE;
  if (found)
    return read_grant (statement, grant, error);
  g_set_error (error, ZU_CREDENTIAL_BROKER_ERROR, ZU_CREDENTIAL_BROKER_ERROR_NOT_FOUND,
               "there is no grant '%s'", id);
  return FALSE;
}

gboolean
zu_grant_store_get (ZuGrantStore *self, const char *id, ZuGrantRow *grant, GError **error)
{
  gboolean found;

  g_mutex_lock (&self->lock);
  found = get_grant (self, id, grant, error);
  g_mutex_unlock (&self->lock);
  return found;
}

/* Under the lock. */
static GPtrArray *
list_grants (ZuGrantStore *self, GError **error)
{
  g_autoptr (GPtrArray) list = g_ptr_array_new_with_free_func ((GDestroyNotify) zu_grant_row_free);
  g_autoptr (ZuGrantStatement) statement =
      zu_grant_prepare (self->db, error, "SELECT " GRANT_COLUMNS " FROM grants ORDER BY n");
  gboolean found = TRUE;

  while (statement != NULL && zu_grant_step (statement, &found, error) && found)
    {
      ZuGrantRow *row = g_new0 (ZuGrantRow, 1);

      g_ptr_array_add (list, row);
      if (!read_grant (statement, row, error))
        return NULL;
    }
  return statement != NULL && !found ? g_steal_pointer (&list) : NULL;
}

GPtrArray *
zu_grant_store_list (ZuGrantStore *self, GError **error)
{
  GPtrArray *list;

  g_mutex_lock (&self->lock);
  list = list_grants (self, error);
  g_mutex_unlock (&self->lock);
  return list;
}

/* *OUTBOX_SEQ stays as it was where it was revoked before. */
gboolean
zu_grant_store_revoke (ZuGrantStore *self, const char *id, const char *event, gint64 *outbox_seq,
                       GError **error)
{
  if (!begin (self, error))
    return FALSE;
  return end (
      self,
      zu_grant_run (self->db, error, "UPDATE grants SET revoked = 1 WHERE id = ? AND revoked = 0",
                    ZU_TEXT (id))
          && (sqlite3_changes (self->db) == 0 || add_event (self, event, outbox_seq, error)),
      error);
}

/* Under the lock. The id stays NULL where the key has not been used. */
static gboolean
get_use (ZuGrantStore *self, const char *key, ZuUseRow *use, GError **error)
{
  g_autoptr (ZuGrantStatement) statement = zu_grant_prepare (
      self->db, error,
      "SELECT id, grant_id, digest, amount, state, outcome FROM uses WHERE key = ?", ZU_TEXT (key));
  gboolean found = FALSE;

  if (statement == NULL || !zu_grant_step (statement, &found, error))
    return FALSE;
  if (!found)
    return TRUE;
  use->id = g_strdup (zu_grant_column_text (statement, 0));
  use->grant_id = g_strdup (zu_grant_column_text (statement, 1));
  use->key = g_strdup (key);
  use->digest = g_strdup (zu_grant_column_text (statement, 2));
  use->state = (ZuUseState) zu_grant_column_int (statement, 4);
  use->outcome = g_strdup (zu_grant_column_text (statement, 5));
  return zu_amount_parse (zu_grant_column_text (statement, 3), &use->amount)
         || zu_grant_refuse_file (error);
}

/* Under the lock. What a grant has used moves together with the use. */
static gboolean
set_used (ZuGrantStore *self, const char *grant_id, ZuAmount amount, gint64 n_uses, GError **error)
{
  g_autofree char *used = zu_amount_to_text (amount);

  return zu_grant_run (self->db, error, "UPDATE grants SET used = ?, n_uses = ? WHERE id = ?",
                       ZU_TEXT (used), ZU_INT (n_uses), ZU_TEXT (grant_id));
}

static gboolean
reserve (ZuGrantStore *self, ZuGrantUse *use, const char *digest, ZuAmount amount,
         ZuUseClaim *claim, GError **error)
{
  g_autofree char *amount_text = zu_amount_to_text (amount);

  claim->use.id = g_uuid_string_random ();
  claim->use.grant_id = g_strdup (claim->grant.id);
  claim->use.key = g_strdup (zu_grant_use_get_idempotency_key (use));
  claim->use.digest = g_strdup (digest);
  claim->use.amount = amount;
  claim->use.state = ZU_USE_RESERVED;
  claim->grant.state.amount += amount;
  claim->grant.state.n_uses++;
  return zu_grant_run (self->db, error,
                       "INSERT INTO uses (key, id, grant_id, digest, amount, state)"
                       " VALUES (?, ?, ?, ?, ?, ?)",
                       ZU_TEXT (claim->use.key), ZU_TEXT (claim->use.id), ZU_TEXT (claim->grant.id),
                       ZU_TEXT (digest), ZU_TEXT (amount_text), ZU_INT (ZU_USE_RESERVED))
         && set_used (self, claim->grant.id, claim->grant.state.amount, claim->grant.state.n_uses,
                      error);
}

static gboolean
claim_use (ZuGrantStore *self, ZuGrantUse *use, const char *digest, ZuUseClaim *claim,
           GError **error)
{
  ZuAmount amount;

  if (!get_grant (self, zu_grant_use_get_grant_id (use), &claim->grant, error)
      || !zu_grant_use_check (claim->grant.terms, use, &amount, error)
      || !get_use (self, zu_grant_use_get_idempotency_key (use), &claim->use, error))
    return FALSE;
  claim->existed = claim->use.id != NULL;
  if (claim->existed)
    return TRUE;
  claim->refusal =
      zu_grant_judge (claim->grant.terms, &claim->grant.state, use, amount, get_now (self));
  return claim->refusal != NULL || reserve (self, use, digest, amount, claim, error);
}

/* Judges a use and reserves what it takes, in one transaction; or finds the use that had the key.
 */
gboolean
zu_grant_store_claim (ZuGrantStore *self, ZuGrantUse *use, const char *digest, ZuUseClaim *claim,
                      GError **error)
{
  if (!begin (self, error))
    return FALSE;
  return end (self, claim_use (self, use, digest, claim, error), error);
}

/* Under the lock. What was reserved and not used is there again. */
static gboolean
give_back (ZuGrantStore *self, const ZuUseRow *use, GError **error)
{
  g_auto (ZuGrantRow) grant = { NULL };

  return get_grant (self, use->grant_id, &grant, error)
         && set_used (self, grant.id, grant.state.amount - use->amount, grant.state.n_uses - 1,
                      error);
}

/* Captures a reservation (ZU_USE_DONE), or gives back what it took (ZU_USE_DECLINED). Either way
 * the key has been used. */
gboolean
zu_grant_store_settle (ZuGrantStore *self, const ZuUseRow *use, ZuUseState state,
                       const char *outcome, const char *event, gint64 *outbox_seq, GError **error)
{
  if (!begin (self, error))
    return FALSE;
  return end (self,
              (state == ZU_USE_DONE || give_back (self, use, error))
                  && zu_grant_run (self->db, error,
                                   "UPDATE uses SET state = ?, outcome = ? WHERE key = ?",
                                   ZU_INT (state), ZU_TEXT (outcome), ZU_TEXT (use->key))
                  && add_event (self, event, outbox_seq, error),
              error);
}

/* Nothing was done: it is as if it had not been asked for, and the key is free. */
gboolean
zu_grant_store_release (ZuGrantStore *self, const ZuUseRow *use, const char *event,
                        gint64 *outbox_seq, GError **error)
{
  if (!begin (self, error))
    return FALSE;
  return end (self,
              give_back (self, use, error)
                  && zu_grant_run (self->db, error, "DELETE FROM uses WHERE key = ?",
                                   ZU_TEXT (use->key))
                  && add_event (self, event, outbox_seq, error),
              error);
}

gboolean
zu_grant_store_note (ZuGrantStore *self, const char *event, gint64 *outbox_seq, GError **error)
{
  if (!begin (self, error))
    return FALSE;
  return end (self, add_event (self, event, outbox_seq, error), error);
}

/* Under the lock. */
static GPtrArray *
read_outbox (ZuGrantStore *self, guint most, gint64 *last_seq, GError **error)
{
  g_autoptr (GPtrArray) events = g_ptr_array_new_with_free_func (g_free);
  g_autoptr (ZuGrantStatement) statement =
      zu_grant_prepare (self->db, error, "SELECT seq, event FROM outbox ORDER BY seq LIMIT ?",
                        ZU_INT (most));
  gboolean found = TRUE;

  while (statement != NULL && zu_grant_step (statement, &found, error) && found)
    {
      *last_seq = zu_grant_column_int (statement, 0);
      g_ptr_array_add (events, g_strdup (zu_grant_column_text (statement, 1)));
    }
  return statement != NULL && !found ? g_steal_pointer (&events) : NULL;
}

/* The oldest events that the log has not taken yet. */
GPtrArray *
zu_grant_store_peek_outbox (ZuGrantStore *self, guint most, gint64 *last_seq, GError **error)
{
  GPtrArray *events;

  g_mutex_lock (&self->lock);
  events = read_outbox (self, most, last_seq, error);
  g_mutex_unlock (&self->lock);
  return events;
}

gboolean
zu_grant_store_drop_outbox (ZuGrantStore *self, gint64 last_seq, GError **error)
{
  if (!begin (self, error))
    return FALSE;
  return end (
      self, zu_grant_run (self->db, error, "DELETE FROM outbox WHERE seq <= ?", ZU_INT (last_seq)),
      error);
}
