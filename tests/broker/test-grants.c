/* SPDX-License-Identifier: Apache-2.0 */

#include "zu-amount.h"

#include <zu/zu.h>

#include <glib/gstdio.h>
#include <signal.h>
#include <sqlite3.h>
#include <string.h>

/* A broker of grants with a folder of its own: store, log, and what the scripted instrument wrote.
 */
typedef struct
{
  char *folder;
  char *store;
  char *log;
  char *record;
  ZuCredentialBroker *broker;
} Fixture;

static void
test_amounts (void)
{
  static const struct
  {
    const char *text;
    const char *back;
  } good[] = {
    { "0", "0" },
    { "1", "1" },
    { "12.50", "12.5" },
    { "0.000000001", "0.000000001" },
    { "10", "10" },
    { "100.0", "100" },
    { "999999999999999999.999999999", "999999999999999999.999999999" },
    { "0.30", "0.3" },
  };
  static const char *const bad[] = { "",
                                     ".",
                                     "1.",
                                     "-1",
                                     "+1",
                                     "1e3",
                                     "01",
                                     " 1",
                                     "1 ",
                                     "0x1",
                                     "1,5",
                                     ".5",
                                     "NaN",
                                     "1.0000000001",
                                     "1..2",
                                     "1.2.",
                                     "1000000000000000000" };
  ZuAmount tenth, fifth, three;

  for (gsize i = 0; i < G_N_ELEMENTS (good); i++)
    {
      g_autofree char *back = NULL;
      ZuAmount amount;

      g_assert_true (zu_amount_parse (good[i].text, &amount));
      back = zu_amount_to_text (amount);
      g_assert_cmpstr (back, ==, good[i].back);
    }
  for (gsize i = 0; i < G_N_ELEMENTS (bad); i++)
    {
      g_test_message ("%s", bad[i]);
      g_assert_false (zu_amount_parse (bad[i], &tenth));
    }
  /* What binary floats get wrong. */
  g_assert_true (zu_amount_parse ("0.1", &tenth) && zu_amount_parse ("0.2", &fifth)
                 && zu_amount_parse ("0.3", &three));
  g_assert_true (tenth + fifth == three);
}

static ZuJson *
parse (const char *text)
{
  g_autoptr (GError) error = NULL;
  ZuJson *json = zu_json_parse (text, -1, &error);

  g_assert_no_error (error);
  return json;
}

static char *
make_options (Fixture *fixture, const char *instrument, const char *instrument_options,
              guint audit_timeout)
{
  g_autoptr (ZuJsonBuilder) builder = zu_json_builder_new ();
  g_autoptr (ZuJson) json = NULL;
  g_autofree char *sink = g_strconcat ("sqlite:", fixture->log, NULL);

  zu_json_builder_begin_object (builder);
  zu_json_builder_set_member (builder, "store");
  zu_json_builder_add_string (builder, fixture->store);
  zu_json_builder_set_member (builder, "sink");
  zu_json_builder_add_string (builder, sink);
  zu_json_builder_set_member (builder, "instrument");
  zu_json_builder_add_string (builder, instrument);
  zu_json_builder_set_member (builder, "instrument-options");
  zu_json_builder_add_string (builder, instrument_options);
  zu_json_builder_set_member (builder, "audit-timeout");
  zu_json_builder_add_int64 (builder, audit_timeout);
  zu_json_builder_end_object (builder);
  json = zu_json_builder_end (builder, NULL);
  return zu_json_to_string (json);
}

static char *
scripted_options (Fixture *fixture, const char *more)
{
  return g_strdup_printf (
      "{\"record\": \"%s\", \"declines\": [\"refund\"], \"fails\": [\"ship\"]%s}", fixture->record,
      more);
}

static ZuCredentialBroker *
try_broker (Fixture *fixture, const char *more, guint audit_timeout, GError **error)
{
  g_autofree char *instrument = scripted_options (fixture, more);
  g_autofree char *text = make_options (fixture, "scripted", instrument, audit_timeout);
  g_autoptr (ZuJson) options = parse (text);

  return (ZuCredentialBroker *) zu_registry_create (zu_registry_get_default (), "zu.channels",
                                                    "CredentialBroker", "grant-broker", options,
                                                    NULL, error);
}

static void
open_broker (Fixture *fixture, const char *more, guint audit_timeout)
{
  g_autoptr (GError) error = NULL;

  g_clear_object (&fixture->broker);
  fixture->broker = try_broker (fixture, more, audit_timeout, &error);
  g_assert_no_error (error);
}

static void
set_up (Fixture *fixture, gconstpointer data)
{
  fixture->folder = g_dir_make_tmp ("zu-grants-XXXXXX", NULL);
  fixture->store = g_build_filename (fixture->folder, "grants.db", NULL);
  fixture->log = g_build_filename (fixture->folder, "log.db", NULL);
  fixture->record = g_build_filename (fixture->folder, "record", NULL);
  open_broker (fixture, "", 5000);
}

static void
tear_down (Fixture *fixture, gconstpointer data)
{
  g_autoptr (GDir) folder = g_dir_open (fixture->folder, 0, NULL);
  const char *name;

  g_clear_object (&fixture->broker);
  while ((name = g_dir_read_name (folder)) != NULL)
    {
      g_autofree char *path = g_build_filename (fixture->folder, name, NULL);

      g_unlink (path);
    }
  g_rmdir (fixture->folder);
  g_free (fixture->folder);
  g_free (fixture->store);
  g_free (fixture->log);
  g_free (fixture->record);
}

static ZuGrant *
try_grant (Fixture *fixture, const char *text, GError **error)
{
  g_autoptr (ZuJson) json = parse (text);
  g_autoptr (GError) wrong = NULL;
  g_autoptr (ZuGrantTerms) terms = zu_grant_terms_new_from_json (json, &wrong);

  g_assert_no_error (wrong);
  return zu_credential_broker_grant (fixture->broker, terms, NULL, error);
}

static ZuGrant *
make_grant (Fixture *fixture, const char *text)
{
  g_autoptr (GError) error = NULL;
  ZuGrant *grant = try_grant (fixture, text, &error);

  g_assert_no_error (error);
  return grant;
}

#define PAY                                                                                      \
  "{\"operations\": [\"pay\", \"refund\", \"ship\"], \"payees\": [\"shop\"], \"unit\": \"EUR\"," \
  " \"per_use\": \"10\", \"cumulative\": \"25.00\", \"ttl\": 3600"

static ZuUseOutcome *
try_use (ZuCredentialBroker *broker, ZuGrant *grant, const char *key, const char *operation,
         const char *payee, const char *amount, GError **error)
{
  g_autoptr (ZuGrantUse) use =
      g_object_new (ZU_TYPE_GRANT_USE, "grant-id", zu_grant_get_id (grant), "idempotency-key", key,
                    "operation", operation, "payee", payee, "amount", amount, NULL);

  return zu_credential_broker_use (broker, use, NULL, error);
}

static void
assert_use (Fixture *fixture, ZuGrant *grant, const char *key, const char *operation,
            const char *payee, const char *amount, const char *refusal)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (ZuUseOutcome) outcome =
      try_use (fixture->broker, grant, key, operation, payee, amount, &error);

  g_assert_no_error (error);
  g_assert_cmpstr (zu_use_outcome_get_refusal (outcome), ==, refusal);
  g_assert_cmpint (zu_use_outcome_get_done (outcome), ==, refusal == NULL);
  g_assert_cmpint (zu_use_outcome_get_text (outcome) != NULL, ==, refusal != NULL);
}

static guint
count_lines (const char *path)
{
  g_autofree char *text = NULL;
  guint n = 0;

  if (!g_file_get_contents (path, &text, NULL, NULL))
    return 0;
  for (const char *c = text; *c != '\0'; c++)
    n += *c == '\n';
  return n;
}

/* How many events of a type there are, each of them about that grant; NULL for any type. */
static guint
count_events (Fixture *fixture, ZuGrant *grant, const char *type)
{
  g_autofree char *uri = g_strconcat ("sqlite:", fixture->log, NULL);
  g_autoptr (GError) error = NULL;
  g_autoptr (ZuEventSink) sink = zu_open_sink (uri, &error);
  g_autoptr (GPtrArray) events = NULL;
  guint n = 0;

  g_assert_no_error (error);
  events = zu_event_sink_query (sink, NULL, 0, -1, NULL, &error);
  g_assert_no_error (error);
  for (guint i = 0; i < events->len; i++)
    {
      g_autofree char *id = zu_event_dup_ctx_value (events->pdata[i], "grant_id");

      g_assert_nonnull (id);
      if (g_str_equal (id, zu_grant_get_id (grant))
          && (type == NULL || g_str_equal (zu_event_get_event_type (events->pdata[i]), type)))
        n++;
    }
  return n;
}

static void
test_refusals (Fixture *fixture, gconstpointer data)
{
  g_autoptr (ZuGrant) grant = make_grant (fixture, PAY "}");
  g_autoptr (ZuGrant) twice =
      make_grant (fixture, "{\"operations\": [\"pay\"], \"uses\": 2, \"ttl\": 60}");
  g_autoptr (ZuGrant) consent =
      make_grant (fixture, "{\"operations\": [\"pay\"], \"ttl\": 60, \"requires_consent\": true}");
  g_autoptr (GError) error = NULL;

  assert_use (fixture, grant, "k1", "pay", "shop", "10.00", NULL);
  assert_use (fixture, grant, "k2", "steal", "shop", "1", "scope");
  assert_use (fixture, grant, "k2", "pay", "casino", "1", "scope");
  assert_use (fixture, grant, "k2", "pay", NULL, "1", "scope");
  assert_use (fixture, grant, "k2", "pay", "shop", "10.000000001", "per_use");
  assert_use (fixture, grant, "k2", "refund", "shop", "1", "declined");
  assert_use (fixture, grant, "k2", "refund", "shop", "1", "replay");
  /* What was not done leaves its key free, and nothing used. */
  assert_use (fixture, grant, "k3", "ship", "shop", "10", "declined");
  assert_use (fixture, grant, "k3", "pay", "shop", "10", NULL);
  assert_use (fixture, grant, "k4", "pay", "shop", "5.000000001", "cumulative");
  assert_use (fixture, grant, "k4", "pay", "shop", "5", NULL);
  assert_use (fixture, grant, "k5", "pay", "shop", "0.000000001", "cumulative");
  assert_use (fixture, grant, "k5", "pay", "shop", "0", NULL);
  g_assert_cmpuint (count_lines (fixture->record), ==, 4);

  assert_use (fixture, twice, "t1", "pay", NULL, NULL, NULL);
  assert_use (fixture, twice, "t2", "pay", NULL, NULL, NULL);
  assert_use (fixture, twice, "t3", "pay", NULL, NULL, "uses");
  assert_use (fixture, consent, "c1", "pay", NULL, NULL, "no_consent");

  g_assert_true (
      zu_credential_broker_revoke (fixture->broker, zu_grant_get_id (twice), NULL, &error));
  g_assert_true (
      zu_credential_broker_revoke (fixture->broker, zu_grant_get_id (twice), NULL, &error));
  g_assert_no_error (error);
  assert_use (fixture, twice, "t4", "pay", NULL, NULL, "revoked");

  g_assert_cmpuint (count_events (fixture, twice, "harness.grant.issued"), ==, 1);
  g_assert_cmpuint (count_events (fixture, twice, "harness.grant.reserved"), ==, 2);
  g_assert_cmpuint (count_events (fixture, twice, "harness.grant.used"), ==, 2);
  g_assert_cmpuint (count_events (fixture, twice, "harness.grant.refused"), ==, 2);
  g_assert_cmpuint (count_events (fixture, twice, "harness.grant.revoked"), ==, 1);
  g_assert_cmpuint (count_events (fixture, twice, NULL), ==, 8);
}

static void
test_expired (Fixture *fixture, gconstpointer data)
{
  g_autoptr (ZuGrant) grant = make_grant (fixture, "{\"operations\": [\"pay\"], \"ttl\": 1}");
  g_autoptr (ZuGrant) later = make_grant (fixture, "{\"operations\": [\"pay\"], \"ttl\": 3600}");
  sqlite3 *db;

  assert_use (fixture, grant, "k1", "pay", NULL, NULL, NULL);
  g_usleep (1100000);
  assert_use (fixture, grant, "k2", "pay", NULL, NULL, "expired");

  /* A clock that is set back does not bring time back: the store has seen a later one. */
  g_clear_object (&fixture->broker);
  g_assert_cmpint (sqlite3_open (fixture->store, &db), ==, SQLITE_OK);
  g_assert_cmpint (sqlite3_exec (db, "UPDATE clock SET latest = latest + 7200000000", NULL, NULL,
                                 NULL),
                   ==, SQLITE_OK);
  sqlite3_close (db);
  open_broker (fixture, "", 5000);
  assert_use (fixture, later, "k3", "pay", NULL, NULL, "expired");
}

static void
test_consent (Fixture *fixture, gconstpointer data)
{
  g_autoptr (ZuGrant) grant = make_grant (
      fixture,
      "{\"operations\": [\"pay\"], \"ttl\": 60, \"requires_consent\": true, \"consent\":"
      " {\"id\": \"c-1\", \"by\": \"ann\", \"authority\": \"owner\", \"purpose\": \"rent\"}}");
  g_autofree char *uri = g_strconcat ("sqlite:", fixture->log, "?index_fields=consent_ref", NULL);
  g_autoptr (ZuEventSink) sink = NULL;
  g_autoptr (GPtrArray) events = NULL;

  assert_use (fixture, grant, "k1", "pay", NULL, NULL, NULL);
  sink = zu_open_sink (uri, NULL);
  events = sink != NULL ? zu_event_sink_query (sink, NULL, 0, -1, NULL, NULL) : NULL;
  g_assert_nonnull (events);
  for (guint i = 0; i < events->len; i++)
    {
      g_autofree char *consent = zu_event_dup_ctx_value (events->pdata[i], "consent_ref");

      g_assert_cmpstr (consent, ==, "c-1");
    }
}

static void
test_bad_terms (Fixture *fixture, gconstpointer data)
{
  static const char *const terms[] = {
    "{\"operations\": [], \"ttl\": 1}",
    "{\"operations\": [\"\"], \"ttl\": 1}",
    "{\"operations\": [\"a\"], \"payees\": [], \"ttl\": 1}",
    "{\"operations\": [\"a\"], \"ttl\": 0}",
    "{\"operations\": [\"a\"], \"ttl\": -5}",
    "{\"operations\": [\"a\"], \"ttl\": 9223372036854775807}",
    "{\"operations\": [\"a\"], \"ttl\": 1, \"unit\": \"EUR\", \"per_use\": \"1e3\"}",
    "{\"operations\": [\"a\"], \"ttl\": 1, \"unit\": \"EUR\", \"cumulative\": \"-1\"}",
    "{\"operations\": [\"a\"], \"ttl\": 1, \"per_use\": \"1\"}",
    "{\"operations\": [\"a\"], \"ttl\": 1, \"uses\": -1}",
    "{\"operations\": [\"a\"], \"ttl\": 1, \"consent\": {\"id\": \"\", \"by\": \"a\","
    " \"authority\": \"a\", \"purpose\": \"a\"}}",
  };
  g_autoptr (ZuGrant) grant = make_grant (fixture, PAY "}");
  g_autoptr (ZuGrant) plain = make_grant (fixture, "{\"operations\": [\"pay\"], \"ttl\": 60}");
  const struct
  {
    ZuGrant *grant;
    const char *key;
    const char *amount;
  } uses[] = {
    { grant, "", "1" },    { grant, "k", "1.5.1" }, { grant, "k", "-1" },
    { grant, "k", "1e0" }, { grant, "k", NULL },    { plain, "k", "1" },
  };

  for (gsize i = 0; i < G_N_ELEMENTS (terms); i++)
    {
      g_autoptr (GError) error = NULL;

      g_test_message ("%s", terms[i]);
      g_assert_null (try_grant (fixture, terms[i], &error));
      g_assert_error (error, ZU_CREDENTIAL_BROKER_ERROR, ZU_CREDENTIAL_BROKER_ERROR_BAD_TERMS);
    }
  for (gsize i = 0; i < G_N_ELEMENTS (uses); i++)
    {
      g_autoptr (GError) error = NULL;

      g_assert_null (try_use (fixture->broker, uses[i].grant, uses[i].key, "pay", "shop",
                              uses[i].amount, &error));
      g_assert_error (error, ZU_CREDENTIAL_BROKER_ERROR, ZU_CREDENTIAL_BROKER_ERROR_BAD_TERMS);
    }
  g_assert_cmpuint (count_lines (fixture->record), ==, 0);
}

static void
test_restart (Fixture *fixture, gconstpointer data)
{
  g_autoptr (ZuGrant) grant = make_grant (fixture, PAY "}");
  g_autoptr (GError) error = NULL;
  g_autoptr (ZuUseOutcome) again = NULL;
  g_autoptr (GPtrArray) grants = NULL;
  g_autoptr (ZuCredentialBroker) second = NULL;

  assert_use (fixture, grant, "k1", "pay", "shop", "10", NULL);
  g_assert_null (try_broker (fixture, "", 5000, &error));
  g_assert_error (error, G_IO_ERROR, G_IO_ERROR_BUSY);
  g_clear_error (&error);

  open_broker (fixture, "", 5000);
  assert_use (fixture, grant, "k1", "pay", "shop", "9", "replay");
  again = try_use (fixture->broker, grant, "k1", "pay", "shop", "10", &error);
  g_assert_no_error (error);
  g_assert_cmpstr (zu_use_outcome_get_refusal (again), ==, "replay");
  g_assert_nonnull (zu_use_outcome_get_result (again));
  g_assert_cmpstr (zu_use_outcome_get_remaining (again), ==, "15");
  g_assert_cmpuint (count_lines (fixture->record), ==, 1);

  grants = zu_credential_broker_list_grants (fixture->broker, NULL, &error);
  g_assert_no_error (error);
  g_assert_cmpuint (grants->len, ==, 1);
  g_assert_cmpstr (zu_grant_get_used (grants->pdata[0]), ==, "10");
  g_assert_cmpint (zu_grant_get_n_uses (grants->pdata[0]), ==, 1);
}

/* A log that somebody holds: no answer within the time, and nothing is done. */
static void
test_no_audit (Fixture *fixture, gconstpointer data)
{
  g_autoptr (ZuGrant) grant = make_grant (fixture, PAY "}");
  g_autoptr (GError) error = NULL;
  gint64 start;
  sqlite3 *db;

  open_broker (fixture, "", 300);
  g_assert_cmpint (sqlite3_open (fixture->log, &db), ==, SQLITE_OK);
  g_assert_cmpint (sqlite3_exec (db, "BEGIN IMMEDIATE", NULL, NULL, NULL), ==, SQLITE_OK);
  start = g_get_monotonic_time ();
  g_assert_null (try_use (fixture->broker, grant, "k1", "pay", "shop", "10", &error));
  g_assert_error (error, ZU_CREDENTIAL_BROKER_ERROR, ZU_CREDENTIAL_BROKER_ERROR_NO_AUDIT);
  g_assert_cmpint (g_get_monotonic_time () - start, <, 4 * G_TIME_SPAN_SECOND);
  g_assert_cmpuint (count_lines (fixture->record), ==, 0);
  sqlite3_exec (db, "COMMIT", NULL, NULL, NULL);
  sqlite3_close (db);

  /* The log is back: the key is free, nothing of the limit is gone, and no event was lost. */
  open_broker (fixture, "", 5000);
  assert_use (fixture, grant, "k1", "pay", "shop", "10", NULL);
  assert_use (fixture, grant, "k2", "pay", "shop", "10", NULL);
  assert_use (fixture, grant, "k3", "pay", "shop", "5", NULL);
  g_assert_cmpuint (count_lines (fixture->record), ==, 3);
  g_assert_cmpuint (count_events (fixture, grant, "harness.grant.reserved"), ==, 4);
  g_assert_cmpuint (count_events (fixture, grant, "harness.grant.used"), ==, 3);
  g_assert_cmpuint (count_events (fixture, grant, "harness.grant.refused"), ==, 1);
}

#define N_USES 32

typedef struct
{
  Fixture *fixture;
  ZuPluginLauncher *launcher;
  const char *options;
  ZuGrant *grant;
  GMutex lock;
  GCond changed;
  ZuWorker *worker;
  ZuCredentialBroker *broker; /* NULL while there is none */
  gint n_done;
  gint n_refused;
  gint n_unresolved;
  gboolean give_up; /* on what is unresolved */
} Storm;

static void
start_worker (Storm *storm)
{
  g_autoptr (ZuJson) options = parse (storm->options);
  g_autoptr (ZuWorkerSpec) spec = g_object_new (ZU_TYPE_WORKER_SPEC, "kind", "zu.channels", "name",
                                                "grant-broker", "options", options, NULL);
  g_autoptr (GError) error = NULL;
  g_autoptr (ZuChannel) channel = NULL;
  g_autoptr (ZuRemote) remote = NULL;

  storm->worker = zu_plugin_launcher_launch (storm->launcher, spec, NULL, -1, NULL, &error);
  g_assert_no_error (error);
  channel =
      zu_plugin_launcher_connect (storm->launcher, zu_worker_get_id (storm->worker), NULL, &error);
  g_assert_no_error (error);
  remote = zu_channel_remote_new (channel);
  g_mutex_lock (&storm->lock);
  storm->broker = zu_credential_broker_proxy_new (remote);
  g_cond_broadcast (&storm->changed);
  g_mutex_unlock (&storm->lock);
}

static void
kill_worker (Storm *storm)
{
  g_mutex_lock (&storm->lock);
  g_clear_object (&storm->broker);
  g_mutex_unlock (&storm->lock);
  kill ((pid_t) zu_worker_get_pid (storm->worker), SIGKILL);
  zu_plugin_launcher_stop (storm->launcher, zu_worker_get_id (storm->worker), NULL, NULL);
  g_clear_object (&storm->worker);
}

static ZuCredentialBroker *
await_broker (Storm *storm)
{
  ZuCredentialBroker *broker;

  g_mutex_lock (&storm->lock);
  while (storm->broker == NULL)
    g_cond_wait (&storm->changed, &storm->lock);
  broker = g_object_ref (storm->broker);
  g_mutex_unlock (&storm->lock);
  return broker;
}

/* With its own key until there is an answer. A replay tells that an earlier answer was lost. */
static gpointer
use_until_answered (gpointer data)
{
  Storm *storm = ((gpointer *) data)[0];
  guint number = GPOINTER_TO_UINT (((gpointer *) data)[1]);
  g_autofree char *key = g_strdup_printf ("key-%u", number);

  for (;;)
    {
      g_autoptr (ZuCredentialBroker) broker = await_broker (storm);
      g_autoptr (GError) error = NULL;
      g_autoptr (ZuUseOutcome) outcome =
          try_use (broker, storm->grant, key, "pay", NULL, "1", &error);

      if (outcome != NULL
          && (zu_use_outcome_get_done (outcome)
              || g_str_equal (zu_use_outcome_get_refusal (outcome), "replay")))
        g_atomic_int_inc (&storm->n_done);
      else if (outcome != NULL)
        g_atomic_int_inc (&storm->n_refused);
      else if (storm->give_up
               && g_error_matches (error, ZU_CREDENTIAL_BROKER_ERROR,
                                   ZU_CREDENTIAL_BROKER_ERROR_UNRESOLVED))
        g_atomic_int_inc (&storm->n_unresolved);
      else
        {
          g_usleep (2000);
          continue;
        }
      return NULL;
    }
}

static void
run_storm (Fixture *fixture, Storm *storm, const char *more, guint n_kills)
{
  g_autofree char *instrument = scripted_options (fixture, more);
  g_autofree char *options = make_options (fixture, "scripted", instrument, 5000);
  GThread *threads[N_USES];
  gpointer data[N_USES][2];

  storm->fixture = fixture;
  storm->options = options;
  storm->grant = make_grant (fixture, "{\"operations\": [\"pay\"], \"unit\": \"EUR\","
                                      " \"cumulative\": \"10\", \"ttl\": 3600}");
  g_clear_object (&fixture->broker);
  storm->launcher =
      (ZuPluginLauncher *) zu_registry_create (zu_registry_get_default (), "zu.backends",
                                               "PluginLauncher", "oop-launcher", NULL, NULL, NULL);
  g_mutex_init (&storm->lock);
  g_cond_init (&storm->changed);
  start_worker (storm);
  for (guint i = 0; i < N_USES; i++)
    {
      data[i][0] = storm;
      data[i][1] = GUINT_TO_POINTER (i);
      threads[i] = g_thread_new ("use", use_until_answered, data[i]);
    }
  for (guint i = 0; i < n_kills; i++)
    {
      g_usleep ((gulong) g_test_rand_int_range (2000, 40000));
      kill_worker (storm);
      start_worker (storm);
    }
  for (guint i = 0; i < N_USES; i++)
    g_thread_join (threads[i]);
  g_clear_object (&storm->broker);
  zu_plugin_launcher_stop (storm->launcher, zu_worker_get_id (storm->worker), NULL, NULL);
  g_clear_object (&storm->worker);
  g_clear_object (&storm->launcher);
  g_mutex_clear (&storm->lock);
  g_cond_clear (&storm->changed);
}

/* Thirty-two at once against a limit that admits ten, through kills: ten are done, exactly. */
static void
test_storm (Fixture *fixture, gconstpointer data)
{
  Storm storm = { NULL };

  run_storm (fixture, &storm, ", \"delay\": 5", 12);
  g_assert_cmpuint (count_lines (fixture->record), ==, 10);
  g_assert_cmpint (storm.n_done, ==, 10);
  g_assert_cmpint (storm.n_refused, ==, N_USES - 10);
  g_assert_cmpuint (count_events (fixture, storm.grant, "harness.grant.used"), ==, 10);
  g_object_unref (storm.grant);
}

/* Without a way to tell what became of a use it stays reserved: never more than ten, perhaps fewer.
 */
static void
test_storm_unknown (Fixture *fixture, gconstpointer data)
{
  Storm storm = { .give_up = TRUE };
  g_autoptr (ZuGrant) left = NULL;
  g_autoptr (GPtrArray) grants = NULL;

  run_storm (fixture, &storm, ", \"delay\": 5, \"idempotent\": false, \"forgetful\": true", 12);
  g_assert_cmpuint (count_lines (fixture->record), <=, 10);
  g_assert_cmpint (storm.n_done + storm.n_refused + storm.n_unresolved, ==, N_USES);
  open_broker (fixture, "", 5000);
  grants = zu_credential_broker_list_grants (fixture->broker, NULL, NULL);
  g_assert_cmpint (zu_grant_get_n_uses (grants->pdata[0]), ==, 10);
  g_object_unref (storm.grant);
}

static gpointer
use_once (gpointer data)
{
  Storm *storm = data;
  g_autoptr (ZuCredentialBroker) broker = await_broker (storm);
  g_autoptr (GError) error = NULL;
  g_autoptr (ZuUseOutcome) outcome =
      try_use (broker, storm->grant, "lost", "pay", NULL, "1", &error);

  g_assert_null (outcome);
  g_assert_nonnull (error);
  return NULL;
}

/* Kills the broker's worker once its instrument has carried a use out, and before that was
 * captured.
 */
static void
lose_answer (Fixture *fixture, Storm *storm)
{
  g_autofree char *instrument = scripted_options (fixture, ", \"delay\": 3000");
  g_autofree char *options = make_options (fixture, "scripted", instrument, 5000);
  GThread *thread;

  storm->options = options;
  storm->launcher =
      (ZuPluginLauncher *) zu_registry_create (zu_registry_get_default (), "zu.backends",
                                               "PluginLauncher", "oop-launcher", NULL, NULL, NULL);
  g_mutex_init (&storm->lock);
  g_cond_init (&storm->changed);
  start_worker (storm);
  thread = g_thread_new ("use", use_once, storm);
  while (count_lines (fixture->record) == 0)
    g_usleep (1000);
  kill_worker (storm);
  g_thread_join (thread);
  g_clear_object (&storm->launcher);
  g_mutex_clear (&storm->lock);
  g_cond_clear (&storm->changed);
}

static void
assert_unresolved (Fixture *fixture, ZuGrant *grant, const char *key)
{
  g_autoptr (GError) error = NULL;

  g_assert_null (try_use (fixture->broker, grant, key, "pay", NULL, "1", &error));
  g_assert_error (error, ZU_CREDENTIAL_BROKER_ERROR, ZU_CREDENTIAL_BROKER_ERROR_UNRESOLVED);
}

/* What was perhaps done stays reserved, through every restart, until the instrument tells. */
static void
test_reconcile (Fixture *fixture, gconstpointer data)
{
  Storm storm = { NULL };
  g_autoptr (ZuGrant) grant = make_grant (fixture, "{\"operations\": [\"pay\"], \"unit\": \"EUR\","
                                                   " \"cumulative\": \"1\", \"ttl\": 3600}");

  storm.grant = grant;
  g_clear_object (&fixture->broker);
  lose_answer (fixture, &storm);
  for (guint i = 0; i < 3; i++)
    {
      open_broker (fixture, ", \"idempotent\": false, \"forgetful\": true", 5000);
      assert_unresolved (fixture, grant, "lost");
      assert_use (fixture, grant, "another", "pay", NULL, "1", "cumulative");
    }
  open_broker (fixture, ", \"idempotent\": false", 5000);
  assert_use (fixture, grant, "lost", "pay", NULL, "1", NULL);
  assert_use (fixture, grant, "another", "pay", NULL, "1", "cumulative");
  g_assert_cmpuint (count_lines (fixture->record), ==, 1);
  g_assert_cmpuint (count_events (fixture, grant, "harness.grant.used"), ==, 1);
}

static void
test_signer (Fixture *fixture, gconstpointer data)
{
  static const char digest[] = "00112233445566778899aabbccddeeff00112233445566778899aabbccddeeff";
  g_autofree char *key = g_strdup ("a key that only it holds");
  g_autofree char *options_text = NULL;
  g_autoptr (ZuJson) options = NULL;
  g_autoptr (GHmac) hmac = g_hmac_new (G_CHECKSUM_SHA256, (const guchar *) key, strlen (key));
  g_autofree char *copy = g_strdup (key);
  g_autoptr (ZuSecret) secret = zu_secret_new_wiping (copy, strlen (key), NULL);
  g_autoptr (ZuGrant) grant = NULL;
  g_autoptr (ZuUseOutcome) outcome = NULL;
  g_autoptr (ZuJson) request = NULL;
  g_autoptr (ZuJson) bad = parse ("{\"digest\": \"00\"}");
  g_autoptr (ZuGrantUse) use = NULL;
  g_autoptr (ZuGrantUse) bad_use = NULL;
  g_autoptr (ZuJson) signature = NULL;
  g_autofree char *request_text = g_strdup_printf ("{\"digest\": \"%s\"}", digest);
  g_autoptr (GError) error = NULL;
  const char *names[] = { "secret" };
  GValue values[1] = { G_VALUE_INIT };

  g_clear_object (&fixture->broker);
  options_text = make_options (fixture, "hmac-signer", "{}", 5000);
  options = parse (options_text);
  g_assert_null (zu_registry_create (zu_registry_get_default (), "zu.channels", "CredentialBroker",
                                     "grant-broker", options, NULL, &error));
  g_clear_error (&error);
  g_value_init (&values[0], ZU_TYPE_SECRET);
  g_value_set_boxed (&values[0], secret);
  fixture->broker =
      (ZuCredentialBroker *) zu_registry_create_full (zu_registry_get_default (), "zu.channels",
                                                      "CredentialBroker", "grant-broker", options,
                                                      1, names, values, NULL, &error);
  g_value_unset (&values[0]);
  g_assert_no_error (error);

  grant = make_grant (fixture, "{\"operations\": [\"sign\"], \"ttl\": 60, \"uses\": 1}");
  request = parse (request_text);
  bad_use = g_object_new (ZU_TYPE_GRANT_USE, "grant-id", zu_grant_get_id (grant), "idempotency-key",
                          "s0", "operation", "sign", "request", bad, NULL);
  outcome = zu_credential_broker_use (fixture->broker, bad_use, NULL, &error);
  g_assert_no_error (error);
  g_assert_cmpstr (zu_use_outcome_get_refusal (outcome), ==, "declined");
  g_clear_object (&outcome);

  use = g_object_new (ZU_TYPE_GRANT_USE, "grant-id", zu_grant_get_id (grant), "idempotency-key",
                      "s1", "operation", "sign", "request", request, NULL);
  outcome = zu_credential_broker_use (fixture->broker, use, NULL, &error);
  g_assert_no_error (error);
  g_assert_true (zu_use_outcome_get_done (outcome));
  signature = zu_json_dup_member (zu_use_outcome_get_result (outcome), "signature");
  for (gsize i = 0; i < 32; i++)
    {
      guchar byte = (guchar) (g_ascii_xdigit_value (digest[2 * i]) << 4
                              | g_ascii_xdigit_value (digest[2 * i + 1]));

      g_hmac_update (hmac, &byte, 1);
    }
  g_assert_cmpstr (zu_json_get_string (signature, NULL), ==, g_hmac_get_string (hmac));
}

/* The peer of the last event there is. */
static char *
dup_last_peer (Fixture *fixture, const char *type)
{
  g_autofree char *uri = g_strconcat ("sqlite:", fixture->log, NULL);
  g_autoptr (ZuEventSink) sink = zu_open_sink (uri, NULL);
  g_autoptr (GPtrArray) events = zu_event_sink_query (sink, NULL, 0, -1, NULL, NULL);
  ZuEvent *last = events->pdata[events->len - 1];

  g_assert_cmpstr (zu_event_get_event_type (last), ==, type);
  return zu_event_dup_ctx_value (last, "peer");
}

static void
assert_last_peer (Fixture *fixture, const char *type, const char *expected)
{
  g_autofree char *peer = dup_last_peer (fixture, type);

  g_assert_cmpstr (peer, ==, expected);
}

static void
test_peer (Fixture *fixture, gconstpointer data)
{
  g_autoptr (ZuGrant) grant = make_grant (fixture, "{\"operations\": [\"pay\"], \"ttl\": 60}");

  /* Nobody from outside. */
  assert_last_peer (fixture, "harness.grant.issued", NULL);
  zu_peer_set ("uid:7");
  assert_use (fixture, grant, "k1", "pay", NULL, NULL, NULL);
  assert_last_peer (fixture, "harness.grant.used", "uid:7");
  assert_use (fixture, grant, "k1", "pay", NULL, NULL, "replay");
  assert_last_peer (fixture, "harness.grant.refused", "uid:7");
  zu_peer_set ("uid:8");
  g_assert_true (
      zu_credential_broker_revoke (fixture->broker, zu_grant_get_id (grant), NULL, NULL));
  assert_last_peer (fixture, "harness.grant.revoked", "uid:8");
  zu_peer_set (NULL);
}

static ZuCredentialBroker *
try_identity_broker (Fixture *fixture, const char *identity, GError **error)
{
  g_autofree char *instrument = scripted_options (fixture, "");
  g_autofree char *text = make_options (fixture, "scripted", instrument, 5000);
  g_autoptr (GString) all = g_string_new (text);
  g_autoptr (ZuJsonBuilder) builder = zu_json_builder_new ();
  g_autoptr (ZuJson) value = NULL;
  g_autofree char *value_text = NULL;
  g_autoptr (ZuJson) options = NULL;

  g_clear_object (&fixture->broker);
  zu_json_builder_add_string (builder, identity);
  value = zu_json_builder_end (builder, NULL);
  value_text = zu_json_to_string (value);
  g_string_truncate (all, all->len - 1);
  g_string_append_printf (all, ", \"identity\": %s}", value_text);
  options = parse (all->str);
  return (ZuCredentialBroker *) zu_registry_create (zu_registry_get_default (), "zu.channels",
                                                    "CredentialBroker", "grant-broker", options,
                                                    NULL, error);
}

static ZuProof *
make_proof (const char *principal, const char *key)
{
  g_autofree char *text =
      g_strdup_printf ("{\"principal\": \"%s\", \"key\": \"%s\"}", principal, key);
  g_autoptr (ZuJson) options = parse (text);
  g_autoptr (ZuWorkloadIdentity) identity =
      (ZuWorkloadIdentity *) zu_registry_create (zu_registry_get_default (), "zu.workload_identity",
                                                 "WorkloadIdentity", "static", options, NULL, NULL);

  return zu_workload_identity_present (identity, NULL, NULL, NULL);
}

static void
assert_proven_use (Fixture *fixture, ZuGrant *grant, const char *key, ZuProof *proof,
                   const char *refusal)
{
  g_autoptr (ZuGrantUse) use =
      g_object_new (ZU_TYPE_GRANT_USE, "grant-id", zu_grant_get_id (grant), "idempotency-key", key,
                    "operation", "pay", "proof", proof, NULL);
  g_autoptr (GError) error = NULL;
  g_autoptr (ZuUseOutcome) outcome = zu_credential_broker_use (fixture->broker, use, NULL, &error);

  g_assert_no_error (error);
  g_assert_cmpstr (zu_use_outcome_get_refusal (outcome), ==, refusal);
  if (g_strcmp0 (refusal, "replay") == 0)
    g_assert_nonnull (zu_use_outcome_get_result (outcome));
}

static void
test_identity (Fixture *fixture, gconstpointer data)
{
  g_autoptr (ZuGrant) grant = make_grant (fixture, "{\"operations\": [\"pay\"], \"ttl\": 60}");
  g_autoptr (ZuProof) good = make_proof ("agent-1", "k");
  g_autoptr (ZuProof) other = make_proof ("agent-2", "k2");
  g_autoptr (ZuProof) bad = make_proof ("agent-1", "another");
  g_autoptr (GError) error = NULL;

  /* Whoever verifies nothing believes nothing. */
  assert_proven_use (fixture, grant, "i0", good, "no_identity");

  fixture->broker = try_identity_broker (
      fixture,
      "{\"name\": \"static\", \"binding\": \"none\", \"required\": true,"
      " \"options\": {\"trusted_keys\": {\"agent-1\": \"k\", \"agent-2\": \"k2\"}}}",
      &error);
  g_assert_no_error (error);
  zu_peer_set ("uid:7");
  assert_proven_use (fixture, grant, "i1", good, NULL);
  assert_last_peer (fixture, "harness.grant.used", "agent-1");
  /* The proof is no part of what was asked for. */
  assert_proven_use (fixture, grant, "i1", other, "replay");
  assert_proven_use (fixture, grant, "i2", bad, "no_identity");
  assert_last_peer (fixture, "harness.grant.refused", "uid:7");
  assert_proven_use (fixture, grant, "i2", NULL, "no_identity");
  zu_peer_set (NULL);
  g_assert_cmpuint (count_lines (fixture->record), ==, 1);
}

static void
test_bad_identity (Fixture *fixture, gconstpointer data)
{
  static const char *const settings[] = {
    "{",
    "[]",
    "{}",
    "{\"name\": 1}",
    "{\"name\": \"\"}",
    "{\"name\": \"no-such\"}",
    "{\"name\": \"static\", \"binding\": \"some\"}",
    "{\"name\": \"static\", \"required\": 1}",
    "{\"name\": \"static\", \"other\": 1}",
    "{\"name\": \"static\", \"options\": []}",
  };

  for (gsize i = 0; i < G_N_ELEMENTS (settings); i++)
    {
      g_autoptr (GError) error = NULL;

      g_test_message ("%s", settings[i]);
      g_assert_null (try_identity_broker (fixture, settings[i], &error));
      g_assert_nonnull (error);
    }
}

/* A name that ends in * is all that begins so, and nothing else is. */
static void
test_prefix (Fixture *fixture, gconstpointer data)
{
  g_autoptr (ZuGrant) grant =
      make_grant (fixture, "{\"operations\": [\"GET /v1/*\", \"POST /v1/a\"], \"ttl\": 60}");
  g_autofree char *long_path = g_strnfill (2048, 'a');

  assert_use (fixture, grant, "p1", "GET /v1/models", NULL, NULL, NULL);
  assert_use (fixture, grant, "p2", "GET /v1/", NULL, NULL, NULL);
  assert_use (fixture, grant, "p3", "GET /v1", NULL, NULL, "scope");
  assert_use (fixture, grant, "p4", "POST /v1/a", NULL, NULL, NULL);
  assert_use (fixture, grant, "p5", "POST /v1/ab", NULL, NULL, "scope");
  assert_use (fixture, grant, "p6", "get /v1/models", NULL, NULL, "scope");
  memcpy (long_path, "GET /v1/", 8);
  assert_use (fixture, grant, "p7", long_path, NULL, NULL, NULL);
}

#define ADD(path, func) g_test_add (path, Fixture, NULL, set_up, func, tear_down)

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);

  g_test_add_func ("/grants/amounts", test_amounts);
  ADD ("/grants/refusals", test_refusals);
  ADD ("/grants/expired", test_expired);
  ADD ("/grants/consent", test_consent);
  ADD ("/grants/bad-terms", test_bad_terms);
  ADD ("/grants/restart", test_restart);
  ADD ("/grants/no-audit", test_no_audit);
  ADD ("/grants/storm", test_storm);
  ADD ("/grants/storm-unknown", test_storm_unknown);
  ADD ("/grants/reconcile", test_reconcile);
  ADD ("/grants/signer", test_signer);
  ADD ("/grants/peer", test_peer);
  ADD ("/grants/identity", test_identity);
  ADD ("/grants/bad-identity", test_bad_identity);
  ADD ("/grants/prefix", test_prefix);
  return g_test_run ();
}
