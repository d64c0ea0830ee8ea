/* SPDX-License-Identifier: Apache-2.0 */

/* A closed log of which any byte was changed: that is reported, or it changes nothing that anybody
 * reads, and then the byte stands in a place of which this is known. */

#include "log-support.h"
#include "pages.h"
#include "victim.h"

#include <sqlite3.h>
#include <string.h>

#define APPEND_TO 16 /* one in so many harmless changes */

/* All bits of a byte; and one that makes another letter or number of it, or another case. */
static guint8
get_mask (gsize place, guint n)
{
  return n == 0 ? 0xff : place % 2 == 0 ? 0x01 : 0x20;
}

static const char *const side_tables[] = { "sqlite_sequence", "zu_log", "zu_seals", NULL };

typedef struct
{
  Victim victim;
  Pages *pages;
  char *schema;
  char *seals;
  guint n_noticed;
  guint n_idle;
} Survey;

/* Bytes of the file's header that tell nothing about what is stored, by their number from zero:
 * write version; change counter; schema cookie and format; cache size; text encoding (its lowest
 * two bits count); user version; application id; reserved; where and by whom it was written last.
 */
static const struct
{
  gsize start;
  gsize end;
} idle_header[] = {
  { 18, 19 }, { 24, 28 }, { 40, 48 }, { 48, 52 }, { 56, 60 },
  { 60, 64 }, { 68, 72 }, { 72, 92 }, { 92, 96 }, { 96, 100 },
};

static gboolean
is_idle_header (gsize place)
{
  for (guint i = 0; i < G_N_ELEMENTS (idle_header); i++)
    if (place >= idle_header[i].start && place < idle_header[i].end)
      return TRUE;
  return FALSE;
}

/* Tables and indexes as SQLite understands them, whatever the text that declares them. */
static char *
dup_schema (Victim *victim)
{
  static const char *const sql =
      "WITH t(name) AS (VALUES ('events'), ('event_index'))"
      "SELECT (SELECT group_concat(t.name || c.cid || lower(c.name) || c.type || c.\"notnull\" || "
      "c.pk)"
      " FROM t, pragma_table_info(t.name) c) || (SELECT group_concat(t.name || l.\"unique\" ||"
      " l.origin || l.partial || i.seqno || i.cid || i.coll)"
      " FROM t, pragma_index_list(t.name) l, pragma_index_xinfo(l.name) i)";
  g_autofree char *uri = g_strdup_printf ("file:%s?immutable=1", victim->path);
  sqlite3_stmt *row = NULL;
  sqlite3 *db = NULL;
  char *schema = NULL;

  if (sqlite3_open_v2 (uri, &db, SQLITE_OPEN_READONLY | SQLITE_OPEN_URI, NULL) == SQLITE_OK
      && sqlite3_prepare_v2 (db, sql, -1, &row, NULL) == SQLITE_OK
      && sqlite3_step (row) == SQLITE_ROW)
    schema = g_strdup ((const char *) sqlite3_column_text (row, 0));
  sqlite3_finalize (row);
  sqlite3_close (db);
  return schema;
}

/* What the log says of its end, and of its policy; not whether it was ever sealed, which counts
 * only where its seals are gone. */
static char *
dup_seals (Victim *victim)
{
  g_autoptr (ZuEventSink) sink = victim_open (victim);
  g_autoptr (ZuSealPage) page =
      zu_event_audit_seals (ZU_EVENT_AUDIT (sink), 0, 0, 4096, NULL, NULL);
  g_autoptr (ZuSealPage) bare = NULL;
  g_autoptr (ZuJson) json = NULL;

  if (page == NULL)
    return NULL;
  bare = g_object_new (ZU_TYPE_SEAL_PAGE, "seals", zu_seal_page_get_seals (page), "log",
                       zu_seal_page_get_log (page), "encrypted-from",
                       zu_seal_page_get_encrypted_from (page), NULL);
  json = zu_seal_page_to_json (bare);
  return zu_json_to_string (json);
}

/* Why nothing need be said of a byte that was changed and left all that is read as it was. */
static gboolean
is_known_to_be_idle (Survey *self, gsize place)
{
  const char *owner = pages_get_owner (self->pages, place);
  PagesUse use = pages_get_use (self->pages, place);
  g_autofree char *schema = NULL, *seals = NULL;

  switch (use)
    {
    case PAGES_HEADER:
      return is_idle_header (place);
    case PAGES_UNUSED:
    case PAGES_TAIL:
    case PAGES_FREE:
      return TRUE;
    case PAGES_CELL:
    case PAGES_OVERFLOW:
      break;
    default:
      return FALSE;
    }

  /* The same event in another spelling. */
  if (g_str_equal (owner, "events"))
    return use == PAGES_OVERFLOW || g_ascii_isalpha (self->victim.bytes[place]);
  if (g_str_equal (owner, "sqlite_schema"))
    {
      schema = dup_schema (&self->victim);
      return g_strcmp0 (schema, self->schema) == 0;
    }

  /* Numbers that nothing is read by; but the same tables say what is sealed. */
  seals = dup_seals (&self->victim);
  return g_strv_contains (side_tables, owner) && g_strcmp0 (seals, self->seals) == 0;
}

static gboolean
is_empty_space (PagesUse use)
{
  return use == PAGES_UNUSED || use == PAGES_TAIL || use == PAGES_FREE;
}

/* A writer goes on, or says why not. */
static void
append_to_changed (Victim *victim)
{
  g_autoptr (ZuEventSink) sink = victim_open (victim);
  g_autoptr (GError) error = NULL;
  g_autoptr (ZuEvent) stored = append_one (sink, 0, 10, &error);

  g_assert_true ((stored != NULL) != (error != NULL));
  if (stored != NULL)
    {
      g_autoptr (LogState) state = log_state_read_with_key (sink, victim->key, TRUE);

      log_state_assert_sound (state);
    }
  else
    g_assert_true (error->domain == ZU_EVENT_SINK_ERROR);
  g_clear_object (&sink);
  victim_heal (victim);
}

static void
change_byte (Survey *self, gsize place, guint8 mask)
{
  char changed = (char) ((guint8) self->victim.bytes[place] ^ mask);
  gsize page = pages_get_size (self->pages);

  victim_put (&self->victim, place, &changed, 1);
  if (victim_is_noticed (&self->victim, "a byte", place))
    self->n_noticed++;
  else if (!is_known_to_be_idle (self, place))
    g_error ("byte %" G_GSIZE_FORMAT " of page %" G_GSIZE_FORMAT " (%s) may be changed by %x, and "
             "nobody says so",
             place % page, place / page + 1, pages_get_owner (self->pages, place), mask);
  else if (self->n_idle++ % APPEND_TO == 0)
    append_to_changed (&self->victim);
  victim_put (&self->victim, place, self->victim.bytes + place, 1);
}

static void
test_sqlite_bytes (void)
{
  Survey survey = { 0 };

  victim_init (&survey.victim, "sqlite");
  survey.pages =
      pages_read (survey.victim.path, (const guint8 *) survey.victim.bytes, survey.victim.size);
  survey.schema = dup_schema (&survey.victim);
  survey.seals = dup_seals (&survey.victim);
  g_assert_nonnull (survey.seals);
  for (gsize i = 0; i < survey.victim.size; i++)
    {
      change_byte (&survey, i, get_mask (i, 0));
      if (!is_empty_space (pages_get_use (survey.pages, i)))
        change_byte (&survey, i, get_mask (i, 1));
    }

  g_test_message ("%u changes reported, %u harmless", survey.n_noticed, survey.n_idle);
  g_assert_cmpuint (survey.n_noticed, >, survey.victim.size / 2);
  victim_clear (&survey.victim);
  pages_free (survey.pages);
  g_free (survey.schema);
  g_free (survey.seals);
}

/* The end of the file is missing, at each page and in the middle of each. */
static void
test_sqlite_cut (void)
{
  g_auto (Victim) victim = { 0 };
  g_autoptr (Pages) pages = NULL;

  victim_init (&victim, "sqlite");
  pages = pages_read (victim.path, (const guint8 *) victim.bytes, victim.size);
  for (gsize size = 0; size < victim.size; size += 256)
    {
      gboolean is_used = pages_get_use (pages, size) != PAGES_FREE;

      victim_cut (&victim, size);
      g_assert_true (victim_is_noticed (&victim, "a cut", size) || !is_used);
      victim_heal (&victim);
    }
}

/* What no event is read by may stand there in any form. */
static gboolean
is_needed (Pages *pages, gsize place)
{
  return pages_get_use (pages, place) != PAGES_FREE
         && !g_str_equal (pages_get_owner (pages, place), "sqlite_sequence");
}

static void
put_page (Victim *victim, Pages *pages, gsize to, gsize from)
{
  victim_put (victim, to, victim->bytes + from, pages_get_size (pages));
}

static void
mix_up (Victim *victim, Pages *pages, gsize one, gsize other)
{
  put_page (victim, pages, one, other);
  g_assert_true (victim_is_noticed (victim, "a page in place of another", one)
                 || !is_needed (pages, one));
  put_page (victim, pages, other, one);
  g_assert_true (victim_is_noticed (victim, "a swap of pages", one)
                 || !(is_needed (pages, one) || is_needed (pages, other)));
  put_page (victim, pages, one, one);
  g_assert_true (victim_is_noticed (victim, "a page in place of another", other)
                 || !is_needed (pages, other));
  put_page (victim, pages, other, other);
}

static void
test_sqlite_pages (void)
{
  g_auto (Victim) victim = { 0 };
  g_autoptr (Pages) pages = NULL;
  g_autofree char *zeros = NULL;
  gsize size;

  victim_init (&victim, "sqlite");
  pages = pages_read (victim.path, (const guint8 *) victim.bytes, victim.size);
  size = pages_get_size (pages);
  zeros = g_malloc0 (size);
  for (gsize i = 0; i < victim.size; i += size)
    {
      victim_put (&victim, i, zeros, size);
      g_assert_true (victim_is_noticed (&victim, "a page of zeros", i) || !is_needed (pages, i));
      put_page (&victim, pages, i, i);
      for (gsize k = i + size; k < victim.size; k += size)
        mix_up (&victim, pages, i, k);
    }
}

/* Rows that are taken away or changed, as SQL does it: the database is sound, the log is not. */
static void
test_sqlite_rows (void)
{
  static const char *const changes[] = {
    "DELETE FROM events WHERE seq = 1",
    "DELETE FROM events WHERE seq = 5",
    "DELETE FROM events WHERE trace_id = (SELECT trace_id FROM events WHERE seq = 3)",
    "DELETE FROM events",
    "DELETE FROM zu_seals",
    "DROP TABLE zu_seals",
    "DROP TABLE zu_seals; DROP TABLE zu_log",
    "DELETE FROM sqlite_sequence WHERE name NOT IN ('events')",
    "DROP TABLE zu_seals; DROP TABLE zu_log; DELETE FROM sqlite_sequence WHERE name <> 'events'",
    "UPDATE zu_seals SET events = events - 1",
    "UPDATE zu_seals SET head = zeroblob (32)",
    "UPDATE events SET type = 'data.other' WHERE seq = 2",
    "UPDATE events SET source = CAST (source AS BLOB) WHERE seq = 2",
    "UPDATE events SET parent_id = '' WHERE seq = 2",
    "UPDATE events SET data = CAST (data AS TEXT) WHERE seq = 2",
    "UPDATE events SET data = (SELECT data FROM events WHERE seq = 1) WHERE seq = 4",
    "UPDATE events SET data = x'00' WHERE seq = 2",
    "UPDATE events SET seq = 6 - seq + 100",
  };

  for (guint i = 0; i < G_N_ELEMENTS (changes); i++)
    {
      g_auto (Victim) victim = { 0 };

      victim_init (&victim, "sqlite");
      victim_sql (&victim, changes[i]);
      if (!victim_is_noticed (&victim, changes[i], i))
        g_error ("nobody says a word of: %s", changes[i]);
    }
}

/* A line is the event that it reads as; what is not noticed reads as the same. */
static void
test_jsonl_bytes (void)
{
  g_auto (Victim) victim = { 0 };
  guint n_noticed = 0;

  victim_init (&victim, "jsonl");
  for (gsize i = 0; i < victim.size; i++)
    for (guint mask = 1; mask < 256; mask += i % 16 == 0 ? 1 : 31)
      {
        char changed = (char) (victim.bytes[i] ^ mask);

        victim_put (&victim, i, &changed, 1);
        n_noticed += victim_is_noticed (&victim, "a byte", i);
        victim_put (&victim, i, victim.bytes + i, 1);
      }
  g_assert_cmpuint (n_noticed, >, victim.size * 8);
}

/* A cut between two lines leaves a whole log, which only an anchor knows to be too short. */
static void
test_jsonl_cut (void)
{
  g_auto (Victim) victim = { 0 };
  guint n_unseen = 0;

  victim_init (&victim, "jsonl");
  for (gsize size = 0; size + 1 < victim.size; size++)
    {
      g_autofree char *content = NULL;

      victim_cut (&victim, size);
      content = victim_read (&victim);
      if (content != NULL)
        {
          g_assert_true (size == 0 || victim.bytes[size] == '\n' || victim.bytes[size - 1] == '\n');
          g_assert_true (victim_is_behind_anchor (&victim));
          n_unseen++;
        }
      victim_heal (&victim);
    }
  g_assert_cmpuint (n_unseen, >, 0);
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  silence_messages ();
  g_test_add_func ("/faults/bytes/sqlite/bytes", test_sqlite_bytes);
  g_test_add_func ("/faults/bytes/sqlite/cut", test_sqlite_cut);
  g_test_add_func ("/faults/bytes/sqlite/pages", test_sqlite_pages);
  g_test_add_func ("/faults/bytes/sqlite/rows", test_sqlite_rows);
  g_test_add_func ("/faults/bytes/jsonl/bytes", test_jsonl_bytes);
  g_test_add_func ("/faults/bytes/jsonl/cut", test_jsonl_cut);
  return g_test_run ();
}
