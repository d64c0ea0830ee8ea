/* SPDX-License-Identifier: Apache-2.0 */

/* The loop that a careful program of its own would write: prepared statements, the tables, indexes
 * and settings of our log, the bytes of our rows. It makes nothing of them: no links, no checks, no
 * lock between processes. */

#include "bench-log.h"

#include "bench.h"

struct _BenchBare
{
  sqlite3 *db;
  sqlite3_stmt *insert;
  sqlite3_stmt *begin;
  sqlite3_stmt *commit;
  GByteArray *blob;
};

/* As our connections have them; the checkpoint comes after as many pages. */
static const char *const pragmas =
    "PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL; PRAGMA wal_autocheckpoint = 4096;"
    "PRAGMA journal_size_limit = 67108864; PRAGMA cache_size = -65536; PRAGMA temp_store = MEMORY;";

static void
check_sqlite (sqlite3 *db, int result)
{
  if (result != SQLITE_OK && result != SQLITE_DONE && result != SQLITE_ROW)
    g_error ("%s", sqlite3_errmsg (db));
}

static sqlite3_stmt *
prepare (sqlite3 *db, const char *sql)
{
  sqlite3_stmt *stmt = NULL;

  check_sqlite (db, sqlite3_prepare_v3 (db, sql, -1, SQLITE_PREPARE_PERSISTENT, &stmt, NULL));
  return stmt;
}

/* Opens a log that our sink has made. */
BenchBare *
bench_bare_open (const char *path)
{
  BenchBare *self = g_new0 (BenchBare, 1);

  check_sqlite (NULL, sqlite3_open_v2 (path, &self->db, SQLITE_OPEN_READWRITE | SQLITE_OPEN_NOMUTEX,
                                       NULL));
  check_sqlite (self->db, sqlite3_exec (self->db, pragmas, NULL, NULL, NULL));
  self->begin = prepare (self->db, "BEGIN IMMEDIATE");
  self->commit = prepare (self->db, "COMMIT");
  self->insert = prepare (self->db, "INSERT INTO events (event_id, trace_id, task_id, parent_id,"
                                    " type, source, data) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7)");
  self->blob = g_byte_array_new ();
  return self;
}

void
bench_bare_free (BenchBare *self)
{
  sqlite3_finalize (self->insert);
  sqlite3_finalize (self->begin);
  sqlite3_finalize (self->commit);
  sqlite3_close (self->db);
  g_byte_array_unref (self->blob);
  g_free (self);
}

static void
run (BenchBare *self, sqlite3_stmt *stmt)
{
  check_sqlite (self->db, sqlite3_step (stmt));
  sqlite3_reset (stmt);
}

static void
insert_row (BenchBare *self, ZuEvent *event)
{
  static const ZuEventField fields[] = { ZU_EVENT_FIELD_EVENT_ID, ZU_EVENT_FIELD_TRACE_ID,
                                         ZU_EVENT_FIELD_TASK_ID,  ZU_EVENT_FIELD_PARENT_ID,
                                         ZU_EVENT_FIELD_TYPE,     ZU_EVENT_FIELD_SOURCE };
  const guint8 version = 0;
  gsize length;
  const char *text;

  for (guint i = 0; i < G_N_ELEMENTS (fields); i++)
    {
      text = zu_event_get_field (event, fields[i], &length);
      sqlite3_bind_text (self->insert, (int) i + 1, text, (int) length, SQLITE_STATIC);
    }
  text = zu_event_get_text (event, &length);
  g_byte_array_set_size (self->blob, 0);
  g_byte_array_append (self->blob, &version, 1);
  g_byte_array_append (self->blob, (const guint8 *) text, (guint) length);
  sqlite3_bind_blob (self->insert, G_N_ELEMENTS (fields) + 1, self->blob->data,
                     (int) self->blob->len, SQLITE_STATIC);
  run (self, self->insert);
}

/* The seconds that it takes to insert events that are linked. */
double
bench_bare_insert (BenchBare *self, GPtrArray *linked, guint n_a_commit)
{
  double start = bench_now ();

  for (guint i = 0; i < linked->len; i++)
    {
      /* One insert a commit needs no transaction around it. */
      if (n_a_commit > 1 && i % n_a_commit == 0)
        run (self, self->begin);
      insert_row (self, g_ptr_array_index (linked, i));
      if (n_a_commit > 1 && ((i + 1) % n_a_commit == 0 || i + 1 == linked->len))
        run (self, self->commit);
    }
  return bench_now () - start;
}
