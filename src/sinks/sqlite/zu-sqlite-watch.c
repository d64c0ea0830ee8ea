/* SPDX-License-Identifier: Apache-2.0 */

#include "zu-sqlite-watch.h"

#include <sys/stat.h>

/* SQLite's virtual machine is asked that often. */
#define STEPS 10000

/* A row takes more bytes than one, and a statement of ours takes fewer steps for a row than this.
 */
#define STEPS_A_BYTE 64
#define STEPS_ALWAYS 1000000

static gint64
get_file_size (const char *path, const char *suffix)
{
  g_autofree char *name = g_strconcat (path, suffix, NULL);
  struct stat info;

  return stat (name, &info) == 0 ? info.st_size : 0;
}

static int
check (gpointer data)
{
  ZuSqliteWatch *self = data;

  self->steps_left -= STEPS;
  return self->steps_left < 0 || g_cancellable_is_cancelled (self->cancellable);
}

/* @path is the log's. The watch stays where it is until it ends. */
void
zu_sqlite_watch_begin (ZuSqliteWatch *self, sqlite3 *db, const char *path,
                       GCancellable *cancellable)
{
  gint64 size = get_file_size (path, "") + get_file_size (path, "-wal");

  self->db = db;
  self->cancellable = cancellable;
  self->steps_left = STEPS_ALWAYS + STEPS_A_BYTE * size;
  sqlite3_progress_handler (db, STEPS, check, self);
}

void
zu_sqlite_watch_end (ZuSqliteWatch *self)
{
  if (self->db != NULL)
    sqlite3_progress_handler (self->db, 0, NULL, NULL);
}

void
zu_sqlite_watch_set_error (ZuSqliteWatch *self, int result, const char *what, GError **error)
{
  if ((result & 0xff) != SQLITE_INTERRUPT || self->steps_left >= 0)
    zu_sqlite_set_error (error, self->db, result, what);
  else
    g_set_error (
        error, ZU_EVENT_SINK_ERROR, ZU_EVENT_SINK_ERROR_UNDECODABLE,
        "cannot %s: its pages lead in a circle (the database is damaged; restore a backup)", what);
}
