/* SPDX-License-Identifier: Apache-2.0 */

#include "zu-sqlite-maintain.h"

#include "zu-sqlite-index.h"
#include "zu-sqlite-session.h"
#include "zu-sqlite-watch.h"

/* A version byte, and of version 2 the length of the key's id and the longest id. */
#define BLOB_HEAD 257

/* Figures on their way; counts are of gint64. */
typedef struct
{
  sqlite3 *db;
  ZuSqliteWatch watch;
  const ZuSqliteParams *params;
  gint64 n_events;
  gint64 n_traces;
  GHashTable *types;
  GHashTable *versions;
  GHashTable *keys;
  char *first_ts;
  char *last_ts;
} Figures;

static GHashTable *
counts_new (void)
{
  return g_hash_table_new_full (g_str_hash, g_str_equal, g_free, g_free);
}

static void
figures_init (Figures *self, sqlite3 *db, const ZuSqliteParams *params)
{
  *self = (Figures){ .db = db, .params = params };
  self->types = counts_new ();
  self->versions = counts_new ();
  self->keys = counts_new ();
}

static void
figures_clear (Figures *self)
{
  zu_sqlite_watch_end (&self->watch);
  g_hash_table_unref (self->types);
  g_hash_table_unref (self->versions);
  g_hash_table_unref (self->keys);
  g_free (self->first_ts);
  g_free (self->last_ts);
}

G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC (Figures, figures_clear)

static void
count (GHashTable *counts, const char *name, gint64 n)
{
  gint64 *known = g_hash_table_lookup (counts, name);

  if (known == NULL)
    {
      known = g_new0 (gint64, 1);
      g_hash_table_insert (counts, g_strdup (name), known);
    }
  *known += n;
}

static gboolean
count_types (Figures *self, GError **error)
{
  g_autoptr (sqlite3_stmt) stmt =
      zu_sqlite_prepare (self->db, "SELECT type, count(*) FROM events GROUP BY type", error);
  int result;

  if (stmt == NULL)
    return FALSE;
  while ((result = sqlite3_step (stmt)) == SQLITE_ROW)
    {
      /* A damaged row may have none. */
      const char *text = (const char *) sqlite3_column_text (stmt, 0);
      g_autofree char *type = g_utf8_make_valid (text != NULL ? text : "-", -1);

      count (self->types, type, sqlite3_column_int64 (stmt, 1));
    }
  if (result != SQLITE_DONE)
    zu_sqlite_watch_set_error (&self->watch, result, "count the events", error);
  return result == SQLITE_DONE;
}

/* The blob's head says what is needed to read it. */
static void
count_blob (Figures *self, const guint8 *head, gsize size)
{
  g_autofree char *version = size > 0 ? g_strdup_printf ("%u", head[0]) : g_strdup ("none");
  g_autofree char *raw = NULL, *id = NULL;

  count (self->versions, version, 1);
  if (size < 2 || head[0] != 2 || head[1] == 0 || size < (gsize) head[1] + 2)
    return;

  raw = g_strndup ((const char *) head + 2, head[1]);
  id = g_utf8_make_valid (raw, -1);
  count (self->keys, id, 1);
}

static gboolean
count_blobs (Figures *self, GError **error)
{
  g_autoptr (sqlite3_stmt) stmt =
      zu_sqlite_prepare (self->db,
                         "SELECT substr(data, 1, " G_STRINGIFY (BLOB_HEAD) ") FROM events", error);
  int result;

  if (stmt == NULL)
    return FALSE;
  while ((result = sqlite3_step (stmt)) == SQLITE_ROW)
    {
      const guint8 *head = sqlite3_column_blob (stmt, 0);

      count_blob (self, head, (gsize) sqlite3_column_bytes (stmt, 0));
    }
  if (result != SQLITE_DONE)
    zu_sqlite_watch_set_error (&self->watch, result, "count the events", error);
  return result == SQLITE_DONE;
}

/* NULL too where the row cannot be read: that is the auditor's affair. */
static char *
dup_ts (Figures *self, const char *order)
{
  g_autofree char *sql =
      g_strdup_printf ("SELECT " ZU_SQLITE_ROW_COLUMNS " FROM events e ORDER BY e.seq %s LIMIT 1",
                       order);
  g_autoptr (sqlite3_stmt) stmt = zu_sqlite_prepare (self->db, sql, NULL);
  g_autoptr (ZuEvent) event = NULL;

  if (stmt != NULL && sqlite3_step (stmt) == SQLITE_ROW)
    event = zu_sqlite_row_decode (stmt, self->params, NULL);
  return event != NULL ? g_strdup (zu_event_get_ts (event)) : NULL;
}

static gint64
get_size (const char *path, const char *suffix)
{
  g_autofree char *name = g_strconcat (path, suffix, NULL);
  ZuSqliteIdentity identity;

  return zu_sqlite_identity_read (&identity, name) ? identity.size : 0;
}

static int
compare (gconstpointer a, gconstpointer b)
{
  return strcmp (a, b);
}

static ZuJson *
to_json (GHashTable *counts)
{
  g_autoptr (ZuJsonBuilder) builder = zu_json_builder_new ();
  g_autoptr (GList) names = g_list_sort (g_hash_table_get_keys (counts), compare);

  zu_json_builder_begin_object (builder);
  for (GList *l = names; l != NULL; l = l->next)
    {
      zu_json_builder_set_member (builder, l->data);
      zu_json_builder_add_int64 (builder, *(gint64 *) g_hash_table_lookup (counts, l->data));
    }
  zu_json_builder_end_object (builder);
  return zu_json_builder_end (builder, NULL);
}

/* All of it at one moment. */
static gboolean
gather (Figures *self, GError **error)
{
  gboolean is_read =
      zu_sqlite_exec (self->db, "BEGIN", error)
      && zu_sqlite_get_int64 (self->db, "SELECT count(*) FROM events", &self->n_events, error)
      && zu_sqlite_get_int64 (self->db, "SELECT count(DISTINCT trace_id) FROM events",
                              &self->n_traces, error)
      && count_types (self, error) && count_blobs (self, error);

  if (is_read)
    {
      self->first_ts = dup_ts (self, "ASC");
      self->last_ts = dup_ts (self, "DESC");
    }
  return is_read;
}

static ZuLogFigures *
describe (Figures *self, const char *path)
{
  g_autoptr (ZuJson) types = to_json (self->types), versions = to_json (self->versions),
                     keys = to_json (self->keys);
  g_auto (GStrv) fields = zu_sqlite_index_dup_fields (self->db, NULL);

  return g_object_new (ZU_TYPE_LOG_FIGURES, "events", self->n_events, "traces", self->n_traces,
                       "bytes", get_size (path, "") + get_size (path, "-wal"), "first-ts",
                       self->first_ts, "last-ts", self->last_ts, "types", types, "versions",
                       versions, "keys", keys, "fields", fields, NULL);
}

static gboolean
check_sound (ZuSqliteSession *session, const char *path, GError **error)
{
  if (zu_sqlite_session_pause (session))
    return TRUE;

  g_set_error (error, ZU_EVENT_SINK_ERROR, ZU_EVENT_SINK_ERROR_BUSY,
               "%s: another program wrote the log while it was being read (read again)", path);
  return FALSE;
}

ZuLogFigures *
zu_sqlite_stat (const char *path, const ZuSqliteParams *params, GCancellable *cancellable,
                GError **error)
{
  g_autoptr (ZuSqliteSession) session = zu_sqlite_session_open (path, params->busy_timeout, error);
  g_autoptr (ZuLogFigures) result = NULL;
  g_auto (Figures) figures;

  figures_init (&figures, session != NULL ? session->db : NULL, params);
  if (session == NULL)
    return NULL;

  zu_sqlite_watch_begin (&figures.watch, session->db, path, cancellable);
  if (!gather (&figures, error))
    return NULL;
  result = describe (&figures, path);
  return check_sound (session, path, error) ? g_steal_pointer (&result) : NULL;
}

/* What SQLite itself finds: broken pages and trees, and indexes that differ from their table. */
static gboolean
check_store (ZuSqliteWatch *watch, GStrvBuilder *problems, GError **error)
{
  g_autoptr (sqlite3_stmt) stmt =
      zu_sqlite_prepare (watch->db, "PRAGMA integrity_check(100)", error);
  int result;

  if (stmt == NULL)
    return FALSE;
  while ((result = sqlite3_step (stmt)) == SQLITE_ROW)
    {
      g_autofree char *text = g_utf8_make_valid ((const char *) sqlite3_column_text (stmt, 0), -1);

      if (!g_str_equal (text, "ok"))
        g_strv_builder_add (problems, text);
    }
  if (result == SQLITE_CORRUPT)
    g_strv_builder_add (problems, sqlite3_errmsg (watch->db));
  else if (result != SQLITE_DONE)
    zu_sqlite_watch_set_error (watch, result, "check the log", error);
  return result == SQLITE_DONE || result == SQLITE_CORRUPT;
}

/* Another implementation's log need not have the tables at all. */
static void
check_index (sqlite3 *db, GStrvBuilder *problems)
{
  gint64 n_orphans = 0;
  g_autofree char *text = NULL;

  if (!zu_sqlite_get_int64 (db,
                            "SELECT count(*) FROM event_index x WHERE NOT EXISTS"
                            " (SELECT 1 FROM events e WHERE e.event_id = x.event_id)",
                            &n_orphans, NULL)
      || n_orphans == 0)
    return;

  text = g_strdup_printf ("%" G_GINT64_FORMAT " entr%s of the side index belong%s to no event "
                          "(rebuild it: zuctl log reindex)",
                          n_orphans, n_orphans == 1 ? "y" : "ies", n_orphans == 1 ? "s" : "");
  g_strv_builder_add (problems, text);
}

GStrv
zu_sqlite_check (const char *path, const ZuSqliteParams *params, GCancellable *cancellable,
                 GError **error)
{
  g_autoptr (ZuSqliteSession) session = zu_sqlite_session_open (path, params->busy_timeout, error);
  g_autoptr (GStrvBuilder) problems = g_strv_builder_new ();
  g_auto (ZuSqliteWatch) watch = { 0 };

  if (session == NULL)
    return NULL;

  zu_sqlite_watch_begin (&watch, session->db, path, cancellable);
  if (!check_store (&watch, problems, error))
    return NULL;
  check_index (session->db, problems);
  return check_sound (session, path, error) ? g_strv_builder_end (problems) : NULL;
}
