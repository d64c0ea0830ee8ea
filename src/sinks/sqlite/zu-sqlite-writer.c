/* SPDX-License-Identifier: Apache-2.0 */

#include "zu-sqlite-writer.h"

#include "zu-sqlite-connection.h"
#include "zu-sqlite-index.h"
#include "zu-sqlite-lock.h"
#include "zu-sqlite-rewrite.h"
#include "zu-sqlite-schema.h"

#include <errno.h>
#include <unistd.h>

#define CHECKPOINT_PAGES 4096
#define MOST_HEADS       65536
#define INDEX_MARK_ROWS  4096
#define CLOSE_WAIT       (5 * G_TIME_SPAN_SECOND)
#define NO_VERSION       (-1)

typedef enum
{
  STMT_BEGIN,
  STMT_COMMIT,
  STMT_ROLLBACK,
  STMT_SAVE,
  STMT_ROLL_BACK_SAVED,
  STMT_RELEASE,
  STMT_VERSION,
  STMT_LAST,
  STMT_HEAD,
  STMT_FIND,
  STMT_INSERT,
  STMT_INDEX,
  N_STMTS,
} Stmt;

static const char *const stmt_sql[N_STMTS] = {
  [STMT_BEGIN] = "BEGIN IMMEDIATE",
  [STMT_COMMIT] = "COMMIT",
  [STMT_ROLLBACK] = "ROLLBACK",
  [STMT_SAVE] = "SAVEPOINT many",
  [STMT_ROLL_BACK_SAVED] = "ROLLBACK TO many",
  [STMT_RELEASE] = "RELEASE many",
  [STMT_VERSION] = "PRAGMA data_version",
  [STMT_LAST] = "SELECT max(seq) FROM events",
  [STMT_HEAD] = "SELECT " ZU_SQLITE_ROW_COLUMNS
                " FROM events e WHERE e.trace_id = ?1 ORDER BY e.seq DESC LIMIT 1",
  [STMT_FIND] = "SELECT " ZU_SQLITE_ROW_COLUMNS " FROM events e WHERE e.event_id = ?1",
  [STMT_INSERT] = "INSERT INTO events (event_id, trace_id, task_id, parent_id, type, source, data)"
                  " VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7)",
  [STMT_INDEX] = "INSERT OR REPLACE INTO event_index VALUES (?1, ?2, ?3)",
};

/* Of each parameter of STMT_INSERT but the last. */
static const ZuEventField insert_fields[] = {
  ZU_EVENT_FIELD_EVENT_ID,  ZU_EVENT_FIELD_TRACE_ID, ZU_EVENT_FIELD_TASK_ID,
  ZU_EVENT_FIELD_PARENT_ID, ZU_EVENT_FIELD_TYPE,     ZU_EVENT_FIELD_SOURCE,
};

struct _ZuSqliteWriter
{
  char *path;
  pid_t process;
  ZuSqliteLock *lock;
  sqlite3 *db;
  sqlite3_stmt *stmts[N_STMTS];
  ZuSqliteIdentity identity;

  GHashTable *heads; /* trace id to hash; only of the database's present version */
  gint64 version;    /* as SQLite counts what other connections commit */
  GByteArray *blob;  /* used again for every row */
  GPtrArray *fresh;  /* stored in this transaction */
  GPtrArray *fields; /* of payload.ctx, whose index is kept */
  gint64 indexed_to; /* the row that this index is complete to */
  gint64 index_mark; /* the same, as it stands in the log */
  gint64 last_seq;   /* stored in this transaction; 0 for none */
  int wal_pages;

  GError *failure; /* of this transaction */
  GError *poison;  /* for good */
  gboolean has_warned;
};

ZuSqliteWriter *
zu_sqlite_writer_new (const char *path)
{
  ZuSqliteWriter *self = g_new0 (ZuSqliteWriter, 1);

  self->path = g_strdup (path);
  self->process = getpid ();
  self->version = NO_VERSION;
  self->heads = g_hash_table_new_full (g_str_hash, g_str_equal, g_free, g_free);
  self->blob = g_byte_array_new ();
  self->fresh = g_ptr_array_new_with_free_func (g_object_unref);
  self->fields = g_ptr_array_new_with_free_func (g_free);
  return self;
}

gboolean
zu_sqlite_writer_is_poisoned (ZuSqliteWriter *self)
{
  return self->poison != NULL;
}

static gboolean
copy_error (const GError *stored, GError **error)
{
  g_propagate_error (error, g_error_copy (stored));
  return FALSE;
}

static void
poison (ZuSqliteWriter *self, const char *why)
{
  if (self->poison == NULL)
    self->poison = g_error_new (ZU_EVENT_SINK_ERROR, ZU_EVENT_SINK_ERROR_POISONED,
                                "%s: %s; nothing is taken any more (open the log again and verify "
                                "it)",
                                self->path, why);
}

/* The disk failed: who opens the log next must know. */
static void
poison_and_mark (ZuSqliteWriter *self, const char *why)
{
  poison (self, why);
  zu_sqlite_lock_set_doubt (self->lock, TRUE);
}

/* This transaction cannot be committed any more. Where a write or its flush to the disk failed, the
 * kernel may have dropped what was to be written, so no later success would mean anything. */
static gboolean
fail (ZuSqliteWriter *self, int result, const char *what)
{
  if (self->failure != NULL)
    return FALSE;

  zu_sqlite_set_error (&self->failure, self->db, result, what);
  if (zu_sqlite_is_io_error (result)
      && !g_error_matches (self->failure, ZU_EVENT_SINK_ERROR, ZU_EVENT_SINK_ERROR_FULL))
    {
      poison_and_mark (self, self->failure->message);
      g_clear_error (&self->failure);
      self->failure = g_error_copy (self->poison);
    }
  return FALSE;
}

/* One step of a statement that gives no row. */
static gboolean
run (ZuSqliteWriter *self, Stmt stmt, const char *what)
{
  g_autoptr (ZuSqliteUse) use = self->stmts[stmt];
  int result = sqlite3_step (use);

  return result == SQLITE_DONE || fail (self, result, what);
}

static int
count_pages (gpointer data, sqlite3 *db, const char *name, int n_pages)
{
  ZuSqliteWriter *self = data;

  self->wal_pages = n_pages;
  return SQLITE_OK;
}

/* What an earlier failed flush may have left undone. */
static int
settle_doubt (ZuSqliteWriter *self, GError **error)
{
  if (!zu_sqlite_lock_has_doubt (self->lock))
    return SQLITE_OK;
  if (!zu_sqlite_rewrite (self->db, self->path, error))
    return g_error_matches (*error, ZU_EVENT_SINK_ERROR, ZU_EVENT_SINK_ERROR_BUSY) ? SQLITE_BUSY
                                                                                   : SQLITE_IOERR;

  zu_sqlite_lock_set_doubt (self->lock, FALSE);
  return SQLITE_OK;
}

static void
open_failed (ZuSqliteWriter *self, GError *reason, GError **error)
{
  g_autoptr (GError) owned = reason;

  for (guint i = 0; i < N_STMTS; i++)
    g_clear_pointer (&self->stmts[i], sqlite3_finalize);
  g_clear_pointer (&self->db, sqlite3_close);

  if (g_error_matches (reason, ZU_EVENT_SINK_ERROR, ZU_EVENT_SINK_ERROR_POISONED))
    {
      poison_and_mark (self, reason->message);
      copy_error (self->poison, error);
      return;
    }
  if (reason == NULL)
    g_set_error (&owned, ZU_EVENT_SINK_ERROR, ZU_EVENT_SINK_ERROR_MISSING,
                 "the log was removed while it was being opened");
  g_propagate_prefixed_error (error, g_steal_pointer (&owned), "%s: ", self->path);
}

static ZuSqliteBegin
open_database (ZuSqliteWriter *self, GError **error)
{
  g_autoptr (GError) local_error = NULL;
  int result = zu_sqlite_connection_open (self->path, &self->db, &local_error);

  if (result == SQLITE_OK)
    result = settle_doubt (self, &local_error);
  if ((result & 0xff) == SQLITE_BUSY)
    {
      g_clear_pointer (&self->db, sqlite3_close);
      return ZU_SQLITE_BEGIN_BUSY;
    }

  for (guint i = 0; result == SQLITE_OK && i < N_STMTS; i++)
    {
      self->stmts[i] = zu_sqlite_prepare (self->db, stmt_sql[i], &local_error);
      if (self->stmts[i] == NULL)
        result = SQLITE_ERROR;
    }
  if (result == SQLITE_OK && !zu_sqlite_identity_read (&self->identity, self->path))
    result = SQLITE_CANTOPEN;
  if (result == SQLITE_OK)
    {
      sqlite3_wal_hook (self->db, count_pages, self);
      return ZU_SQLITE_BEGIN_DONE;
    }

  open_failed (self, g_steal_pointer (&local_error), error);
  return ZU_SQLITE_BEGIN_FAILED;
}

/* What is acknowledged must be found under the log's name. */
static gboolean
check_in_place (ZuSqliteWriter *self)
{
  ZuSqliteIdentity now;

  if (zu_sqlite_identity_read (&now, self->path)
      && zu_sqlite_identity_is_same_file (&now, &self->identity))
    return TRUE;

  poison (self, "the log was removed or replaced while it was open");
  return FALSE;
}

static gboolean
read_number (ZuSqliteWriter *self, Stmt stmt, gint64 *value)
{
  g_autoptr (ZuSqliteUse) use = self->stmts[stmt];
  int result = sqlite3_step (use);

  if (result != SQLITE_ROW)
    return fail (self, result, "read the log");

  *value = sqlite3_column_int64 (use, 0);
  return TRUE;
}

static void
warn_of_others (ZuSqliteWriter *self)
{
  if (!self->has_warned)
    g_message ("%s: another program that does not keep to the lock file writes this log while it "
               "is open here; SQLite before 3.51.3 may damage a log that two write at once",
               self->path);
  self->has_warned = TRUE;
}

static gboolean
load_fields (ZuSqliteWriter *self)
{
  g_auto (GStrv) fields = zu_sqlite_index_dup_fields (self->db, &self->failure);

  if (fields == NULL)
    return FALSE;

  g_ptr_array_set_size (self->fields, 0);
  self->index_mark = G_MAXINT64;
  for (gsize i = 0; fields[i] != NULL; i++)
    {
      gint64 end;

      if (!zu_sqlite_index_get_end (self->db, fields[i], &end, &self->failure))
        return FALSE;
      self->index_mark = MIN (self->index_mark, end);
      g_ptr_array_add (self->fields, g_strdup (fields[i]));
    }
  self->indexed_to = MAX (self->indexed_to, self->fields->len > 0 ? self->index_mark : 0);
  return TRUE;
}

/* Inside the transaction: forgets what was remembered where somebody else has written. */
static gboolean
check_version (ZuSqliteWriter *self)
{
  gboolean is_first = self->version == NO_VERSION;
  gint64 version;

  if (!read_number (self, STMT_VERSION, &version))
    return FALSE;
  if (version == self->version)
    return TRUE;

  g_hash_table_remove_all (self->heads);
  if (zu_sqlite_lock_swap_owner (self->lock) && !is_first)
    warn_of_others (self);
  self->version = version;
  return load_fields (self);
}

static ZuSqliteBegin
begin_failed (ZuSqliteWriter *self, GError **error)
{
  const GError *why = self->poison != NULL ? self->poison : self->failure;

  copy_error (why, error);
  if (self->db != NULL && !sqlite3_get_autocommit (self->db))
    sqlite3_exec (self->db, "ROLLBACK", NULL, NULL, NULL);
  g_clear_error (&self->failure);
  self->version = NO_VERSION;
  zu_sqlite_writer_give_up (self);
  return ZU_SQLITE_BEGIN_FAILED;
}

static ZuSqliteBegin
lock_and_open (ZuSqliteWriter *self, GError **error)
{
  if (self->lock == NULL)
    self->lock = zu_sqlite_lock_new_for_writing (self->path, error);
  if (self->lock == NULL)
    return ZU_SQLITE_BEGIN_FAILED;
  if (!zu_sqlite_lock_try (self->lock, ZU_SQLITE_LOCK_EXCLUSIVE))
    return ZU_SQLITE_BEGIN_BUSY;
  if (zu_sqlite_lock_is_gone (self->lock))
    {
      g_clear_pointer (&self->lock, zu_sqlite_lock_free);
      return ZU_SQLITE_BEGIN_BUSY;
    }

  return self->db == NULL ? open_database (self, error) : ZU_SQLITE_BEGIN_DONE;
}

/* Begins a transaction, or says that somebody else is at it; then ask again, or give up. */
ZuSqliteBegin
zu_sqlite_writer_try_begin (ZuSqliteWriter *self, GError **error)
{
  ZuSqliteBegin begin;
  int result;

  if (self->process != getpid ())
    poison (self, "the log was opened before this process was forked");
  if (self->poison != NULL)
    return begin_failed (self, error);

  begin = lock_and_open (self, error);
  if (begin == ZU_SQLITE_BEGIN_FAILED)
    zu_sqlite_writer_give_up (self);
  if (begin != ZU_SQLITE_BEGIN_DONE)
    return begin;
  if (!check_in_place (self))
    return begin_failed (self, error);

  result = sqlite3_step (self->stmts[STMT_BEGIN]);
  sqlite3_reset (self->stmts[STMT_BEGIN]);
  if ((result & 0xff) == SQLITE_BUSY)
    return ZU_SQLITE_BEGIN_BUSY;

  self->last_seq = 0;
  if (result != SQLITE_DONE)
    fail (self, result, "begin to write");
  return self->failure == NULL && check_version (self) ? ZU_SQLITE_BEGIN_DONE
                                                       : begin_failed (self, error);
}

/* Leaves the queue for the lock. */
void
zu_sqlite_writer_give_up (ZuSqliteWriter *self)
{
  if (self->lock != NULL && self->process == getpid ())
    zu_sqlite_lock_release (self->lock);
}

static gboolean
has_field (ZuSqliteWriter *self, const char *field)
{
  return g_ptr_array_find_with_equal_func (self->fields, field, g_str_equal, NULL);
}

static gboolean
fill_index (ZuSqliteWriter *self, const char *field, const ZuSqliteParams *params, gint64 start,
            gint64 end)
{
  return start >= end || zu_sqlite_index_fill (self->db, field, params, start, end, &self->failure);
}

/* Registers the sink's fields, and completes the index where others have appended. */
static gboolean
complete_index (ZuSqliteWriter *self, const ZuSqliteParams *params)
{
  gint64 end;

  if (self->last_seq != 0)
    end = self->last_seq;
  else if (!read_number (self, STMT_LAST, &end))
    return FALSE;

  for (guint i = 0; i < self->fields->len; i++)
    if (!fill_index (self, g_ptr_array_index (self->fields, i), params, self->indexed_to, end))
      return FALSE;
  self->indexed_to = end;

  for (gsize i = 0; params->index_fields != NULL && params->index_fields[i] != NULL; i++)
    {
      const char *field = params->index_fields[i];

      if (has_field (self, field))
        continue;
      if (!fill_index (self, field, params, 0, end)
          || !zu_sqlite_index_set_end (self->db, field, end, &self->failure))
        return FALSE;
      g_ptr_array_add (self->fields, g_strdup (field));
      self->index_mark = MIN (self->index_mark, end);
    }

  return TRUE;
}

static gboolean
needs_index (ZuSqliteWriter *self, const ZuSqliteParams *params)
{
  return self->fields->len > 0 || (params->index_fields != NULL && *params->index_fields != NULL);
}

/* The hash that the next event of the trace follows; NULL for the first. */
static gboolean
get_head (ZuSqliteWriter *self, const ZuSqliteParams *params, const char *trace_id,
          const char **head, GError **error)
{
  g_autoptr (ZuSqliteUse) use = NULL;
  g_autoptr (ZuEvent) last = NULL;
  gpointer known;
  char *hash;
  int result;

  if (g_hash_table_lookup_extended (self->heads, trace_id, NULL, &known))
    {
      *head = known;
      return TRUE;
    }

  use = self->stmts[STMT_HEAD];
  zu_sqlite_bind_text (use, 1, trace_id, -1);
  result = sqlite3_step (use);
  if (result != SQLITE_ROW && result != SQLITE_DONE)
    {
      fail (self, result, "read the head of a trace");
      return copy_error (self->failure, error);
    }
  if (result == SQLITE_ROW && (last = zu_sqlite_row_decode (use, params, error)) == NULL)
    {
      g_prefix_error (error, "the trace cannot be continued: ");
      return FALSE;
    }

  if (g_hash_table_size (self->heads) >= MOST_HEADS)
    g_hash_table_remove_all (self->heads);
  hash = last != NULL ? g_strdup (zu_event_get_hash (last)) : NULL;
  g_hash_table_insert (self->heads, g_strdup (trace_id), hash);
  *head = hash;
  return TRUE;
}

/* The event that is stored under the same id; NULL where none is, or on an error. */
static ZuEvent *
find_stored (ZuSqliteWriter *self, const ZuSqliteParams *params, ZuEvent *event, GError **error)
{
  g_autoptr (ZuSqliteUse) use = self->stmts[STMT_FIND];
  int result;

  zu_sqlite_bind_text (use, 1, zu_event_get_event_id (event), -1);
  result = sqlite3_step (use);
  if (result == SQLITE_ROW)
    return zu_sqlite_row_decode (use, params, error);
  if (result != SQLITE_DONE)
    {
      fail (self, result, "look for a stored event");
      copy_error (self->failure, error);
    }
  return NULL;
}

static ZuEvent *
answer_repeated (ZuSqliteWriter *self, const ZuSqliteParams *params, ZuEvent *event, GError **error)
{
  g_autoptr (ZuEvent) stored = find_stored (self, params, event, error);

  return stored != NULL && zu_sink_check_repeat (event, stored, error) ? g_steal_pointer (&stored)
                                                                       : NULL;
}

/* A repeated event does not follow the head any more, which is no conflict. */
static ZuEvent *
answer_conflict (ZuSqliteWriter *self, const ZuSqliteParams *params, ZuEvent *event,
                 GError *conflict, GError **error)
{
  g_autoptr (GError) owned = conflict, local_error = NULL;
  ZuEvent *stored;

  if (g_error_matches (conflict, ZU_EVENT_SINK_ERROR, ZU_EVENT_SINK_ERROR_CONFLICT))
    {
      stored = answer_repeated (self, params, event, &local_error);
      if (stored != NULL)
        return stored;
    }

  if (local_error != NULL)
    g_propagate_error (error, g_steal_pointer (&local_error));
  else
    g_propagate_error (error, g_steal_pointer (&owned));
  return NULL;
}

/* A result of SQLite's. A repeated id is refused by it; an upsert would use a sequence number up.
 */
static int
insert_row (ZuSqliteWriter *self, ZuEvent *linked)
{
  sqlite3_stmt *stmt = self->stmts[STMT_INSERT];
  int result;

  for (guint i = 0; i < G_N_ELEMENTS (insert_fields); i++)
    {
      gsize length;
      const char *text = zu_event_get_field (linked, insert_fields[i], &length);

      zu_sqlite_bind_text (stmt, (int) i + 1, text, (gssize) length);
    }
  sqlite3_bind_blob64 (stmt, G_N_ELEMENTS (insert_fields) + 1, self->blob->data, self->blob->len,
                       SQLITE_STATIC);

  /* Every parameter is bound anew each time, so the bindings need not be cleared. */
  result = sqlite3_step (stmt);
  sqlite3_reset (stmt);
  return result;
}

static gboolean
index_row (ZuSqliteWriter *self, ZuEvent *linked)
{
  for (guint i = 0; i < self->fields->len; i++)
    {
      const char *field = g_ptr_array_index (self->fields, i);
      int result = zu_sqlite_index_add (self->stmts[STMT_INDEX], linked, field);

      if (result != SQLITE_DONE)
        return fail (self, result, "index an event");
    }

  self->indexed_to = self->last_seq;
  return TRUE;
}

/* Stores a linked event; *IS_NEW tells whether its id was not there yet. */
static gboolean
store_row (ZuSqliteWriter *self, const ZuSqliteParams *params, ZuEvent *linked, gboolean *is_new)
{
  gboolean has_index = needs_index (self, params);
  int result;

  if (has_index && !complete_index (self, params))
    return FALSE;

  result = insert_row (self, linked);
  *is_new = result == SQLITE_DONE;
  if (result == SQLITE_CONSTRAINT_UNIQUE)
    return TRUE;
  if (result != SQLITE_DONE)
    return fail (self, result, "store an event");

  self->last_seq = sqlite3_last_insert_rowid (self->db);
  g_hash_table_insert (self->heads, g_strdup (zu_event_get_trace_id (linked)),
                       g_strdup (zu_event_get_hash (linked)));
  g_ptr_array_add (self->fresh, g_object_ref (linked));
  return !has_index || index_row (self, linked);
}

/* The event as stored, or an error. An error of this event alone leaves the transaction as it
 * was; one of the transaction comes back from every further call. */
ZuEvent *
zu_sqlite_writer_append (ZuSqliteWriter *self, const ZuSqliteParams *params, ZuEvent *event,
                         GError **error)
{
  g_autoptr (ZuEvent) linked = NULL;
  GError *conflict = NULL;
  gboolean is_new;
  const char *head = NULL;

  if (self->failure != NULL)
    {
      copy_error (self->failure, error);
      return NULL;
    }
  if (params->role == ZU_SINK_ROLE_CANONICAL
      && !get_head (self, params, zu_event_get_trace_id (event), &head, error))
    return NULL;

  linked = zu_sink_link (event, head, params->role, params->sign_key, &conflict);
  if (linked == NULL)
    return answer_conflict (self, params, event, conflict, error);
  if (!zu_codec_set_write_event (params->codecs, linked, self->blob, error))
    return NULL;
  if (!store_row (self, params, linked, &is_new))
    {
      copy_error (self->failure, error);
      return NULL;
    }

  return is_new ? g_steal_pointer (&linked) : answer_repeated (self, params, event, error);
}

/* All or none of them. */
GPtrArray *
zu_sqlite_writer_append_many (ZuSqliteWriter *self, const ZuSqliteParams *params, GPtrArray *events,
                              GError **error)
{
  g_autoptr (GPtrArray) stored = g_ptr_array_new_full (events->len, g_object_unref);
  gint64 last_seq = self->last_seq, indexed_to = self->indexed_to;
  guint n_fresh = self->fresh->len;

  if (self->failure != NULL || !run (self, STMT_SAVE, "begin to write"))
    {
      copy_error (self->failure, error);
      return NULL;
    }

  for (guint i = 0; i < events->len; i++)
    {
      ZuEvent *one = zu_sqlite_writer_append (self, params, g_ptr_array_index (events, i), error);

      if (one == NULL)
        {
          zu_sink_prefix_index (error, i, events->len);
          break;
        }
      g_ptr_array_add (stored, one);
    }

  if (stored->len < events->len && self->failure == NULL)
    {
      run (self, STMT_ROLL_BACK_SAVED, "take a batch back");
      g_hash_table_remove_all (self->heads);
      g_ptr_array_set_size (self->fresh, (int) n_fresh);
      self->last_seq = last_seq;
      self->indexed_to = indexed_to;
      load_fields (self);
    }
  if (self->failure == NULL)
    run (self, STMT_RELEASE, "end a batch");

  return stored->len == events->len ? g_steal_pointer (&stored) : NULL;
}

/* What the log says of its index may lag behind; it is brought up now and then, and at the end. */
static void
mark_index (ZuSqliteWriter *self, gint64 least)
{
  if (self->failure != NULL || self->fields->len == 0
      || self->indexed_to - self->index_mark < least)
    return;

  for (guint i = 0; i < self->fields->len; i++)
    if (!zu_sqlite_index_set_end (self->db, g_ptr_array_index (self->fields, i), self->indexed_to,
                                  &self->failure))
      return;
  self->index_mark = self->indexed_to;
}

static void
roll_back (ZuSqliteWriter *self)
{
  /* Some errors have ended the transaction already. */
  if (!sqlite3_get_autocommit (self->db))
    sqlite3_step (self->stmts[STMT_ROLLBACK]);
  for (guint i = 0; i < N_STMTS; i++)
    sqlite3_reset (self->stmts[i]);

  g_hash_table_remove_all (self->heads);
  g_ptr_array_set_size (self->fresh, 0);
  self->indexed_to = 0;
  self->version = NO_VERSION;
}

/* Ends the transaction. Where this fails, nothing of it is stored. The lock is still held. */
gboolean
zu_sqlite_writer_commit (ZuSqliteWriter *self, GError **error)
{
  mark_index (self, INDEX_MARK_ROWS);
  if (self->failure == NULL && run (self, STMT_COMMIT, "commit"))
    return TRUE;

  roll_back (self);
  copy_error (self->failure, error);
  g_clear_error (&self->failure);
  return FALSE;
}

/* What the last transaction stored. */
GPtrArray *
zu_sqlite_writer_take_fresh (ZuSqliteWriter *self)
{
  GPtrArray *fresh = g_steal_pointer (&self->fresh);

  self->fresh = g_ptr_array_new_with_free_func (g_object_unref);
  return fresh;
}

gboolean
zu_sqlite_writer_is_checkpoint_due (ZuSqliteWriter *self)
{
  return self->wal_pages >= CHECKPOINT_PAGES && self->poison == NULL;
}

/* Copies what was written ahead into the database. A failed flush is as final here as in a commit,
 * which is why SQLite's own checkpoints, whose errors it drops, are off. */
void
zu_sqlite_writer_checkpoint (ZuSqliteWriter *self)
{
  int n_pages, n_copied;
  int result =
      sqlite3_wal_checkpoint_v2 (self->db, NULL, SQLITE_CHECKPOINT_PASSIVE, &n_pages, &n_copied);

  if (zu_sqlite_is_io_error (result) && sqlite3_system_errno (self->db) != ENOSPC)
    poison_and_mark (self, "copying the write-ahead log into the database failed");
  self->wal_pages = 0;
}

static void
close_database (ZuSqliteWriter *self)
{
  gboolean is_held = zu_sqlite_lock_wait (self->lock, ZU_SQLITE_LOCK_EXCLUSIVE,
                                          g_get_monotonic_time () + CLOSE_WAIT);

  if (is_held && self->poison == NULL)
    mark_index (self, 1);
  /* A log that others hold, or whose writes fail, is left as it is for the next who opens it. */
  if (!is_held || self->poison != NULL)
    sqlite3_db_config (self->db, SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, 1, NULL);

  for (guint i = 0; i < N_STMTS; i++)
    sqlite3_finalize (self->stmts[i]);
  sqlite3_close (self->db);
}

void
zu_sqlite_writer_free (ZuSqliteWriter *self)
{
  /* In a forked child the connection and the lock are the parent's: touched, they would break. */
  if (self->process == getpid ())
    {
      if (self->db != NULL)
        close_database (self);
      g_clear_pointer (&self->lock, zu_sqlite_lock_free);
    }

  g_hash_table_unref (self->heads);
  g_byte_array_unref (self->blob);
  g_ptr_array_unref (self->fresh);
  g_ptr_array_unref (self->fields);
  g_clear_error (&self->failure);
  g_clear_error (&self->poison);
  g_free (self->path);
  g_free (self);
}
