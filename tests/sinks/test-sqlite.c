/* SPDX-License-Identifier: Apache-2.0 */

/* What only the sqlite sink does. */

#include "sinks-support.h"

#include <errno.h>
#include <fcntl.h>
#include <glib/gstdio.h>
#include <signal.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

/* Another implementation: Python's sqlite3. */
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

/* Links and inserts an event as the other implementation does. */
#define PYTHON_APPEND                                                                              \
  "import sqlite3, sys, json, hashlib, uuid\n"                                                     \
  "def append(c, trace, n):\n"                                                                     \
  "    row = c.execute('SELECT data FROM events WHERE trace_id=? ORDER BY seq DESC LIMIT 1',"      \
  " (trace,)).fetchone()\n"                                                                        \
  "    e = {'event_id': str(uuid.uuid4()), 'trace_id': trace, 'task_id': '" TASK "',"              \
  " 'parent_id': None, 'type': 'data.other', 'ts': '2024-03-05T06:07:08Z', 'source': 'python',"    \
  " 'payload': {'n': n}, 'schema_version': 1}\n"                                                   \
  "    e['prev_hash'] = json.loads(row[0][1:])['hash'] if row else None\n"                         \
  "    e['hash'] = hashlib.sha256(json.dumps(e, sort_keys=True,"                                   \
  " separators=(',', ':')).encode()).hexdigest()\n"                                                \
  "    e['sig'] = None\n"                                                                          \
  "    c.execute('INSERT INTO events (event_id, trace_id, task_id, parent_id, type, source, data)" \
  " VALUES (?,?,?,?,?,?,?)', (e['event_id'], trace, e['task_id'], None, e['type'], e['source'],"   \
  " b'\\0' + json.dumps(e, separators=(',', ':'), ensure_ascii=False).encode()))\n"

static void
test_interop (SinkFixture *fixture, gconstpointer kind)
{
  g_autofree char *written = NULL, *read = NULL;
  g_autoptr (ZuEventSink) sink = fixture_open (fixture, NULL);

  append_some (sink, TRACE_A, 3);
  g_clear_object (&sink);

  read = python (
      fixture,
      "import sqlite3, sys, json\n"
      "c = sqlite3.connect(sys.argv[1])\n"
      "for r in c.execute('SELECT seq, event_id, trace_id, task_id, parent_id, type, source, data"
      " FROM events ORDER BY seq'):\n"
      "    e = json.loads(r[7][1:])\n"
      "    assert r[7][0] == 0 and list(r[1:7]) == [e[k] for k in ('event_id', 'trace_id',"
      " 'task_id', 'parent_id', 'type', 'source')]\n"
      "    print(r[0])\n");
  g_assert_cmpstr (read, ==, "1\n2\n3\n");

  written = python (fixture, PYTHON_APPEND "c = sqlite3.connect(sys.argv[1])\n"
                                           "for i in range(3): append(c, sys.argv[2], i)\n"
                                           "c.commit(); c.close()\n");
  sink = fixture_open (fixture, NULL);
  append_some (sink, TRACE_A, 2);
  assert_intact (sink, 8);
}

static int n_warnings, n_space_warnings;

static GLogWriterOutput
count_warnings (GLogLevelFlags level, const GLogField *fields, gsize n_fields, gpointer data)
{
  for (gsize i = 0; i < n_fields; i++)
    if (strcmp (fields[i].key, "MESSAGE") == 0
        && strstr (fields[i].value, "another program that does not keep to") != NULL)
      {
        n_warnings++;
        return G_LOG_WRITER_HANDLED;
      }
    else if (strcmp (fields[i].key, "MESSAGE") == 0
             && strstr (fields[i].value, "are left on its disk") != NULL)
      {
        n_space_warnings++;
        return G_LOG_WRITER_HANDLED;
      }
  return g_log_writer_default (level, fields, n_fields, data);
}

/* A program that does not know the lock file writes in between: its head is the head, and it is
 * named, once. */
static void
test_others_write (SinkFixture *fixture, gconstpointer kind)
{
  g_autoptr (ZuEventSink) sink = fixture_open (fixture, NULL);

  n_warnings = 0;
  for (int i = 0; i < 3; i++)
    {
      g_autofree char *output = NULL;

      append_some (sink, TRACE_A, 2);
      output = python (fixture, PYTHON_APPEND "c = sqlite3.connect(sys.argv[1])\n"
                                              "append(c, sys.argv[2], 0)\n"
                                              "c.commit()\n");
    }
  append_some (sink, TRACE_A, 1);
  g_assert_cmpint (n_warnings, ==, 1);
  assert_intact (sink, 10);
}

static void
assert_reading_fails (ZuEventSink *sink, ZuEventSinkError code)
{
  g_autoptr (GError) error = NULL;

  g_assert_null (zu_event_sink_query (sink, NULL, 0, -1, NULL, &error));
  g_assert_error (error, ZU_EVENT_SINK_ERROR, (int) code);
  g_clear_error (&error);
  zu_event_sink_count (sink, NULL, NULL, &error);
  g_assert_error (error, ZU_EVENT_SINK_ERROR, (int) code);
  g_clear_error (&error);
  g_assert_null (zu_event_audit_audit (ZU_EVENT_AUDIT (sink), NULL, 0, 10, NULL, &error));
  g_assert_nonnull (error);
}

static void
assert_append_fails (ZuEventSink *sink, ZuEventSinkError code)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (ZuEvent) event = make_event (TRACE_A, 1);

  g_assert_null (zu_event_sink_append (sink, event, NULL, &error));
  g_assert_error (error, ZU_EVENT_SINK_ERROR, (int) code);
}

static void
test_missing (SinkFixture *fixture, gconstpointer kind)
{
  g_autoptr (ZuEventSink) sink = fixture_open (fixture, NULL);
  g_autofree char *nowhere = g_strdup_printf ("sqlite:%s/no/such/log", fixture->folder);
  g_autoptr (GError) error = NULL;
  g_autoptr (ZuEventSink) astray = zu_open_sink (nowhere, &error);
  g_autoptr (GHashTable) files = NULL;

  g_assert_no_error (error);
  assert_reading_fails (sink, ZU_EVENT_SINK_ERROR_MISSING);
  assert_reading_fails (astray, ZU_EVENT_SINK_ERROR_MISSING);
  assert_append_fails (astray, ZU_EVENT_SINK_ERROR_MISSING);
  files = snapshot (fixture->folder);
  g_assert_cmpuint (g_hash_table_size (files), ==, 0);

  append_some (sink, TRACE_A, 1);
  assert_count (sink, 1);
}

static void
test_foreign (SinkFixture *fixture, gconstpointer kind)
{
  static const char *const databases[] = {
    "CREATE TABLE notes (text);",
    "CREATE TABLE events (seq INTEGER PRIMARY KEY, what TEXT);",
    "CREATE TABLE zu_log (name TEXT PRIMARY KEY, value) WITHOUT ROWID;"
    "INSERT INTO zu_log VALUES ('format', 2);"
    "CREATE TABLE events (seq INTEGER PRIMARY KEY AUTOINCREMENT, event_id TEXT NOT NULL UNIQUE,"
    " trace_id TEXT NOT NULL, task_id TEXT NOT NULL, parent_id TEXT, type TEXT NOT NULL,"
    " source TEXT NOT NULL, data BLOB NOT NULL);",
  };
  g_autofree char *path = fixture_path (fixture, "log");

  for (guint i = 0; i < G_N_ELEMENTS (databases); i++)
    {
      g_autoptr (ZuEventSink) sink = fixture_open (fixture, NULL);

      g_unlink (path);
      sql (fixture, databases[i]);
      assert_reading_fails (sink, ZU_EVENT_SINK_ERROR_FOREIGN);
      assert_append_fails (sink, ZU_EVENT_SINK_ERROR_FOREIGN);
    }

  g_assert_true (
      g_file_set_contents (path, "this is no database, however long it may be made", -1, NULL));
  {
    g_autoptr (ZuEventSink) sink = fixture_open (fixture, NULL);

    assert_reading_fails (sink, ZU_EVENT_SINK_ERROR_FOREIGN);
    assert_append_fails (sink, ZU_EVENT_SINK_ERROR_FOREIGN);
  }
}

/* A log that takes an id twice, and one whose schema would run code. */
static void
test_hostile (SinkFixture *fixture, gconstpointer kind)
{
  g_autoptr (ZuEventSink) sink = fixture_open (fixture, NULL);
  g_autoptr (ZuEventSink) other = NULL;
  g_autofree char *path = fixture_path (fixture, "log");

  sql (fixture,
       "CREATE TABLE events (seq INTEGER PRIMARY KEY AUTOINCREMENT, event_id TEXT,"
       " trace_id TEXT, task_id TEXT, parent_id TEXT, type TEXT, source TEXT, data BLOB);");
  assert_append_fails (sink, ZU_EVENT_SINK_ERROR_FOREIGN);

  g_unlink (path);
  other = fixture_open (fixture, NULL);
  append_some (other, TRACE_A, 1);
  g_clear_object (&other);
  sql (fixture, "CREATE TRIGGER t AFTER INSERT ON events BEGIN DELETE FROM events; END;");
  other = fixture_open (fixture, NULL);
  append_some (other, TRACE_A, 2);
  assert_intact (other, 3);
}

static gboolean
count_tick (gpointer data)
{
  (*(int *) data)++;
  return G_SOURCE_CONTINUE;
}

static void
note_result (GObject *source, GAsyncResult *result, gpointer user_data)
{
  *(GAsyncResult **) user_data = g_object_ref (result);
}

static GSubprocess *
hold_exclusively (SinkFixture *fixture, const char *seconds)
{
  g_autofree char *path = fixture_path (fixture, "log");
  const char *code = "import sqlite3, sys, time\n"
                     "c = sqlite3.connect(sys.argv[1], isolation_level=None)\n"
                     "c.execute('BEGIN EXCLUSIVE'); print('held', flush=True)\n"
                     "time.sleep(float(sys.argv[2]))\n";
  const char *argv[] = { g_getenv ("ZU_PYTHON"), "-c", code, path, seconds, NULL };
  g_autoptr (GError) error = NULL;
  GSubprocess *process = g_subprocess_newv (argv, G_SUBPROCESS_FLAGS_STDOUT_PIPE, &error);
  char word[4];

  g_assert_no_error (error);
  g_input_stream_read (g_subprocess_get_stdout_pipe (process), word, sizeof word, NULL, &error);
  g_assert_no_error (error);
  return process;
}

static void
test_busy (SinkFixture *fixture, gconstpointer kind)
{
  g_autoptr (ZuEventSink) sink = fixture_open (fixture, "?busy-timeout=300");
  g_autoptr (GSubprocess) holder = NULL;
  g_autoptr (GAsyncResult) result = NULL;
  g_autoptr (ZuEvent) event = make_event (TRACE_A, 5), stored = NULL;
  g_autoptr (GError) error = NULL;
  int n_ticks = 0;
  guint timer;

  append_some (sink, TRACE_A, 1);
  holder = hold_exclusively (fixture, "1.5");
  assert_append_fails (sink, ZU_EVENT_SINK_ERROR_BUSY);

  /* Whoever waits asynchronously goes on with his main loop. */
  timer = g_timeout_add (10, count_tick, &n_ticks);
  zu_event_sink_append_async (sink, event, NULL, note_result, &result);
  while (result == NULL)
    g_main_context_iteration (NULL, TRUE);
  g_source_remove (timer);
  stored = zu_event_sink_append_finish (sink, result, &error);
  g_assert_null (stored);
  g_assert_error (error, ZU_EVENT_SINK_ERROR, ZU_EVENT_SINK_ERROR_BUSY);
  g_assert_cmpint (n_ticks, >, 10);

  g_assert_true (g_subprocess_wait (holder, NULL, NULL));
  append_some (sink, TRACE_A, 1);
  assert_intact (sink, 2);
}

/* Cancelled while it waits for the log: it was not begun, and is not stored. */
static void
test_cancel_while_waiting (SinkFixture *fixture, gconstpointer kind)
{
  g_autoptr (ZuEventSink) sink = fixture_open (fixture, NULL);
  g_autoptr (GCancellable) cancellable = g_cancellable_new ();
  g_autoptr (GSubprocess) holder = NULL;
  g_autoptr (GAsyncResult) result = NULL;
  g_autoptr (ZuEvent) event = make_event (TRACE_A, 5), stored = NULL;
  g_autoptr (GError) error = NULL;
  gint64 start;

  append_some (sink, TRACE_A, 1);
  holder = hold_exclusively (fixture, "2");
  start = g_get_monotonic_time ();
  zu_event_sink_append_async (sink, event, cancellable, note_result, &result);
  g_usleep (50000);
  g_cancellable_cancel (cancellable);
  while (result == NULL)
    g_main_context_iteration (NULL, TRUE);
  g_assert_cmpint (g_get_monotonic_time () - start, <, G_TIME_SPAN_SECOND);
  stored = zu_event_sink_append_finish (sink, result, &error);
  g_assert_error (error, G_IO_ERROR, G_IO_ERROR_CANCELLED);
  g_subprocess_force_exit (holder);
  g_assert_true (g_subprocess_wait (holder, NULL, NULL));
  assert_count (sink, 1);
}

static void
test_removed (SinkFixture *fixture, gconstpointer kind)
{
  g_autoptr (ZuEventSink) sink = fixture_open (fixture, NULL), again = NULL;
  g_autofree char *path = fixture_path (fixture, "log"), *wal = fixture_path (fixture, "log-wal"),
                  *shm = fixture_path (fixture, "log-shm");

  append_some (sink, TRACE_A, 2);
  g_unlink (path);
  assert_append_fails (sink, ZU_EVENT_SINK_ERROR_POISONED);
  assert_append_fails (sink, ZU_EVENT_SINK_ERROR_POISONED);
  g_unlink (wal);
  g_unlink (shm);

  again = fixture_open (fixture, NULL);
  append_some (again, TRACE_A, 1);
  assert_intact (again, 1);
}

/* Writes fail for good: the file may not grow. */
static void
fail_writes (void)
{
  SinkFixture fixture;
  g_autoptr (ZuEventSink) sink = NULL, again = NULL;
  struct rlimit limit;
  struct stat info;
  g_autofree char *wal = NULL;

  sink_set_up (&fixture, "sqlite");
  wal = fixture_path (&fixture, "log-wal");
  sink = fixture_open (&fixture, NULL);
  append_some (sink, TRACE_A, 3);

  signal (SIGXFSZ, SIG_IGN);
  g_assert_cmpint (stat (wal, &info), ==, 0);
  g_assert_cmpint (getrlimit (RLIMIT_FSIZE, &limit), ==, 0);
  limit.rlim_cur = (rlim_t) info.st_size + 5000;
  g_assert_cmpint (setrlimit (RLIMIT_FSIZE, &limit), ==, 0);
  assert_append_fails (sink, ZU_EVENT_SINK_ERROR_POISONED);
  limit.rlim_cur = limit.rlim_max;
  g_assert_cmpint (setrlimit (RLIMIT_FSIZE, &limit), ==, 0);

  /* It could write again; but nobody knows what became of the last write. */
  assert_append_fails (sink, ZU_EVENT_SINK_ERROR_POISONED);
  again = fixture_open (&fixture, NULL);
  append_some (again, TRACE_A, 1);
  assert_append_fails (sink, ZU_EVENT_SINK_ERROR_POISONED);
  assert_intact (again, 4);
  g_clear_object (&sink);
  g_clear_object (&again);
  sink_tear_down (&fixture, NULL);
}

static void
test_poisoned (void)
{
  if (g_test_subprocess ())
    {
      fail_writes ();
      return;
    }
  g_test_trap_subprocess (NULL, 30 * G_USEC_PER_SEC, G_TEST_SUBPROCESS_INHERIT_STDERR);
  g_test_trap_assert_passed ();
}

/* A field that is registered when there are events already. */
static void
test_index_later (SinkFixture *fixture, gconstpointer kind)
{
  const char *fields[] = { "grant_id", NULL };
  g_autofree char *uri = fixture_uri (fixture, NULL);
  g_autoptr (ZuEventSink) plain = fixture_open (fixture, NULL), indexed = NULL, late = NULL;
  g_autoptr (ZuFilter) grant = filter_of ("grant_id", "g1");
  g_autoptr (GPtrArray) before = NULL, after = NULL, last = NULL;
  g_autofree char *rows = NULL;

  append_some (plain, TRACE_A, 9);
  indexed = open_indexed (uri, fields);
  before = query_ok (indexed, grant);
  g_assert_cmpuint (before->len, ==, 3);

  append_some (indexed, TRACE_A, 9);
  after = query_ok (indexed, grant);
  g_assert_cmpuint (after->len, ==, 6);

  /* The index is kept by whoever appends, whether he has named the field or not. */
  append_some (plain, TRACE_A, 3);
  g_clear_object (&plain);
  g_clear_object (&indexed);
  plain = fixture_open (fixture, NULL);
  append_some (plain, TRACE_A, 3);
  g_clear_object (&plain);
  rows = python (fixture, "import sqlite3, sys\n"
                          "c = sqlite3.connect(sys.argv[1])\n"
                          "print(c.execute('SELECT count(*) FROM event_index').fetchone()[0],"
                          " c.execute('SELECT value FROM zu_log WHERE name=''\"index:grant_id\"')"
                          ".fetchone()[0])\n");
  g_assert_cmpstr (rows, ==, "24 24\n");

  late = open_indexed (uri, fields);
  last = query_ok (late, grant);
  g_assert_cmpuint (last->len, ==, 8);
}

static void
assert_finding (ZuAuditPage *page, guint index, ZuFindingKind kind, const char *words)
{
  ZuAuditFinding *finding = g_ptr_array_index (zu_audit_page_get_findings (page), index);

  g_assert_cmpint (zu_audit_finding_get_kind (finding), ==, kind);
  if (strstr (zu_audit_finding_get_text (finding), words) == NULL)
    g_error ("'%s' lacks '%s'", zu_audit_finding_get_text (finding), words);
}

static void
test_audit (SinkFixture *fixture, gconstpointer kind)
{
  g_autoptr (ZuEventSink) sink = fixture_open (fixture, NULL);
  g_autoptr (GError) error = NULL;
  g_autoptr (ZuAuditPage) page = NULL, next = NULL;
  g_autoptr (ZuEventPage) good = NULL, bad = NULL;

  append_some (sink, TRACE_A, 8);
  g_clear_object (&sink);
  sql (fixture, "UPDATE events SET type = 'data.hidden', source = 'nobody' WHERE seq = 2;"
                "UPDATE events SET data = x'09' || substr(data, 2) WHERE seq = 4;"
                "UPDATE events SET data = x'00' WHERE seq = 5;"
                "UPDATE events SET data = x'' WHERE seq = 6;");
  sink = fixture_open (fixture, NULL);

  page = zu_event_audit_audit (ZU_EVENT_AUDIT (sink), NULL, 0, 5, NULL, &error);
  g_assert_no_error (error);
  g_assert_cmpuint (zu_audit_page_get_events (page)->len, ==, 3);
  g_assert_cmpuint (zu_audit_page_get_findings (page)->len, ==, 3);
  g_assert_cmpint (zu_audit_page_get_next_seq (page), ==, 5);
  assert_finding (page, 0, ZU_FINDING_KIND_INDEX_MISMATCH, "row 2: type, source");
  assert_finding (page, 1, ZU_FINDING_KIND_UNDECODABLE, "payload version 9");
  assert_finding (page, 2, ZU_FINDING_KIND_UNDECODABLE, "row 5");
  next = zu_event_audit_audit (ZU_EVENT_AUDIT (sink), NULL, 5, 100, NULL, &error);
  g_assert_no_error (error);
  g_assert_cmpuint (zu_audit_page_get_events (next)->len, ==, 2);
  assert_finding (next, 0, ZU_FINDING_KIND_UNDECODABLE, "row 6");

  /* A page ends before a bad row; the next one fails, and names it. */
  good = zu_event_sink_stream (sink, NULL, 0, 100, NULL, &error);
  g_assert_no_error (error);
  g_assert_cmpint (zu_event_page_get_next_seq (good), ==, 3);
  bad = zu_event_sink_stream (sink, NULL, 3, 100, NULL, &error);
  g_assert_null (bad);
  g_assert_error (error, ZU_EVENT_SINK_ERROR, ZU_EVENT_SINK_ERROR_UNDECODABLE);
  g_assert_true (g_str_has_prefix (error->message, "row 4 "));
}

/* Readers beside a writer: they see what is committed, make no file of their own, and hold no
 * checkpoint back. */
static void
test_readers (SinkFixture *fixture, gconstpointer kind)
{
  g_autofree char *uri = fixture_uri (fixture, NULL);
  g_autoptr (ZuEventSink) reader = fixture_open (fixture, NULL);
  g_autoptr (GSubprocess) writer = start_appender (uri, TRACE_A, 1500, TRUE);
  g_autoptr (GHashTable) files = NULL;
  gint64 last = 0;
  g_autoptr (GError) error = NULL;

  while (last < 1500)
    {
      gint64 now = zu_event_sink_count (reader, NULL, NULL, &error);

      if (g_error_matches (error, ZU_EVENT_SINK_ERROR, ZU_EVENT_SINK_ERROR_MISSING))
        {
          g_clear_error (&error);
          continue;
        }
      g_assert_no_error (error);
      g_assert_cmpint (now, >=, last);
      last = now;
      g_usleep (1000);
    }
  g_assert_true (g_subprocess_wait (writer, NULL, NULL));
  assert_intact (reader, 1500);
  g_clear_object (&reader);

  /* The next writer tidies up; then only the log and its lock file are left. */
  reader = fixture_open (fixture, NULL);
  append_some (reader, TRACE_B, 1);
  g_clear_object (&reader);
  files = snapshot (fixture->folder);
  g_assert_cmpuint (g_hash_table_size (files), ==, 2);
  reader = fixture_open (fixture, NULL);
  assert_intact (reader, 1501);
  assert_intact (reader, 1501);
  assert_snapshot_same (files, fixture->folder);
}

/* As a user who may read the log, but not write it nor its folder. */
static void
read_as_another_user (void)
{
  SinkFixture fixture;
  g_autoptr (ZuEventSink) sink = NULL;
  g_autoptr (GHashTable) before = NULL;
  int status;
  pid_t child;

  sink_set_up (&fixture, "sqlite");
  sink = fixture_open (&fixture, NULL);
  append_some (sink, TRACE_A, 3);
  g_clear_object (&sink);
  g_assert_cmpint (g_chmod (fixture.folder, 0755), ==, 0);
  before = snapshot (fixture.folder);

  child = fork ();
  if (child == 0)
    {
      g_assert_cmpint (setresgid (65534, 65534, 65534), ==, 0);
      g_assert_cmpint (setresuid (65534, 65534, 65534), ==, 0);
      sink = fixture_open (&fixture, NULL);
      assert_intact (sink, 3);
      assert_append_fails (sink, ZU_EVENT_SINK_ERROR_READ_ONLY);
      _exit (0);
    }
  g_assert_cmpint (waitpid (child, &status, 0), ==, child);
  g_assert_cmpint (status, ==, 0);
  assert_snapshot_same (before, fixture.folder);
  sink_tear_down (&fixture, NULL);
}

static void
test_read_only (void)
{
  if (g_test_subprocess ())
    {
      read_as_another_user ();
      return;
    }
  if (geteuid () != 0)
    {
      g_test_skip ("only root can become another user");
      return;
    }
  g_test_trap_subprocess (NULL, 30 * G_USEC_PER_SEC, G_TEST_SUBPROCESS_INHERIT_STDERR);
  g_test_trap_assert_passed ();
}

static void
landed (GObject *source, GAsyncResult *result, gpointer user_data)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (ZuEvent) stored = zu_event_sink_append_finish (ZU_EVENT_SINK (source), result, &error);

  g_assert_no_error (error);
  (*(int *) user_data)--;
}

/* What waits at the same moment shares commits: SQLite's count of them tells. */
static void
test_group_commit (SinkFixture *fixture, gconstpointer kind)
{
  g_autoptr (ZuEventSink) sink = fixture_open (fixture, NULL);
  g_autofree char *wal = fixture_path (fixture, "log-wal");
  struct stat before, after;
  int n_left = 512;

  append_some (sink, TRACE_A, 1);
  g_assert_cmpint (stat (wal, &before), ==, 0);
  for (int i = 0; i < 512; i++)
    {
      g_autoptr (ZuEvent) event = make_event (TRACE_A, i);

      zu_event_sink_append_async (sink, event, NULL, landed, &n_left);
    }
  while (n_left > 0)
    g_main_context_iteration (NULL, TRUE);
  g_assert_cmpint (stat (wal, &after), ==, 0);

  /* Alone, each would write six pages or more. */
  g_assert_cmpint (after.st_size - before.st_size, <, 512 * 3 * 4096);
  assert_intact (sink, 513);
}

/* The last sink goes inside the answer to its last append. */
static void
drop_sink (GObject *source, GAsyncResult *result, gpointer user_data)
{
  ZuEventSink **sink = user_data;

  g_clear_object (sink);
}

static void
test_dropped_early (SinkFixture *fixture, gconstpointer kind)
{
  ZuEventSink *sink = fixture_open (fixture, NULL);
  g_autoptr (ZuEventSink) again = NULL;
  g_autoptr (GHashTable) files = NULL;
  g_autoptr (ZuEvent) event = make_event (TRACE_A, 1);

  zu_event_sink_append_async (sink, event, NULL, drop_sink, &sink);
  while (sink != NULL)
    g_main_context_iteration (NULL, TRUE);
  while (g_main_context_iteration (NULL, FALSE))
    ;
  /* Whoever committed may let go of the log a moment after the answer. */
  for (guint i = 0; i < 500; i++)
    {
      g_clear_pointer (&files, g_hash_table_unref);
      files = snapshot (fixture->folder);
      if (g_hash_table_size (files) == 2)
        break;
      g_usleep (10000);
    }
  g_assert_cmpuint (g_hash_table_size (files), ==, 2);
  again = fixture_open (fixture, NULL);
  assert_intact (again, 1);
}

/* More waits than is kept: refused at once, with a code of its own, and nothing of it is stored. */
static void
test_overloaded (SinkFixture *fixture, gconstpointer kind)
{
  g_autoptr (ZuEventSink) sink = fixture_open (fixture, "?busy-timeout=700");
  g_autoptr (GPtrArray) many = g_ptr_array_new_with_free_func (g_object_unref), stored = NULL;
  g_autoptr (GAsyncResult) first = NULL, second = NULL;
  g_autoptr (GSubprocess) holder = NULL;
  g_autoptr (ZuEvent) event = make_event (TRACE_A, 5), none = NULL;
  g_autoptr (GError) error = NULL;

  append_some (sink, TRACE_A, 1);
  for (int i = 0; i < 65536; i++)
    g_ptr_array_add (many, g_object_ref (event));
  holder = hold_exclusively (fixture, "1.5");
  zu_event_sink_append_many_async (sink, many, NULL, note_result, &first);
  zu_event_sink_append_async (sink, event, NULL, note_result, &second);
  while (second == NULL)
    g_main_context_iteration (NULL, TRUE);
  g_assert_null (first);
  none = zu_event_sink_append_finish (sink, second, &error);
  g_assert_error (error, ZU_EVENT_SINK_ERROR, ZU_EVENT_SINK_ERROR_OVERLOADED);

  g_clear_error (&error);
  while (first == NULL)
    g_main_context_iteration (NULL, TRUE);
  stored = zu_event_sink_append_many_finish (sink, first, &error);
  g_assert_error (error, ZU_EVENT_SINK_ERROR, ZU_EVENT_SINK_ERROR_BUSY);
  g_assert_true (g_subprocess_wait (holder, NULL, NULL));
  append_some (sink, TRACE_A, 1);
  assert_intact (sink, 2);
}

static void
note_change (GObject *object, GParamSpec *pspec, gpointer user_data)
{
  g_atomic_int_inc ((int *) user_data);
}

/* Whoever listens learns that the disk fills up while appends are still taken. */
static void
test_space (SinkFixture *fixture, gconstpointer kind)
{
  g_autoptr (ZuEventSink) plenty = fixture_open (fixture, "?space-warning=1"), sink = NULL;
  gboolean is_low = FALSE;
  int n_changes = 0;

  n_space_warnings = 0;
  append_some (plenty, TRACE_A, 3);
  g_object_get (plenty, "low-on-space", &is_low, NULL);
  g_assert_false (is_low);
  g_clear_object (&plenty);

  sink = fixture_open (fixture, "?space-warning=9000000000000000000");
  g_signal_connect (sink, "notify::low-on-space", G_CALLBACK (note_change), &n_changes);
  append_some (sink, TRACE_A, 3);
  g_object_get (sink, "low-on-space", &is_low, NULL);
  g_assert_true (is_low);
  g_assert_cmpint (n_changes, ==, 1);
  g_assert_cmpint (n_space_warnings, ==, 1);
}

static const struct
{
  const char *name;
  void (*func) (SinkFixture *, gconstpointer);
} tests[] = {
  { "interop", test_interop },
  { "others-write", test_others_write },
  { "missing", test_missing },
  { "foreign", test_foreign },
  { "hostile", test_hostile },
  { "busy", test_busy },
  { "cancel-while-waiting", test_cancel_while_waiting },
  { "removed", test_removed },
  { "index-later", test_index_later },
  { "audit", test_audit },
  { "readers", test_readers },
  { "group-commit", test_group_commit },
  { "dropped-early", test_dropped_early },
  { "overloaded", test_overloaded },
  { "space", test_space },
};

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  g_log_set_writer_func (count_warnings, NULL, NULL);
  for (guint i = 0; i < G_N_ELEMENTS (tests); i++)
    {
      g_autofree char *path = g_strdup_printf ("/sinks/sqlite/%s", tests[i].name);

      g_test_add (path, SinkFixture, "sqlite", sink_set_up, tests[i].func, sink_tear_down);
    }
  g_test_add_func ("/sinks/sqlite/poisoned", test_poisoned);
  g_test_add_func ("/sinks/sqlite/read-only", test_read_only);
  return g_test_run ();
}
