/* SPDX-License-Identifier: Apache-2.0 */

/* Seals of a log in SQLite: made with its rows, kept by whoever appends, and what they show. */

#include "sinks-support.h"

#include <string.h>

#define TRACE_C "0b1c2d3e-0000-4000-8000-000000000003"

/* The fixture's own datum is a kind; here it is the key. */
static void
seal_set_up (SinkFixture *fixture, gconstpointer key)
{
  sink_set_up (fixture, "sqlite");
}

/* Another program changes the file. What it prints is given. */
static char *
python (SinkFixture *fixture, const char *code)
{
  g_autofree char *path = fixture_path (fixture, "log");
  const char *argv[] = { g_getenv ("ZU_PYTHON"), "-c", code, path, TRACE_A, NULL };

  return run_output (argv);
}

static void
sql (SinkFixture *fixture, const char *statements)
{
  g_autofree char *code = g_strdup_printf (
      "import sqlite3, sys\nc = sqlite3.connect(sys.argv[1])\nc.executescript('''%s''')\nc.close()",
      statements);
  g_autofree char *output = python (fixture, code);

  g_assert_cmpstr (output, ==, "");
}

/* Appends N linked events as the other implementation does; the last may be wrong. */
static void
append_elsewhere (SinkFixture *fixture, const char *trace_id, int n, gboolean is_wrong)
{
  g_autofree char *code = g_strdup_printf (
      "import sqlite3, sys, json, hashlib, uuid\n"
      "c = sqlite3.connect(sys.argv[1])\n"
      "trace, n, wrong = '%s', %d, %d\n"
      "for i in range(n):\n"
      "    row = c.execute('SELECT data FROM events WHERE trace_id=? ORDER BY seq DESC LIMIT 1',"
      " (trace,)).fetchone()\n"
      "    e = {'event_id': str(uuid.uuid4()), 'trace_id': trace, 'task_id': '" TASK "',"
      " 'parent_id': None, 'type': 'data.other', 'ts': '2024-03-05T06:07:08Z',"
      " 'source': 'python', 'payload': {'n': i}, 'schema_version': 1}\n"
      "    e['prev_hash'] = json.loads(row[0][1:])['hash'] if row else None\n"
      "    if wrong and i == n - 1: e['prev_hash'] = '0' * 64\n"
      "    e['hash'] = hashlib.sha256(json.dumps(e, sort_keys=True,"
      " separators=(',', ':')).encode()).hexdigest()\n"
      "    e['sig'] = None\n"
      "    c.execute('INSERT INTO events (event_id, trace_id, task_id, parent_id, type, source,"
      " data) VALUES (?,?,?,?,?,?,?)', (e['event_id'], trace, e['task_id'], None, e['type'],"
      " e['source'], b'\\0' + json.dumps(e, separators=(',', ':')).encode()))\n"
      "c.commit(); c.close()\n",
      trace_id, n, is_wrong);
  g_autofree char *output = python (fixture, code);

  g_assert_cmpstr (output, ==, "");
}

static ZuSecret *
make_key (const char *text)
{
  g_autoptr (GError) error = NULL;
  g_autofree char *copy = g_strdup (text);
  ZuSecret *key = zu_secret_new_wiping (copy, strlen (copy), &error);

  g_assert_no_error (error);
  return key;
}

static ZuEventSink *
open_with_key (SinkFixture *fixture, const char *key)
{
  g_autofree char *uri = fixture_uri (fixture, NULL);
  g_autoptr (ZuSecret) secret = NULL;

  if (key == NULL)
    return fixture_open (fixture, NULL);
  secret = make_key (key);
  return open_signing (uri, secret);
}

/* What is known of a trace from its rows alone. */
typedef struct
{
  guint64 n;
  guint64 n_to_head;
} Found;

/* Compares the whole log with its seals, as a verifier does. */
static ZuSealVerifier *
check (SinkFixture *fixture, const char *key, gboolean is_required)
{
  g_autoptr (ZuEventSink) sink = fixture_open (fixture, NULL);
  g_autoptr (ZuSecret) secret = key != NULL ? make_key (key) : NULL;
  ZuSealVerifier *verifier = zu_seal_verifier_new (secret, is_required);
  g_autoptr (GHashTable) traces = g_hash_table_new_full (g_str_hash, g_str_equal, g_free, g_free);
  g_autoptr (GPtrArray) events = NULL;
  g_autoptr (GError) error = NULL;
  GHashTableIter iter;
  gpointer id, value;

  zu_seal_verifier_read (verifier, ZU_EVENT_AUDIT (sink), NULL, &error);
  g_assert_no_error (error);
  events = query_ok (sink, NULL);
  for (guint i = 0; i < events->len; i++)
    {
      ZuEvent *event = g_ptr_array_index (events, i);
      const char *trace_id = zu_event_get_trace_id (event);
      Found *found = g_hash_table_lookup (traces, trace_id);

      if (found == NULL)
        g_hash_table_insert (traces, g_strdup (trace_id), found = g_new0 (Found, 1));
      found->n++;
      if (g_strcmp0 (zu_event_get_hash (event), zu_seal_verifier_get_head (verifier, trace_id))
          == 0)
        found->n_to_head = found->n;
    }

  g_hash_table_iter_init (&iter, traces);
  while (g_hash_table_iter_next (&iter, &id, &value))
    zu_seal_verifier_add_trace (verifier, id, ((Found *) value)->n, 0, ((Found *) value)->n_to_head,
                                TRUE);
  zu_seal_verifier_end (verifier);
  return verifier;
}

static void
assert_sealed (SinkFixture *fixture, const char *key, guint64 n_unsealed)
{
  g_autoptr (ZuSealVerifier) verifier = check (fixture, key, TRUE);
  GPtrArray *violations = zu_seal_verifier_get_violations (verifier);

  for (guint i = 0; i < violations->len; i++)
    g_test_message ("%s", zu_violation_get_text (violations->pdata[i]));
  g_assert_cmpuint (violations->len, ==, 0);
  g_assert_true (zu_seal_verifier_is_sealed (verifier));
  g_assert_cmpuint (zu_seal_verifier_get_n_unsealed (verifier), ==, n_unsealed);
}

static void
assert_violation (SinkFixture *fixture, const char *key, ZuViolationKind kind, const char *subject)
{
  g_autoptr (ZuSealVerifier) verifier = check (fixture, key, FALSE);
  GPtrArray *violations = zu_seal_verifier_get_violations (verifier);

  for (guint i = 0; i < violations->len; i++)
    if (zu_violation_get_kind (violations->pdata[i]) == kind
        && g_str_equal (zu_violation_get_subject (violations->pdata[i]), subject))
      return;

  for (guint i = 0; i < violations->len; i++)
    g_test_message ("%s", zu_violation_get_text (violations->pdata[i]));
  g_error ("no %s of %s", zu_violation_kind_to_string (kind), subject);
}

static void
fill (SinkFixture *fixture, const char *key)
{
  g_autoptr (ZuEventSink) sink = open_with_key (fixture, key);

  append_some (sink, TRACE_A, 5);
  append_some (sink, TRACE_B, 3);
  append_some (sink, TRACE_A, 2);
}

static void
test_made (SinkFixture *fixture, gconstpointer key)
{
  fill (fixture, key);
  assert_sealed (fixture, key, 0);
  fill (fixture, key);
  assert_sealed (fixture, key, 0);
}

static GPtrArray *
make_batch (const char *trace_id, int n)
{
  GPtrArray *events = g_ptr_array_new_with_free_func (g_object_unref);

  for (int i = 0; i < n; i++)
    g_ptr_array_add (events, make_event (trace_id, i));
  return events;
}

/* A batch that is taken back leaves the seals as they were; so does one event that is refused. */
static void
test_batches (SinkFixture *fixture, gconstpointer key)
{
  g_autoptr (ZuEventSink) sink = open_with_key (fixture, key);
  g_autoptr (GPtrArray) batch = make_batch (TRACE_A, 20), bad = make_batch (TRACE_B, 20);
  g_autoptr (GPtrArray) stored = zu_event_sink_append_many (sink, batch, NULL, NULL);
  g_autoptr (GError) error = NULL;
  g_autoptr (ZuEvent) again = NULL;

  g_assert_cmpuint (stored->len, ==, 20);
  g_ptr_array_add (bad, change_payload (g_ptr_array_index (batch, 3), "{\"other\":1}"));
  g_assert_null (zu_event_sink_append_many (sink, bad, NULL, &error));
  g_assert_error (error, ZU_EVENT_SINK_ERROR, ZU_EVENT_SINK_ERROR_CONFLICT);
  assert_sealed (fixture, key, 0);

  /* The same where nothing was appended before it. */
  g_clear_object (&sink);
  g_clear_error (&error);
  sink = open_with_key (fixture, key);
  g_assert_null (zu_event_sink_append_many (sink, bad, NULL, &error));
  again = append_ok (sink, g_ptr_array_index (batch, 7));
  g_assert_cmpstr (zu_event_get_hash (again), ==, zu_event_get_hash (stored->pdata[7]));
  append_some (sink, TRACE_B, 3);
  assert_sealed (fixture, key, 0);
}

static void
on_appended (GObject *source, GAsyncResult *result, gpointer user_data)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (ZuEvent) stored = zu_event_sink_append_finish (ZU_EVENT_SINK (source), result, &error);

  g_assert_true (stored != NULL || error != NULL);
  (*(int *) user_data)--;
}

/* Good and bad ones in one commit. */
static void
test_groups (SinkFixture *fixture, gconstpointer key)
{
  g_autoptr (ZuEventSink) sink = open_with_key (fixture, key);
  g_autoptr (GPtrArray) batch = make_batch (TRACE_A, 10);
  int n_left = 60;

  for (int i = 0; i < 60; i++)
    {
      g_autoptr (ZuEvent) event = i % 6 == 5
                                      ? change_payload (g_ptr_array_index (batch, 0), "{\"x\":1}")
                                      : make_event (i % 2 == 0 ? TRACE_A : TRACE_B, i);

      if (i == 0)
        g_set_object (&event, g_ptr_array_index (batch, 0));
      zu_event_sink_append_async (sink, event, NULL, on_appended, &n_left);
    }
  while (n_left > 0)
    g_main_context_iteration (NULL, TRUE);
  assert_sealed (fixture, key, 0);
  assert_intact (sink, 50);
}

static void
test_copy (SinkFixture *fixture, gconstpointer key)
{
  g_autoptr (ZuEventSink) canonical = zu_open_sink ("memory:", NULL);
  g_autoptr (ZuEventSink) copy = fixture_open (fixture, "?role=copy");
  g_autoptr (GPtrArray) events = NULL;

  append_some (canonical, TRACE_A, 6);
  events = query_ok (canonical, NULL);
  /* It begins in the middle. */
  for (guint i = 2; i < events->len; i++)
    {
      g_autoptr (ZuEvent) stored = append_ok (copy, g_ptr_array_index (events, i));

      g_assert_true (zu_event_is_linked (stored));
    }
  g_clear_object (&copy);
  assert_sealed (fixture, NULL, 0);
}

static void
test_processes (SinkFixture *fixture, gconstpointer key)
{
  g_autofree char *uri = fixture_uri (fixture, NULL);
  g_autoptr (GSubprocess) one = start_appender (uri, TRACE_A, 200, FALSE);
  g_autoptr (GSubprocess) two = start_appender (uri, TRACE_A, 200, TRUE);
  g_autoptr (GSubprocess) three = start_appender (uri, TRACE_B, 200, FALSE);

  g_assert_true (g_subprocess_wait_check (one, NULL, NULL));
  g_assert_true (g_subprocess_wait_check (two, NULL, NULL));
  g_assert_true (g_subprocess_wait_check (three, NULL, NULL));
  assert_sealed (fixture, NULL, 0);
}

static void
test_truncated (SinkFixture *fixture, gconstpointer key)
{
  fill (fixture, key);
  sql (fixture, "DELETE FROM events WHERE seq = (SELECT max(seq) FROM events);");
  assert_violation (fixture, key, ZU_VIOLATION_KIND_TAIL_TRUNCATED, TRACE_A);

  /* As many others do not make up for it. */
  append_elsewhere (fixture, TRACE_A, 2, FALSE);
  assert_violation (fixture, key, ZU_VIOLATION_KIND_TAIL_TRUNCATED, TRACE_A);
}

static void
assert_conflict (SinkFixture *fixture, const char *key, const char *trace_id, const char *words)
{
  g_autoptr (ZuEventSink) sink = open_with_key (fixture, key);
  g_autoptr (ZuEvent) event = make_event (trace_id, 1);
  g_autoptr (GError) error = NULL;

  g_assert_null (zu_event_sink_append (sink, event, NULL, &error));
  g_assert_error (error, ZU_EVENT_SINK_ERROR, ZU_EVENT_SINK_ERROR_CONFLICT);
  g_assert_nonnull (strstr (error->message, words));
}

/* Who appends does not go on where the end does not fit its seal; other traces are no worse off. */
static void
test_append_refused (SinkFixture *fixture, gconstpointer key)
{
  g_autoptr (ZuEventSink) sink = NULL;

  fill (fixture, key);
  sql (fixture, "DELETE FROM events WHERE seq = (SELECT max(seq) FROM events);");
  assert_conflict (fixture, key, TRACE_A, "cut off");
  append_elsewhere (fixture, TRACE_A, 1, FALSE);
  assert_conflict (fixture, key, TRACE_A, "not sealed yet");
  sql (fixture, "DELETE FROM events WHERE trace_id = '" TRACE_A "';");
  assert_conflict (fixture, key, TRACE_A, "cut off");

  sink = open_with_key (fixture, key);
  append_some (sink, TRACE_B, 2);
  append_some (sink, TRACE_C, 2);
}

static void
test_trace_missing (SinkFixture *fixture, gconstpointer key)
{
  fill (fixture, key);
  sql (fixture, "DELETE FROM events WHERE trace_id = '" TRACE_B "';");
  assert_violation (fixture, key, ZU_VIOLATION_KIND_TRACE_MISSING, TRACE_B);
  sql (fixture, "DELETE FROM zu_seals WHERE trace_id = '" TRACE_B "';");
  assert_violation (fixture, key, ZU_VIOLATION_KIND_TRACE_MISSING, "-");
}

static void
test_seal_missing (SinkFixture *fixture, gconstpointer key)
{
  fill (fixture, key);
  sql (fixture, "DELETE FROM zu_seals WHERE trace_id = '" TRACE_B "';");
  assert_violation (fixture, key, ZU_VIOLATION_KIND_SEAL_MISSING, "-");
  sql (fixture, "DROP TABLE zu_seals;");
  assert_violation (fixture, key, ZU_VIOLATION_KIND_SEAL_MISSING, "-");
  sql (fixture, "DROP TABLE zu_log;");
  assert_violation (fixture, key, ZU_VIOLATION_KIND_SEAL_MISSING, "-");
  assert_conflict (fixture, key, TRACE_A, "its own seal covers");
}

static void
test_log_seal_gone (SinkFixture *fixture, gconstpointer key)
{
  fill (fixture, key);
  sql (fixture, "DELETE FROM sqlite_sequence WHERE name = 'zu_log_seal';");
  assert_violation (fixture, key, ZU_VIOLATION_KIND_SEAL_MISSING, "-");
  assert_conflict (fixture, key, TRACE_A, "its own seal is gone");
  sql (fixture, "DROP TABLE zu_seals;");
  assert_violation (fixture, key, ZU_VIOLATION_KIND_SEAL_MISSING, "-");
  assert_conflict (fixture, key, TRACE_A, "its own seal is gone");
}

/* The end is cut off, and the seal of the trace put back to what it was then. */
static void
test_set_back (SinkFixture *fixture, gconstpointer key)
{
  g_autofree char *before = NULL, *after = NULL;
  g_autofree char *code = NULL;

  {
    g_autoptr (ZuEventSink) sink = open_with_key (fixture, key);

    append_some (sink, TRACE_A, 5);
    append_some (sink, TRACE_B, 3);
  }
  before = python (fixture, "import sqlite3, sys\nc = sqlite3.connect(sys.argv[1])\n"
                            "r = c.execute('SELECT events, last_seq, hex(head), hex(mac) FROM"
                            " zu_seals WHERE trace_id = ?', (sys.argv[2],)).fetchone()\n"
                            "print(*r, end='')\n");
  fill (fixture, key);
  code = g_strdup_printf (
      "import sqlite3, sys\nc = sqlite3.connect(sys.argv[1])\nr = '%s'.split(' ')\n"
      "c.execute('UPDATE zu_seals SET events = ?, last_seq = ?, head = ?, mac = ? WHERE"
      " trace_id = ?', (int(r[0]), int(r[1]), bytes.fromhex(r[2]), bytes.fromhex(r[3]) if r[3]"
      " else None, sys.argv[2]))\n"
      "c.execute('DELETE FROM events WHERE trace_id = ? AND seq > ?', (sys.argv[2], int(r[1])))\n"
      "c.commit(); c.close()\n",
      before);
  after = python (fixture, code);
  g_assert_cmpstr (after, ==, "");
  assert_violation (fixture, key, ZU_VIOLATION_KIND_TAIL_TRUNCATED, "-");
}

static void
test_unsealed (SinkFixture *fixture, gconstpointer key)
{
  g_autoptr (ZuEventSink) sink = NULL;

  fill (fixture, key);
  append_elsewhere (fixture, TRACE_A, 3, FALSE);
  append_elsewhere (fixture, TRACE_C, 2, FALSE);
  assert_sealed (fixture, key, 5);

  sink = open_with_key (fixture, key);
  append_some (sink, TRACE_A, 1);
  assert_sealed (fixture, key, 2);
  append_some (sink, TRACE_C, 1);
  assert_sealed (fixture, key, 0);
  assert_intact (sink, 17);
  g_clear_object (&sink);

  append_elsewhere (fixture, TRACE_A, 2, TRUE);
  assert_conflict (fixture, key, TRACE_A, "not sealed yet");
}

/* A log that was never sealed is none the worse for it, until its traces are gone on with. */
static void
test_never (SinkFixture *fixture, gconstpointer key)
{
  g_autoptr (ZuSealVerifier) verifier = NULL, required = NULL;
  g_autoptr (ZuEventSink) sink = NULL;

  sql (fixture,
       "CREATE TABLE events (seq INTEGER PRIMARY KEY AUTOINCREMENT, event_id TEXT NOT NULL UNIQUE,"
       " trace_id TEXT NOT NULL, task_id TEXT NOT NULL, parent_id TEXT, type TEXT NOT NULL,"
       " source TEXT NOT NULL, data BLOB NOT NULL);");
  append_elsewhere (fixture, TRACE_A, 4, FALSE);
  append_elsewhere (fixture, TRACE_B, 2, FALSE);
  verifier = check (fixture, NULL, FALSE);
  g_assert_cmpuint (zu_seal_verifier_get_violations (verifier)->len, ==, 0);
  g_assert_false (zu_seal_verifier_is_sealed (verifier));
  required = check (fixture, NULL, TRUE);
  g_assert_cmpuint (zu_seal_verifier_get_violations (required)->len, ==, 1);

  sink = open_with_key (fixture, key);
  append_some (sink, TRACE_A, 1);
  assert_sealed (fixture, key, 2);
  append_some (sink, TRACE_B, 1);
  assert_sealed (fixture, key, 0);
}

/* Who has no key appends without sealing; who has it seals what he finds. */
static void
test_without_key (SinkFixture *fixture, gconstpointer unused)
{
  g_autoptr (ZuEventSink) plain = NULL, sink = NULL;

  fill (fixture, "key");
  plain = fixture_open (fixture, NULL);
  append_some (plain, TRACE_A, 2);
  append_some (plain, TRACE_C, 1);
  assert_sealed (fixture, "key", 3);
  assert_conflict (fixture, "another key", TRACE_A, "another key");

  /* Both in one process, in turn. */
  sink = open_with_key (fixture, "key");
  append_some (sink, TRACE_A, 1);
  append_some (plain, TRACE_B, 1);
  append_some (sink, TRACE_C, 1);
  assert_sealed (fixture, "key", 1);
}

static void
test_key_later (SinkFixture *fixture, gconstpointer unused)
{
  fill (fixture, NULL);
  assert_violation (fixture, "key", ZU_VIOLATION_KIND_SIGNATURE_MISMATCH, "-");
  fill (fixture, "key");
  assert_sealed (fixture, "key", 0);
  assert_violation (fixture, "another key", ZU_VIOLATION_KIND_SIGNATURE_MISMATCH, "-");
}

static void
test_key_later_refused (SinkFixture *fixture, gconstpointer unused)
{
  fill (fixture, NULL);
  sql (fixture, "UPDATE zu_seals SET events = events - 1;");
  assert_conflict (fixture, "key", TRACE_A, "its own seal covers");
}

static void
test_macs (SinkFixture *fixture, gconstpointer unused)
{
  fill (fixture, "key");
  sql (fixture, "UPDATE zu_seals SET mac = zeroblob(32) WHERE trace_id = '" TRACE_B "';");
  assert_violation (fixture, "key", ZU_VIOLATION_KIND_SIGNATURE_MISMATCH, TRACE_B);
  assert_conflict (fixture, "key", TRACE_B, "another key");

  sql (fixture, "UPDATE sqlite_sequence SET seq = substr(seq, 1, 112) || x'00'"
                " WHERE name = 'zu_log_seal';");
  assert_violation (fixture, "key", ZU_VIOLATION_KIND_SIGNATURE_MISMATCH, "-");
  assert_conflict (fixture, "key", TRACE_A, "another key");
  sql (fixture, "UPDATE sqlite_sequence SET seq = 'x' WHERE name = 'zu_log_seal';");
  assert_violation (fixture, "key", ZU_VIOLATION_KIND_SIGNATURE_MISMATCH, "-");
  assert_conflict (fixture, "key", TRACE_A, "damaged");
}

/* The seals are read while others append: each reading is of one moment. */
static void
test_read_while_written (SinkFixture *fixture, gconstpointer unused)
{
  g_autofree char *uri = fixture_uri (fixture, NULL);
  g_autoptr (GSubprocess) one = NULL, two = NULL;

  fill (fixture, NULL);
  one = start_appender (uri, TRACE_A, 1500, TRUE);
  two = start_appender (uri, TRACE_C, 1500, FALSE);
  for (int i = 0; i < 30; i++)
    {
      g_autoptr (ZuSealVerifier) verifier = check (fixture, NULL, TRUE);

      g_assert_cmpuint (zu_seal_verifier_get_violations (verifier)->len, ==, 0);
    }
  g_assert_true (g_subprocess_wait_check (one, NULL, NULL));
  g_assert_true (g_subprocess_wait_check (two, NULL, NULL));
  assert_sealed (fixture, NULL, 0);
}

/* More traces than a page of seals has. */
static void
test_many_traces (SinkFixture *fixture, gconstpointer key)
{
  g_autoptr (ZuEventSink) sink = open_with_key (fixture, key);
  g_autoptr (GPtrArray) batch = g_ptr_array_new_with_free_func (g_object_unref);
  g_autoptr (GPtrArray) stored = NULL;
  g_autoptr (GError) error = NULL;

  for (int i = 0; i < 9000; i++)
    {
      g_autofree char *trace = g_uuid_string_random ();

      g_ptr_array_add (batch, make_event (trace, i));
    }
  stored = zu_event_sink_append_many (sink, batch, NULL, &error);
  g_assert_no_error (error);
  append_some (sink, TRACE_A, 2);
  assert_sealed (fixture, key, 0);
}

int
main (int argc, char **argv)
{
  static const struct
  {
    const char *name;
    void (*func) (SinkFixture *fixture, gconstpointer key);
  } both[] = {
    { "made", test_made },
    { "batches", test_batches },
    { "groups", test_groups },
    { "truncated", test_truncated },
    { "append-refused", test_append_refused },
    { "trace-missing", test_trace_missing },
    { "seal-missing", test_seal_missing },
    { "log-seal-gone", test_log_seal_gone },
    { "set-back", test_set_back },
    { "unsealed", test_unsealed },
    { "never", test_never },
    { "many-traces", test_many_traces },
  }, once[] = {
    { "copy", test_copy },
    { "processes", test_processes },
    { "without-key", test_without_key },
    { "key-later", test_key_later },
    { "key-later-refused", test_key_later_refused },
    { "macs", test_macs },
    { "read-while-written", test_read_while_written },
  };

  g_test_init (&argc, &argv, NULL);
  for (guint i = 0; i < G_N_ELEMENTS (both); i++)
    {
      g_autofree char *plain = g_strdup_printf ("/sqlite/seals/plain/%s", both[i].name);
      g_autofree char *keyed = g_strdup_printf ("/sqlite/seals/signed/%s", both[i].name);

      g_test_add (plain, SinkFixture, NULL, seal_set_up, both[i].func, sink_tear_down);
      g_test_add (keyed, SinkFixture, "key", seal_set_up, both[i].func, sink_tear_down);
    }
  for (guint i = 0; i < G_N_ELEMENTS (once); i++)
    {
      g_autofree char *path = g_strdup_printf ("/sqlite/seals/%s", once[i].name);

      g_test_add (path, SinkFixture, NULL, seal_set_up, once[i].func, sink_tear_down);
    }
  return g_test_run ();
}
