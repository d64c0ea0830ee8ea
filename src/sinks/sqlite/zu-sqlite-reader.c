/* SPDX-License-Identifier: Apache-2.0 */

#include "zu-sqlite-reader.h"

#include "zu-sqlite-index.h"
#include "zu-sqlite-seals.h"
#include "zu-sqlite-session.h"
#include "zu-sqlite-watch.h"

#include <unistd.h>

#define MOST_IDLE         4
#define PAGE_ROWS         512
#define SCANNED_PAGE_ROWS 4096

struct _ZuSqliteReaders
{
  char *path;
  pid_t process;
  GMutex lock;
  GPtrArray *idle; /* of ZuSqliteSession */
};

/* Where a reading stands. */
typedef struct
{
  const ZuSqliteRead *read;
  ZuSqliteRowFunc func;
  gpointer data;
  ZuSqliteQuery query;
  gint64 after;
  gint64 left; /* -1 for all */
  gboolean is_done;
} Position;

ZuSqliteReaders *
zu_sqlite_readers_new (const char *path)
{
  ZuSqliteReaders *self = g_new0 (ZuSqliteReaders, 1);

  self->path = g_strdup (path);
  self->process = getpid ();
  self->idle = g_ptr_array_new_with_free_func ((GDestroyNotify) zu_sqlite_session_free);
  g_mutex_init (&self->lock);
  return self;
}

void
zu_sqlite_readers_free (ZuSqliteReaders *self)
{
  /* In a forked child the connections are the parent's: closed, they would take its locks away. */
  if (self->process != getpid ())
    g_ptr_array_set_free_func (self->idle, NULL);
  g_ptr_array_unref (self->idle);
  g_mutex_clear (&self->lock);
  g_free (self->path);
  g_free (self);
}

/* The one that this thread used last: what it has read is where this thread's processor has it. One
 * of another thread's only where there are enough already. */
static ZuSqliteSession *
take_idle (ZuSqliteReaders *self)
{
  g_autoptr (GMutexLocker) locker = g_mutex_locker_new (&self->lock);
  guint n = self->idle->len;

  for (guint i = n; i > 0; i--)
    if (((ZuSqliteSession *) g_ptr_array_index (self->idle, i - 1))->user == g_thread_self ())
      return g_ptr_array_steal_index (self->idle, i - 1);
  return n == MOST_IDLE ? g_ptr_array_steal_index (self->idle, 0) : NULL;
}

static ZuSqliteSession *
acquire (ZuSqliteReaders *self, guint timeout, GError **error)
{
  ZuSqliteSession *session;

  if (self->process != getpid ())
    {
      g_set_error (error, ZU_EVENT_SINK_ERROR, ZU_EVENT_SINK_ERROR_POISONED,
                   "%s: the log was opened before this process was forked (open it again)",
                   self->path);
      return NULL;
    }

  while ((session = take_idle (self)) != NULL)
    {
      if (zu_sqlite_session_resume (session, timeout))
        return session;
      zu_sqlite_session_free (session);
    }

  return zu_sqlite_session_open (self->path, timeout, error);
}

/* Takes the session back. What was read while another program changed the log is worth nothing. */
static gboolean
give_back (ZuSqliteReaders *self, ZuSqliteSession *session, gboolean is_read, GError **error)
{
  g_autoptr (ZuSqliteSession) owned = session;
  g_autoptr (GMutexLocker) locker = NULL;

  if (!zu_sqlite_session_pause (session))
    {
      g_clear_error (error);
      g_set_error (error, ZU_EVENT_SINK_ERROR, ZU_EVENT_SINK_ERROR_BUSY,
                   "%s: another program wrote the log while it was being read (read again)",
                   self->path);
      return FALSE;
    }

  session->user = g_thread_self ();
  locker = g_mutex_locker_new (&self->lock);
  if (is_read && self->idle->len < MOST_IDLE && zu_sqlite_session_can_resume (session))
    g_ptr_array_add (self->idle, g_steal_pointer (&owned));
  return is_read;
}

static gboolean
is_cancelled (const ZuSqliteRead *read, GError **error)
{
  return g_cancellable_set_error_if_cancelled (read->cancellable, error);
}

static sqlite3_stmt *
prepare (ZuSqliteSession *session, Position *position, gboolean is_count, gboolean with_index,
         GError **error)
{
  g_autofree char *sql = zu_sqlite_query_dup_sql (&position->query, is_count, with_index);
  sqlite3_stmt *stmt = zu_sqlite_session_prepare (session, sql, error);

  if (stmt != NULL)
    {
      zu_sqlite_query_bind (&position->query, stmt, with_index);
      sqlite3_bind_int64 (stmt, ZU_SQLITE_QUERY_AFTER, position->after);
    }
  return stmt;
}

/* A damaged tree may lead in a circle. */
static gboolean
check_ascends (Position *position, sqlite3_stmt *stmt, GError **error)
{
  if (sqlite3_column_int64 (stmt, ZU_SQLITE_ROW_SEQ) > position->after)
    return TRUE;

  g_set_error (error, ZU_EVENT_SINK_ERROR, ZU_EVENT_SINK_ERROR_UNDECODABLE,
               "cannot read the log: behind row %" G_GINT64_FORMAT " stands row %lld (the database "
               "is damaged; restore a backup)",
               position->after, sqlite3_column_int64 (stmt, ZU_SQLITE_ROW_SEQ));
  return FALSE;
}

/* Whether to go on. */
static gboolean
hand_over (Position *position, sqlite3_stmt *stmt, ZuFilter *ctx, gint64 *n_rows, GError **error)
{
  if (!check_ascends (position, stmt, error))
    return FALSE;

  switch (position->func (stmt, ctx, position->data, error))
    {
    case ZU_SQLITE_ROW_GIVEN:
      if (position->left > 0)
        position->left--;
      G_GNUC_FALLTHROUGH;
    case ZU_SQLITE_ROW_SKIPPED:
      position->after = sqlite3_column_int64 (stmt, ZU_SQLITE_ROW_SEQ);
      (*n_rows)++;
      return TRUE;
    case ZU_SQLITE_ROW_STOP:
      position->is_done = TRUE;
      return TRUE;
    default:
      return FALSE;
    }
}

/* Hands rows over until the statement ends. How many there were, or -1. */
static gint64
step_rows (ZuSqliteSession *session, Position *position, sqlite3_stmt *stmt, ZuFilter *ctx,
           GError **error)
{
  g_auto (ZuSqliteWatch) watch;
  gint64 n_rows = 0;
  int result = SQLITE_ROW;

  zu_sqlite_watch_begin (&watch, session->db, session->path, position->read->cancellable);
  while (!position->is_done && position->left != 0 && (result = sqlite3_step (stmt)) == SQLITE_ROW)
    if (!hand_over (position, stmt, ctx, &n_rows, error))
      return -1;

  if (result == SQLITE_ROW || result == SQLITE_DONE)
    return n_rows;
  zu_sqlite_watch_set_error (&watch, result, "read the log", error);
  return -1;
}

/* One page. Up to the row that the side index is complete to, SQL answers for fields of
 * payload.ctx; behind it every event is asked. */
static gboolean
read_page (ZuSqliteSession *session, Position *position, GError **error)
{
  ZuFilter *ctx = position->query.ctx;
  gint64 index_end = zu_sqlite_index_get_common_end (session->db, ctx);
  gboolean with_index = position->after < index_end;
  gint64 most = with_index ? PAGE_ROWS : SCANNED_PAGE_ROWS;
  gint64 n_rows;
  g_autoptr (ZuSqliteUse) stmt = prepare (session, position, FALSE, with_index, error);

  if (stmt == NULL)
    return FALSE;

  zu_sqlite_params_learn (position->read->params, zu_sqlite_session_get_policy (session));
  if (with_index && position->left > 0)
    most = MIN (most, position->left);
  sqlite3_bind_int64 (stmt, ZU_SQLITE_QUERY_UP_TO, with_index ? index_end : G_MAXINT64);
  sqlite3_bind_int64 (stmt, ZU_SQLITE_QUERY_LIMIT, most);
  n_rows = step_rows (session, position, stmt, with_index ? NULL : ctx, error);
  if (n_rows < 0)
    return FALSE;

  if (position->left == 0)
    position->is_done = TRUE;
  else if (n_rows < most && with_index && index_end < G_MAXINT64)
    position->after = index_end;
  else if (n_rows < most)
    position->is_done = TRUE;
  return TRUE;
}

static gboolean
read_all (ZuSqliteReaders *self, Position *position, GError **error)
{
  while (!position->is_done && position->left != 0)
    {
      ZuSqliteSession *session;

      if (is_cancelled (position->read, error))
        return FALSE;
      session = acquire (self, position->read->params->busy_timeout, error);
      if (session == NULL)
        return FALSE;
      if (!give_back (self, session, read_page (session, position, error), error))
        return FALSE;
    }

  return TRUE;
}

static void
position_init (Position *self, const ZuSqliteRead *read, ZuSqliteRowFunc func, gpointer data)
{
  *self = (Position){ .read = read, .func = func, .data = data };
  self->after = MAX (read->after, 0);
  self->left = MAX (read->limit, -1);
  zu_sqlite_query_init (&self->query, read->filter,
                        (const char *const *) read->params->index_fields);
}

static void
position_clear (Position *self)
{
  zu_sqlite_query_clear (&self->query);
}

G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC (Position, position_clear)

/* Hands the rows that pass to @func, in stored order, a page at a time. */
gboolean
zu_sqlite_readers_read (ZuSqliteReaders *self, const ZuSqliteRead *read, ZuSqliteRowFunc func,
                        gpointer data, GError **error)
{
  g_auto (Position) position;

  position_init (&position, read, func, data);
  return read_all (self, &position, error);
}

/* Counts what SQL can tell, and leaves the position behind it. */
static gboolean
count_by_index (ZuSqliteSession *session, Position *position, gint64 *count, GError **error)
{
  gint64 index_end = zu_sqlite_index_get_common_end (session->db, position->query.ctx);
  g_autoptr (ZuSqliteUse) stmt = prepare (session, position, TRUE, TRUE, error);
  g_auto (ZuSqliteWatch) watch = { 0 };
  int result;

  if (stmt == NULL)
    return FALSE;

  sqlite3_bind_int64 (stmt, ZU_SQLITE_QUERY_UP_TO, index_end);
  zu_sqlite_watch_begin (&watch, session->db, session->path, position->read->cancellable);
  result = sqlite3_step (stmt);
  if (result != SQLITE_ROW)
    {
      zu_sqlite_watch_set_error (&watch, result, "count the events", error);
      return FALSE;
    }

  *count = sqlite3_column_int64 (stmt, 0);
  position->after = MAX (position->after, index_end);
  position->is_done = index_end == G_MAXINT64;
  return TRUE;
}

typedef struct
{
  const ZuSqliteParams *params;
  gint64 count;
} Counting;

static ZuSqliteRowResult
count_row (sqlite3_stmt *row, ZuFilter *ctx, gpointer data, GError **error)
{
  Counting *counting = data;
  g_autoptr (ZuEvent) event = zu_sqlite_row_decode (row, counting->params, error);

  if (event == NULL)
    return ZU_SQLITE_ROW_FAILED;
  if (ctx != NULL && zu_filter_matches (ctx, event))
    counting->count++;
  return ZU_SQLITE_ROW_GIVEN;
}

gboolean
zu_sqlite_readers_count (ZuSqliteReaders *self, const ZuSqliteRead *read, gint64 *count,
                         GError **error)
{
  g_auto (Position) position;
  Counting counting = { read->params, 0 };
  ZuSqliteSession *session;

  position_init (&position, read, count_row, &counting);
  if (is_cancelled (read, error)
      || (session = acquire (self, read->params->busy_timeout, error)) == NULL)
    return FALSE;
  if (!give_back (self, session, count_by_index (session, &position, count, error), error)
      || !read_all (self, &position, error))
    return FALSE;

  *count += counting.count;
  return TRUE;
}

/* One page of the seals, all of it of one moment. */
ZuSealPage *
zu_sqlite_readers_read_seals (ZuSqliteReaders *self, const ZuSqliteParams *params, gint64 after,
                              gint64 changed_after, gint64 limit, GError **error)
{
  ZuSqliteSession *session = acquire (self, params->busy_timeout, error);
  g_autoptr (ZuSealPage) page = NULL;

  if (session == NULL)
    return NULL;

  if (zu_sqlite_exec (session->db, "BEGIN", error))
    {
      page = zu_sqlite_seals_read_page (session->db, after, changed_after, limit, error);
      sqlite3_exec (session->db, "ROLLBACK", NULL, NULL, NULL);
    }
  return give_back (self, session, page != NULL, error) ? g_steal_pointer (&page) : NULL;
}
