/* SPDX-License-Identifier: Apache-2.0 */

#include "log-support.h"

#include <gio/gio.h>
#include <sqlite3.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define N_TRACES 3
#define PAGE     64

void
promises_init (Promises *self)
{
  g_mutex_init (&self->lock);
  self->promised = g_ptr_array_new_with_free_func (g_free);
  self->batches = g_ptr_array_new_with_free_func ((GDestroyNotify) g_ptr_array_unref);
}

void
promises_clear (Promises *self)
{
  g_mutex_clear (&self->lock);
  g_ptr_array_unref (self->promised);
  g_ptr_array_unref (self->batches);
}

/* An append was answered. How many that makes. */
guint
promises_add (Promises *self, ZuEvent *event)
{
  g_autoptr (GMutexLocker) locker = g_mutex_locker_new (&self->lock);

  g_ptr_array_add (self->promised, g_strdup (zu_event_get_event_id (event)));
  return self->promised->len;
}

/* What was found of one trace. */
typedef struct
{
  guint64 n_events;
  guint64 n_to_head; /* up to the one that its seal ends with */
} Trace;

/* A log on its way through its verifiers. */
typedef struct
{
  LogState *state;
  ZuChainVerifier *chain;
  ZuSealVerifier *seals;
  GHashTable *traces; /* id to Trace */
} Reading;

static void
note_trace (Reading *self, ZuEvent *event)
{
  const char *id = zu_event_get_trace_id (event);
  Trace *trace = g_hash_table_lookup (self->traces, id);

  if (trace == NULL)
    {
      trace = g_new0 (Trace, 1);
      g_hash_table_insert (self->traces, g_strdup (id), trace);
    }
  trace->n_events++;
  if (g_strcmp0 (zu_event_get_hash (event), zu_seal_verifier_get_head (self->seals, id)) == 0)
    trace->n_to_head = trace->n_events;
}

static void
note_event (Reading *self, ZuEvent *event)
{
  GHashTable *ids = self->state->ids;
  const char *id = zu_event_get_event_id (event);
  guint n = GPOINTER_TO_UINT (g_hash_table_lookup (ids, id));

  g_hash_table_replace (ids, g_strdup (id), GUINT_TO_POINTER (n + 1));
  self->state->n_events++;
  zu_chain_verifier_add (self->chain, event);
  note_trace (self, event);
}

/* A bad line behind the last event is named by every page that begins there. */
static void
note_finding (LogState *self, ZuAuditFinding *finding)
{
  if (zu_audit_finding_get_seq (finding) <= self->last_finding)
    return;

  self->last_finding = zu_audit_finding_get_seq (finding);
  self->n_findings++;
  g_string_append_printf (self->words, "%s\n", zu_audit_finding_get_text (finding));
}

static void
note_page (Reading *self, ZuAuditPage *page)
{
  GPtrArray *events = zu_audit_page_get_events (page);
  GPtrArray *findings = zu_audit_page_get_findings (page);

  for (guint i = 0; i < events->len; i++)
    note_event (self, g_ptr_array_index (events, i));
  for (guint i = 0; i < findings->len; i++)
    note_finding (self->state, g_ptr_array_index (findings, i));
}

static gboolean
is_last_page (ZuAuditPage *page, gint64 after)
{
  return zu_audit_page_get_next_seq (page) == after
         || (zu_audit_page_get_events (page)->len == 0
             && zu_audit_page_get_findings (page)->len == 0);
}

static gboolean
read_pages (Reading *self, ZuEventAudit *audit, GError **error)
{
  gboolean is_done = FALSE;
  gint64 after = 0;

  if (!zu_seal_verifier_read (self->seals, audit, NULL, error))
    return FALSE;
  while (!is_done)
    {
      g_autoptr (ZuAuditPage) page = zu_event_audit_audit (audit, NULL, after, PAGE, NULL, error);

      if (page == NULL)
        return FALSE;
      is_done = is_last_page (page, after);
      note_page (self, page);
      after = zu_audit_page_get_next_seq (page);
    }
  return TRUE;
}

static void
compare_with_seals (Reading *self)
{
  gboolean is_intact = zu_chain_verifier_get_violations (self->chain)->len == 0;
  GHashTableIter iter;
  gpointer id, value;

  g_hash_table_iter_init (&iter, self->traces);
  while (g_hash_table_iter_next (&iter, &id, &value))
    {
      const Trace *trace = value;

      zu_seal_verifier_add_trace (self->seals, id, trace->n_events, 0, trace->n_to_head, is_intact);
    }
  zu_seal_verifier_end (self->seals);
}

static void
note_violations (LogState *self, GPtrArray *violations)
{
  for (guint i = 0; i < violations->len; i++)
    g_string_append_printf (self->words, "%s\n",
                            zu_violation_get_text (g_ptr_array_index (violations, i)));
  self->n_violations += violations->len;
}

/* The chain is checked, and the seals; signatures of both where there is a key. */
LogState *
log_state_read_with_key (ZuEventSink *sink, ZuSecret *key, gboolean needs_seals)
{
  LogState *self = g_new0 (LogState, 1);
  g_autoptr (ZuChainVerifier) chain = zu_chain_verifier_new (key);
  g_autoptr (ZuSealVerifier) seals = zu_seal_verifier_new (key, needs_seals);
  g_autoptr (GHashTable) traces = g_hash_table_new_full (g_str_hash, g_str_equal, g_free, g_free);
  Reading reading = { self, chain, seals, traces };

  self->ids = g_hash_table_new_full (g_str_hash, g_str_equal, g_free, NULL);
  self->words = g_string_new (NULL);
  if (!read_pages (&reading, ZU_EVENT_AUDIT (sink), &self->error))
    return self;

  compare_with_seals (&reading);
  note_violations (self, zu_chain_verifier_get_violations (chain));
  note_violations (self, zu_seal_verifier_get_violations (seals));
  return self;
}

LogState *
log_state_read (ZuEventSink *sink)
{
  return log_state_read_with_key (sink, NULL, FALSE);
}

void
log_state_free (LogState *self)
{
  g_hash_table_unref (self->ids);
  g_string_free (self->words, TRUE);
  g_clear_error (&self->error);
  g_free (self);
}

void
log_state_assert_sound (LogState *self)
{
  g_assert_no_error (self->error);
  g_assert_cmpstr (self->words->str, ==, "");
  g_assert_cmpuint (g_hash_table_size (self->ids), ==, self->n_events);
}

guint
log_state_count_of (LogState *self, GPtrArray *ids)
{
  guint n = 0;

  for (guint i = 0; i < ids->len; i++)
    n += g_hash_table_contains (self->ids, g_ptr_array_index (ids, i));
  return n;
}

/* The first @n that were promised are there, each once. */
void
log_state_assert_kept (LogState *self, Promises *promises, guint n)
{
  g_assert_cmpuint (n, <=, promises->promised->len);
  for (guint i = 0; i < n; i++)
    {
      const char *id = g_ptr_array_index (promises->promised, i);
      guint found = GPOINTER_TO_UINT (g_hash_table_lookup (self->ids, id));

      if (found != 1)
        g_error ("event %s, number %u of %u that were acknowledged, is there %u times", id, i + 1,
                 n, found);
    }
}

const char *
trace_of (guint n)
{
  static const char *const traces[N_TRACES] = { TRACE_A, TRACE_B,
                                                "0b1c2d3e-0000-4000-8000-000000000003" };

  return traces[n % N_TRACES];
}

ZuEvent *
make_sized_event (guint n, gsize size)
{
  g_autofree char *filling = g_strnfill (size, 'x');
  g_autofree char *payload = g_strdup_printf ("{\"n\":%u,\"x\":\"%s\"}", n, filling);

  return make_event_with (trace_of (n), "data.x", payload);
}

ZuEvent *
append_one (ZuEventSink *sink, guint n, gsize size, GError **error)
{
  g_autoptr (ZuEvent) event = make_sized_event (n, size);

  return zu_event_sink_append (sink, event, NULL, error);
}

/* Each trace goes on. */
void
assert_takes_events (ZuEventSink *sink)
{
  for (guint i = 0; i < N_TRACES; i++)
    {
      g_autoptr (GError) error = NULL;
      g_autoptr (ZuEvent) stored = append_one (sink, i, 10, &error);

      g_assert_no_error (error);
      g_assert_true (zu_event_is_linked (stored));
    }
}

/* SQLite's own opinion of it. */
void
assert_database_sound (const char *path)
{
  sqlite3 *db = NULL;
  sqlite3_stmt *stmt = NULL;

  g_assert_cmpint (sqlite3_open_v2 (path, &db, SQLITE_OPEN_READWRITE, NULL), ==, SQLITE_OK);
  g_assert_cmpint (sqlite3_prepare_v2 (db, "PRAGMA integrity_check", -1, &stmt, NULL), ==,
                   SQLITE_OK);
  g_assert_cmpint (sqlite3_step (stmt), ==, SQLITE_ROW);
  g_assert_cmpstr ((const char *) sqlite3_column_text (stmt, 0), ==, "ok");
  sqlite3_finalize (stmt);
  sqlite3_close (db);
}

ZuEventSink *
open_log (const char *kind, const char *folder, const char *options)
{
  g_autofree char *uri =
      g_strdup_printf ("%s:%s/log%s", kind, folder, options != NULL ? options : "");
  g_autoptr (GError) error = NULL;
  ZuEventSink *sink = zu_open_sink (uri, &error);

  g_assert_no_error (error);
  return sink;
}

/* A new folder in @parent, named without links. */
static char *
make_folder_in (const char *parent)
{
  g_autofree char *template = g_build_filename (parent, "zu-faults-XXXXXX", NULL);
  char *real, *path;

  g_assert_nonnull (g_mkdtemp (template));
  real = realpath (template, NULL);
  path = g_strdup (real);
  free (real);
  return path;
}

char *
make_folder (void)
{
  return make_folder_in (g_get_tmp_dir ());
}

/* Where a flush costs nothing, for tests of which no disk is a part. */
char *
make_quick_folder (void)
{
  return make_folder_in (access ("/dev/shm", W_OK) == 0 ? "/dev/shm" : g_get_tmp_dir ());
}

void
remove_tree (const char *path)
{
  SinkFixture fixture = { g_strdup (path), NULL };

  sink_tear_down (&fixture, NULL);
}

static GLogWriterOutput
drop_messages (GLogLevelFlags level, const GLogField *fields, gsize n_fields, gpointer data)
{
  return (level & G_LOG_LEVEL_MESSAGE) != 0 ? G_LOG_WRITER_HANDLED
                                            : g_log_writer_default (level, fields, n_fields, data);
}

/* A sink tells of every torn line that it finds; here there are hundreds. */
void
silence_messages (void)
{
  g_log_set_writer_func (drop_messages, NULL, NULL);
}
