/* SPDX-License-Identifier: Apache-2.0 */

#include "zuctl-log.h"

#include "zuctl-log-options.h"
#include "zuctl-output.h"
#include "zuctl-progress.h"
#include "zuctl-text.h"

#include <unistd.h>

/* A log on its way through a verifier. What is found is printed and forgotten as it is found. */
typedef struct
{
  ZuChainVerifier *verifier;
  ZuSealVerifier *seals;
  const char *trace_id; /* the only one that is asked for */
  gboolean is_quiet;
  gboolean is_json;
  gboolean has_unchecked_indexes;
  ZuctlProgress progress;
  gint64 n_expected; /* events, for the progress; 0 where nobody looks */
} Check;

static void
check_clear (Check *check)
{
  zuctl_progress_clear (&check->progress);
  g_clear_object (&check->verifier);
  g_clear_object (&check->seals);
}

G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC (Check, check_clear)

/* Both quote what stands in the log, which may be anything. */
static void
print_violation_line (const char *subject, const char *kind, const char *text)
{
  g_autofree char *printable_subject = zuctl_dup_printable (subject);
  g_autofree char *printable_text = zuctl_dup_printable (text);

  zuctl_print ("%s ", printable_subject);
  zuctl_set_style (ZUCTL_STYLE_BAD);
  zuctl_print ("%s", kind);
  zuctl_set_style (ZUCTL_STYLE_PLAIN);
  zuctl_print (" %s\n", printable_text);
}

static void
print_violation (const Check *check, ZuViolation *violation)
{
  const char *kind = zu_violation_kind_to_string (zu_violation_get_kind (violation));
  const char *subject = zu_violation_get_subject (violation);

  if (check->is_json)
    {
      g_autoptr (ZuJson) json = zuctl_new_json ("subject", subject, "kind", kind, "text",
                                                zu_violation_get_text (violation), NULL);

      zuctl_print_json (json);
      return;
    }

  print_violation_line (subject != NULL ? subject : "-", kind, zu_violation_get_text (violation));
}

static void
on_violation (ZuChainVerifier *verifier, ZuViolation *violation, gpointer user_data)
{
  Check *check = user_data;

  zuctl_progress_clear (&check->progress);
  if (!check->is_quiet)
    print_violation (check, violation);
}

static void
on_progress (ZuChainVerifier *verifier, guint64 n_events, gpointer user_data)
{
  Check *check = user_data;

  zuctl_progress_tell (&check->progress, (gint64) n_events, check->n_expected);
}

static void
check_init (Check *check, ZuSecret *key)
{
  check->verifier = zu_chain_verifier_new (key);
  check->progress.what = "verifying";
  zu_chain_verifier_set_most_kept (check->verifier, 0);
  g_signal_connect (check->verifier, "violation", G_CALLBACK (on_violation), check);
  g_signal_connect (check->verifier, "progress", G_CALLBACK (on_progress), check);
}

/* Whether a log of this kind keeps seals at all. */
static gboolean
can_be_sealed (ZuEventSink *sink)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (ZuSealPage) page = NULL;

  if (!ZU_IS_EVENT_AUDIT (sink))
    return FALSE;
  page = zu_event_audit_seals (ZU_EVENT_AUDIT (sink), 0, 0, 1, NULL, &error);
  return !g_error_matches (error, G_IO_ERROR, G_IO_ERROR_NOT_SUPPORTED);
}

/* The seals are read before the events: what is sealed now is there then. */
static gboolean
read_seals (Check *check, ZuEventSink *sink, ZuSecret *key, gboolean is_required, GError **error)
{
  check->seals = zu_seal_verifier_new (key, is_required);
  zu_seal_verifier_set_trace (check->seals, check->trace_id);
  if (ZU_IS_EVENT_AUDIT (sink)
      && !zu_seal_verifier_read (check->seals, ZU_EVENT_AUDIT (sink), NULL, error))
    {
      g_prefix_error (error, "cannot read the log's seals: ");
      return FALSE;
    }
  zu_chain_verifier_set_seals (check->verifier, check->seals);
  return TRUE;
}

/* Damage to the store's own indexes hides rows from filters, and shows in no row. */
static gboolean
check_store (Check *check, ZuEventSink *sink, GError **error)
{
  g_auto (GStrv) problems = NULL;
  g_autoptr (GError) why = NULL;

  if (!ZU_IS_EVENT_MAINTENANCE (sink))
    return TRUE;
  if (check->trace_id != NULL)
    {
      check->has_unchecked_indexes = TRUE;
      return TRUE;
    }

  problems = zu_event_maintenance_check (ZU_EVENT_MAINTENANCE (sink), NULL, &why);
  if (problems == NULL)
    {
      if (g_error_matches (why, ZU_EVENT_MAINTENANCE_ERROR,
                           ZU_EVENT_MAINTENANCE_ERROR_NOT_SUPPORTED)
          || g_error_matches (why, G_IO_ERROR, G_IO_ERROR_NOT_SUPPORTED))
        return TRUE;
      g_propagate_prefixed_error (error, g_steal_pointer (&why), "cannot check the log's store: ");
      return FALSE;
    }

  for (guint i = 0; problems[i] != NULL; i++)
    {
      g_autoptr (ZuViolation) violation =
          zu_violation_new (ZU_VIOLATION_KIND_INDEX_MISMATCH, "-", problems[i]);

      zu_chain_verifier_add_violation (check->verifier, violation);
    }
  return TRUE;
}

static gint64
count_expected (ZuEventSink *sink, ZuFilter *filter)
{
  return isatty (STDERR_FILENO) ? zu_event_sink_count (sink, filter, NULL, NULL) : 0;
}

static gboolean
check_sink (Check *check, ZuEventSink *sink, GError **error)
{
  g_autoptr (ZuFilter) filter = check->trace_id != NULL ? zu_filter_new () : NULL;

  if (filter != NULL)
    zu_filter_add (filter, "trace_id", check->trace_id);
  check->n_expected = count_expected (sink, filter);
  if (!zu_chain_verifier_add_log (check->verifier, sink, filter, 0, NULL, error))
    {
      g_prefix_error (error, "cannot read the log: ");
      return FALSE;
    }
  zuctl_progress_clear (&check->progress);
  zu_chain_verifier_end (check->verifier);
  return check_store (check, sink, error);
}

/* Compared with an anchor, of which only one trace's records count where one is asked for. */
static gboolean
set_anchor (Check *check, const char *path, const char *trace_id, GError **error)
{
  g_autoptr (GFile) file = g_file_new_for_path (path);
  g_autoptr (ZuAnchor) all = zu_anchor_new_from_file (file, error);
  g_autoptr (ZuAnchor) wanted = zu_anchor_new ();

  if (all == NULL)
    {
      g_prefix_error (error, "cannot read the anchor file %s: ", path);
      return FALSE;
    }

  for (guint i = 0; i < zu_anchor_get_size (all); i++)
    if (trace_id == NULL || g_str_equal (zu_anchor_get_trace_id (all, i), trace_id))
      zu_anchor_add (wanted, zu_anchor_get_trace_id (all, i), zu_anchor_get_seq (all, i),
                     zu_anchor_get_head (all, i));
  zu_chain_verifier_set_anchor (check->verifier, wanted);
  return TRUE;
}

static guint64
get_n_violations (const Check *check)
{
  return zu_chain_verifier_get_n_violations (check->verifier);
}

/* What a verification without these could not see. */
static GStrv
list_unchecked (const Check *check, const ZuctlLogOptions *options, const char *anchor)
{
  g_autoptr (GStrvBuilder) list = g_strv_builder_new ();
  g_auto (GStrv) notes = zu_seal_verifier_dup_notes (check->seals);
  guint64 n_events = zu_chain_verifier_get_n_events (check->verifier);
  guint64 n_signed = zu_chain_verifier_get_n_signed (check->verifier);

  if (n_signed < n_events)
    g_strv_builder_add (list, n_signed == 0 ? "unsigned" : "partly unsigned");
  if (n_signed > 0 && options->sign_key_file == NULL)
    g_strv_builder_add (list, "signatures not checked without --sign-key-file");
  if (anchor == NULL)
    {
      g_strv_builder_add (list, "unanchored");
      g_strv_builder_add (list, "whether it is an older copy");
    }
  g_strv_builder_addv (list, (const char **) notes);
  if (check->has_unchecked_indexes)
    g_strv_builder_add (list, "the log's indexes, with --trace");
  return g_strv_builder_end (list);
}

static void
print_json_summary (const Check *check, GStrv unchecked)
{
  g_autoptr (ZuJsonBuilder) builder = zu_json_builder_new ();
  g_autoptr (ZuJson) json = NULL;

  zu_json_builder_begin_object (builder);
  zu_json_builder_set_member (builder, "events");
  zu_json_builder_add_int64 (builder, zu_chain_verifier_get_n_events (check->verifier));
  zu_json_builder_set_member (builder, "traces");
  zu_json_builder_add_int64 (builder, zu_chain_verifier_get_n_traces (check->verifier));
  zu_json_builder_set_member (builder, "violations");
  zu_json_builder_add_int64 (builder, (gint64) get_n_violations (check));
  zu_json_builder_set_member (builder, "intact");
  zu_json_builder_add_boolean (builder, get_n_violations (check) == 0);
  zu_json_builder_set_member (builder, "unchecked");
  zu_json_builder_begin_array (builder);
  for (guint i = 0; unchecked[i] != NULL; i++)
    zu_json_builder_add_string (builder, unchecked[i]);
  zu_json_builder_end_array (builder);
  zu_json_builder_end_object (builder);
  json = zu_json_builder_end (builder, NULL);
  zuctl_print_json (json);
}

static void
print_summary (const Check *check, GStrv unchecked)
{
  guint64 n_events = zu_chain_verifier_get_n_events (check->verifier);
  guint64 n_violations = get_n_violations (check);
  guint n_traces = zu_chain_verifier_get_n_traces (check->verifier);
  g_autofree char *rest = g_strjoinv (", ", unchecked);

  zuctl_set_style (n_violations == 0 ? ZUCTL_STYLE_GOOD : ZUCTL_STYLE_BAD);
  if (n_violations == 0)
    zuctl_print ("intact");
  else
    zuctl_print ("%" G_GUINT64_FORMAT " violation%s", n_violations, n_violations == 1 ? "" : "s");
  zuctl_set_style (ZUCTL_STYLE_PLAIN);
  zuctl_print (": %" G_GUINT64_FORMAT " event%s in %u trace%s", n_events, n_events == 1 ? "" : "s",
               n_traces, n_traces == 1 ? "" : "s");
  zuctl_print (*rest != '\0' ? " (could not be checked: %s)\n" : "%s\n", rest);
}

static void
finish_verify (const Check *check, const ZuctlLogOptions *options, const char *anchor)
{
  g_auto (GStrv) unchecked = list_unchecked (check, options, anchor);

  if (check->is_json)
    print_json_summary (check, unchecked);
  else
    print_summary (check, unchecked);
}

int
zuctl_log_verify (const ZuctlCommand *command, GStrv words, GError **error)
{
  g_autofree char *trace_id = NULL;
  g_autofree char *anchor = NULL;
  gboolean require_seals = FALSE;
  const GOptionEntry entries[] = {
    { "trace", 0, 0, G_OPTION_ARG_STRING, &trace_id, "Only this trace", "ID" },
    { "anchor", 0, 0, G_OPTION_ARG_FILENAME, &anchor, "Compare with this anchor file", "FILE" },
    { "require-seals", 0, 0, G_OPTION_ARG_NONE, &require_seals,
      "A log without seals is a violation; so it is with a key or an anchor", NULL },
    G_OPTION_ENTRY_NULL
  };
  g_auto (ZuctlLogOptions) options = { NULL };
  g_auto (ZuctlParsed) parsed = { 0 };
  g_auto (Check) check = { NULL };
  g_autoptr (ZuEventSink) sink = NULL;

  if (!zuctl_log_parse (command, words, entries, &options, &parsed, error))
    return parsed.status;
  sink = zuctl_log_open (&options, parsed.rest[0], error);
  if (sink == NULL)
    return ZUCTL_ERROR;

  check.is_json = options.is_json;
  check.trace_id = trace_id;
  check_init (&check, options.sign_key);
  require_seals |= (options.sign_key != NULL || anchor != NULL) && can_be_sealed (sink);
  if ((anchor != NULL && !set_anchor (&check, anchor, trace_id, error))
      || !read_seals (&check, sink, options.sign_key, require_seals, error)
      || !check_sink (&check, sink, error))
    return ZUCTL_ERROR;

  finish_verify (&check, &options, anchor);
  return get_n_violations (&check) == 0 ? ZUCTL_DONE : ZUCTL_NO;
}

/* Writing down the heads of a log that is not intact would make its state the truth. */
static gboolean
check_is_intact (const Check *check, GError **error)
{
  guint64 n_violations = get_n_violations (check);

  if (n_violations == 0)
    return TRUE;

  g_set_error (error, ZUCTL_FAILURE, ZUCTL_FAILURE_INPUT,
               "nothing was anchored: the log has %" G_GUINT64_FORMAT
               " violation%s (see zuctl log verify)",
               n_violations, n_violations == 1 ? "" : "s");
  return FALSE;
}

static gboolean
append_anchor (ZuAnchor *heads, const char *path, GError **error)
{
  g_autoptr (GFile) file = g_file_new_for_path (path);

  if (zu_anchor_append_to_file (heads, file, error))
    return TRUE;
  g_prefix_error (error, "cannot write the anchor file %s: ", path);
  return FALSE;
}

int
zuctl_log_anchor (const ZuctlCommand *command, GStrv words, GError **error)
{
  g_autofree char *trace_id = NULL;
  g_autofree char *path = NULL;
  const GOptionEntry entries[] = {
    { "anchor", 0, 0, G_OPTION_ARG_FILENAME, &path, "The anchor file; must be given", "FILE" },
    { "trace", 0, 0, G_OPTION_ARG_STRING, &trace_id, "Only this trace", "ID" },
    G_OPTION_ENTRY_NULL
  };
  g_auto (ZuctlLogOptions) options = { NULL };
  g_auto (ZuctlParsed) parsed = { 0 };
  g_auto (Check) check = { NULL };
  g_autoptr (ZuEventSink) sink = NULL;
  g_autoptr (ZuAnchor) heads = NULL;

  if (!zuctl_log_parse (command, words, entries, &options, &parsed, error))
    return parsed.status;
  if (path == NULL)
    {
      g_set_error_literal (error, ZUCTL_FAILURE, ZUCTL_FAILURE_USAGE,
                           "log anchor: --anchor is missing (see zuctl log anchor --help)");
      return ZUCTL_ERROR;
    }
  sink = zuctl_log_open (&options, parsed.rest[0], error);
  if (sink == NULL)
    return ZUCTL_ERROR;

  check.is_quiet = TRUE;
  check.trace_id = trace_id;
  check_init (&check, options.sign_key);
  if (!read_seals (&check, sink, options.sign_key, FALSE, error)
      || !check_sink (&check, sink, error))
    return ZUCTL_ERROR;
  if (!check_is_intact (&check, error))
    return ZUCTL_NO;

  heads = zu_chain_verifier_dup_heads (check.verifier);
  if (!append_anchor (heads, path, error))
    return ZUCTL_ERROR;
  if (options.is_json)
    zuctl_print ("{\"anchored\":%u}\n", zu_anchor_get_size (heads));
  else
    zuctl_print ("anchored %u trace%s\n", zu_anchor_get_size (heads),
                 zu_anchor_get_size (heads) == 1 ? "" : "s");
  return ZUCTL_DONE;
}
