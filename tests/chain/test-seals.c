/* SPDX-License-Identifier: Apache-2.0 */

/* Seals, and what comparing a log with them tells; without any log. */

#include <string.h>
#include <zu/zu.h>

#define N_TRACES 3

static const char *const trace_ids[N_TRACES] = {
  "0b1c2d3e-0000-4000-8000-000000000001",
  "0b1c2d3e-0000-4000-8000-000000000002",
  "0b1c2d3e-0000-4000-8000-000000000003",
};

/* A log of three traces, as a sink would give its seals. */
typedef struct
{
  ZuSecret *key;
  ZuSeal seals[N_TRACES];
  char heads[N_TRACES][2 * ZU_SEAL_SIZE + 1];
  guint n_seals; /* given of them */
  ZuSealTotal total;
  gboolean has_total;
  gboolean was_sealed;
  gint64 encrypted_from;
} Log;

static ZuSecret *
make_key (const char *text)
{
  g_autoptr (GError) error = NULL;
  g_autofree char *copy = g_strdup (text);
  ZuSecret *key = zu_secret_new_wiping (copy, strlen (copy), &error);

  g_assert_no_error (error);
  return key;
}

static void
set_head (Log *log, guint trace, char digit)
{
  memset (log->heads[trace], digit, 2 * ZU_SEAL_SIZE);
  log->heads[trace][2 * ZU_SEAL_SIZE] = '\0';
  g_assert_true (zu_seal_parse_head (log->heads[trace], log->seals[trace].head));
}

static void
close_log (Log *log)
{
  g_autoptr (GError) error = NULL;

  log->total = (ZuSealTotal){ .n_traces = N_TRACES };
  for (guint i = 0; i < N_TRACES; i++)
    {
      guint8 element[ZU_SEAL_SIZE];

      zu_seal_write_element (&log->seals[i], log->key, element);
      zu_seal_sum_add (log->total.sum, element);
      log->total.n_events += log->seals[i].n_events;
      log->total.last_seq = MAX (log->total.last_seq, log->seals[i].last_seq);
    }
  g_assert_true (zu_seal_total_close (&log->total, log->key, &error));
  g_assert_no_error (error);
}

static void
log_init (Log *log, const char *key)
{
  *log = (Log){ .key = key != NULL ? make_key (key) : NULL, .n_seals = N_TRACES };
  log->has_total = log->was_sealed = TRUE;
  for (guint i = 0; i < N_TRACES; i++)
    {
      log->seals[i] = (ZuSeal){ .trace_id = trace_ids[i], .n_events = 10 * (i + 1) };
      log->seals[i].last_seq = 20 + 20 * i;
      set_head (log, i, (char) ('a' + i));
    }
  close_log (log);
}

static void
log_clear (Log *log)
{
  g_clear_pointer (&log->key, zu_secret_unref);
}

G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC (Log, log_clear)

static ZuTraceSeal *
make_trace_seal (const Log *log, guint i)
{
  const ZuSeal *seal = &log->seals[i];
  g_autoptr (GBytes) mac = NULL;
  guint8 bytes[ZU_SEAL_SIZE];

  if (log->key != NULL)
    {
      zu_seal_write_mac (seal, log->key, bytes);
      mac = g_bytes_new (bytes, sizeof bytes);
    }
  return g_object_new (ZU_TYPE_TRACE_SEAL, "trace-id", seal->trace_id, "events",
                       (gint64) seal->n_events, "last-seq", seal->last_seq, "head", log->heads[i],
                       "mac", mac, NULL);
}

static ZuLogSeal *
make_log_seal (const Log *log)
{
  const ZuSealTotal *total = &log->total;
  g_autoptr (GBytes) commitment = g_bytes_new (total->commitment, ZU_SEAL_SIZE);
  g_autoptr (GBytes) nonce = NULL, mac = NULL;

  if (total->is_signed)
    {
      nonce = g_bytes_new (total->nonce, ZU_SEAL_NONCE_SIZE);
      mac = g_bytes_new (total->mac, ZU_SEAL_SIZE);
    }
  return g_object_new (ZU_TYPE_LOG_SEAL, "traces", (gint64) total->n_traces, "events",
                       (gint64) total->n_events, "last-seq", total->last_seq, "encrypted-from",
                       total->encrypted_from, "commitment", commitment, "nonce", nonce, "mac", mac,
                       NULL);
}

static ZuSealPage *
make_page (const Log *log)
{
  g_autoptr (GPtrArray) seals = g_ptr_array_new_with_free_func (g_object_unref);
  g_autoptr (ZuLogSeal) total = log->has_total ? make_log_seal (log) : NULL;

  for (guint i = 0; i < log->n_seals; i++)
    g_ptr_array_add (seals, make_trace_seal (log, i));
  return g_object_new (ZU_TYPE_SEAL_PAGE, "seals", seals, "log", total, "was-sealed",
                       log->was_sealed, "encrypted-from", log->encrypted_from, "next",
                       (gint64) log->n_seals, NULL);
}

static ZuSealVerifier *
begin (const Log *log, ZuSecret *key, gboolean is_required)
{
  g_autoptr (ZuSealPage) page = make_page (log);
  ZuSealVerifier *verifier = zu_seal_verifier_new (key, is_required);

  zu_seal_verifier_add_page (verifier, page);
  return verifier;
}

static void
add_whole (ZuSealVerifier *verifier, const Log *log, guint trace)
{
  guint64 n = log->seals[trace].n_events;

  zu_seal_verifier_add_trace (verifier, trace_ids[trace], n, 0, n, TRUE);
}

/* As many violations, of these kinds, each about one of these. */
static void
assert_found (ZuSealVerifier *verifier, guint n, const ZuViolationKind *kinds,
              const char *const *subjects)
{
  GPtrArray *found = zu_seal_verifier_get_violations (verifier);

  for (guint i = 0; i < found->len; i++)
    g_test_message ("%s: %s", zu_violation_kind_to_string (zu_violation_get_kind (found->pdata[i])),
                    zu_violation_get_text (found->pdata[i]));
  g_assert_cmpuint (found->len, ==, n);
  for (guint i = 0; i < n; i++)
    {
      g_assert_cmpint (zu_violation_get_kind (found->pdata[i]), ==, kinds[i]);
      g_assert_cmpstr (zu_violation_get_subject (found->pdata[i]), ==, subjects[i]);
    }
}

static void
assert_one (ZuSealVerifier *verifier, ZuViolationKind kind, const char *subject)
{
  assert_found (verifier, 1, &kind, &subject);
}

static void
assert_notes (ZuSealVerifier *verifier, const char *expected)
{
  g_auto (GStrv) notes = zu_seal_verifier_dup_notes (verifier);
  g_autofree char *joined = g_strjoinv ("; ", notes);

  g_assert_cmpstr (joined, ==, expected);
}

static void
end_whole (ZuSealVerifier *verifier, const Log *log)
{
  for (guint i = 0; i < N_TRACES; i++)
    add_whole (verifier, log, i);
  zu_seal_verifier_end (verifier);
}

static void
test_intact (gconstpointer key)
{
  g_auto (Log) log;
  g_autoptr (ZuSealVerifier) verifier = NULL;

  log_init (&log, key);
  verifier = begin (&log, log.key, TRUE);
  g_assert_true (zu_seal_verifier_is_sealed (verifier));
  g_assert_cmpstr (zu_seal_verifier_get_head (verifier, trace_ids[1]), ==, log.heads[1]);
  g_assert_null (zu_seal_verifier_get_head (verifier, "other"));
  end_whole (verifier, &log);
  assert_found (verifier, 0, NULL, NULL);
  g_assert_cmpint (zu_seal_verifier_get_trust (verifier), ==,
                   key != NULL ? ZU_SEAL_TRUST_SIGNED : ZU_SEAL_TRUST_PLAIN);
  assert_notes (verifier, key != NULL ? "" : "seals are not signed");
}

static void
test_truncated (gconstpointer key)
{
  g_auto (Log) log;
  g_autoptr (ZuSealVerifier) verifier = NULL, other = NULL;

  log_init (&log, key);
  verifier = begin (&log, log.key, FALSE);
  add_whole (verifier, &log, 0);
  zu_seal_verifier_add_trace (verifier, trace_ids[1], 19, 0, 0, TRUE);
  add_whole (verifier, &log, 2);
  zu_seal_verifier_end (verifier);
  assert_one (verifier, ZU_VIOLATION_KIND_TAIL_TRUNCATED, trace_ids[1]);

  /* Cut off, and as many others put in its place. */
  other = begin (&log, log.key, FALSE);
  add_whole (other, &log, 0);
  zu_seal_verifier_add_trace (other, trace_ids[1], 25, 0, 0, TRUE);
  add_whole (other, &log, 2);
  zu_seal_verifier_end (other);
  assert_one (other, ZU_VIOLATION_KIND_TAIL_TRUNCATED, trace_ids[1]);
}

/* What the chain tells of, and rows that cannot be read, are not told again. */
static void
test_told_already (gconstpointer key)
{
  g_auto (Log) log;
  g_autoptr (ZuSealVerifier) verifier = NULL;

  log_init (&log, key);
  verifier = begin (&log, log.key, FALSE);
  zu_seal_verifier_add_trace (verifier, trace_ids[0], 9, 0, 9, FALSE);
  zu_seal_verifier_add_trace (verifier, trace_ids[1], 20, 0, 0, FALSE);
  zu_seal_verifier_add_trace (verifier, trace_ids[2], 0, 30, 0, TRUE);
  zu_seal_verifier_end (verifier);
  assert_found (verifier, 0, NULL, NULL);
}

static void
test_missing (gconstpointer key)
{
  g_auto (Log) log;
  g_autoptr (ZuSealVerifier) verifier = NULL, with_seal = NULL, only_seal = NULL, one = NULL;

  log_init (&log, key);
  verifier = begin (&log, log.key, FALSE);
  add_whole (verifier, &log, 0);
  add_whole (verifier, &log, 2);
  zu_seal_verifier_end (verifier);
  assert_one (verifier, ZU_VIOLATION_KIND_TRACE_MISSING, trace_ids[1]);

  /* Of the traces that are not asked for nothing is read. */
  one = begin (&log, log.key, FALSE);
  zu_seal_verifier_set_trace (one, trace_ids[2]);
  add_whole (one, &log, 2);
  zu_seal_verifier_end (one);
  assert_found (one, 0, NULL, NULL);

  log.n_seals = 2;
  with_seal = begin (&log, log.key, FALSE);
  add_whole (with_seal, &log, 0);
  add_whole (with_seal, &log, 1);
  zu_seal_verifier_end (with_seal);
  assert_one (with_seal, ZU_VIOLATION_KIND_TRACE_MISSING, "-");

  only_seal = begin (&log, log.key, FALSE);
  end_whole (only_seal, &log);
  assert_one (only_seal, ZU_VIOLATION_KIND_SEAL_MISSING, "-");
  g_assert_cmpuint (zu_seal_verifier_get_n_unsealed (only_seal), ==, 30);
}

/* A trace's end is cut off, and its seal put back to an older one. */
static void
test_set_back (gconstpointer key)
{
  g_auto (Log) log;
  g_autoptr (ZuSealVerifier) verifier = NULL, same_size = NULL;

  log_init (&log, key);
  log.seals[1].n_events = 15;
  log.seals[1].last_seq = 31;
  set_head (&log, 1, '7');
  verifier = begin (&log, log.key, FALSE);
  end_whole (verifier, &log);
  assert_one (verifier, ZU_VIOLATION_KIND_TAIL_TRUNCATED, "-");

  log_clear (&log);
  log_init (&log, key);
  set_head (&log, 1, '7');
  same_size = begin (&log, log.key, FALSE);
  end_whole (same_size, &log);
  assert_one (same_size, ZU_VIOLATION_KIND_CONTENT_TAMPER, "-");
}

static void
test_unsealed (gconstpointer key)
{
  g_auto (Log) log;
  g_autoptr (ZuSealVerifier) verifier = NULL;

  log_init (&log, key);
  verifier = begin (&log, log.key, TRUE);
  add_whole (verifier, &log, 0);
  zu_seal_verifier_add_trace (verifier, trace_ids[1], 23, 0, 20, TRUE);
  add_whole (verifier, &log, 2);
  zu_seal_verifier_add_trace (verifier, "another", 4, 0, 0, TRUE);
  zu_seal_verifier_end (verifier);
  assert_found (verifier, 0, NULL, NULL);
  g_assert_cmpuint (zu_seal_verifier_get_n_unsealed (verifier), ==, 7);
  assert_notes (verifier,
                key != NULL ? "7 events unsealed" : "7 events unsealed; seals are not signed");
}

static void
test_gone (gconstpointer key)
{
  g_auto (Log) log;
  g_autoptr (ZuSealVerifier) sealed = NULL, required = NULL, never = NULL, headless = NULL;

  log_init (&log, key);
  log.has_total = FALSE;
  headless = begin (&log, log.key, FALSE);
  end_whole (headless, &log);
  assert_one (headless, ZU_VIOLATION_KIND_SEAL_MISSING, "-");

  log.n_seals = 0;
  sealed = begin (&log, log.key, FALSE);
  end_whole (sealed, &log);
  assert_one (sealed, ZU_VIOLATION_KIND_SEAL_MISSING, "-");

  log.was_sealed = FALSE;
  required = begin (&log, log.key, TRUE);
  end_whole (required, &log);
  assert_one (required, ZU_VIOLATION_KIND_SEAL_MISSING, "-");

  never = begin (&log, NULL, FALSE);
  end_whole (never, &log);
  assert_found (never, 0, NULL, NULL);
  assert_notes (never, "unsealed");
}

static void
test_keys (void)
{
  static const ZuViolationKind of_log[] = { ZU_VIOLATION_KIND_SIGNATURE_MISMATCH };
  g_auto (Log) log, plain;
  g_autoptr (ZuSecret) wrong = make_key ("another key");
  g_autoptr (ZuSealVerifier) without = NULL, other = NULL, unsigned_log = NULL;

  log_init (&log, "key");
  without = begin (&log, NULL, FALSE);
  end_whole (without, &log);
  assert_found (without, 0, NULL, NULL);
  assert_notes (without, "seals are signed, and were not checked without the key");

  other = begin (&log, wrong, FALSE);
  end_whole (other, &log);
  assert_one (other, *of_log, "-");

  log_init (&plain, NULL);
  unsigned_log = begin (&plain, wrong, FALSE);
  end_whole (unsigned_log, &plain);
  assert_one (unsigned_log, *of_log, "-");
}

/* Each bit of what is signed counts. */
static void
test_signed_bits (void)
{
  g_auto (Log) log;
  guint8 bytes[ZU_SEAL_TOTAL_SIZE];
  gsize size;

  log_init (&log, "key");
  size = zu_seal_total_write (&log.total, bytes);
  g_assert_cmpuint (size, ==, sizeof bytes);
  for (gsize i = 0; i < 8 * size; i++)
    {
      ZuSealTotal total;

      bytes[i / 8] ^= (guint8) (1 << i % 8);
      if (zu_seal_total_parse (&total, bytes, size))
        g_assert_cmpint (zu_seal_total_open (&total, log.key), ==, ZU_SEAL_TRUST_FORGED);
      bytes[i / 8] ^= (guint8) (1 << i % 8);
    }
}

static void
test_trace_macs (void)
{
  static const ZuViolationKind kinds[] = { ZU_VIOLATION_KIND_SIGNATURE_MISMATCH,
                                           ZU_VIOLATION_KIND_CONTENT_TAMPER };
  const char *subjects[] = { trace_ids[2], "-" };
  g_auto (Log) log;
  g_autoptr (ZuSecret) key = make_key ("key"), wrong = make_key ("wrong");
  g_autoptr (ZuSealVerifier) verifier = zu_seal_verifier_new (key, FALSE);
  g_autoptr (ZuSealPage) page = NULL, forged = NULL;
  g_autoptr (GPtrArray) seals = g_ptr_array_new_with_free_func (g_object_unref);
  g_autoptr (ZuLogSeal) total = NULL;

  log_init (&log, "key");
  page = make_page (&log);
  zu_seal_verifier_add_page (verifier, page);

  /* Whoever has no key changes a seal that adds up to nothing else. */
  log.seals[2].last_seq++;
  g_clear_pointer (&log.key, zu_secret_unref);
  log.key = g_steal_pointer (&wrong);
  g_ptr_array_add (seals, make_trace_seal (&log, 2));
  total = make_log_seal (&log);
  forged = g_object_new (ZU_TYPE_SEAL_PAGE, "seals", seals, "log", total, "was-sealed", TRUE,
                         "next", (gint64) 3, NULL);
  zu_seal_verifier_add_page (verifier, forged);
  end_whole (verifier, &log);
  assert_found (verifier, G_N_ELEMENTS (kinds), kinds, subjects);
}

static void
test_policy (gconstpointer key)
{
  g_auto (Log) log;
  g_autoptr (ZuSealVerifier) verifier = NULL;

  log_init (&log, key);
  log.encrypted_from = 7;
  verifier = begin (&log, log.key, FALSE);
  end_whole (verifier, &log);
  assert_one (verifier, ZU_VIOLATION_KIND_CONTENT_TAMPER, "-");
}

/* The sum does not depend on the order, and takes back what it was given. */
static void
test_sum (gconstpointer key)
{
  g_auto (Log) log;
  guint8 sum[ZU_SEAL_SIZE] = { 0 }, zero[ZU_SEAL_SIZE] = { 0 }, element[ZU_SEAL_SIZE];

  log_init (&log, key);
  for (guint i = N_TRACES; i > 0; i--)
    {
      zu_seal_write_element (&log.seals[i - 1], log.key, element);
      zu_seal_sum_add (sum, element);
    }
  g_assert_cmpmem (sum, sizeof sum, log.total.sum, sizeof sum);
  for (guint i = 0; i < N_TRACES; i++)
    {
      zu_seal_write_element (&log.seals[i], log.key, element);
      zu_seal_sum_subtract (sum, element);
    }
  g_assert_cmpmem (sum, sizeof sum, zero, sizeof zero);
}

/* A signed commitment shows nothing of the sum: the same one looks different each time. */
static void
test_mask (void)
{
  g_auto (Log) log;
  ZuSealTotal before;

  log_init (&log, "key");
  before = log.total;
  g_assert_true (zu_seal_total_close (&log.total, log.key, NULL));
  g_assert_cmpint (memcmp (before.commitment, log.total.commitment, ZU_SEAL_SIZE), !=, 0);
  g_assert_cmpint (memcmp (before.sum, log.total.commitment, ZU_SEAL_SIZE), !=, 0);
  g_assert_cmpint (zu_seal_total_open (&log.total, log.key), ==, ZU_SEAL_TRUST_SIGNED);
  g_assert_cmpmem (log.total.sum, ZU_SEAL_SIZE, before.sum, ZU_SEAL_SIZE);
}

/* As written once; these bytes stand in logs. */
static void
test_stored_form (void)
{
  static const char *const element_hex =
      "f34c02efd77bb76859efb37a979b61e9dcc19f5a99c68623e60e91aa40440e55";
  g_auto (Log) log;
  ZuSealTotal total;
  guint8 bytes[ZU_SEAL_TOTAL_SIZE], element[ZU_SEAL_SIZE], head[ZU_SEAL_SIZE];
  g_autoptr (GString) hex = g_string_new (NULL);

  log_init (&log, NULL);
  g_assert_cmpuint (zu_seal_total_write (&log.total, bytes), ==, 65);
  g_assert_cmpuint (bytes[0], ==, 1);
  g_assert_cmpuint (bytes[8], ==, N_TRACES);
  g_assert_cmpuint (bytes[16], ==, 60);
  g_assert_cmpuint (bytes[24], ==, 60);
  g_assert_true (zu_seal_total_parse (&total, bytes, 65));
  g_assert_cmpint (zu_seal_total_open (&total, NULL), ==, ZU_SEAL_TRUST_PLAIN);
  g_assert_cmpmem (total.sum, ZU_SEAL_SIZE, log.total.sum, ZU_SEAL_SIZE);
  g_assert_false (zu_seal_total_parse (&total, bytes, 64));
  g_assert_false (zu_seal_total_parse (&total, NULL, 0));
  bytes[0] = 3;
  g_assert_false (zu_seal_total_parse (&total, bytes, 65));

  zu_seal_write_element (&log.seals[0], NULL, element);
  for (guint i = 0; i < sizeof element; i++)
    g_string_append_printf (hex, "%02x", element[i]);
  g_assert_cmpstr (hex->str, ==, element_hex);
  g_assert_false (zu_seal_parse_head ("ab", head));
  g_assert_false (zu_seal_parse_head ("", head));
}

int
main (int argc, char **argv)
{
  static const struct
  {
    const char *name;
    GTestDataFunc func;
  } both[] = {
    { "intact", test_intact },   { "truncated", test_truncated }, { "told", test_told_already },
    { "missing", test_missing }, { "set-back", test_set_back },   { "unsealed", test_unsealed },
    { "gone", test_gone },       { "policy", test_policy },       { "sum", test_sum },
  };

  g_test_init (&argc, &argv, NULL);
  for (guint i = 0; i < G_N_ELEMENTS (both); i++)
    {
      g_autofree char *plain = g_strdup_printf ("/seals/plain/%s", both[i].name);
      g_autofree char *signed_log = g_strdup_printf ("/seals/signed/%s", both[i].name);

      g_test_add_data_func (plain, NULL, both[i].func);
      g_test_add_data_func (signed_log, "key", both[i].func);
    }
  g_test_add_func ("/seals/keys", test_keys);
  g_test_add_func ("/seals/signed-bits", test_signed_bits);
  g_test_add_func ("/seals/trace-macs", test_trace_macs);
  g_test_add_func ("/seals/mask", test_mask);
  g_test_add_func ("/seals/stored-form", test_stored_form);
  return g_test_run ();
}
