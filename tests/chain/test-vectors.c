/* SPDX-License-Identifier: Apache-2.0 */

/* The recorded logs, intact and tampered with: the violations and their words, as recorded. */

#include "../event/vectors-support.h"

#include <zu/chain/zu-anchor.h>

#include <string.h>

static GPtrArray *
read_log (const char *file)
{
  GPtrArray *events = g_ptr_array_new_with_free_func (g_object_unref);
  g_autofree char *name = g_build_filename ("chains", file, NULL);
  gsize length;
  g_autofree char *text = vectors_read (name, &length);
  g_auto (GStrv) lines = g_strsplit (text, "\n", -1);

  for (guint i = 0; lines[i] != NULL; i++)
    {
      g_autoptr (GError) error = NULL;

      if (lines[i][0] == '\0')
        continue;
      g_ptr_array_add (events, zu_event_new_from_stored_text (lines[i], strlen (lines[i]), &error));
      g_assert_no_error (error);
    }
  return events;
}

static void
assert_violation (ZuViolation *violation, ZuJson *wanted)
{
  const char *event_id = row_text (wanted, "event_id");

  g_assert_cmpstr (zu_violation_get_text (violation), ==, row_text (wanted, "text"));
  g_assert_cmpstr (zu_violation_kind_to_string (zu_violation_get_kind (violation)), ==,
                   row_text (wanted, "kind"));
  if (event_id != NULL)
    g_assert_cmpstr (zu_violation_get_subject (violation), ==, event_id);
}

static void
assert_violations (GPtrArray *violations, ZuJson *wanted)
{
  g_assert_cmpuint (violations->len, ==, zu_json_get_size (wanted));
  for (guint i = 0; i < violations->len; i++)
    {
      g_autoptr (ZuJson) row = zu_json_dup_element (wanted, i);

      assert_violation (g_ptr_array_index (violations, i), row);
    }
}

static GPtrArray *
only_trace (GPtrArray *events, const char *trace_id)
{
  GPtrArray *some = g_ptr_array_new_with_free_func (g_object_unref);

  for (guint i = 0; i < events->len; i++)
    {
      ZuEvent *event = g_ptr_array_index (events, i);

      if (strcmp (zu_event_get_trace_id (event), trace_id) == 0)
        g_ptr_array_add (some, g_object_ref (event));
    }
  return some;
}

/* Each trace alone, and all of them in one pass, which keeps them apart. */
static void
check_verify (ZuJson *row, GPtrArray *events)
{
  g_autoptr (ZuSecret) key = row_secret (row, "key_hex");
  g_autoptr (ZuJson) traces = row_member (row, "per_trace");
  g_autoptr (GPtrArray) all = zu_verify_chain (events, key);
  guint n = 0;

  for (gsize i = 0; i < zu_json_get_size (traces); i++)
    {
      const char *trace_id = zu_json_get_member_name (traces, i, NULL);
      g_autoptr (ZuJson) wanted = zu_json_dup_element (traces, i);
      g_autoptr (GPtrArray) some = only_trace (events, trace_id);
      g_autoptr (GPtrArray) violations = zu_verify_chain (some, key);

      assert_violations (violations, wanted);
      n += violations->len;
    }
  g_assert_cmpuint (all->len, ==, n);
}

static void
check_head (ZuJson *row, GPtrArray *events)
{
  g_autoptr (ZuChainVerifier) verifier = zu_chain_verifier_new (NULL);
  g_autoptr (ZuJson) wanted = row_member (row, "violations");

  zu_chain_verifier_expect_head (verifier, row_text (row, "trace_id"), row_text (row, "head"));
  for (guint i = 0; i < events->len; i++)
    zu_chain_verifier_add (verifier, g_ptr_array_index (events, i));
  zu_chain_verifier_end (verifier);
  assert_violations (zu_chain_verifier_get_violations (verifier), wanted);
}

static gboolean
is_of_anchor (ZuViolation *violation)
{
  return zu_violation_get_kind (violation) == ZU_VIOLATION_KIND_ANCHOR_OUT_OF_RANGE
         || zu_violation_get_kind (violation) == ZU_VIOLATION_KIND_ANCHOR_DIVERGENCE;
}

static void
check_anchor (ZuJson *row, GPtrArray *events)
{
  g_autofree char *name = g_build_filename ("chains", row_text (row, "anchor_file"), NULL);
  g_autoptr (ZuJson) wanted = row_member (row, "violations");
  g_autoptr (ZuJson) records = row_member (row, "records");
  g_autoptr (GPtrArray) found = g_ptr_array_new ();
  g_autoptr (ZuChainVerifier) verifier = zu_chain_verifier_new (NULL);
  g_autoptr (ZuAnchor) anchor = NULL;
  g_autoptr (GError) error = NULL;
  gsize length;
  g_autofree char *text = vectors_read (name, &length);
  g_autofree char *again = NULL;
  GPtrArray *all;

  anchor = zu_anchor_new_from_text (text, (gssize) length, &error);
  g_assert_no_error (error);
  g_assert_cmpfloat (zu_anchor_get_size (anchor), ==, zu_json_get_double (records));
  again = zu_anchor_to_text (anchor);
  g_assert_cmpstr (again, ==, text);

  zu_chain_verifier_set_anchor (verifier, anchor);
  for (guint i = 0; i < events->len; i++)
    zu_chain_verifier_add (verifier, g_ptr_array_index (events, i));
  zu_chain_verifier_end (verifier);
  all = zu_chain_verifier_get_violations (verifier);
  for (guint i = 0; i < all->len; i++)
    if (is_of_anchor (g_ptr_array_index (all, i)))
      g_ptr_array_add (found, g_ptr_array_index (all, i));
  assert_violations (found, wanted);
}

static void
foreach_row (ZuJson *log, const char *name, GPtrArray *events,
             void (*check) (ZuJson *, GPtrArray *))
{
  g_autoptr (ZuJson) rows = row_member (log, name);

  for (gsize i = 0; rows != NULL && i < zu_json_get_size (rows); i++)
    {
      g_autoptr (ZuJson) row = zu_json_dup_element (rows, i);

      check (row, events);
    }
}

/* The recorded heads are the stored hashes; in an intact log they are the derived ones too. */
static void
check_heads (ZuJson *log, GPtrArray *events)
{
  g_autoptr (ZuJson) heads = row_member (log, "heads");
  g_autoptr (ZuChainVerifier) verifier = zu_chain_verifier_new (NULL);
  g_autoptr (ZuAnchor) derived = NULL;

  for (guint i = 0; i < events->len; i++)
    zu_chain_verifier_add (verifier, g_ptr_array_index (events, i));
  derived = zu_chain_verifier_dup_heads (verifier);
  g_assert_cmpuint (zu_anchor_get_size (derived), ==, zu_json_get_size (heads));
  g_assert_cmpuint (zu_chain_verifier_get_n_traces (verifier), ==, zu_json_get_size (heads));
  g_assert_cmpuint (zu_chain_verifier_get_n_events (verifier), ==, events->len);
  for (guint i = 0; i < zu_anchor_get_size (derived); i++)
    {
      const char *trace_id = zu_anchor_get_trace_id (derived, i);

      g_assert_cmpstr (trace_id, ==, zu_json_get_member_name (heads, i, NULL));
      if (zu_chain_verifier_get_violations (verifier)->len == 0)
        g_assert_cmpstr (zu_anchor_get_head (derived, i), ==, row_text (heads, trace_id));
    }
}

static void
check_log (ZuJson *log)
{
  g_autoptr (GPtrArray) events = read_log (row_text (log, "file"));
  g_autoptr (ZuJson) n_events = row_member (log, "events");

  g_test_message ("%s", row_text (log, "file"));
  g_assert_cmpfloat (events->len, ==, zu_json_get_double (n_events));
  foreach_row (log, "verify", events, check_verify);
  foreach_row (log, "verify_with_head", events, check_head);
  foreach_row (log, "anchors", events, check_anchor);
  check_heads (log, events);
}

static void
test_logs (void)
{
  g_autoptr (ZuJson) manifest = vectors_read_json ("chains/manifest.json");
  g_autoptr (ZuJson) logs = row_member (manifest, "logs");

  g_assert_cmpuint (zu_json_get_size (logs), >=, 17);
  for (gsize i = 0; i < zu_json_get_size (logs); i++)
    {
      g_autoptr (ZuJson) log = zu_json_dup_element (logs, i);

      check_log (log);
    }
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);

  g_test_add_func ("/chain/vectors", test_logs);

  return g_test_run ();
}
