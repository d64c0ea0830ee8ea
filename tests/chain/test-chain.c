/* SPDX-License-Identifier: Apache-2.0 */

/* What an append does with an event, and what a verifier says where the vectors have no case. */

#include "../event/vectors-support.h"

#include <zu/chain/zu-anchor.h>

#include <string.h>

#define TRACE       "0b1c2d3e-0000-4000-8000-000000000001"
#define OTHER_TRACE "0b1c2d3e-0000-4000-8000-000000000002"
#define TASK        "0b1c2d3e-0000-4000-8000-0000000000aa"

static ZuEvent *
make_event (const char *trace_id, gint64 n)
{
  g_autofree char *text = g_strdup_printf ("{\"n\":%" G_GINT64_FORMAT "}", n);
  g_autoptr (ZuJson) payload = zu_json_parse (text, -1, NULL);
  g_autoptr (GError) error = NULL;
  ZuEvent *event = zu_event_new (trace_id, TASK, NULL, "data.x", "test", payload, &error);

  g_assert_no_error (error);
  return event;
}

static ZuSecret *
make_key (void)
{
  char bytes[] = "a key of the tests";
  ZuSecret *key = zu_secret_new_wiping (bytes, sizeof bytes - 1, NULL);

  g_assert_nonnull (key);
  return key;
}

/* The event with one piece of its text replaced. */
static ZuEvent *
forge (ZuEvent *event, const char *from, const char *to)
{
  g_auto (GStrv) parts = g_strsplit (zu_event_get_text (event, NULL), from, 2);
  g_autofree char *text = g_strjoin (to, parts[0], parts[1], NULL);
  g_autoptr (GError) error = NULL;
  ZuEvent *forged;

  g_assert_cmpuint (g_strv_length (parts), ==, 2);
  forged = zu_event_new_from_stored_text (text, strlen (text), &error);
  g_assert_no_error (error);
  return forged;
}

static void
test_link (void)
{
  g_autoptr (ZuSecret) key = make_key ();
  g_autoptr (ZuEvent) first = make_event (TRACE, 1);
  g_autoptr (ZuEvent) second = make_event (TRACE, 2);
  g_autoptr (ZuEvent) a = zu_chain_link (first, NULL, key, NULL);
  g_autoptr (ZuEvent) b = zu_chain_link (second, zu_event_get_hash (a), key, NULL);
  g_autoptr (GPtrArray) events = g_ptr_array_new ();
  g_autoptr (GPtrArray) violations = NULL;
  g_autofree char *sig = zu_secret_dup_hmac_hex (key, zu_event_get_hash (b));

  g_assert_null (zu_event_get_prev_hash (a));
  g_assert_cmpstr (zu_event_get_prev_hash (b), ==, zu_event_get_hash (a));
  g_assert_cmpstr (zu_event_get_sig (b), ==, sig);
  g_ptr_array_add (events, a);
  g_ptr_array_add (events, b);
  violations = zu_verify_chain (events, key);
  g_assert_cmpuint (violations->len, ==, 0);
}

/* An event that arrives linked keeps its links, the signature it has or has not included. */
static void
test_link_linked (void)
{
  g_autoptr (ZuSecret) key = make_key ();
  g_autoptr (ZuEvent) plain = make_event (TRACE, 1);
  g_autoptr (ZuEvent) linked = zu_event_link (plain, "head", NULL);
  g_autoptr (ZuEvent) stored = zu_chain_link (linked, "head", key, NULL);

  g_assert_true (stored == linked);
  g_assert_null (zu_event_get_sig (stored));
}

static void
test_link_wrong_hash (void)
{
  g_autoptr (ZuEvent) plain = make_event (TRACE, 1);
  g_autoptr (ZuEvent) linked = zu_event_link (plain, NULL, NULL);
  g_autoptr (ZuEvent) edited = forge (linked, "{\"n\":1}", "{\"n\":2}");
  g_autoptr (ZuEvent) short_hash = forge (linked, zu_event_get_hash (linked), "abc");
  g_autoptr (GError) error = NULL;

  g_assert_null (zu_chain_link (edited, NULL, NULL, &error));
  g_assert_error (error, ZU_CHAIN_ERROR, ZU_CHAIN_ERROR_WRONG_HASH);
  g_assert_nonnull (strstr (error->message, zu_event_get_event_id (plain)));
  g_clear_error (&error);
  g_assert_null (zu_chain_link (short_hash, NULL, NULL, &error));
  g_assert_error (error, ZU_CHAIN_ERROR, ZU_CHAIN_ERROR_WRONG_HASH);
  g_clear_error (&error);

  /* The wrong hash is told even where it would not follow either. */
  g_assert_null (zu_chain_link (edited, "elsewhere", NULL, &error));
  g_assert_error (error, ZU_CHAIN_ERROR, ZU_CHAIN_ERROR_WRONG_HASH);
}

static void
test_link_conflict (void)
{
  g_autoptr (ZuEvent) plain = make_event (TRACE, 1);
  g_autoptr (ZuEvent) first = zu_event_link (plain, NULL, NULL);
  g_autoptr (ZuEvent) later = zu_event_link (plain, "head", NULL);
  g_autoptr (GError) error = NULL;

  g_assert_null (zu_chain_link (first, "head", NULL, &error));
  g_assert_error (error, ZU_CHAIN_ERROR, ZU_CHAIN_ERROR_CONFLICT);
  g_clear_error (&error);
  g_assert_null (zu_chain_link (later, NULL, NULL, &error));
  g_assert_error (error, ZU_CHAIN_ERROR, ZU_CHAIN_ERROR_CONFLICT);
  g_clear_error (&error);
  g_assert_null (zu_chain_link (later, "heads", NULL, &error));
  g_assert_error (error, ZU_CHAIN_ERROR, ZU_CHAIN_ERROR_CONFLICT);
}

/* A verifier that is handed interleaved traces finds in each what it would find alone. */
static void
test_interleaved (void)
{
  g_autoptr (ZuChainVerifier) verifier = zu_chain_verifier_new (NULL);
  char *heads[2] = { NULL, NULL };
  GPtrArray *violations;

  for (gint64 i = 0; i < 1000; i++)
    {
      guint trace = i % 3 == 0;
      g_autoptr (ZuEvent) plain = make_event (trace ? OTHER_TRACE : TRACE, i);
      g_autoptr (ZuEvent) linked = zu_chain_link (plain, heads[trace], NULL, NULL);

      g_free (heads[trace]);
      heads[trace] = g_strdup (zu_event_get_hash (linked));
      if (i != 500)
        zu_chain_verifier_add (verifier, linked);
    }
  g_free (heads[0]);
  g_free (heads[1]);
  zu_chain_verifier_end (verifier);
  violations = zu_chain_verifier_get_violations (verifier);
  g_assert_cmpuint (violations->len, ==, 1);
  g_assert_cmpint (zu_violation_get_kind (g_ptr_array_index (violations, 0)), ==,
                   ZU_VIOLATION_KIND_PREV_HASH_BREAK);
  g_assert_cmpuint (zu_chain_verifier_get_n_events (verifier), ==, 999);
  g_assert_cmpuint (zu_chain_verifier_get_n_traces (verifier), ==, 2);
}

/* What others see goes where they saw it. */
static void
test_add_violation (void)
{
  g_autoptr (ZuChainVerifier) verifier = zu_chain_verifier_new (NULL);
  g_autoptr (ZuViolation) row =
      zu_violation_new (ZU_VIOLATION_KIND_UNDECODABLE, "-", "row 3: no event");
  g_autoptr (ZuEvent) event = make_event (TRACE, 1);
  GPtrArray *violations;

  zu_chain_verifier_add_violation (verifier, row);
  zu_chain_verifier_add (verifier, event);
  violations = zu_chain_verifier_get_violations (verifier);
  g_assert_cmpuint (violations->len, ==, 2);
  g_assert_true (g_ptr_array_index (violations, 0) == row);
  g_assert_cmpstr (zu_violation_kind_to_string (zu_violation_get_kind (row)), ==, "undecodable");
  g_assert_cmpint (zu_violation_get_kind (g_ptr_array_index (violations, 1)), ==,
                   ZU_VIOLATION_KIND_NOT_LINKED);
}

/* A hash may be any text; it is shown as the other implementation shows it. */
static void
test_odd_hashes (void)
{
  g_autoptr (ZuEvent) plain = make_event (TRACE, 1);
  g_autoptr (ZuEvent) event = zu_event_link (plain, "it's\n\"é\" \x7f", NULL);
  g_autoptr (GPtrArray) events = g_ptr_array_new ();
  g_autoptr (GPtrArray) violations = NULL;

  g_ptr_array_add (events, event);
  violations = zu_verify_chain (events, NULL);
  g_assert_cmpuint (violations->len, ==, 1);
  g_assert_true (
      g_str_has_suffix (zu_violation_get_text (g_ptr_array_index (violations, 0)),
                        "(expected None, found 'it\\'s\\n\"é\" \\x7f') — reorder/insert/delete"));
}

/* One text in every event is changed in one place: the verifier names exactly that event. */
static void
test_every_edit_is_seen (void)
{
  g_autoptr (GPtrArray) events = g_ptr_array_new_with_free_func (g_object_unref);
  const char *head = NULL;

  for (gint64 i = 0; i < 20; i++)
    {
      g_autoptr (ZuEvent) plain = make_event (TRACE, i);

      g_ptr_array_add (events, zu_chain_link (plain, head, NULL, NULL));
      head = zu_event_get_hash (g_ptr_array_index (events, i));
    }

  for (guint i = 0; i < events->len; i++)
    {
      g_autoptr (ZuChainVerifier) verifier = zu_chain_verifier_new (NULL);
      g_autoptr (ZuEvent) forged =
          forge (g_ptr_array_index (events, i), "\"source\":\"test\"", "\"source\":\"Test\"");
      GPtrArray *violations = zu_chain_verifier_get_violations (verifier);

      for (guint j = 0; j < events->len; j++)
        zu_chain_verifier_add (verifier, j == i ? forged : g_ptr_array_index (events, j));
      g_assert_cmpuint (violations->len, ==, 1);
      g_assert_cmpint (zu_violation_get_kind (g_ptr_array_index (violations, 0)), ==,
                       ZU_VIOLATION_KIND_CONTENT_TAMPER);
      g_assert_cmpstr (zu_violation_get_subject (g_ptr_array_index (violations, 0)), ==,
                       zu_event_get_event_id (forged));
    }
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);

  g_test_add_func ("/chain/link", test_link);
  g_test_add_func ("/chain/link/linked", test_link_linked);
  g_test_add_func ("/chain/link/wrong-hash", test_link_wrong_hash);
  g_test_add_func ("/chain/link/conflict", test_link_conflict);
  g_test_add_func ("/chain/interleaved", test_interleaved);
  g_test_add_func ("/chain/add-violation", test_add_violation);
  g_test_add_func ("/chain/odd-hashes", test_odd_hashes);
  g_test_add_func ("/chain/every-edit-is-seen", test_every_edit_is_seen);

  return g_test_run ();
}
