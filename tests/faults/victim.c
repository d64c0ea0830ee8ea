/* SPDX-License-Identifier: Apache-2.0 */

#include "victim.h"

#include "log-support.h"

#include <fcntl.h>
#include <sqlite3.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define N_EVENTS 5
#define FIELD    "grant_id"

ZuEventSink *
victim_open (Victim *self)
{
  const char *const fields[] = { FIELD, NULL };
  const char *names[] = { "index-fields", "sign-key" };
  g_autoptr (GError) error = NULL;
  GValue values[2] = { G_VALUE_INIT, G_VALUE_INIT };
  ZuEventSink *sink;

  g_value_init (&values[0], G_TYPE_STRV);
  g_value_set_boxed (&values[0], fields);
  g_value_init (&values[1], ZU_TYPE_SECRET);
  g_value_set_boxed (&values[1], self->key);
  sink = zu_open_sink_with_properties (self->uri, 2, names, values, &error);
  g_assert_no_error (error);
  g_value_unset (&values[0]);
  g_value_unset (&values[1]);
  return sink;
}

static void
add_events (GString *content, GPtrArray *events)
{
  for (guint i = 0; i < events->len; i++)
    g_string_append_printf (content, "%s\n",
                            zu_event_get_text (g_ptr_array_index (events, i), NULL));
}

/* Whether a reader who filters got an answer; it is added to @content. */
static gboolean
add_answer (ZuEventSink *sink, const char *field, const char *value, GString *content)
{
  g_autoptr (ZuFilter) filter = filter_of (field, value);
  g_autoptr (GPtrArray) events = zu_event_sink_query (sink, filter, 0, -1, NULL, NULL);

  g_string_append_printf (content, "%s %s\n", field, value != NULL ? value : "-");
  if (events != NULL)
    add_events (content, events);
  return events != NULL;
}

static gboolean
add_answers (ZuEventSink *sink, GString *content)
{
  for (guint i = 0; i < 3; i++)
    if (!add_answer (sink, "trace_id", trace_of (i), content))
      return FALSE;
  return add_answer (sink, "type", "data.odd", content)
         && add_answer (sink, "task_id", TASK, content)
         && add_answer (sink, "parent_id", NULL, content) && add_answer (sink, FIELD, "g1", content)
         && add_answer (sink, FIELD, NULL, content);
}

/* Pages, trees and indexes, as `zuctl log stat --check` looks at them. */
static gboolean
is_store_sound (Victim *self, ZuEventSink *sink)
{
  g_auto (GStrv) problems = NULL;

  if (strcmp (self->kind, "jsonl") == 0)
    return TRUE;
  problems = zu_event_maintenance_check (ZU_EVENT_MAINTENANCE (sink), NULL, NULL);
  return problems != NULL && problems[0] == NULL;
}

/* All that is read of the log; NULL where something is reported. */
char *
victim_read (Victim *self)
{
  g_autoptr (ZuEventSink) sink = victim_open (self);
  g_autoptr (LogState) state =
      log_state_read_with_key (sink, self->key, strcmp (self->kind, "sqlite") == 0);
  g_autoptr (GPtrArray) all = NULL;
  g_autoptr (GString) content = g_string_new (NULL);

  if (state->error != NULL || state->words->len > 0 || !is_store_sound (self, sink))
    return NULL;
  all = zu_event_sink_query (sink, NULL, 0, -1, NULL, NULL);
  if (all == NULL || !add_answers (sink, content))
    return NULL;

  add_events (content, all);
  return g_string_free (g_steal_pointer (&content), FALSE);
}

void
victim_sql (Victim *self, const char *statements)
{
  sqlite3 *db = NULL;

  g_assert_cmpint (sqlite3_open (self->path, &db), ==, SQLITE_OK);
  g_assert_cmpint (sqlite3_exec (db, statements, NULL, NULL, NULL), ==, SQLITE_OK);
  sqlite3_close (db);
}

/* What a verifier derives from the contents. */
static ZuChainVerifier *
verify (Victim *self, ZuAnchor *anchor)
{
  g_autoptr (ZuEventSink) sink = victim_open (self);
  g_autoptr (GPtrArray) all = query_ok (sink, NULL);
  ZuChainVerifier *verifier = zu_chain_verifier_new (self->key);

  if (anchor != NULL)
    zu_chain_verifier_set_anchor (verifier, anchor);
  for (guint i = 0; i < all->len; i++)
    zu_chain_verifier_add (verifier, g_ptr_array_index (all, i));
  zu_chain_verifier_end (verifier);
  return verifier;
}

gboolean
victim_is_behind_anchor (Victim *self)
{
  g_autoptr (ZuChainVerifier) verifier = verify (self, self->anchor);

  return zu_chain_verifier_get_violations (verifier)->len > 0;
}

void
victim_init (Victim *self, const char *kind)
{
  g_autoptr (ZuEventSink) sink = NULL;
  g_autoptr (ZuChainVerifier) verifier = NULL;
  g_autoptr (GError) error = NULL;
  char text[] = "a key to sign with, of 32 bytes";

  self->kind = kind;
  self->folder = make_quick_folder ();
  self->path = g_build_filename (self->folder, "log", NULL);
  self->uri = g_strdup_printf ("%s:%s", kind, self->path);
  self->key = zu_secret_new_wiping (text, sizeof text - 1, &error);
  g_assert_no_error (error);
  sink = victim_open (self);
  for (int i = 0; i < N_EVENTS; i++)
    {
      g_autoptr (ZuEvent) event = make_event (trace_of ((guint) i), i);
      g_autoptr (ZuEvent) stored = append_ok (sink, event);

      g_assert_nonnull (stored);
    }
  g_clear_object (&sink);

  /* Small pages, so that there is some of everything; and pages that are not used. */
  if (strcmp (kind, "sqlite") == 0)
    victim_sql (self, "PRAGMA journal_mode = DELETE; PRAGMA page_size = 512; VACUUM;"
                      "CREATE TABLE junk (x); INSERT INTO junk VALUES (zeroblob (1200));"
                      "DROP TABLE junk; INSERT INTO zu_log VALUES ('gap', zeroblob (20)), ('z', 1);"
                      "DELETE FROM zu_log WHERE name IN ('gap', 'z'); PRAGMA journal_mode = WAL;");
  g_file_get_contents (self->path, &self->bytes, &self->size, &error);
  g_assert_no_error (error);
  self->clock = 1000000000;
  self->content = victim_read (self);
  g_assert_nonnull (self->content);
  verifier = verify (self, NULL);
  self->anchor = zu_chain_verifier_dup_heads (verifier);
}

void
victim_clear (Victim *self)
{
  remove_tree (self->folder);
  g_free (self->folder);
  g_free (self->path);
  g_free (self->uri);
  g_free (self->bytes);
  g_free (self->content);
  zu_secret_unref (self->key);
  g_clear_object (&self->anchor);
}

/* As it was again. */
void
victim_heal (Victim *self)
{
  int fd = open (self->path, O_RDWR | O_CLOEXEC);

  g_assert_cmpint (fd, >=, 0);
  g_assert_cmpint (ftruncate (fd, (off_t) self->size), ==, 0);
  close (fd);
  victim_put (self, 0, self->bytes, self->size);
}

/* Changes it. That was a while ago, so that readers keep what they have learnt of the file. */
void
victim_put (Victim *self, gsize place, const char *bytes, gsize size)
{
  const struct timespec times[2] = { { self->clock, 0 }, { self->clock, 0 } };
  int fd = open (self->path, O_WRONLY | O_CLOEXEC);

  g_assert_cmpint (fd, >=, 0);
  g_assert_cmpint (pwrite (fd, bytes, size, (off_t) place), ==, size);
  g_assert_cmpint (futimens (fd, times), ==, 0);
  close (fd);
  self->clock++;
}

void
victim_cut (Victim *self, gsize size)
{
  g_assert_cmpint (truncate (self->path, (off_t) size), ==, 0);
}

/* Whether a change that was made is reported. One that is not leaves all that is read as it was. */
gboolean
victim_is_noticed (Victim *self, const char *what, gsize place)
{
  g_autofree char *content = victim_read (self);

  if (content != NULL && strcmp (content, self->content) != 0)
    g_error ("%s at %" G_GSIZE_FORMAT " changes what is read, and nobody says so", what, place);
  return content == NULL;
}
